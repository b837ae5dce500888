//! The first half of the shared pass: the events of all tables read, as records by block.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::RecordBatch;
use datafusion::common::runtime::JoinSet;
use datafusion::common::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use futures::TryStreamExt;

use super::chunks::Chunks;
use super::decode::{Decoder, TableWork};
use super::exec::{Events, Pass, joined};
use super::room::Room;

/// After so many rows others have a turn, and the run may be stopped.
const TURN: usize = 1 << 14;

/// A batch in pieces that take no longer than one turn.
pub(in crate::engine) fn turns(batch: &RecordBatch) -> impl Iterator<Item = RecordBatch> {
    let starts = (0..batch.num_rows()).step_by(TURN);
    starts.map(|start| batch.slice(start, TURN.min(batch.num_rows() - start)))
}

/// The chunks of all workers, by table; none of a stored table.
pub(super) type Read = Vec<Mutex<Vec<Chunks>>>;

/// Reads every table that is not stored.
pub(super) async fn read(
    pass: &Arc<Pass>,
    inputs: &[Arc<dyn ExecutionPlan>],
    context: &Arc<TaskContext>,
) -> Result<Read> {
    let mut found = Vec::with_capacity(pass.tables.len());
    // Records of one table stay while the next is read.
    let room = Room::of("shared pass", context, pass.workers * inputs.len());
    for (work, events) in pass.tables.iter().zip(&pass.events) {
        let chunks = match events {
            Events::Scan(child) => match inputs.get(*child) {
                Some(input) => read_table(pass, work, input, *child, &room).await?,
                None => Vec::new(),
            },
            Events::Stored(_) => Vec::new(),
        };
        found.push(Mutex::new(chunks));
    }
    Ok(found)
}

/// Reads a table: workers take its partitions one after the other.
async fn read_table(
    pass: &Arc<Pass>,
    work: &Arc<TableWork>,
    input: &Arc<dyn ExecutionPlan>,
    stage: usize,
    room: &Room,
) -> Result<Vec<Chunks>> {
    let next = Arc::new(AtomicUsize::new(0));
    let partitions = input.output_partitioning().partition_count();
    let mut workers = JoinSet::new();
    for _ in 0..pass.workers.clamp(1, partitions.max(1)) {
        let (pass, work, input) = (Arc::clone(pass), Arc::clone(work), Arc::clone(input));
        let (next, room) = (Arc::clone(&next), room.clone());
        workers.spawn(async move {
            let context = Arc::clone(&room.context);
            let mut chunks = Chunks::new(work.values.len(), pass.blocks(), room);
            let mut decoder = Decoder::new(work, Arc::clone(&pass.ordinals));
            loop {
                let partition = next.fetch_add(1, Ordering::Relaxed);
                if partition >= partitions {
                    return Ok::<_, DataFusionError>(chunks);
                }
                let mut batches = input.execute(partition, Arc::clone(&context))?;
                while let Some(batch) = batches.try_next().await? {
                    for batch in turns(&batch) {
                        decoder.take(&batch, &mut chunks)?;
                        // A table in memory never waits, and what never waits can't be stopped.
                        tokio::task::yield_now().await;
                    }
                }
                pass.meter.add(stage, 1);
            }
        });
    }
    let mut chunks = Vec::new();
    while let Some(worker) = workers.join_next().await {
        chunks.push(joined(worker)?);
    }
    Ok(chunks)
}
