//! What is kept of members: whole bitmaps and differences, read back as they were.

use std::collections::BTreeSet;
use std::sync::Once;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rusqlite::Connection;
use segmentry::{RunEvent, SqliteCatalog};

use super::*;

const USERS: i64 = 20_000;

/// Users with some points each; half of them have 50 and more.
struct Crowd {
    points: Vec<i64>,
    random: ChaCha8Rng,
}

impl Crowd {
    fn new(seed: u64) -> Crowd {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        Crowd { points: (0..USERS).map(|_| random.random_range(0..100)).collect(), random }
    }

    fn change(&mut self, users: usize) {
        for _ in 0..users {
            let user = self.random.random_range(0..self.points.len());
            self.points[user] = self.random.random_range(0..100);
        }
    }

    fn add_to(&self, engine: &SegmentEngine) {
        let people = batch(vec![
            ("id", Arc::new(Int64Array::from_iter_values(1..=USERS))),
            ("points", Arc::new(Int64Array::from(self.points.clone()))),
        ]);
        engine.add_arrow("people", vec![people]).unwrap();
    }

    fn with(&self, least: i64) -> BTreeSet<i64> {
        (1..).zip(&self.points).filter(|(_, points)| **points >= least).map(|(id, _)| id).collect()
    }
}

fn points(name: &str, least: i64) -> Value {
    let condition = json!({"field": "points", "operator": ">=", "value": least});
    json!({"rule_name": name, "conditions": [condition]})
}

async fn open(path: &Path, store: Option<&Path>) -> SegmentEngine {
    let model = AudienceModel::parse(r#"{"users": {"table": "people", "key": "id"}}"#).unwrap();
    let catalog = SqliteCatalog::open(path).unwrap();
    let builder = SegmentEngine::builder().catalog(catalog).model(model).threads(2);
    let builder = match store {
        Some(store) => builder.store(store),
        None => builder,
    };
    builder.build().await.unwrap()
}

async fn version(engine: &SegmentEngine, rule: i64, version: i64) -> BTreeSet<i64> {
    let keys = engine.segment_version(rule, version).await.unwrap().keys().unwrap();
    let int = |key: Key| match key {
        Key::Int(key) => key,
        Key::Text(key) => panic!("{key:?}"),
    };
    keys.iter().map(int).collect()
}

fn gone(these: &BTreeSet<i64>, those: &BTreeSet<i64>) -> u64 {
    these.difference(those).count() as u64
}

/// Many small changes and a few large ones, with and without a store that tells who changed.
#[tokio::test]
async fn members_of_every_version_are_read_back() {
    for (seed, stored) in [(1, false), (2, true)] {
        let folder = tempfile::tempdir().unwrap();
        let (path, store) = (folder.path().join("audience.db"), folder.path().join("store"));
        let engine = open(&path, stored.then_some(&*store)).await;
        let mut crowd = Crowd::new(seed);
        crowd.add_to(&engine);
        let id = engine.create_rule(points("Half", 50)).await.unwrap();
        let mut members: Vec<BTreeSet<i64>> = vec![BTreeSet::new()];
        for round in 0..45 {
            // Nothing, a few users, a third of them.
            crowd.change(match round {
                7 | 8 => 0,
                30 => 6_000,
                _ => 6,
            });
            crowd.add_to(&engine);
            let run = refresh(&engine).await;
            let (now, before) = (crowd.with(50), members.last().unwrap());
            let told = (run.segments[0].entered, run.segments[0].exited);
            assert_eq!(told, (gone(&now, before), gone(before, &now)), "seed {seed}, {round}");
            // A third are so many that everyone is looked at.
            let incremental = stored && round > 0 && round != 30;
            assert_eq!(run.rules_incremental, u64::from(incremental), "{round}");
            members.push(now);
        }
        // Another process, which has loaded nothing yet.
        let engine = open(&path, None).await;
        let versions = engine.segment(id).await.unwrap().versions().await.unwrap();
        for (kept, expected) in versions.iter().zip(&members[1..]) {
            assert_eq!(version(&engine, id, kept.version).await, *expected, "{kept:?}");
        }
        let differences: Vec<i64> = versions.iter().map(|kept| kept.differences).collect();
        let most = differences.iter().max();
        assert_eq!((differences[0], differences[30], most), (0, 0, Some(&16)), "{differences:?}");
        assert!(differences.iter().filter(|count| **count == 0).count() <= 5, "{differences:?}");
        // The bitmap of half of them has 8,208 bytes, that of six 28.
        assert!(versions.iter().all(|kept| kept.difference_bytes <= 16 * 28), "{versions:?}");
    }
}

#[tokio::test]
async fn a_damaged_version_is_named_and_the_next_run_replaces_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audience.db");
    let engine = open(&path, None).await;
    let mut crowd = Crowd::new(3);
    crowd.add_to(&engine);
    let half = engine.create_rule(points("Half", 50)).await.unwrap();
    let few = engine.create_rule(points("Few", 90)).await.unwrap();
    for _ in 0..3 {
        crowd.change(5);
        crowd.add_to(&engine);
        refresh(&engine).await;
    }
    let versions = engine.segment(half).await.unwrap().versions().await.unwrap();
    let sql = "UPDATE segmentry_members SET data = zeroblob(length(data)) WHERE id = ?1";
    Connection::open(&path).unwrap().execute(sql, [versions[1].members_id]).unwrap();
    assert_eq!(version(&engine, half, 1).await.len() as i64, versions[0].row_count);
    for damaged in [2, 3] {
        let error = engine.segment_version(half, damaged).await.unwrap_err();
        let named = format!("version {damaged} of the segment of rule {half}");
        assert_eq!(error.code(), Code::Damaged);
        assert!(error.to_string().contains(&named), "{error}");
    }
    crowd.change(5);
    crowd.add_to(&engine);
    let run = refresh(&engine).await;
    assert!(run.failed.is_empty() && run.segments.len() == 2, "{run:?}");
    assert_eq!(version(&engine, half, 4).await, crowd.with(50));
    assert_eq!(version(&engine, few, 4).await, crowd.with(90));
    // Of those who are in it, nobody is known to have been.
    let told = &engine.segment(half).await.unwrap().versions().await.unwrap()[3];
    assert_eq!((told.entered, told.exited), (told.row_count, versions[2].row_count));
    assert_eq!((told.differences, told.difference_bytes), (0, 0));
}

