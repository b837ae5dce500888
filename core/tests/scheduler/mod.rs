//! The scheduler: turn by turn on a clock that the test has, and many of them on one catalog.

mod broken;
mod crashing;
pub mod processes;
mod scenarios;
mod stopping;
mod turns;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use chrono::{DateTime, Utc};
use segmentry::{AudienceModel, Catalog, ManualClock, SegmentEngine};
use serde_json::{Value, json};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Users 1 to 10; the tier is the key modulo 3.
fn people() -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(1..=10));
    let tiers: ArrayRef = Arc::new(Int64Array::from_iter_values((1..=10).map(|id| id % 3)));
    RecordBatch::try_from_iter([("id", ids), ("tier", tiers)]).unwrap()
}

async fn engine_on(catalog: impl Catalog + 'static, clock: &Arc<ManualClock>) -> SegmentEngine {
    let model = AudienceModel::parse(r#"{"users": {"table": "people", "key": "id"}}"#).unwrap();
    let builder = SegmentEngine::builder().catalog(catalog).clock(clock.clone()).threads(1);
    let engine = builder.model(model).build().await.unwrap();
    engine.add_arrow("people", vec![people()]).unwrap();
    engine
}

fn rule(name: &str, schedule: &str) -> Value {
    let condition = json!({"field": "tier", "operator": "=", "value": 1});
    json!({"rule_name": name, "conditions": [condition], "schedule": schedule})
}
