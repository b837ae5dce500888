//! One block of users: its events clustered by groups of 64 users, and every atom's mask worked out
//! group by group.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::plan::{Asked, MeasureKind, PassMetric, PassPlan, PassStream, Reading};

use super::chunks::Head;
use super::decode::TableWork;
use super::kinds::Kinds;
use super::lanes::{
    self, LANES, NO_GREATEST, NO_LEAST, RatioRange, Row, add_up, between, extreme, present,
    ratio_within, reach_up, within,
};
use super::masks::Masks;
use super::records::Ordered;
use super::slow;
use super::texts::Learnt;

/// How many groups of 64 users a block has.
pub(super) const GROUPS: usize = 1024;

/// The events of consecutive groups that one table has.
#[derive(Default)]
pub(super) struct Clustered {
    /// Words of a record.
    pub(super) stride: usize,
    first: usize,
    /// Where each group's records begin, in records; and where the last ends.
    offsets: Vec<usize>,
    records: Vec<u64>,
}

/// So many records of each group, added up.
fn ends<'a>(records: impl Iterator<Item = &'a [u64]>, groups: &Range<usize>) -> Vec<usize> {
    let mut ends = vec![0usize; groups.len() + 1];
    for record in records {
        let [head, ..] = record else { continue };
        let group = Head(*head).group().wrapping_sub(groups.start);
        if let Some(count) = ends.get_mut(group + 1) {
            *count += 1;
        }
    }
    let mut total = 0;
    for end in &mut ends {
        total += *end;
        *end = total;
    }
    ends
}

impl Clustered {
    /// Sorts records of these groups by group: counted first, then moved each to its place.
    pub(super) fn of(chunks: &[Vec<u64>], stride: usize, groups: Range<usize>) -> Self {
        let all = || chunks.iter().flat_map(|chunk| chunk.chunks_exact(stride));
        let mut next = ends(all(), &groups);
        let offsets = next.clone();
        let mut records = vec![0u64; offsets.last().copied().unwrap_or(0) * stride];
        for record in all() {
            let [head, ..] = record else { continue };
            let group = Head(*head).group().wrapping_sub(groups.start);
            let Some(next) = next.get_mut(group) else { continue };
            if let Some(place) = records.get_mut(*next * stride..(*next + 1) * stride) {
                place.copy_from_slice(record);
            }
            *next += 1;
        }
        Clustered { stride, first: groups.start, offsets, records }
    }

    /// Records that are in order of their groups already.
    pub(super) fn sorted(records: Vec<u64>, stride: usize, groups: Range<usize>) -> Self {
        let offsets = ends(records.chunks_exact(stride), &groups);
        Clustered { stride, first: groups.start, offsets, records }
    }

    /// Records that were put in order by their groups.
    pub(super) fn placed(ordered: Ordered, stride: usize, groups: Range<usize>) -> Self {
        let Ordered { words, offsets } = ordered;
        Clustered { stride, first: groups.start, offsets, records: words }
    }

    fn group(&self, group: usize) -> &[u64] {
        let place = group.wrapping_sub(self.first);
        match (self.offsets.get(place), self.offsets.get(place + 1)) {
            (Some(start), Some(end)) => {
                self.records.get(start * self.stride..end * self.stride).unwrap_or_default()
            }
            _ => &[],
        }
    }
}

/// Which members of streams take the events of each class: (stream, member).
type Takers = Vec<Vec<(usize, usize)>>;

/// What the evaluation of blocks needs to know of the plan.
pub(super) struct Prepared<'a> {
    pub(super) plan: &'a PassPlan,
    pub(super) tables: &'a [Arc<TableWork>],
    /// The tests of averages, made ready; by stream, metric and atom.
    ratios: Vec<Vec<Vec<Option<Vec<RatioRange>>>>>,
    /// Whether an atom holds for a user without events.
    holds_empty: Vec<bool>,
}

