//! A refresh: what is asked for, and the way from there to what is published.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::MutexGuard;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

use crate::error::{Code, Error, Result};

use super::leases::Held;
use super::rule_store::Rules;
use super::settle::Settling;
use super::work::Work;
use super::{Refresh, Run, SegmentEngine, Shared};

impl SegmentEngine {
    /// Computes segments and publishes them, all at once.
    ///
    /// A rule that fails does so by itself: it is in [`Run::failed`], and rules that need it are
    /// in [`Run::skipped`]; their published segments stay as they were.
    ///
    /// Nobody else refreshes the same rules meanwhile: a refresh holds a lease on them, which is
    /// renewed while its process runs and given back when it ends, however it ends.
    ///
    /// # Errors
    /// [`Code::NotFound`] for a rule that does not exist; errors of the model and of the users
    /// table, without which nothing can be evaluated; [`Code::Busy`] if another refresh of this
    /// process, or of these rules by another one, does not end in time; [`Code::LeaseLost`] if this
    /// process stood still for so long that another one took over; [`Code::Cancelled`] and
    /// [`Code::TimedOut`]. Nothing is published then.
    pub async fn refresh(&self, mut request: Refresh) -> Result<Run> {
        let Some(timeout) = request.timeout else { return self.run_when_free(request).await };
        let wish = request.cancel.take().unwrap_or_default();
        let stop = wish.child_token();
        request.cancel = Some(stop.clone());
        let mut run = std::pin::pin!(self.run_when_free(request));
        tokio::select! {
            biased;
            run = &mut run => return run,
            () = tokio::time::sleep(timeout) => stop.cancel(),
        }
        match run.await {
            Err(error) if error.code() == Code::Cancelled && !wish.is_cancelled() => {
                let message = format!("the refresh was not over within {timeout:?}");
                Err(Error::new(Code::TimedOut, message))
            }
            over => over,
        }
    }

    async fn run_when_free(&self, request: Refresh) -> Result<Run> {
        let cancel = request.cancel.clone().unwrap_or_default();
        let _alone = self.shared.alone(&cancel).await?;
        let run = async {
            let (asked, held) = tokio::select! {
                biased;
                () = cancel.cancelled() => return Err(cancelled()),
                taken = self.shared.take(&request) => taken?,
            };
            self.shared.run(request, &asked, &held, &Settling::default()).await
        };
        self.shared.shown(run).await
    }
}

impl Shared {
    /// Waits until no other run of this engine is under way.
    pub(super) async fn alone(&self, cancel: &CancellationToken) -> Result<MutexGuard<'_, ()>> {
        // A host's runtime may have no timer, which only a refresh that waits needs.
        if let Some(alone) = self.running.try_lock().ok().filter(|_| !cancel.is_cancelled()) {
            return Ok(alone);
        }
        let _waiting = self.board.wait();
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(cancelled()),
            alone = tokio::time::timeout(self.busy_timeout, self.running.lock()) => {
                alone.map_err(|_| {
                    Error::new(Code::Busy, "another refresh of this process is under way")
                })
            }
        }
    }

    /// The rules of a request, and a lease on those that it publishes.
    async fn take(&self, request: &Refresh) -> Result<(Asked, Held)> {
        loop {
            let asked = Asked::of(request, self.rules().await?)?;
            let held = self.hold(asked.published()).await?;
            // While it waited rules may have come to need others.
            let asked = Asked::of(request, self.rules().await?)?;
            if asked.published().is_subset(&held.rules) {
                return Ok((asked, held));
            }
            held.give_back().await;
        }
    }

    /// Does a run, and shows it on the board; one that is dropped is taken off it as well.
    pub(super) async fn shown(&self, run: impl Future<Output = Result<Run>>) -> Result<Run> {
        let _shown = self.board.begin();
        let outcome = run.instrument(tracing::info_span!("run")).await;
        self.board.end(&outcome);
        outcome
    }

    /// A run under a lease, with what it settles beside its segments.
    pub(super) async fn run(
        self: &Arc<Self>,
        request: Refresh,
        asked: &Asked,
        held: &Held,
        settling: &Settling,
    ) -> Result<Run> {
        let cancel = request.cancel.clone().unwrap_or_default();
        let evaluation = Work::evaluate(Arc::clone(self), request, asked);
        let (work, run) = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(cancelled()),
            () = held.lost() => return Err(held.was_lost()),
            work = evaluation => work?,
        };
        let started = work.stages.started;
        self.board.stage("publish", &run.scanned);
        let publication = work.publish(run, &cancel, held, settling);
        let run = publication.instrument(stage_span("publish")).await?;
        let mut read_at = super::write(&self.read_at);
        read_at.extend(run.scanned.keys().map(|table| (table.clone(), started)));
        drop(read_at);
        Ok(run)
    }
}

pub(super) fn cancelled() -> Error {
    Error::new(Code::Cancelled, "the refresh was cancelled")
}

/// The span of a stage, under the name that it has in the report.
pub(super) fn stage_span(name: &'static str) -> Span {
    tracing::info_span!("stage", name)
}

/// The rules that a request means, and what they need.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) rules: Arc<Rules>,
    /// Those named, or all that are enabled.
    pub(super) wanted: BTreeSet<i64>,
    /// With their ancestors.
    pub(super) needed: BTreeSet<i64>,
}

impl Asked {
    pub(super) fn of(request: &Refresh, rules: Arc<Rules>) -> Result<Self> {
        Ok(Self::of_ids(&rules, requested(request, &rules)?))
    }

    /// These rules, which there are.
    pub(super) fn of_ids(rules: &Arc<Rules>, wanted: BTreeSet<i64>) -> Self {
        let needed = rules.graph().with_ancestors(wanted.iter().copied());
        Asked { rules: Arc::clone(rules), wanted, needed }
    }

    /// The rules whose segments are published: ancestors that are disabled only serve the run.
    pub(super) fn published(&self) -> BTreeSet<i64> {
        let enabled = |id: &i64| self.rules.get(*id).is_some_and(|p| p.row.text.enabled);
        let needed = self.needed.iter().copied();
        needed.filter(|id| self.wanted.contains(id) || enabled(id)).collect()
    }
}

/// Which rules a request means: those named, or all enabled.
fn requested(request: &Refresh, rules: &Rules) -> Result<BTreeSet<i64>> {
    match &request.rules {
        None => {
            let enabled = rules.rules.iter().filter(|parsed| parsed.row.text.enabled);
            Ok(enabled.map(|parsed| parsed.row.id).collect())
        }
        Some(named) => named.iter().map(|rule| rules.find(rule).map(|p| p.row.id)).collect(),
    }
}
