//! How a run shares the memory of the session's pool out among its parts.
//!
//! Where the pool has a limit, half of what is free as events begin to be read is for records of events, an eighth for the sets of users
//! that come out, and the rest for the blocks that are worked on. Records and sets beyond that go to
//! disk. A block is worked out in as many windows of groups as fit; one that has a group that does
//! not fit a worker's part is left until the workers are done, and then has everything that is left.
//! If that is too little as well, the run is told so.
//!
//! Accounted for are the records, in memory as they were decoded, as they are clustered and as they
//! are sorted, the rows of the streams, what distinct values and sequences take beside, the masks on
//! their way, what is read of the store, texts and users' columns, and the sets of users that parts
//! of rules have. Not accounted for is what does not grow with the events: the batch that a
//! worker is decoding and the classes that it knows, at most one chunk in the making for each worker
//! (an eighth of its part), some ten kilobytes for each block that is worked on, and an index of what
//! is on disk, less than a hundredth of that. Nor are those that are there with and without the
//! pass: the dictionary of keys and the segments' own members. The users table as a run reads it,
//! unless it is the host's own memory, and the users' ordinals have their part of the pool before all others.

use std::sync::Arc;

use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{
    MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

/// Bytes that a pool may give out in all; nothing if it has no limit.
pub(in crate::engine) fn limit(pool: &Arc<dyn MemoryPool>) -> Option<usize> {
    match pool.memory_limit() {
        MemoryLimit::Finite(bytes) => Some(bytes),
        MemoryLimit::Infinite | MemoryLimit::Unknown => None,
    }
}

/// Bytes that the sets of a run may take.
pub(in crate::engine) fn for_sets(pool: &Arc<dyn MemoryPool>) -> usize {
    limit(pool).map_or(usize::MAX, |limit| limit / 8)
}

/// Bytes that blocks may take that are worked on now, the sets' part left aside.
pub(in crate::engine) fn for_blocks(pool: &Arc<dyn MemoryPool>) -> usize {
    match limit(pool) {
        Some(limit) => limit.saturating_sub(pool.reserved()).saturating_sub(limit / 8),
        None => usize::MAX,
    }
}

/// What one of those has that read events.
#[derive(Clone)]
pub(in crate::engine) struct Room {
    pub(super) context: Arc<TaskContext>,
    what: &'static str,
    /// Bytes that its records may take.
    pub(super) most: usize,
}

impl Room {
    /// For one of so many who read, over all tables that are read at a time.
    pub(in crate::engine) fn of(
        what: &'static str,
        context: &Arc<TaskContext>,
        readers: usize,
    ) -> Self {
        let pool = context.memory_pool();
        let most = limit(pool)
            .map_or(usize::MAX, |limit| limit.saturating_sub(pool.reserved()) / 2 / readers.max(1));
        Room { context: Arc::clone(context), what, most }
    }

    pub(super) fn reservation(&self) -> MemoryReservation {
        let consumer = MemoryConsumer::new(self.what).with_can_spill(true);
        consumer.register(self.context.memory_pool())
    }
}
