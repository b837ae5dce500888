//! One user forgotten: in segments, rules, store, dictionary, and in the bytes of the files.

use std::path::Path;

use segmentry::{CatalogUpkeep, Key, Refresh, RunEvent, SegmentEngine, SqliteCatalog};

use super::support::{USERS, World, at, engine, text_key};

/// Whether any file of a folder has these bytes.
fn is_there(folder: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return is_there(&path, bytes);
        }
        let content = std::fs::read(&path).unwrap();
        content.windows(bytes.len()).any(|part| part == bytes)
    })
}

#[tokio::test]
async fn nothing_of_a_forgotten_user_is_left_in_the_files() {
    let world = World::with_text_keys().await;
    let (gone, other) = (text_key(300), text_key(301));
    assert!(is_there(world.folder.path(), gone.as_bytes()));
    let forgotten = world.engine.forget(gone.as_str()).await.unwrap();
    // In "Recent" since the first run, and in "Tier 0".
    assert!(forgotten.known && forgotten.picked_by.is_empty());
    assert_eq!((forgotten.segments, forgotten.versions), (2, 10));
    assert!(!is_there(world.folder.path(), gone.as_bytes()));
    assert!(is_there(world.folder.path(), other.as_bytes()));
    assert!(world.engine.check().await.unwrap().is_sound());
    let status = world.engine.store_status().await.unwrap().unwrap();
    assert_eq!(status.rows, 0);
}

/// What an earlier form of the last block had, and what is deleted, is in no free page either.
#[tokio::test]
async fn what_was_written_before_is_gone_too() {
    let world = World::with_text_keys().await;
    let keys: Vec<i64> = (0..USERS + 3_000).collect();
    world.register(&keys, true);
    world.refresh(15).await;
    let gone = text_key(7);
    world.engine.forget(gone.as_str()).await.unwrap();
    assert!(!is_there(world.folder.path(), gone.as_bytes()));
}

#[tokio::test]
async fn every_version_is_as_if_the_user_had_never_been() {
    let world = World::new().await;
    let gone = 300;
    let versions = |rule: i64| {
        let engine = &world.engine;
        async move { engine.segment(rule).await.unwrap().versions().await.unwrap() }
    };
    let mut before = Vec::new();
    for rule in 1..=3 {
        for version in 1..=5 {
            let segment = world.engine.segment_version(rule, version).await.unwrap();
            before.push(segment.keys().unwrap().iter().collect::<Vec<Key>>());
        }
    }
    let loaded = world.engine.segment(3).await.unwrap();
    let forgotten = world.engine.forget(gone).await.unwrap();
    let held = before.iter().filter(|keys| keys.contains(&gone.into())).count();
    assert_eq!(forgotten.versions, held as u64);
    let mut before = before.into_iter();
    for rule in 1..=3 {
        for row in versions(rule).await {
            let segment = world.engine.segment_version(rule, row.version).await.unwrap();
            let mut expected = before.next().unwrap();
            expected.retain(|key| *key != gone.into());
            assert_eq!(segment.keys().unwrap().iter().collect::<Vec<Key>>(), expected);
            assert_eq!(row.row_count, expected.len() as i64);
        }
    }
    // A segment that is loaded is what it was, but nobody's key can be told from it.
    assert!(!loaded.contains(&gone.into()));
    assert!(loaded.keys().unwrap().iter().all(|key| key != gone.into()));
    assert!(world.engine.segments_of(gone).await.unwrap().is_empty());
    assert!(world.engine.check().await.unwrap().is_sound());
}

/// The sources still have the user, or have not.
#[tokio::test]
async fn who_comes_again_is_a_new_user() {
    for still_there in [true, false] {
        let world = World::new().await;
        let all = |keep: bool| (0..USERS).filter(move |key| keep || *key != 300).collect();
        let before = [world.keys(1).await, world.keys(2).await, world.keys(3).await];
        world.engine.forget(300).await.unwrap();
        let keys: Vec<i64> = all(still_there);
        world.register(&keys, false);
        let run = world.refresh(14).await;
        for (rule, mut expected) in (1..).zip(before) {
            if !still_there {
                expected.retain(|key| *key != 300.into());
            }
            assert_eq!(world.keys(rule).await, expected, "rule {rule}, there: {still_there}");
        }
        let entered: u64 = run.segments.iter().map(|segment| segment.entered).sum();
        assert_eq!(entered, if still_there { 2 } else { 0 });
        let first = world.engine.segment_version(3, 1).await.unwrap();
        let changes = world.engine.segment(3).await.unwrap().changes(1).await.unwrap();
        assert_eq!(changes.entered.len(), usize::from(still_there));
        assert!(!first.contains(&300.into()));
        assert!(world.engine.check().await.unwrap().is_sound());
    }
}