/// Rules are refreshed and changed by others while a run is under way.
#[tokio::test]
async fn members_are_compared_with_what_others_have_published_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audience.db");
    let engine = open(&path, None).await;
    let mut crowd = Crowd::new(4);
    crowd.add_to(&engine);
    let names = [("Own", 50), ("Shared", 60), ("Reworded", 70)];
    let mut ids = Vec::new();
    for (name, least) in names {
        ids.push(engine.create_rule(points(name, least)).await.unwrap());
    }
    refresh(&engine).await;
    let [own, shared, reworded] = ids[..] else { panic!("{ids:?}") };
    let mut theirs = Crowd { points: crowd.points.clone(), random: crowd.random.clone() };
    theirs.change(9);
    let theirs = Arc::new(theirs);
    crowd.change(7);
    crowd.add_to(&engine);

    let (once, other, elsewhere) = (Once::new(), Arc::clone(&theirs), path.clone());
    let meanwhile = move |event: &RunEvent| {
        if !matches!(event, RunEvent::Evaluated { .. }) {
            return;
        }
        let (other, elsewhere) = (Arc::clone(&other), elsewhere.clone());
        let work = move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let engine = open(&elsewhere, None).await;
                other.add_to(&engine);
                // As an earlier Segmentry would, which knows of no leases.
                let connection = rusqlite::Connection::open(&elsewhere).unwrap();
                let leases = "CREATE TEMP TABLE kept AS SELECT * FROM segmentry_lease;
                              DELETE FROM segmentry_lease;";
                connection.execute_batch(leases).unwrap();
                engine.refresh(Refresh::rules([shared])).await.unwrap();
                let leases = "INSERT INTO segmentry_lease SELECT * FROM kept";
                connection.execute_batch(leases).unwrap();
                engine.update_rule(reworded, points("Reworded", 71)).await.unwrap();
            });
        };
        once.call_once(|| std::thread::spawn(work).join().unwrap());
    };
    let run = engine.refresh(Refresh::all().progress(meanwhile)).await.unwrap();
    assert_eq!(run.segments.iter().map(|s| s.rule_id).collect::<Vec<_>>(), [own, shared]);
    assert_eq!((run.failed.len(), run.failed[0].rule_id), (1, reworded));
    assert_eq!(run.failed[0].problems[0]["code"], json!("stale_version"));
    assert_eq!(version(&engine, own, 2).await, crowd.with(50));
    assert_eq!(version(&engine, shared, 2).await, theirs.with(60));
    assert_eq!(version(&engine, shared, 3).await, crowd.with(60));
    let told = (run.segments[1].entered, run.segments[1].exited);
    let (now, before) = (crowd.with(60), theirs.with(60));
    assert_eq!(told, (gone(&now, &before), gone(&before, &now)));
    let versions = engine.segment(shared).await.unwrap().versions().await.unwrap();
    let differences: Vec<i64> = versions.iter().map(|kept| kept.differences).collect();
    assert_eq!(differences, [0, 1, 2]);
}
