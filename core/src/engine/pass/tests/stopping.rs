//! Runs that are stopped at any moment: they say so, publish nothing, and leave no task, no memory
//! and no file behind.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMillisecondArray};
use chrono::{DateTime, Utc};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tokio_util::sync::CancellationToken;

use super::super::super::{Refresh, RunEvent, SegmentEngine};
use super::*;
use crate::{AudienceModel, Code, Evaluation, MemoryCatalog};

/// 2025-06-01T00:00:00Z, in milliseconds.
const AS_OF: i64 = 1_748_736_000_000;
const DAY: i64 = 86_400_000;

/// An engine over events in memory.
async fn engine(
    users: i64,
    events: i64,
    rules: i64,
    memory: Option<u64>,
    store: Option<&std::path::Path>,
) -> SegmentEngine {
    let mut random = ChaCha8Rng::seed_from_u64(21);
    let model = AudienceModel::parse(
        r#"{"users": {"table": "users", "key": "id"},
            "events": {"visits": {"user": "who", "time": "at"}}}"#,
    );
    let mut builder = SegmentEngine::builder().catalog(MemoryCatalog::new()).threads(2);
    builder = builder.model(model.unwrap());
    if let Some(bytes) = memory {
        builder = builder.memory_limit(bytes);
    }
    if let Some(folder) = store {
        builder = builder.store(folder);
    }
    let engine = builder.build().await.unwrap();
    let ids: ArrayRef = Arc::new((0..users).collect::<Int64Array>());
    engine.add_arrow("users", vec![RecordBatch::try_from_iter([("id", ids)]).unwrap()]).unwrap();
    let batches = (0..events / 8_192).map(|_| {
        let mut column = |low: i64, high: i64| -> Vec<i64> {
            (0..8_192).map(|_| random.random_range(low..high)).collect()
        };
        let times: Vec<i64> = column(0, 200 * DAY).into_iter().map(|back| AS_OF - back).collect();
        RecordBatch::try_from_iter([
            ("who", Arc::new(Int64Array::from(column(0, users))) as ArrayRef),
            ("at", Arc::new(TimestampMillisecondArray::from(times)) as ArrayRef),
            ("amount", Arc::new(Int64Array::from(column(-50, 1_000))) as ArrayRef),
            ("kind", Arc::new(Int64Array::from(column(0, 5))) as ArrayRef),
        ])
        .unwrap()
    });
    engine.add_arrow("visits", batches.collect()).unwrap();
    let rules: Vec<serde_json::Value> = (0..rules)
        .map(|number| {
            serde_json::json!({"rule_name": format!("Rule {number}"), "conditions": [{
                "events": "visits", "aggregate": (["sum", "min", "avg"][number as usize % 3]),
                "field": "amount", "operator": ">", "value": number * 7 % 400,
                "where": [{"field": "kind", "operator": "!=", "value": number % 5}],
                "window": {"last": format!("{} days", 1 + number * 13 % 190)},
            }]})
        })
        .collect();
    engine.import_rules(&rules).await.unwrap();
    engine
}

fn request() -> Refresh {
    let as_of: DateTime<Utc> = DateTime::from_timestamp_millis(AS_OF).unwrap();
    Refresh::all().as_of(as_of).reuse(false).evaluation(Evaluation::Shared)
}

/// Who holds the engine and its store, and the memory and the disk that are taken.
fn taken(engine: &SegmentEngine) -> (usize, usize, usize, u64) {
    let (shared, runtime) = (&engine.shared, &engine.shared.runtime);
    let store = shared.store.as_ref().map_or(0, Arc::strong_count);
    let (memory, disk) = (&runtime.memory_pool, &runtime.disk_manager);
    (Arc::strong_count(shared), store, memory.reserved(), disk.used_disk_space())
}

