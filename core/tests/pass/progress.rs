//! How far a run tells that it is, while events are read, stored and worked out.

use std::sync::Mutex;

use segmentry::{RunEvent, RunStage};

use super::*;

/// The stages that a run told of, in order, each as what was done of how many.
async fn told(engine: &SegmentEngine) -> Vec<(RunStage, Vec<usize>, usize)> {
    let events = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&events);
    let as_of = chrono::DateTime::from_timestamp_millis(AS_OF).unwrap();
    let request = Refresh::all()
        .as_of(as_of)
        .reuse(false)
        .evaluation(Evaluation::Shared)
        .progress(move |event| into.lock().unwrap().push(event.clone()));
    let run = engine.refresh(request).await.unwrap();
    assert_eq!(run.rules_planned, 0);
    let events = std::mem::take(&mut *events.lock().unwrap());
    let first = events.iter().position(|e| matches!(e, RunEvent::Evaluated { .. })).unwrap();
    let mut stages: Vec<(RunStage, Vec<usize>, usize)> = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let RunEvent::Progress { stage, done, of } = event else { continue };
        assert!((1..first).contains(&at), "it comes before the first rule is told of");
        // Users are gone through twice where some rules look only at those who have changed.
        let same = |(last, _, all): &&mut (RunStage, Vec<usize>, usize)| last == stage && all == of;
        match stages.last_mut().filter(same).filter(|_| *done > 0) {
            Some((_, all, _)) => all.push(*done),
            None => stages.push((stage.clone(), vec![*done], *of)),
        }
    }
    stages
}

fn names(stages: &[(RunStage, Vec<usize>, usize)]) -> Vec<RunStage> {
    stages.iter().map(|(stage, ..)| stage.clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_never_falls_and_ends_where_it_is_bound_for() {
    let table = || "visits".to_owned();
    let (read, store) = (RunStage::Read { table: table() }, RunStage::Store { table: table() });
    let folder = tempfile::tempdir().unwrap();
    for memory in [None, Some(128 << 20)] {
        let plain = engine(false, 3, memory).await;
        let stages = told(&plain).await;
        assert_eq!(names(&stages), [read.clone(), RunStage::Evaluate]);
        let stored = stored_engine(&folder.path().join(format!("{memory:?}")), memory).await;
        let first = told(&stored).await;
        assert_eq!(names(&first), [read.clone(), store.clone(), RunStage::Evaluate]);
        let second = told(&stored).await;
        assert!(names(&second).iter().all(|stage| *stage == RunStage::Evaluate));
        for (stage, done, of) in stages.iter().chain(&first).chain(&second) {
            assert_eq!((done.first(), done.last()), (Some(&0), Some(of)), "{stage:?} {done:?}");
            assert!(done.windows(2).all(|two| two[0] < two[1]), "{stage:?} {done:?}");
            if *stage != read {
                assert_eq!(*of, 2, "blocks of {USERS} users");
            }
        }
    }
}
