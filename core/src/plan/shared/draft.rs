//! A stream while rules are collected: its metrics by their windows, and the measures that they are
//! read from.

use std::collections::{BTreeSet, HashMap};

use arrow::datatypes::DataType;

use crate::predicate::Span;
use crate::rule::Aggregate;

use super::{Asked, Measure, MeasureKind, PassMetric, PassStream, Reading};

/// The places of fields in their tables, one for each member of a stream.
pub(super) type Slots = Vec<usize>;

pub(super) struct DraftStream {
    members: Vec<(usize, usize)>,
    measures: Vec<Measure>,
    metrics: Vec<DraftMetric>,
    metrics_by: HashMap<(Span, Reading), usize>,
}

/// A metric by its window, the atoms on it with their numbers, and where its value is kept, if
/// it is.
struct DraftMetric {
    span: Span,
    reading: Reading,
    atoms: Vec<(usize, Asked)>,
    kept: Option<usize>,
}

/// What a metric reads of each event.
pub(super) struct Read {
    pub(super) values: Option<Slots>,
    pub(super) times: Option<Slots>,
    pub(super) texts: bool,
}

/// The bucket in which the time from an edge on begins: an event at or after the edge at place i
/// has a bucket above i.
pub(super) fn bucket(edges: &[i64], edge: i64) -> usize {
    match edge {
        i64::MIN => 0,
        edge => edges.partition_point(|known| *known <= edge),
    }
}

/// The buckets of a span: the first, and the first after it.
pub(super) fn buckets(edges: &[i64], span: Span) -> Option<(usize, usize)> {
    (span.start < span.end).then(|| (bucket(edges, span.start), bucket(edges, span.end)))
}

impl DraftStream {
    pub(super) fn of(members: Vec<(usize, usize)>) -> Self {
        let (measures, metrics, metrics_by) = (Vec::new(), Vec::new(), HashMap::new());
        DraftStream { members, measures, metrics, metrics_by }
    }

    pub(super) fn spans(&self) -> impl Iterator<Item = Span> {
        self.metrics.iter().map(|metric| metric.span)
    }

    fn measure(&mut self, kind: MeasureKind, read: &Read) -> usize {
        let measure = Measure { kind, slots: read.values.clone(), times: read.times.clone() };
        place_of(&mut self.measures, measure)
    }

    pub(super) fn reading(
        &mut self,
        aggregate: Aggregate,
        read: &Read,
        result: &DataType,
    ) -> Reading {
        let end = |last| MeasureKind::End { last, texts: read.texts };
        match aggregate {
            Aggregate::Sum => Reading::Total(self.measure(MeasureKind::Sum, read)),
            Aggregate::Avg => {
                let scale = if let DataType::Decimal128(_, scale) = result { *scale } else { 0 };
                let sum = self.measure(MeasureKind::Sum, read);
                Reading::Ratio(sum, self.measure(MeasureKind::Count, read), scale)
            }
            Aggregate::Min if read.texts => Reading::End(self.measure(end(false), read)),
            Aggregate::Max if read.texts => Reading::End(self.measure(end(true), read)),
            Aggregate::Min | Aggregate::DaysSinceFirst => {
                Reading::Extreme(self.measure(MeasureKind::Least, read))
            }
            Aggregate::Max | Aggregate::DaysSinceLast => {
                Reading::Extreme(self.measure(MeasureKind::Greatest, read))
            }
            Aggregate::First => Reading::End(self.measure(end(false), read)),
            Aggregate::Last => Reading::End(self.measure(end(true), read)),
            // Until when is known once all edges are.
            Aggregate::CountDistinct => {
                Reading::Total(self.measure(MeasureKind::Distinct(0), read))
            }
            Aggregate::Count => Reading::Total(self.measure(MeasureKind::Count, read)),
        }
    }

    fn metric(&mut self, span: Span, reading: Reading) -> Option<&mut DraftMetric> {
        let next = self.metrics.len();
        let place = *self.metrics_by.entry((span, reading)).or_insert(next);
        if place == next {
            self.metrics.push(DraftMetric { span, reading, atoms: Vec::new(), kept: None });
        }
        self.metrics.get_mut(place)
    }

    /// The number of an atom, which may be one that was asked before.
    pub(super) fn ask(
        &mut self,
        span: Span,
        reading: Reading,
        asked: Asked,
        atoms: &mut usize,
    ) -> usize {
        let Some(metric) = self.metric(span, reading) else { return *atoms };
        if let Some((number, _)) = metric.atoms.iter().find(|(_, known)| *known == asked) {
            return *number;
        }
        metric.atoms.push((*atoms, asked));
        *atoms += 1;
        *atoms - 1
    }

