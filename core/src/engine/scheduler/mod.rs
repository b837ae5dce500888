//! The scheduler: runs what is due, and what was asked for, in the process that embeds the engine.
//!
//! All that has to outlive a process is in the catalog, so that any number of schedulers, in any number of
//! processes, may work on one: `turn.rs` is what one does each time it wakes, `status.rs` what it shows.

mod options;
mod status;
mod turn;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::error::{Code, Error, Result};
use crate::rule::RuleRef;

use super::{Run, SegmentEngine};

pub use options::{Misfire, SchedulerOptions};
pub use status::{QueuedRun, RuleStatus, ScheduledRun, SchedulerStatus};

/// Runs what is due.
///
/// All rules that are due at one time are one run, hence one pass over the events, and one run is
/// under way at a time. After a time in which no scheduler worked a rule runs once, not once for each
/// firing ([`Misfire`]); the others are counted. A rule that fails is tried again with growing pauses,
/// for as long as it is there, while the others are published. Schedulers in other processes may work
/// on the same catalog: whoever has the lease on a rule runs it.
///
/// Dropping it stops it as [`Stop::Wait`] does, without waiting.
///
/// ```
/// # use std::sync::Arc;
/// # use arrow::array::{Int64Array, RecordBatch};
/// # use segmentry::{AudienceModel, ManualClock, SchedulerOptions, SegmentEngine, Stop};
/// # #[tokio::main]
/// # async fn main() -> segmentry::Result<()> {
/// # let clock = Arc::new(ManualClock::new("2025-01-03T12:00:00Z".parse().unwrap()));
/// # let ids: arrow::array::ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
/// # let model = AudienceModel::parse(r#"{"users": {"table": "people", "key": "id"}}"#)?;
/// # let engine = SegmentEngine::builder().clock(clock.clone()).model(model).build().await?;
/// # engine.add_arrow("people", vec![RecordBatch::try_from_iter([("id", ids)]).unwrap()])?;
/// let everyone = r#"{"rule_name": "Everyone", "conditions": [], "schedule": "@daily"}"#;
/// let rule = engine.create_rule(everyone).await?;
/// let scheduler = engine.scheduler(SchedulerOptions::default());
/// scheduler.start()?;
/// let run = engine.trigger(rule).await?; // beside the schedule
/// # while engine.run(run).await.is_err() { tokio::task::yield_now().await; }
/// scheduler.stop(Stop::Wait).await;
/// assert_eq!(engine.run(run).await?.segments[0].row_count, 3);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Scheduler {
    inner: Arc<Inner>,
    task: Mutex<Option<Task>>,
}

/// How to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Let the run that is under way come to its end.
    Wait,
    /// Stop it; it leaves nothing behind, and its rules stay due.
    Cancel,
}

#[derive(Debug)]
struct Task {
    handle: JoinHandle<()>,
    stop: CancellationToken,
    cancel: CancellationToken,
}

/// What the scheduler and its task share.
#[derive(Debug)]
struct Inner {
    engine: SegmentEngine,
    options: SchedulerOptions,
    seen: Mutex<Seen>,
    /// How many rules of the run that is under way are through, and of how many.
    progress: Arc<Mutex<(usize, usize)>>,
}

/// What this scheduler has seen; what has to last is in the catalog.
#[derive(Debug, Default)]
struct Seen {
    last_turn: Option<DateTime<Utc>>,
    /// Why the last turn failed as a whole.
    error: Option<String>,
    run: Option<ScheduledRun>,
    /// How often in a row a run for the queue failed as a whole, and until when it rests.
    queue_failures: i64,
    queue_rests_until: Option<DateTime<Utc>>,
}

impl SegmentEngine {
    /// A scheduler of this engine's rules, which does nothing until it is started.
    #[must_use]
    pub fn scheduler(&self, options: SchedulerOptions) -> Scheduler {
        let seen = Mutex::new(Seen::default());
        let progress = Arc::default();
        let inner = Arc::new(Inner { engine: self.clone(), options, seen, progress });
        Scheduler { inner, task: Mutex::new(None) }
    }

