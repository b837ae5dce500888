//! Many small parts become few, and nobody sees a difference; what the store says of itself.

use std::path::Path;

use segmentry::{FileOptions, Freshness, SegmentEngine, StoreStatus, TableOptions};

use super::support::{
    RULES, Visit, agree, batch, check, create_rules, engine, hourly, read, refresh_of, rule, write,
};
use super::{damage, files};

/// An engine over a folder of visits, and what is in it.
struct World {
    folder: tempfile::TempDir,
    visits: Vec<Visit>,
    files: usize,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World { folder, visits: Vec::new(), files: 0 };
        world.add(hourly(0, 30));
        world
    }

    fn store(&self) -> std::path::PathBuf {
        self.folder.path().join("store")
    }

    async fn engine(&self) -> SegmentEngine {
        let engine = engine(Some(&self.store())).await;
        let options = FileOptions::default().append_only(true);
        engine.add_parquet_with("visits", self.events(), options).await.unwrap();
        create_rules(&engine).await;
        engine
    }

    fn events(&self) -> std::path::PathBuf {
        self.folder.path().join("visits")
    }

    fn add(&mut self, visits: Vec<Visit>) {
        self.files += 1;
        write(&self.events(), &format!("{}.parquet", self.files), &visits);
        self.visits.extend(visits);
    }

    /// One visit of one user in an hour of the last day.
    fn add_one(&mut self, user: i64) {
        self.add(vec![(0, user, 10 + user % 20)]);
    }
}

async fn status(engine: &SegmentEngine) -> StoreStatus {
    engine.store_status().await.unwrap().unwrap()
}

