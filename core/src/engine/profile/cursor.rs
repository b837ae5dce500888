//! Reading only what is new of a table that has an ever-growing column, and noticing where it was
//! not only added to.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::DataType;
use datafusion::common::{Column, Result as DfResult};
use datafusion::logical_expr::{Expr, lit};

use crate::source::literal;
use crate::store::SeenCursor;

use super::super::pass::whole::whole;

/// More rows than this that share the greatest value are not remembered one by one.
const MANY_TIES: usize = 1 << 12;

/// The cursor of a table, watched while its events are read.
pub(super) struct Watch {
    /// The place of its column in the batches.
    pub(super) place: usize,
    /// What was read before, if only what is new is wanted.
    pub(super) from: Option<From>,
}

/// Where the reading before ended.
pub(super) struct From {
    last: i64,
    /// How many rows of each hash had that value, less those that were met again.
    ties: Mutex<HashMap<u64, usize>>,
}

/// What was met of a cursor.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Met {
    /// The smallest and the greatest value.
    ends: Option<(i64, i64)>,
    /// Hashes of the rows that have the greatest.
    ties: Vec<u64>,
    /// Rows that had been read before.
    again: u64,
    /// A row had no value, or one that does not fit.
    missing: bool,
}

impl From {
    /// Where a table was left; nothing if that can't be gone on from.
    pub(super) fn of(seen: &SeenCursor) -> Option<From> {
        let (_, last) = seen.ends?;
        let mut ties = HashMap::new();
        seen.ties.iter().for_each(|hash| *ties.entry(*hash).or_default() += 1);
        Some(From { last, ties: Mutex::new(ties) })
    }

    /// Takes a row that has the value at which the reading before ended: whether it was there.
    fn met_before(&self, hash: u64) -> bool {
        let mut ties = self.ties.lock().unwrap_or_else(PoisonError::into_inner);
        match ties.get_mut(&hash) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            _ => false,
        }
    }

    /// Whether all rows were met again that had the value at which the reading before ended.
    pub(super) fn all_met(&self) -> bool {
        let ties = self.ties.lock().unwrap_or_else(PoisonError::into_inner);
        ties.values().all(|left| *left == 0)
    }
}

impl Watch {
    /// Looks at a batch: which of its rows are new, all of them if nothing is answered. `hash` tells
    /// rows apart that have the same value.
    pub(super) fn look(
        &self,
        batch: &RecordBatch,
        hash: impl Fn(usize) -> DfResult<u64>,
        met: &mut Met,
    ) -> DfResult<Option<Vec<bool>>> {
        let Some(array) = batch.columns().get(self.place) else { return Ok(None) };
        let whole = whole(array)?;
        let last = self.from.as_ref().map(|from| from.last);
        // Scans give at least what was asked for, and a row without a value is looked for elsewhere
        // where only what is new is wanted.
        met.missing |= whole.unfit || (last.is_none() && whole.valid.is_some());
        let value = |row: usize| {
            let value = whole.values.get(row).copied().filter(|_| whole.is_valid(row))?;
            (Some(value) >= last).then_some(value)
        };
        let known = || (0..batch.num_rows()).filter_map(|row| Some((row, value(row)?)));
        let Some(most) = known().map(|(_, value)| value).max() else {
            return Ok(self.from.as_ref().map(|_| vec![false; batch.num_rows()]));
        };
        if let Some(least) = known().map(|(_, value)| value).min() {
            met.note_ends(least, most);
        }
        let mut new = self.from.as_ref().map(|_| vec![false; batch.num_rows()]);
        for (row, value) in known() {
            let tied = met.ends.is_some_and(|(_, last)| last == value);
            let (old, mut before) = (Some(value) == last, false);
            if tied || old {
                let hash = hash(row)?;
                before = old && self.from.as_ref().is_some_and(|from| from.met_before(hash));
                met.again += u64::from(before);
                // One more than are remembered tells that there were too many.
                if tied && met.ties.len() <= MANY_TIES {
                    met.ties.push(hash);
                }
            }
            if let Some(new) = new.as_mut().and_then(|new| new.get_mut(row)) {
                *new = !before;
            }
        }
        Ok(new)
    }
}

impl Met {
    fn note_ends(&mut self, least: i64, most: i64) {
        let (first, last) = self.ends.unwrap_or((least, i64::MIN));
        if most > last {
            self.ties.clear();
        }
        self.ends = Some((first.min(least), last.max(most)));
    }

    /// The same with what another worker has met.
    pub(super) fn with(mut self, other: Met) -> Met {
        if let Some((least, most)) = other.ends {
            self.note_ends(least, most);
            if self.ends.is_some_and(|(_, last)| last == most) {
                self.ties.extend(other.ties);
            }
        }
        self.again += other.again;
        self.missing |= other.missing;
        self
    }

