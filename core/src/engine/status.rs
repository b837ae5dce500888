//! What an engine is doing and how its last runs ended, for [`SegmentEngine::status`].

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

use crate::clock::Clock;
use crate::error::{Code, Error};

use super::evaluate::Scanned;
use super::{Run, RunEvent, RunStage, SegmentEngine};

/// What an engine is doing, and how its runs have ended since it was made.
///
/// A run that is stuck shows by [`RunUnderWay::stage_since`], a rule that keeps failing by
/// [`FailingRule::times`].
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct EngineStatus {
    /// The run under way; there is one at a time in a process.
    pub running: Option<RunUnderWay>,
    /// How many refreshes wait for it.
    pub waiting: u64,
    /// Runs that were published.
    pub published: u64,
    /// Runs that ended in an error, nothing published.
    pub failed: u64,
    /// Runs that were stopped: by a token, a time limit, or because nobody waited any more.
    pub stopped: u64,
    /// When the last run was published.
    #[serde(with = "crate::document::instant::option")]
    pub last_published_at: Option<DateTime<Utc>>,
    /// The code of the last run's error, when it was, and what it said.
    #[serde(serialize_with = "told_error")]
    pub last_error: Option<(Code, DateTime<Utc>, String)>,
    /// Rules that failed or were skipped when they were last asked for, ascending by id. One leaves
    /// the list when it is published.
    pub failing: Vec<FailingRule>,
}

/// A run that is not over.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RunUnderWay {
    /// When it began.
    #[serde(with = "crate::document::instant")]
    pub started_at: DateTime<Utc>,
    /// What it does, under the names of [`Run::stages`]: `bind`, `population`, `store`, `events`,
    /// `users`, `rules` or `publish`.
    pub stage: String,
    /// Since when.
    #[serde(with = "crate::document::instant")]
    pub stage_since: DateTime<Utc>,
    /// What of the stage was told of last, as [`RunEvent::Progress`] tells it: what, and how many steps
    /// of how many are done.
    #[serde(serialize_with = "told_progress")]
    pub progress: Option<(RunStage, usize, usize)>,
    /// Rules that are through.
    pub rules_done: usize,
    /// Of how many, once that is known.
    pub rules: usize,
    /// Rows that were read so far, by table; a table is counted when it has been read.
    pub rows: BTreeMap<String, u64>,
}

/// A rule that failed or was skipped.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FailingRule {
    /// The rule.
    pub rule_id: i64,
    /// Its name.
    pub rule_name: String,
    /// Why, the last time.
    pub reason: String,
    /// When it failed first, without having been published since.
    #[serde(with = "crate::document::instant")]
    pub since: DateTime<Utc>,
    /// When it failed last.
    #[serde(with = "crate::document::instant")]
    pub last: DateTime<Utc>,
    /// How often it failed since then.
    pub times: u64,
}

/// An error as JSON: `{code, at, message}`.
fn told_error<S: Serializer>(
    error: &Option<(Code, DateTime<Utc>, String)>,
    to: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Told<'a> {
        code: Code,
        #[serde(with = "crate::document::instant")]
        at: DateTime<Utc>,
        message: &'a str,
    }
    let told = error.as_ref().map(|(code, at, message)| Told { code: *code, at: *at, message });
    told.serialize(to)
}

/// What of a stage is done as JSON: as [`RunEvent::Progress`] has it.
fn told_progress<S: Serializer>(
    progress: &Option<(RunStage, usize, usize)>,
    to: S,
) -> Result<S::Ok, S::Error> {
    let told = progress.clone().map(|(stage, done, of)| RunEvent::Progress { stage, done, of });
    told.serialize(to)
}

/// Where runs say what they do.
#[derive(Debug)]
pub(super) struct Board {
    clock: Arc<dyn Clock>,
    status: Mutex<EngineStatus>,
}

/// A run on the board, until it is dropped.
pub(super) struct Shown(Arc<Board>);

/// A refresh that waits.
pub(super) struct Waiting(Arc<Board>);