fn on_disk(store: &Path) -> u64 {
    ["part", "words", "users", "json"]
        .iter()
        .flat_map(|ending| files(store, ending))
        .map(|file| file.metadata().unwrap().len())
        .sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merging_leaves_few_parts_and_hides_nothing() {
    let mut world = World::new();
    let stored = world.engine().await;
    agree(&stored, &world.visits, 30).await;
    for user in 0..30 {
        world.add_one(user);
        let run = refresh_of(&stored, &RULES, 30).await;
        assert_eq!(
            (run.rules_incremental, run.users_evaluated, read(&run)),
            (3, 1, 1),
            "what is merged is not new"
        );
        if user % 7 == 0 {
            check(&stored, &world.visits, 30).await;
        }
        let status = status(&stored).await;
        assert!(status.tables[0].parts <= 8 && status.damaged.is_empty(), "{status:?}");
        assert_eq!(status.bytes, on_disk(&world.store()), "nothing is left over");
    }
    check(&stored, &world.visits, 30).await;
    assert_eq!(status(&stored).await.rows, 3_030);
}

/// A rule whose last run is older than what was merged sees all that has come since, and no more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merging_keeps_what_is_new_to_a_rule_that_runs_seldom() {
    let mut world = World::new();
    let stored = world.engine().await;
    agree(&stored, &world.visits, 30).await;
    let compacted = world.visits.len();
    for user in 0..12 {
        world.add_one(user);
        refresh_of(&stored, &["Many"], 30).await;
        match user {
            4 => drop(refresh_of(&stored, &["Mean"], 30).await),
            8 => assert_eq!(stored.compact().await.unwrap().unwrap().tables[0].parts, 1),
            _ => {}
        }
    }
    assert_eq!(world.visits.len(), compacted + 12);
    let run = refresh_of(&stored, &["Much"], 30).await;
    assert_eq!((run.rules_incremental, run.users_evaluated), (1, 12));
    let run = refresh_of(&stored, &["Mean"], 30).await;
    assert_eq!((run.rules_incremental, run.users_evaluated), (1, 7));
    check(&stored, &world.visits, 30).await;
    // An edge that moves over what was merged is seen as well.
    let run = agree(&stored, &world.visits, 31).await;
    assert_eq!(run.rules_incremental, 0, "everybody has a visit an hour");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compact_leaves_one_part_and_what_rules_ask_for() {
    let mut world = World::new();
    let stored = world.engine().await;
    let other = serde_json::json!({
        "rule_name": "Numbered",
        "conditions": [{"events": "visits", "aggregate": "max", "field": "number",
                        "operator": ">", "value": 2_000}],
    });
    stored.create_rule(other.to_string().as_str()).await.unwrap();
    stored.refresh(segmentry::Refresh::all()).await.unwrap();
    for user in 0..5 {
        world.add_one(user);
        agree(&stored, &world.visits, 30).await;
    }
    let before = status(&stored).await;
    let about = &before.tables[0];
    assert_eq!((about.parts, about.rows, before.rows), (6, 3_005, 3_005));
    let mut columns = about.columns.clone();
    assert_eq!(columns.remove(0), "at");
    columns.sort();
    assert_eq!(columns, ["amount", "kind", "number"]);
    std::fs::write(world.store().join("g1-left.part"), "over").unwrap();
    assert_eq!(status(&stored).await.bytes, before.bytes + 4);

    stored.delete_rule("Numbered").await.unwrap();
    let after = stored.compact().await.unwrap().unwrap();
    let about = &after.tables[0];
    assert_eq!((about.parts, about.rows), (1, 3_005));
    assert_eq!(about.generation, before.tables[0].generation, "nothing has come");
    assert_eq!(about.columns.len(), 3, "{:?}", about.columns);
    assert!(after.bytes < before.bytes, "{} of {}", after.bytes, before.bytes);
    assert_eq!(after.bytes, on_disk(&world.store()));
    let run = agree(&stored, &world.visits, 30).await;
    assert_eq!((read(&run), run.rules_incremental, run.users_evaluated), (0, 3, 0));
    world.add_one(9);
    let run = agree(&stored, &world.visits, 30).await;
    assert_eq!((read(&run), run.rules_incremental, run.users_evaluated), (1, 3, 1));

    // Twice is once, and another process finds it so.
    let once = stored.compact().await.unwrap().unwrap();
    let twice = stored.compact().await.unwrap().unwrap();
    assert_eq!(once.tables, twice.tables);
    let again = world.engine().await;
    assert_eq!(read(&agree(&again, &world.visits, 30).await), 0);

    // A table that no rule asks about is of no use.
    for name in RULES {
        stored.delete_rule(name).await.unwrap();
    }
    assert!(stored.compact().await.unwrap().unwrap().tables.is_empty());
    assert!(files(&world.store(), ".part").is_empty());
    stored.create_rule(rule("Many").as_str()).await.unwrap();
    assert_eq!(read(&refresh_of(&stored, &["Many"], 30).await), 3_006);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compact_lets_a_cursor_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let stored = engine(Some(&folder.path().join("store"))).await;
    let mut visits = hourly(0, 30);
    let register = |visits: &[Visit]| {
        let options = TableOptions::default().cursor("number");
        stored.add_arrow_with("visits", vec![batch(visits)], options).unwrap();
    };
    register(&visits);
    create_rules(&stored).await;
    for user in 0..4 {
        visits.push((3_000 + user, user, 20));
        register(&visits);
        agree(&stored, &visits, 30).await;
    }
    stored.delete_rule("Much").await.unwrap();
    stored.delete_rule("Many").await.unwrap();
    let after = stored.compact().await.unwrap().unwrap();
    assert_eq!((after.tables[0].parts, after.rows), (1, 3_004));
    visits.push((3_004, 4, 20));
    register(&visits);
    let run = refresh_of(&stored, &["Mean"], 30).await;
    assert_eq!((run.rules_incremental, run.users_evaluated), (1, 1));
    assert_eq!(status(&stored).await.tables[0].parts, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compact_keeps_everything_where_it_can_not_be_told_what_rules_ask() {
    let world = World::new();
    let stored = world.engine().await;
    agree(&stored, &world.visits, 30).await;
    let columns = status(&stored).await.tables[0].columns.clone();
    // An engine that nobody has told of tables.
    let bare = SegmentEngine::builder().store(world.store()).build().await.unwrap();
    let after = bare.compact().await.unwrap().unwrap();
    assert_eq!(after.tables[0].columns, columns);
    assert_eq!(after.tables[0].freshness, Freshness::Unknown);
    assert_eq!(read(&agree(&stored, &world.visits, 30).await), 0);
    let none = SegmentEngine::builder().build().await.unwrap();
    assert_eq!(none.store_status().await.unwrap(), None);
    assert_eq!(none.compact().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_to_what_was_merged_is_mended() {
    for (ending, cut) in [(".part", true), (".part", false), (".words", false), ("json", false)] {
        for compact in [false, true] {
            let mut world = World::new();
            let stored = world.engine().await;
            agree(&stored, &world.visits, 30).await;
            for user in 0..9 {
                world.add_one(user);
                refresh_of(&stored, &RULES, 30).await;
            }
            stored.compact().await.unwrap();
            damage(&world.store(), ending, cut);
            let again = world.engine().await;
            assert_eq!(status(&again).await.damaged.len(), 1, "{ending}");
            if compact {
                let after = again.compact().await.unwrap().unwrap();
                assert!(after.damaged.is_empty() && after.tables.is_empty(), "{after:?}");
            }
            world.add_one(40);
            agree(&again, &world.visits, 30).await;
            let damaged = status(&again).await.damaged;
            assert!(damaged.is_empty(), "{ending} {compact}: {damaged:?}");
            assert_eq!(read(&agree(&again, &world.visits, 30).await), 0);
        }
    }
}

/// Parts that are merged while one of them is damaged are read from the sources.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merging_what_is_damaged_reads_the_sources() {
    let mut world = World::new();
    let stored = world.engine().await;
    agree(&stored, &world.visits, 30).await;
    for user in 0..7 {
        world.add_one(user);
        refresh_of(&stored, &RULES, 30).await;
    }
    assert_eq!(files(&world.store(), ".part").len(), 8);
    for path in files(&world.store(), ".part") {
        let mut bytes = std::fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(path, bytes).unwrap();
    }
    let again = world.engine().await;
    world.add_one(50);
    agree(&again, &world.visits, 30).await;
    assert_eq!(status(&again).await.tables[0].parts, 1);
    assert_eq!(read(&agree(&again, &world.visits, 30).await), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn status_tells_what_is_stored_and_how_fresh_it_is() {
    let mut world = World::new();
    let stored = world.engine().await;
    let empty = status(&stored).await;
    assert_eq!((empty.rows, empty.tables.len(), empty.damaged.len()), (0, 0, 0));
    assert_eq!(empty.folder, world.store());
    agree(&stored, &world.visits, 30).await;
    let first = status(&stored).await;
    assert_eq!(first.tables[0].table, "visits");
    assert_eq!((first.tables[0].rows, first.tables[0].parts), (3_000, 1));
    assert_eq!(first.tables[0].freshness, Freshness::Current);
    assert_eq!(first.bytes, on_disk(&world.store()));
    assert!(first.tables[0].bytes < first.bytes);
    world.add_one(3);
    assert_eq!(status(&stored).await.tables[0].freshness, Freshness::Behind);
    agree(&stored, &world.visits, 31).await;
    let second = status(&stored).await;
    assert_eq!(second.tables[0].freshness, Freshness::Current);
    assert!(second.tables[0].read_at > first.tables[0].read_at);
    assert!(second.tables[0].generation > first.tables[0].generation);
    // What was looked at and found as it was is as fresh as what was read.
    agree(&stored, &world.visits, 32).await;
    let third = status(&stored).await;
    assert!(third.tables[0].read_at > second.tables[0].read_at);
    assert_eq!(third.tables[0].generation, second.tables[0].generation);
    stored.remove_source("visits").unwrap();
    assert_eq!(status(&stored).await.tables[0].freshness, Freshness::Unknown);
    let json = serde_json::to_value(&third).unwrap();
    assert_eq!(json["tables"][0]["freshness"], "current");
    assert_eq!(serde_json::from_value::<StoreStatus>(json).unwrap(), third);
}
