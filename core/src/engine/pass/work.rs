//! The second half of the shared pass: blocks taken one after the other, and the masks of all atoms
//! worked out for each, in as many windows of groups as memory asks for.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::RecordBatch;
use datafusion::common::runtime::JoinSet;
use datafusion::common::{DataFusionError, Result, resources_err};
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use roaring::RoaringBitmap;
use tokio::sync::mpsc::Sender;

use crate::plan::{MeasureKind, PassPlan};

use super::block::{Clustered, GROUPS, Prepared, Scratch, evaluate};
use super::chunks::{BLOCK, CHUNK, Chunks};
use super::exec::{Events, Pass, joined};
use super::lanes::{LANES, Row};
use super::masks::{Masks, span};
use super::read::Read;
use super::records::Records;
use super::room::{for_blocks, limit};
use super::spill::Spill;
use super::stored::{From, Reader, SPARSE, StoredWork, Users};

/// So many groups are worked on at once: stored events should stay in the processor's cache, and
/// in between others have a turn and the run may be stopped.
const STEP: usize = 16;

/// Masks that are made at once take at most so many bytes, also where memory has no limit.
const MASKS: usize = 1 << 28;

/// A block that is to be worked out.
struct Block {
    number: usize,
    /// Of only some users, their places.
    places: Option<Vec<u16>>,
    /// By table; none of a stored one.
    records: Vec<Records>,
    /// How many records each group has, by table.
    counts: Vec<Vec<u32>>,
}

/// Whether a block was worked out.
enum Outcome {
    Done,
    /// It takes more memory than there is: so many bytes for one group.
    TooLarge(Block, usize),
    /// Nobody wants to know of it any more.
    Unwanted,
}

/// What fits in memory, or the bytes that are too much.
type Fits<T> = std::result::Result<T, usize>;

/// What workers take blocks from, and put those that are too large for them.
struct Queue {
    read: Read,
    next: AtomicUsize,
    large: Mutex<Vec<Block>>,
}

/// Works out every block.
pub(super) async fn evaluate_all(
    pass: &Arc<Pass>,
    read: Read,
    context: &Arc<TaskContext>,
    out: &Sender<Result<RecordBatch>>,
) -> Result<()> {
    let queue = Arc::new(Queue { read, next: AtomicUsize::new(0), large: Mutex::new(Vec::new()) });
    let room = for_blocks(context.memory_pool());
    let least = fixed(pass) + MASK_COPIES * pass.plan.atoms * size_of::<u64>();
    let count = pass.workers.clamp(1, pass.blocks().max(1)).min((room / least.max(1)).max(1));
    let mut workers = JoinSet::new();
    for _ in 0..count {
        let (pass, queue) = (Arc::clone(pass), Arc::clone(&queue));
        let (context, out) = (Arc::clone(context), out.clone());
        workers.spawn(async move {
            let mut worker = Worker::new(&pass, &context, room / count);
            loop {
                let number = queue.next.fetch_add(1, Ordering::Relaxed);
                if number >= pass.blocks() {
                    return Ok::<_, DataFusionError>(());
                }
                let block = Block::taken(&pass, &queue.read, number);
                match worker.block(block, &out).await? {
                    Outcome::Done => pass.meter.add(pass.meter.last(), 1),
                    Outcome::Unwanted => return Ok(()),
                    Outcome::TooLarge(mut block, _) => {
                        worker.put_away(&mut block)?;
                        queue.large.lock().unwrap_or_else(PoisonError::into_inner).push(block);
                    }
                }
                tokio::task::yield_now().await;
            }
        });
    }
    while let Some(worker) = workers.join_next().await {
        joined(worker)?;
    }
    // What no worker had room for is done now with all that there is, one after the other.
    let large = std::mem::take(&mut *queue.large.lock().unwrap_or_else(PoisonError::into_inner));
    if large.is_empty() {
        return Ok(());
    }
    let share = for_blocks(context.memory_pool());
    let mut worker = Worker::new(pass, context, share);
    for block in large {
        match worker.block(block, out).await? {
            Outcome::Done => pass.meter.add(pass.meter.last(), 1),
            Outcome::Unwanted => break,
            Outcome::TooLarge(block, bytes) => {
                return resources_err!(
                    "64 users of block {} and their events take {bytes} bytes of {share} that there are",
                    block.number
                );
            }
        }
    }
    Ok(())
}

