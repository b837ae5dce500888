//! Records of events become parts of the store, block by block.

use std::sync::Arc;

use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use tokio_util::sync::CancellationToken;

use crate::error::{Code, Error, Result};
use crate::store::{Block, Column, PartEntry, ProfileStore, Writing};

use super::super::evaluate::data_error;
use super::super::pass::chunks::Chunks;
use super::super::pass::records::{Ordered, Records};
use super::super::pass::room::for_blocks;
use super::super::progress::Meter;

/// Who writes the parts of one table.
pub(super) struct Writer<'a> {
    pub(super) store: &'a Arc<ProfileStore>,
    /// Held by whoever still writes, also once nobody waits for it any more.
    pub(super) writing: &'a Arc<Writing>,
    pub(super) context: Arc<TaskContext>,
    /// How the names of its files begin.
    pub(super) prefix: &'a str,
    pub(super) generation: u64,
    pub(super) columns: usize,
}

impl Writer<'_> {
    /// Writes the records of every block, each as a step.
    pub(super) async fn blocks(
        &self,
        workers: &mut [Chunks],
        blocks: usize,
        meter: &Meter,
    ) -> Result<Vec<Vec<PartEntry>>> {
        let mut parts = Vec::with_capacity(blocks);
        for block in 0..blocks {
            parts.push(self.block(block, Chunks::of_block(workers, block)).await?);
            meter.add(0, 1);
        }
        Ok(parts)
    }

    /// Writes a block's records as one part, or as one for each stretch of users that fits in
    /// memory; none for a block without any.
    async fn block(&self, block: usize, mut records: Records) -> Result<Vec<PartEntry>> {
        let mut parts = Vec::new();
        if records.is_empty() {
            return Ok(parts);
        }
        let fault = |error| data_error(error, None);
        let pool = self.context.memory_pool();
        let memory = MemoryConsumer::new("profile store: blocks").register(pool);
        let counts = records.counts().await.map_err(fault)?;
        let stride = records.stride();
        let mut first = 0;
        while first < counts.len() {
            // Records in order, then columns, then the columns as they are written.
            let bytes = |count: &u32| *count as usize * stride * size_of::<u64>() * 3;
            let end = self.reserve(&memory, counts.iter().map(bytes), first)?;
            let last = end == counts.len();
            let ordered = records.window(first..end, &counts, last).await.map_err(fault)?;
            if !ordered.words.is_empty() {
                let name = match (first, last) {
                    (0, true) => format!("{}-b{block}.part", self.prefix),
                    _ => format!("{}-b{block}-g{first}.part", self.prefix),
                };
                parts.push(self.part(name, ordered, stride).await?);
            }
            first = end;
        }
        Ok(parts)
    }

    /// Reserves what the groups from one on take, as many of them as fit; answers the end of those.
    fn reserve(
        &self,
        memory: &MemoryReservation,
        bytes: impl ExactSizeIterator<Item = usize>,
        first: usize,
    ) -> Result<usize> {
        memory.free();
        let room = for_blocks(self.context.memory_pool());
        let groups = bytes.len();
        let (mut taken, mut end) = (0, first);
        for bytes in bytes.skip(first) {
            // Where even one group is too much, the pool says so.
            if end > first && taken + bytes > room {
                break;
            }
            taken += bytes;
            end += 1;
        }
        memory.try_resize(taken).map_err(|error| data_error(error, None))?;
        Ok(end.min(groups))
    }

    async fn part(&self, name: String, ordered: Ordered, stride: usize) -> Result<PartEntry> {
        let (store, writing) = (Arc::clone(self.store), Arc::clone(self.writing));
        let (generation, columns) = (self.generation, self.columns);
        let stopped = CancellationToken::new();
        let _stops_when_dropped = stopped.clone().drop_guard();
        let write = move || {
            // Nobody else may write before this is over.
            let _writing = writing;
            let block = block_of(&ordered, stride, (columns, generation), &stopped)?;
            drop(ordered);
            store.write_part(name, &block)
        };
        tokio::task::spawn_blocking(write).await.map_err(|error| {
            Error::new(Code::Internal, "writing the store was stopped").caused_by(error)
        })?
    }
}

/// Records written in a generation, in the order of a part: by user, then by time.
fn block_of(
    ordered: &Ordered,
    stride: usize,
    (columns, generation): (usize, u64),
    stopped: &CancellationToken,
) -> Result<Block> {
    let rows = ordered.words.len() / stride;
    let (mut places, mut ends) = (Vec::new(), Vec::new());
    let mut found: Vec<(Vec<i64>, Vec<bool>)> =
        (0..columns).map(|_| (Vec::with_capacity(rows), Vec::with_capacity(rows))).collect();
    let mut order: Vec<(u16, i64, &[u64])> = Vec::new();
    let mut end = 0u32;
    for group in ordered.offsets.windows(2) {
        if stopped.is_cancelled() {
            return Err(Error::new(Code::Cancelled, "writing the store was stopped"));
        }
        let [start, stop] = group else { continue };
        let records = ordered.words.get(start * stride..stop * stride).unwrap_or_default();
        order.clear();
        order.extend(records.chunks_exact(stride).filter_map(|record| match record {
            [head, time, ..] => Some((*head as u16, time.cast_signed(), record)),
            _ => None,
        }));
        order.sort_unstable_by_key(|(place, time, _)| (*place, *time));
        for (place, _, record) in &order {
            if places.last() != Some(place) {
                places.push(*place);
                ends.push(end);
            }
            end += 1;
            if let Some(last) = ends.last_mut() {
                *last = end;
            }
            let [head, values @ ..] = record else { continue };
            for (number, ((all, valid), value)) in found.iter_mut().zip(values).enumerate() {
                all.push(value.cast_signed());
                valid.push(head >> (16 + number) & 1 == 1);
            }
        }
    }
    let column = |(values, valid): (Vec<i64>, Vec<bool>)| {
        let valid = valid.contains(&false).then_some(valid);
        Column { values, valid }
    };
    let written = vec![generation; places.len()];
    Ok(Block { places, ends, written, columns: found.into_iter().map(column).collect() })
}
