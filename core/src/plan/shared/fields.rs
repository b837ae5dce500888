//! What a metric has to have of each event: its field, and the time that it is ordered by.

use arrow::datatypes::DataType;
use datafusion::logical_expr::Expr;

use crate::error::Result;
use crate::predicate::{Metric, Source, Span};
use crate::rule::Aggregate;

use super::super::expr::{is_text, plain, plain_type};
use super::super::metric_type::{result_type, time_types, value_type};
use super::super::times::Clock;
use super::super::{Flavor, Planner, named};

/// A field of a source: the column that it is made of, and how.
pub(super) type Field = (String, Expr);

/// What the pass reads for a metric, for each source.
pub(super) struct Fields {
    /// What is aggregated; nothing for a count of events.
    pub(super) values: Option<Vec<Field>>,
    /// What orders the events, where that matters.
    pub(super) times: Option<Vec<Field>>,
    /// Whether the values are texts.
    pub(super) texts: bool,
    /// The type of the metric's value.
    pub(super) result: DataType,
}

impl Planner<'_> {
    /// What the pass has to read for a metric; nothing where it can't compute it.
    pub(super) fn fields(&self, metric: &Metric) -> Result<Option<Fields>> {
        let result = result_type(metric, Flavor::Engine);
        let data_type = value_type(metric, Flavor::Engine);
        let texts = is_text(&data_type);
        let numbers = kept(&data_type) && !metric.sources.iter().any(is_beyond_the_point);
        let known = match metric.aggregate {
            Aggregate::Count => true,
            Aggregate::CountDistinct if metric.by_day => true,
            Aggregate::Sum | Aggregate::Avg => numbers,
            Aggregate::DaysSinceFirst | Aggregate::DaysSinceLast => kept(&result),
            _ => numbers || texts,
        };
        if !known {
            return Ok(None);
        }
        let each = |field: &dyn Fn(&Source) -> Result<Option<Field>>| {
            let fields = metric.sources.iter().filter_map(|source| field(source).transpose());
            let fields = fields.collect::<Result<Vec<_>>>()?;
            Ok::<_, crate::Error>((!fields.is_empty()).then_some(fields))
        };
        let several = metric.sources.len() > 1;
        let time = |source: &Source| Ok(Some(self.ordering(source, several)?));
        let values = match metric.aggregate {
            Aggregate::DaysSinceFirst | Aggregate::DaysSinceLast if several => each(&time)?,
            // The own times have the same order.
            Aggregate::DaysSinceFirst | Aggregate::DaysSinceLast => {
                each(&|source| Ok(Some(own_time(source))))?
            }
            _ if metric.by_day => each(&|source| {
                let (column, time) = self.ordering(source, several)?;
                Ok(Some((column, self.day(&time, &time_types(metric))?)))
            })?,
            _ => each(&|source| {
                let Some(column) = &source.field else { return Ok(None) };
                Ok(Some((column.name.clone(), self.field(metric, source, column, several)?)))
            })?,
        };
        let times = match metric.aggregate {
            Aggregate::First | Aggregate::Last => each(&time)?,
            _ => None,
        };
        Ok(Some(Fields { values, times, texts: texts && values_matter(metric), result }))
    }

    /// The time of a source's events such that equal values are equal instants, and later ones
    /// later; on one clock with those of other tables if there are several.
    fn ordering(&self, source: &Source, several: bool) -> Result<Field> {
        let (name, column) = own_time(source);
        let clock = several.then_some(Clock::Instant);
        Ok((name, self.event_time(column, &source.time.data_type, clock, Span::ALL)?))
    }

    /// The instant of a source's events.
    pub(super) fn instant(&self, source: &Source) -> Result<Field> {
        self.ordering(source, true)
    }
}

fn own_time(source: &Source) -> Field {
    let (own, name) = (&source.time.data_type, &source.time.name);
    (name.clone(), plain(named(&source.table, name), own))
}

/// Of the rest only whether there is a value.
fn values_matter(metric: &Metric) -> bool {
    metric.aggregate != Aggregate::Count
}

/// Whether a field has a scale below zero, whose whole numbers are not those of its type.
fn is_beyond_the_point(source: &Source) -> bool {
    let field = source.field.as_ref().map(|field| plain_type(&field.data_type));
    matches!(field, Some(DataType::Decimal128(_, scale)) if scale < 0)
}

/// Whether a value of that type is kept as a whole number of 64 bits; larger ones are noticed when
/// they come.
fn kept(data_type: &DataType) -> bool {
    data_type.is_integer()
        || matches!(
            data_type,
            DataType::Boolean
                | DataType::Decimal128(_, _)
                | DataType::Float64
                | DataType::Date32
                | DataType::Timestamp(_, _)
        )
}
