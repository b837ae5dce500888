//! The engine that bad rules are sent to: columns of every type, and three rules. The benchmark of
//! refusals uses it too.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::{Int32Type, TimestampMicrosecondType};
use segmentry::{AudienceModel, MemoryCatalog, SegmentEngine};

const MODEL: &str = r#"{
    "users": {"table": "people", "key": "id"},
    "events": {
        "buys": {"user": "user_id", "time": "at"},
        "visits": {"user": "user_id", "time": "at"}
    },
    "traits": {
        "total_spend": {"aggregate": "sum", "field": "amount", "events": ["buys", "visits"]},
        "buy_count": {"aggregate": "count", "events": "buys"},
        "home": {"latitude": "lat", "longitude": "lon"}
    }
}"#;

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn people() -> RecordBatch {
    let mut tags = ListBuilder::new(StringBuilder::new());
    tags.append_value([Some("a")]);
    batch(vec![
        ("id", Arc::new(Int64Array::from(vec![1]))),
        ("city_tier", Arc::new(Int32Array::from(vec![1]))),
        (
            "balance",
            Arc::new(Decimal128Array::from(vec![150]).with_precision_and_scale(12, 2).unwrap()),
        ),
        ("score", Arc::new(Float64Array::from(vec![0.5]))),
        ("country", Arc::new(StringArray::from(vec!["IN"]))),
        ("active", Arc::new(BooleanArray::from(vec![true]))),
        ("born", Arc::new(Date32Array::from(vec![10_000]))),
        ("created_at", Arc::new(PrimitiveArray::<TimestampMicrosecondType>::from(vec![0]))),
        ("tags", Arc::new(tags.finish())),
        ("lat", Arc::new(Float64Array::from(vec![19.0]))),
        ("lon", Arc::new(Float64Array::from(vec![72.0]))),
        ("photo", Arc::new(BinaryArray::from(vec![b"x".as_slice()]))),
    ])
}

fn buys() -> RecordBatch {
    let labels = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]);
    batch(vec![
        ("user_id", Arc::new(Int64Array::from(vec![1]))),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![0]))),
        (
            "amount",
            Arc::new(Decimal128Array::from(vec![150]).with_precision_and_scale(12, 2).unwrap()),
        ),
        ("price", Arc::new(Float64Array::from(vec![1.5]))),
        ("category", Arc::new(StringArray::from(vec!["Travel"]))),
        ("online", Arc::new(BooleanArray::from(vec![true]))),
        ("labels", Arc::new(labels)),
    ])
}

fn visits() -> RecordBatch {
    batch(vec![
        ("user_id", Arc::new(Int64Array::from(vec![1]))),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![0]))),
        ("amount", Arc::new(Int64Array::from(vec![1]))),
        ("category", Arc::new(Int64Array::from(vec![1]))),
        ("page", Arc::new(StringArray::from(vec!["/"]))),
    ])
}

/// An engine with columns of every type and three rules, each but the first on the one before.
pub async fn engine() -> SegmentEngine {
    let model = AudienceModel::parse(MODEL).unwrap();
    let builder = SegmentEngine::builder().catalog(MemoryCatalog::new()).model(model);
    let engine = builder.threads(1).build().await.unwrap();
    engine.add_arrow("people", vec![people()]).unwrap();
    engine.add_arrow("buys", vec![buys()]).unwrap();
    engine.add_arrow("visits", vec![visits()]).unwrap();
    for rule in [
        r#"{"rule_name": "High spenders", "conditions": []}"#,
        r#"{"rule_name": "Lapsed", "depends_on": [1], "operation": "UNION"}"#,
        r#"{"rule_name": "Café", "depends_on": [2], "operation": "UNION"}"#,
    ] {
        engine.create_rule(rule).await.unwrap();
    }
    engine
}
