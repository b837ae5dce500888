//! Bytes that are not what was written are found when they are read.

use std::path::PathBuf;

use rusqlite::{Connection, params};
use segmentry::{Catalog, Code, SqliteCatalog};
use tempfile::TempDir;

use super::keys::{ints, texts};
use super::support::{add, named, new_segment, publish, segment};

fn catalog() -> (TempDir, PathBuf, SqliteCatalog) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audience.db");
    let catalog = SqliteCatalog::open(&path).unwrap();
    add(&catalog, named("One"));
    add(&catalog, named("Two"));
    (folder, path, catalog)
}

fn sql(path: &PathBuf, sql: &str) {
    assert_eq!(Connection::open(path).unwrap().execute(sql, []).unwrap(), 1, "{sql}");
}

#[test]
fn damaged_members_are_found() {
    let damages = [
        "UPDATE segmentry_members SET data = x'6f6e66' WHERE id = ?1",
        "UPDATE segmentry_members SET data = x'' WHERE id = ?1",
        "UPDATE segmentry_members SET checksum = checksum + 1 WHERE id = ?1",
        "UPDATE segmentry_members SET data = 'one' WHERE id = ?1",
        "DELETE FROM segmentry_members WHERE id = ?1",
    ];
    for damage in damages {
        let (_folder, path, catalog) = catalog();
        publish(&catalog, 1, &[new_segment(1, b"one"), new_segment(2, b"two")]);
        let id = |rule| segment(&catalog, rule).current.unwrap().members_id;
        let other = Connection::open(&path).unwrap();
        other.pragma_update(None, "foreign_keys", false).unwrap();
        other.execute(damage, params![id(1)]).unwrap();
        let error = catalog.members(id(1)).unwrap_err();
        assert_eq!(error.code(), Code::Damaged, "{damage}");
        assert_eq!(catalog.members(id(2)).unwrap(), b"two");
    }
}

#[test]
fn the_error_names_the_segment() {
    let (_folder, path, catalog) = catalog();
    publish(&catalog, 1, &[new_segment(2, b"two")]);
    sql(&path, "UPDATE segmentry_members SET data = x'00'");
    let id = segment(&catalog, 2).current.unwrap().members_id;
    let message = catalog.members(id).unwrap_err().to_string();
    assert!(message.contains("version 1 of the segment of rule 2"), "{message}");
    assert!(message.contains(&path.display().to_string()), "{message}");
}

#[test]
fn damaged_key_blocks_are_found() {
    for make in [ints, texts] {
        for damage in [
            "UPDATE segmentry_key_block SET data = substr(data, 1, 100) WHERE block = 1",
            "UPDATE segmentry_key_block SET data = zeroblob(length(data)) WHERE block = 1",
            "UPDATE segmentry_key_block SET count = 65535 WHERE block = 1",
            "UPDATE segmentry_key_block SET count = 65537 WHERE block = 1",
            "UPDATE segmentry_key_block SET block = 9 WHERE block = 1",
            "DELETE FROM segmentry_key_block WHERE block = 1",
            "UPDATE segmentry_key_block SET data = 'text' WHERE block = 1",
        ] {
            let (_folder, path, catalog) = catalog();
            assert!(catalog.append_keys(0, &make(0, 150_000)).unwrap());
            sql(&path, damage);
            let error = catalog.keys(0).unwrap_err();
            assert_eq!(error.code(), Code::Damaged, "{damage}: {error}");
            assert_eq!(catalog.keys(140_000).unwrap_or(None).is_some(), !damage.contains("= 9"));
        }
    }
}

#[test]
fn a_damaged_last_block_is_not_written_over() {
    let (_folder, path, catalog) = catalog();
    assert!(catalog.append_keys(0, &ints(0, 10)).unwrap());
    sql(&path, "UPDATE segmentry_key_block SET data = zeroblob(80)");
    assert_eq!(catalog.append_keys(10, &ints(10, 11)).unwrap_err().code(), Code::Damaged);
}

#[test]
fn a_key_type_that_nobody_wrote_is_found() {
    let (_folder, path, catalog) = catalog();
    assert!(catalog.append_keys(0, &ints(0, 10)).unwrap());
    sql(&path, "UPDATE segmentry_meta SET value = 'uuid' WHERE name = 'key_type'");
    assert_eq!(catalog.key_type().unwrap_err().code(), Code::Damaged);
    sql(&path, "UPDATE segmentry_meta SET value = 'text' WHERE name = 'key_type'");
    assert_eq!(catalog.keys(0).unwrap_err().code(), Code::Damaged);
}

#[test]
fn an_instant_that_nobody_wrote_is_found() {
    let (_folder, path, catalog) = catalog();
    let run = publish(&catalog, 1, &[new_segment(1, b"one")]);
    sql(&path, "UPDATE segmentry_version SET as_of = 'soon'");
    assert_eq!(catalog.segment(1).unwrap_err().code(), Code::Damaged);
    sql(&path, "UPDATE segmentry_run SET finished_at = 5");
    assert_eq!(catalog.run(run).unwrap_err().code(), Code::Damaged);
}
