//! The file itself: what is opened, what is refused, and what outlives the process.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use segmentry::{Catalog, Code, Kind, RuleChange, SqliteCatalog};

use super::keys::{ints, texts};
use super::support::{
    add, change, current_members, difference, full, named, new_segment, page, publish, segment,
    stored, unchanged,
};

fn refused(path: &Path) -> segmentry::Error {
    let error = SqliteCatalog::open(path).unwrap_err();
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    error
}

#[test]
fn the_bundled_sqlite_has_no_wal_reset_corruption() {
    assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
}

#[test]
fn everything_is_there_after_reopening() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Zielgruppen – 例.db");
    let catalog = SqliteCatalog::open(&path).unwrap();
    add(&catalog, full("One"));
    add(&catalog, named("Two"));
    publish(&catalog, 5, &[new_segment(1, b"one"), new_segment(2, b"two")]);
    change(&catalog, &[RuleChange::Delete { id: 2 }], 9);
    assert!(catalog.append_keys(0, &texts(0, 70_000)).unwrap());
    let state = |catalog: &SqliteCatalog| {
        (
            catalog.rules().unwrap(),
            catalog.rule_history(2).unwrap(),
            catalog.keys(0).unwrap(),
            catalog.segments(&page(0, 9)).unwrap(),
            catalog.versions(1).unwrap(),
            catalog.runs(&page(0, 9)).unwrap(),
            current_members(catalog, 1),
        )
    };
    let before = state(&catalog);
    drop(catalog);
    let catalog = SqliteCatalog::open(&path).unwrap();
    assert_eq!(state(&catalog), before);
    assert_eq!(catalog.location(), path.display().to_string());
}

#[test]
fn the_file_is_durable_and_in_wal_mode() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audience.db");
    let _catalog = SqliteCatalog::open(&path).unwrap();
    let connection = Connection::open(&path).unwrap();
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn an_empty_file_becomes_a_catalog() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audience.db");
    fs::write(&path, b"").unwrap();
    add(&SqliteCatalog::open(&path).unwrap(), named("One"));
}

#[test]
fn unchanged_members_are_not_written_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audience.db");
    let catalog = SqliteCatalog::open(&path).unwrap();
    add(&catalog, named("One"));
    publish(&catalog, 1, &[new_segment(1, &vec![7; 1_000_000])]);
    publish(&catalog, 2, &[unchanged(1, 1)]);
    drop(catalog);
    assert!(fs::metadata(&path).unwrap().len() < 1_500_000);
}

#[test]
fn of_a_difference_only_the_difference_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audience.db");
    let catalog = SqliteCatalog::open(&path).unwrap();
    add(&catalog, named("One"));
    publish(&catalog, 1, &[new_segment(1, &vec![7; 1_000_000])]);
    for since_version in 1..=50 {
        publish(&catalog, 2, &[difference(1, since_version, &[8; 1_000])]);
    }
    drop(catalog);
    assert!(fs::metadata(&path).unwrap().len() < 2_000_000);
}

/// A catalog, and beside it the log of a process that was killed, in the mode of a newer one.
fn newer(path: &Path) {
    drop(SqliteCatalog::open(path).unwrap());
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("PRAGMA user_version = 99; CREATE TABLE segmentry_new (x);").unwrap();
}

#[test]
fn a_newer_catalog_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    for mode in ["WAL", "DELETE"] {
        let path = folder.path().join(format!("{mode}.db"));
        newer(&path);
        let sql = format!("PRAGMA journal_mode = {mode}");
        Connection::open(&path).unwrap().query_row(&sql, [], |_| Ok(())).unwrap();
        let before = fs::read(&path).unwrap();
        let error = refused(&path);
        assert_eq!((error.code(), error.kind()), (Code::NewerCatalog, Kind::Data));
        assert!(error.to_string().contains("99"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before, "{mode}");
    }
}

#[test]
fn a_newer_catalog_with_a_log_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("live.db");
    drop(SqliteCatalog::open(&source).unwrap());
    let live = Connection::open(&source).unwrap();
    live.execute_batch("PRAGMA wal_autocheckpoint = 0; PRAGMA user_version = 99;").unwrap();
    // What a killed process leaves: the newer version stands in the log only.
    let path = folder.path().join("killed.db");
    let log = |path: &Path| path.with_extension("db-wal");
    fs::copy(&source, &path).unwrap();
    fs::copy(log(&source), log(&path)).unwrap();
    let before = (fs::read(&path).unwrap(), fs::read(log(&path)).unwrap());
    assert!(!before.1.is_empty());
    assert_eq!(refused(&path).code(), Code::NewerCatalog);
    assert_eq!((fs::read(&path).unwrap(), fs::read(log(&path)).unwrap()), before);
}

#[test]
fn the_database_of_another_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for version in [1, 5, -3] {
        let path = folder.path().join(format!("other{version}.db"));
        let sql = format!("CREATE TABLE theirs (x); PRAGMA user_version = {version}");
        Connection::open(&path).unwrap().execute_batch(&sql).unwrap();
        let before = fs::read(&path).unwrap();
        let error = refused(&path);
        assert_eq!(error.code(), Code::Damaged);
        assert!(error.to_string().contains("user_version"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[test]
fn what_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (number, bytes) in
        [&b"x"[..], b"rule_name,conditions\n", &[0; 4096], &[b'z'; 100_000]].iter().enumerate()
    {
        let path = folder.path().join(format!("{number}.csv"));
        fs::write(&path, bytes).unwrap();
        assert_eq!(refused(&path).code(), Code::Damaged, "{number}");
        assert_eq!(&fs::read(&path).unwrap(), bytes);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), number + 1);
    }
}

