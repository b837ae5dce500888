//! How long each stage of a run takes.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::clock::Clock;

/// The stages of a run, one after the other.
pub(super) struct Stages {
    clock: Arc<dyn Clock>,
    pub(super) started: DateTime<Utc>,
    last: DateTime<Utc>,
    seconds: BTreeMap<String, f64>,
}

impl Stages {
    pub(super) fn begin(clock: Arc<dyn Clock>) -> Self {
        let started = clock.now();
        Stages { clock, started, last: started, seconds: BTreeMap::new() }
    }

    /// Ends a stage, and begins the next.
    pub(super) fn done(&mut self, stage: &str) {
        let now = self.clock.now();
        let took = (now - self.last).num_microseconds().map_or(0.0, |micros| micros as f64 / 1e6);
        *self.seconds.entry(stage.to_owned()).or_default() += took;
        self.last = now;
    }

    /// When the last stage ended, and the seconds of all.
    pub(super) fn so_far(&self) -> (DateTime<Utc>, BTreeMap<String, f64>) {
        (self.last, self.seconds.clone())
    }
}
