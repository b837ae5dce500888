//! Collects the metrics of many rules into one plan, each thing once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrow::datatypes::DataType;
use chrono_tz::Tz;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Expr;

use crate::error::Result;
use crate::model::{BoundModel, Column};
use crate::predicate::{Atom, Metric, Predicate, Source, Span};
use crate::rule::Aggregate;

use super::super::expr::{plain, plain_type};
use super::super::metric_type::{result_type, value_type};
use super::super::stream::Streams;
use super::super::times::Clock;
use super::super::{Flavor, PlanSources, Planner, named};
use super::asked::metric_of;
use super::codes::Needs;
use super::{
    Asked, Coded, Measure, MeasureKind, PassFilter, PassMetric, PassPlan, PassStream, PassTable,
    PassValue, Reading,
};

/// The number of an atom in the plan.
pub(crate) type Placed = usize;

/// So many fields of one table are kept with each event; metrics of more are not shared.
const MAX_VALUES: usize = 16;

/// Gathers atoms, and makes the plan of them.
pub(crate) struct Collector<'a> {
    model: &'a BoundModel,
    sources: &'a dyn PlanSources,
    /// Microseconds since 1970.
    as_of: i64,
    tables: Vec<DraftTable>,
    streams: Vec<DraftStream>,
    streams_by: HashMap<Vec<(usize, usize)>, usize>,
    atoms: usize,
}

struct DraftTable {
    name: String,
    user: Column,
    time: Column,
    filters: Vec<(Option<Expr>, Predicate, Tz)>,
    filters_by: HashMap<Option<Expr>, usize>,
    values: Vec<PassValue>,
    values_by: HashMap<Expr, usize>,
    /// The columns that fields are made of.
    columns: BTreeSet<String>,
    key: Expr,
}

struct DraftStream {
    members: Vec<(usize, usize)>,
    measures: Vec<Measure>,
    metrics: Vec<DraftMetric>,
    metrics_by: HashMap<(Span, Reading), usize>,
}

/// A metric by its window, and the atoms on it with their numbers.
type DraftMetric = (Span, Reading, Vec<(usize, Asked)>);

impl<'a> Collector<'a> {
    pub(crate) fn new(model: &'a BoundModel, sources: &'a dyn PlanSources, as_of: i64) -> Self {
        Collector {
            model,
            sources,
            as_of,
            tables: Vec::new(),
            streams: Vec::new(),
            streams_by: HashMap::new(),
            atoms: 0,
        }
    }