/// Masks are there so often: as they are made, on their way, and as they are taken in.
const MASK_COPIES: usize = 3;

/// Bytes that a worker takes whatever it works on: the rows of the largest stream, with the times of
/// first and last values, and what comparisons keep.
fn fixed(pass: &Pass) -> usize {
    let streams = pass.plan.streams.iter();
    let rows = streams.map(|stream| (stream.height + 1) * (stream.measures.len() + 1));
    (rows.max().unwrap_or(0) + 3 * pass.plan.kept.len()) * size_of::<Row>()
}

/// About as many bytes as a worker takes for each event of a group beside its record: the numbers of
/// distinct values, and the events that may be steps of sequences.
fn beside(plan: &PassPlan) -> usize {
    let mut measures = plan.streams.iter().flat_map(|stream| &stream.measures);
    let distinct = measures.any(|measure| matches!(measure.kind, MeasureKind::Distinct(_)));
    let steps = plan.streams.iter().filter(|stream| stream.stepping.is_some()).count();
    let reached = if steps > 0 { 2 } else { 0 };
    usize::from(distinct) * 96 + (steps + reached) * 32
}

impl Block {
    fn taken(pass: &Pass, read: &Read, number: usize) -> Self {
        let places = pass.only.as_ref().map(|only| places(only, number));
        let records = read.iter().map(|workers| {
            let mut workers = workers.lock().unwrap_or_else(PoisonError::into_inner);
            Chunks::of_block(&mut workers, number)
        });
        Block { number, places, records: records.collect(), counts: Vec::new() }
    }

    /// How many groups it has: those of the users asked about are numbered anew.
    fn groups(&self) -> usize {
        self.places.as_ref().map_or(GROUPS, |places| places.len().div_ceil(LANES))
    }

    fn users(&self) -> Users<'_> {
        self.places.as_deref().map_or(Users::All, Users::Only)
    }

    /// How many records a group has and the bytes of each, by table.
    fn sizes(&self, group: usize) -> impl Iterator<Item = (usize, usize)> {
        self.records.iter().zip(&self.counts).map(move |(records, counts)| {
            let count = counts.get(group).copied().unwrap_or(0) as usize;
            (count, records.stride() * size_of::<u64>())
        })
    }

    /// Bytes of the masks of some groups, as often as they are there.
    fn mask_bytes(&self, atoms: usize, groups: &Range<usize>) -> usize {
        let words = match &self.places {
            None => MASK_COPIES * groups.len(),
            Some(places) => {
                let asked = groups.start * LANES..(groups.end * LANES).min(places.len());
                let span = span(places.get(asked).unwrap_or_default());
                groups.len() + (MASK_COPIES - 1) * span.len()
            }
        };
        words * atoms * size_of::<u64>()
    }
}

/// The places of a block's users in a set, ascending.
fn places(users: &RoaringBitmap, block: usize) -> Vec<u16> {
    let first = u32::try_from(block).unwrap_or(u32::MAX).saturating_mul(BLOCK);
    let of_block = users.range(first..=first.saturating_add(BLOCK - 1));
    of_block.map(|user| (user & (BLOCK - 1)) as u16).collect()
}

/// One worker.
struct Worker<'a> {
    pass: &'a Pass,
    context: &'a Arc<TaskContext>,
    prepared: Prepared<'a>,
    scratch: Scratch,
    /// Of the tables that are stored.
    readers: Vec<Option<Reader>>,
    /// Bytes that it may take.
    share: usize,
    memory: MemoryReservation,
    /// Bytes that it has taken for good: its rows, and for each table those of the largest group so
    /// far, which is sorted by class, with what it takes for each event beside.
    fixed: usize,
    sorted: Vec<usize>,
    beside: usize,
    spill: Option<Spill>,
}

/// Groups that are worked out together, and what they take.
struct Window {
    groups: Range<usize>,
    bytes: usize,
    sorted: Vec<usize>,
}

