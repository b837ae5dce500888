//! One turn of a scheduler: what is due is looked up, leased, looked up again, run and settled.
//!
//! What is found without a lease is a guess. A schedule changes only under a lease on its rule, so what
//! is found again under it stays true until the transaction that publishes the run and settles it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::catalog::{LeaseRow, QueuedRow};
use crate::engine::due::Timed;
use crate::engine::leases::Held;
use crate::engine::refresh::Asked;
use crate::engine::rule_store::Rules;
use crate::engine::settle::{Settling, passed};
use crate::engine::{Refresh, Run, RunEvent};
use crate::error::{Code, Error, Result};

use super::{Inner, Misfire, ScheduledRun};

/// What a turn has found to do.
#[derive(Clone, Debug, Default)]
struct ToDo {
    /// Rules that are due, by id.
    due: BTreeMap<i64, Timed>,
    /// Rules whose firings are passed over.
    passed: BTreeMap<i64, Timed>,
    queued: Vec<QueuedRow>,
}

impl ToDo {
    fn rules(&self) -> BTreeSet<i64> {
        let queued = self.queued.iter().map(|queued| queued.rule_id);
        self.due.keys().chain(self.passed.keys()).copied().chain(queued).collect()
    }

    /// The rules that are to be run.
    fn run(&self) -> BTreeSet<i64> {
        let queued = self.queued.iter().map(|queued| queued.rule_id);
        self.due.keys().copied().chain(queued).collect()
    }

    fn keep(&mut self, rules: &BTreeSet<i64>) {
        self.due.retain(|id, _| rules.contains(id));
        self.passed.retain(|id, _| rules.contains(id));
        self.queued.retain(|queued| rules.contains(&queued.rule_id));
    }
}

impl Inner {
    /// Runs what is due and what was asked for, as far as nobody else has it at hand.
    pub(super) async fn turn(&self, cancel: &CancellationToken) -> Result<Option<Run>> {
        let outcome = self.try_turn(cancel).await;
        let mut seen = self.seen();
        seen.run = None;
        seen.last_turn = Some(self.engine.shared.clock.now());
        seen.error = outcome.as_ref().err().map(|error| format!("{}: {error}", error.code()));
        if let Err(error) = &outcome {
            tracing::warn!(%error, "a turn of the scheduler failed");
        }
        outcome
    }

    async fn try_turn(&self, cancel: &CancellationToken) -> Result<Option<Run>> {
        let shared = &self.engine.shared;
        let rules = shared.rules().await?;
        let guess = self.to_do(&rules).await?;
        if guess.rules().is_empty() {
            return Ok(None);
        }
        let _alone = shared.alone(cancel).await?;
        let Some(held) = self.hold(&rules, guess.rules()).await? else { return Ok(None) };
        let rules = shared.rules().await?;
        let mut to_do = self.to_do(&rules).await?;
        // What has come to be due or to need others since waits for the next turn.
        let covered = |id: &i64| asked(&rules, [*id]).published().is_subset(&held.rules);
        to_do.keep(&to_do.rules().into_iter().filter(covered).collect());
        if !to_do.passed.is_empty() {
            self.pass(&held, &to_do).await?;
        }
        if to_do.run().is_empty() {
            held.give_back().await;
            return Ok(None);
        }
        self.run(&rules, &held, &to_do, cancel).await.map(Some)
    }

    /// Due rules, those that are too late, and what is queued, as of now.
    async fn to_do(&self, rules: &Arc<Rules>) -> Result<ToDo> {
        let (shared, mut to_do) = (&self.engine.shared, ToDo::default());
        let now = shared.clock.now();
        for timed in shared.due(rules, now).await? {
            let id = timed.row.rule_id;
            match self.is_passed(&timed, now) {
                true => to_do.passed.insert(id, timed),
                false => to_do.due.insert(id, timed),
            };
        }
        let rests = self.seen().queue_rests_until.is_some_and(|until| now < until);
        if !rests {
            to_do.queued = shared.catalog(|catalog| catalog.queued()).await?;
            // Of a rule that another program removed nothing can be run.
            to_do.queued.retain(|queued| rules.get(queued.rule_id).is_some());
        }
        Ok(to_do)
    }

    fn is_passed(&self, timed: &Timed, now: DateTime<Utc>) -> bool {
        let late = |firing: DateTime<Utc>| now.signed_duration_since(firing) > self.options.grace;
        self.options.misfire == Misfire::Skip
            && timed.row.failures == 0
            && timed.firing(now).is_some_and(late)
    }

    /// A lease on those of the rules, with what they publish beside them, that nobody else holds.
    async fn hold(&self, rules: &Arc<Rules>, mut wanted: BTreeSet<i64>) -> Result<Option<Held>> {
        while !wanted.is_empty() {
            let published = asked(rules, wanted.iter().copied()).published();
            let rows = match self.engine.shared.try_hold(&published).await? {
                Ok(held) => return Ok(Some(held)),
                Err(rows) => rows,
            };
            wanted.retain(|id| !is_held(&asked(rules, [*id]).published(), &rows));
        }
        Ok(None)
    }

