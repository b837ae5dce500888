//! One value of a user against another.

use arrow::datatypes::DataType;
use datafusion::functions::expr_fn::{contains, ends_with, starts_with};
use datafusion::logical_expr::{Expr, cast};

use crate::error::Result;
use crate::model::FieldType;
use crate::predicate::{Span, Value};
use crate::rule::Operator;

use super::exact::values as numbers;
use super::expr::Tested;
use super::functions::{self, call, fold, instants, number_kind};
use super::stream::Streams;
use super::{Dialect, Flavor, Planner};

impl Planner<'_> {
    pub(super) fn compare(
        &self,
        left: &Value,
        operator: Operator,
        right: &Value,
        folded: bool,
        streams: &Streams,
    ) -> Result<Expr> {
        let (mut a, mut b) = (self.comparable(left, streams)?, self.comparable(right, streams)?);
        if a.ty == FieldType::Timestamp && self.flavor != Flavor::Engine {
            let clock = self.clock(&[&a.data_type, &b.data_type])?;
            a.expr = self.on_clock(a.expr, &a.data_type, clock, Span::ALL)?;
            b.expr = self.on_clock(b.expr, &b.data_type, clock, Span::ALL)?;
        }
        let present = self.present(&a).and(self.present(&b));
        let plain_numbers = |t: &Tested| {
            matches!(t.data_type, DataType::Decimal128(_, _)) || t.data_type.is_integer()
        };
        let exact =
            a.data_type == b.data_type || (a.data_type.is_integer() && b.data_type.is_integer());
        let holds = match (&a.ty, self.flavor) {
            (FieldType::String, Flavor::Text(_)) if operator.looks_into() => {
                return self.flavor.cannot("one field looked for in another");
            }
            (FieldType::String, Flavor::Engine) if folded => {
                operate(fold(a.expr), operator, fold(b.expr))
            }
            (FieldType::String, Flavor::Text(dialect)) if folded => {
                operate(dialect.fold(a.expr, None)?, operator, dialect.fold(b.expr, None)?)
            }
            (ty, _) if !ty.is_number() => operate(a.expr, operator, b.expr),
            _ if exact && plain_numbers(&a) && a.count.is_none() && b.count.is_none() => {
                operate(a.expr, operator, b.expr)
            }
            (_, Flavor::Engine) => compare_numbers(a, operator, b),
            (_, Flavor::Text(_)) if a.count.is_some() || b.count.is_some() => {
                return self.flavor.cannot("an average compared with a field");
            }
            // So does SQLite.
            _ if exact || self.flavor == Flavor::Text(Dialect::Sqlite) => {
                operate(a.expr, operator, b.expr)
            }
            (_, Flavor::Text(_)) => match common_type(&a.data_type, &b.data_type) {
                Some(common) => {
                    let own = |t: Tested| {
                        if t.data_type == common { t.expr } else { cast(t.expr, common.clone()) }
                    };
                    operate(own(a), operator, own(b))
                }
                None => return self.flavor.cannot("numbers of these types compared"),
            },
        };
        Ok(present.and(holds))
    }

    /// A value whose expression is what a comparison sees: days as numbers, times as instants.
    pub(super) fn comparable(&self, value: &Value, streams: &Streams) -> Result<Tested> {
        let mut tested = self.tested(value, streams)?;
        let days = match value {
            Value::Metric(metric) => metric.aggregate.is_days_since(),
            _ => false,
        };
        let engine = self.flavor == Flavor::Engine;
        match (&tested.ty, &tested.data_type) {
            _ if days && engine => {
                let at = instants(tested.expr, self.model.zone);
                tested.expr = functions::days_since(at, self.as_of);
                tested.data_type = DataType::Int64;
            }
            _ if days => return self.flavor.cannot("days since an event compared with a field"),
            (FieldType::Timestamp, _) if engine => {
                tested.expr = instants(tested.expr, self.model.zone);
            }
            _ => {}
        }
        Ok(tested)
    }
}

/// A type that holds every number of two types, so that SQL compares them exactly.
fn common_type(a: &DataType, b: &DataType) -> Option<DataType> {
    let double = |t: &DataType| {
        t.is_floating() || (t.is_integer() && t.primitive_width().is_some_and(|width| width <= 4))
    };
    // Digits before and after the point.
    let digits = |t: &DataType| match t {
        DataType::Decimal128(precision, scale) => {
            Some((i16::from(*precision) - i16::from(*scale), *scale))
        }
        t if t.is_integer() => Some((20, 0)),
        _ => None,
    };
    if double(a) && double(b) {
        return Some(DataType::Float64);
    }
    let ((a, a_scale), (b, b_scale)) = (digits(a)?, digits(b)?);
    let scale = a_scale.max(b_scale);
    (a.max(b) + i16::from(scale) <= 38).then_some(DataType::Decimal128(38, scale))
}

fn operate(left: Expr, operator: Operator, right: Expr) -> Expr {
    match operator {
        Operator::NotEqual => left.not_eq(right),
        Operator::Less => left.lt(right),
        Operator::LessOrEqual => left.lt_eq(right),
        Operator::Greater => left.gt(right),
        Operator::GreaterOrEqual => left.gt_eq(right),
        Operator::Contains => contains(left, right),
        Operator::BeginsWith => starts_with(left, right),
        Operator::EndsWith => ends_with(left, right),
        operator if operator.looks_into() => {
            operate(left, operator.positive().0, right).is_not_true()
        }
        _ => left.eq(right),
    }
}

/// Whether two values in that order pass a comparison.
pub(super) fn order_holds(operator: Operator, order: std::cmp::Ordering) -> bool {
    match operator {
        Operator::NotEqual => order.is_ne(),
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
        Operator::Greater => order.is_gt(),
        Operator::GreaterOrEqual => order.is_ge(),
        _ => order.is_eq(),
    }
}

/// Numbers of different kinds, exactly.
fn compare_numbers(left: Tested, operator: Operator, right: Tested) -> Expr {
    let kinds = (number_kind(&left.ty, &left.data_type), number_kind(&right.ty, &right.data_type));
    let mut args = vec![left.expr];
    args.extend(left.count);
    args.push(right.expr);
    args.extend(right.count);
    let identity = format!("{operator} {kinds:?}");
    call("compare_numbers", identity, args, DataType::Boolean, move |args, _| {
        let left = numbers(args, 0, kinds.0)?;
        let right = numbers(args, kinds.0.width(), kinds.1)?;
        let truths = left.into_iter().zip(right).map(|(left, right)| {
            let order = left?.cmp(right?);
            Some(order_holds(operator, order))
        });
        Ok(std::sync::Arc::new(truths.collect::<arrow::array::BooleanArray>()))
    })
}
