//! Streams: the events of some tables under one filter and window, reduced to one row per user.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::datasource::provider_as_source;
use datafusion::functions_aggregate::expr_fn::{count, count_distinct, max, min};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, lit, try_cast, when};

use crate::error::Result;
use crate::model::{Column, FieldType, KeyType};
use crate::predicate::{BoundSequence, Metric, Predicate, Source, Span, span_of_windows};
use crate::rule::{Aggregate, Window};

use super::exact_sum::exact_sum;
use super::expr::plain;
use super::functions::{decimal_of_double, pack, unpack};
use super::metric_type::{field_types, instant_type, time_types, value_type};
use super::times::Clock;
use super::{Dialect, Flavor, Planner, internal, named, native, table_name};

/// Metrics that share one pass over the same events.
pub(super) struct Stream {
    metrics: Vec<Arc<Metric>>,
}

/// All streams of some predicates.
pub(super) struct Streams {
    streams: Vec<Stream>,
    sequences: Vec<Arc<BoundSequence>>,
}

/// Whether two metrics read the same events: all but the fields they aggregate.
fn same_events(a: &Metric, b: &Metric) -> bool {
    let events = |s: &Source, t: &Source| {
        s.table == t.table && s.user == t.user && s.time == t.time && s.filter == t.filter
    };
    a.windows == b.windows
        && a.sources.len() == b.sources.len()
        && a.sources.iter().zip(&b.sources).all(|(s, t)| events(s, t))
}

impl Streams {
    pub(super) fn of(predicates: &[&Predicate]) -> Streams {
        let mut streams: Vec<Stream> = Vec::new();
        for metric in predicates.iter().flat_map(|predicate| predicate.metrics()) {
            let known = |stream: &&mut Stream| {
                stream.metrics.first().is_some_and(|first| same_events(first, metric))
            };
            match streams.iter_mut().find(known) {
                Some(stream) if stream.metrics.contains(metric) => {}
                Some(stream) => stream.metrics.push(Arc::clone(metric)),
                None => streams.push(Stream { metrics: vec![Arc::clone(metric)] }),
            }
        }
        let mut sequences: Vec<Arc<BoundSequence>> = Vec::new();
        for predicate in predicates {
            predicate.walk(&mut |node| {
                if let Predicate::Sequence(sequence) = node
                    && !sequences.contains(sequence)
                {
                    sequences.push(Arc::clone(sequence));
                }
            });
        }
        Streams { streams, sequences }
    }

    /// Those of a filter of events, which has none.
    pub(super) fn none() -> Streams {
        Streams { streams: Vec::new(), sequences: Vec::new() }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Stream> {
        self.streams.iter()
    }

    pub(super) fn sequences(&self) -> &[Arc<BoundSequence>] {
        &self.sequences
    }

    /// The column that says whether a user did it.
    pub(super) fn did(&self, sequence: &BoundSequence) -> Option<Expr> {
        let index = self.sequences.iter().position(|known| **known == *sequence)?;
        Some(super::steps::did(index))
    }

    /// Where a metric's value is: the stream's index and the metric's in it.
    fn place(&self, metric: &Metric) -> Option<(usize, usize)> {
        self.streams.iter().enumerate().find_map(|(index, stream)| {
            stream.metrics.iter().position(|m| **m == *metric).map(|at| (index, at))
        })
    }

    /// The column of a metric's value, and of its count where it is an average.
    pub(super) fn columns(&self, metric: &Metric) -> Option<(Expr, Expr)> {
        let (stream, at) = self.place(metric)?;
        let table = alias(stream);
        Some((named(&table, &format!("v{at}")), named(&table, &format!("n{at}"))))
    }
}

fn alias(index: usize) -> String {
    format!("events_{index}")
}

/// The column of a stream's user keys.
pub(super) fn user_of(index: usize) -> Expr {
    named(&alias(index), "event_user")
}

/// The columns that one source gives to its stream's aggregates.
struct Inputs {
    user: Expr,
    /// Whether any of the aggregates looks at `time`; without, it is not worked out.
    timed: bool,
    /// The instant of the event, in the column's own type where equal values are equal instants.
    time: Expr,
    /// The time column itself, whose least and greatest are those of the instants too.
    own_time: Expr,
    fields: Vec<Option<Expr>>,
}

impl Planner<'_> {
    /// One row per user with `event_user`, and `v0`, `v1`, … for the stream's metrics.
    pub(super) fn stream(&self, stream: &Stream, index: usize) -> Result<LogicalPlan> {
        let Some(first) = stream.metrics.first() else {
            return Err(crate::Error::new(crate::Code::Internal, "a stream without metrics"));
        };
        let several = first.sources.len() > 1;
        let clock = self.shared_clock(first)?;
        let span = self.span(&first.windows);
        let mut plans = Vec::with_capacity(first.sources.len());
        for (at, source) in first.sources.iter().enumerate() {
            let builder = self.events(source, span)?;
            let inputs = self.inputs(stream, at, clock, span)?;
            plans.push((builder, inputs));
        }
        let (builder, inputs) = match several {
            false => plans.remove(0),
            true => union(plans)?,
        };
        // What two metrics need alike, as an average and a sum do, is worked out once.
        let mut values: Vec<Expr> = Vec::new();
        let mut aggregates = Vec::new();
        for (at, metric) in stream.metrics.iter().enumerate() {
            let field = inputs.fields.get(at).cloned().flatten();
            for (name, value) in self.aggregates(metric, field, &inputs)? {
                let place = values.iter().position(|known| *known == value);
                aggregates.push((format!("{name}{at}"), place.unwrap_or(values.len()), metric));
                values.extend(place.is_none().then_some(value));
            }
        }
        let builder = builder.aggregate([inputs.user.clone()], values).map_err(internal)?;
        // The names of the aggregate's columns are DataFusion's own; they get ours by position.
        let given: Vec<Expr> = builder.schema().columns().into_iter().map(Expr::Column).collect();
        let mut columns: Vec<Expr> =
            given.first().map(|user| user.clone().alias("event_user")).into_iter().collect();
        for (name, place, metric) in aggregates {
            let value = given.get(place + 1).cloned();
            columns.extend(value.map(|value| self.finished(value, metric, several).alias(name)));
        }
        let builder = builder.project(columns).map_err(internal)?;
        builder.alias(alias(index)).map_err(internal)?.build().map_err(internal)
    }

