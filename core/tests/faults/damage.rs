//! Files that are not what was written: found, told of, and mended as the hint says.

use std::path::Path;

use rusqlite::Connection;
use segmentry::{Code, SegmentEngine};

use super::world::{self, catalog_of, store_of};

async fn refreshed(folder: &Path) -> SegmentEngine {
    world::make(folder).await;
    let engine = world::open(folder).await;
    for day in [20, 21, 22] {
        world::refresh(&engine, day).await.unwrap();
    }
    engine
}

#[tokio::test]
async fn damaged_bitmaps_are_mended_by_a_refresh() {
    let folder = tempfile::tempdir().unwrap();
    let engine = refreshed(folder.path()).await;
    let sql = "UPDATE segmentry_members SET data = substr(data, 2)";
    assert!(Connection::open(catalog_of(folder.path())).unwrap().execute(sql, []).unwrap() > 0);
    let error = engine.segment(1).await.unwrap_err();
    assert_eq!(error.code(), Code::Damaged);
    assert!(error.hint().is_some(), "{error}");
    let check = engine.check().await.unwrap();
    assert_eq!(check.damaged.len(), 12, "{check:?}");
    assert!(check.damaged.iter().any(|damage| damage.hint.contains("refresh")), "{check:?}");

    let run = world::refresh(&engine, 23).await.unwrap();
    assert!(run.failed.is_empty(), "{run:?}");
    let engine = world::open(folder.path()).await;
    engine.vacuum(1).await.unwrap();
    world::check(&engine).await;
}

/// Whatever part of the file is missing, opening it or reading it tells, and nothing wrong is told.
#[tokio::test]
async fn a_catalog_that_is_cut_off_is_found_damaged() {
    let folder = tempfile::tempdir().unwrap();
    drop(refreshed(folder.path()).await);
    let path = catalog_of(folder.path());
    // Closed, it has no log.
    let whole = std::fs::read(&path).unwrap();
    let pages = whole.len() / 16_384;
    for length in
        (1..pages).map(|page| page * 16_384).chain([1, 100, 511, 512, 16_000, whole.len() - 1])
    {
        std::fs::write(&path, &whole[..length]).unwrap();
        for beside in ["-wal", "-shm"] {
            let mut name = path.clone().into_os_string();
            name.push(beside);
            let _ = std::fs::remove_file(name);
        }
        match world::try_open(folder.path()).await {
            Err(error) => {
                assert_eq!(error.code(), Code::Damaged, "{length}: {error}");
                assert!(error.hint().is_some(), "{length}: {error}");
            }
            Ok(engine) => {
                let check = engine.check().await.unwrap();
                if check.is_sound() {
                    // Nothing was there but the free end of the last page.
                    assert_eq!(length, whole.len() - 1);
                    world::check(&engine).await;
                }
                assert!(check.damaged.iter().all(|damage| !damage.hint.is_empty()));
            }
        }
    }
    std::fs::write(&path, &whole).unwrap();
    world::check(&world::open(folder.path()).await).await;
}

/// A file of which only the log is left would be taken for a new one, and the log removed.
#[test]
fn a_log_without_its_catalog_is_not_thrown_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audience.db");
    std::fs::write(&path, b"").unwrap();
    let log = folder.path().join("audience.db-wal");
    std::fs::write(&log, b"what was published last").unwrap();
    let error = segmentry::SqliteCatalog::open(&path).unwrap_err();
    assert_eq!(error.code(), Code::Damaged, "{error}");
    assert_eq!(std::fs::read(&log).unwrap(), b"what was published last");
}

/// Single bits of the catalog are turned: no panic, no error without a type, and members are what
/// they were or are told to be damaged.
#[tokio::test]
async fn turned_bits_of_a_catalog_are_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let engine = refreshed(folder.path()).await;
    let mut expected = Vec::new();
    for rule in 1..=4 {
        expected.push(engine.segment(rule).await.unwrap().keys().unwrap());
    }
    drop(engine);
    let path = catalog_of(folder.path());
    let whole = std::fs::read(&path).unwrap();
    let mut told = 0;
    let step = whole.len() / 60 + 1;
    for at in (0..whole.len()).step_by(step) {
        let mut bad = whole.clone();
        bad[at] ^= 0x10;
        std::fs::write(&path, &bad).unwrap();
        let engine = match world::try_open(folder.path()).await {
            Ok(engine) => engine,
            Err(error) => {
                assert_ne!(error.code(), Code::Internal, "byte {at}: {error}");
                told += 1;
                continue;
            }
        };
        told += usize::from(!engine.check().await.unwrap().is_sound());
        for (rule, expected) in (1..).zip(&expected) {
            match engine.segment(rule).await {
                Ok(segment) => assert_eq!(segment.keys().unwrap(), *expected, "byte {at}"),
                Err(error) => assert_ne!(error.code(), Code::Internal, "byte {at}: {error}"),
            }
        }
    }
    assert!(told > 5, "{told}");
}

#[tokio::test]
async fn a_damaged_store_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    drop(refreshed(folder.path()).await);
    let mut day = 23;
    let files: Vec<_> = std::fs::read_dir(store_of(folder.path()))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap() != "lock")
        .collect();
    let kinds: Vec<_> = files.iter().filter_map(|path| path.extension()).collect();
    for kind in kinds {
        for cut in [false, true] {
            // The file of that kind that is there now.
            let path = std::fs::read_dir(store_of(folder.path()))
                .unwrap()
                .map(|entry| entry.unwrap().path())
                .find(|path| path.extension() == Some(kind))
                .unwrap();
            let mut bytes = std::fs::read(&path).unwrap();
            let last = bytes.len() - 1;
            if cut {
                bytes.truncate(last);
            } else {
                bytes[last] ^= 1;
            }
            std::fs::write(&path, &bytes).unwrap();
            let engine = world::open(folder.path()).await;
            let check = engine.check().await.unwrap();
            assert_eq!(check.damaged.len(), 1, "{}: {check:?}", path.display());
            assert!(check.damaged[0].hint.contains("compact"), "{check:?}");
            let run = world::refresh(&engine, day).await.unwrap();
            assert!(run.failed.is_empty(), "{run:?}");
            world::check_segment(&engine, 1).await;
            world::check_segment(&engine, 2).await;
            engine.compact().await.unwrap();
            world::check(&engine).await;
            // So that there is a store again.
            world::refresh(&engine, day + 1).await.unwrap();
            day += 2;
        }
    }
}