    fn planner(&self, zone: Tz) -> Planner<'a> {
        let (model, sources, as_of) = (self.model, self.sources, self.as_of);
        Planner { model, sources, as_of, zone, flavor: Flavor::Engine }
    }

    /// Takes an atom in, and answers its number; nothing if it is not about a metric that the pass
    /// can compute.
    pub(crate) fn add(&mut self, atom: &Atom, zone: Tz) -> Result<Option<Placed>> {
        let Some(metric) = metric_of(&atom.value) else { return Ok(None) };
        let planner = self.planner(zone);
        let Some(fields) = fields(&planner, metric)? else { return Ok(None) };
        let Some(asked) = planner.asked(atom, metric, &fields.result) else { return Ok(None) };
        let Some(members) = self.members(metric, &planner)? else { return Ok(None) };
        let Some(slots) = self.slots(&members, &fields, metric) else { return Ok(None) };
        let stream = *self.streams_by.entry(members.clone()).or_insert_with(|| {
            self.streams.push(DraftStream {
                members,
                measures: Vec::new(),
                metrics: Vec::new(),
                metrics_by: HashMap::new(),
            });
            self.streams.len() - 1
        });
        let Some(stream) = self.streams.get_mut(stream) else { return Ok(None) };
        let span = planner.span(&metric.windows);
        let reading = stream.reading(metric.aggregate, slots, &fields.result);
        Ok(Some(stream.ask(span, reading, asked, &mut self.atoms)))
    }

    /// The tables of a metric's sources, each with the filter on it.
    fn members(
        &mut self,
        metric: &Metric,
        planner: &Planner<'_>,
    ) -> Result<Option<Vec<(usize, usize)>>> {
        let mut members = Vec::with_capacity(metric.sources.len());
        for source in &metric.sources {
            let filter = match &source.filter {
                Predicate::Const(true) => None,
                filter => Some(planner.predicate(filter, false, &Streams::none())?),
            };
            let place = self.table(source, planner);
            let Some(table) = self.tables.get_mut(place) else { return Ok(None) };
            let next = table.filters.len();
            let number = *table.filters_by.entry(filter.clone()).or_insert(next);
            if number == next {
                table.filters.push((filter, source.filter.clone(), planner.zone));
            }
            members.push((place, number));
        }
        Ok(Some(members))
    }

    fn table(&mut self, source: &Source, planner: &Planner<'_>) -> usize {
        let same = |table: &DraftTable| {
            (&table.name, &table.user.name, &table.time.name)
                == (&source.table, &source.user.name, &source.time.name)
        };
        if let Some(known) = self.tables.iter().position(same) {
            return known;
        }
        self.tables.push(DraftTable {
            name: source.table.clone(),
            user: source.user.clone(),
            time: source.time.clone(),
            filters: Vec::new(),
            filters_by: HashMap::new(),
            values: Vec::new(),
            values_by: HashMap::new(),
            columns: BTreeSet::new(),
            key: planner.event_user(source),
        });
        self.tables.len() - 1
    }

    /// The places of a metric's fields in their tables.
    fn slots(
        &mut self,
        members: &[(usize, usize)],
        fields: &Fields,
        metric: &Metric,
    ) -> Option<Option<Vec<usize>>> {
        let Some(exprs) = &fields.exprs else { return Some(None) };
        let mut slots = Vec::with_capacity(members.len());
        for ((place, _), (column, expr)) in members.iter().zip(exprs) {
            let table = self.tables.get_mut(*place)?;
            let next = table.values.len();
            let slot = *table.values_by.entry(expr.clone()).or_insert(next);
            if slot == next {
                if slot == MAX_VALUES {
                    table.values_by.remove(expr);
                    return None;
                }
                let data_type = fields.data_type.clone();
                let value =
                    PassValue { expr: expr.clone(), data_type, extreme: false, summed: false };
                table.values.push(value);
                table.columns.insert(column.clone());
            }
            let value = table.values.get_mut(slot)?;
            match metric.aggregate {
                Aggregate::Sum | Aggregate::Avg => value.summed = true,
                Aggregate::Count => {}
                _ => value.extreme = true,
            }
            slots.push(slot);
        }
        Some(Some(slots))
    }

    /// The plan of all atoms that were taken in.
    pub(crate) fn finish(self) -> PassPlan {
        let spans = self.streams.iter().flat_map(|stream| &stream.metrics).map(|(span, ..)| *span);
        let spans: Vec<Span> = spans.filter(|span| span.start < span.end).collect();
        let edges = spans.iter().flat_map(|span| [span.start, span.end]);
        let edges: BTreeSet<i64> = edges.filter(|edge| *edge != i64::MIN).collect();
        let edges: Vec<i64> = edges.into_iter().collect();
        let open = spans.iter().any(|span| span.start == i64::MIN);
        let planner = |zone| self.planner(zone);
        let tables = self.tables.iter().map(|table| table.finished(&planner, &edges, open));
        let streams = self.streams.iter().map(|stream| stream.finished(&edges));
        PassPlan {
            tables: tables.collect(),
            streams: streams.collect(),
            atoms: self.atoms,
            buckets: edges.len(),
        }
    }
}

/// The fields of a metric, one for each source, and the types of them and of the metric's value.
struct Fields {
    /// None for a count of events.
    exprs: Option<Vec<(String, Expr)>>,
    data_type: DataType,
    result: DataType,
}

