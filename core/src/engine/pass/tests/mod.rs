//! The parts of the shared pass that have to do with memory, and what is left of a run that was
//! stopped.

mod records;
mod stopping;

use std::sync::Arc;

use datafusion::execution::TaskContext;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};

/// A runtime that gives out so many bytes, with a disk or without.
fn runtime(bytes: usize, disk: bool) -> Arc<RuntimeEnv> {
    let mode = if disk { DiskManagerMode::OsTmpDirectory } else { DiskManagerMode::Disabled };
    RuntimeEnvBuilder::new()
        .with_memory_pool(Arc::new(FairSpillPool::new(bytes)))
        .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(mode))
        .build_arc()
        .unwrap()
}

fn context(runtime: &Arc<RuntimeEnv>) -> Arc<TaskContext> {
    SessionContext::new_with_config_rt(SessionConfig::new(), Arc::clone(runtime)).task_ctx()
}

#[test]
fn more_edges_than_buckets_are_refused() {
    assert!(super::can_be_told_apart(65_534).is_ok());
    assert!(super::can_be_told_apart(65_535).is_err());
}
