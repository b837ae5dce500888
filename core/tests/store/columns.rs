//! A table with more columns than the pass keeps with each event: what the store lacks is read from
//! the source.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use segmentry::{AudienceModel, MemoryCatalog, Refresh, Run, SegmentEngine};

const HOUR: i64 = 3_600_000_000;
const COLUMNS: i64 = 18;

/// Users 0 to 99 have an event at 10 o'clock, the first five of them one at 1 o'clock as well.
fn events() -> RecordBatch {
    let rows: Vec<(i64, i64)> =
        (0..100).map(|user| (user, 10)).chain((0..5).map(|user| (user, 1))).collect();
    let users: Int64Array = rows.iter().map(|(user, _)| Some(*user)).collect();
    let times: TimestampMicrosecondArray = rows.iter().map(|(_, at)| Some(at * HOUR)).collect();
    let mut columns: Vec<(String, ArrayRef)> =
        vec![("user".to_owned(), Arc::new(users) as _), ("at".to_owned(), Arc::new(times) as _)];
    for number in 0..COLUMNS {
        let values: Int64Array =
            rows.iter().map(|(user, at)| Some(user + at * 100 + number)).collect();
        columns.push((format!("c{number}"), Arc::new(values) as _));
    }
    RecordBatch::try_from_iter(columns).unwrap()
}

fn rule(number: i64, least: i64) -> String {
    let condition = serde_json::json!({
        "events": "visits", "aggregate": "sum", "field": format!("c{number}"),
        "window": {"last": "24 hours"}, "operator": ">=", "value": least,
    });
    serde_json::json!({"rule_name": format!("Rule {number}"), "conditions": [condition]})
        .to_string()
}

async fn engine(folder: &std::path::Path) -> SegmentEngine {
    let model = AudienceModel::parse(
        r#"{"users": {"table": "users", "key": "id"},
            "events": {"visits": {"user": "user", "time": "at"}}}"#,
    );
    let builder = SegmentEngine::builder().catalog(MemoryCatalog::new()).model(model.unwrap());
    let engine = builder.store(folder).build().await.unwrap();
    let ids: Int64Array = (0..120).map(Some).collect();
    let users = RecordBatch::try_from_iter([("id", Arc::new(ids) as _)]).unwrap();
    engine.add_arrow("users", vec![users]).unwrap();
    engine.add_arrow("visits", vec![events()]).unwrap();
    engine
}

async fn refresh(engine: &SegmentEngine, hour: i64) -> Run {
    let as_of = chrono::DateTime::from_timestamp_micros(hour * HOUR).unwrap();
    let run = engine.refresh(Refresh::all().as_of(as_of)).await.unwrap();
    assert!(run.failed.is_empty(), "{:?}", run.failed);
    run
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_is_not_asked_for_columns_that_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path()).await;
    let mut ids = Vec::new();
    for number in 0..COLUMNS {
        ids.push(engine.create_rule(rule(number, 1_018).as_str()).await.unwrap());
    }
    let first = refresh(&engine, 25).await;
    assert_eq!(first.rules_planned, 2, "the seventeenth field and the one after it");
    // All but these two say something else now; the two are looked at for five users only.
    for (number, id) in (0..COLUMNS - 2).zip(&ids) {
        engine.update_rule(*id, rule(number, 1_050).as_str()).await.unwrap();
    }
    let second = refresh(&engine, 26).await;
    assert_eq!(second.rules_incremental, 2);
    for (number, id) in (0..COLUMNS).zip(&ids) {
        let least = if number < COLUMNS - 2 { 1_050 } else { 1_018 };
        let expected = (0..100).filter(|user| user + 1_000 + number >= least).count();
        let members = engine.segment(*id).await.unwrap().row_count();
        assert_eq!(members, expected as u64, "c{number}");
    }
}
