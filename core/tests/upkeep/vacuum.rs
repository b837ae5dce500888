//! Which versions `vacuum` keeps, and that what is kept is as it was.

use chrono::TimeDelta;
use segmentry::{Clock, Code, MemoryCatalog, Refresh, Retention, SegmentEngine, SqliteCatalog};

use super::support::{World, at, ints};

async fn versions(world: &World, rule: i64) -> Vec<i64> {
    let versions = world.engine.segment(rule).await.unwrap().versions().await.unwrap();
    versions.iter().map(|version| version.version).collect()
}

async fn runs(world: &World) -> Vec<i64> {
    world.engine.runs(1, 99).await.unwrap().items.iter().map(|run| run.id).collect()
}

#[tokio::test]
async fn the_newest_versions_stay() {
    let world = World::new().await;
    for day in 15..30 {
        world.refresh(day).await;
    }
    let mut expected = Vec::new();
    for version in 16..=20 {
        let segment = world.engine.segment_version(1, version).await.unwrap();
        expected.push(segment.keys().unwrap());
    }
    let done = world.engine.vacuum(5).await.unwrap();
    assert_eq!((done.versions, done.runs, done.damaged.len()), (45, 0, 0));
    assert!(done.bytes_after < done.bytes_before, "{done:?}");
    for rule in 1..=3 {
        assert_eq!(versions(&world, rule).await, [16, 17, 18, 19, 20]);
    }
    for (version, keys) in (16..=20).zip(&expected) {
        let segment = world.engine.segment_version(1, version).await.unwrap();
        assert_eq!(segment.keys().unwrap(), *keys);
    }
    assert!(world.engine.check().await.unwrap().is_sound());
    let gone = world.engine.segment_version(1, 15).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);

    // Runs go on where they were.
    let run = world.refresh(30).await;
    assert_eq!((run.segments[0].entered, run.segments[0].exited), (40, 40));
    assert_eq!(world.engine.vacuum(5).await.unwrap().versions, 3);
    assert_eq!(world.engine.vacuum(5).await.unwrap().versions, 0);
}

#[tokio::test]
async fn the_current_version_always_stays() {
    let world = World::new().await;
    let before = world.keys(1).await;
    world.engine.vacuum(0).await.unwrap();
    assert_eq!(versions(&world, 1).await, [5]);
    assert_eq!(world.keys(1).await, before);
}

/// The runs are published one a day, the last of them now.
#[tokio::test]
async fn young_versions_stay() {
    let world = World::new().await;
    let policy = |days| Retention::versions(1).younger_than(TimeDelta::days(days));
    world.engine.vacuum(policy(9)).await.unwrap();
    assert_eq!(versions(&world, 1).await, [1, 2, 3, 4, 5]);
    world.engine.vacuum(policy(3)).await.unwrap();
    assert_eq!(versions(&world, 1).await, [3, 4, 5]);
    world.clock.set(world.clock.now() + TimeDelta::days(1));
    world.engine.vacuum(policy(3)).await.unwrap();
    assert_eq!(versions(&world, 1).await, [4, 5]);
    world.engine.vacuum(Retention::versions(2).younger_than(TimeDelta::zero())).await.unwrap();
    assert_eq!(versions(&world, 1).await, [4, 5]);
}

#[tokio::test]
async fn old_reports_go_where_that_is_asked_for() {
    let world = World::new().await;
    world.engine.vacuum(2).await.unwrap();
    assert_eq!(runs(&world).await, [5, 4, 3, 2, 1]);
    // A run that a version is from stays.
    let done = world.engine.vacuum(Retention::versions(2).runs(1)).await.unwrap();
    assert_eq!((done.runs, runs(&world).await), (3, vec![5, 4]));
    let policy = Retention::versions(1).runs(1).younger_than(TimeDelta::days(2));
    assert_eq!(world.engine.vacuum(policy).await.unwrap().runs, 0);
    let done = world.engine.vacuum(Retention::versions(1).runs(1)).await.unwrap();
    assert_eq!((done.runs, runs(&world).await), (1, vec![5]));
}

#[tokio::test]
async fn a_damaged_segment_keeps_its_versions_and_no_other_does() {
    let world = World::new().await;
    world.damage(
        "UPDATE segmentry_members SET checksum = checksum + 1 WHERE id IN
            (SELECT members_id FROM segmentry_version WHERE rule_id = 1 AND version = 1)",
    );
    let found = world.engine.check().await.unwrap().damaged;
    assert_eq!(found.len(), 5, "the others are differences that lean on it: {found:?}");
    let done = world.engine.vacuum(2).await.unwrap();
    assert_eq!(done.damaged.len(), 1, "{done:?}");
    assert!(done.damaged[0].what.contains("rule 1"), "{done:?}");
    assert_eq!(versions(&world, 3).await, [4, 5]);
    // The next run stands by itself, and with it the segment can be cleaned up.
    world.refresh(15).await;
    assert!(world.engine.vacuum(1).await.unwrap().damaged.is_empty());
    world.refresh(16).await;
    world.engine.vacuum(1).await.unwrap();
    assert!(world.engine.check().await.unwrap().is_sound());
}

#[tokio::test]
async fn a_copy_answers_like_the_catalog() {
    let world = World::new().await;
    let to = world.folder.path().join("copy.db");
    world.engine.backup(&to).await.unwrap();
    world.refresh(20).await;
    let copy = SqliteCatalog::open(&to).unwrap();
    let store = world.folder.path().join("other store");
    let copy = super::support::engine(copy, &store, world.clock.clone()).await;
    assert!(copy.check().await.unwrap().is_sound());
    let (now, then) = (world.engine.segment_version(1, 5).await.unwrap(), copy.segment(1).await);
    assert_eq!(ints(&then.unwrap().keys().unwrap()), ints(&now.keys().unwrap()));
    assert_eq!(copy.runs(1, 99).await.unwrap().total, 5);
    let run = copy.refresh(Refresh::rules(["Recent"]).as_of(at(20))).await;
    // Its sources have to be registered first.
    assert_eq!(run.unwrap_err().code(), Code::MissingTable);
}

#[tokio::test]
async fn memory_is_no_file() {
    let engine = SegmentEngine::builder().catalog(MemoryCatalog::new()).build().await.unwrap();
    assert_eq!(engine.backup("/tmp/never.db").await.unwrap_err().code(), Code::Unsupported);
    assert_eq!(engine.vacuum(1).await.unwrap().versions, 0);
}
