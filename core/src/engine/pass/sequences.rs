//! Sequences: the events that may be a step in the order of time, once for each group and stream;
//! and for each sequence those of them that end a chain of steps so far, step by step.

use std::ops::Range;

use crate::plan::{PassPlan, PassSequence};

use super::block::{Group, Stretch};
use super::chunks::Head;

/// An event that may be a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    lane: u8,
    /// Microseconds since 1970.
    at: i64,
    bucket: u16,
}

/// What one worker uses again and again.
#[derive(Default)]
pub(super) struct Sequences {
    /// For each stream that has steps its events in order.
    lists: Vec<Vec<Event>>,
    reached: Vec<Event>,
    next: Vec<Event>,
}

impl Sequences {
    /// The mask of every sequence of a group, from the stretches of its events by stream.
    pub(super) fn evaluate(
        &mut self,
        plan: &PassPlan,
        events: &Group<'_>,
        stretches: &[Vec<Stretch>],
        mut put: impl FnMut(usize, u64),
    ) {
        if plan.sequences.is_empty() {
            return;
        }
        self.lists.resize(plan.streams.len(), Vec::new());
        for ((stream, stretches), list) in plan.streams.iter().zip(stretches).zip(&mut self.lists) {
            let Some(stepping) = &stream.stepping else { continue };
            list.clear();
            gather(events, stretches, &stepping.times, stepping.start..stepping.end, list);
            if !list.is_sorted() {
                list.sort_unstable();
            }
        }
        for sequence in &plan.sequences {
            let mask = self.mask(sequence);
            put(sequence.atom, mask);
        }
    }

    /// The lanes that have a chain of all steps.
    fn mask(&mut self, sequence: &PassSequence) -> u64 {
        let Sequences { lists, reached, next } = self;
        let buckets = sequence.start..sequence.end;
        let step = |step: &usize| {
            let list = lists.get(*step).map(Vec::as_slice).unwrap_or_default();
            list.iter().copied().filter(|event| buckets.contains(&usize::from(event.bucket)))
        };
        let Some((first, later)) = sequence.streams.split_first() else { return 0 };
        reached.clear();
        reached.extend(step(first));
        for (place, stream) in (1..).zip(later) {
            if reached.is_empty() {
                return 0;
            }
            next.clear();
            match sequence.steps.micros(place) {
                Some(micros) => {
                    follow(reached, step(stream), |at| at.saturating_add(micros), next);
                }
                None => follow(reached, step(stream), |at| sequence.steps.until(place, at), next),
            }
            std::mem::swap(reached, next);
        }
        reached.iter().fold(0, |mask, event| mask | 1 << event.lane)
    }
}

/// Adds those of `events` that come after one that was reached and no later than `until` says of
/// it; of several, the latest such instant counts.
fn follow(
    reached: &[Event],
    events: impl Iterator<Item = Event>,
    until: impl Fn(i64) -> i64,
    next: &mut Vec<Event>,
) {
    let mut reached = reached.iter().peekable();
    let mut lane = None;
    let mut open: Option<i64> = None;
    for event in events {
        if lane != Some(event.lane) {
            lane = Some(event.lane);
            open = None;
            while reached.next_if(|before| before.lane < event.lane).is_some() {}
        }
        while let Some(before) =
            reached.next_if(|before| before.lane == event.lane && before.at < event.at)
        {
            let until = until(before.at);
            open = Some(open.map_or(until, |other| other.max(until)));
        }
        if open.is_some_and(|open| event.at <= open) {
            next.push(event);
        }
    }
}

/// Adds a stream's events in some buckets.
fn gather(
    events: &Group<'_>,
    stretches: &[Stretch],
    times: &[usize],
    buckets: Range<usize>,
    list: &mut Vec<Event>,
) {
    for stretch in stretches {
        let Some(slot) = times.get(stretch.member) else { continue };
        let (stride, words) = events.records(stretch);
        for record in words.chunks_exact(stride) {
            let [head, values @ ..] = record else { continue };
            let head = Head(*head);
            let (Ok(lane), Ok(bucket)) = (u8::try_from(head.lane()), u16::try_from(head.bucket()))
            else {
                continue;
            };
            if let Some(at) = values.get(*slot).filter(|_| buckets.contains(&head.bucket())) {
                list.push(Event { lane, at: at.cast_signed(), bucket });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(events: &[(u8, i64)]) -> Vec<Event> {
        events.iter().map(|(lane, at)| Event { lane: *lane, at: *at, bucket: 0 }).collect()
    }

    #[test]
    fn steps_follow_strictly_and_in_time() {
        let first = events(&[(0, 1), (0, 10), (2, 5), (3, 7), (3, 7)]);
        let second = events(&[(0, 1), (0, 9), (0, 17), (0, 18), (1, 6), (2, 5), (2, 6), (3, 8)]);
        let mut next = Vec::new();
        follow(&first, second.iter().copied(), |at| at + 7, &mut next);
        assert_eq!(next, events(&[(0, 17), (2, 6), (3, 8)]));
        // One that was reached later may be open for less long.
        next.clear();
        let until = |at| if at == 1 { 20 } else { at };
        follow(&first, second.iter().copied(), until, &mut next);
        assert_eq!(next, events(&[(0, 9), (0, 17), (0, 18)]));
    }
}
