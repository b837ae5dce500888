//! What work costs, in the work of reading one event and adding it to its user's aggregate.
//!
//! The figures are rough and only compared with one another; `benches/reuse.rs` measures where
//! they stand.

use std::collections::{BTreeMap, BTreeSet};

use super::finder::Candidate;
use super::parts::{LOOKUP, Part, Stream};

/// How large the data is, and what a run does in any case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sizes {
    pub(crate) users: u64,
    /// Rows of the event tables; a table that is not there counts as [`Sizes::EVENTS_PER_USER`].
    pub(crate) events: BTreeMap<String, u64>,
    /// Streams that the run reads whether or not this rule needs them.
    pub(crate) anyway: BTreeSet<Stream>,
}

/// Going over the users at all, for one user.
const PASS: f64 = 0.05;

/// Combining bitmaps, for one user.
const COMBINE: f64 = 1.0 / 256.0;

/// Loading a stored bitmap, for one member.
const LOAD: f64 = 1.0 / 64.0;

/// What of the work on an event is saved where its user need not be looked at.
const AGGREGATION: f64 = 0.4;

impl Sizes {
    const EVENTS_PER_USER: u64 = 10;

    fn rows(&self, stream: &Stream) -> f64 {
        let rows = |table: &String| {
            let guess = self.users.saturating_mul(Self::EVENTS_PER_USER);
            self.events.get(table).copied().unwrap_or(guess) as f64
        };
        if self.anyway.contains(stream) { 0.0 } else { stream.tables.iter().map(rows).sum() }
    }

    fn streams(&self, parts: &[&Part]) -> f64 {
        let streams: BTreeSet<&Stream> = parts.iter().flat_map(|part| &part.load.streams).collect();
        streams.into_iter().map(|stream| self.rows(stream)).sum()
    }

    /// The work of evaluating parts together.
    pub(crate) fn cost(&self, parts: &[&Part]) -> f64 {
        if parts.is_empty() {
            return 0.0;
        }
        let per_user: f64 = parts.iter().map(|part| part.load.per_user).sum();
        self.streams(parts) + (per_user + PASS) * self.users as f64
    }

    /// What is saved by evaluating parts for so many users only.
    pub(crate) fn saved_by_narrowing(&self, parts: &[&Part], rows: u64) -> f64 {
        let share = rows as f64 / self.users.max(1) as f64;
        if share > NARROW { 0.0 } else { self.streams(parts) * AGGREGATION * (1.0 - share) }
    }
}

/// Up to which share of the users it is worth looking at no others.
pub(crate) const NARROW: f64 = 0.1;

/// The work of using a segment: at the top as a bitmap, within a condition user by user.
pub(crate) fn use_cost(candidate: &Candidate, sizes: &Sizes, within: bool) -> f64 {
    let rows = candidate.rows.unwrap_or(sizes.users) as f64;
    let load = if candidate.stored { rows * LOAD } else { 0.0 };
    let each = if within { LOOKUP } else { COMBINE };
    load + each * sizes.users as f64
}
