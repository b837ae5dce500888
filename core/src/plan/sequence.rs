//! Sequences: the events of all steps in one stream, and for each user whether a chain is there.
//!
//! An event carries the steps that it may be, one bit each. Users' events are kept as they come and
//! gone through in the order of time once they are all there. Of the chains that have come as far
//! as a step, only the latest instant by which the next step may follow matters, so that a user's
//! events are looked at once.

use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BooleanArray};
use arrow::datatypes::{DataType, Field, FieldRef, TimestampMicrosecondType, UInt16Type};
use chrono_tz::Tz;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility,
};

use crate::model::months_after;
use crate::rule::Duration;

/// The longest time after each step but the first; nothing where there is no limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Steps {
    pub(super) within: Vec<Option<Duration>>,
    pub(super) zone: Tz,
}

impl Steps {
    /// So many microseconds after the one before it the step may be; nothing where that goes by
    /// the calendar.
    pub(crate) fn micros(&self, step: usize) -> Option<i64> {
        match self.within.get(step).copied().flatten() {
            None => Some(i64::MAX),
            Some(duration) => duration.micros(),
        }
    }

    /// The last instant at which the step `next` may follow one at `at`.
    pub(crate) fn until(&self, next: usize, at: i64) -> i64 {
        let Some(duration) = self.within.get(next).copied().flatten() else { return i64::MAX };
        match (duration.micros(), duration.months()) {
            (Some(micros), _) => at.saturating_add(micros),
            (None, Some(months)) => months_after(self.zone, at, months),
            (None, None) => i64::MAX,
        }
    }

    /// Whether a chain of all steps is among the events, which are in the order of time.
    fn are_in(&self, events: &[(i64, u16)]) -> bool {
        let count = self.within.len();
        // Until when the step may be reached, by chains that ended before this instant.
        let mut open: Vec<Option<i64>> = vec![None; count];
        for same_time in events.chunk_by(|one, other| one.0 == other.0) {
            let Some((at, _)) = same_time.first() else { continue };
            let may_be = same_time.iter().fold(0, |steps, (_, more)| steps | more);
            // Downwards: what is reached at this instant opens nothing for the same instant.
            for step in (0..count).rev().filter(|step| may_be >> step & 1 == 1) {
                let until = open.get(step).copied().flatten();
                if step > 0 && until.is_none_or(|until| *at > until) {
                    continue;
                }
                if step + 1 == count {
                    return true;
                }
                let until = self.until(step + 1, *at);
                if let Some(open) = open.get_mut(step + 1) {
                    *open = Some(open.map_or(until, |other| other.max(until)));
                }
            }
        }
        false
    }
}

/// `sequence(instant, steps) -> Boolean`, the steps that an event may be as bits.
pub(super) fn sequence(steps: Steps) -> Arc<AggregateUDF> {
    let signature = Signature::any(2, Volatility::Immutable);
    Arc::new(AggregateUDF::from(Sequence { steps, signature }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Sequence {
    steps: Steps,
    signature: Signature,
}

impl AggregateUDFImpl for Sequence {
    fn name(&self) -> &str {
        "sequence"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn state_fields(&self, _: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new("events", DataType::Binary, true))])
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(One(Kept::new(self.steps.clone()))))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Kept::new(self.steps.clone())))
    }
}

/// One event: its instant, its group and the steps that it may be, in 16 bytes.
type Event = (i64, u32, u16);

/// The events of many groups, in the order in which they came.
#[derive(Debug)]
struct Kept {
    steps: Steps,
    groups: usize,
    events: Vec<Event>,
}

/// An instant and its steps as bytes.
const WIDTH: usize = size_of::<i64>() + size_of::<u16>();

impl Kept {
    fn new(steps: Steps) -> Self {
        Kept { steps, groups: 0, events: Vec::new() }
    }

    fn push(&mut self, group: usize, at: i64, steps: u16) -> Result<()> {
        let Ok(group) = u32::try_from(group) else { return exec_err!("too many groups") };
        self.events.push((at, group, steps));
        Ok(())
    }

    /// The groups that are to be given out, each with its events in the order of time.
    fn take(&mut self, emit_to: EmitTo) -> Vec<Vec<(i64, u16)>> {
        let count = match emit_to {
            EmitTo::All => self.groups,
            EmitTo::First(count) => count,
        };
        let mut taken: Vec<Vec<(i64, u16)>> = vec![Vec::new(); count];
        let mut left = Vec::new();
        let out = u32::try_from(count).unwrap_or(u32::MAX);
        for (at, group, steps) in std::mem::take(&mut self.events) {
            match taken.get_mut(group as usize) {
                Some(events) => events.push((at, steps)),
                None => left.push((at, group - out, steps)),
            }
        }
        taken.iter_mut().for_each(|events| events.sort_unstable());
        self.events = left;
        self.groups -= count;
        taken
    }
}