impl<'a> Prepared<'a> {
    pub(super) fn new(plan: &'a PassPlan, tables: &'a [Arc<TableWork>]) -> Self {
        let ready = |metric: &PassMetric| {
            let ready = |(_, asked): &(usize, Asked)| match (asked, metric.reading) {
                (Asked::RatioWithin { ranges, .. }, Reading::Ratio(_, _, scale)) => {
                    ranges.iter().map(|range| RatioRange::of(range, scale)).collect()
                }
                _ => None,
            };
            metric.atoms.iter().map(ready).collect()
        };
        let ratios = plan.streams.iter().map(|s| s.metrics.iter().map(ready).collect()).collect();
        let mut holds_empty = vec![false; plan.atoms];
        for metric in plan.streams.iter().flat_map(|stream| &stream.metrics) {
            for (atom, asked) in &metric.atoms {
                if let Some(holds) = holds_empty.get_mut(*atom) {
                    *holds = slow::holds(slow::empty(metric.reading), asked, &Learnt::default());
                }
            }
        }
        Prepared { plan, tables, ratios, holds_empty }
    }

    /// Which members of streams take a table's events that pass these filters.
    fn takers_of(&self, table: usize, passes: &[u64]) -> Vec<(usize, usize)> {
        let passes = |filter: usize| {
            passes.get(filter / 64).is_some_and(|word| word >> (filter % 64) & 1 == 1)
        };
        let streams = self.plan.streams.iter().enumerate();
        let members = streams.flat_map(|(stream, of)| {
            of.members.iter().enumerate().map(move |(member, of)| (stream, member, of))
        });
        members
            .filter(|(_, _, (own, filter))| *own == table && passes(*filter))
            .map(|(stream, member, _)| (stream, member))
            .collect()
    }
}

/// A stretch of a group's events that a stream takes, by table: places in the sorted records.
#[derive(Clone, Copy)]
pub(super) struct Stretch {
    pub(super) table: usize,
    pub(super) member: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// What one worker uses again and again.
#[derive(Default)]
pub(super) struct Scratch {
    /// By table and class, as far as classes were met.
    takers: Vec<Takers>,
    /// By table: the group's records by class.
    sorted: Vec<Vec<u64>>,
    counts: Vec<u32>,
    present: Vec<usize>,
    stretches: Vec<Vec<Stretch>>,
    rows: Vec<Row>,
    pub(super) kinds: Kinds,
}

impl Scratch {
    /// Learns of the classes that have come up since.
    pub(super) fn learn(&mut self, prepared: &Prepared<'_>) {
        self.takers.resize(prepared.tables.len(), Vec::new());
        for (place, (table, takers)) in prepared.tables.iter().zip(&mut self.takers).enumerate() {
            let new = table.registry.classes_from(takers.len());
            takers.extend(new.iter().map(|passes| prepared.takers_of(place, passes)));
        }
    }
}

/// One group's events, ready for its streams.
pub(super) struct Group<'a> {
    pub(super) tables: &'a [Clustered],
    pub(super) sorted: &'a [Vec<u64>],
}

impl Group<'_> {
    /// The records of a stretch: whole words, so many a record.
    pub(super) fn records(&self, stretch: &Stretch) -> (usize, &[u64]) {
        let stride = self.tables.get(stretch.table).map_or(1, |table| table.stride);
        let sorted = self.sorted.get(stretch.table);
        let words = sorted.and_then(|s| s.get(stretch.start * stride..stretch.end * stride));
        (stride, words.unwrap_or_default())
    }
}

/// Works out the masks of all atoms for some groups of a block.
pub(super) fn evaluate(
    prepared: &Prepared<'_>,
    tables: &[Clustered],
    groups: Range<usize>,
    scratch: &mut Scratch,
    masks: &mut Masks,
) {
    scratch.learn(prepared);
    // Code that uses what vectors this processor has.
    pulp::Arch::new().dispatch(Groups { prepared, tables, groups, scratch, masks });
}

