//! Predicates as DataFusion expressions.
//!
//! Negation is pushed down to single tests, where it is written `IS NOT TRUE`: what is left are
//! `AND` and `OR` alone, under which SQL's unknown means false, as the language has it. A negative
//! test (`notIn`, `!=`) says in full that there is a value and that the positive test does not hold.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::{Expr, cast, lit};

use crate::error::{Code, Error, Result};
use crate::model::{DAY, FieldType, day_bound};
use crate::predicate::{Atom, Metric, Predicate, Ranges, Span, Test, Value, resolve};
use crate::rule::{Aggregate, Window};

use super::exact::values as numbers;
use super::functions::{call, checked_sum, is_member, number_kind};
use super::metric_type::result_type;
use super::stream::Streams;
use super::{Flavor, Planner, balanced, named};

/// The type that a column is read as: dictionaries as their values, doubles for all floats.
pub(crate) fn plain_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Dictionary(_, value) => plain_type(value),
        DataType::Float16 | DataType::Float32 => DataType::Float64,
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) => DataType::Decimal128(*p, *s),
        DataType::Decimal256(_, s) => DataType::Decimal128(38, *s),
        DataType::Date64 => DataType::Date32,
        other => other.clone(),
    }
}

/// Whether a plain type is one of texts.
pub(crate) fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// A column read as [`plain_type`].
pub(super) fn plain(column: Expr, data_type: &DataType) -> Expr {
    let plain = plain_type(data_type);
    if plain == *data_type { column } else { cast(column, plain) }
}

/// A value with what is known of it.
pub(super) struct Tested {
    pub(super) expr: Expr,
    pub(super) data_type: DataType,
    pub(super) ty: FieldType,
    /// The count of an average's values.
    pub(super) count: Option<Expr>,
}

