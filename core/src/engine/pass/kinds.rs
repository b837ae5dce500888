//! Measures that are not added up or compared as their events come: distinct values, first and last
//! values, and texts.

use crate::plan::{Asked, MeasureKind, PassMetric, PassPlan};

use super::block::{Group, StreamOfGroup, Stretch, asked_of};
use super::chunks::Head;
use super::compare::Compares;
use super::distinct::Distinct;
use super::ends::{Ends, Order};
use super::lanes::{LANES, Row, add_up};
use super::sequences::Sequences;
use super::texts::Learnt;

/// What one worker uses again and again for them.
#[derive(Default)]
pub(super) struct Kinds {
    pub(super) texts: Learnt,
    pub(super) compares: Compares,
    pub(super) sequences: Sequences,
    distinct: Distinct,
    ends: Ends,
}

impl Kinds {
    /// Fills the rows of the measure at `place` of a stream, which is one of these kinds.
    pub(super) fn measure(&mut self, events: &StreamOfGroup<'_>, place: usize, rows: &mut [Row]) {
        let measures = &events.stream.measures;
        let Some(measure) = measures.get(place) else { return };
        match measure.kind {
            MeasureKind::Distinct(end) => {
                // Those of the same values stand together.
                let before = place.checked_sub(1).and_then(|before| measures.get(before));
                let gathered = before.is_some_and(|before| {
                    matches!(before.kind, MeasureKind::Distinct(_)) && before.slots == measure.slots
                });
                if !gathered {
                    self.distinct.gather(events, measure.slots.as_deref().unwrap_or_default());
                }
                rows.fill([0; LANES]);
                self.distinct.count(end, rows);
                add_up(rows);
            }
            MeasureKind::End { last, texts } => {
                let order = Order { last, texts: texts.then_some(&self.texts) };
                self.ends.find(events, place, order, rows);
            }
            _ => {}
        }
    }

    /// The masks of a metric that reads the first or last values at `place`.
    pub(super) fn end(
        &mut self,
        events: &StreamOfGroup<'_>,
        metric: &PassMetric,
        place: usize,
        rows: &[Row],
        put: &mut impl FnMut(usize, u64),
    ) {
        let measure = events.stream.measures.get(place);
        let Some(MeasureKind::End { last, texts }) = measure.map(|measure| measure.kind) else {
            return;
        };
        let order = Order { last, texts: texts.then_some(&self.texts) };
        let window = (metric.start, metric.end);
        let (values, there) = self.ends.between(events, place, order, rows, window);
        self.compares.keep(metric.kept, &values, there);
        for (atom, asked) in &metric.atoms {
            let mask = match asked {
                Asked::Text { test, negated } => {
                    let passes = self.texts.passing(*test, &values, there);
                    if *negated { there & !passes } else { passes }
                }
                asked => asked_of(&values, there, asked),
            };
            put(*atom, mask);
        }
    }
}

impl Kinds {
    /// The masks of what looks at several streams of a group.
    pub(super) fn across(
        &mut self,
        plan: &PassPlan,
        events: &Group<'_>,
        (group, stretches): (usize, &[Vec<Stretch>]),
        mut put: impl FnMut(usize, u64),
    ) {
        self.sequences.evaluate(plan, events, stretches, &mut put);
        self.compares.evaluate(plan, group, &self.texts, put);
    }
}

/// An event that a stream takes and that has a value.
#[derive(Clone, Copy)]
pub(super) struct Event {
    /// The row of the stream's tables that it falls in.
    pub(super) row: usize,
    pub(super) lane: usize,
    pub(super) value: i64,
    /// What orders it, or 0 where nothing does.
    pub(super) time: i64,
}

/// Goes over a stream's events that have a value in `slots`, with their times if these are given.
pub(super) fn each(
    events: &StreamOfGroup<'_>,
    slots: &[usize],
    times: Option<&[usize]>,
    mut take: impl FnMut(Event),
) {
    for stretch in events.stretches {
        let Some(slot) = slots.get(stretch.member) else { continue };
        let timed = times.and_then(|times| times.get(stretch.member));
        let (stride, words) = events.events.records(stretch);
        for record in words.chunks_exact(stride) {
            let [head, values @ ..] = record else { continue };
            let head = Head(*head);
            let Some(Some(row)) = events.stream.rows.get(head.bucket()) else { continue };
            if !head.has(*slot) {
                continue;
            }
            let of = |slot: &usize| values.get(*slot).map_or(0, |value| value.cast_signed());
            let (row, lane, time) = (usize::from(*row), head.lane(), timed.map_or(0, of));
            take(Event { row, lane, value: of(slot), time });
        }
    }
}