/// The work of [`evaluate`], in a form that is compiled for each kind of processor.
struct Groups<'a> {
    prepared: &'a Prepared<'a>,
    tables: &'a [Clustered],
    groups: Range<usize>,
    scratch: &'a mut Scratch,
    masks: &'a mut Masks,
}

impl pulp::WithSimd for Groups<'_> {
    type Output = ();

    // Whatever is not inlined into this is compiled for the plainest processor.
    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        for group in self.groups {
            one_group(self.prepared, self.tables, group, self.scratch, self.masks);
        }
    }
}

#[inline(always)]
fn one_group(
    prepared: &Prepared<'_>,
    tables: &[Clustered],
    group: usize,
    scratch: &mut Scratch,
    masks: &mut Masks,
) {
    scratch.stretches.resize(prepared.plan.streams.len(), Vec::new());
    scratch.stretches.iter_mut().for_each(Vec::clear);
    scratch.sorted.resize(tables.len(), Vec::new());
    for (place, table) in tables.iter().enumerate() {
        by_class(place, table, group, scratch);
    }
    let group_events = Group { tables, sorted: &scratch.sorted };
    let mut put = |atom: usize, mask: u64| masks.put(atom, group, mask);
    for (place, stream) in prepared.plan.streams.iter().enumerate() {
        let stretches = scratch.stretches.get(place).map(Vec::as_slice).unwrap_or_default();
        if stretches.is_empty() {
            scratch.kinds.compares.keep_nothing(&stream.metrics);
            for (atom, _) in stream.metrics.iter().flat_map(|metric| &metric.atoms) {
                let holds = prepared.holds_empty.get(*atom).is_some_and(|holds| *holds);
                put(*atom, if holds { u64::MAX } else { 0 });
            }
            continue;
        }
        let ratios = prepared.ratios.get(place).map(Vec::as_slice).unwrap_or_default();
        let evaluated = StreamOfGroup { stream, stretches, events: &group_events, prepared };
        evaluated.fast(ratios, &mut scratch.rows, &mut scratch.kinds, &mut put);
    }
    scratch.kinds.across(prepared.plan, &group_events, (group, &scratch.stretches), put);
}

/// Sorts a group's records by class, and deals their stretches out to the streams that take them.
#[inline(always)]
fn by_class(place: usize, table: &Clustered, group: usize, scratch: &mut Scratch) {
    let Some(takers) = scratch.takers.get(place) else { return };
    let records = table.group(group);
    let stride = table.stride;
    let counts = &mut scratch.counts;
    counts.clear();
    counts.resize(takers.len() + 1, 0);
    scratch.present.clear();
    for record in records.chunks_exact(stride) {
        let [head, ..] = record else { continue };
        let class = Head(*head).class();
        if let Some(count) = counts.get_mut(class) {
            if *count == 0 {
                scratch.present.push(class);
            }
            *count += 1;
        }
    }
    let mut start = 0;
    for class in &scratch.present {
        let Some(count) = counts.get_mut(*class) else { continue };
        let end = start + *count as usize;
        // From here on the count is where the class's next record goes.
        *count = u32::try_from(start).unwrap_or(u32::MAX);
        for (stream, member) in takers.get(*class).map(Vec::as_slice).unwrap_or_default() {
            if let Some(stretches) = scratch.stretches.get_mut(*stream) {
                stretches.push(Stretch { table: place, member: *member, start, end });
            }
        }
        start = end;
    }
    let Some(sorted) = scratch.sorted.get_mut(place) else { return };
    sorted.resize(records.len(), 0);
    for record in records.chunks_exact(stride) {
        let [head, ..] = record else { continue };
        let Some(next) = counts.get_mut(Head(*head).class()) else { continue };
        let at = *next as usize * stride;
        *next += 1;
        if let Some(to) = sorted.get_mut(at..at + stride) {
            to.copy_from_slice(record);
        }
    }
}