#[test]
fn a_path_that_cannot_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing/audience.db");
    let error = refused(&missing);
    assert_eq!(error.code(), Code::Io);
    assert!(error.to_string().contains("no folder"), "{error}");
    assert!(!folder.path().join("missing").exists());
    assert_eq!(refused(folder.path()).code(), Code::Io);
    assert_eq!(SqliteCatalog::open("").unwrap_err().code(), Code::Io);
}

#[test]
fn a_lock_that_is_kept_is_busy() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audience.db");
    let catalog = SqliteCatalog::open_with(&path, Duration::from_millis(50)).unwrap();
    add(&catalog, named("One"));
    let rules = catalog.rules().unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE; UPDATE rule_table SET rule_name = 'x'").unwrap();

    let insert = [RuleChange::Insert { id: 2, text: named("Two") }];
    let error = catalog.change_rules(rules.revision, &insert, super::support::at(1)).unwrap_err();
    assert_eq!((error.code(), error.kind()), (Code::Busy, Kind::Busy));
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    assert_eq!(catalog.append_keys(0, &ints(0, 1)).unwrap_err().code(), Code::Busy);
    // Reading goes on, and sees what was there before.
    assert_eq!(catalog.rules().unwrap(), rules);
    // So does opening, which writes nothing.
    let second = SqliteCatalog::open_with(&path, Duration::from_millis(50)).unwrap();
    assert_eq!(second.rules().unwrap(), rules);
    other.execute_batch("ROLLBACK").unwrap();
    add(&catalog, named("Two"));
}

#[test]
fn an_absurd_timeout_is_only_a_long_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audience.db");
    let catalog = SqliteCatalog::open_with(path, Duration::MAX).unwrap();
    add(&catalog, named("One"));
}

#[test]
fn catalogs_in_memory_are_apart() {
    let (one, two) =
        (SqliteCatalog::open(":memory:").unwrap(), SqliteCatalog::open(":memory:").unwrap());
    add(&one, named("One"));
    publish(&one, 1, &[new_segment(1, b"one")]);
    assert_eq!(segment(&one, 1).rule_id, 1);
    assert!(two.rules().unwrap().rules.is_empty());
    assert_eq!(one.location(), ":memory:");
    assert!(!Path::new(":memory:").exists());
}

/// What undoes the migrations to each schema from the second on, the last one first.
const UNDONE: [&str; 6] = [
    "DROP TRIGGER segmentry_guard_deleted; DROP TABLE segmentry_guard; PRAGMA user_version = 6;",
    "DROP TABLE segmentry_forgotten; PRAGMA user_version = 5;",
    "DROP TABLE segmentry_lease; DROP TABLE segmentry_schedule; DROP TABLE segmentry_queue;
     DROP TRIGGER segmentry_rule_unscheduled;
     DELETE FROM segmentry_meta WHERE name = 'fence'; PRAGMA user_version = 4;",
    "DROP INDEX segmentry_members_base; ALTER TABLE segmentry_members DROP COLUMN base;
     ALTER TABLE segmentry_version DROP COLUMN differences;
     ALTER TABLE segmentry_version DROP COLUMN difference_bytes; PRAGMA user_version = 3;",
    "ALTER TABLE segmentry_version DROP COLUMN cutoffs; PRAGMA user_version = 2;",
    "ALTER TABLE segmentry_version DROP COLUMN reused;
     ALTER TABLE segmentry_version DROP COLUMN basis; PRAGMA user_version = 1;",
];

#[test]
fn a_catalog_of_an_earlier_schema_is_brought_up_to_date() {
    for undone in 1..=UNDONE.len() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audience.db");
        let catalog = SqliteCatalog::open(&path).unwrap();
        add(&catalog, named("One"));
        publish(&catalog, 1, &[new_segment(1, b"members")]);
        drop(catalog);
        Connection::open(&path).unwrap().execute_batch(&UNDONE[..undone].concat()).unwrap();
        let catalog = SqliteCatalog::open(&path).unwrap();
        let segment = catalog.segment(1).unwrap().unwrap();
        assert_eq!(segment.cutoffs.is_none(), undone >= 5);
        assert_eq!(segment.reused.is_none() && segment.basis.is_none(), undone == 6);
        assert_eq!(current_members(&catalog, 1), b"members");
        publish(&catalog, 2, &[difference(1, 1, b"more")]);
        let segment = catalog.segment(1).unwrap().unwrap();
        assert!(segment.basis.is_some() && segment.cutoffs.is_some());
        assert!(catalog.leases().unwrap().is_empty() && catalog.queued().unwrap().is_empty());
        let members = catalog.members(segment.current.unwrap().members_id).unwrap();
        assert_eq!(members, stored(b"members", &[b"more"]));
    }
}

#[test]
fn a_path_is_no_address() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file:x?mode=ro");
    add(&SqliteCatalog::open(&path).unwrap(), full("One"));
    let names = fs::read_dir(folder.path()).unwrap();
    let names: Vec<_> = names.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["file:x?mode=ro"]);
    let error = SqliteCatalog::open(folder.path().join("a\0b")).unwrap_err();
    assert_eq!(error.code(), Code::Io, "{error}");
}
