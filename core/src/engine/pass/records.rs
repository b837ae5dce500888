//! The records of one block and table, in memory and on disk, given out window by window in the
//! order of their groups.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::ToByteSlice;
use datafusion::common::Result;
use datafusion::execution::memory_pool::MemoryReservation;
use tokio::task::yield_now;

use super::block::GROUPS;
use super::chunks::Head;
use super::spill::{Spill, Spilled};

/// So many bytes of a run are read at once.
const PIECE: usize = 1 << 14;

/// After so many words that were moved others have a turn, and the run may be stopped.
const TURN: usize = 1 << 17;

/// Records that no other part of the run knows of any more.
#[derive(Default)]
pub(in crate::engine) struct Records {
    /// Words of a record.
    stride: usize,
    /// In no order.
    chunks: Vec<Vec<u64>>,
    runs: Vec<Run>,
    /// What the chunks are accounted for by.
    memory: Vec<MemoryReservation>,
}

/// Records on disk, in the order of their groups.
pub(super) struct Run {
    file: Arc<Spilled>,
    start: u64,
    words: usize,
    /// How many of the words were given out.
    given: usize,
}

/// Records in the order of their groups.
pub(in crate::engine) struct Ordered {
    pub(in crate::engine) words: Vec<u64>,
    /// Where each group's records begin, in records; and where the last ends.
    pub(in crate::engine) offsets: Vec<usize>,
}

/// Counts the records of each group.
fn count(words: &[u64], stride: usize, counts: &mut [u32]) {
    for record in words.chunks_exact(stride) {
        let [head, ..] = record else { continue };
        if let Some(count) = counts.get_mut(Head(*head).group()) {
            *count += 1;
        }
    }
}

/// Room for the records of some groups, so many of each, to be filled.
struct Places {
    groups: Range<usize>,
    stride: usize,
    ordered: Ordered,
    /// Where each group's next record goes.
    next: Vec<usize>,
}

impl Places {
    fn of(groups: Range<usize>, counts: &[u32], stride: usize) -> Self {
        let counts = counts.get(groups.clone()).unwrap_or_default();
        let mut offsets = Vec::with_capacity(counts.len() + 1);
        let mut total = 0;
        offsets.push(total);
        for count in counts {
            total += *count as usize;
            offsets.push(total);
        }
        let next = offsets.clone();
        let ordered = Ordered { words: vec![0; total * stride], offsets };
        Places { groups, stride, ordered, next }
    }

    /// Puts records where they belong; those of other groups are passed over.
    fn put(&mut self, words: &[u64]) {
        let stride = self.stride;
        for record in words.chunks_exact(stride) {
            let [head, ..] = record else { continue };
            let group = Head(*head).group();
            if !self.groups.contains(&group) {
                continue;
            }
            let Some(next) = self.next.get_mut(group - self.groups.start) else { continue };
            let place = self.ordered.words.get_mut(*next * stride..(*next + 1) * stride);
            if let Some(place) = place {
                place.copy_from_slice(record);
            }
            *next += 1;
        }
    }
}

/// Writes chunks of a block to disk, as runs of at most so many words if no chunk has more.
pub(super) fn put_away(
    chunks: Vec<Vec<u64>>,
    stride: usize,
    most: usize,
    spill: &mut Spill,
    runs: &mut Vec<Run>,
) -> Result<()> {
    let mut chunks = chunks.into_iter().peekable();
    while let Some(first) = chunks.next() {
        let mut words = first.len();
        let mut together = vec![first];
        let fits = |words: usize| move |next: &Vec<u64>| words + next.len() <= most;
        while let Some(next) = chunks.next_if(fits(words)) {
            words += next.len();
            together.push(next);
        }
        let mut counts = vec![0; GROUPS];
        together.iter().for_each(|chunk| count(chunk, stride, &mut counts));
        let mut places = Places::of(0..GROUPS, &counts, stride);
        together.iter().for_each(|chunk| places.put(chunk));
        let words = places.ordered.words;
        let start = spill.append(words.to_byte_slice())?;
        let file = Arc::clone(spill.written());
        runs.push(Run { file, start, words: words.len(), given: 0 });
    }
    Ok(())
}

