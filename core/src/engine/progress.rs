//! How far a run is: counted by whatever task does the work, told from the one that runs it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;
use tracing::Span;

use super::status::Board;
use super::{RunEvent, RunStage};

type Told = Arc<dyn Fn(&RunEvent) + Send + Sync>;

/// Who is told what a run does, if anyone: whoever asked for it, and the board of the engine.
#[derive(Clone, Default)]
pub(super) struct Listener {
    told: Option<Told>,
    board: Option<Arc<Board>>,
}

/// Stages that follow one another, and how far each is.
pub(super) struct Meter {
    stages: Vec<Counted>,
    changed: Notify,
}

/// What was told of a stage last, and its span if it is the reading of a source.
#[derive(Default)]
struct Seen {
    told: Option<usize>,
    span: Option<Span>,
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
        Listener { told: Some(Arc::new(told)), board: None }
    }

    pub(super) fn on(self, board: &Arc<Board>) -> Self {
        Listener { board: Some(Arc::clone(board)), ..self }
    }

    pub(super) fn tell(&self, event: &RunEvent) {
        if let Some(board) = &self.board {
            board.note(event);
        }
        if let Some(told) = &self.told {
            told(event);
        }
    }

    /// Does some work, and tells meanwhile how far it is by a meter.
    pub(super) async fn during<T>(&self, meter: &Meter, work: impl Future<Output = T>) -> T {
        let mut told: Vec<Seen> = meter.stages.iter().map(|_| Seen::default()).collect();
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
    fn tell_changes(&self, meter: &Meter, seen: &mut [Seen]) {
        for (counted, Seen { told, span }) in meter.stages.iter().zip(seen) {
            let (stage, of) = (&counted.stage, counted.of);
            let now = counted.done.load(Ordering::Relaxed).min(of);
            // That a stage begins is told also of one that is through already.
            let begins = if told.is_none() { Some(0) } else { None };
            if let (Some(_), RunStage::Read { table }) = (begins, stage) {
                *span = Some(tracing::info_span!("source", table, partitions = of));
            }
            for done in begins.into_iter().chain([now]) {
                if *told != Some(done) {
                    self.tell(&RunEvent::Progress { stage: stage.clone(), done, of });
                    *told = Some(done);
                }
            }
            if now < of {
                return;
            }
            *span = None;
        }
    }
}
