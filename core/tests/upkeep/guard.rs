//! Publications that are held back because too much would change, and the feed of what did.

use std::sync::{Arc, Mutex};

use segmentry::{Code, MemoryCatalog, Refresh, SegmentEngine, SqliteCatalog};

use super::support::{USERS, World, at, engine};

fn users(count: i64) -> Vec<i64> {
    (0..count).collect()
}

#[tokio::test]
async fn implausible_changes_are_held_back() {
    let world = World::new().await;
    let needs = serde_json::json!({"rule_name": "Needs", "depends_on": [3],
        "operation": "INTERSECTION", "conditions": []});
    let needs = world.engine.create_rule(needs.to_string().as_str()).await.unwrap();
    world.refresh(14).await;
    world.engine.set_max_change("Tier 0", 0.5).await.unwrap();
    world.engine.set_max_change(1, 0.5).await.unwrap();
    let before = [world.keys(1).await, world.keys(3).await, world.keys(needs).await];
    world.register(&users(USERS / 4), false);
    let run = world.engine.refresh(Refresh::all().as_of(at(15))).await.unwrap();
    let mut failed: Vec<_> = run
        .failed
        .iter()
        .map(|failed| {
            assert_eq!(failed.problems[0]["code"], "implausible_change", "{failed:?}");
            assert!(failed.problems[0]["hint"].as_str().unwrap().contains("accept_change"));
            failed.rule_id
        })
        .collect();
    failed.sort_unstable();
    assert_eq!(failed, [1, 3]);
    assert_eq!(run.skipped.iter().map(|skip| skip.rule_id).collect::<Vec<_>>(), [needs]);
    assert_eq!(run.segments.iter().map(|s| s.rule_id).collect::<Vec<_>>(), [2]);
    // What was published stands, and tells so to who looks later.
    assert_eq!([world.keys(1).await, world.keys(3).await, world.keys(needs).await], before);
    let stored = world.engine.run(run.id).await.unwrap();
    assert_eq!(stored.failed, run.failed);

    let accept = Refresh::all().as_of(at(15)).accept_change(["Tier 0"]);
    let run = world.engine.refresh(accept).await.unwrap();
    assert_eq!(run.failed.iter().map(|failed| failed.rule_id).collect::<Vec<_>>(), [1]);
    assert!(world.keys(needs).await.len() < before[2].len());
    // From there on it is the new size that counts.
    let run = world.engine.refresh(Refresh::rules([3]).as_of(at(16))).await.unwrap();
    assert!(run.failed.is_empty());
    world.engine.set_max_change(1, None).await.unwrap();
    let run = world.engine.refresh(Refresh::rules([1]).as_of(at(16))).await.unwrap();
    assert!(run.failed.is_empty());
}

#[tokio::test]
async fn as_much_as_is_allowed_is_published() {
    let world = World::new().await;
    world.engine.set_max_change(3, 0.5).await.unwrap();
    // 667 members, of whom 333 are within a half.
    for (count, held) in [(1_002, false), (501, false), (246, true), (249, true), (252, false)] {
        world.register(&users(count), false);
        let run = world.engine.refresh(Refresh::rules([3])).await.unwrap();
        assert_eq!(!run.failed.is_empty(), held, "{count}: {run:?}");
    }
    // All of it may go if that is allowed, and whatever comes after nobody is taken.
    world.engine.set_max_change(3, 1.0).await.unwrap();
    for count in [0, USERS] {
        world.register(&users(count), false);
        assert!(world.engine.refresh(Refresh::rules([3])).await.unwrap().failed.is_empty());
    }
}

