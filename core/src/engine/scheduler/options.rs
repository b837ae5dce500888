//! What can be set of a scheduler.

use std::time::Duration;

use chrono::TimeDelta;

use crate::engine::due::MAX_PAUSE;
use crate::engine::settle::Pauses;

/// What becomes of firings at which no scheduler worked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misfire {
    /// One run for all of them, as soon as there is a scheduler; the others are counted.
    #[default]
    Once,
    /// No run: the rule runs at its next firing, and all that were missed are counted.
    Skip,
}

/// How a scheduler works; everything has a default.
///
/// ```
/// use std::time::Duration;
/// use segmentry::{Misfire, SchedulerOptions};
/// let options = SchedulerOptions::default()
///     .misfire(Misfire::Skip)
///     .grace(Duration::from_secs(600))
///     .retry(Duration::from_secs(30), Duration::from_secs(1_800));
/// ```
#[derive(Clone, Debug)]
pub struct SchedulerOptions {
    pub(super) misfire: Misfire,
    pub(super) grace: TimeDelta,
    pub(super) poll: TimeDelta,
    pub(super) pauses: Pauses,
}

impl Default for SchedulerOptions {
    fn default() -> Self {
        SchedulerOptions {
            misfire: Misfire::default(),
            grace: TimeDelta::minutes(5),
            poll: TimeDelta::seconds(15),
            pauses: Pauses::default(),
        }
    }
}

/// A duration of at least a second, at most a day.
fn delta(duration: Duration) -> TimeDelta {
    let delta = TimeDelta::from_std(duration).unwrap_or(MAX_PAUSE);
    delta.clamp(TimeDelta::seconds(1), MAX_PAUSE)
}

impl SchedulerOptions {
    /// What becomes of firings at which no scheduler worked; one run for all of them if not said.
    #[must_use]
    pub fn misfire(mut self, misfire: Misfire) -> Self {
        self.misfire = misfire;
        self
    }

    /// How long after its firing a rule that has not begun is late: shown as such, and passed over
    /// under [`Misfire::Skip`]; 5 minutes if not said.
    #[must_use]
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = delta(grace);
        self
    }

    /// How often to look for what other processes have asked for; every 15 seconds if not said.
    #[must_use]
    pub fn poll(mut self, every: Duration) -> Self {
        self.poll = delta(every);
        self
    }

    /// The pause before a rule that failed is tried again, and the longest one: each is twice the one
    /// before, and up to a quarter longer. A minute and an hour if not said; at most a day.
    #[must_use]
    pub fn retry(mut self, first: Duration, longest: Duration) -> Self {
        let first = delta(first);
        self.pauses = Pauses { first, longest: delta(longest).max(first) };
        self
    }
}
