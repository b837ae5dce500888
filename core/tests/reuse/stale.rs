//! Stored segments that look as if they still held, and do not.

use std::collections::BTreeSet;

use segmentry::{AudienceModel, MemoryCatalog, Refresh, SegmentEngine};
use serde_json::{Value, json};

use crate::differential::{arrow, instant, keys_of};
use crate::oracle::UserKey;
use crate::oracle::table::{Cell, Column, ColumnType, Table};

const MODEL: &str = r#"{ "users": { "key": "id" } }"#;

async fn engine() -> SegmentEngine {
    let id = ColumnType::Int { bits: 64, signed: true };
    let names = (1..=9).map(|at| Cell::Text(format!("name-{at}"))).collect();
    let columns = vec![
        Column::new("id", id, (1..=9).map(Cell::Int).collect()),
        Column::new("name", ColumnType::Text, names),
    ];
    let model = AudienceModel::parse(MODEL).unwrap();
    let engine = SegmentEngine::builder().catalog(MemoryCatalog::new()).model(model);
    let engine = engine.build().await.unwrap();
    engine.add_arrow("users", arrow::batches(&Table::new("users", columns), 9)).unwrap();
    engine
}

async fn members(engine: &SegmentEngine, id: i64) -> Vec<UserKey> {
    let run = engine.refresh(Refresh::all().as_of(instant(1_700_000_000_000_000))).await.unwrap();
    assert!(run.failed.is_empty() && run.skipped.is_empty(), "{run:?}");
    let members: BTreeSet<UserKey> = keys_of(engine, id).await;
    members.into_iter().collect()
}

/// So many conditions that those who name the rule do not look into it.
fn long(name: &str) -> Value {
    let part =
        |at: usize| json!({"field": "name", "operator": "contains", "value": format!("-{at}x")});
    let mut parts: Vec<Value> = (0..700).map(part).collect();
    parts.push(json!({"field": "name", "operator": "endsWith", "value": name}));
    json!({"rule_name": "long", "conditions": {"combinator": "or", "rules": parts}})
}

/// A rule says the same as before, and what it names does not.
#[tokio::test]
async fn reuse_sees_a_change_of_a_rule_that_is_too_long_to_look_into() {
    let engine = engine().await;
    let first = engine.create_rule(long("-3").to_string().as_str()).await.unwrap();
    let segment = json!({"field": "segment", "operator": "in", "value": [first]});
    let second = json!({"rule_name": "named", "conditions": [segment,
        {"field": "name", "operator": "beginsWith", "value": "name"}]});
    let second = engine.create_rule(second.to_string().as_str()).await.unwrap();
    let third = json!({"rule_name": "operand", "depends_on": [second], "operation": "UNION"});
    let third = engine.create_rule(third.to_string().as_str()).await.unwrap();
    assert_eq!(members(&engine, second).await, [UserKey::Int(3)]);
    engine.update_rule(first, long("-4").to_string().as_str()).await.unwrap();
    assert_eq!(members(&engine, second).await, [UserKey::Int(4)]);
    assert_eq!(members(&engine, third).await, [UserKey::Int(4)]);
    let mut picked = long("-4");
    picked["include"] = json!([7]);
    engine.update_rule(first, picked.to_string().as_str()).await.unwrap();
    assert_eq!(members(&engine, third).await, [UserKey::Int(4), UserKey::Int(7)]);
}