/// What the pass has to read for a metric; nothing where it can't compute it.
fn fields(planner: &Planner<'_>, metric: &Metric) -> Result<Option<Fields>> {
    let several = metric.sources.len() > 1;
    let result = result_type(metric, Flavor::Engine);
    let data_type = value_type(metric, Flavor::Engine);
    let scaled = |t: &DataType| matches!(t, DataType::Decimal128(_, scale) if *scale < 0);
    let own = metric.sources.iter().filter_map(|s| s.field.as_ref()).map(|f| &f.data_type);
    let shared = match metric.aggregate {
        Aggregate::Count => true,
        Aggregate::Sum | Aggregate::Avg | Aggregate::Min | Aggregate::Max => {
            kept(&data_type) && !own.clone().any(|t| scaled(&plain_type(t)))
        }
        Aggregate::DaysSinceFirst | Aggregate::DaysSinceLast => kept(&result),
        Aggregate::CountDistinct | Aggregate::First | Aggregate::Last => false,
    };
    if !shared {
        return Ok(None);
    }
    if metric.aggregate.is_days_since() {
        let mut exprs = Vec::with_capacity(metric.sources.len());
        for source in &metric.sources {
            let (own, time) = (&source.time.data_type, &source.time.name);
            let column = plain(named(&source.table, time), own);
            let expr = match several {
                false => column,
                true => planner.event_time(column, own, Some(Clock::Instant), Span::ALL)?,
            };
            exprs.push((time.clone(), expr));
        }
        return Ok(Some(Fields { exprs: Some(exprs), data_type: result.clone(), result }));
    }
    let mut exprs = Vec::with_capacity(metric.sources.len());
    for source in &metric.sources {
        let Some(column) = &source.field else { continue };
        exprs.push((column.name.clone(), planner.field(metric, source, column, several)?));
    }
    let exprs = (!exprs.is_empty()).then_some(exprs);
    Ok(Some(Fields { exprs, data_type, result }))
}

/// Whether a value of that type is kept as a whole number of 64 bits; larger ones are noticed when
/// they come.
fn kept(data_type: &DataType) -> bool {
    data_type.is_integer()
        || matches!(
            data_type,
            DataType::Decimal128(_, _)
                | DataType::Float64
                | DataType::Date32
                | DataType::Timestamp(_, _)
        )
}

impl DraftTable {
    fn finished<'a>(
        &self,
        planner: &impl Fn(Tz) -> Planner<'a>,
        edges: &[i64],
        open: bool,
    ) -> PassTable {
        let time_type = plain_type(&self.time.data_type);
        let utc = planner(Tz::UTC);
        let bound = |edge: &i64| {
            // An instant that the unit can't hold lies before or after all that it can.
            let beyond = if *edge < 0 { i64::MIN } else { i64::MAX };
            utc.raw_bound(&time_type, *edge).unwrap_or(beyond)
        };
        let mut needs = Needs::new();
        let decided: Vec<Option<BTreeSet<String>>> = self
            .filters
            .iter()
            .map(|(_, filter, zone)| planner(*zone).decided_by(filter, &mut needs))
            .collect();
        let places: BTreeMap<&String, usize> = needs.keys().zip(0..).collect();
        let place = |name: &String| places.get(name).copied();
        let filters = self.filters.iter().zip(&decided).map(|((expr, ..), names)| PassFilter {
            expr: expr.clone(),
            by: names.as_ref().map(|names| names.iter().filter_map(place).collect()),
        });
        let filters = filters.collect();
        let mut columns = self.columns.clone();
        columns.insert(self.time.name.clone());
        for (_, filter, _) in &self.filters {
            columns.extend(filter.columns().into_iter().map(|column| column.name.clone()));
        }
        let fields = columns.iter().cloned().collect();
        columns.insert(self.user.name.clone());
        let time = plain(named(&self.name, &self.time.name), &self.time.data_type);
        let start = if open { i64::MIN } else { edges.first().copied().unwrap_or(i64::MAX) };
        let end = edges.last().copied().unwrap_or(i64::MAX);
        PassTable {
            name: self.name.clone(),
            span: utc.in_span(time, &self.time.data_type, Span { start, end }),
            columns: columns.into_iter().collect(),
            fields,
            user: self.key.clone(),
            user_column: self.user.name.clone(),
            time: self.time.clone(),
            bounds: edges.iter().map(bound).collect(),
            open,
            filters,
            coded: needs
                .into_values()
                .map(|need| {
                    let cuts = need.cuts.map(|cuts| cuts.into_iter().collect());
                    Coded { column: need.column, cuts }
                })
                .collect(),
            values: self.values.iter().map(PassValue::again).collect(),
        }
    }
}

impl PassValue {
    fn again(&self) -> PassValue {
        PassValue { expr: self.expr.clone(), data_type: self.data_type.clone(), ..*self }
    }
}