/// Another process knows the key already, and has a run under way in the sense that it has not
/// looked since.
#[tokio::test]
async fn other_processes_learn_of_it() {
    let world = World::new().await;
    let catalog = SqliteCatalog::open(world.path()).unwrap();
    let other = engine(catalog, &world.folder.path().join("other"), world.clock.clone()).await;
    let other = World { engine: other, ..World::new().await };
    let all: Vec<i64> = (0..USERS).collect();
    other.register(&all, false);
    assert!(other.engine.segment(3).await.unwrap().contains(&300.into()));
    world.engine.forget(300).await.unwrap();
    // It refreshes with a users table that still has the user.
    let run = other.engine.refresh(Refresh::all().as_of(at(15))).await.unwrap();
    assert!(run.failed.is_empty(), "{:?}", run.failed);
    assert!(other.engine.segment(3).await.unwrap().contains(&300.into()));
    let version = other.engine.segment_version(3, 5).await.unwrap();
    assert!(!version.contains(&300.into()));
    assert!(other.engine.check().await.unwrap().is_sound());
}

#[tokio::test]
async fn rules_that_pick_the_user_are_told_of() {
    let world = World::new().await;
    let rule = |name: &str, include: &[i64], exclude: &[i64]| {
        serde_json::json!({"rule_name": name, "conditions": [], "include": include,
            "exclude": exclude})
        .to_string()
    };
    let create = async |text: String| world.engine.create_rule(text.as_str()).await.unwrap();
    let one = create(rule("One", &[1, 300], &[])).await;
    let two = create(rule("Two", &[], &[300, 5])).await;
    let three = create(rule("Three", &[5], &[])).await;
    let four = create(rule("Four", &[300], &[])).await;
    let text = rule("Two again", &[], &[5]);
    world.engine.update_rule(two, text.as_str()).await.unwrap();
    world.engine.delete_rule(four).await.unwrap();
    let forgotten = world.engine.forget(300).await.unwrap();
    let told: Vec<_> = forgotten
        .picked_by
        .iter()
        .map(|by| (by.rule_id, by.rule_name.as_str(), by.version, by.current, by.paths[0].as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (one, "One", 1, true, "/include/1"),
            (two, "Two", 1, false, "/exclude/0"),
            (four, "Four", 1, false, "/include/0"),
        ]
    );
    let kept = world.engine.rule(one).await.unwrap().document;
    assert_eq!(kept["include"], serde_json::json!([1, 300]));
    assert!(world.engine.rule(three).await.is_ok());
}

#[tokio::test]
async fn nobody_of_that_key_is_no_error() {
    let world = World::new().await;
    let before = world.keys(3).await;
    assert!(!world.engine.forget(999_999).await.unwrap().known);
    assert!(!world.engine.forget("nobody").await.unwrap().known);
    assert_eq!(world.keys(3).await, before);
    // A text that is a number is one, as for `segments_of`.
    assert!(world.engine.forget("300").await.unwrap().known);
    let empty = SegmentEngine::builder().build().await.unwrap();
    assert!(!empty.forget(1).await.unwrap().known);
}

/// Where the rank ended is forgotten with the user, and found out anew.
#[tokio::test]
async fn where_a_rank_ended_is_forgotten() {
    let world = World::new().await;
    let last = world.keys(2).await.into_iter().min().unwrap();
    world.engine.forget(last).await.unwrap();
    let row = world.engine.segments(1, 9, Some("Top")).await.unwrap().items.remove(0);
    assert_eq!(row.cutoffs.as_deref(), Some("{}"));
    assert_eq!(row.row_count, 99);
    let run = world.refresh(14).await;
    assert_eq!(run.segments.iter().find(|s| s.rule_id == 2).unwrap().row_count, 100);
}

/// A run that has read its users already publishes without the one who is forgotten meanwhile by
/// another process; to the next run that user is a new one.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_under_way_publishes_without_the_user() {
    let world = World::new().await;
    let other = SqliteCatalog::open(world.path()).unwrap();
    let forget = move |event: &RunEvent| {
        if matches!(event, RunEvent::Started { .. }) {
            assert!(other.forget(&300.into()).unwrap().known);
        }
    };
    let refresh = Refresh::all().as_of(at(15)).progress(forget);
    let run = world.engine.refresh(refresh).await.unwrap();
    assert!(run.failed.is_empty() && run.segments.len() == 3, "{run:?}");
    for rule in [1, 3] {
        assert!(!world.keys(rule).await.contains(&300.into()));
    }
    assert!(world.engine.check().await.unwrap().is_sound());
    let run = world.refresh(15).await;
    let entered: Vec<u64> = run.segments.iter().map(|segment| segment.entered).collect();
    assert_eq!(entered.iter().sum::<u64>(), 2, "{entered:?}");
    for rule in [1, 3] {
        assert!(world.keys(rule).await.contains(&300.into()));
    }
    assert!(world.engine.check().await.unwrap().is_sound());
}