    /// The instants that all of the windows keep; events at or after `as_of` never count.
    pub(super) fn span(&self, windows: &[Window]) -> Span {
        span_of_windows(windows, self.as_of, self.zone)
    }

    /// The events of a source that lie in the span and pass the filter.
    fn events(&self, source: &Source, span: Span) -> Result<LogicalPlanBuilder> {
        let provider = self.sources.table(&source.table)?;
        let name = table_name(&source.table);
        let builder =
            LogicalPlanBuilder::scan(name, provider_as_source(provider), None).map_err(internal)?;
        let time = plain(named(&source.table, &source.time.name), &source.time.data_type);
        let mut parts = self.in_span(time, &source.time.data_type, span);
        if source.filter != Predicate::Const(true) {
            let none = Streams::none();
            parts.push(self.predicate(&source.filter, false, &none)?);
        }
        // Last, so that it is asked only of events that pass the rest.
        parts.extend(self.asked_about(self.event_user(source)));
        builder.filter(super::balanced(parts, true)).map_err(internal)
    }

    /// The bounds of a span on a time column; always at least one.
    pub(super) fn in_span(&self, time: Expr, data_type: &DataType, span: Span) -> Vec<Expr> {
        if span.start >= span.end {
            return vec![lit(false)];
        }
        let bound = |at| native::bound(data_type, self.model.zone, at);
        let mut parts = Vec::new();
        if let Some(start) = bound(span.start) {
            parts.push(time.clone().gt_eq(self.literal(start)));
        }
        if let Some(end) = bound(span.end) {
            parts.push(time.clone().lt(self.literal(end)));
        }
        if parts.is_empty() {
            parts.push(time.is_not_null());
        }
        parts
    }

    /// The clock on which the events of several tables are ordered.
    fn shared_clock(&self, metric: &Metric) -> Result<Option<Clock>> {
        match (metric.sources.len(), self.flavor) {
            (1, _) => Ok(None),
            (_, Flavor::Engine) => Ok(Some(Clock::Instant)),
            (_, Flavor::Text(_)) => {
                // An error only where the order is asked for.
                Ok(Some(self.clock(&time_types(metric)).unwrap_or(Clock::Instant)))
            }
        }
    }

    /// The user's key as the population has it: an integer or a string.
    pub(super) fn event_user(&self, source: &Source) -> Expr {
        let user = plain(named(&source.table, &source.user.name), &source.user.data_type);
        match (self.model.key_type, &source.user.data_type) {
            (KeyType::Text, _) | (_, DataType::Int64) => user,
            (_, DataType::UInt64) => try_cast(user, DataType::Int64),
            (_, data_type)
                if data_type.is_floating() && self.flavor == Flavor::Text(Dialect::Sqlite) =>
            {
                let key = cast(user.clone(), DataType::Int64);
                when(key.clone().eq(user.clone()), key).end().unwrap_or(user)
            }
            (_, data_type) if data_type.is_floating() => {
                // 2^63 is the first double that is no 64-bit integer.
                let whole = datafusion::functions::expr_fn::floor(user.clone()).eq(user.clone());
                let fits = user.clone().gt_eq(self.double(-9_223_372_036_854_775_808.0));
                let fits = fits.and(user.clone().lt(self.double(9_223_372_036_854_775_808.0)));
                let key = cast(user.clone(), DataType::Int64);
                when(fits.and(whole), key).end().unwrap_or(user)
            }
            _ => cast(user, DataType::Int64),
        }
    }

