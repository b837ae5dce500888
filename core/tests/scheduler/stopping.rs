//! Stopping while a run is under way: it comes to its end, or leaves nothing behind.

use std::time::Duration;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use segmentry::{MemoryCatalog, Scheduler, SchedulerOptions, Stop};
use tokio::sync::Semaphore;

use super::crashing::{Crashing, Lasting};
use super::*;

/// People who are read once there is a permit.
#[derive(Debug)]
struct Gated(RecordBatch, Arc<Semaphore>, SchemaRef);

impl PartitionStream for Gated {
    fn schema(&self) -> &SchemaRef {
        &self.2
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (batch, gate) = (self.0.clone(), Arc::clone(&self.1));
        let rows = futures::stream::once(async move {
            let _permit = gate.acquire().await;
            Ok(batch)
        });
        Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&self.2), rows))
    }
}

/// A scheduler whose run has begun and does not get on until the gate has a permit.
async fn at_work() -> (SegmentEngine, Scheduler, Arc<Semaphore>) {
    let clock = Arc::new(ManualClock::new(at("2025-03-01T05:00:00Z")));
    let engine = engine_on(MemoryCatalog::new(), &clock).await;
    engine.create_rule(rule("Hourly", "@hourly")).await.unwrap();
    let gate = Arc::new(Semaphore::new(0));
    engine.remove_source("people").unwrap();
    let gated = Arc::new(Gated(people(), Arc::clone(&gate), people().schema()));
    let table = StreamingTable::try_new(people().schema(), vec![gated]).unwrap();
    engine.add_table("people", Arc::new(table)).unwrap();
    clock.set(at("2025-03-01T06:00:00Z"));
    let scheduler = engine.scheduler(SchedulerOptions::default());
    scheduler.start().unwrap();
    while scheduler.status().await.unwrap().rules[0].running_by.is_none() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let status = scheduler.status().await.unwrap();
    assert_eq!(status.run.unwrap().rules, [1]);
    assert_eq!(status.rules[0].due_since, Some(at("2025-03-01T06:00:00Z")));
    (engine, scheduler, gate)
}

#[tokio::test]
async fn stopping_waits_for_the_run() {
    let (engine, scheduler, gate) = at_work().await;
    let opens = async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        gate.add_permits(1);
    };
    tokio::join!(scheduler.stop(Stop::Wait), opens);
    assert_eq!(engine.runs(1, 10).await.unwrap().total, 1);
    let status = scheduler.status().await.unwrap();
    assert_eq!((status.started, status.run), (false, None));
    assert_eq!((status.rules[0].due_since, &status.rules[0].running_by), (None, &None));
}

#[tokio::test]
async fn stopping_can_cancel_the_run() {
    let (engine, scheduler, gate) = at_work().await;
    scheduler.stop(Stop::Cancel).await;
    assert_eq!(engine.runs(1, 10).await.unwrap().total, 0);
    // It is as due as it was, has not failed, and is run once there is a scheduler again.
    while scheduler.status().await.unwrap().rules[0].running_by.is_some() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let rule = scheduler.status().await.unwrap().rules.remove(0);
    assert_eq!((rule.failures, rule.missed), (0, 0));
    assert_eq!(rule.due_since, Some(at("2025-03-01T06:00:00Z")));
    gate.add_permits(1);
    assert_eq!(scheduler.run_due().await.unwrap().unwrap().segments.len(), 1);
}

#[tokio::test]
async fn a_publication_that_never_comes_through_is_given_up() {
    let (catalog, fate) = Crashing::new(&Arc::new(Lasting::default()));
    let clock = Arc::new(ManualClock::new(at("2025-03-01T05:00:00Z")));
    let engine = engine_on(catalog, &clock).await;
    engine.create_rule(rule("Outrun", "@daily")).await.unwrap();
    fate.outrun();
    let error = engine.refresh(segmentry::Refresh::all()).await.unwrap_err();
    assert_eq!(error.code(), segmentry::Code::Busy, "{error}");
    assert_eq!(engine.runs(1, 10).await.unwrap().total, 0);
    assert_eq!(engine.status().running, None);
}