impl Run {
    /// Reads words from a place on, at most a piece of whole records.
    fn piece(&self, from: usize, stride: usize, words: &mut Vec<u64>) -> Result<()> {
        let most = (PIECE / size_of::<u64>() / stride).max(1) * stride;
        let mut bytes = vec![0; (self.words - from).min(most) * size_of::<u64>()];
        self.file.read(self.start + (from * size_of::<u64>()) as u64, &mut bytes)?;
        words.clear();
        words.extend(bytes.as_chunks().0.iter().map(|bytes| u64::from_ne_bytes(*bytes)));
        Ok(())
    }

    /// Gives out what is left of the groups before one.
    fn give(&mut self, end: usize, buffer: &mut Vec<u64>, places: &mut Places) -> Result<()> {
        let stride = places.stride;
        while self.given < self.words {
            self.piece(self.given, stride, buffer)?;
            let group = |at: usize| buffer.get(at * stride).map_or(end, |head| Head(*head).group());
            // Records are in order: the first that is not asked for ends it.
            let records = buffer.len() / stride;
            let before = (0..records).position(|at| group(at) >= end).unwrap_or(records);
            places.put(buffer.get(..before * stride).unwrap_or_default());
            self.given += before * stride;
            if before < records {
                break;
            }
        }
        Ok(())
    }
}

/// Lets others have a turn after enough words.
async fn pause(moved: &mut usize, words: usize) {
    *moved += words;
    if *moved >= TURN {
        *moved = 0;
        yield_now().await;
    }
}

impl Records {
    /// None so far.
    pub(super) fn new(stride: usize) -> Self {
        Records { stride, ..Records::default() }
    }

    /// Takes over what one worker has.
    pub(super) fn add(&mut self, chunks: Vec<Vec<u64>>, runs: Vec<Run>, memory: MemoryReservation) {
        self.chunks.extend(chunks);
        self.runs.extend(runs);
        self.memory.push(memory);
    }

    pub(in crate::engine) fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.runs.is_empty()
    }

    /// Words of a record.
    pub(in crate::engine) fn stride(&self) -> usize {
        self.stride
    }

    /// How many records each group has.
    pub(in crate::engine) async fn counts(&self) -> Result<Vec<u32>> {
        let mut counts = vec![0; GROUPS];
        let mut moved = 0;
        for chunk in &self.chunks {
            count(chunk, self.stride, &mut counts);
            pause(&mut moved, chunk.len()).await;
        }
        let mut buffer = Vec::new();
        for run in &self.runs {
            let mut from = 0;
            while from < run.words {
                run.piece(from, self.stride, &mut buffer)?;
                count(&buffer, self.stride, &mut counts);
                from += buffer.len();
            }
            pause(&mut moved, run.words).await;
        }
        Ok(counts)
    }

    /// The records of some groups, of which those before were asked for already. With the `last`
    /// window, what is in memory is given up.
    pub(in crate::engine) async fn window(
        &mut self,
        groups: Range<usize>,
        counts: &[u32],
        last: bool,
    ) -> Result<Ordered> {
        let end = groups.end;
        let mut places = Places::of(groups, counts, self.stride);
        let mut moved = 0;
        if last {
            for chunk in std::mem::take(&mut self.chunks) {
                places.put(&chunk);
                pause(&mut moved, chunk.len()).await;
            }
            self.memory.clear();
        }
        for chunk in &self.chunks {
            places.put(chunk);
            pause(&mut moved, chunk.len()).await;
        }
        let mut buffer = Vec::new();
        for run in &mut self.runs {
            let before = run.given;
            run.give(end, &mut buffer, &mut places)?;
            pause(&mut moved, run.given - before).await;
        }
        Ok(places.ordered)
    }

    /// Begins anew with the first group.
    pub(super) fn rewind(&mut self) {
        self.runs.iter_mut().for_each(|run| run.given = 0);
    }

    /// Gives up what is in memory for what is on disk.
    pub(super) fn put_away(&mut self, most: usize, spill: &mut Spill) -> Result<()> {
        put_away(std::mem::take(&mut self.chunks), self.stride, most, spill, &mut self.runs)?;
        self.memory.clear();
        Ok(())
    }
}