impl GroupsAccumulator for Kept {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        let [times, steps] = values else { return exec_err!("sequence takes two arguments") };
        self.groups = total;
        let times = times.as_primitive::<TimestampMicrosecondType>();
        let steps = steps.as_primitive::<UInt16Type>();
        for (row, group) in groups.iter().enumerate() {
            let kept = filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            if kept && times.is_valid(row) && steps.is_valid(row) {
                self.push(*group, times.value(row), steps.value(row))?;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let taken = self.take(emit_to);
        let found = taken.iter().map(|events| Some(self.steps.are_in(events)));
        Ok(Arc::new(found.collect::<BooleanArray>()))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let groups = self.take(emit_to).into_iter().map(|events| {
            let mut bytes = Vec::with_capacity(events.len() * WIDTH);
            for (at, steps) in events {
                bytes.extend_from_slice(&at.to_le_bytes());
                bytes.extend_from_slice(&steps.to_le_bytes());
            }
            Some(bytes)
        });
        Ok(vec![Arc::new(groups.collect::<BinaryArray>())])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        let [states] = values else { return exec_err!("sequence has one state") };
        self.groups = total;
        let states = states.as_binary::<i32>();
        for (row, group) in groups.iter().enumerate().filter(|(row, _)| states.is_valid(*row)) {
            for event in states.value(row).chunks_exact(WIDTH) {
                let (at, steps) = event.split_at(size_of::<i64>());
                let at = at.try_into().map(i64::from_le_bytes);
                let steps = steps.try_into().map(u16::from_le_bytes);
                if let (Ok(at), Ok(steps)) = (at, steps) {
                    self.push(*group, at, steps)?;
                }
            }
        }
        Ok(())
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |array| array.len());
        let mut each = Kept::new(self.steps.clone());
        let groups: Vec<usize> = (0..rows).collect();
        each.update_batch(values, &groups, filter, rows)?;
        each.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.events.capacity() * size_of::<Event>()
    }
}

/// Everything as a single group.
#[derive(Debug)]
struct One(Kept);

impl Accumulator for One {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = values.first().map_or(0, |array| array.len());
        self.0.update_batch(values, &vec![0; rows], None, 1)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.0.groups = 1;
        let array = GroupsAccumulator::evaluate(&mut self.0, EmitTo::All)?;
        ScalarValue::try_from_array(&array, 0)
    }

    fn size(&self) -> usize {
        GroupsAccumulator::size(&self.0)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.0.groups = 1;
        let arrays = GroupsAccumulator::state(&mut self.0, EmitTo::All)?;
        arrays.iter().map(|array| ScalarValue::try_from_array(array, 0)).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let rows = states.first().map_or(0, |array| array.len());
        self.0.merge_batch(states, &vec![0; rows], 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DAY;

    fn steps(within: &[Option<&str>]) -> Steps {
        let within = within.iter().map(|text| text.and_then(Duration::parse)).collect();
        Steps { within, zone: Tz::UTC }
    }

    fn holds(within: &[Option<&str>], events: &[(i64, u16)]) -> bool {
        let events: Vec<_> = events.iter().map(|(day, steps)| (day * DAY, *steps)).collect();
        steps(within).are_in(&events)
    }

    #[test]
    fn steps_are_strictly_after_one_another() {
        assert!(holds(&[None, None], &[(1, 1), (2, 2)]));
        assert!(!holds(&[None, None], &[(1, 1), (1, 2)]));
        assert!(!holds(&[None, None], &[(1, 3)]));
        assert!(!holds(&[None, None], &[(1, 2), (2, 1)]));
        assert!(holds(&[None, None, None], &[(1, 7), (2, 7), (3, 7)]));
        assert!(!holds(&[None, None, None], &[(1, 7), (2, 7), (2, 7)]));
    }

    #[test]
    fn any_chain_will_do() {
        let week = [None, Some("7 days")];
        // Neither the first nor the last first step alone would do for the steps that follow.
        assert!(holds(&week, &[(1, 1), (10, 1), (17, 2)]));
        assert!(!holds(&week, &[(1, 1), (10, 1), (18, 2)]));
        let three = [None, Some("7 days"), Some("1 day")];
        assert!(holds(&three, &[(1, 1), (3, 2), (8, 2), (9, 4)]));
        assert!(!holds(&three, &[(1, 1), (3, 2), (9, 2), (10, 4)]));
    }

    #[test]
    fn months_go_by_the_calendar_and_may_overtake_one_another() {
        let day = |day: u32| chrono::NaiveDate::from_ymd_opt(2025, 1, day);
        let at = |date: Option<chrono::NaiveDate>, hour: i64| {
            i64::from(crate::model::day_number(date.unwrap())) * DAY + hour * DAY / 24
        };
        // A month from the 30th at 23:00 ends later than one from the 31st at 01:00.
        let end = at(chrono::NaiveDate::from_ymd_opt(2025, 2, 28), 22);
        let events = [(at(day(30), 23), 1), (at(day(31), 1), 1), (end, 2)];
        assert!(steps(&[None, Some("1 month")]).are_in(&events));
        assert!(!steps(&[None, Some("1 month")]).are_in(&events[1..]));
    }
}
