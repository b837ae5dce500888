//! How far a run is: counted by whatever task does the work, told from the one that runs it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::{RunEvent, RunStage};

type Told = Arc<dyn Fn(&RunEvent) + Send + Sync>;

/// Who is told what a run does, if anyone.
#[derive(Clone, Default)]
pub(super) struct Listener(Option<Told>);

/// Stages that follow one another, and how far each is.
pub(super) struct Meter {
    stages: Vec<Counted>,
    changed: Notify,
}

struct Counted {
    stage: RunStage,
    done: AtomicUsize,
    of: usize,
}

impl Meter {
    /// These stages, each of so many steps.
    pub(super) fn new(stages: impl IntoIterator<Item = (RunStage, usize)>) -> Self {
        let stages = stages.into_iter();
        let stages = stages.map(|(stage, of)| Counted { stage, done: AtomicUsize::new(0), of });
        Meter { stages: stages.collect(), changed: Notify::new() }
    }

    /// So many steps more of a stage are done.
    pub(super) fn add(&self, stage: usize, steps: usize) {
        if let Some(counted) = self.stages.get(stage) {
            counted.done.fetch_add(steps, Ordering::Relaxed);
            self.changed.notify_one();
        }
    }

    /// The number of the last stage.
    pub(super) fn last(&self) -> usize {
        self.stages.len().saturating_sub(1)
    }
}

impl Listener {
    pub(super) fn new(told: impl Fn(&RunEvent) + Send + Sync + 'static) -> Self {
        Listener(Some(Arc::new(told)))
    }

    pub(super) fn tell(&self, event: &RunEvent) {
        if let Some(told) = &self.0 {
            told(event);
        }
    }

    /// Does some work, and tells meanwhile how far it is by a meter.
    pub(super) async fn during<T>(&self, meter: &Meter, work: impl Future<Output = T>) -> T {
        if self.0.is_none() {
            return work.await;
        }
        let mut told = vec![None; meter.stages.len()];
        let mut work = std::pin::pin!(work);
        loop {
            self.tell_changes(meter, &mut told);
            tokio::select! {
                biased;
                done = &mut work => {
                    self.tell_changes(meter, &mut told);
                    return done;
                }
                () = meter.changed.notified() => {}
            }
        }
    }

    /// Tells of stages that have moved on, given how far each was when it was told of last. A stage
    /// begins once the one before it is done.
    fn tell_changes(&self, meter: &Meter, told: &mut [Option<usize>]) {
        for (counted, told) in meter.stages.iter().zip(told) {
            let (stage, of) = (&counted.stage, counted.of);
            let now = counted.done.load(Ordering::Relaxed).min(of);
            // That a stage begins is told also of one that is through already.
            let begins = if told.is_none() { Some(0) } else { None };
            for done in begins.into_iter().chain([now]) {
                if *told != Some(done) {
                    self.tell(&RunEvent::Progress { stage: stage.clone(), done, of });
                    *told = Some(done);
                }
            }
            if now < of {
                return;
            }
        }
    }
}
