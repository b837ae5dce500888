//! The only place that reads the time, so that a test can hand the engine any instant it likes.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use tokio::sync::watch;

/// A clock may be set while somebody sleeps by it, so it is looked at again after so long.
const LOOK: Duration = Duration::from_secs(5);

/// What [`Clock::sleep_until`] gives.
pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Where the engine gets the time from.
pub trait Clock: Send + Sync + Debug {
    /// The present instant, in whole microseconds.
    fn now(&self) -> DateTime<Utc>;

    /// Resolves once the clock shows `at` or later. Unless a clock has a way of its own, this asks it
    /// again and again, with tokio's timer in between.
    fn sleep_until(&self, at: DateTime<Utc>) -> Sleep<'_> {
        Box::pin(async move {
            loop {
                let left = at.signed_duration_since(self.now());
                if left <= TimeDelta::zero() {
                    return;
                }
                let left = left.to_std().unwrap_or_default().max(Duration::from_millis(1));
                tokio::time::sleep(left.min(LOOK)).await;
            }
        })
    }
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
pub struct ManualClock {
    now: Mutex<DateTime<Utc>>,
    set: watch::Sender<()>,
}

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn new(now: DateTime<Utc>) -> Self {
        ManualClock { now: Mutex::new(now), set: watch::Sender::new(()) }
    }

    /// Makes the clock show `now`, and wakes who sleeps until then.
    pub fn set(&self, now: DateTime<Utc>) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
        self.set.send_replace(());
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep_until(&self, at: DateTime<Utc>) -> Sleep<'_> {
        Box::pin(async move {
            let mut set = self.set.subscribe();
            // The sender is in this clock, so that it outlives the wait.
            while self.now() < at && set.changed().await.is_ok() {}
        })
    }
}