/// Waits until no more is taken than before a run.
async fn quiet(engine: &SegmentEngine, before: (usize, usize, usize, u64)) {
    for _ in 0..30_000 {
        if taken(engine) == before {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("somebody still works: {:?}, not {before:?}", taken(engine));
}

/// A run, and a token that is cancelled when it tells the event of a number.
fn cancelled_at(event: usize) -> (Refresh, CancellationToken) {
    let (token, told) = (CancellationToken::new(), AtomicUsize::new(0));
    let cancel = token.clone();
    let request = request().progress(move |_| {
        if told.fetch_add(1, Ordering::Relaxed) == event {
            cancel.cancel();
        }
    });
    (request, token)
}

/// How many events a run tells before it is published.
async fn events_of(engine: &SegmentEngine) -> usize {
    let told = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&told);
    let request = request().progress(move |event| {
        if !matches!(event, RunEvent::Published { .. }) {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    engine.refresh(request).await.unwrap();
    told.load(Ordering::Relaxed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_that_are_stopped_leave_nothing_behind() {
    let mut random = ChaCha8Rng::seed_from_u64(22);
    for (memory, stored) in [(None, false), (Some(1 << 20), false), (Some(4 << 20), true)] {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["whole", "stopped", "again"].map(|name| folder.path().join(name));
        let engine = |number: usize| {
            let store = stored.then_some(paths[number].as_path());
            engine(70_000, 60_000, 6, memory, store)
        };
        let events = events_of(&engine(0).await).await;
        let stopped = engine(1).await;
        let before = taken(&stopped);
        assert_eq!((before.2, before.3), (0, 0));
        for _ in 0..6 {
            let event = random.random_range(0..events / 2);
            let (request, token) = cancelled_at(event);
            let error = stopped.refresh(request.cancel_with(token)).await.unwrap_err();
            assert_eq!(error.code(), Code::Cancelled, "event {event}");
            quiet(&stopped, before).await;
            let event = random.random_range(0..events / 2);
            let (request, token) = cancelled_at(event);
            tokio::select! {
                biased;
                () = token.cancelled() => {}
                run = stopped.refresh(request) => panic!("event {event} was never told: {run:?}"),
            }
            quiet(&stopped, before).await;
            assert_eq!(stopped.runs(1, 10).await.unwrap().total, 0);
            assert_eq!(stopped.segment("Rule 0").await.unwrap_err().code(), Code::NotFound);
        }
        // What was given up half-way is in nobody's way.
        let run = stopped.refresh(request()).await.unwrap();
        let whole = engine(2).await.refresh(request()).await.unwrap();
        let counts = |run: &crate::Run| -> Vec<u64> {
            run.segments.iter().map(|segment| segment.row_count).collect()
        };
        assert_eq!((run.rules_planned, whole.rules_planned), (0, 0));
        assert_eq!(counts(&run), counts(&whole));
        quiet(&stopped, before).await;
    }
}

/// Runs that are stopped at random moments, `SEGMENTRY_CANCELS` of them: each publishes nothing and leaves
/// nothing behind. How long it takes from the wish to stop until the refresh returns, and until nobody
/// works any more, is printed; of a hundred runs and more, 99 in 100 have to return within half a second.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::disallowed_methods, reason = "what is measured are times")]
async fn stopped_at_random_moments() {
    let setting = |name: &str, default: i64| -> i64 {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (times, seed) = (setting("SEGMENTRY_CANCELS", 20), setting("SEGMENTRY_SEED", 23));
    let (mut returned, mut gone) = (Vec::new(), Vec::new());
    let mut random = ChaCha8Rng::seed_from_u64(seed.unsigned_abs());
    println!("seed {seed}");
    for (memory, stored) in [(None, false), (Some(16 << 20), false), (None, true)] {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().to_owned();
        let engine = engine(100_000, 200_000, 60, memory, stored.then_some(&store)).await;
        let before = taken(&engine);
        let begun = Instant::now();
        drop(engine.refresh(request()).await.unwrap());
        let (whole, published) = (begun.elapsed(), engine.runs(1, 1).await.unwrap().total);
        let (mut stopped, mut through) = (0, 0);
        while stopped < (times + 2) / 3 {
            if stored {
                // So that it is filled again.
                std::fs::remove_file(store.join("store.json")).unwrap_or_default();
            }
            let token = CancellationToken::new();
            let refresh = request().cancel_with(token.clone());
            let run = tokio::spawn({
                let engine = engine.clone();
                async move { (engine.refresh(refresh).await, Instant::now()) }
            });
            // What is stopped before it has begun is no run, and counts as none.
            while engine.status().running.is_none() && !run.is_finished() {
                tokio::task::yield_now().await;
            }
            tokio::time::sleep(whole.mul_f64(random.random_range(0.0..0.95))).await;
            let wished = Instant::now();
            token.cancel();
            let (run, at) = run.await.unwrap();
            match run {
                Ok(_) => through += 1,
                Err(error) => {
                    assert_eq!(error.code(), Code::Cancelled, "{error}");
                    stopped += 1;
                    returned.push(at - wished);
                    quiet(&engine, before).await;
                    gone.push(wished.elapsed());
                }
            }
            assert_eq!(engine.runs(1, 1).await.unwrap().total, published + through);
            assert_eq!(engine.status().running, None);
        }
        assert_eq!(engine.status().stopped, stopped as u64);
    }
    returned.sort();
    gone.sort();
    let most = returned[(returned.len() * 99).div_ceil(100) - 1];
    let (middle, gone) = (returned[returned.len() / 2], gone[(gone.len() * 99).div_ceil(100) - 1]);
    println!(
        "reached | cancel | {} stopped: returned after {middle:?}, 99 in 100 after {most:?}, gone after {gone:?}",
        returned.len()
    );
    assert!(times < 100 || most < Duration::from_millis(500), "{most:?}");
}
