//! What a run settles beside its segments: how far schedules are dealt with, what will be tried again
//! and when, and which queued runs it was.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::catalog::{ScheduleRow, Settled};

use super::Run;
use super::due::{MAX_PAUSE, Timed};

/// Pauses before a rule that failed is tried again: the first one, and the longest; each is twice
/// the one before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pauses {
    pub(super) first: TimeDelta,
    pub(super) longest: TimeDelta,
}

impl Default for Pauses {
    fn default() -> Self {
        Pauses { first: TimeDelta::minutes(1), longest: TimeDelta::hours(1) }
    }
}

impl Pauses {
    /// The pause after so many failures: up to a quarter longer than that, so that rules that failed
    /// together are not all tried again together.
    pub(super) fn after(self, failures: i64, rule: i64) -> TimeDelta {
        let doubled = u32::try_from(failures.saturating_sub(1)).unwrap_or(u32::MAX).min(20);
        let pause = self.first.checked_mul(1 << doubled).unwrap_or(self.longest);
        let pause = pause.min(self.longest);
        let seed = [rule.to_le_bytes(), failures.to_le_bytes()].concat();
        let part = i32::try_from(xxhash_rust::xxh3::xxh3_64(&seed) % 256).unwrap_or(0);
        (pause + pause / 1_024 * part).min(MAX_PAUSE)
    }
}

/// What a run that the scheduler began is to settle.
#[derive(Clone, Debug, Default)]
pub(super) struct Settling {
    /// The rules that it was begun for, by id: those that were due, with the firing they are due
    /// for, and others that were queued.
    pub(super) rules: BTreeMap<i64, (Timed, Option<DateTime<Utc>>)>,
    /// The ids of the queued runs that it is.
    pub(super) queued: Vec<i64>,
    pub(super) pauses: Pauses,
}

impl Settling {
    /// What there is to settle once the run has come to this.
    pub(super) fn settle(&self, run: &Run, at: DateTime<Utc>) -> Settled {
        let done: BTreeSet<i64> = run.segments.iter().map(|s| s.rule_id).collect();
        let schedules = self.rules.iter().map(|(id, (timed, firing))| {
            let reason = match done.contains(id) {
                true => None,
                false => Some(reason(run, *id)),
            };
            self.row(timed, *firing, reason, at)
        });
        Settled { schedules: schedules.collect(), queued: self.queued.clone() }
    }

    /// Schedules where the run failed as a whole, and nothing was published.
    pub(super) fn failed(&self, reason: &str, at: DateTime<Utc>) -> Vec<ScheduleRow> {
        let rules = self.rules.values();
        rules.map(|(timed, due)| self.row(timed, *due, Some(reason.to_owned()), at)).collect()
    }

    fn row(
        &self,
        timed: &Timed,
        firing: Option<DateTime<Utc>>,
        reason: Option<String>,
        at: DateTime<Utc>,
    ) -> ScheduleRow {
        let mut row = timed.row.clone();
        if let Some(firing) = firing {
            row = passed(timed, firing, timed.missed(firing));
        }
        row.failures = if reason.is_some() { row.failures.saturating_add(1) } else { 0 };
        let pause = self.pauses.after(row.failures, row.rule_id);
        row.retry_at = reason.is_some().then(|| at.checked_add_signed(pause)).flatten();
        row.failed_version = if reason.is_some() { timed.parsed.row.version } else { 0 };
        row.reason = reason;
        row
    }
}

/// A schedule that is dealt with up to a firing, of which some before it, or it too, were missed.
pub(super) fn passed(timed: &Timed, firing: DateTime<Utc>, missed: u64) -> ScheduleRow {
    let mut row = timed.row.clone();
    row.handled_until = Some(firing);
    if missed > 0 {
        row.missed = row.missed.saturating_add(i64::try_from(missed).unwrap_or(i64::MAX));
        row.missed_at = Some(firing);
    }
    row
}

/// Why a rule has no segment in a run.
fn reason(run: &Run, rule: i64) -> String {
    let failed = run.failed.iter().find(|failed| failed.rule_id == rule);
    let skipped = run.skipped.iter().find(|skipped| skipped.rule_id == rule);
    let problem = failed.and_then(|failed| failed.problems.first());
    let told = problem.map(|problem| {
        let member = |name: &str| problem.get(name).and_then(|value| value.as_str());
        format!("{}: {}", member("code").unwrap_or(""), member("message").unwrap_or(""))
    });
    told.or_else(|| skipped.map(|skipped| skipped.reason.clone()))
        .unwrap_or_else(|| "it has no members in this run".to_owned())
}
