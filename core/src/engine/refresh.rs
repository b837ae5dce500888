//! A refresh: what is asked for, and the way from there to what is published.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use tokio::sync::MutexGuard;
use tokio_util::sync::CancellationToken;

use crate::error::{Code, Error, Result};
use crate::rule::RuleRef;

use super::leases::Held;
use super::progress::Listener;
use super::rule_store::Rules;
use super::settle::Settling;
use super::work::Work;
use super::{Run, RunEvent, SegmentEngine, Shared};

/// How the conditions of a run's rules are worked out. Members are the same either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Evaluation {
    /// Together where that pays.
    #[default]
    Auto,
    /// Together: every table of events is read once, whatever the number of rules.
    Shared,
    /// Each rule by a plan of its own.
    Separate,
}

/// What is to be refreshed, and how.
///
/// ```
/// use segmentry::Refresh;
/// let all = Refresh::all();
/// let two = Refresh::rules(["High spenders", "Lapsed"])
///     .as_of("2025-01-06T00:00:00Z".parse().unwrap())
///     .progress(|event| println!("{event:?}"));
/// ```
#[derive(Default)]
pub struct Refresh {
    pub(super) rules: Option<Vec<RuleRef>>,
    pub(super) as_of: Option<DateTime<Utc>>,
    pub(super) no_reuse: bool,
    pub(super) not_incremental: bool,
    pub(super) evaluation: Evaluation,
    pub(super) progress: Listener,
    pub(super) cancel: Option<CancellationToken>,
    pub(super) accepted: Vec<RuleRef>,
}

impl std::fmt::Debug for Refresh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refresh")
            .field("rules", &self.rules)
            .field("as_of", &self.as_of)
            .finish_non_exhaustive()
    }
}

impl Refresh {
    /// Every rule that is enabled.
    #[must_use]
    pub fn all() -> Self {
        Refresh::default()
    }

    /// These rules, enabled or not, and what they need.
    pub fn rules<R: Into<RuleRef>>(rules: impl IntoIterator<Item = R>) -> Self {
        Refresh { rules: Some(rules.into_iter().map(Into::into).collect()), ..Refresh::default() }
    }

    /// The instant that the run is about, cut to microseconds; its own start if not said. Events
    /// at or after it do not count; users are as they are now.
    #[must_use]
    pub fn as_of(mut self, as_of: DateTime<Utc>) -> Self {
        self.as_of = Some(as_of.trunc_subsecs(6));
        self
    }

    /// Whether rules may be answered from other segments, and from their own last one, where that
    /// provably changes nothing and saves work; it is so unless said otherwise.
    #[must_use]
    pub fn reuse(mut self, reuse: bool) -> Self {
        self.no_reuse = !reuse;
        self
    }

    /// Whether users for whom nothing has changed since a rule's last run keep their place in or
    /// out of its segment; it is so unless said otherwise, and needs a profile store.
    #[must_use]
    pub fn incremental(mut self, incremental: bool) -> Self {
        self.not_incremental = !incremental;
        self
    }

    /// How conditions are worked out; the engine chooses unless said otherwise.
    #[must_use]
    pub fn evaluation(mut self, evaluation: Evaluation) -> Self {
        self.evaluation = evaluation;
        self
    }

    /// Called with every event of the run, from the task that runs it; it should not block.
    #[must_use]
    pub fn progress(mut self, progress: impl Fn(&RunEvent) + Send + Sync + 'static) -> Self {
        self.progress = Listener::new(progress);
        self
    }

    /// Stops the run with [`Code::Cancelled`] when the token is cancelled; dropping the future of
    /// the refresh stops it too. Either way nothing is published, and nobody works for it any more
    /// a moment later. The transaction that publishes a run is not stopped once it has begun.
    #[must_use]
    pub fn cancel_with(mut self, token: CancellationToken) -> Self {
        self.cancel = Some(token);
        self
    }
}

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
    /// process stood still for so long that another one took over; [`Code::Cancelled`]. Nothing is
    /// published then.
    pub async fn refresh(&self, request: Refresh) -> Result<Run> {
        let cancel = request.cancel.clone().unwrap_or_default();
        let _alone = self.shared.alone(&cancel).await?;
        let (asked, held) = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(cancelled()),
            taken = self.shared.take(&request) => taken?,
        };
        self.shared.run(request, &asked, &held, &Settling::default()).await
    }
}

impl Shared {
    /// Waits until no other run of this engine is under way.
    pub(super) async fn alone(&self, cancel: &CancellationToken) -> Result<MutexGuard<'_, ()>> {
        // A host's runtime may have no timer, which only a refresh that waits needs.
        if let Some(alone) = self.running.try_lock().ok().filter(|_| !cancel.is_cancelled()) {
            return Ok(alone);
        }
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
        let run = work.publish(run, &cancel, held, settling).await?;
        let mut read_at = super::write(&self.read_at);
        read_at.extend(run.scanned.keys().map(|table| (table.clone(), started)));
        drop(read_at);
        Ok(run)
    }
}

pub(super) fn cancelled() -> Error {
    Error::new(Code::Cancelled, "the refresh was cancelled")
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
