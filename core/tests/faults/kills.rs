//! Processes killed at random moments of runs, half of them while they write to the catalog.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use segmentry::{Refresh, Run, SegmentEngine};

use super::process::{Signals, is_writing, start};
use super::world::{self, catalog_of, day_of, expected};

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |value| value.parse().unwrap())
}

/// What a child has told, one line after another.
type Told = Arc<Mutex<Vec<String>>>;

/// Starts a child, kills it at a moment that nobody knows beforehand, and gives what it had told.
fn killed(folder: &Path, random: &mut ChaCha8Rng, writing: bool) -> Vec<String> {
    let (mut child, mut output) = start("runs", folder);
    let told = Told::default();
    let heard = Arc::clone(&told);
    let listener = thread::spawn(move || {
        let mut line = String::new();
        while output.read_line(&mut line).unwrap() > 0 {
            heard.lock().unwrap().push(line.trim().to_owned());
            line.clear();
        }
    });
    // Some runs further on, and at any moment of the next.
    let runs = random.random_range(0..6);
    while acknowledged(&told.lock().unwrap()).len() < runs || told.lock().unwrap().is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_micros(random.random_range(0..60_000)));
    if writing {
        let (mut signals, process) = (Signals::new(), child.id());
        loop {
            signals.stop(process);
            // Stopped, it can't end its transaction before it is killed.
            if is_writing(process, &catalog_of(folder)) {
                break;
            }
            signals.go_on(process);
            assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
            thread::sleep(Duration::from_micros(random.random_range(0..3_000)));
        }
    }
    assert!(child.try_wait().unwrap().is_none(), "the child ended by itself");
    child.kill().unwrap();
    child.wait().unwrap();
    listener.join().unwrap();
    let told = told.lock().unwrap();
    told.clone()
}

/// The runs that a child has told of.
fn acknowledged(told: &[String]) -> BTreeSet<i64> {
    told.iter().filter_map(|line| line.strip_prefix("run ")?.parse().ok()).collect()
}

/// Opens what was left, and holds it against what has to be there. Gives the runs that are there.
async fn check(folder: &Path, acknowledged: &BTreeSet<i64>, from: i64) -> (SegmentEngine, i64) {
    let engine = world::open(folder).await;
    let sound = engine.check().await.unwrap();
    assert!(sound.damaged.iter().all(|damage| damage.place.ends_with("store")), "{sound:?}");
    let mut versions: BTreeMap<i64, BTreeSet<i64>> = BTreeMap::new();
    let mut oldest = 0;
    for rule in 1..=4 {
        world::check_segment(&engine, rule).await;
        let Ok(segment) = engine.segment(rule).await else { continue };
        let rows = segment.versions().await.unwrap();
        oldest = oldest.max(rows[0].run_id);
        for row in rows {
            versions.entry(row.run_id).or_default().insert(rule);
        }
    }
    let last = engine.runs(1, 1).await.unwrap().items.first().map_or(0, |run| run.id);
    for id in from + 1..=last {
        let run: Run = engine.run(id).await.unwrap();
        // A run is there with all of its segments.
        let published: BTreeSet<i64> = run.segments.iter().map(|one| one.rule_id).collect();
        assert_eq!(published, BTreeSet::from([1, 2, 3, 4]), "run {id}");
        if id >= oldest {
            assert_eq!(versions.get(&id), Some(&published), "run {id}");
        }
        for segment in &run.segments {
            let members = expected(segment.rule_id, day_of(run.as_of));
            assert_eq!(segment.row_count, members.len() as u64, "run {id}: {segment:?}");
        }
    }
    assert!(acknowledged.iter().all(|id| *id <= last), "{acknowledged:?}, {last}");
    (engine, last)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_runs_leave_all_that_was_published() {
    let kills = setting("SEGMENTRY_KILLS", 40);
    let seed = setting("SEGMENTRY_SEED", 7);
    println!("{kills} kills, seed {seed}");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    world::make(folder.path()).await;
    let (mut last, mut runs, mut slowest) = (0, 0, Duration::ZERO);
    for kill in 0..kills {
        let told = killed(folder.path(), &mut random, kill % 2 == 0);
        let acknowledged = acknowledged(&told);
        runs += acknowledged.len();
        slowest = slowest.max(reopened(folder.path()).await);
        let (engine, now) = check(folder.path(), &acknowledged, last).await;
        last = now;
        // The dead keep nobody waiting.
        if kill % 8 == 0 {
            let run = engine.refresh(Refresh::all().as_of(world::at(30))).await.unwrap();
            assert!(run.failed.is_empty(), "{run:?}");
            world::check(&engine).await;
            last = run.id;
        }
        if last > 400 {
            engine.vacuum(segmentry::Retention::versions(3).runs(20)).await.unwrap();
        }
    }
    assert!(runs > 0, "no run was acknowledged");
    let writing = kills.div_ceil(2);
    crate::reached(
        "kills",
        format!(
            "{kills} kills, {writing} of them in a transaction: {runs} acknowledged runs there, 0 half \
             published, reopened within {slowest:?}"
        ),
    );
}

/// How long it takes to open the catalog and read it.
#[allow(clippy::disallowed_methods)]
async fn reopened(folder: &Path) -> Duration {
    use segmentry::{Catalog, SqliteCatalog};
    let start = std::time::Instant::now();
    let catalog = SqliteCatalog::open(catalog_of(folder)).unwrap();
    assert_eq!(catalog.rules().unwrap().rules.len(), 4);
    start.elapsed()
}