    /// Asks for a run of a rule as soon as a scheduler on the catalog is free, whatever its schedule
    /// says, and answers the id under which [`SegmentEngine::run`] will find it. A rule for which a
    /// run is waiting already gets that one; one whose run is under way gets another after it.
    ///
    /// # Errors
    /// [`Code::NotFound`]; errors of the catalog.
    pub async fn trigger(&self, rule: impl Into<RuleRef>) -> Result<i64> {
        let rules = self.shared.rules().await?;
        let (id, now) = (rules.find(&rule.into())?.row.id, self.shared.clock.now());
        let run = self.shared.catalog(move |catalog| catalog.enqueue(id, now)).await?;
        self.shared.queued.notify_one();
        Ok(run)
    }
}

impl Scheduler {
    /// Begins to run what is due, in a task of tokio's; does nothing if it has begun already.
    ///
    /// # Errors
    /// [`Code::Internal`] outside of a runtime of tokio's.
    pub fn start(&self) -> Result<()> {
        let runtime = tokio::runtime::Handle::try_current().map_err(|error| {
            Error::new(Code::Internal, "a scheduler needs a runtime of tokio's").caused_by(error)
        })?;
        let mut task = lock(&self.task);
        if task.as_ref().is_some_and(|task| !task.handle.is_finished()) {
            return Ok(());
        }
        let (stop, cancel) = (CancellationToken::new(), CancellationToken::new());
        let (inner, tokens) = (Arc::clone(&self.inner), (stop.clone(), cancel.clone()));
        let handle = runtime.spawn(async move { inner.work(&tokens.0, &tokens.1).await });
        *task = Some(Task { handle, stop, cancel });
        Ok(())
    }

    /// Stops, and returns once nothing is under way any more. It can be started again.
    pub async fn stop(&self, how: Stop) {
        let Some(task) = lock(&self.task).take() else { return };
        task.stop.cancel();
        if how == Stop::Cancel {
            task.cancel.cancel();
        }
        if let Err(error) = task.handle.await {
            tracing::error!(%error, "the scheduler's task has failed");
        }
    }

    /// Runs once what is due now and what was asked for, started or not: for hosts that have a timer
    /// of their own. `None` if there was nothing to run that others do not have at hand.
    ///
    /// # Errors
    /// Those of [`SegmentEngine::refresh`]. Rules that fail by themselves are in [`Run::failed`].
    pub async fn run_due(&self) -> Result<Option<Run>> {
        self.inner.turn(&CancellationToken::new()).await
    }

    /// Whether it was started and not stopped.
    #[must_use]
    pub fn is_started(&self) -> bool {
        lock(&self.task).as_ref().is_some_and(|task| !task.handle.is_finished())
    }
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        if let Some(task) = lock(&self.task).take() {
            task.stop.cancel();
        }
    }
}

impl Inner {
    async fn work(&self, stop: &CancellationToken, cancel: &CancellationToken) {
        let clock = Arc::clone(&self.engine.shared.clock);
        while !stop.is_cancelled() {
            let ran = self.turn(cancel).await.is_ok_and(|run| run.is_some());
            // What came due during a run, or could not go with it, is looked for at once.
            if ran {
                continue;
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = clock.sleep_until(self.wakes(clock.now())) => {}
                () = self.engine.shared.queued.notified() => {}
            }
        }
    }

    /// When to look again: schedules fire at whole minutes, other processes queue at any time.
    fn wakes(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let minute = TimeDelta::minutes(1);
        let next = now.duration_trunc(minute).ok().and_then(|at| at.checked_add_signed(minute));
        let poll = now.checked_add_signed(self.options.poll).unwrap_or(now);
        next.map_or(poll, |next| next.min(poll))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        lock(&self.seen)
    }
}

fn lock<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
