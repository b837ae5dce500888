//! Files that change between two runs are read as they are, not as they were.

use std::fs;
use std::path::Path;

use segmentry::{AudienceModel, Refresh, SegmentEngine};

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