/// A stream's events of one group.
pub(super) struct StreamOfGroup<'a> {
    pub(super) stream: &'a PassStream,
    pub(super) stretches: &'a [Stretch],
    pub(super) events: &'a Group<'a>,
    pub(super) prepared: &'a Prepared<'a>,
}

impl StreamOfGroup<'_> {
    fn count(&self) -> u128 {
        self.stretches.iter().map(|stretch| (stretch.end - stretch.start) as u128).sum()
    }

    /// The greatest magnitude that a sum of a measure can have here.
    fn most(&self, measure: usize) -> u128 {
        let slots = self.stream.measures.get(measure).and_then(|measure| measure.slots.as_ref());
        let members = self.stream.members.iter().enumerate();
        let values = members.filter_map(|(member, (table, _))| {
            let slot = *slots?.get(member)?;
            let seen = self.prepared.tables.get(*table)?.seen.get(slot)?;
            Some(seen.most.load(Ordering::Relaxed))
        });
        u128::from(values.max().unwrap_or(1)).saturating_mul(self.count())
    }

    #[inline(always)]
    fn fast(
        &self,
        ratios: &[Vec<Option<Vec<RatioRange>>>],
        rows: &mut Vec<Row>,
        kinds: &mut Kinds,
        put: &mut impl FnMut(usize, u64),
    ) {
        let height = self.stream.height + 1;
        let mut measures = self.stream.measures.iter().enumerate();
        let sums_fit = measures
            .all(|(place, measure)| measure.kind != MeasureKind::Sum || self.most(place) < 1 << 62);
        if !sums_fit {
            return slow::stream(self, &kinds.texts, &mut kinds.compares, put);
        }
        rows.resize(height * self.stream.measures.len(), [0; LANES]);
        let ends = self.stream.to_the_end.iter();
        let tables = self.stream.measures.iter().zip(rows.chunks_exact_mut(height)).zip(ends);
        for (place, ((measure, rows), to_the_end)) in tables.enumerate() {
            let slots = measure.slots.as_deref();
            // A loop for each kind, so that none asks for it event by event.
            match measure.kind {
                MeasureKind::Count => {
                    rows.fill([0; LANES]);
                    self.scatter(slots, rows, |cell, _| *cell += 1);
                    add_up(rows);
                }
                MeasureKind::Sum => {
                    rows.fill([0; LANES]);
                    self.scatter(slots, rows, |cell, value| *cell = cell.wrapping_add(value));
                    add_up(rows);
                }
                MeasureKind::Least => {
                    rows.fill([NO_LEAST; LANES]);
                    self.scatter(slots, rows, |cell, value| *cell = (*cell).min(value));
                }
                MeasureKind::Greatest => {
                    rows.fill([NO_GREATEST; LANES]);
                    self.scatter(slots, rows, |cell, value| *cell = (*cell).max(value));
                }
                MeasureKind::Distinct(_) | MeasureKind::End { .. } => {
                    kinds.measure(self, place, rows);
                }
            }
            let extreme = matches!(measure.kind, MeasureKind::Least | MeasureKind::Greatest);
            if extreme && *to_the_end {
                reach_up(rows, measure.kind == MeasureKind::Least);
            }
        }
        for (place, metric) in self.stream.metrics.iter().enumerate() {
            let ratios = ratios.get(place).map(Vec::as_slice).unwrap_or_default();
            self.metric(metric, ratios, rows, kinds, put);
        }
    }

    /// Adds every event to its row and lane.
    #[inline(always)]
    fn scatter(&self, slots: Option<&[usize]>, rows: &mut [Row], add: impl Fn(&mut i64, i64)) {
        for stretch in self.stretches {
            let slot = slots.and_then(|slots| slots.get(stretch.member)).copied();
            let (stride, words) = self.events.records(stretch);
            for record in words.chunks_exact(stride) {
                let [head, ..] = record else { continue };
                let head = Head(*head);
                let Some(Some(row)) = self.stream.rows.get(head.bucket()) else { continue };
                let row = rows.get_mut(usize::from(*row));
                let Some(cell) = row.and_then(|row| row.get_mut(head.lane())) else { continue };
                let value = match slot {
                    None => 1,
                    Some(slot) if !head.has(slot) => continue,
                    Some(slot) => record.get(slot + 1).copied().unwrap_or(0).cast_signed(),
                };
                add(cell, value);
            }
        }
    }

    #[inline(always)]
    fn metric(
        &self,
        metric: &PassMetric,
        ratios: &[Option<Vec<RatioRange>>],
        rows: &[Row],
        kinds: &mut Kinds,
        put: &mut impl FnMut(usize, u64),
    ) {
        let height = self.stream.height + 1;
        let total = |measure: usize| {
            let rows = rows.get(measure * height..(measure + 1) * height).unwrap_or_default();
            match (rows.get(metric.start), rows.get(metric.end)) {
                (Some(start), Some(end)) => between(start, end),
                _ => [0; LANES],
            }
        };
        match metric.reading {
            Reading::Total(measure) => {
                let values = total(measure);
                kinds.compares.keep(metric.kept, &values, u64::MAX);
                for (atom, asked) in &metric.atoms {
                    put(*atom, asked_of(&values, u64::MAX, asked));
                }
            }
            Reading::Extreme(measure) => {
                let least = self.is_least(measure);
                let rows = rows.get(measure * height..(measure + 1) * height).unwrap_or_default();
                let values = match (rows.get(metric.start), self.stream.to_the_end.get(measure)) {
                    (Some(row), Some(true)) if metric.start < metric.end => *row,
                    _ => extreme(rows.get(metric.start..metric.end).unwrap_or_default(), least),
                };
                let there = present(&values, if least { NO_LEAST } else { NO_GREATEST });
                kinds.compares.keep(metric.kept, &values, there);
                for (atom, asked) in &metric.atoms {
                    put(*atom, asked_of(&values, there, asked));
                }
            }
            Reading::End(measure) => {
                let rows = rows.get(measure * height..(measure + 1) * height).unwrap_or_default();
                kinds.end(self, metric, measure, rows, put);
            }
            Reading::Ratio(sum, count, scale) => {
                let (sums, counts) = (total(sum), total(count));
                let (most, events) = (self.most(sum), self.count());
                kinds.compares.keep_ratios(metric.kept, &sums, &counts);
                for ((atom, asked), ready) in metric.atoms.iter().zip(ratios) {
                    let fit = |ranges: &&Vec<RatioRange>| {
                        ranges.iter().all(|range| range.fits(most, events))
                    };
                    put(
                        *atom,
                        match (asked, ready.as_ref().filter(fit)) {
                            (Asked::RatioWithin { negated: false, .. }, Some(ranges)) => {
                                ratio_within(&sums, &counts, ranges)
                            }
                            (Asked::RatioWithin { negated: true, .. }, Some(ranges)) => {
                                lanes::present(&counts, 0) & !ratio_within(&sums, &counts, ranges)
                            }
                            _ => slow::ratios(&sums, &counts, scale, asked),
                        },
                    );
                }
            }
        }
    }

    pub(super) fn is_least(&self, measure: usize) -> bool {
        let measure = self.stream.measures.get(measure);
        measure.is_some_and(|measure| measure.kind == MeasureKind::Least)
    }
}

/// The mask of what is asked of values that are there where `there` says so.
#[inline(always)]
pub(super) fn asked_of(values: &Row, there: u64, asked: &Asked) -> u64 {
    match asked {
        Asked::Present => there,
        Asked::Within { ranges, negated: false } => there & within(values, ranges),
        Asked::Within { ranges, negated: true } => there & !within(values, ranges),
        Asked::RatioWithin { .. } | Asked::Text { .. } => 0,
    }
}
