//! Bytes that are not what was written are found when they are read.

use std::path::PathBuf;

use rusqlite::{Connection, params};
use segmentry::{Catalog, Code, NewSegment, SqliteCatalog};
use tempfile::TempDir;

use super::keys::{ints, texts};
use super::support::{add, difference, named, new_run, new_segment, publish, segment, stored};

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
        assert_eq!(catalog.members(id(2)).unwrap(), stored(b"two", &[]));
    }
}

/// Whatever a version leans on: those before are as they were, and no other bytes are ever given.
#[test]
fn damage_is_found_in_all_that_leans_on_it() {
    let damages = [
        "UPDATE segmentry_members SET data = x'6f6e66' WHERE id = ?1",
        "UPDATE segmentry_members SET data = '+a' WHERE id = ?1",
        "UPDATE segmentry_members SET checksum = checksum + 1 WHERE id = ?1",
        "UPDATE segmentry_members SET checksum = 'x' WHERE id = ?1",
        "UPDATE segmentry_members SET base = id WHERE id = ?1",
        "UPDATE segmentry_members SET base = 99 WHERE id = ?1",
        "UPDATE segmentry_members SET base = 'x' WHERE id = ?1",
        // Another whole bitmap, sound in itself.
        "UPDATE segmentry_members SET base = 2 WHERE id = ?1",
        "UPDATE segmentry_members SET base = NULL, checksum = checksum + 1 WHERE id = ?1",
        "DELETE FROM segmentry_members WHERE id = ?1",
    ];
    for damage in damages {
        for damaged in 1..=4 {
            let (_folder, path, catalog) = catalog();
            publish(&catalog, 1, &[new_segment(1, b"one"), new_segment(2, b"two")]);
            let bytes: [&[u8]; 3] = [b"+a", b"+b", b"-a"];
            for (since_version, bytes) in (1..).zip(bytes) {
                publish(&catalog, 2, &[difference(1, since_version, bytes)]);
            }
            let versions = catalog.versions(1).unwrap();
            let other = Connection::open(&path).unwrap();
            other.pragma_update(None, "foreign_keys", false).unwrap();
            let id = versions[damaged - 1].members_id;
            assert_eq!(other.execute(damage, params![id]).unwrap(), 1);
            for (at, version) in versions.iter().enumerate() {
                let read = catalog.members(version.members_id);
                if at + 1 < damaged {
                    assert_eq!(read.unwrap(), stored(b"one", &bytes[..at]), "{damage}");
                    continue;
                }
                let error = read.unwrap_err();
                assert_eq!(error.code(), Code::Damaged, "{damage}: {error}");
                let named = format!("version {} of the segment of rule 1", at + 1);
                assert!(error.to_string().contains(&named), "{damage}: {error}");
            }
            assert_eq!(catalog.members(2).unwrap(), stored(b"two", &[]));
        }
    }
}

/// A bitmap that is sound by itself, but not the one that a difference was made from.
#[test]
fn a_difference_holds_on_nothing_else() {
    let (_folder, path, catalog) = catalog();
    publish(&catalog, 1, &[new_segment(1, b"one"), new_segment(2, b"two")]);
    publish(&catalog, 2, &[difference(1, 1, b"+a")]);
    let other = Connection::open(&path).unwrap();
    let from_two = "(SELECT checksum, data FROM segmentry_members WHERE id = 2)";
    let exchange = format!("UPDATE segmentry_members SET (checksum, data) = {from_two}");
    other.execute(&format!("{exchange} WHERE id = 1"), []).unwrap();
    let versions = catalog.versions(1).unwrap();
    assert_eq!(catalog.members(versions[0].members_id).unwrap(), stored(b"two", &[]));
    assert_eq!(catalog.members(versions[1].members_id).unwrap_err().code(), Code::Damaged);
    // Nor is it a whole bitmap to a program that knows of no differences.
    let sql = "SELECT checksum, data FROM segmentry_members WHERE id = 3";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?));
    let (sum, data) = other.query_row(sql, [], read).unwrap();
    assert_eq!(data, b"+a");
    assert_ne!(sum, xxhash_rust::xxh3::xxh3_64(&data).cast_signed());
}

#[test]
fn nothing_leans_on_what_is_gone() {
    let (_folder, path, catalog) = catalog();
    publish(&catalog, 1, &[new_segment(1, b"one")]);
    let other = Connection::open(&path).unwrap();
    other.pragma_update(None, "foreign_keys", false).unwrap();
    other.execute("DELETE FROM segmentry_members", []).unwrap();
    let error = catalog.publish(&new_run(2), &[difference(1, 1, b"+a")]).unwrap_err();
    assert_eq!(error.code(), Code::Damaged);
    assert_eq!(catalog.versions(1).unwrap().len(), 1);
    // The next whole one is as good as any.
    publish(&catalog, 3, &[NewSegment { since_version: 1, ..new_segment(1, b"uno") }]);
    assert_eq!(super::support::current_members(&catalog, 1), b"uno");
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
