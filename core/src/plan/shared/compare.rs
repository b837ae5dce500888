//! Comparisons of two values of a user, of which one at least is a metric's: both are kept for each
//! user until they are known.

use std::cmp::Ordering;

use arrow::datatypes::DataType;
use chrono_tz::Tz;
use datafusion::logical_expr::Expr;

use crate::error::Result;
use crate::model::{Column, DAY, FieldType};
use crate::predicate::{Metric, Value, fold};
use crate::rule::Operator;

use super::super::exact::{self, Kind};
use super::super::expr::{plain, plain_type};
use super::super::functions::number_kind;
use super::super::named;
use super::super::native::Instants;
use super::collect::{Collector, Placed};
use super::unordered;

/// A value that is kept as a whole number of 64 bits, and what it stands for.
#[derive(Clone, Debug)]
pub(crate) struct PassKept {
    kind: KeptKind,
    /// Where the value is a column of the users: how it is made of that column.
    pub(crate) column: Option<(String, Expr)>,
}

#[derive(Clone, Debug)]
enum KeptKind {
    /// Days, truths: compared as they are.
    Plain,
    Text,
    Time(Instants),
    /// An instant, of which the whole days since then are compared.
    DaysSince(Instants, i64),
    Number(Kind),
}

/// One value against another, by their places among those that are kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PassCompare {
    pub(crate) left: usize,
    pub(crate) operator: Operator,
    pub(crate) right: usize,
    pub(crate) fold: bool,
}

/// A value that can be compared with others of its type.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Comparable<'a> {
    Whole(i128),
    Number(exact::Value),
    Text(&'a str),
}

impl Collector<'_> {
    /// Takes a comparison in.
    pub(super) fn compare(
        &mut self,
        left: &Value,
        operator: Operator,
        right: &Value,
        (fold, zone): (bool, Tz),
    ) -> Result<Option<Placed>> {
        let metrics = [left, right].into_iter().filter(|v| matches!(v, Value::Metric(_)));
        if metrics.count() == 0 {
            return Ok(None);
        }
        let Some(left) = self.keep(left, zone)? else { return Ok(None) };
        let Some(right) = self.keep(right, zone)? else { return Ok(None) };
        let compare = PassCompare { left, operator, right, fold };
        if let Some((_, known)) = self.compares.iter().find(|(known, _)| *known == compare) {
            return Ok(Some(*known));
        }
        let atom = self.next_atom();
        self.compares.push((compare, atom));
        Ok(Some(atom))
    }

    /// The place of a value among those that are kept.
    fn keep(&mut self, value: &Value, zone: Tz) -> Result<Option<usize>> {
        match value {
            Value::Metric(metric) => {
                let Some((stream, span, reading, result)) = self.read(metric, zone)? else {
                    return Ok(None);
                };
                let kind = self.kind(&metric.ty, &result, Some(metric));
                let next = self.kept.len();
                let Some(stream) = self.streams.get_mut(stream) else { return Ok(None) };
                let place = stream.keep(span, reading, next);
                if place == next {
                    self.kept.push(PassKept { kind, column: None });
                }
                Ok(Some(place))
            }
            Value::Column(column) => Ok(Some(self.keep_column(column))),
            Value::Bucket { .. } => Ok(None),
        }
    }

    fn keep_column(&mut self, column: &Column) -> usize {
        let of =
            |kept: &PassKept| kept.column.as_ref().is_some_and(|(name, _)| *name == column.name);
        if let Some(known) = self.kept.iter().position(of) {
            return known;
        }
        let expr = plain(named(&column.table, &column.name), &column.data_type);
        let kind = self.kind(&column.ty, &plain_type(&column.data_type), None);
        self.kept.push(PassKept { kind, column: Some((column.name.clone(), expr)) });
        self.kept.len() - 1
    }

    fn kind(&self, ty: &FieldType, data_type: &DataType, metric: Option<&Metric>) -> KeptKind {
        let instants = || Instants::of(data_type, self.model.zone);
        if metric.is_some_and(|metric| metric.aggregate.is_days_since()) {
            return KeptKind::DaysSince(instants(), self.as_of);
        }
        match ty {
            FieldType::String => KeptKind::Text,
            FieldType::Timestamp => KeptKind::Time(instants()),
            ty if ty.is_number() => KeptKind::Number(number_kind(ty, data_type)),
            _ => KeptKind::Plain,
        }
    }
}

impl PassKept {
    pub(crate) fn is_text(&self) -> bool {
        matches!(self.kind, KeptKind::Text)
    }

    /// Whether values of both are in the same order as the numbers that are kept of them.
    pub(crate) fn is_like(&self, other: &PassKept) -> bool {
        match (&self.kind, &other.kind) {
            (KeptKind::Plain, KeptKind::Plain) => true,
            (
                KeptKind::Number(Kind::Exact { scale }),
                KeptKind::Number(Kind::Exact { scale: s }),
            ) => scale == s,
            (KeptKind::Number(Kind::Double), KeptKind::Number(Kind::Double)) => true,
            _ => false,
        }
    }

    /// What is compared of a number that was kept; of an average, its sum and the count.
    pub(crate) fn comparable<'a>(
        &self,
        number: i128,
        count: i64,
        text: impl FnOnce(i64) -> &'a str,
    ) -> Comparable<'a> {
        let small = i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX });
        match &self.kind {
            KeptKind::Plain => Comparable::Whole(number),
            KeptKind::Text => Comparable::Text(text(small)),
            KeptKind::Time(instants) => Comparable::Whole(instants.at(small).into()),
            KeptKind::DaysSince(instants, as_of) => {
                let days = as_of.saturating_sub(instants.at(small)).div_euclid(DAY);
                let digits = i128::from(days);
                Comparable::Number(exact::Value::Ratio { digits, scale: 0, count: 1 })
            }
            KeptKind::Number(kind) => Comparable::Number(match *kind {
                Kind::Double => exact::Value::Double(unordered(small)),
                Kind::Exact { scale } => exact::Value::Ratio { digits: number, scale, count: 1 },
                Kind::Ratio { scale } => exact::Value::Ratio { digits: number, scale, count },
            }),
        }
    }
}

impl PassCompare {
    /// Whether the comparison holds of two values.
    pub(crate) fn holds(&self, left: Comparable<'_>, right: Comparable<'_>) -> bool {
        match (left, right) {
            (Comparable::Whole(left), Comparable::Whole(right)) => self.order(left.cmp(&right)),
            (Comparable::Number(left), Comparable::Number(right)) => self.order(left.cmp(right)),
            (Comparable::Text(left), Comparable::Text(right)) if self.fold => {
                self.texts(&fold(left), &fold(right))
            }
            (Comparable::Text(left), Comparable::Text(right)) => self.texts(left, right),
            _ => false,
        }
    }

    /// Whether it holds of two values in that order.
    pub(crate) fn order(&self, order: Ordering) -> bool {
        super::super::compare::order_holds(self.operator, order)
    }

    fn texts(&self, left: &str, right: &str) -> bool {
        let (operator, negated) = self.operator.positive();
        let found = match operator {
            Operator::Contains => left.contains(right),
            Operator::BeginsWith => left.starts_with(right),
            Operator::EndsWith => left.ends_with(right),
            _ => return self.order(left.cmp(right)),
        };
        found != negated
    }
}
