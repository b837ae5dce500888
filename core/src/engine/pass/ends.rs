//! First and last values: for each row of a stream and each user the value of the earliest or
//! latest event, of several at one instant the smallest or largest; and least and greatest texts,
//! which are ordered by themselves.

use super::block::StreamOfGroup;
use super::kinds::each;
use super::lanes::{LANES, Row};
use super::texts::Learnt;

/// What one worker uses again and again.
#[derive(Default)]
pub(super) struct Ends {
    times: Vec<Row>,
    /// For each measure and row the lanes that have a value.
    there: Vec<Vec<u64>>,
}

/// What makes one value come before another.
#[derive(Clone, Copy)]
pub(super) struct Order<'a> {
    pub(super) last: bool,
    /// Values are numbers of these texts.
    pub(super) texts: Option<&'a Learnt>,
}

impl Order<'_> {
    /// Whether a value at a time takes the place of another.
    pub(super) fn takes(&self, (time, value): (i64, i64), (other, known): (i64, i64)) -> bool {
        let order = time.cmp(&other).then_with(|| match self.texts {
            None => value.cmp(&known),
            Some(_) if value == known => std::cmp::Ordering::Equal,
            Some(texts) => texts.text(value).cmp(texts.text(known)),
        });
        if self.last { order.is_gt() } else { order.is_lt() }
    }
}

impl Ends {
    /// Finds the value of each row and lane of the measure at `place`.
    pub(super) fn find(
        &mut self,
        events: &StreamOfGroup<'_>,
        place: usize,
        order: Order<'_>,
        rows: &mut [Row],
    ) {
        if self.there.len() <= place {
            self.there.resize(place + 1, Vec::new());
        }
        let measure = events.stream.measures.get(place);
        let (Some(measure), Some(there)) = (measure, self.there.get_mut(place)) else { return };
        there.clear();
        there.resize(rows.len(), 0);
        self.times.resize(rows.len().max(self.times.len()), [0; LANES]);
        let Some(slots) = &measure.slots else { return };
        each(events, slots, measure.times.as_deref(), |event| {
            let (row, lane) = (event.row, event.lane);
            let there = there.get_mut(row);
            let time = self.times.get_mut(row).and_then(|row| row.get_mut(lane));
            let value = rows.get_mut(row).and_then(|row| row.get_mut(lane));
            let (Some(there), Some(time), Some(value)) = (there, time, value) else { return };
            let known = *there >> lane & 1 == 1;
            if !known || order.takes((event.time, event.value), (*time, *value)) {
                *there |= 1 << lane;
                (*time, *value) = (event.time, event.value);
            }
        });
    }

    /// The value of each lane over rows from `start` to before `end`, and the lanes that have one.
    pub(super) fn between(
        &self,
        events: &StreamOfGroup<'_>,
        place: usize,
        order: Order<'_>,
        rows: &[Row],
        (start, end): (usize, usize),
    ) -> (Row, u64) {
        let mut values = [0; LANES];
        let mut found = 0u64;
        let timed = events.stream.measures.get(place).is_some_and(|m| m.times.is_some());
        let there = self.there.get(place).map(Vec::as_slice).unwrap_or_default();
        let there = there.get(start..end).unwrap_or_default();
        let rows = rows.get(start..end).unwrap_or_default();
        let all = there.iter().fold(0, |all, there| all | there);
        for at in 0..rows.len() {
            if timed && found == all {
                break;
            }
            let at = if order.last { rows.len() - 1 - at } else { at };
            let (Some(row), Some(there)) = (rows.get(at), there.get(at)) else { continue };
            // Rows are in the order of time: what is found first stays.
            let mut lanes = if timed { there & !found } else { *there };
            while lanes != 0 {
                let lane = lanes.trailing_zeros() as usize;
                lanes &= lanes - 1;
                let (Some(value), Some(known)) = (row.get(lane), values.get_mut(lane)) else {
                    continue;
                };
                if found >> lane & 1 == 0 || order.takes((0, *value), (0, *known)) {
                    *known = *value;
                }
            }
            found |= there;
        }
        (values, found)
    }
}
