//! Sources that disappear before a run or halfway through it: what was published stands.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow::datatypes::SchemaRef;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::{StreamExt, stream};
use segmentry::{Code, Run, SegmentEngine};

use super::world;

/// Whether a failure is of that code for all rules that need the source; the others are fresh.
async fn stands(engine: &SegmentEngine, run: segmentry::Result<Run>, code: Code) {
    match run {
        // Without users there is no run.
        Err(error) => {
            assert_eq!(error.code(), code, "{error}");
            assert!(!error.problems()[0].message.is_empty());
        }
        Ok(run) => {
            assert!(!run.failed.is_empty(), "{run:?}");
            for failed in &run.failed {
                assert_eq!(failed.problems[0]["code"], code.as_str(), "{failed:?}");
            }
        }
    }
    world::check(engine).await;
    for rule in 1..=4 {
        assert!(engine.segment(rule).await.unwrap().row_count() > 0);
    }
}

#[tokio::test]
async fn files_that_are_gone_or_cut_off() {
    for (name, cut) in [
        ("people.parquet", false),
        ("people.parquet", true),
        ("visits/second.parquet", true),
        ("visits", false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        world::make(folder.path()).await;
        let engine = world::open(folder.path()).await;
        world::refresh(&engine, 20).await.unwrap();
        let path = folder.path().join(name);
        if cut {
            let half = std::fs::read(&path).unwrap();
            std::fs::write(&path, &half[..half.len() / 2]).unwrap();
        } else if path.is_dir() {
            std::fs::remove_dir_all(&path).unwrap();
        } else {
            std::fs::remove_file(&path).unwrap();
        }
        let run = world::refresh(&engine, 21).await;
        stands(&engine, run, Code::UnreadableSource).await;
    }
}

/// Events that break off after the first batch, while the switch is on.
#[derive(Debug)]
struct Halfway {
    batch: RecordBatch,
    broken: Arc<AtomicBool>,
}

impl PartitionStream for Halfway {
    fn schema(&self) -> &SchemaRef {
        self.batch.schema_ref()
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let batch = self.batch.clone();
        let broken = self.broken.load(Ordering::SeqCst);
        let batches = stream::iter([1, 2]).map(move |number| match (number, broken) {
            (2, true) => Err(DataFusionError::Execution("the connection was lost".to_owned())),
            _ => Ok(batch.slice((number - 1) * batch.num_rows() / 2, batch.num_rows() / 2)),
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(self.batch.schema_ref()), batches))
    }
}

impl fmt::Display for Halfway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("halfway")
    }
}

/// The same events as in the files.
fn events() -> RecordBatch {
    let events: Vec<(i64, i64)> = (0..60)
        .flat_map(|day| {
            (0..world::USERS).filter(move |u| day % 50 == u % 50).map(move |u| (u, day))
        })
        .collect();
    let users: Int64Array = events.iter().map(|(user, _)| Some(*user)).collect();
    let times: TimestampMicrosecondArray = events
        .iter()
        .map(|(_, day)| Some(world::at(*day).timestamp_micros() + 3_600_000_000))
        .collect();
    RecordBatch::try_from_iter([("user", Arc::new(users) as _), ("at", Arc::new(times) as _)])
        .unwrap()
}

#[tokio::test]
async fn a_stream_that_breaks_off() {
    let folder = tempfile::tempdir().unwrap();
    world::make(folder.path()).await;
    let engine = world::open(folder.path()).await;
    let (batch, broken) = (events(), Arc::new(AtomicBool::new(false)));
    let schema = batch.schema();
    let part = Halfway { batch, broken: Arc::clone(&broken) };
    let table = StreamingTable::try_new(schema, vec![Arc::new(part)]).unwrap();
    engine.add_table("visits", Arc::new(table)).unwrap();
    world::refresh(&engine, 20).await.unwrap();
    world::check(&engine).await;
    broken.store(true, Ordering::SeqCst);
    let run = world::refresh(&engine, 21).await;
    stands(&engine, run, Code::UnreadableSource).await;
    broken.store(false, Ordering::SeqCst);
    let run = world::refresh(&engine, 22).await.unwrap();
    assert!(run.failed.is_empty(), "{run:?}");
    world::check(&engine).await;
}