impl Drop for Shown {
    fn drop(&mut self) {
        let mut status = self.0.status();
        if status.running.take().is_some() {
            status.stopped += 1;
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let mut status = self.0.status();
        status.waiting = status.waiting.saturating_sub(1);
    }
}

impl Board {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Board { clock, status: Mutex::default() }
    }

    fn status(&self) -> MutexGuard<'_, EngineStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn wait(self: &Arc<Self>) -> Waiting {
        self.status().waiting += 1;
        Waiting(Arc::clone(self))
    }

    pub(super) fn begin(self: &Arc<Self>) -> Shown {
        let now = self.clock.now();
        self.status().running = Some(RunUnderWay {
            started_at: now,
            stage: "bind".to_owned(),
            stage_since: now,
            progress: None,
            rules_done: 0,
            rules: 0,
            rows: BTreeMap::new(),
        });
        Shown(Arc::clone(self))
    }

    /// The run begins a stage, and has read so much before it.
    pub(super) fn stage(&self, stage: &str, scanned: &Scanned) {
        let now = self.clock.now();
        if let Some(run) = &mut self.status().running {
            (run.stage, run.stage_since, run.progress) = (stage.to_owned(), now, None);
            run.rows.clone_from(scanned);
        }
    }

    /// The run has read so much.
    pub(super) fn rows(&self, scanned: &Scanned) {
        if let Some(run) = &mut self.status().running {
            run.rows.clone_from(scanned);
        }
    }

    pub(super) fn note(&self, event: &RunEvent) {
        let now = self.clock.now();
        let mut status = self.status();
        if let RunEvent::Failed { rule_id, rule_name, reason, .. } = event {
            let at = status.failing.binary_search_by_key(rule_id, |failing| failing.rule_id);
            match at.map(|at| status.failing.get_mut(at)) {
                Ok(Some(failing)) => {
                    failing.rule_name.clone_from(rule_name);
                    failing.reason.clone_from(reason);
                    failing.last = now;
                    failing.times += 1;
                }
                Ok(None) => {}
                Err(at) => status.failing.insert(
                    at,
                    FailingRule {
                        rule_id: *rule_id,
                        rule_name: rule_name.clone(),
                        reason: reason.clone(),
                        since: now,
                        last: now,
                        times: 1,
                    },
                ),
            }
        }
        let Some(run) = &mut status.running else { return };
        match event {
            RunEvent::Started { rules } => run.rules = *rules,
            RunEvent::Evaluated { done, .. } | RunEvent::Failed { done, .. } => {
                run.rules_done = *done;
            }
            RunEvent::Progress { stage, done, of } => {
                run.progress = Some((stage.clone(), *done, *of));
            }
            RunEvent::Published { .. } => {}
        }
    }

    /// How the run ended; what is dropped without this was stopped.
    pub(super) fn end(&self, outcome: &Result<Run, Error>) {
        let now = self.clock.now();
        let mut status = self.status();
        status.running = None;
        match outcome {
            Ok(run) => {
                status.published += 1;
                status.last_published_at = Some(now);
                let published = |rule: i64| run.segments.iter().any(|s| s.rule_id == rule);
                status.failing.retain(|failing| !published(failing.rule_id));
            }
            Err(error) if error.code() == Code::Cancelled => status.stopped += 1,
            Err(error) => {
                status.failed += 1;
                status.last_error = Some((error.code(), now, error.to_string()));
            }
        }
    }
}

impl SegmentEngine {
    /// What the engine is doing, and how its runs have ended since it was made. It reads nothing and
    /// waits for nothing.
    ///
    /// ```
    /// # use segmentry::{Refresh, SegmentEngine};
    /// # #[tokio::main]
    /// # async fn main() -> segmentry::Result<()> {
    /// # let engine = SegmentEngine::builder().build().await?;
    /// let status = engine.status();
    /// assert_eq!((status.running, status.published, status.failing.len()), (None, 0, 0));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn status(&self) -> EngineStatus {
        self.shared.board.status().clone()
    }
}
