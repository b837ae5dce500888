//! What is kept of schedules: how far each rule's firings are dealt with, what failed, and what was
//! asked to run as soon as possible.

use chrono::{DateTime, Utc};

/// How far a rule's schedule is dealt with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScheduleRow {
    /// The rule.
    pub rule_id: i64,
    /// Firings up to this instant are dealt with: they had a run, or are counted as missed.
    pub handled_until: Option<DateTime<Utc>>,
    /// How many firings had no run of their own, in all.
    pub missed: i64,
    /// The last of them.
    pub missed_at: Option<DateTime<Utc>>,
    /// How many runs of the rule have failed since the last good one.
    pub failures: i64,
    /// Why the last one failed.
    pub reason: Option<String>,
    /// When it will be tried again.
    pub retry_at: Option<DateTime<Utc>>,
    /// The version of the wording that failed: another one is tried at once.
    pub failed_version: i64,
}

/// A run that was asked for and has not been yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueuedRow {
    /// The id that its run will have, or under which it will be found.
    pub run_id: i64,
    /// The rule that is to be refreshed.
    pub rule_id: i64,
    /// When it was asked for.
    pub requested_at: DateTime<Utc>,
}

/// What a run settles beside its segments, in the same transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settled {
    /// Schedules as they are from now on.
    pub schedules: Vec<ScheduleRow>,
    /// The ids of queued runs that this one was. It has the lowest of them, and is found under the
    /// others as well.
    pub queued: Vec<i64>,
}
