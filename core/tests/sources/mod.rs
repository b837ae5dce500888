//! Files that change between two runs are read as they are, not as they were.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
use datafusion::parquet::arrow::ArrowWriter;
use segmentry::{AudienceModel, Code, Refresh, SegmentEngine};

async fn engine_over(folder: &Path) -> SegmentEngine {
    let model = AudienceModel::parse(
        r#"{"users": {"key": "id"}, "events": {"visits": {"user": "id", "time": "at"}}}"#,
    );
    let engine = SegmentEngine::builder().model(model.unwrap()).build().await.unwrap();
    fs::write(folder.join("users.csv"), "id,tier\n1,1\n2,2\n3,1\n").unwrap();
    fs::create_dir(folder.join("visits")).unwrap();
    fs::write(folder.join("visits/a.csv"), "id,at\n1,2025-01-01T10:00:00\n").unwrap();
    engine.add_csv("users", folder.join("users.csv")).await.unwrap();
    engine.add_csv("visits", folder.join("visits")).await.unwrap();
    let rule = r#"{"rule_name": "Visitors", "conditions": {"events": "visits", "operator": ">", "value": 0}}"#;
    engine.create_rule(rule).await.unwrap();
    engine
}

async fn members(engine: &SegmentEngine) -> Vec<String> {
    let run = engine.refresh(Refresh::all()).await.unwrap();
    assert!(run.failed.is_empty(), "{:?}", run.failed);
    let keys = engine.segment("Visitors").await.unwrap().keys().unwrap();
    keys.iter().map(|key| key.to_string()).collect()
}

#[tokio::test]
async fn a_file_that_is_added_to_a_folder_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_over(folder.path()).await;
    assert_eq!(members(&engine).await, ["1"]);
    fs::write(folder.path().join("visits/b.csv"), "id,at\n3,2025-01-02T10:00:00\n").unwrap();
    assert_eq!(members(&engine).await, ["1", "3"]);
    let run = engine.runs(1, 1).await.unwrap().items.remove(0);
    let scanned: Vec<_> = run.scanned.into_iter().collect();
    assert_eq!(scanned, [("users".to_owned(), 3), ("visits".to_owned(), 2)]);
}

#[cfg(unix)]
#[tokio::test]
async fn paths_may_lead_over_a_folder_above() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_over(folder.path()).await;
    // By a link, the folder above is another than the one before in the path.
    fs::create_dir_all(folder.path().join("far/away")).unwrap();
    std::os::unix::fs::symlink(folder.path().join("far/away"), folder.path().join("near")).unwrap();
    let above = folder.path().join("near/../..");
    for visits in ["visits", "visits/a.csv", "visits/*.csv"] {
        engine.add_csv("users", above.join("users.csv")).await.unwrap();
        engine.add_csv("visits", above.join(visits)).await.unwrap();
        assert_eq!(members(&engine).await, ["1"], "{visits}");
    }
    let missing = engine.add_csv("visits", above.join("none.csv")).await.unwrap_err();
    assert_eq!(missing.code(), Code::UnreadableSource);
    assert!(missing.to_string().contains("near/../../none.csv"), "{missing}");
}

#[tokio::test]
async fn a_file_that_is_written_anew_is_read_anew() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_over(folder.path()).await;
    assert_eq!(members(&engine).await, ["1"]);
    let more = "id,at\n2,2025-01-02T10:00:00\n3,2025-01-02T10:00:00\n3,2025-01-03T10:00:00\n";
    fs::write(folder.path().join("visits/a.csv"), more).unwrap();
    assert_eq!(members(&engine).await, ["2", "3"]);
}

#[tokio::test]
async fn users_that_leave_the_table_leave_the_segment() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine_over(folder.path()).await;
    assert_eq!(members(&engine).await, ["1"]);
    fs::write(folder.path().join("users.csv"), "id,tier\n2,1\n4,1\n").unwrap();
    assert_eq!(members(&engine).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_file_is_what_its_name_says() {
    let folder = tempfile::tempdir().unwrap();
    let engine = SegmentEngine::builder().build().await.unwrap();
    fs::write(folder.path().join("a1.csv"), "id\n999\n").unwrap();
    for name in ["a[1].csv", "a?.csv", "*.csv", "a%31.csv", "a#1.csv", "file:x"] {
        let path = folder.path().join(name);
        fs::write(&path, "id,tier\n1,1\n2,1\n").unwrap();
        engine.add_csv("users", &path).await.unwrap();
        let preview = engine.preview("id < 10").await;
        assert_eq!(preview.unwrap_or_else(|error| panic!("{name}: {error}")).of, 2, "{name}");
        fs::remove_file(&path).unwrap();
    }
    engine.add_csv("users", folder.path().join("a?.csv")).await.unwrap();
    assert_eq!(engine.sources()[0].schema.fields().len(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_leads_into_itself_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.csv"), "id\n1\n").unwrap();
    for name in ["here", "there", "everywhere"] {
        std::os::unix::fs::symlink(folder.path(), folder.path().join(name)).unwrap();
    }
    let engine = SegmentEngine::builder().build().await.unwrap();
    let error = engine.add_csv("users", folder.path()).await.unwrap_err();
    assert_eq!(error.code(), Code::UnreadableSource, "{error}");
}

/// DataFusion took a column whose statistics know one value for that value in every row.
#[tokio::test]
async fn nan_beside_one_other_value_stays_missing() {
    let folder = tempfile::tempdir().unwrap();
    let rows = |ids: Vec<i64>, scores: Vec<f64>| {
        let ids: ArrayRef = Arc::new(Int64Array::from(ids));
        let scores: ArrayRef = Arc::new(Float64Array::from(scores));
        RecordBatch::try_from_iter([("id", ids), ("score", scores)]).unwrap()
    };
    let write = |name: &str, rows: &RecordBatch| {
        let file = File::create(folder.path().join(name)).unwrap();
        let mut writer = ArrowWriter::try_new(file, rows.schema(), None).unwrap();
        writer.write(rows).unwrap();
        writer.close().unwrap();
    };
    write("0.parquet", &rows(vec![1, 2], vec![270.0, f64::NAN]));
    write("1.parquet", &rows(vec![3, 4], vec![5.0, 7.0]));
    let engine = SegmentEngine::builder().build().await.unwrap();
    engine.add_parquet("users", folder.path()).await.unwrap();
    let preview = engine.preview("score = 270").await.unwrap();
    assert_eq!((preview.count, preview.of), (1, 4));
    assert_eq!(engine.preview("score is null").await.unwrap().count, 1);
    write("2.parquet", &rows(vec![5, 6], vec![f64::NAN, 1.0]));
    let preview = engine.preview("score > 0").await.unwrap();
    assert_eq!((preview.count, preview.of), (4, 6));
}