    /// What a source gives; with several sources, in types common to all.
    fn inputs(
        &self,
        stream: &Stream,
        at: usize,
        clock: Option<Clock>,
        span: Span,
    ) -> Result<Inputs> {
        let several = clock.is_some();
        let mut fields = Vec::with_capacity(stream.metrics.len());
        let mut source = None;
        let timed = stream.metrics.iter().any(|metric| {
            let ordered = matches!(metric.aggregate, Aggregate::First | Aggregate::Last);
            metric.by_day || ordered || (several && metric.aggregate.is_days_since())
        });
        for metric in &stream.metrics {
            let Some(own) = metric.sources.get(at) else { continue };
            source = Some(own);
            let field = match &own.field {
                Some(column) => Some(self.field(metric, own, column, several)?),
                None => None,
            };
            fields.push(field);
        }
        let Some(source) = source else {
            return Err(crate::Error::new(crate::Code::Internal, "a stream without a source"));
        };
        let column = plain(named(&source.table, &source.time.name), &source.time.data_type);
        let own_time = column.clone();
        let time = match timed {
            true => self.event_time(column, &source.time.data_type, clock, span)?,
            false => lit(0i64),
        };
        Ok(Inputs { user: self.event_user(source), timed, time, own_time, fields })
    }

    /// A source's field in its metric's type.
    pub(super) fn field(
        &self,
        metric: &Metric,
        source: &Source,
        column: &Column,
        several: bool,
    ) -> Result<Expr> {
        let field = plain(named(&source.table, &column.name), &column.data_type);
        let own = super::expr::plain_type(&column.data_type);
        let wanted = value_type(metric, self.flavor);
        let sums = matches!(metric.aggregate, Aggregate::Sum | Aggregate::Avg);
        if sums && column.ty == FieldType::Float {
            let decimal = match self.flavor {
                Flavor::Engine => decimal_of_double(field),
                Flavor::Text(dialect) => {
                    let present = self.finite(field.clone());
                    let decimal = dialect.nearest_decimal(field)?;
                    when(present, decimal).end().map_err(internal)?
                }
            };
            return Ok(match wanted {
                DataType::Decimal128(_, 9) => decimal,
                other => cast(decimal, other),
            });
        }
        if sums && self.flavor == Flavor::Engine && !several {
            // exact_sum takes a decimal of any precision as it is.
            return Ok(match own {
                DataType::Decimal128(_, _) | DataType::Int64 => field,
                _ => cast(field, wanted),
            });
        }
        let distinct = metric.aggregate == Aggregate::CountDistinct;
        match (&own, &wanted) {
            // Distinct are instants; of the rest only the order matters, which walls keep.
            (DataType::Timestamp(_, _), _) if several || (distinct && !self.same_order(&own)) => {
                let types = field_types(metric);
                let clock = match self.flavor {
                    Flavor::Engine => Clock::Instant,
                    Flavor::Text(_) => self.clock(&types)?,
                };
                let span = if distinct { Span::ALL } else { Span { start: 0, end: 0 } };
                self.event_time(field, &own, Some(clock), span)
            }
            (own, wanted) if own == wanted => Ok(field),
            _ => Ok(cast(field, wanted)),
        }
    }

