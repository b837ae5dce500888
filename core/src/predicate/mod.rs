//! Stage 2: [`Rule`](crate::rule::Rule) + model -> [`Predicate`], typed, bound and canonical.
//!
//! Nothing invalid survives binding: every column exists, every value fits its column and is
//! already in the column's own units, so that a comparison is one of plain integers, doubles or
//! strings. A predicate has two truth values: a missing value makes an [`Atom`] false whether it is
//! negated or not, and only [`Predicate::Not`] is a complement.

mod bind;
pub(crate) mod canonical;
mod field;
mod known;
mod metric;
mod test;
mod traced;
mod window;

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use crate::document::Number;
use crate::model::{Column, FieldType, Key};
use crate::rule::{Aggregate, Duration, Operator, Place, RankSize, Window};

pub(crate) use bind::{BoundRule, bind_rule, check_model, trait_type};
pub(crate) use known::KnownRules;
pub(crate) use metric::sum_scale;
pub(crate) use test::{fold, operators_of};
pub(crate) use traced::Traced;
pub(crate) use window::{Span, resolve, span_of_windows};

/// Who belongs, as a tree of tests on values of one user.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Predicate {
    /// Everyone or nobody.
    Const(bool),
    And(Vec<Predicate>),
    Or(Vec<Predicate>),
    /// The exact complement.
    Not(Box<Predicate>),
    Atom(Atom),
    /// One value of the user against another; false if either is missing.
    Compare {
        left: Value,
        operator: Operator,
        right: Value,
        fold: bool,
    },
    /// In any of these rules' segments.
    Segments(BTreeSet<i64>),
    /// Among the first or last of those for whom `among` holds.
    Rank {
        value: Value,
        top: bool,
        size: RankSize,
        among: Option<Box<Predicate>>,
    },
    /// Inside a place (or, negated, positioned outside it).
    Within {
        latitude: Column,
        longitude: Column,
        place: Place,
        negated: bool,
    },
    /// A position is known.
    Positioned {
        latitude: Column,
        longitude: Column,
    },
    /// Events in an order.
    Sequence(Arc<BoundSequence>),
}

/// One test of one value. False where the value is missing, negated or not.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Atom {
    pub(crate) value: Value,
    pub(crate) test: Test,
    pub(crate) negated: bool,
}

/// What is tested.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Column(Column),
    Metric(Arc<Metric>),
    /// The bucket from 0 to 99.
    Bucket {
        salt: String,
    },
}

impl Value {
    pub(crate) fn ty(&self) -> FieldType {
        match self {
            Value::Column(column) => column.ty.clone(),
            Value::Metric(metric) => metric.ty.clone(),
            Value::Bucket { .. } => FieldType::Integer,
        }
    }
}

/// An aggregate of a user's events.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Metric {
    pub(crate) aggregate: Aggregate,
    /// The type of the result.
    pub(crate) ty: FieldType,
    /// At least one.
    pub(crate) sources: Vec<Source>,
    /// Windows of which all must hold; of none, all events before `as_of`.
    pub(crate) windows: Vec<Window>,
    /// Whether distinct days in the rule's zone are counted rather than values of the field.
    pub(crate) by_day: bool,
}

/// The events of one table that a metric takes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Source {
    pub(crate) table: String,
    pub(crate) user: Column,
    pub(crate) time: Column,
    pub(crate) field: Option<Column>,
    /// On columns of the table only.
    pub(crate) filter: Predicate,
}

/// A sequence whose steps are bound.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BoundSequence {
    pub(crate) steps: Vec<BoundStep>,
    pub(crate) windows: Vec<Window>,
}

/// A step of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct BoundStep {
    pub(crate) sources: Vec<Source>,
    pub(crate) within: Option<Duration>,
}