    /// Where a metric's value is kept: at `next` unless it was asked for before.
    pub(super) fn keep(&mut self, span: Span, reading: Reading, next: usize) -> usize {
        match self.metric(span, reading) {
            Some(metric) => *metric.kept.get_or_insert(next),
            None => next,
        }
    }

    pub(super) fn finished(&self, edges: &[i64]) -> PassStream {
        let ends = self.spans().filter_map(|span| buckets(edges, span));
        let cuts: BTreeSet<usize> = ends.flat_map(|(start, end)| [start, end]).collect();
        let cuts: Vec<usize> = cuts.into_iter().collect();
        let height = cuts.len().saturating_sub(1);
        let row = |bucket: usize| {
            let row = cuts.partition_point(|cut| *cut <= bucket).checked_sub(1)?;
            u16::try_from(row).ok().filter(|_| row < height)
        };
        let place = |bucket: usize| cuts.partition_point(|cut| *cut < bucket);
        let mut measures = self.measures.clone();
        let metrics = self.metrics.iter().map(|metric| {
            let span = buckets(edges, metric.span);
            let (start, end) = span.map_or((0, 0), |(start, end)| (place(start), place(end)));
            let reading = reaching(&mut measures, metric.reading, end);
            PassMetric { start, end, reading, atoms: metric.atoms.clone(), kept: metric.kept }
        });
        let mut metrics: Vec<PassMetric> = metrics.collect();
        in_order(&mut measures, &mut metrics);
        let reads = |metric: &PassMetric, measure| match metric.reading {
            Reading::Total(read) | Reading::Extreme(read) | Reading::End(read) => read == measure,
            Reading::Ratio(sum, count, _) => sum == measure || count == measure,
        };
        let to_the_end = (0..measures.len()).map(|measure| {
            let mut readers = metrics.iter().filter(|metric| reads(metric, measure));
            readers.all(|metric| metric.end == height || metric.start == metric.end)
        });
        let to_the_end = to_the_end.collect();
        PassStream {
            to_the_end,
            members: self.members.clone(),
            measures,
            metrics,
            rows: (0..edges.len()).map(row).collect(),
            height,
            stepping: None,
        }
    }
}

/// The place of a measure, which may be one that was asked for before.
fn place_of(measures: &mut Vec<Measure>, measure: Measure) -> usize {
    if let Some(known) = measures.iter().position(|known| *known == measure) {
        return known;
    }
    measures.push(measure);
    measures.len() - 1
}

/// Puts measures of distinct values that look at the same fields beside one another.
fn in_order(measures: &mut Vec<Measure>, metrics: &mut [PassMetric]) {
    let key = |place: usize| {
        let measure = measures.get(place);
        measure.map(|m| (matches!(m.kind, MeasureKind::Distinct(_)), m.slots.as_ref()))
    };
    let mut order: Vec<usize> = (0..measures.len()).collect();
    order.sort_by_key(|place| key(*place).filter(|(distinct, _)| *distinct));
    let now = |place: usize| order.iter().position(|known| *known == place).unwrap_or(place);
    for metric in metrics {
        metric.reading = match metric.reading {
            Reading::Total(measure) => Reading::Total(now(measure)),
            Reading::Ratio(sum, count, scale) => Reading::Ratio(now(sum), now(count), scale),
            Reading::Extreme(measure) => Reading::Extreme(now(measure)),
            Reading::End(measure) => Reading::End(now(measure)),
        };
    }
    *measures = order.iter().filter_map(|place| measures.get(*place)).cloned().collect();
}

/// A reading of distinct values counts them among the rows before `end`; of these, only the latest
/// event with each value counts, so that every window that ends there is a difference of two rows.
fn reaching(measures: &mut Vec<Measure>, reading: Reading, end: usize) -> Reading {
    let Reading::Total(place) = reading else { return reading };
    let Some(measure) = measures.get_mut(place) else { return reading };
    match measure.kind {
        // The first end takes the place that was kept for it.
        MeasureKind::Distinct(0) if end > 0 => {
            measure.kind = MeasureKind::Distinct(end);
            reading
        }
        MeasureKind::Distinct(known) if known != end => {
            let more = Measure { kind: MeasureKind::Distinct(end), ..measure.clone() };
            Reading::Total(place_of(measures, more))
        }
        _ => reading,
    }
}
