//! Events on their way to the blocks of their users, as records of whole words.
//!
//! A record is `[head, value 0, value 1, …]`. The head holds, from its lowest bits: 16 of the
//! user's place in the block, 16 of the bucket, 16 of the class, and one for each value that is
//! there. Every worker fills chunks of its own for every block; nothing is moved until all events
//! are read, or memory is short: then a worker puts away on disk what it has, block by block.

use datafusion::common::Result;
use datafusion::execution::memory_pool::MemoryReservation;

use super::records::{Records, Run, put_away};
use super::room::Room;
use super::spill::Spill;

/// How many users a block has: as many as a container of a Roaring bitmap.
pub(in crate::engine) const BLOCK: u32 = 1 << 16;

/// How many words a block's first chunk has; each has twice as many as the one before, up to
/// [`CHUNK`].
const FIRST: usize = 1 << 9;

/// How many words a chunk has at most.
pub(super) const CHUNK: usize = 1 << 14;

/// So many bytes are put away at once, before others have a turn.
const AT_ONCE: usize = 1 << 23;

/// The head of a record.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Head(pub(in crate::engine) u64);

impl Head {
    #[inline(always)]
    pub(in crate::engine) fn new(place: u32, bucket: u16, class: u16) -> Self {
        Head(u64::from(place & (BLOCK - 1)) | u64::from(bucket) << 16 | u64::from(class) << 32)
    }

    #[inline(always)]
    pub(in crate::engine) fn with(self, value: usize) -> Self {
        Head(self.0 | 1 << (48 + value))
    }

    #[inline(always)]
    pub(in crate::engine) fn group(self) -> usize {
        usize::from(self.0 as u16 >> 6)
    }

    #[inline(always)]
    pub(in crate::engine) fn lane(self) -> usize {
        usize::from(self.0 as u16 & 63)
    }

    #[inline(always)]
    pub(in crate::engine) fn bucket(self) -> usize {
        usize::from((self.0 >> 16) as u16)
    }

    #[inline(always)]
    pub(in crate::engine) fn class(self) -> usize {
        usize::from((self.0 >> 32) as u16)
    }

    #[inline(always)]
    pub(in crate::engine) fn has(self, value: usize) -> bool {
        self.0 >> (48 + value) & 1 == 1
    }
}

/// The records of one worker and one table, by block.
pub(in crate::engine) struct Chunks {
    /// Words of a record.
    stride: usize,
    blocks: Vec<OfBlock>,
    room: Room,
    memory: MemoryReservation,
    /// The most words of a chunk.
    chunk: usize,
    spill: Option<Spill>,
    /// The block that is put away next.
    next: usize,
}

/// The records of a block: in memory, and put away.
#[derive(Default)]
struct OfBlock {
    chunks: Vec<Vec<u64>>,
    runs: Vec<Run>,
}

/// Bytes that chunks take.
fn bytes(chunks: &[Vec<u64>]) -> usize {
    chunks.iter().map(|chunk| chunk.capacity() * size_of::<u64>()).sum()
}

impl Chunks {
    /// For so many blocks; memory is accounted for as it is taken, and beyond the room records go
    /// to disk.
    pub(in crate::engine) fn new(values: usize, blocks: usize, room: Room) -> Self {
        let blocks = (0..blocks).map(|_| OfBlock::default()).collect();
        let memory = room.reservation();
        let chunk = (room.most / 8 / size_of::<u64>()).clamp(FIRST, CHUNK);
        Chunks { stride: values + 1, blocks, room, memory, chunk, spill: None, next: 0 }
    }

    /// The room for one more record in a block.
    #[inline(always)]
    pub(in crate::engine) fn room(&mut self, block: usize) -> Result<Option<&mut Vec<u64>>> {
        let Some(of_block) = self.blocks.get(block) else { return Ok(None) };
        let last = of_block.chunks.last();
        if last.is_none_or(|chunk| chunk.len() + self.stride > chunk.capacity()) {
            self.add_chunk(block)?;
        }
        Ok(self.blocks.get_mut(block).and_then(|of_block| of_block.chunks.last_mut()))
    }

    /// A new chunk for a block, twice as large as its last; where that does not fit, other chunks
    /// are put away first.
    #[cold]
    fn add_chunk(&mut self, block: usize) -> Result<()> {
        loop {
            let last = self.blocks.get(block).and_then(|of_block| of_block.chunks.last());
            let words = (last.map_or(0, Vec::capacity) * 2).clamp(FIRST, self.chunk);
            let bytes = words * size_of::<u64>();
            let fits = self.memory.size() + bytes <= self.room.most || self.memory.size() == 0;
            match if fits { self.memory.try_grow(bytes).map(|()| true) } else { Ok(false) } {
                Ok(true) => {
                    if let Some(of_block) = self.blocks.get_mut(block) {
                        of_block.chunks.push(Vec::with_capacity(words));
                    }
                    return Ok(());
                }
                // Nothing is left to be put away.
                Err(error) if self.memory.size() == 0 => return Err(error),
                Ok(false) | Err(_) => self.put_away()?,
            }
        }
    }

    /// Moves records to disk: half of them, or as many as are written in one turn.
    fn put_away(&mut self) -> Result<()> {
        let spill = match &mut self.spill {
            Some(spill) => spill,
            none => none.insert(Spill::create(&self.room.context.runtime_env().disk_manager)?),
        };
        let held = self.memory.size();
        let enough = (held / 2).min(AT_ONCE);
        let (mut moved, count) = (0, self.blocks.len());
        for _ in 0..count {
            let Some(of_block) = self.blocks.get_mut(self.next) else { break };
            let mut chunks = Vec::new();
            while moved <= enough && !of_block.chunks.is_empty() {
                chunks.push(of_block.chunks.remove(0));
                moved += bytes(chunks.last().map(std::slice::from_ref).unwrap_or_default());
            }
            put_away(chunks, self.stride, self.chunk, spill, &mut of_block.runs)?;
            if moved > enough {
                break;
            }
            self.next = (self.next + 1) % count;
        }
        self.memory.shrink(if moved == 0 { held } else { moved.min(held) });
        Ok(())
    }

    /// Moves a block's records out, with what they are accounted for by.
    fn take(&mut self, block: usize, records: &mut Records) {
        let Some(of_block) = self.blocks.get_mut(block) else { return };
        let OfBlock { chunks, runs } = std::mem::take(of_block);
        let memory = self.memory.split(bytes(&chunks).min(self.memory.size()));
        records.add(chunks, runs, memory);
    }

    /// A block's records of all workers.
    pub(in crate::engine) fn of_block(workers: &mut [Chunks], block: usize) -> Records {
        let mut records = Records::new(workers.first().map_or(1, |chunks| chunks.stride));
        workers.iter_mut().for_each(|worker| worker.take(block, &mut records));
        records
    }
}