/// A positive test in the units of the value's type. Negation is the atom's.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    /// There is a value.
    Present,
    Bool(bool),
    /// Whole numbers, decimals at the column's scale, days since 1970, microseconds since 1970.
    Units(Ranges),
    /// Doubles.
    Doubles(Vec<DoubleRange>),
    /// Averages, exactly.
    Ratios(Vec<(Bound<Number>, Bound<Number>)>),
    Text {
        test: TextTest,
        fold: bool,
    },
    /// The list has this element.
    Has {
        element: Box<Test>,
    },
    /// In a window, of dates and timestamps.
    During(Window),
}

/// A test of a string; with `fold`, the strings here are folded already.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TextTest {
    In(BTreeSet<String>),
    Range(Bound<String>, Bound<String>),
    Contains(String),
    Begins(String),
    Ends(String),
    Matches(String),
}

/// A set of integers as ascending, disjoint, inclusive ranges that do not touch.
///
/// An end of [`Ranges::MIN`] or [`Ranges::MAX`] is open.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Ranges(Vec<(i128, i128)>);

impl Ranges {
    pub(crate) const MIN: i128 = i128::MIN;
    pub(crate) const MAX: i128 = i128::MAX;

    /// The union of ranges in any order; those whose low is above their high are empty.
    pub(crate) fn of(ranges: impl IntoIterator<Item = (i128, i128)>) -> Self {
        let mut ranges: Vec<_> = ranges.into_iter().filter(|(low, high)| low <= high).collect();
        ranges.sort_unstable();
        let mut merged: Vec<(i128, i128)> = Vec::with_capacity(ranges.len());
        for (low, high) in ranges {
            match merged.last_mut() {
                Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
                _ => merged.push((low, high)),
            }
        }
        Ranges(merged)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (i128, i128)> {
        self.0.iter().copied()
    }

    /// The union of the ranges that `of` makes of each.
    pub(crate) fn map(&self, of: impl Fn(i128, i128) -> (i128, i128)) -> Ranges {
        Ranges::of(self.0.iter().map(|(low, high)| of(*low, *high)))
    }
}

/// A range of doubles; the bounds are finite, and a closed bound of zero takes in both zeros.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct DoubleRange {
    pub(crate) low: f64,
    pub(crate) low_open: bool,
    pub(crate) high: f64,
    pub(crate) high_open: bool,
}

impl Predicate {
    /// All of them, flattened.
    pub(crate) fn all(parts: impl IntoIterator<Item = Predicate>) -> Predicate {
        Self::join(parts, true)
    }

    /// Any of them, flattened.
    pub(crate) fn any(parts: impl IntoIterator<Item = Predicate>) -> Predicate {
        Self::join(parts, false)
    }

    /// Joins with `and` or `or`; `neutral` is what an empty join is.
    fn join(parts: impl IntoIterator<Item = Predicate>, neutral: bool) -> Predicate {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Predicate::Const(value) if value == neutral => {}
                Predicate::Const(value) => return Predicate::Const(value),
                Predicate::And(inner) if neutral => flat.extend(inner),
                Predicate::Or(inner) if !neutral => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match (flat.len(), neutral) {
            (0, _) => Predicate::Const(neutral),
            (1, _) => flat.pop().unwrap_or(Predicate::Const(neutral)),
            (_, true) => Predicate::And(flat),
            (_, false) => Predicate::Or(flat),
        }
    }

    /// The complement.
    pub(crate) fn not(self) -> Predicate {
        match self {
            Predicate::Const(value) => Predicate::Const(!value),
            Predicate::Not(inner) => *inner,
            other => Predicate::Not(Box::new(other)),
        }
    }

