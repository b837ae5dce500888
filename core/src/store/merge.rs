//! Many small parts of a block made into one, so that reading it stays fast.
//!
//! Whoever reads parts by when their events came sees no difference: a merged part knows for each
//! user when the youngest event came, and that is all that anybody asks of several parts.

use std::ops::Range;
use std::sync::Arc;

use crate::error::Result;

use super::part::{Block, Column, Part};

/// A block has at most so many parts; beyond it, the youngest are merged.
const MOST_PARTS: usize = 8;

/// An older part goes with the younger ones if it is at most so many times as large as all of them
/// together. So every event is written again a few times only, however many parts come.
const LARGER: usize = 2;

/// How many of a block's parts are to be merged, given their rows, the oldest first: so many of the
/// youngest, or none.
pub(crate) fn due(rows: &[usize]) -> usize {
    if rows.len() <= MOST_PARTS {
        return 0;
    }
    let (mut taken, mut sum) = (0, 0);
    for rows in rows.iter().rev() {
        if taken >= 2 && *rows > sum * LARGER {
            break;
        }
        taken += 1;
        sum += rows;
    }
    taken
}

/// How many bytes merging so many rows takes at once.
pub(crate) fn memory(rows: usize, columns: usize) -> usize {
    // Where each row comes from, and every column once as it is and once as it will be.
    rows * (16 + 9 * (columns + 1))
}

/// Parts of one block and table as one, with the columns at some places only.
pub(crate) fn merged(parts: &[Arc<Part>], columns: &[usize]) -> Result<Block> {
    let mut block = Block::default();
    // The part and the row that each row of the block is.
    let mut order: Vec<(usize, usize)> = Vec::new();
    let times = parts.iter().map(|part| whole(part, 0)).collect::<Result<Vec<_>>>()?;
    let mut next = vec![0; parts.len()];
    loop {
        let heads = parts.iter().zip(&next).filter_map(|(part, at)| part.users().0.get(*at));
        let Some(place) = heads.min().copied() else { break };
        let (first, mut written) = (order.len(), 0);
        for (number, (part, at)) in parts.iter().zip(&mut next).enumerate() {
            if part.users().0.get(*at) == Some(&place) {
                order.extend(rows_of(part, *at).map(|row| (number, row)));
                written = part.written(*at).max(written);
                *at += 1;
            }
        }
        let time = |(part, row): &(usize, usize)| times.get(*part)?.values.get(*row);
        if let Some(own) = order.get_mut(first..) {
            own.sort_by_key(|row| time(row));
        }
        block.places.push(place);
        block.ends.push(u32::try_from(order.len()).unwrap_or(u32::MAX));
        block.written.push(written);
    }
    drop(times);
    for column in columns {
        let whole =
            parts.iter().map(|part| self::whole(part, *column)).collect::<Result<Vec<_>>>()?;
        block.columns.push(picked(&whole, &order));
    }
    Ok(block)
}

/// The rows of a part's user.
fn rows_of(part: &Part, user: usize) -> Range<usize> {
    let (_, ends) = part.users();
    let end = |user: Option<usize>| user.and_then(|user| ends.get(user)).copied().unwrap_or(0);
    end(user.checked_sub(1)) as usize..end(Some(user)) as usize
}

/// A column of a part.
fn whole(part: &Part, column: usize) -> Result<Column> {
    let (mut buffer, mut values) = (Vec::new(), Vec::with_capacity(part.rows()));
    part.values(column, 0..part.rows(), &mut buffer, &mut values)?;
    Ok(Column { values, valid: part.valid(column, 0..part.rows(), &mut buffer)? })
}

/// Rows of several columns as one.
fn picked(columns: &[Column], order: &[(usize, usize)]) -> Column {
    let of = |(column, row): &(usize, usize)| Some((columns.get(*column)?, *row));
    let rows = || order.iter().filter_map(of);
    let values = rows().filter_map(|(column, row)| column.values.get(row)).copied().collect();
    let there = |(column, row): (&Column, usize)| {
        column.valid.as_ref().is_none_or(|valid| valid.get(row) == Some(&true))
    };
    let some_missing = columns.iter().any(|column| column.valid.is_some());
    Column { values, valid: some_missing.then(|| rows().map(there).collect()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_parts_stay_and_every_row_is_merged_a_few_times_only() {
        assert_eq!(due(&[10; MOST_PARTS]), 0);
        assert_eq!(due(&[1_000_000, 1, 1, 1, 1, 1, 1, 1, 1]), 8);
        assert_eq!(due(&[1 << 20, 1 << 17, 1 << 15, 1 << 13, 1 << 11, 1 << 9, 99, 22, 2]), 2);
        let mut parts: Vec<usize> = vec![1_000];
        let mut merged = 0;
        for _ in 0..10_000 {
            parts.push(1);
            let taken = due(&parts);
            let young: usize = parts.split_off(parts.len() - taken).iter().sum();
            parts.extend((taken > 0).then_some(young));
            merged += young;
            assert!(parts.len() <= MOST_PARTS);
        }
        assert!(merged < 11_000 * 12, "{merged}");
    }

    fn part(folder: &std::path::Path, name: &str, block: &Block) -> Arc<Part> {
        Part::made(&folder.join(name), block)
    }

    #[test]
    fn merging_keeps_events_in_order_and_says_who_is_new() {
        let folder = tempfile::tempdir().unwrap();
        let column = |values: &[i64], valid: Option<&[bool]>| Column {
            values: values.to_vec(),
            valid: valid.map(<[bool]>::to_vec),
        };
        let old = Block {
            places: vec![1, 4, 9],
            ends: vec![2, 3, 5],
            written: vec![3, 3, 5],
            columns: vec![column(&[10, 30, 5, 1, 7], None), column(&[1, 2, 3, 4, 5], None)],
        };
        let new = Block {
            places: vec![0, 1, 9],
            ends: vec![1, 2, 4],
            written: vec![8, 8, 8],
            columns: vec![
                column(&[2, 20, 0, 6], None),
                column(&[6, 7, 8, 9], Some(&[true, false, true, true])),
            ],
        };
        let parts = [part(folder.path(), "a", &old), part(folder.path(), "b", &new)];
        let valid = [true, true, false, true, true, true, true, true, true];
        let together = Block {
            places: vec![0, 1, 4, 9],
            ends: vec![1, 4, 5, 9],
            written: vec![8, 8, 3, 8],
            columns: vec![
                column(&[2, 10, 20, 30, 5, 0, 1, 6, 7], None),
                // What is not there is the least that is.
                column(&[6, 1, 6, 2, 3, 8, 4, 9, 5], Some(&valid)),
            ],
        };
        assert_eq!(merged(&parts, &[0, 1]).unwrap(), together);
        let times = merged(&parts, &[0]).unwrap();
        assert_eq!(times.columns, together.columns[..1]);
        // What is new since any generation is what it was.
        let one = part(folder.path(), "c", &together);
        for generation in 0..9 {
            let mut apart: Vec<u16> =
                parts.iter().flat_map(|part| part.places_since(generation)).collect();
            apart.sort_unstable();
            apart.dedup();
            assert_eq!(one.places_since(generation).collect::<Vec<_>>(), apart);
        }
    }
}