impl Planner<'_> {
    /// An expression that is true exactly where the predicate (or, negated, its complement)
    /// holds, and otherwise false or unknown.
    pub(super) fn predicate(
        &self,
        predicate: &Predicate,
        negated: bool,
        streams: &Streams,
    ) -> Result<Expr> {
        let leaf = match predicate {
            Predicate::Const(value) => return Ok(lit(*value != negated)),
            Predicate::Not(inner) => return self.predicate(inner, !negated, streams),
            Predicate::And(parts) | Predicate::Or(parts) => {
                let and = matches!(predicate, Predicate::And(_)) != negated;
                let parts = parts.iter().map(|part| self.predicate(part, negated, streams));
                return Ok(balanced(parts.collect::<Result<Vec<_>>>()?, and));
            }
            Predicate::Atom(atom) => self.atom(atom, streams)?,
            Predicate::Compare { left, operator, right, fold } => {
                self.compare(left, *operator, right, *fold, streams)?
            }
            Predicate::Segments(rules) => {
                let parts = rules.iter().map(|rule| self.segment(*rule));
                balanced(parts.collect::<Result<Vec<_>>>()?, false)
            }
            Predicate::Within { latitude, longitude, place, negated: false } => {
                self.within(latitude, longitude, place)
            }
            Predicate::Within { latitude, longitude, place, negated: true } => {
                let within = self.within(latitude, longitude, place);
                self.positioned(latitude, longitude).and(within.is_not_true())
            }
            Predicate::Positioned { latitude, longitude } => self.positioned(latitude, longitude),
            Predicate::Sequence(sequence) => match streams.did(sequence) {
                Some(did) => did,
                None => return Err(Error::new(Code::Internal, "a sequence without a stream")),
            },
            Predicate::Rank { .. } => {
                return Err(Error::new(Code::Internal, "a rank that was not selected before"));
            }
        };
        Ok(if negated { leaf.is_not_true() } else { leaf })
    }

    pub(super) fn present(&self, tested: &Tested) -> Expr {
        match (&tested.ty, &tested.count) {
            // A sum of nothing is 0; only the count tells that there is no average.
            (_, Some(count)) => count.clone().gt(lit(0i64)),
            (FieldType::Float, _) => self.finite(tested.expr.clone()),
            _ => tested.expr.clone().is_not_null(),
        }
    }

    fn segment(&self, rule: i64) -> Result<Expr> {
        let key = named(&self.model.table, &self.model.key.name);
        match self.flavor {
            Flavor::Engine => {
                let contains = self.sources.members(rule)?;
                Ok(is_member(key, rule.to_string(), contains))
            }
            Flavor::Text(_) => super::sql::in_segment(self, key, rule),
        }
    }

    pub(super) fn tested(&self, value: &Value, streams: &Streams) -> Result<Tested> {
        let ty = value.ty();
        match value {
            Value::Column(column) => Ok(Tested {
                expr: plain(named(&column.table, &column.name), &column.data_type),
                data_type: plain_type(&column.data_type),
                ty,
                count: None,
            }),
            Value::Metric(metric) => {
                let Some((value, count)) = streams.columns(metric) else {
                    return Err(Error::new(Code::Internal, "a metric without a stream"));
                };
                let data_type = result_type(metric, self.flavor);
                Ok(self.metric(metric, value, count, data_type, ty))
            }
            Value::Bucket { salt } => Ok(Tested {
                expr: super::special::bucket(named(&self.model.table, &self.model.key.name), salt),
                data_type: DataType::Int64,
                ty,
                count: None,
            }),
        }
    }

    /// A metric's value beside the users: zero rather than missing where nothing was counted.
    fn metric(
        &self,
        metric: &Metric,
        value: Expr,
        count: Expr,
        data_type: DataType,
        ty: FieldType,
    ) -> Tested {
        let zero = |value: Expr| {
            let zero = ScalarValue::new_zero(&data_type).unwrap_or(ScalarValue::Null);
            datafusion::functions::expr_fn::coalesce(vec![value, Expr::Literal(zero, None)])
        };
        let checked = |value: Expr| match self.flavor {
            Flavor::Engine => {
                let what: Vec<String> = metric
                    .sources
                    .iter()
                    .filter_map(|s| s.field.as_ref().map(|f| format!("{}.{}", s.table, f.name)))
                    .collect();
                checked_sum(value, &what.join(", "), data_type.clone())
            }
            Flavor::Text(_) => value,
        };
        let (expr, count) = match metric.aggregate {
            Aggregate::Count | Aggregate::CountDistinct => (zero(value), None),
            Aggregate::Sum => (zero(checked(value)), None),
            Aggregate::Avg => (checked(value), Some(count)),
            _ => (value, None),
        };
        Tested { expr, data_type, ty, count }
    }

    fn atom(&self, atom: &Atom, streams: &Streams) -> Result<Expr> {
        let tested = self.tested(&atom.value, streams)?;
        if !atom.negated {
            return self.test(&atom.test, &atom.value, &tested);
        }
        let positive = self.test(&atom.test, &atom.value, &tested)?;
        Ok(self.present(&tested).and(positive.is_not_true()))
    }

    fn test(&self, test: &Test, value: &Value, tested: &Tested) -> Result<Expr> {
        let expr = tested.expr.clone();
        match test {
            Test::Present => Ok(self.present(tested)),
            Test::Bool(value) => Ok(expr.eq(lit(*value))),
            Test::Units(ranges) => self.units(ranges, value, tested),
            Test::Doubles(ranges) => Ok(self.doubles(expr, ranges)),
            Test::Ratios(ranges) => self.ratios(tested, ranges),
            Test::Text { test, fold } => self.text(expr, test, *fold),
            Test::Has { element } => match self.flavor {
                Flavor::Engine => {
                    super::lists::has(expr, element, &tested.data_type, self.model.zone)
                }
                Flavor::Text(dialect) => super::lists::has_in(
                    dialect,
                    self,
                    expr,
                    element,
                    tested_element(&tested.data_type),
                ),
            },
            Test::During(window) => self.during(*window, tested),
        }
    }

    /// Days and instants in a window: a date by its midnight in the rule's zone.
    fn during(&self, window: Window, tested: &Tested) -> Result<Expr> {
        let span = resolve(window, self.as_of, self.zone);
        if span.start >= span.end {
            return Ok(lit(false));
        }
        if tested.ty == FieldType::Timestamp {
            let parts = self.in_span(tested.expr.clone(), &tested.data_type, span);
            return Ok(balanced(parts, true));
        }
        let day = |at| i128::from(day_bound(self.zone, at));
        let low = if span.start == i64::MIN { Ranges::MIN } else { day(span.start) };
        let high = if span.end == i64::MAX { Ranges::MAX } else { day(span.end) - 1 };
        self.ranges(&Ranges::of([(low, high)]), tested)
    }

    fn units(&self, ranges: &Ranges, value: &Value, tested: &Tested) -> Result<Expr> {
        let days_since = match value {
            Value::Metric(metric) => metric.aggregate.is_days_since(),
            _ => false,
        };
        if days_since {
            // So many whole days ago is a range of instants: the later, the fewer days.
            let as_of = i128::from(self.as_of);
            let before = |days: i128| as_of.saturating_sub(days.saturating_mul(i128::from(DAY)));
            let spans = ranges.map(|low, high| {
                let first = match high {
                    Ranges::MAX => Ranges::MIN,
                    high => before(high.saturating_add(1)).saturating_add(1),
                };
                (first, if low == Ranges::MIN { Ranges::MAX } else { before(low) })
            });
            return Ok(self.instants(&spans, tested));
        }
        match tested.ty {
            FieldType::Timestamp => Ok(self.instants(ranges, tested)),
            _ => self.ranges(ranges, tested),
        }
    }

    /// Ranges of instants on a time column of any unit.
    fn instants(&self, ranges: &Ranges, tested: &Tested) -> Expr {
        let clamp =
            |at: i128| i64::try_from(at).unwrap_or(if at < 0 { i64::MIN } else { i64::MAX });
        let parts = ranges.iter().map(|(low, high)| {
            let span = Span { start: clamp(low), end: clamp(high.saturating_add(1)) };
            balanced(self.in_span(tested.expr.clone(), &tested.data_type, span), true)
        });
        balanced(parts.collect(), false)
    }

    /// Ranges of whole units of integers, decimals and dates.
    fn ranges(&self, ranges: &Ranges, tested: &Tested) -> Result<Expr> {
        let (least, most) = limits(&tested.data_type);
        let literal = |unit: i128| self.unit(unit, &tested.data_type);
        let expr = &tested.expr;
        let mut points = Vec::new();
        let mut parts = Vec::new();
        for (low, high) in ranges.iter() {
            let (low, high) = (low.max(least), high.min(most));
            if low > high {
                continue;
            }
            if low == high {
                points.push(low);
                continue;
            }
            let mut bounds = Vec::new();
            if low > least {
                bounds.push(expr.clone().gt_eq(literal(low)?));
            }
            if high < most {
                bounds.push(expr.clone().lt_eq(literal(high)?));
            }
            if bounds.is_empty() {
                bounds.push(expr.clone().is_not_null());
            }
            parts.push(balanced(bounds, true));
        }
        match points.as_slice() {
            [] => {}
            [one] => parts.push(expr.clone().eq(literal(*one)?)),
            many if many.len() > MANY && self.flavor == Flavor::Engine => {
                parts.push(super::lists::in_units(expr.clone(), points));
            }
            many => {
                let list = many.iter().map(|unit| literal(*unit)).collect::<Result<Vec<_>>>()?;
                parts.push(Expr::InList(InList::new(Box::new(expr.clone()), list, false)));
            }
        }
        Ok(balanced(parts, false))
    }

    fn ratios(
        &self,
        tested: &Tested,
        ranges: &[(std::ops::Bound<crate::Number>, std::ops::Bound<crate::Number>)],
    ) -> Result<Expr> {
        let Some(count) = tested.count.clone() else {
            return Err(Error::new(Code::Internal, "an average without a count"));
        };
        if let Flavor::Text(_) = self.flavor {
            let scale = match tested.data_type {
                DataType::Decimal128(_, scale) => scale,
                _ => 0,
            };
            return super::sql::ratios(self.flavor, tested.expr.clone(), scale, count, ranges);
        }
        let kind = number_kind(&tested.ty, &tested.data_type);
        let args = vec![tested.expr.clone(), count];
        let (identity, ranges) = (format!("{ranges:?}"), ranges.to_vec());
        Ok(call("average_within", identity, args, DataType::Boolean, move |args, _| {
            let truths = numbers(args, 0, kind)?.into_iter().map(|value| {
                value.map(|value| ranges.iter().any(|(low, high)| value.within(*low, *high)))
            });
            Ok(std::sync::Arc::new(truths.collect::<arrow::array::BooleanArray>()))
        }))
    }

    /// A test of a string column.
    pub(super) fn text(
        &self,
        expr: Expr,
        test: &crate::predicate::TextTest,
        folded: bool,
    ) -> Result<Expr> {
        super::lists::text(self.flavor, expr, test, folded)
    }
}

/// Lists of values longer than this become a set inside a function.
const MANY: usize = 1_000;

/// The type of a list's elements.
fn tested_element(data_type: &DataType) -> DataType {
    match data_type {
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            field.data_type().clone()
        }
        other => other.clone(),
    }
}

/// The least and most units that a type holds.
fn limits(data_type: &DataType) -> (i128, i128) {
    match data_type {
        DataType::Int8 => (i8::MIN.into(), i8::MAX.into()),
        DataType::Int16 => (i16::MIN.into(), i16::MAX.into()),
        DataType::Int32 | DataType::Date32 => (i32::MIN.into(), i32::MAX.into()),
        DataType::UInt8 => (0, u8::MAX.into()),
        DataType::UInt16 => (0, u16::MAX.into()),
        DataType::UInt32 => (0, u32::MAX.into()),
        DataType::UInt64 => (0, u64::MAX.into()),
        DataType::Decimal128(_, _) => (-crate::document::MAX_38, crate::document::MAX_38),
        _ => (i64::MIN.into(), i64::MAX.into()),
    }
}