impl<'a> Worker<'a> {
    fn new(pass: &'a Pass, context: &'a Arc<TaskContext>, share: usize) -> Self {
        let readers = pass.events.iter().map(|events| match events {
            Events::Scan(_) => None,
            Events::Stored(stored) => Some(Reader::new(Arc::clone(stored))),
        });
        Worker {
            pass,
            context,
            prepared: Prepared::new(&pass.plan, &pass.tables),
            scratch: Scratch::default(),
            readers: readers.collect(),
            share,
            memory: MemoryConsumer::new("shared pass: blocks").register(context.memory_pool()),
            fixed: fixed(pass),
            sorted: vec![0; pass.tables.len()],
            beside: beside(&pass.plan),
            spill: None,
        }
    }

    /// Hands out the masks of a block; none if nobody in it is asked about.
    async fn block(
        &mut self,
        mut block: Block,
        out: &Sender<Result<RecordBatch>>,
    ) -> Result<Outcome> {
        if block.counts.is_empty() {
            for records in &block.records {
                block.counts.push(records.counts().await?);
            }
        }
        block.records.iter_mut().for_each(Records::rewind);
        let compares = &mut self.scratch.kinds.compares;
        compares.begin(&self.pass.attributes, block.number, block.places.as_deref());
        let mut first = 0;
        while first < block.groups() {
            let window = match self.window(&block, first) {
                Ok(window) => window,
                Err(bytes) => return Ok(Outcome::TooLarge(block, bytes)),
            };
            first = window.groups.end;
            let masks = match self.masks(&mut block, window).await? {
                Ok(masks) => masks,
                Err(bytes) => return Ok(Outcome::TooLarge(block, bytes)),
            };
            let batch = masks.into_batch(block.number, block.places.as_deref())?;
            if out.send(Ok(batch)).await.is_err() {
                return Ok(Outcome::Unwanted);
            }
        }
        Ok(Outcome::Done)
    }

    /// As many groups from the first on as fit; else the bytes of that one.
    fn window(&self, block: &Block, first: usize) -> Fits<Window> {
        let (atoms, stored) = (self.pass.plan.atoms, self.readers.iter().any(Option::is_some));
        // What is read of the store needs room beside.
        let share = if stored { self.share / 2 } else { self.share };
        let mut found = Err(0);
        let (mut records, mut sorted) = (0, self.sorted.clone());
        for end in first + 1..=block.groups() {
            for (sorted, (count, each)) in sorted.iter_mut().zip(block.sizes(end - 1)) {
                records += count * each;
                let bytes = count * (each + self.beside);
                // A vector that grows grows to twice its size at least.
                if bytes > *sorted {
                    *sorted = bytes.max(2 * *sorted);
                }
            }
            let masks = block.mask_bytes(atoms, &(first..end));
            let bytes = records + masks;
            let whole = self.fixed + sorted.iter().sum::<usize>() + bytes;
            if found.is_ok() && (masks > MASKS || whole > share) {
                break;
            }
            if whole > share {
                // A share that is halved for what is stored is too small by half of this.
                return Err(if stored { 2 * whole } else { whole });
            }
            found = Ok(Window { groups: first..end, bytes, sorted: sorted.clone() });
        }
        found
    }

    /// The masks of a window; bytes that are not there if it takes more than that.
    async fn masks(&mut self, block: &mut Block, window: Window) -> Result<Fits<Masks>> {
        let Window { groups, bytes, sorted } = window;
        let taken = self.fixed + sorted.iter().sum::<usize>() + bytes;
        if self.memory.try_resize(taken).is_err() {
            return Ok(Err(taken));
        }
        self.sorted = sorted;
        // The records are needed again if what is stored turns out not to fit.
        let last = groups.end == block.groups() && self.readers.iter().all(Option::is_none);
        let mut tables = Vec::with_capacity(block.records.len());
        for (records, counts) in block.records.iter_mut().zip(&block.counts) {
            let (stride, here) = (records.stride(), groups.clone());
            let ordered = records.window(here.clone(), counts, last).await?;
            tables.push(Clustered::placed(ordered, stride, here));
        }
        let mut masks = Masks::new(self.pass.plan.atoms, groups.clone());
        let mut first = groups.start;
        while first < groups.end {
            let step = first..(first + STEP).min(groups.end);
            let step = match self.stored(block, step, taken, &mut tables)? {
                Ok(step) => step,
                Err(bytes) => return Ok(Err(bytes)),
            };
            first = step.end;
            self.scratch.kinds.texts.learn(&self.pass.texts)?;
            evaluate(&self.prepared, &tables, step, &mut self.scratch, &mut masks);
            tokio::task::yield_now().await;
        }
        Ok(Ok(masks))
    }

