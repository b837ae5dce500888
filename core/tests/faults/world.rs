//! 300 users, each with an event on every day that has the same rest by 50, and four rules of which
//! one is worked out from others. Who is a member on which day is plain arithmetic.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use chrono::{DateTime, Utc};
use datafusion::parquet::arrow::ArrowWriter;
use segmentry::{AudienceModel, Key, Refresh, Run, SegmentEngine, SqliteCatalog};

const DAY: i64 = 86_400_000_000;

/// Users 0 to 299.
pub const USERS: i64 = 300;

/// Runs are about these days, one after another.
pub const DAYS: std::ops::Range<i64> = 10..60;

pub fn at(day: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(day * DAY).unwrap()
}

pub fn day_of(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros() / DAY
}

/// Who is a member of a rule's segment as of a day.
pub fn expected(rule: i64, day: i64) -> Vec<i64> {
    let within = |user: i64, days: i64| (day - days..day).any(|d| d % 50 == user % 50 && d >= 0);
    let is_member = |user: &i64| match rule {
        1 => within(*user, 3),
        2 => within(*user, 20),
        3 => user % 3 == 0,
        _ => within(*user, 20) && user % 3 == 0,
    };
    (0..USERS).filter(is_member).collect()
}

pub fn catalog_of(folder: &Path) -> PathBuf {
    folder.join("audience.db")
}

pub fn store_of(folder: &Path) -> PathBuf {
    folder.join("store")
}

/// Writes the sources, and makes the catalog with its rules.
pub async fn make(folder: &Path) {
    let users: ArrayRef = Arc::new(Int64Array::from_iter_values(0..USERS));
    let tiers: ArrayRef = Arc::new(Int64Array::from_iter_values((0..USERS).map(|user| user % 3)));
    write(&folder.join("people.parquet"), [("id", users), ("tier", tiers)]);
    write_events(&folder.join("visits").join("first.parquet"), 0..40);
    write_events(&folder.join("visits").join("second.parquet"), 40..60);
    let engine = open(folder).await;
    let within = |name: &str, days: i64| {
        serde_json::json!({"rule_name": name, "conditions": [{"events": "visits",
            "window": {"last": format!("{days} days")}, "operator": ">", "value": 0}]})
    };
    for rule in [
        within("Last 3 days", 3),
        within("Last 20 days", 20),
        serde_json::json!({"rule_name": "Tier 0", "conditions": [
            {"field": "tier", "operator": "=", "value": 0}]}),
        serde_json::json!({"rule_name": "Both", "depends_on": [2, 3],
            "operation": "INTERSECTION", "conditions": []}),
    ] {
        engine.create_rule(rule.to_string().as_str()).await.unwrap();
    }
}

/// The events of these days, as a file that looks as if it had been there for a while.
pub fn write_events(path: &Path, days: std::ops::Range<i64>) {
    let events: Vec<(i64, i64)> = days
        .flat_map(|day| (0..USERS).filter(move |user| day % 50 == user % 50).map(move |u| (u, day)))
        .collect();
    let users: ArrayRef =
        Arc::new(events.iter().map(|(user, _)| Some(*user)).collect::<Int64Array>());
    let times: TimestampMicrosecondArray =
        events.iter().map(|(_, day)| Some(day * DAY + DAY / 2)).collect();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    write(path, [("user", users), ("at", Arc::new(times) as _)]);
}

#[allow(clippy::disallowed_methods)]
fn write<const N: usize>(path: &Path, columns: [(&str, ArrayRef); N]) {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let then = std::time::SystemTime::now() - std::time::Duration::from_secs(3_600);
    File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
}

/// An engine on the folder's catalog, store and sources.
pub async fn open(folder: &Path) -> SegmentEngine {
    try_open(folder).await.unwrap()
}

pub async fn try_open(folder: &Path) -> segmentry::Result<SegmentEngine> {
    let model = AudienceModel::parse(
        r#"{"users": {"table": "people", "key": "id"},
            "events": {"visits": {"user": "user", "time": "at"}}}"#,
    );
    let catalog = SqliteCatalog::open(catalog_of(folder))?;
    let builder = SegmentEngine::builder().catalog(catalog).model(model.unwrap()).threads(1);
    let engine = builder.store(store_of(folder)).build().await?;
    let path = |name: &str| folder.join(name).display().to_string();
    engine.add_parquet("people", path("people.parquet")).await?;
    engine.add_parquet("visits", path("visits/")).await?;
    Ok(engine)
}

pub async fn refresh(engine: &SegmentEngine, day: i64) -> segmentry::Result<Run> {
    engine.refresh(Refresh::all().as_of(at(day))).await
}

/// Everything is sound, and every version has the members that it should have.
pub async fn check(engine: &SegmentEngine) {
    let check = engine.check().await.unwrap();
    assert!(check.is_sound(), "{:?}", check.damaged);
    for rule in 1..=4 {
        check_segment(engine, rule).await;
    }
}

/// Every version of a segment has the members that it should have.
pub async fn check_segment(engine: &SegmentEngine, rule: i64) {
    let segment = match engine.segment(rule).await {
        Ok(segment) => segment,
        Err(error) => return assert_eq!(error.code(), segmentry::Code::NotFound, "{error}"),
    };
    for version in segment.versions().await.unwrap() {
        let segment = engine.segment_version(rule, version.version).await.unwrap();
        let keys: Vec<Key> = segment.keys().unwrap().iter().collect();
        let expected: Vec<Key> =
            expected(rule, day_of(version.as_of)).into_iter().map(Key::Int).collect();
        assert_eq!(keys, expected, "rule {rule}: {version:?}");
    }
}
