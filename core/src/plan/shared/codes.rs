//! By which columns a filter of events is decided: where values can be told apart by a few cuts or
//! are few themselves, the filters are asked of one event for all that look alike.

use std::collections::{BTreeMap, BTreeSet};

use arrow::datatypes::DataType;

use crate::model::{Column, FieldType};
use crate::predicate::{Atom, DoubleRange, Predicate, Test, Value, resolve};

use super::super::Planner;
use super::super::expr::plain_type;
use super::asked::{days, ordered};

/// A column with the values at which the outcome of a test can change.
#[derive(Debug)]
pub(super) struct Need {
    pub(super) column: Column,
    pub(super) cuts: Option<BTreeSet<i64>>,
}

/// Columns by their names.
pub(super) type Needs = BTreeMap<String, Need>;

impl Planner<'_> {
    /// Adds what decides a filter, and answers the columns' names; nothing where events have to be
    /// asked one by one.
    pub(super) fn decided_by(
        &self,
        filter: &Predicate,
        needs: &mut Needs,
    ) -> Option<BTreeSet<String>> {
        let mut atoms = Vec::new();
        let mut codable = true;
        filter.walk(&mut |node| match node {
            Predicate::Atom(atom) => atoms.push(atom),
            Predicate::Const(_) | Predicate::And(_) | Predicate::Or(_) | Predicate::Not(_) => {}
            _ => codable = false,
        });
        if !codable {
            return None;
        }
        let found = atoms.into_iter().map(|atom| self.cuts(atom)).collect::<Option<Vec<_>>>()?;
        let mut names = BTreeSet::new();
        for (column, cuts) in found {
            names.insert(column.name.clone());
            let need = needs.entry(column.name.clone()).or_insert_with(|| {
                let cuts = cuts.is_some().then(BTreeSet::new);
                Need { column: column.clone(), cuts }
            });
            if let (Some(known), Some(cuts)) = (&mut need.cuts, cuts) {
                known.extend(cuts);
            }
        }
        Some(names)
    }

    /// The column of an atom, and the ends of the ranges that pass it; no ends where every value
    /// counts for itself.
    fn cuts<'a>(&self, atom: &'a Atom) -> Option<(&'a Column, Option<Vec<i64>>)> {
        let Value::Column(column) = &atom.value else { return None };
        let own = plain_type(&column.data_type);
        let cuts = match (&column.ty, &atom.test) {
            (FieldType::String | FieldType::Boolean, Test::Has { .. }) => return None,
            (FieldType::String | FieldType::Boolean, _) => None,
            (FieldType::List(_) | FieldType::Point | FieldType::Ratio, _) => return None,
            (_, Test::Present) => Some(Vec::new()),
            (FieldType::Timestamp, Test::Units(ranges)) => {
                let ends = ranges.iter().flat_map(|(low, high)| [low, high.saturating_add(1)]);
                Some(self.bounds(&own, ends)?)
            }
            (FieldType::Timestamp, Test::During(window)) => {
                let span = resolve(*window, self.as_of, self.zone);
                let ends = [span.start, span.end].into_iter().map(i128::from);
                Some(self.bounds(&own, ends)?)
            }
            (FieldType::Date, Test::During(window)) => {
                let (low, high) = days(resolve(*window, self.as_of, self.zone), self.zone);
                Some(vec![low, high])
            }
            (_, Test::Units(ranges)) => {
                let ends = ranges.iter().flat_map(|(low, high)| [low, high]);
                let ends = ends.filter(|end| *end != i128::MIN && *end != i128::MAX);
                Some(ends.map(inner).collect::<Option<Vec<_>>>()?)
            }
            (_, Test::Doubles(ranges)) => Some(ranges.iter().flat_map(double_ends).collect()),
            _ => return None,
        };
        Some((column, cuts))
    }

    /// The least values of a time column at or after these instants.
    fn bounds(&self, data_type: &DataType, ends: impl Iterator<Item = i128>) -> Option<Vec<i64>> {
        let ends = ends.filter_map(|end| i64::try_from(end).ok());
        let ends = ends.filter(|end| *end != i64::MIN && *end != i64::MAX);
        ends.map(|end| self.raw_bound(data_type, end)).collect()
    }
}

fn double_ends(range: &DoubleRange) -> [i64; 2] {
    [ordered(range.low), ordered(range.high)]
}

/// An end that no value of 64 bits is cut off to.
fn inner(end: i128) -> Option<i64> {
    i64::try_from(end).ok().filter(|end| *end != i64::MIN && *end != i64::MAX)
}
