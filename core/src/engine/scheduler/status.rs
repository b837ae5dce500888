//! What a scheduler shows: in one call, which rules are late, failing, or at work, and why.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::catalog::LeaseRow;
use crate::engine::due::Timed;
use crate::error::Result;

use super::{Scheduler, lock};

/// What a scheduler does, and how all rules with a schedule stand.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SchedulerStatus {
    /// Whether it was started and not stopped.
    pub started: bool,
    /// When it last looked for what is due.
    #[serde(with = "crate::document::instant::option")]
    pub last_turn: Option<DateTime<Utc>>,
    /// Why that failed as a whole, if it did.
    pub error: Option<String>,
    /// Its run that is under way.
    pub run: Option<ScheduledRun>,
    /// Runs that were asked for and have not been yet, the oldest first.
    pub queued: Vec<QueuedRun>,
    /// All rules with a schedule, by id.
    pub rules: Vec<RuleStatus>,
}

/// A run that is under way.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ScheduledRun {
    /// When it began.
    #[serde(with = "crate::document::instant")]
    pub since: DateTime<Utc>,
    /// The rules that it was begun for.
    pub rules: Vec<i64>,
    /// How many rules are through, those that they need among them.
    pub done: usize,
    /// Of how many.
    pub of: usize,
}

/// A run that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct QueuedRun {
    /// Under which it will be found.
    pub run_id: i64,
    /// Its rule.
    pub rule_id: i64,
    /// When it was asked for.
    #[serde(with = "crate::document::instant")]
    pub requested_at: DateTime<Utc>,
}

/// How a rule with a schedule stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct RuleStatus {
    /// The rule.
    pub rule_id: i64,
    /// Its name.
    pub rule_name: String,
    /// Whether it takes part in its schedule.
    pub enabled: bool,
    /// Its schedule in words with its zone, or what is wrong with it.
    pub schedule: String,
    /// Whether the schedule can't be read, or never fires.
    pub broken: bool,
    /// The firing for which it is due, if it is.
    #[serde(with = "crate::document::instant::option")]
    pub due_since: Option<DateTime<Utc>>,
    /// Whether that is longer ago than the scheduler's grace, and nobody is at work on it.
    pub late: bool,
    /// Who refreshes it at present, in whichever process.
    pub running_by: Option<String>,
    /// Since when.
    #[serde(with = "crate::document::instant::option")]
    pub running_since: Option<DateTime<Utc>>,
    /// The next firing after now.
    #[serde(with = "crate::document::instant::option")]
    pub next_run: Option<DateTime<Utc>>,
    /// The instant that its segment is about, or when that was computed, if that is earlier.
    #[serde(with = "crate::document::instant::option")]
    pub refreshed: Option<DateTime<Utc>>,
    /// How many firings had no run of their own, in all.
    pub missed: u64,
    /// The last one for which that was found.
    #[serde(with = "crate::document::instant::option")]
    pub missed_at: Option<DateTime<Utc>>,
    /// How many runs of it have failed since the last good one.
    pub failures: u64,
    /// Why the last one failed.
    pub reason: Option<String>,
    /// When it will be tried again.
    #[serde(with = "crate::document::instant::option")]
    pub retry_at: Option<DateTime<Utc>>,
}

impl Scheduler {
    /// What it does at present, and how all rules with a schedule stand, whoever runs them.
    ///
    /// # Errors
    /// Errors of the catalog.
    pub async fn status(&self) -> Result<SchedulerStatus> {
        let shared = &self.inner.engine.shared;
        let (now, rules) = (shared.clock.now(), shared.rules().await?);
        let segments = shared.segment_rows().await?;
        let (timed, broken) = shared.timed(&rules, &segments).await?;
        let leases = shared.catalog(|catalog| catalog.leases()).await?;
        let queued = shared.catalog(|catalog| catalog.queued()).await?;
        let leases = leases.into_iter().filter(|row| row.holds(now));
        let leases: BTreeMap<i64, LeaseRow> = leases.map(|row| (row.rule_id, row)).collect();
        let mut shown: Vec<RuleStatus> = timed.iter().map(|timed| self.of(timed, now)).collect();
        shown.extend(broken.into_iter().map(|(parsed, error)| RuleStatus {
            schedule: error.to_string(),
            broken: true,
            ..named(parsed.row.id, &parsed.row.text.rule_name, parsed.row.text.enabled)
        }));
        for rule in &mut shown {
            if let Some(lease) = leases.get(&rule.rule_id) {
                rule.running_by = Some(lease.owner.to_string());
                rule.running_since = Some(lease.taken_at);
                rule.late = false;
            }
        }
        shown.sort_by_key(|rule| rule.rule_id);
        let started = self.is_started();
        let progress = *lock(&self.inner.progress);
        let seen = self.inner.seen();
        Ok(SchedulerStatus {
            started,
            last_turn: seen.last_turn,
            error: seen.error.clone(),
            run: seen.run.clone().map(|run| ScheduledRun {
                done: progress.0,
                of: progress.1,
                ..run
            }),
            queued: queued
                .into_iter()
                .map(|row| QueuedRun {
                    run_id: row.run_id,
                    rule_id: row.rule_id,
                    requested_at: row.requested_at,
                })
                .collect(),
            rules: shown,
        })
    }

    fn of(&self, timed: &Timed, now: DateTime<Utc>) -> RuleStatus {
        let (row, text) = (&timed.row, &timed.parsed.row.text);
        // A rule that waits after a failure has fired all the same.
        let refreshed = |firing: &DateTime<Utc>| {
            row.failures == 0 && timed.refreshed.is_some_and(|at| at >= *firing)
        };
        let fired = timed.firing(now).filter(|firing| !refreshed(firing));
        let due_since = timed.due(now).map(|due| due.firing).or(fired).filter(|_| text.enabled);
        let grace = self.inner.options.grace;
        let count = |count: i64| u64::try_from(count).unwrap_or(0);
        RuleStatus {
            schedule: timed.schedule.describe(timed.zone),
            broken: timed.schedule.never_fires(),
            due_since,
            late: due_since.is_some_and(|since| now.signed_duration_since(since) > grace),
            next_run: timed.schedule.next_after(now, timed.zone).filter(|_| text.enabled),
            refreshed: timed.refreshed,
            missed: count(row.missed),
            missed_at: row.missed_at,
            failures: count(row.failures),
            reason: row.reason.clone(),
            retry_at: row.retry_at,
            ..named(row.rule_id, &text.rule_name, text.enabled)
        }
    }
}

/// The status of a rule of which nothing more is known.
fn named(rule_id: i64, name: &str, enabled: bool) -> RuleStatus {
    RuleStatus {
        rule_id,
        rule_name: name.to_owned(),
        enabled,
        schedule: String::new(),
        broken: false,
        due_since: None,
        late: false,
        running_by: None,
        running_since: None,
        next_run: None,
        refreshed: None,
        missed: 0,
        missed_at: None,
        failures: 0,
        reason: None,
        retry_at: None,
    }
}
