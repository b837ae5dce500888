//! Distinct values: of each value a user has, only the latest event before a window's end counts.
//! Counted in the row of that event, distinct values are added up as events are, and every window
//! with that end is a difference of two rows.

use std::collections::HashMap;

use super::block::StreamOfGroup;
use super::classes::Spread;
use super::kinds::each;
use super::lanes::Row;

/// What one worker uses again and again.
#[derive(Default)]
pub(super) struct Distinct {
    /// The number of each user's each value.
    numbers: HashMap<u128, u32, Spread>,
    entries: Vec<Entry>,
    /// For each number the row of its latest event so far, from 1; 0 where there is none.
    latest: Vec<u32>,
}

/// An event: the row and lane that it falls in, and the number of its value.
struct Entry {
    row: u16,
    lane: u8,
    number: u32,
}

impl Distinct {
    /// Numbers the values that events of a group have, for [`count`](Self::count).
    pub(super) fn gather(&mut self, events: &StreamOfGroup<'_>, slots: &[usize]) {
        self.numbers.clear();
        self.entries.clear();
        each(events, slots, None, |event| {
            let next = u32::try_from(self.numbers.len()).unwrap_or(u32::MAX);
            let key = u128::from(event.value.cast_unsigned()) << 8 | event.lane as u128;
            let number = *self.numbers.entry(key).or_insert(next);
            let (Ok(row), Ok(lane)) = (u16::try_from(event.row), u8::try_from(event.lane)) else {
                return;
            };
            self.entries.push(Entry { row, lane, number });
        });
    }

    /// Counts each value once, in the row of its latest event before the row `end`.
    pub(super) fn count(&mut self, end: usize, rows: &mut [Row]) {
        self.latest.clear();
        self.latest.resize(self.numbers.len(), 0);
        for Entry { row, lane, number } in &self.entries {
            let Some(latest) = self.latest.get_mut(*number as usize) else { continue };
            if usize::from(*row) >= end || u32::from(*row) < *latest {
                continue;
            }
            let mut add = |row: usize, count: i64| {
                let row = rows.get_mut(row);
                if let Some(cell) = row.and_then(|row| row.get_mut(usize::from(*lane))) {
                    *cell += count;
                }
            };
            if let Some(before) = latest.checked_sub(1) {
                add(before as usize, -1);
            }
            add(usize::from(*row), 1);
            *latest = u32::from(*row) + 1;
        }
    }
}
