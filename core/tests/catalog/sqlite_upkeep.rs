//! The file itself, made small and copied.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rusqlite::Connection;
use segmentry::{Catalog, CatalogUpkeep, Code, NewSegment, SqliteCatalog};
use tempfile::TempDir;

use super::keys::ints;
use super::support::{add, named, new_segment, page, publish};
use super::upkeep::{eight_versions, members};

fn catalog() -> (TempDir, PathBuf, SqliteCatalog) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audience.db");
    let catalog = SqliteCatalog::open(&path).unwrap();
    add(&catalog, named("One"));
    (folder, path, catalog)
}

fn log_of(path: &Path) -> u64 {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    std::fs::metadata(log).map_or(0, |file| file.len())
}

#[test]
fn space_is_given_back() {
    let (_folder, path, catalog) = catalog();
    for version in 0..10 {
        let big = NewSegment { since_version: version, ..new_segment(1, &vec![7; 300_000]) };
        publish(&catalog, version, &[big]);
    }
    assert!(catalog.bytes() > 3_000_000);
    catalog.drop_versions(1, 10).unwrap();
    let bytes = catalog.shrink().unwrap();
    assert!(bytes < 700_000, "{bytes}");
    assert_eq!(log_of(&path), 0);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), bytes);
    let version = catalog.versions(1).unwrap().pop().unwrap();
    assert_eq!(catalog.members(version.members_id).unwrap().whole, vec![7; 300_000]);
}

#[test]
fn others_that_read_keep_what_they_read() {
    let (_folder, path, catalog) = catalog();
    publish(&catalog, 0, &[new_segment(1, b"one")]);
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN; SELECT COUNT(*) FROM segmentry_run").unwrap();
    let count = || -> i64 {
        other.query_row("SELECT COUNT(*) FROM segmentry_run", [], |row| row.get(0)).unwrap()
    };
    assert_eq!(count(), 1);
    let quick = SqliteCatalog::open_with(&path, std::time::Duration::from_millis(50)).unwrap();
    publish(&quick, 1, &[]);
    quick.shrink().unwrap();
    assert_eq!(count(), 1);
    assert_eq!(quick.runs(&page(0, 9)).unwrap().1, 2);
}

#[test]
fn a_backup_is_a_catalog() {
    let (folder, path, catalog) = catalog();
    let versions = eight_versions(&catalog, 1, 0);
    assert!(catalog.append_keys(0, &ints(0, 70_000)).unwrap());
    let to = folder.path().join("copy.db");
    let bytes = catalog.backup(&to).unwrap();
    assert_eq!(std::fs::metadata(&to).unwrap().len(), bytes);
    assert_eq!(
        std::fs::metadata(&to).unwrap().permissions(),
        std::fs::metadata(&path).unwrap().permissions()
    );
    // What comes later is not in it.
    publish(&catalog, 99, &[]);
    let copy = SqliteCatalog::open(&to).unwrap();
    assert_eq!(copy.runs(&page(0, 99)).unwrap().1, 8);
    for version in 1..=8 {
        let expected = &versions[usize::try_from(version - 1).unwrap()];
        assert_eq!(members(&copy, 1, version), *expected);
    }
    assert_eq!(copy.keys(0).unwrap(), catalog.keys(0).unwrap());
    assert!(copy.check().unwrap().is_sound());
    let mut names: Vec<_> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.retain(|name| !name.to_string_lossy().ends_with("-wal"));
    names.retain(|name| !name.to_string_lossy().ends_with("-shm"));
    names.sort();
    assert_eq!(names, ["audience.db", "copy.db"]);
}

#[test]
fn nothing_is_written_over() {
    let (folder, path, catalog) = catalog();
    let there = folder.path().join("notes.txt");
    std::fs::write(&there, "mine").unwrap();
    for to in [&there, &path, &folder.path().to_owned()] {
        assert_eq!(catalog.backup(to).unwrap_err().code(), Code::AlreadyExists);
    }
    assert_eq!(std::fs::read_to_string(&there).unwrap(), "mine");
    let nowhere = folder.path().join("none").join("copy.db");
    assert_eq!(catalog.backup(&nowhere).unwrap_err().code(), Code::Io);
    assert!(catalog.check().unwrap().is_sound());
}

#[test]
fn a_catalog_without_a_file_is_copied_to_one() {
    let catalog = SqliteCatalog::open(":memory:").unwrap();
    add(&catalog, named("One"));
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().join("copy.db");
    assert!(catalog.backup(&to).unwrap() > 0);
    assert_eq!(SqliteCatalog::open(&to).unwrap().rules().unwrap().rules.len(), 1);
}

/// Copies are made while somebody publishes all the time: each has every run up to one, whole.
#[test]
fn a_catalog_in_use_is_copied_whole() {
    let (folder, path, catalog) = catalog();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let writer = SqliteCatalog::open(&path).unwrap();
            let mut version = 0;
            while !stop.load(Ordering::Relaxed) {
                let bytes = vec![7; 50_000];
                let next = NewSegment { since_version: version, ..new_segment(1, &bytes) };
                publish(&writer, version, &[next]);
                version += 1;
            }
        });
        let mut last = 0;
        for number in 0..20 {
            let to = folder.path().join(format!("{number}.db"));
            catalog.backup(&to).unwrap();
            let copy = SqliteCatalog::open(&to).unwrap();
            let versions = copy.versions(1).unwrap();
            let runs = copy.runs(&page(0, 9_999)).unwrap().1;
            assert_eq!(runs, versions.len() as i64);
            assert!(runs >= last);
            assert!(copy.check().unwrap().is_sound());
            last = runs;
        }
        stop.store(true, Ordering::Relaxed);
    });
}
