//! What a refresh is asked to do, and how.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, Utc};
use tokio_util::sync::CancellationToken;

use crate::rule::RuleRef;

use super::RunEvent;
use super::progress::Listener;

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
    pub(super) timeout: Option<Duration>,
    /// Rules whose guards do not count.
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

    /// Stops the run with [`Code::Cancelled`](crate::Code::Cancelled) when the token is cancelled; dropping the future of
    /// the refresh stops it too. Either way nothing is published, and nobody works for it any more
    /// a moment later. The transaction that publishes a run is not stopped once it has begun.
    #[must_use]
    pub fn cancel_with(mut self, token: CancellationToken) -> Self {
        self.cancel = Some(token);
        self
    }

    /// Stops the run with [`Code::TimedOut`](crate::Code::TimedOut) once so much time has passed since it was asked for,
    /// waiting for another one included; no limit if not said. It is stopped as by a token. Needs a
    /// runtime with a timer.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}
