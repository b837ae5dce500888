//! The only place that reads the time, so that a test can hand the engine any instant it likes.

use std::fmt::Debug;
use std::sync::Mutex;

use chrono::{DateTime, SubsecRound, Utc};

/// Where the engine gets the time from.
pub trait Clock: Send + Sync + Debug {
    /// The present instant, in whole microseconds.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // the one place that may
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(6)
    }
}

/// A clock that stands until it is set.
///
/// ```
/// use segmentry::{Clock, ManualClock};
/// let clock = ManualClock::new("2025-01-01T00:00:00Z".parse().unwrap());
/// clock.set("2025-01-02T00:00:00Z".parse().unwrap());
/// assert_eq!(clock.now().to_rfc3339(), "2025-01-02T00:00:00+00:00");
/// ```
#[derive(Debug)]
pub struct ManualClock(Mutex<DateTime<Utc>>);

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn new(now: DateTime<Utc>) -> Self {
        ManualClock(Mutex::new(now))
    }

    /// Makes the clock show `now`.
    pub fn set(&self, now: DateTime<Utc>) {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = now;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
