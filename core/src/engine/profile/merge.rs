//! Parts of a block made into one: a few young ones when there have come to be many, all of them
//! when the store is compacted.

use std::sync::Arc;

use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use tokio_util::sync::CancellationToken;

use crate::error::{Code, Error, Result};
use crate::store::{PartEntry, ProfileStore, TableEntry, Writing, due, memory};

use super::super::Shared;

/// Merges the youngest parts of every block that has come to have many, as far as memory allows.
pub(super) async fn merge_young(
    shared: &Shared,
    store: &Arc<ProfileStore>,
    entry: &mut TableEntry,
    prefix: &str,
    writing: &Arc<Writing>,
) -> Result<()> {
    let many = |parts: &Vec<PartEntry>| due(&rows(parts)) > 0;
    if !entry.parts.iter().any(many) {
        return Ok(());
    }
    let (columns, prefix) = ((0..entry.columns.len()).collect::<Vec<_>>(), prefix.to_owned());
    let work = Work::new(shared, store, prefix, columns);
    let (mut parts, writing) = (entry.parts.clone(), Arc::clone(writing));
    let stopped = CancellationToken::new();
    let _stops_when_dropped = stopped.clone().drop_guard();
    let merged = tokio::task::spawn_blocking(move || {
        // Nobody else may write before this is over.
        let _writing = writing;
        for (block, parts) in parts.iter_mut().enumerate() {
            if stopped.is_cancelled() {
                return Err(Error::new(Code::Cancelled, "merging was stopped"));
            }
            let taken = due(&rows(parts));
            // What there is no memory for is merged another time.
            work.merge(block, parts, taken)?;
        }
        Ok(parts)
    });
    entry.parts = joined(merged.await)??;
    Ok(())
}

/// What a task on another thread has done.
pub(in crate::engine) fn joined<T>(
    done: std::result::Result<T, tokio::task::JoinError>,
) -> Result<T> {
    done.map_err(|error| {
        Error::new(Code::Internal, "work on the store was stopped").caused_by(error)
    })
}

fn rows(parts: &[PartEntry]) -> Vec<usize> {
    parts.iter().map(|part| part.rows).collect()
}

/// Merging of one table's parts.
pub(super) struct Work {
    pub(super) store: Arc<ProfileStore>,
    prefix: String,
    /// The columns that stay.
    columns: Vec<usize>,
    memory: MemoryReservation,
}

impl Work {
    pub(super) fn new(
        shared: &Shared,
        store: &Arc<ProfileStore>,
        prefix: String,
        columns: Vec<usize>,
    ) -> Work {
        let memory = MemoryConsumer::new("profile store").register(&shared.runtime.memory_pool);
        Work { store: Arc::clone(store), prefix, columns, memory }
    }

    /// Merges so many of a block's parts, the youngest; `false` if there is no memory for that.
    pub(super) fn merge(
        &self,
        block: usize,
        parts: &mut Vec<PartEntry>,
        taken: usize,
    ) -> Result<bool> {
        let first = parts.len().saturating_sub(taken);
        let Some(young) = parts.get(first..).filter(|young| !young.is_empty()) else {
            return Ok(true);
        };
        let needed = memory(rows(young).iter().sum(), self.columns.len());
        if self.memory.try_grow(needed).is_err() {
            return Ok(false);
        }
        let name = format!("{}-m{block}.part", self.prefix);
        let merged = self.store.merge(name, young, &self.columns);
        self.memory.shrink(needed);
        let merged = merged?;
        parts.truncate(first);
        parts.push(merged);
        Ok(true)
    }
}