#[tokio::test]
async fn guards_outlive_the_process_and_not_the_rule() {
    let world = World::new().await;
    world.engine.set_max_change(1, 0.25).await.unwrap();
    world.engine.set_max_change(2, 3.0).await.unwrap();
    let catalog = SqliteCatalog::open(world.path()).unwrap();
    let other = engine(catalog, &world.store(), world.clock.clone()).await;
    let guards = other.max_changes().await.unwrap();
    assert_eq!(guards.into_iter().collect::<Vec<_>>(), [(1, 0.25), (2, 3.0)]);
    other.delete_rule(2).await.unwrap();
    assert_eq!(world.engine.max_changes().await.unwrap().len(), 1);
    for bad in [-0.1, f64::NAN, f64::INFINITY] {
        let error = world.engine.set_max_change(1, bad).await.unwrap_err();
        assert_eq!(error.code(), Code::BadValue);
    }
    let missing = world.engine.set_max_change(99, 0.5).await.unwrap_err();
    assert_eq!(missing.code(), Code::NotFound);
    let accept = Refresh::all().accept_change([99]);
    assert_eq!(world.engine.refresh(accept).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn the_feed_tells_what_each_run_changed() {
    let world = World::new().await;
    let feed = world.engine.changes(0, 2).await.unwrap();
    let told: Vec<_> = feed
        .changes
        .iter()
        .map(|change| (change.run_id, change.rule_id, change.since, change.entered.len()))
        .collect();
    // Days 0 to 9 have 40 users each; nobody comes to the others in the second run but by rank.
    assert_eq!(told[..3], [(1, 1, Some(0), 400), (1, 2, Some(0), 100), (1, 3, Some(0), 667)]);
    assert_eq!((told[3].0, told[3].1, told[3].3), (2, 1, 40));
    assert_eq!(feed.up_to, 2);

    // Whoever follows the feed has what the segments have.
    let mut copies = vec![std::collections::BTreeSet::new(); 4];
    let mut up_to = 0;
    let mut runs = 0;
    loop {
        let feed = world.engine.changes(up_to, 2).await.unwrap();
        if feed.up_to == up_to {
            assert!(feed.changes.is_empty());
            runs += 1;
            if runs == 4 {
                break;
            }
            if runs == 3 {
                world.engine.vacuum(1).await.unwrap();
            }
            world.register(&users(USERS - 100 * runs), false);
            world.refresh(14 + runs).await;
            if runs == 3 {
                // The version that the copy is of is gone: it begins anew.
                world.engine.vacuum(1).await.unwrap();
            }
            continue;
        }
        for change in feed.changes {
            let copy = &mut copies[usize::try_from(change.rule_id).unwrap()];
            if change.since.is_none() {
                copy.clear();
            }
            for key in change.exited.iter() {
                assert!(copy.remove(&key), "{change:?}");
            }
            for key in change.entered.iter() {
                assert!(copy.insert(key), "{change:?}");
            }
        }
        up_to = feed.up_to;
    }
    for rule in 1..=3 {
        let keys: std::collections::BTreeSet<_> = world.keys(rule).await.into_iter().collect();
        assert_eq!(copies[usize::try_from(rule).unwrap()], keys, "rule {rule}");
    }
    assert_eq!(world.engine.changes(0, 0).await.unwrap_err().code(), Code::BadValue);
}

#[tokio::test]
async fn publications_are_told_of() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let builder = SegmentEngine::builder().catalog(MemoryCatalog::new());
    let engine = builder
        .on_published(move |run| heard.lock().unwrap().push((run.id, run.segments.len())))
        .build()
        .await
        .unwrap();
    let world = World { engine, ..World::new().await };
    world.register(&users(10), false);
    let rule = |name: &str, conditions: &str| {
        format!(r#"{{"rule_name": "{name}", "conditions": {conditions}}}"#)
    };
    world.engine.create_rule(rule("All", "[]").as_str()).await.unwrap();
    world
        .engine
        .create_rule(rule("None", r#"[{"field": "tier", "operator": ">", "value": 9}]"#).as_str())
        .await
        .unwrap();
    assert!(told.lock().unwrap().is_empty());
    let run = world.engine.refresh(Refresh::all()).await.unwrap();
    assert_eq!(*told.lock().unwrap(), [(run.id, 2)]);
    world.engine.refresh(Refresh::rules([1])).await.unwrap();
    assert_eq!(told.lock().unwrap().last(), Some(&(run.id + 1, 1)));
    assert!(world.engine.refresh(Refresh::rules([9])).await.is_err());
    assert_eq!(told.lock().unwrap().len(), 2);
}
