//! Sequences of a plan: the events that may be a step are those of a stream.

use std::collections::HashMap;

use chrono_tz::Tz;

use crate::error::Result;
use crate::predicate::{BoundSequence, BoundStep, Source, Span};

use super::super::sequence::Steps;
use super::collect::{Collector, Placed};
use super::draft::buckets;
use super::fields::Field;
use super::{PassSequence, PassStream, Stepping};

/// The sequences that were taken in.
#[derive(Default)]
pub(super) struct DraftSequences {
    sequences: Vec<DraftSequence>,
    known: HashMap<DraftSequence, Placed>,
    /// Where the instants of a stream's events are.
    times: HashMap<usize, Vec<usize>>,
}

/// The streams of the steps, what ties these together, and the window.
#[derive(Clone, PartialEq, Eq, Hash)]
struct DraftSequence {
    streams: Vec<usize>,
    steps: Steps,
    span: Span,
}

impl Collector<'_> {
    /// Takes a sequence in.
    pub(super) fn sequence(&mut self, bound: &BoundSequence, zone: Tz) -> Result<Option<Placed>> {
        let mut streams = Vec::with_capacity(bound.steps.len());
        for step in &bound.steps {
            let Some(stream) = self.step(step, zone)? else { return Ok(None) };
            streams.push(stream);
        }
        let within = bound.steps.iter().map(|step| step.within).collect();
        let span = self.planner(zone).span(&bound.windows);
        let sequence = DraftSequence { streams, steps: Steps { within, zone }, span };
        if let Some(known) = self.sequences.known.get(&sequence) {
            return Ok(Some(*known));
        }
        let atom = self.next_atom();
        self.sequences.known.insert(sequence.clone(), atom);
        self.sequences.sequences.push(sequence);
        Ok(Some(atom))
    }

    /// The stream of the events that may be a step.
    fn step(&mut self, step: &BoundStep, zone: Tz) -> Result<Option<usize>> {
        let planner = self.planner(zone);
        let sources: Vec<&Source> = step.sources.iter().collect();
        let Some(members) = self.members(&sources, &planner)? else { return Ok(None) };
        let times = sources.iter().map(|source| planner.instant(source));
        let times = times.collect::<Result<Vec<Field>>>()?;
        let Some(times) = self.slots(&members, &times, false) else { return Ok(None) };
        let stream = self.stream(members);
        self.sequences.times.insert(stream, times);
        Ok(Some(stream))
    }
}

impl DraftSequences {
    pub(super) fn spans(&self) -> impl Iterator<Item = Span> {
        self.sequences.iter().map(|sequence| sequence.span)
    }

    /// The sequences of the plan, whose streams learn what of theirs is asked for.
    pub(super) fn finished(&self, edges: &[i64], streams: &mut [PassStream]) -> Vec<PassSequence> {
        let finished = self.sequences.iter().filter_map(|sequence| {
            let (start, end) = buckets(edges, sequence.span).unwrap_or((0, 0));
            for place in &sequence.streams {
                let Some(stream) = streams.get_mut(*place) else { continue };
                let times = self.times.get(place).cloned().unwrap_or_default();
                let stepping = stream.stepping.get_or_insert(Stepping { times, start, end });
                stepping.start = stepping.start.min(start);
                stepping.end = stepping.end.max(end);
            }
            let (streams, steps) = (sequence.streams.clone(), sequence.steps.clone());
            let atom = *self.known.get(sequence)?;
            Some(PassSequence { streams, steps, start, end, atom })
        });
        finished.collect()
    }
}