    /// The aggregate expressions of a metric: `v`, and for an average `n`.
    fn aggregates(
        &self,
        metric: &Metric,
        field: Option<Expr>,
        inputs: &Inputs,
    ) -> Result<Vec<(&'static str, Expr)>> {
        let time = &inputs.time;
        let float = value_type(metric, self.flavor).is_floating();
        let value = || match (&field, float) {
            // NaN and infinity are missing.
            (Some(field), true) => when(self.finite(field.clone()), field.clone()).end(),
            (Some(field), false) => Ok(field.clone()),
            (None, _) => Ok(lit(1i64)),
        };
        let value = value().map_err(internal)?;
        let present = match float {
            true => self.finite(field.clone().unwrap_or_else(|| lit(1i64))),
            false => value.clone().is_not_null(),
        };
        Ok(match metric.aggregate {
            Aggregate::Count => vec![("v", count(value))],
            Aggregate::Sum => vec![("v", self.sum(value, metric))],
            // The same count as of the field itself: columns that differ in a cast have one name.
            Aggregate::Avg => {
                vec![("v", self.sum(value.clone(), metric)), ("n", count(without_cast(value)))]
            }
            Aggregate::Min => vec![("v", min(value))],
            Aggregate::Max => vec![("v", max(value))],
            Aggregate::CountDistinct if metric.by_day => {
                vec![("v", count_distinct(self.day(time, &time_types(metric))?))]
            }
            // -0 is 0.
            Aggregate::CountDistinct if float => vec![("v", count_distinct(value + lit(0.0)))],
            Aggregate::CountDistinct => vec![("v", count_distinct(value))],
            Aggregate::First => vec![("v", self.end_of(value, present, time, true, metric)?)],
            Aggregate::Last => vec![("v", self.end_of(value, present, time, false, metric)?)],
            Aggregate::DaysSinceFirst => vec![("v", min(inputs.own_time.clone()))],
            Aggregate::DaysSinceLast => vec![("v", max(inputs.own_time.clone()))],
        })
    }

    fn sum(&self, value: Expr, metric: &Metric) -> Expr {
        match self.flavor {
            Flavor::Engine => exact_sum().call(vec![value]),
            Flavor::Text(_) => {
                datafusion::functions_aggregate::expr_fn::sum(match metric.sources.len() {
                    1 => cast(value, value_type(metric, self.flavor)),
                    _ => value,
                })
            }
        }
    }

    /// The value at the earliest or latest event that has one; among several at one instant, the
    /// smallest or largest.
    fn end_of(
        &self,
        value: Expr,
        present: Expr,
        time: &Expr,
        first: bool,
        metric: &Metric,
    ) -> Result<Expr> {
        let value_type = value_type(metric, self.flavor);
        match self.flavor {
            Flavor::Engine => {
                let packed = pack(time.clone(), value);
                Ok(if first { min(packed) } else { max(packed) })
            }
            Flavor::Text(dialect) => {
                dialect.end_of(value, value_type, time.clone(), present, first)
            }
        }
    }

    /// What an aggregate's value is once it is there: the value alone of a packed pair.
    fn finished(&self, value: Expr, metric: &Metric, several: bool) -> Expr {
        let ends = matches!(metric.aggregate, Aggregate::First | Aggregate::Last);
        match (self.flavor, metric.sources.first()) {
            (Flavor::Engine, Some(source)) if ends => {
                let own = super::expr::plain_type(&source.time.data_type);
                let time = match self.same_order(&own) && !several {
                    true => own,
                    false => instant_type(),
                };
                unpack(value, time, value_type(metric, self.flavor))
            }
            (Flavor::Text(dialect), _) if ends => {
                dialect.finished_end(value, &value_type(metric, self.flavor))
            }
            _ => value,
        }
    }
}

/// What is cast; it is missing where the outcome of the cast is.
fn without_cast(value: Expr) -> Expr {
    match value {
        Expr::Cast(cast) => *cast.expr,
        other => other,
    }
}

/// The rows of all sources under the names `event_user`, `event_time`, `f0`, `f1`, …
fn union(plans: Vec<(LogicalPlanBuilder, Inputs)>) -> Result<(LogicalPlanBuilder, Inputs)> {
    let mut joined: Option<LogicalPlanBuilder> = None;
    let mut shape = Vec::new();
    let mut timed = false;
    for (builder, inputs) in plans {
        let mut columns = vec![inputs.user.alias("event_user")];
        timed = inputs.timed;
        columns.extend(timed.then(|| inputs.time.alias("event_time")));
        shape = inputs.fields.iter().map(Option::is_some).collect();
        for (at, field) in inputs.fields.into_iter().enumerate() {
            columns.extend(field.map(|field| field.alias(format!("f{at}"))));
        }
        let plan = builder.project(columns).map_err(internal)?;
        joined = Some(match joined {
            None => plan,
            Some(first) => first.union(plan.build().map_err(internal)?).map_err(internal)?,
        });
    }
    let Some(builder) = joined else {
        return Err(crate::Error::new(crate::Code::Internal, "a stream without a source"));
    };
    let column = |name: &str| Expr::Column(datafusion::common::Column::new_unqualified(name));
    let fields = shape
        .iter()
        .enumerate()
        .map(|(at, given)| given.then(|| column(&format!("f{at}"))))
        .collect();
    let time = column("event_time");
    let (user, own_time) = (column("event_user"), time.clone());
    Ok((builder, Inputs { user, timed, time, own_time, fields }))
}
