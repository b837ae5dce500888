//! The engine's verbs through the public API.

mod data_faults;
mod due;
mod explain;
mod leases;
mod members;
mod observed;
mod queries;
mod ranks;
mod reuse;
mod runs;
mod verbs;
mod watched;

use std::path::Path;
use std::sync::Arc;

use arrow::array::*;
use chrono::{DateTime, Utc};
use datafusion::parquet::arrow::ArrowWriter;
use segmentry::{
    AudienceModel, Catalog, Code, Key, ManualClock, MemoryCatalog, Refresh, Run, SegmentEngine,
};
use serde_json::{Value, json};

const MODEL: &str = r#"{
    "users": {"table": "people", "key": "id"},
    "events": {"buys": {"user": "user_id", "time": "at"}},
    "traits": {"total_spend": {"aggregate": "sum", "field": "amount", "events": "buys"}}
}"#;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

/// Users 1 to 10; the tier is the key modulo 3, the country of the fifth is not known.
fn people() -> RecordBatch {
    let country = |id: i64| (id != 5).then_some(if id % 2 == 0 { "IN" } else { "NP" });
    batch(vec![
        ("id", Arc::new(Int64Array::from_iter_values(1..=10))),
        ("tier", Arc::new(Int64Array::from_iter_values((1..=10).map(|id| id % 3)))),
        ("country", Arc::new(StringArray::from_iter((1..=10).map(country)))),
    ])
}

/// Every user buys for 100 times the key, one a day from 1 January 2025 on.
fn buys() -> RecordBatch {
    let day = 86_400_000_000i64;
    let start = at("2025-01-01T12:00:00Z").timestamp_micros();
    batch(vec![
        ("user_id", Arc::new(Int64Array::from_iter_values(1..=10))),
        (
            "at",
            Arc::new(TimestampMicrosecondArray::from_iter_values((0..10).map(|i| start + i * day))),
        ),
        ("amount", Arc::new(Int64Array::from_iter_values((1..=10).map(|id| id * 100)))),
    ])
}

fn write_parquet(path: &Path, batch: &RecordBatch) {
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

async fn bare_on(catalog: impl Catalog + 'static) -> SegmentEngine {
    bare_with(catalog, AudienceModel::parse(MODEL).unwrap()).await
}

async fn bare_with(catalog: impl Catalog + 'static, model: AudienceModel) -> SegmentEngine {
    let clock = Arc::new(ManualClock::new(at("2025-02-01T00:00:00Z")));
    let builder = SegmentEngine::builder().catalog(catalog).clock(clock).threads(2);
    builder.model(model).build().await.unwrap()
}

/// An engine with the tables, and no rule.
async fn engine() -> SegmentEngine {
    let engine = bare_on(MemoryCatalog::new()).await;
    engine.add_arrow("people", vec![people()]).unwrap();
    engine.add_arrow("buys", vec![buys()]).unwrap();
    engine
}

fn tier(name: &str, tier: i64) -> Value {
    json!({"rule_name": name, "conditions": [{"field": "tier", "operator": "=", "value": tier}]})
}

async fn keys(engine: &SegmentEngine, id: i64) -> Vec<i64> {
    let keys = engine.segment(id).await.unwrap().keys().unwrap();
    keys.iter()
        .map(|key| match key {
            Key::Int(key) => key,
            Key::Text(key) => panic!("{key:?}"),
        })
        .collect()
}

async fn refresh(engine: &SegmentEngine) -> Run {
    engine.refresh(Refresh::all()).await.unwrap()
}

fn code<T: std::fmt::Debug>(result: segmentry::Result<T>) -> Code {
    result.unwrap_err().code()
}
