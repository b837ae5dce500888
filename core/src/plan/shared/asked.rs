//! Tests of a metric's value as ranges of whole numbers of 64 bits, in which the pass keeps values.

use arrow::datatypes::DataType;

use crate::model::{DAY, day_bound};
use crate::predicate::{Atom, DoubleRange, Metric, Ranges, Span, Test, Value, resolve};
use crate::rule::Aggregate;

use super::super::{Planner, native};
use super::Asked;

/// A double as a whole number of the same order; both zeros are one. Not for NaN.
pub(crate) fn ordered(value: f64) -> i64 {
    let bits = (value + 0.0).to_bits().cast_signed();
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

/// The double that [`ordered`] makes that number of.
pub(crate) fn unordered(number: i64) -> f64 {
    let bits = if number < 0 { number ^ i64::MAX } else { number };
    f64::from_bits(bits.cast_unsigned())
}

/// The widest range that a value can lie in.
const ALL: (i64, i64) = (i64::MIN, i64::MAX);

impl Planner<'_> {
    /// What an atom asks of its metric's value, kept as `data_type`; nothing where the pass can't
    /// tell.
    pub(super) fn asked(
        &self,
        atom: &Atom,
        metric: &Metric,
        data_type: &DataType,
    ) -> Option<Asked> {
        let negated = atom.negated;
        let ranges = match &atom.test {
            Test::Present => {
                // What is missing fails; what is there can't be "not there".
                return Some(match negated {
                    false => Asked::Present,
                    true => Asked::Within { ranges: Vec::new(), negated: false },
                });
            }
            Test::Ratios(ranges) => {
                return Some(Asked::RatioWithin { ranges: ranges.clone(), negated });
            }
            Test::Units(ranges) if metric.aggregate.is_days_since() => {
                self.instants_of(&days_ago(ranges, self.as_of), data_type)?
            }
            Test::Units(ranges) => match data_type {
                DataType::Timestamp(_, _) => self.instants_of(ranges, data_type)?,
                _ if metric.aggregate == Aggregate::Sum => {
                    ranges.iter().map(|(low, high)| summed(low, high)).collect::<Option<_>>()?
                }
                _ => ranges.iter().filter_map(|(low, high)| clamped(low, high)).collect(),
            },
            Test::Doubles(ranges) => ranges.iter().map(doubles).collect(),
            Test::During(window) => {
                let span = resolve(*window, self.as_of, self.zone);
                match data_type {
                    DataType::Timestamp(_, _) => vec![self.raw(data_type, span)?],
                    DataType::Date32 => vec![days(span, self.zone)],
                    _ => return None,
                }
            }
            Test::Bool(truth) => vec![(i64::from(*truth), i64::from(*truth))],
            Test::Text { .. } | Test::Has { .. } => return None,
        };
        let ranges = ranges.into_iter().filter(|(low, high)| low <= high).collect();
        Some(Asked::Within { ranges, negated })
    }

    /// Ranges of instants as ranges of a time column's own values.
    fn instants_of(&self, ranges: &Ranges, data_type: &DataType) -> Option<Vec<(i64, i64)>> {
        let clamp =
            |at: i128| i64::try_from(at).unwrap_or(if at < 0 { i64::MIN } else { i64::MAX });
        let spans = ranges
            .iter()
            .map(|(low, high)| Span { start: clamp(low), end: clamp(high.saturating_add(1)) });
        spans.map(|span| self.raw(data_type, span)).collect()
    }

    /// The values of a time column whose instants lie in a span, both ends inclusive.
    fn raw(&self, data_type: &DataType, span: Span) -> Option<(i64, i64)> {
        if span.start >= span.end {
            return Some((1, 0));
        }
        let low = self.raw_bound(data_type, span.start)?;
        let high = self.raw_bound(data_type, span.end)?;
        Some((low, if span.end == i64::MAX { i64::MAX } else { high.checked_sub(1)? }))
    }

    /// The least value of a time column whose instant is `at` or later; nothing where the column's
    /// unit has none.
    pub(crate) fn raw_bound(&self, data_type: &DataType, at: i64) -> Option<i64> {
        if at == i64::MIN || at == i64::MAX {
            return Some(at);
        }
        let bound = native::bound(data_type, self.model.zone, at)?;
        super::collect::whole_scalar(&bound)
    }
}

/// The values of a date column in a span, which days have in the rule's zone.
pub(super) fn days(span: Span, zone: chrono_tz::Tz) -> (i64, i64) {
    if span.start >= span.end {
        return (1, 0);
    }
    let day = |at| i64::from(day_bound(zone, at));
    let low = if span.start == i64::MIN { ALL.0 } else { day(span.start) };
    let high = if span.end == i64::MAX { ALL.1 } else { day(span.end) - 1 };
    (low, high)
}

/// So many whole days ago as ranges of instants: the later, the fewer days.
fn days_ago(ranges: &Ranges, as_of: i64) -> Ranges {
    let as_of = i128::from(as_of);
    let before = |days: i128| as_of.saturating_sub(days.saturating_mul(i128::from(DAY)));
    ranges.map(|low, high| {
        let first = match high {
            Ranges::MAX => Ranges::MIN,
            high => before(high.saturating_add(1)).saturating_add(1),
        };
        (first, if low == Ranges::MIN { Ranges::MAX } else { before(low) })
    })
}

/// A range of sums, which may be larger than 64 bits hold: the ends of these are no ends for sums.
/// Nothing where the range itself ends beyond them.
fn summed(low: i128, high: i128) -> Option<(i64, i64)> {
    let inner =
        |end: i128| i64::try_from(end).ok().filter(|end| *end != i64::MIN && *end != i64::MAX);
    let low = if low == Ranges::MIN { i64::MIN } else { inner(low)? };
    let high = if high == Ranges::MAX { i64::MAX } else { inner(high)? };
    Some((low, high))
}

/// The part of a range that 64 bits hold.
pub(super) fn clamped(low: i128, high: i128) -> Option<(i64, i64)> {
    let low = low.max(ALL.0.into());
    let high = high.min(ALL.1.into());
    Some((i64::try_from(low).ok()?, i64::try_from(high).ok()?)).filter(|(low, high)| low <= high)
}

fn doubles(range: &DoubleRange) -> (i64, i64) {
    let low = ordered(range.low).saturating_add(i64::from(range.low_open));
    let high = ordered(range.high).saturating_sub(i64::from(range.high_open));
    (low, high)
}

/// The field that a value is of, if the pass can keep it.
pub(super) fn metric_of(value: &Value) -> Option<&std::sync::Arc<Metric>> {
    match value {
        Value::Metric(metric) => Some(metric),
        Value::Column(_) | Value::Bucket { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_keep_their_order() {
        let values = [f64::MIN, -1.5, -1.0, -f64::MIN_POSITIVE, 0.0, 5e-324, 1.0, 2.0, f64::MAX];
        let keys: Vec<i64> = values.iter().map(|value| ordered(*value)).collect();
        assert!(keys.is_sorted_by(|one, other| one < other), "{keys:?}");
        for (value, key) in values.iter().zip(&keys) {
            assert_eq!(unordered(*key), *value);
        }
        assert_eq!(ordered(-0.0), ordered(0.0));
        assert!(ordered(f64::MIN) > i64::MIN + 1 && ordered(f64::MAX) < i64::MAX - 1);
    }
}
