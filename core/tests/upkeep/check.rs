//! What `check` looks at, and that it finds everything that is damaged at once.

use segmentry::{CatalogUpkeep, Check, Code, MemoryCatalog, SegmentEngine, SqliteCatalog};

use super::support::{World, damage};

fn found(check: &Check) -> Vec<String> {
    check
        .damaged
        .iter()
        .map(|damage| {
            assert!(!damage.hint.is_empty() && !damage.message.is_empty(), "{damage:?}");
            damage.what.clone()
        })
        .collect()
}

#[tokio::test]
async fn everything_is_looked_at() {
    let world = World::new().await;
    let check = world.engine.check().await.unwrap();
    assert!(check.is_sound(), "{:?}", check.damaged);
    let seen = |kind: &str| check.looked_at.get(kind).copied().unwrap_or(0);
    assert_eq!([seen("rules"), seen("segments"), seen("versions")], [3, 3, 15]);
    assert_eq!([seen("runs"), seen("keys")], [5, 2_000]);
    assert_eq!([seen("store tables"), seen("store parts")], [1, 1]);
    assert!(seen("pages") > 10);
}

#[tokio::test]
async fn nothing_is_sound() {
    let engine = SegmentEngine::builder().catalog(MemoryCatalog::new()).build().await.unwrap();
    assert!(engine.check().await.unwrap().is_sound());
}

#[tokio::test]
async fn each_damage_is_found_where_it_is() {
    let world = World::new().await;
    let row = "(SELECT members_id FROM segmentry_version WHERE rule_id = 1 AND version = 2)";
    for (sql, what, code) in [
        (
            format!("UPDATE segmentry_members SET data = zeroblob(40) WHERE id = {row}"),
            "version 2 of the segment of rule 1",
            Code::Damaged,
        ),
        (
            "UPDATE segmentry_version SET row_count = 7 WHERE rule_id = 3 AND version = 4".into(),
            "version 4 of the segment of rule 3",
            Code::Damaged,
        ),
        (
            "UPDATE segmentry_version SET entered = 0 WHERE rule_id = 1 AND version = 3".into(),
            "version 3 of the segment of rule 1",
            Code::Damaged,
        ),
        (
            "UPDATE segment_catalog SET row_count = 7 WHERE rule_id = 2".into(),
            "the segment of rule 2",
            Code::Damaged,
        ),
        (
            "UPDATE segmentry_version SET basis = '{' WHERE rule_id = 2".into(),
            "the segment of rule 2",
            Code::Damaged,
        ),
        (
            "UPDATE segmentry_version SET as_of = 'soon' WHERE rule_id = 3 AND version = 1".into(),
            "the versions of the segment of rule 3",
            Code::Damaged,
        ),
        ("UPDATE segmentry_run SET report = 'x' WHERE id = 3".into(), "run 3", Code::Damaged),
        (
            "UPDATE rule_table SET conditions = '[{}' WHERE id = 3".into(),
            "rule 3 (\"Tier 0\")",
            Code::Malformed,
        ),
        (
            "UPDATE segmentry_key_block SET data = zeroblob(length(data))".into(),
            "block 0 of the user keys",
            Code::Damaged,
        ),
        (
            "DELETE FROM segmentry_meta WHERE name = 'last_segment'".into(),
            "the counters of the catalog",
            Code::Damaged,
        ),
        (
            "DELETE FROM segmentry_run WHERE id = 2".into(),
            "row 2 of segmentry_version",
            Code::Damaged,
        ),
    ] {
        let path = world.folder.path().join("copy.db");
        world.engine.backup(&path).await.unwrap();
        damage(&path, &sql);
        let catalog = SqliteCatalog::open(&path).unwrap();
        let copy = SegmentEngine::builder().catalog(catalog).build().await;
        // Without its keys no engine is made, and the catalog tells by itself.
        let check = match copy {
            Ok(copy) => copy.check().await.unwrap(),
            Err(error) => {
                assert_eq!(error.code(), Code::Damaged, "{error}");
                SqliteCatalog::open(&path).unwrap().check().unwrap()
            }
        };
        std::fs::remove_file(&path).unwrap();
        let found = found(&check);
        // What leans on it is damaged too.
        let named = |found: &String| found == what || what.starts_with("row 2 of");
        assert!(found.iter().any(named), "{sql}: {found:?}");
        assert!(check.damaged.iter().any(|damage| damage.code == code), "{sql}: {check:?}");
    }
}

#[tokio::test]
async fn all_damage_is_told_at_once() {
    let world = World::new().await;
    world.damage("UPDATE segmentry_members SET checksum = checksum + 1");
    world.damage("UPDATE segmentry_run SET report = 'x' WHERE id = 3");
    world.damage("UPDATE rule_table SET conditions = '{' WHERE id = 1");
    let check = world.engine.check().await.unwrap();
    let found = found(&check);
    // Versions with shared members are each damaged.
    assert_eq!(found.iter().filter(|what| what.starts_with("version")).count(), 15, "{found:?}");
    assert!(found.contains(&"run 3".to_owned()), "{found:?}");
    assert!(found.contains(&"rule 1 (\"Recent\")".to_owned()), "{found:?}");
}

#[tokio::test]
async fn every_file_of_the_store_is_read() {
    let world = World::new().await;
    let mut files: Vec<_> = std::fs::read_dir(world.store())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap() != "lock")
        .collect();
    files.sort();
    assert!(files.len() >= 3, "{files:?}");
    for path in files {
        let good = std::fs::read(&path).unwrap();
        let last = good.len() - 1;
        for at in [0, good.len() / 2, last] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            let check = world.engine.check().await.unwrap();
            assert_eq!(found(&check).len(), 1, "{}: {check:?}", path.display());
            assert_eq!(check.damaged[0].place, world.store().display().to_string());
        }
        std::fs::remove_file(&path).unwrap();
        let missing = world.engine.check().await.unwrap();
        // Without a manifest there is no store.
        let expected = usize::from(!path.ends_with("store.json"));
        assert_eq!(missing.damaged.len(), expected, "{}: {missing:?}", path.display());
        std::fs::write(&path, &good).unwrap();
        assert!(world.engine.check().await.unwrap().is_sound());
    }
}