    /// Calls `visit` on every node, this one first; `among` is gone into, filters of metrics not.
    pub(crate) fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Predicate)) {
        visit(self);
        match self {
            Predicate::And(parts) | Predicate::Or(parts) => {
                parts.iter().for_each(|part| part.walk(visit));
            }
            Predicate::Not(inner) => inner.walk(visit),
            Predicate::Rank { among: Some(among), .. } => among.walk(visit),
            _ => {}
        }
    }

    /// The values that this node itself tests.
    pub(crate) fn values_here(&self) -> Vec<&Value> {
        match self {
            Predicate::Atom(atom) => vec![&atom.value],
            Predicate::Compare { left, right, .. } => vec![left, right],
            Predicate::Rank { value, .. } => vec![value],
            _ => Vec::new(),
        }
    }

    /// The values that all nodes test, in order.
    pub(crate) fn values(&self) -> Vec<&Value> {
        let mut values = Vec::new();
        self.walk(&mut |node| values.extend(node.values_here()));
        values
    }

    /// The metrics that the nodes test, in order, repetitions included.
    pub(crate) fn metrics(&self) -> Vec<&Arc<Metric>> {
        let values = self.values().into_iter();
        values
            .filter_map(|value| match value {
                Value::Metric(metric) => Some(metric),
                _ => None,
            })
            .collect()
    }

    /// The rules whose segments are asked for.
    pub(crate) fn segments(&self) -> BTreeSet<i64> {
        let mut rules = BTreeSet::new();
        self.walk(&mut |node| {
            if let Predicate::Segments(ids) = node {
                rules.extend(ids);
            }
        });
        rules
    }

    /// The ranks, those within `among` before those that they are within.
    pub(crate) fn ranks(&self) -> Vec<&Predicate> {
        let mut ranks = Vec::new();
        self.walk(&mut |node| {
            if matches!(node, Predicate::Rank { .. }) {
                ranks.push(node);
            }
        });
        ranks.reverse();
        ranks
    }

    /// What the node says, whole: two that say it in the same words mean the same under one
    /// `as_of` and zone.
    pub(crate) fn said(&self) -> String {
        format!("{self:?}")
    }

    /// Every column that is read, of users and of events.
    pub(crate) fn columns(&self) -> Vec<&Column> {
        let mut columns = Vec::new();
        self.walk(&mut |node| match node {
            Predicate::Within { latitude, longitude, .. }
            | Predicate::Positioned { latitude, longitude } => {
                columns.extend([latitude, longitude])
            }
            Predicate::Sequence(sequence) => {
                for source in sequence.steps.iter().flat_map(|step| &step.sources) {
                    source.columns(&mut columns);
                }
            }
            _ => {}
        });
        for value in self.values() {
            match value {
                Value::Column(column) => columns.push(column),
                Value::Metric(metric) => {
                    metric.sources.iter().for_each(|source| source.columns(&mut columns));
                }
                Value::Bucket { .. } => {}
            }
        }
        columns
    }
}

impl Source {
    fn columns<'a>(&'a self, columns: &mut Vec<&'a Column>) {
        columns.extend([&self.user, &self.time]);
        columns.extend(&self.field);
        columns.extend(self.filter.columns());
    }
}

/// Whether a user has one of these keys.
pub(crate) fn key_in(column: &Column, keys: &[Key]) -> Predicate {
    if keys.is_empty() {
        return Predicate::Const(false);
    }
    let ints = keys.iter().filter_map(|key| match key {
        Key::Int(key) => Some((i128::from(*key), i128::from(*key))),
        Key::Text(_) => None,
    });
    let texts = keys.iter().filter_map(|key| match key {
        Key::Text(key) => Some(key.clone()),
        Key::Int(_) => None,
    });
    let test = match column.ty {
        FieldType::String => Test::Text { test: TextTest::In(texts.collect()), fold: false },
        _ => Test::Units(Ranges::of(ints)),
    };
    Predicate::Atom(Atom { value: Value::Column(column.clone()), test, negated: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_merge() {
        let ranges = Ranges::of([(5, 7), (1, 2), (3, 4), (9, 8), (20, Ranges::MAX)]);
        assert_eq!(ranges, Ranges(vec![(1, 7), (20, Ranges::MAX)]));
    }

    #[test]
    fn empty_groups() {
        assert_eq!(Predicate::all([]), Predicate::Const(true));
        assert_eq!(Predicate::any([]), Predicate::Const(false));
        assert_eq!(
            Predicate::any([Predicate::Const(true), Predicate::Const(false)]),
            Predicate::Const(true)
        );
        assert_eq!(Predicate::Const(true).not().not(), Predicate::Const(true));
    }
}
