//! What a run reports: while it goes on, and when it is done.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::dependency::Reused;

/// One refresh of one or more rules at one `as_of`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Run {
    /// Ascending in the order of publication.
    #[serde(default)]
    pub id: i64,
    /// The instant that the run is about: events at or after it do not count.
    #[serde(with = "crate::document::instant")]
    pub as_of: DateTime<Utc>,
    /// The segments that were published, in the order of evaluation.
    pub segments: Vec<RunSegment>,
    /// Rules that failed, each by itself.
    pub failed: Vec<RunFailure>,
    /// Rules that were not evaluated because a rule that they need failed.
    pub skipped: Vec<RunSkip>,
    /// Rows of each source that were read.
    pub scanned: BTreeMap<String, u64>,
    /// Users that were looked at: those for whom something has changed where all rules could keep
    /// the rest, else the population.
    pub users_evaluated: u64,
    /// Rules for which only users for whom something has changed were looked at.
    #[serde(default)]
    pub rules_incremental: u64,
    /// Rules that, besides what was worked out for all together, had a plan of their own.
    #[serde(default)]
    pub rules_planned: u64,
    /// From the beginning of the run to its publication.
    pub seconds: f64,
    /// The same by stage: `bind`, `population` (users read, and beside it the search for segments
    /// that answer rules), `store` (the profile store brought up to date), `events` and `users`
    /// (what all rules ask of them, together), `rules` and `publish`. The last commit is not in
    /// the report that the catalog keeps.
    pub stages: BTreeMap<String, f64>,
}

/// A segment that a run published.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunSegment {
    /// The rule.
    pub rule_id: i64,
    /// Its name.
    pub segment_name: String,
    /// How many members the segment has.
    pub row_count: u64,
    /// Members that it did not have before.
    pub entered: u64,
    /// Members that it has no more.
    pub exited: u64,
    /// Keys of `include` and `exclude` that no user has.
    pub unmatched: u64,
    /// The segments that answered parts of the rule, beyond those that it names itself.
    #[serde(default)]
    pub reused: Vec<Reused>,
    /// The rule as SQL, for people.
    pub sql: String,
}

/// A rule that failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunFailure {
    /// The rule.
    pub rule_id: i64,
    /// Its name.
    pub rule_name: String,
    /// Why, as `{code, path, message, hint}`.
    pub problems: Vec<serde_json::Value>,
}

/// A rule that was not evaluated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunSkip {
    /// The rule.
    pub rule_id: i64,
    /// Its name.
    pub rule_name: String,
    /// Which rules it needs that have no members in this run.
    pub reason: String,
}

/// What a run tells while it goes on.
///
/// As JSON it is an object whose member `event` names the variant, in snake case.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RunEvent {
    /// The run is under way.
    Started {
        /// How many rules it will evaluate.
        rules: usize,
    },
    /// A rule has its members.
    Evaluated {
        /// The rule.
        rule_id: i64,
        /// Its name.
        rule_name: String,
        /// How many members it has.
        row_count: u64,
        /// How many rules are through, this one included.
        done: usize,
        /// Of how many.
        of: usize,
    },
    /// A rule failed or was skipped.
    Failed {
        /// The rule.
        rule_id: i64,
        /// Its name.
        rule_name: String,
        /// Why.
        reason: String,
        /// How many rules are through, this one included.
        done: usize,
        /// Of how many.
        of: usize,
    },
    /// The run has moved on within a stage that all rules have together. A stage is told with
    /// `done` 0 when it begins; from then on `done` does not fall, and it ends at `of`, unless the
    /// stage is given up because the run is stopped or rules turn out to need plans of their own.
    /// Steps that are done at the same time are told of once. A stage can come again, from 0.
    Progress {
        /// What is being done.
        #[serde(flatten)]
        stage: RunStage,
        /// How many of its steps are done.
        done: usize,
        /// Of how many.
        of: usize,
    },
    /// Everything is seen by readers.
    Published {
        /// The run.
        run_id: i64,
    },
}

/// What a run does for all of its rules together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
#[non_exhaustive]
pub enum RunStage {
    /// A table of events is read; a step is one of its partitions.
    Read {
        /// The table.
        table: String,
    },
    /// What was read of a table is written to the profile store; a step is a block of 65,536 users.
    Store {
        /// The table.
        table: String,
    },
    /// What rules ask of events is worked out; a step is a block of 65,536 users.
    Evaluate,
}