    /// Reads the stored events of the first groups of a step, all of them if they fit beside what
    /// is taken; else the bytes that those of one take.
    fn stored(
        &mut self,
        block: &Block,
        step: Range<usize>,
        taken: usize,
        tables: &mut [Clustered],
    ) -> Result<Fits<Range<usize>>> {
        let limited = limit(self.context.memory_pool()).is_some();
        let mut groups = step;
        while limited && self.readers.iter().any(Option::is_some) {
            let stored = self.pass.events.iter().map(|events| match events {
                Events::Scan(_) => 0,
                Events::Stored(stored) => {
                    let (rows, each) = stored_rows(stored, block.number, block.users(), &groups);
                    rows * (each + self.beside)
                }
            });
            let bytes = taken + stored.sum::<usize>();
            if bytes <= self.share && self.memory.try_resize(bytes).is_ok() {
                break;
            }
            if groups.len() == 1 {
                return Ok(Err(bytes));
            }
            groups.end = groups.start + groups.len() / 2;
        }
        for (table, reader) in tables.iter_mut().zip(&mut self.readers) {
            if let Some(reader) = reader {
                *table = reader.window(block.number, block.users(), groups.clone())?;
            }
        }
        Ok(Ok(groups))
    }

    /// Moves a block's records to disk until it is its turn again.
    fn put_away(&mut self, block: &mut Block) -> Result<()> {
        // What it was tried with is for others.
        let kept = self.fixed + self.sorted.iter().sum::<usize>();
        self.memory.try_resize(kept.min(self.memory.size()))?;
        for records in block.records.iter_mut().filter(|records| !records.is_empty()) {
            let spill = match &mut self.spill {
                Some(spill) => spill,
                none => none.insert(Spill::create(&self.context.runtime_env().disk_manager)?),
            };
            records.put_away(CHUNK, spill)?;
        }
        Ok(())
    }
}

/// How many events of some groups are read of the store, and about as many bytes as each takes: its
/// columns and what is made of them, its record, that clustered if it comes from one of several
/// parts, and sorted by class, and what lies between users and is read over.
fn stored_rows(
    stored: &StoredWork,
    block: usize,
    users: Users<'_>,
    groups: &Range<usize>,
) -> (usize, usize) {
    let parts = stored.table.blocks.get(block).map(Vec::as_slice).unwrap_or_default();
    let rows = parts.iter().map(|(part, _)| rows(part.users(), users, groups)).sum();
    let columns = stored.columns.iter().flatten().count() + 2;
    let made = 2 * stored.values.iter().filter(|from| matches!(from, From::Expr(..))).count();
    let records = (stored.values.len() + 1) * if parts.len() > 1 { 3 } else { 2 };
    let between = if matches!(users, Users::Only(_)) { SPARSE } else { 0 };
    (rows, (columns + made + records + between) * size_of::<u64>())
}

/// How many events the users of some groups have, given the places of all users and where the
/// events of each end.
fn rows((places, ends): (&[u16], &[u32]), users: Users<'_>, groups: &Range<usize>) -> usize {
    let end = |at: usize| at.checked_sub(1).and_then(|at| ends.get(at)).copied().unwrap_or(0);
    let of = |places: Range<usize>| (end(places.end) - end(places.start)) as usize;
    let window = groups.start * LANES..groups.end * LANES;
    match users {
        Users::All => {
            let before = |end: usize| places.partition_point(|place| usize::from(*place) < end);
            of(before(window.start)..before(window.end))
        }
        Users::Only(asked) => {
            let asked = asked.get(window.start..window.end.min(asked.len())).unwrap_or_default();
            let found = asked.iter().filter_map(|place| places.binary_search(place).ok());
            found.map(|at| of(at..at + 1)).sum()
        }
    }
}
