//! The shared pass in its obvious form: one user, one metric, one event after the other, in whole
//! numbers of any size. The fast form is tested against it, and it stands in where 64 bits might
//! not hold a sum.

use std::collections::HashSet;

use crate::plan::{Asked, MeasureKind, PassMetric, Reading, ratio_is_within};

use super::block::StreamOfGroup;
use super::chunks::Head;
use super::compare::Compares;
use super::ends::Order;
use super::lanes::{LANES, Row};
use super::texts::Learnt;

/// A metric's value for one user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Missing,
    Number(i128),
    /// A sum of so many digits after the point, and the count of what was added.
    Ratio(i128, i8, i64),
    /// The number of a text.
    Text(i64),
}

/// The value of a metric for a user without events.
pub(super) fn empty(reading: Reading) -> Found {
    match reading {
        Reading::Total(_) => Found::Number(0),
        Reading::Ratio(..) | Reading::Extreme(_) | Reading::End(_) => Found::Missing,
    }
}

/// Whether an atom holds.
pub(super) fn holds(found: Found, asked: &Asked, texts: &Learnt) -> bool {
    match (found, asked) {
        (Found::Missing, _) => false,
        (_, Asked::Present) => true,
        (Found::Number(value), Asked::Within { ranges, negated }) => {
            let inside =
                |(low, high): &(i64, i64)| (i128::from(*low)..=i128::from(*high)).contains(&value);
            // The ends of 64 bits stand for no end at all.
            let beyond = |(low, high): &(i64, i64)| {
                (value < i128::from(i64::MIN) && *low == i64::MIN)
                    || (value > i128::from(i64::MAX) && *high == i64::MAX)
            };
            ranges.iter().any(|range| inside(range) || beyond(range)) != *negated
        }
        (Found::Ratio(sum, scale, count), Asked::RatioWithin { ranges, negated }) => {
            let inside = ranges.iter().any(|range| ratio_is_within(sum, scale, count, range));
            inside != *negated
        }
        (Found::Text(number), Asked::Text { test, negated }) => {
            texts.passes(*test, number) != *negated
        }
        _ => false,
    }
}

/// The mask of a test of averages.
pub(super) fn ratios(sums: &Row, counts: &Row, scale: i8, asked: &Asked) -> u64 {
    let lanes = sums.iter().zip(counts).enumerate();
    lanes.fold(0, |mask, (lane, (sum, count))| {
        let found = match count {
            0 => Found::Missing,
            count => Found::Ratio(i128::from(*sum), scale, *count),
        };
        mask | u64::from(holds(found, asked, &Learnt::default())) << lane
    })
}

/// The masks of all atoms of a stream.
pub(super) fn stream(
    events: &StreamOfGroup<'_>,
    texts: &Learnt,
    compares: &mut Compares,
    put: &mut impl FnMut(usize, u64),
) {
    for metric in &events.stream.metrics {
        let found: Vec<Found> = (0..LANES).map(|lane| value(events, metric, lane, texts)).collect();
        compares.keep_found(metric.kept, &found);
        for (atom, asked) in &metric.atoms {
            let lanes = found.iter().enumerate();
            let mask = lanes.fold(0, |mask, (lane, found)| {
                mask | u64::from(holds(*found, asked, texts)) << lane
            });
            put(*atom, mask);
        }
    }
}

/// A metric's value for the user of a lane.
fn value(events: &StreamOfGroup<'_>, metric: &PassMetric, lane: usize, texts: &Learnt) -> Found {
    let values = |measure: usize| -> Vec<i128> {
        let found = found(events, metric, lane, measure).into_iter();
        found.map(|(_, value)| i128::from(value)).collect()
    };
    match metric.reading {
        Reading::Total(measure) if is_distinct(events, measure) => {
            let distinct: HashSet<i128> = values(measure).into_iter().collect();
            Found::Number(i128::try_from(distinct.len()).unwrap_or(i128::MAX))
        }
        Reading::Total(measure) => Found::Number(values(measure).iter().sum()),
        Reading::End(measure) => {
            let kind = events.stream.measures.get(measure).map(|measure| measure.kind);
            let Some(MeasureKind::End { last, texts: of_texts }) = kind else {
                return Found::Missing;
            };
            let order = Order { last, texts: of_texts.then_some(texts) };
            let found = found(events, metric, lane, measure).into_iter();
            let end =
                found.reduce(|known, next| if order.takes(next, known) { next } else { known });
            match end {
                None => Found::Missing,
                Some((_, number)) if of_texts => Found::Text(number),
                Some((_, number)) => Found::Number(number.into()),
            }
        }
        Reading::Extreme(measure) => {
            let values = values(measure).into_iter();
            let found = if events.is_least(measure) { values.min() } else { values.max() };
            found.map_or(Found::Missing, Found::Number)
        }
        Reading::Ratio(sum, count, scale) => {
            match i64::try_from(values(count).len()).unwrap_or(i64::MAX) {
                0 => Found::Missing,
                count => Found::Ratio(values(sum).iter().sum(), scale, count),
            }
        }
    }
}

fn is_distinct(events: &StreamOfGroup<'_>, measure: usize) -> bool {
    let measure = events.stream.measures.get(measure);
    measure.is_some_and(|measure| matches!(measure.kind, MeasureKind::Distinct(_)))
}

/// What the events of a user give to a measure in a metric's window: times, if the measure has
/// such, and values.
fn found(
    events: &StreamOfGroup<'_>,
    metric: &PassMetric,
    lane: usize,
    measure: usize,
) -> Vec<(i64, i64)> {
    let Some(measure) = events.stream.measures.get(measure) else { return Vec::new() };
    let mut found = Vec::new();
    for stretch in events.stretches {
        let of = |slots: &Option<Vec<usize>>| {
            slots.as_ref().and_then(|slots| slots.get(stretch.member)).copied()
        };
        let (slot, time) = (of(&measure.slots), of(&measure.times));
        let (stride, words) = events.events.records(stretch);
        for record in words.chunks_exact(stride) {
            let [head, ..] = record else { continue };
            let head = Head(*head);
            let row = events.stream.rows.get(head.bucket()).copied().flatten().map(usize::from);
            let inside = row.is_some_and(|row| (metric.start..metric.end).contains(&row));
            let there = slot.is_none_or(|slot| head.has(slot));
            if head.lane() != lane || !inside || !there {
                continue;
            }
            let number = |slot: usize| record.get(slot + 1).map_or(0, |word| word.cast_signed());
            let value = match measure.kind {
                MeasureKind::Count => 1,
                _ => slot.map_or(1, number),
            };
            found.push((time.map_or(0, number), value));
        }
    }
    found
}
