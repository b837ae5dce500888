//! Events on their way to the blocks of their users, as records of whole words.
//!
//! A record is `[head, value 0, value 1, …]`. The head holds, from its lowest bits: 16 of the
//! user's place in the block, 16 of the bucket, 16 of the class, and one for each value that is
//! there. Every worker fills chunks of its own for every block; nothing is moved until all events
//! are read.

use datafusion::common::Result;
use datafusion::execution::memory_pool::MemoryReservation;

/// How many users a block has: as many as a container of a Roaring bitmap.
pub(in crate::engine) const BLOCK: u32 = 1 << 16;

/// How many words a chunk has.
const CHUNK: usize = 1 << 14;

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
    blocks: Vec<Vec<Vec<u64>>>,
    memory: MemoryReservation,
}

impl Chunks {
    /// For so many blocks; memory is accounted for as it is taken.
    pub(in crate::engine) fn new(values: usize, blocks: usize, memory: MemoryReservation) -> Self {
        let blocks = (0..blocks).map(|_| Vec::new()).collect();
        Chunks { stride: values + 1, blocks, memory }
    }

    /// The room for one more record in a block.
    #[inline(always)]
    pub(in crate::engine) fn room(&mut self, block: usize) -> Result<Option<&mut Vec<u64>>> {
        let Some(chunks) = self.blocks.get_mut(block) else { return Ok(None) };
        let full = chunks.last().is_none_or(|chunk| chunk.len() + self.stride > chunk.capacity());
        if full {
            self.memory.try_grow(CHUNK * size_of::<u64>())?;
            chunks.push(Vec::with_capacity(CHUNK));
        }
        Ok(chunks.last_mut())
    }

    /// Takes a block's records out.
    pub(in crate::engine) fn take(&mut self, block: usize) -> Vec<Vec<u64>> {
        let taken = self.blocks.get_mut(block).map(std::mem::take).unwrap_or_default();
        self.memory.shrink(taken.len() * CHUNK * size_of::<u64>());
        taken
    }
}
