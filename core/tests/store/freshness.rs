//! What the store reads of the sources, and what becomes of it when it is damaged.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use datafusion::arrow::array::{Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use datafusion::parquet::arrow::ArrowWriter;
use segmentry::{AudienceModel, MemoryCatalog, Refresh, Run, SegmentEngine};

const HOUR: i64 = 3_600_000_000;

/// Users 0 to 99 each have an event every hour; of `from` to `to`, in hours, in one file that
/// looks as if it had been there for a while.
#[allow(clippy::disallowed_methods)]
fn write(folder: &Path, name: &str, from: i64, to: i64) {
    std::fs::create_dir_all(folder).unwrap();
    let rows = (from..to).flat_map(|hour| (0..100).map(move |user| (user, hour)));
    let rows: Vec<(i64, i64)> = rows.collect();
    let kinds = rows.iter().map(|(user, hour)| Some(["a", "b", "c"][((user + hour) % 3) as usize]));
    let batch = RecordBatch::try_from_iter([
        ("user", Arc::new(rows.iter().map(|(user, _)| Some(*user)).collect::<Int64Array>()) as _),
        (
            "at",
            Arc::new(
                rows.iter()
                    .map(|(_, hour)| Some(hour * HOUR))
                    .collect::<TimestampMicrosecondArray>(),
            ) as _,
        ),
        ("kind", Arc::new(kinds.collect::<StringArray>()) as _),
        (
            "amount",
            Arc::new(rows.iter().map(|(user, hour)| Some(user * hour)).collect::<Int64Array>())
                as _,
        ),
    ]);
    let batch = batch.unwrap();
    let path = folder.join(name);
    let mut writer =
        ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let then = SystemTime::now() - Duration::from_secs(3_600);
    File::options().write(true).open(&path).unwrap().set_modified(then).unwrap();
}

async fn engine(folder: &Path, store: Option<&Path>) -> SegmentEngine {
    let model = AudienceModel::parse(
        r#"{"users": {"table": "users", "key": "id"},
            "events": {"visits": {"user": "user", "time": "at"}}}"#,
    );
    let builder = SegmentEngine::builder().catalog(MemoryCatalog::new()).model(model.unwrap());
    let builder = match store {
        Some(store) => builder.store(store),
        None => builder,
    };
    let engine = builder.build().await.unwrap();
    let ids: Int64Array = (0..120).map(Some).collect();
    let users = RecordBatch::try_from_iter([("id", Arc::new(ids) as _)]).unwrap();
    engine.add_arrow("users", vec![users]).unwrap();
    engine.add_parquet("visits", folder).await.unwrap();
    for (name, aggregate, kind, least) in
        [("Many", "count", "a", 5), ("Much", "sum", "b", 900), ("Mean", "avg", "c", 150)]
    {
        let document = serde_json::json!({
            "rule_name": name,
            "conditions": [{
                "events": "visits", "aggregate": aggregate, "field": "amount",
                "where": [{"field": "kind", "operator": "=", "value": kind}],
                "window": {"last": "24 hours"}, "operator": ">=", "value": least,
            }],
        });
        engine.create_rule(document.to_string().as_str()).await.unwrap();
    }
    engine
}

async fn refresh(engine: &SegmentEngine, hour: i64) -> Run {
    let as_of = chrono::DateTime::from_timestamp_micros(hour * HOUR).unwrap();
    let run = engine.refresh(Refresh::all().as_of(as_of)).await.unwrap();
    assert!(run.failed.is_empty(), "{:?}", run.failed);
    run
}

/// Both engines have the same members; answers the rows of events that the first has read.
async fn agree(stored: &SegmentEngine, folder: &Path, hour: i64) -> u64 {
    let run = refresh(stored, hour).await;
    let fresh = engine(folder, None).await;
    refresh(&fresh, hour).await;
    for name in ["Many", "Much", "Mean"] {
        let (is, should) =
            (stored.segment(name).await.unwrap(), fresh.segment(name).await.unwrap());
        assert_eq!(is.keys().unwrap(), should.keys().unwrap(), "{name} at {hour}");
        assert!(is.row_count() > 0, "{name} at {hour}");
    }
    assert_eq!(run.rules_planned, 0);
    run.scanned.get("visits").copied().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_reads_only_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let (events, store) = (folder.path().join("visits"), folder.path().join("store"));
    write(&events, "1.parquet", 0, 30);
    let stored = engine(&events, Some(&store)).await;
    assert_eq!(agree(&stored, &events, 30).await, 3_000, "all is read once");
    assert_eq!(agree(&stored, &events, 31).await, 0, "nothing has changed");
    write(&events, "2.parquet", 30, 40);
    assert_eq!(agree(&stored, &events, 40).await, 1_000, "one file has come");
    write(&events, "1.parquet", 0, 35);
    assert_eq!(agree(&stored, &events, 41).await, 4_500, "a file is another");

    // Another process finds it as it is.
    let again = engine(&events, Some(&store)).await;
    assert_eq!(agree(&again, &events, 41).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_that_is_damaged_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (events, store) = (folder.path().join("visits"), folder.path().join("store"));
    write(&events, "1.parquet", 0, 30);
    let first = engine(&events, Some(&store)).await;
    assert_eq!(agree(&first, &events, 30).await, 3_000);
    for (hour, ending) in (31..).zip([".part", ".words", ".users", "store.json"]) {
        for cut in [false, true] {
            // A process of its own, which has opened nothing yet.
            let engine = engine(&events, Some(&store)).await;
            agree(&engine, &events, hour).await;
            let files: Vec<_> =
                std::fs::read_dir(&store).unwrap().map(|file| file.unwrap().path()).collect();
            let path = files.iter().find(|f| f.to_string_lossy().ends_with(ending)).unwrap();
            let mut bytes = std::fs::read(path).unwrap();
            let middle = bytes.len() / 2;
            if cut {
                bytes.truncate(middle);
            } else {
                bytes[middle] ^= 0x10;
            }
            std::fs::write(path, bytes).unwrap();
            let again = self::engine(&events, Some(&store)).await;
            agree(&again, &events, hour).await;
            let read = agree(&again, &events, hour).await;
            assert_eq!(read, 0, "{ending} is whole again");
        }
    }
}