    /// Rows that had been read before.
    pub(super) fn again(&self) -> u64 {
        self.again
    }

    /// How far the cursor has come after that; nothing if the next reading can't go on from there.
    pub(super) fn seen(
        self,
        column: &str,
        data_type: &DataType,
        before: Option<&SeenCursor>,
    ) -> Option<SeenCursor> {
        if self.missing || self.ties.len() > MANY_TIES {
            return None;
        }
        let first = before.and_then(|before| before.ends).map(|(first, _)| first);
        let ends = self.ends.map(|(least, most)| (first.unwrap_or(least), most));
        let (column, data_type) = (column.to_owned(), data_type.to_string());
        Some(SeenCursor { column, data_type, ends, ties: self.ties })
    }
}

/// Rows from a value on.
pub(super) fn from(column: &str, data_type: &DataType, value: i64) -> Option<Expr> {
    Some(named(column).gt_eq(lit(literal(data_type, value)?)))
}

/// Rows up to a value.
pub(super) fn up_to(column: &str, data_type: &DataType, value: i64) -> Option<Expr> {
    Some(named(column).lt_eq(lit(literal(data_type, value)?)))
}

/// Rows without a value.
pub(super) fn without(column: &str) -> Expr {
    named(column).is_null()
}

fn named(column: &str) -> Expr {
    Expr::Column(Column::new_unqualified(column))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::Int64Array;

    use super::*;

    fn look(watch: &Watch, values: &[Option<i64>], rows: &[u64], met: &mut Met) -> Vec<usize> {
        let array = Arc::new(Int64Array::from(values.to_vec()));
        let batch = RecordBatch::try_from_iter([("id", array as _)]).unwrap();
        let new = watch.look(&batch, |row| Ok(rows[row]), met).unwrap();
        let new = new.unwrap_or_else(|| vec![true; values.len()]);
        (0..values.len()).filter(|row| new[*row]).collect()
    }

    fn seen(met: Met, before: Option<&SeenCursor>) -> Option<SeenCursor> {
        met.seen("id", &DataType::Int64, before)
    }

    #[test]
    fn reading_goes_on_where_it_ended() {
        let whole = Watch { place: 0, from: None };
        let (mut one, mut other) = (Met::default(), Met::default());
        assert_eq!(look(&whole, &[Some(4), Some(2)], &[40, 20], &mut one), [0, 1]);
        look(&whole, &[Some(7), Some(3), Some(7)], &[70, 30, 71], &mut one);
        look(&whole, &[Some(7), Some(-1)], &[70, 10], &mut other);
        let first = seen(one.with(other), None).unwrap();
        assert_eq!((first.ends, first.ties.as_slice()), (Some((-1, 7)), [70, 71, 70].as_slice()));

        // Of those with the greatest value, what has come besides those that were there is new.
        let watch = Watch { place: 0, from: From::of(&first) };
        let mut met = Met::default();
        let values = [Some(7), Some(6), Some(7), Some(7), None, Some(7), Some(9)];
        let new = look(&watch, &values, &[70, 60, 71, 72, 0, 70, 90], &mut met);
        assert_eq!((new, met.again()), (vec![3, 6], 3));
        assert!(watch.from.as_ref().unwrap().all_met());
        let second = seen(met, Some(&first)).unwrap();
        assert_eq!((second.ends, second.ties.as_slice()), (Some((-1, 9)), [90].as_slice()));

        // Nothing is new, and all that was there is.
        let watch = Watch { place: 0, from: From::of(&second) };
        let mut met = Met::default();
        assert!(look(&watch, &[Some(9)], &[90], &mut met).is_empty());
        assert!(watch.from.as_ref().unwrap().all_met());
        assert_eq!(seen(met, Some(&second)).unwrap(), second);
    }

    #[test]
    fn what_can_not_be_gone_on_from_is_told() {
        let first = SeenCursor { ends: Some((1, 7)), ties: vec![70], ..SeenCursor::default() };
        let watch = Watch { place: 0, from: From::of(&first) };
        look(&watch, &[Some(7), Some(8)], &[71, 80], &mut Met::default());
        assert!(!watch.from.unwrap().all_met(), "the row is another");

        let whole = Watch { place: 0, from: None };
        let mut met = Met::default();
        look(&whole, &[Some(1), None], &[1, 2], &mut met);
        assert_eq!(seen(met, None), None, "a value is missing");
        let (mut met, rows) = (Met::default(), vec![Some(1); MANY_TIES + 1]);
        look(&whole, &rows, &vec![0; rows.len()], &mut met);
        assert_eq!(seen(met, None), None, "too many rows share the greatest");
    }
}