    /// Counts firings that were passed over.
    async fn pass(&self, held: &Held, to_do: &ToDo) -> Result<()> {
        let (shared, lease) = (&self.engine.shared, held.lease.clone());
        let now = shared.clock.now();
        let row = |timed: &Timed| {
            let firing = timed.firing(now)?;
            Some(passed(timed, firing, timed.missed(firing).saturating_add(1)))
        };
        let rows: Vec<_> = to_do.passed.values().filter_map(row).collect();
        shared.catalog(move |catalog| catalog.keep_schedules(&lease, &rows)).await
    }

    async fn run(
        &self,
        rules: &Arc<Rules>,
        held: &Held,
        to_do: &ToDo,
        cancel: &CancellationToken,
    ) -> Result<Run> {
        let shared = &self.engine.shared;
        let settling = self.settling(to_do).await?;
        let wanted = to_do.run();
        let asked = asked(rules, wanted.iter().copied());
        let request = self.request(&wanted, cancel);
        let outcome = shared.shown(shared.run(request, &asked, held, &settling)).await;
        let now = shared.clock.now();
        match &outcome {
            Ok(_) => {
                let mut seen = self.seen();
                (seen.queue_failures, seen.queue_rests_until) = (0, None);
            }
            // Nothing has been tried: it stays as due as it was.
            Err(error) if matches!(error.code(), Code::Cancelled | Code::LeaseLost) => {}
            Err(error) => {
                self.rest(&settling, now);
                self.keep_failure(held, &settling, error, now).await;
            }
        }
        outcome
    }

    /// What the run is to settle: also for rules that are in the queue and not due.
    async fn settling(&self, to_do: &ToDo) -> Result<Settling> {
        let shared = &self.engine.shared;
        let now = shared.clock.now();
        let due = to_do.due.iter().map(|(id, timed)| (*id, (timed.clone(), timed.firing(now))));
        let mut rules: BTreeMap<i64, _> = due.collect();
        if !to_do.queued.is_empty() {
            let known = shared.rules().await?;
            let (timed, _) = shared.timed(&known, &BTreeMap::new()).await?;
            let queued: BTreeSet<i64> = to_do.queued.iter().map(|queued| queued.rule_id).collect();
            for timed in timed.into_iter().filter(|timed| queued.contains(&timed.row.rule_id)) {
                let firing = timed.firing(now).filter(|_| timed.is_enabled());
                rules.entry(timed.row.rule_id).or_insert((timed, firing));
            }
        }
        let queued = to_do.queued.iter().map(|queued| queued.run_id).collect();
        Ok(Settling { rules, queued, pauses: self.options.pauses })
    }

    fn request(&self, rules: &BTreeSet<i64>, cancel: &CancellationToken) -> Refresh {
        let run = ScheduledRun {
            since: self.engine.shared.clock.now(),
            rules: rules.iter().copied().collect(),
            done: 0,
            of: 0,
        };
        self.seen().run = Some(run);
        *super::lock(&self.progress) = (0, 0);
        let progress = Arc::clone(&self.progress);
        let request = Refresh::rules(rules.iter().copied()).cancel_with(cancel.clone());
        request.progress(move |event| {
            let (done, of) = match event {
                RunEvent::Started { rules } => (0, *rules),
                RunEvent::Evaluated { done, of, .. } | RunEvent::Failed { done, of, .. } => {
                    (*done, *of)
                }
                _ => return,
            };
            *super::lock(&progress) = (done, of);
        })
    }

    /// After a run that failed as a whole the queue rests for a while, and so do rules that are due.
    fn rest(&self, settling: &Settling, now: DateTime<Utc>) {
        if settling.queued.is_empty() {
            return;
        }
        let mut seen = self.seen();
        seen.queue_failures = seen.queue_failures.saturating_add(1);
        let pause = self.options.pauses.after(seen.queue_failures, 0);
        seen.queue_rests_until = now.checked_add_signed(pause);
    }

    async fn keep_failure(
        &self,
        held: &Held,
        settling: &Settling,
        error: &Error,
        now: DateTime<Utc>,
    ) {
        let rows = settling.failed(&format!("{}: {error}", error.code()), now);
        let lease = held.lease.clone();
        let kept = self.engine.shared.catalog(move |of| of.keep_schedules(&lease, &rows)).await;
        if let Err(error) = kept {
            tracing::warn!(%error, "that a run failed can't be kept");
        }
    }
}

/// These rules and what they need.
fn asked(rules: &Arc<Rules>, wanted: impl IntoIterator<Item = i64>) -> Asked {
    Asked::of_ids(rules, wanted.into_iter().filter(|id| rules.get(*id).is_some()).collect())
}

fn is_held(rules: &BTreeSet<i64>, rows: &[LeaseRow]) -> bool {
    rows.iter().any(|row| rules.contains(&row.rule_id))
}