impl DraftStream {
    fn measure(&mut self, kind: MeasureKind, slots: Option<Vec<usize>>) -> usize {
        let measure = Measure { kind, slots };
        if let Some(known) = self.measures.iter().position(|known| *known == measure) {
            return known;
        }
        self.measures.push(measure);
        self.measures.len() - 1
    }

    fn reading(
        &mut self,
        aggregate: Aggregate,
        slots: Option<Vec<usize>>,
        result: &DataType,
    ) -> Reading {
        match aggregate {
            Aggregate::Sum => Reading::Total(self.measure(MeasureKind::Sum, slots)),
            Aggregate::Avg => {
                let scale = if let DataType::Decimal128(_, scale) = result { *scale } else { 0 };
                let sum = self.measure(MeasureKind::Sum, slots.clone());
                Reading::Ratio(sum, self.measure(MeasureKind::Count, slots), scale)
            }
            Aggregate::Min | Aggregate::DaysSinceFirst => {
                Reading::Extreme(self.measure(MeasureKind::Least, slots))
            }
            Aggregate::Max | Aggregate::DaysSinceLast => {
                Reading::Extreme(self.measure(MeasureKind::Greatest, slots))
            }
            _ => Reading::Total(self.measure(MeasureKind::Count, slots)),
        }
    }

    /// The number of an atom, which may be one that was asked before.
    fn ask(&mut self, span: Span, reading: Reading, asked: Asked, atoms: &mut usize) -> usize {
        let next = self.metrics.len();
        let place = *self.metrics_by.entry((span, reading)).or_insert(next);
        if place == next {
            self.metrics.push((span, reading, Vec::new()));
        }
        let Some((.., known)) = self.metrics.get_mut(place) else { return *atoms };
        if let Some((number, _)) = known.iter().find(|(_, known)| *known == asked) {
            return *number;
        }
        known.push((*atoms, asked));
        *atoms += 1;
        *atoms - 1
    }

    fn finished(&self, edges: &[i64]) -> PassStream {
        // An event at or after the edge at place i has a bucket above i.
        let after = |edge: i64| edges.partition_point(|known| *known <= edge);
        let bucket = |edge: i64| if edge == i64::MIN { 0 } else { after(edge) };
        let span =
            |span: &Span| (span.start < span.end).then(|| (bucket(span.start), bucket(span.end)));
        let ends = self.metrics.iter().filter_map(|(s, ..)| span(s));
        let cuts: BTreeSet<usize> = ends.flat_map(|(start, end)| [start, end]).collect();
        let cuts: Vec<usize> = cuts.into_iter().collect();
        let height = cuts.len().saturating_sub(1);
        let row = |bucket: usize| {
            let row = cuts.partition_point(|cut| *cut <= bucket).checked_sub(1)?;
            u16::try_from(row).ok().filter(|_| row < height)
        };
        let place = |bucket: usize| cuts.partition_point(|cut| *cut < bucket);
        let metrics = self.metrics.iter().map(|(s, reading, atoms)| {
            let (start, end) = span(s).map_or((0, 0), |(s, e)| (place(s), place(e)));
            PassMetric { start, end, reading: *reading, atoms: atoms.clone() }
        });
        let metrics: Vec<PassMetric> = metrics.collect();
        let reads = |metric: &PassMetric, measure| match metric.reading {
            Reading::Total(read) | Reading::Extreme(read) => read == measure,
            Reading::Ratio(sum, count, _) => sum == measure || count == measure,
        };
        let to_the_end = (0..self.measures.len()).map(|measure| {
            let mut readers = metrics.iter().filter(|metric| reads(metric, measure));
            readers.all(|metric| metric.end == height || metric.start == metric.end)
        });
        let to_the_end = to_the_end.collect();
        PassStream {
            to_the_end,
            members: self.members.clone(),
            measures: self.measures.clone(),
            metrics,
            rows: (0..edges.len()).map(row).collect(),
            height,
        }
    }
}

/// A time as the whole number that its column holds.
pub(super) fn whole_scalar(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::Date32(value) => value.map(i64::from),
        ScalarValue::TimestampSecond(value, _)
        | ScalarValue::TimestampMillisecond(value, _)
        | ScalarValue::TimestampMicrosecond(value, _)
        | ScalarValue::TimestampNanosecond(value, _) => *value,
        _ => None,
    }
}
