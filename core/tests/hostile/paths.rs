//! Hostile strings as paths of sources, exports, catalogs and stores, and as names of files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use arrow::array::Int64Array;
use futures::TryStreamExt;
use rusqlite::Connection;
use segmentry::{Code, ExportFormat, Refresh, SegmentEngine, SqliteCatalog};

use super::ground::Ground;
use super::{batches, is_typed};

/// Whether a file can have the name on this system.
fn is_file_name(text: &str) -> bool {
    !text.contains(['/', '\0']) && !["", ".", ".."].contains(&text) && text.len() <= 240
}

async fn within<T>(what: &str, work: impl Future<Output = T>) -> T {
    let slow = |_| panic!("takes more than ten seconds: {what:?}");
    tokio::time::timeout(Duration::from_secs(10), work).await.unwrap_or_else(slow)
}

async fn bare() -> SegmentEngine {
    SegmentEngine::builder().threads(1).build().await.unwrap()
}

async fn ids(engine: &SegmentEngine, table: &str) -> Result<Vec<i64>, String> {
    let rows = engine.sql(&format!("SELECT id FROM {table}")).await;
    let rows = rows.map_err(|error| error.to_string())?;
    let rows: Vec<_> = rows.try_collect().await.map_err(|error| error.to_string())?;
    let ids = |batch: &arrow::array::RecordBatch| {
        let ids = batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap();
        ids.values().to_vec()
    };
    Ok(rows.iter().flat_map(ids).collect())
}

/// The files of a source and a decoy beside each, which has another content.
struct Planted {
    csv: PathBuf,
    sqlite: PathBuf,
}

fn plant(ground: &Ground, at: usize, name: &str) -> Planted {
    let folder = ground.path(&format!("sources/{at}"));
    let sqlite = folder.join("db");
    std::fs::create_dir_all(&sqlite).unwrap();
    std::fs::write(folder.join("decoy.csv"), "id,word\n999,decoy\n").unwrap();
    let csv = folder.join(name);
    std::fs::write(&csv, format!("id,word\n{at},x\n")).unwrap();
    let sqlite = sqlite.join(name);
    let database = Connection::open(&sqlite).unwrap();
    database.execute_batch("CREATE TABLE t (id INTEGER)").unwrap();
    database.execute("INSERT INTO t VALUES (?1)", [at as i64]).unwrap();
    Planted { csv, sqlite }
}

async fn check_files(
    ground: &Ground,
    texts: &[String],
    planted: &[(usize, Planted)],
    read: &mut usize,
) {
    for (at, files) in planted {
        let (text, id) = (&texts[*at], *at as i64);
        let engine = bare().await;
        match within(text, engine.add_csv("t", &files.csv)).await {
            Ok(()) => {
                assert_eq!(ids(&engine, "t").await, Ok(vec![id]), "{text:?}");
                engine.remove_source("t").unwrap();
                *read += 1;
            }
            Err(error) => {
                assert_eq!(error.code(), Code::UnreadableSource, "{text:?}: {error}");
                assert!(is_beyond_datafusion(text), "{text:?}: {error}");
            }
        }
        within(text, engine.add_sqlite(&files.sqlite)).await.unwrap();
        assert_eq!(ids(&engine, "t").await, Ok(vec![id]), "{text:?}");
        let error = within(text, engine.add_parquet("p", &files.csv)).await.unwrap_err();
        assert_eq!(error.code(), Code::UnreadableSource, "{text:?}: {error}");
    }
    for (at, text) in texts.iter().enumerate() {
        let engine = bare().await;
        for path in [PathBuf::from(text), ground.path("sources").join(text), ground.path(text)] {
            // Neither is a file that somebody asked for.
            if path.exists() || is_device(&path) {
                continue;
            }
            for outcome in [
                within(text, engine.add_csv("t", &path)).await,
                within(text, engine.add_parquet("t", &path)).await,
                within(text, engine.add_sqlite(&path)).await.map(drop),
            ] {
                let Err(error) = outcome else { continue };
                assert!(is_typed(&error), "{at} {text:?}: {error}");
            }
        }
    }
}

/// Its paths have no control characters, and take `c:` at the end for a drive of Windows.
fn is_beyond_datafusion(name: &str) -> bool {
    let mut last = name.chars().rev();
    let drive =
        matches!((last.next(), last.next()), (Some(':' | '|'), Some('a'..='z' | 'A'..='Z')));
    drive || name.chars().any(char::is_control)
}

fn is_device(path: &Path) -> bool {
    path.starts_with("/dev") || path.starts_with("/proc")
}

/// Exports, catalogs and stores are made where they were asked for, and nowhere else.
async fn check_made(ground: &Ground, texts: &[String]) {
    let engine = bare().await;
    engine.add_csv("people", &ground.path("bystanders/people.csv")).await.unwrap();
    engine.create_rule(r#"{"rule_name": "All", "conditions": []}"#).await.unwrap();
    engine.refresh(Refresh::all()).await.unwrap();
    let segment = engine.segment("All").await.unwrap();
    for (at, text) in texts.iter().enumerate() {
        let folder = ground.path(&format!("made{at}"));
        std::fs::create_dir(&folder).unwrap();
        let names = |folder: &Path| -> Vec<String> {
            let names = std::fs::read_dir(folder).unwrap();
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        };
        let target = folder.join(text);
        if is_file_name(text) {
            segment.export(&target, ExportFormat::Csv).await.unwrap();
            assert_eq!(std::fs::read_to_string(&target).unwrap(), "user_id\n1\n2\n", "{text:?}");
            assert_eq!(names(&folder), [text.as_str()]);
            std::fs::remove_file(&target).unwrap();
            drop(SqliteCatalog::open(&target).unwrap());
            assert_eq!(names(&folder), [text.as_str()]);
            std::fs::remove_file(&target).unwrap();
            drop(SegmentEngine::builder().store(&target).build().await.unwrap());
            assert!(names(&folder).iter().all(|name| name == text), "{text:?}");
        } else if text.contains('\0') {
            let error = segment.export(&target, ExportFormat::Parquet).await.unwrap_err();
            assert!(is_typed(&error), "{text:?}: {error}");
            let error = SqliteCatalog::open(&target).unwrap_err();
            assert!(is_typed(&error), "{text:?}: {error}");
            let error = SegmentEngine::builder().store(&target).build().await.unwrap_err();
            assert!(is_typed(&error), "{text:?}: {error}");
            assert_eq!(names(&folder), Vec::<String>::new());
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
}

#[tokio::test]
async fn hostile_paths_are_read_and_never_written() {
    let (mut named, mut read) = (0, 0);
    for batch in batches(50) {
        let mut ground = Ground::new(|_| {});
        ground.catalog();
        let people = ground.path("bystanders/people.csv");
        std::fs::write(people, "user_id,word\n1,a\n2,b\n").unwrap();
        let mut planted = Vec::new();
        for (at, text) in batch.iter().enumerate().filter(|(_, text)| is_file_name(text)) {
            planted.push((at, plant(&ground, at, text)));
        }
        named += planted.len();
        ground.note();
        check_files(&ground, &batch, &planted, &mut read).await;
        check_made(&ground, &batch).await;
        ground.check();
    }
    println!("{read} of {named} names of files are read");
    assert!(read * 10 > named * 7);
}
