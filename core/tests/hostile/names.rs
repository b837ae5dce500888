//! Hostile strings as names of tables and columns, in memory and in SQLite, with a profile store.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use rusqlite::Connection;
use segmentry::{
    AudienceModel, Code, Dialect, Key, Refresh, RuleDocument, RuleParser, RuleRef, SegmentEngine,
};
use serde_json::{Value, json};

use super::ground::Ground;
use super::{batches, is_typed, quoted};

/// Users 1 to 3 have their key as the value of every column, and in every table one event that has
/// it as well.
const KEYS: [i64; 3] = [1, 2, 3];

/// Of all questions these users are the answer.
const ANSWER: [i64; 2] = [2, 3];

/// Names that the tables of this test have already, and those that mean something by themselves.
const TAKEN: [&str; 6] = ["", "people", "id", "user", "at", "canary"];

fn ints() -> ArrayRef {
    Arc::new(Int64Array::from(KEYS.to_vec()))
}

fn users(names: &[&str]) -> RecordBatch {
    let columns = names.iter().map(|name| (*name, ints()));
    RecordBatch::try_from_iter([("id", ints())].into_iter().chain(columns)).unwrap()
}

fn events(name: &str) -> RecordBatch {
    let times: ArrayRef = Arc::new(TimestampMicrosecondArray::from(vec![1_000_000; 3]));
    RecordBatch::try_from_iter([("user", ints()), ("at", times), (name, ints())]).unwrap()
}

fn fill(database: &Connection, names: &[&str]) {
    let columns: String = names.iter().map(|name| format!(", {} INTEGER", quoted(name))).collect();
    database.execute_batch(&format!("CREATE TABLE people (id INTEGER{columns})")).unwrap();
    for key in KEYS {
        let values = format!(", {key}").repeat(names.len());
        database.execute_batch(&format!("INSERT INTO people VALUES ({key}{values})")).unwrap();
    }
    for name in names {
        let table = quoted(name);
        let made =
            format!("CREATE TABLE {table} (\"user\" INTEGER, at TIMESTAMP, {table} INTEGER)");
        database.execute_batch(&made).unwrap();
        for key in KEYS {
            let row = format!("INSERT INTO {table} VALUES ({key}, '1970-01-01 00:00:01', {key})");
            database.execute_batch(&row).unwrap();
        }
    }
}

/// Those names that can be all of them names of tables in one SQLite file, and that are not taken
/// for those of a catalog.
fn for_sqlite<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    let fits = |name: &&&str| {
        let lower = name.to_ascii_lowercase();
        let own = ["sqlite_", "segmentry_", "rule_table", "segment_catalog", "main."];
        !name.contains('\0') && !own.iter().any(|own| lower.starts_with(own)) && seen.insert(lower)
    };
    names.iter().filter(fits).copied().collect()
}

fn model(names: &[&str]) -> AudienceModel {
    let events: serde_json::Map<String, Value> = names
        .iter()
        .map(|name| ((*name).to_owned(), json!({"user": "user", "time": "at"})))
        .collect();
    let traits: serde_json::Map<String, Value> = names
        .iter()
        .map(|name| {
            (format!("{name}, all"), json!({"aggregate": "sum", "field": name, "events": [name]}))
        })
        .collect();
    let model =
        json!({"users": {"table": "people", "key": "id"}, "events": events, "traits": traits});
    AudienceModel::parse(&model).unwrap()
}

/// Conditions on what has the name, of which those are true who are the answer.
fn questions(name: &str) -> [Value; 4] {
    let field = match name {
        "segment" | "bucket" => format!("users.{name}"),
        name => name.to_owned(),
    };
    [
        json!([{"field": field, "operator": ">", "value": 1}]),
        json!([{"field": format!("people.{name}"), "operator": "in", "value": [2, 3]}]),
        json!([{"events": [name], "aggregate": "sum", "field": name, "operator": ">=", "value": 2,
                "where": [{"field": name, "operator": "!=", "value": 5}]}]),
        json!([{"field": format!("{name}, all"), "operator": ">", "value": 1}]),
    ]
}

async fn check(engine: &SegmentEngine, names: &[&str], database: Option<&Connection>) {
    let mut ids = Vec::new();
    for (at, name) in names.iter().enumerate() {
        for (number, conditions) in questions(name).into_iter().enumerate() {
            let rule = json!({"rule_name": format!("{at} {number}"), "conditions": conditions});
            let id = engine.create_rule(&rule).await;
            ids.push((*name, conditions, id.unwrap_or_else(|error| panic!("{rule}\n{error}"))));
        }
    }
    let run = engine.refresh(Refresh::all()).await.unwrap();
    assert_eq!(run.failed, []);
    for (at, (name, conditions, id)) in ids.iter().enumerate() {
        let keys: Vec<Key> = engine.segment(*id).await.unwrap().keys().unwrap().iter().collect();
        assert_eq!(keys, ANSWER.map(Key::Int), "{conditions}");
        let rule = json!({"rule_name": "x", "conditions": conditions});
        let text = RuleParser::parse(&rule).unwrap().conditions.unwrap().to_text();
        // One of the four is asked in the other ways as well.
        if at % 4 != (at / 4) % 4 {
            continue;
        }
        let preview = engine.preview(text.as_str()).await;
        let preview = preview.unwrap_or_else(|error| panic!("{text}\n{error}"));
        assert_eq!(preview.count, 2, "{text}");
        assert!(engine.explain(*id, 2).await.unwrap().member, "{text}");
        let stored = RuleDocument::Stored(RuleRef::Id(*id));
        let own = engine.to_sql(&stored, Dialect::DataFusion).await.unwrap();
        assert_eq!(numbers(engine, &own).await, ANSWER, "{own}");
        let counted = format!("SELECT {0} FROM {0} WHERE {0} > 1", quoted(name));
        assert_eq!(numbers(engine, &counted).await, ANSWER, "{counted}");
        let Some(database) = database else { continue };
        match engine.to_sql(&stored, Dialect::Sqlite).await {
            Ok(sql) => {
                database.execute_batch(&format!("SELECT count(*) FROM ({sql})")).unwrap();
                let mut rows = database.prepare(&sql).unwrap();
                let rows = rows.query_map([], |row| row.get(0)).unwrap();
                let mut found: Vec<i64> = rows.collect::<Result<_, _>>().unwrap();
                found.sort_unstable();
                assert_eq!(found, ANSWER, "{sql}");
            }
            Err(error) => assert_eq!(error.code(), Code::Unsupported, "{error}"),
        }
    }
    let fields = engine.fields().await.unwrap();
    assert!(names.iter().all(|name| fields.iter().any(|field| field.name == *name)));
}

async fn numbers(engine: &SegmentEngine, sql: &str) -> Vec<i64> {
    use futures::TryStreamExt;
    let rows = engine.sql(sql).await.unwrap_or_else(|error| panic!("{sql}\n{error}"));
    let rows: Vec<RecordBatch> = rows.try_collect().await.unwrap();
    let column = |batch: &RecordBatch| {
        let column = batch.column(0).as_any().downcast_ref::<Int64Array>().unwrap();
        column.values().to_vec()
    };
    let mut found: Vec<i64> = rows.iter().flat_map(column).collect();
    found.sort_unstable();
    found
}

async fn open(ground: &Ground, names: &[&str], store: bool) -> SegmentEngine {
    let mut builder = SegmentEngine::builder().catalog(ground.catalog()).threads(2);
    if store {
        builder = builder.store(ground.path("store"));
    }
    builder.model(model(names)).build().await.unwrap()
}

#[tokio::test]
async fn hostile_names_are_names() {
    let mut tried = (0, 0);
    for batch in batches(12) {
        // A name of 200 KB is a name as well, but not of many columns in one plan.
        let names = batch.iter().map(String::as_str);
        let names: Vec<&str> =
            names.filter(|name| !TAKEN.contains(name) && name.len() < 20_000).collect();
        let in_file = for_sqlite(&names);
        let ground = Ground::new(|database| fill(database, &in_file));
        let mut taken = Vec::new();
        {
            let engine = open(&ground, &[], false).await;
            engine.add_arrow("people", vec![users(&names)]).unwrap();
            for name in &names {
                match engine.add_arrow(name, vec![events(name)]) {
                    Ok(()) => taken.push(*name),
                    Err(error) => {
                        assert_eq!(error.code(), Code::BadName, "{name:?}: {error}");
                        assert!(name.starts_with("segment_output_"), "{name:?}");
                    }
                }
                let unknown = json!([{"field": format!("{name}!"), "operator": "null"}]);
                let error = engine.preview(&unknown).await.unwrap_err();
                assert!(is_typed(&error), "{error}");
            }
        }
        let engine = open(&ground, &taken, true).await;
        engine.add_arrow("people", vec![users(&taken)]).unwrap();
        for name in &taken {
            engine.add_arrow(name, vec![events(name)]).unwrap();
        }
        check(&engine, &taken, None).await;
        tried.0 += taken.len();
        drop(engine);
        let in_file: Vec<&str> = in_file.into_iter().filter(|name| taken.contains(name)).collect();
        let other = Ground::new(|database| fill(database, &in_file));
        let engine = open(&other, &in_file, true).await;
        let path = other.path("sources/platform.db");
        engine.add_sqlite(&path).await.unwrap();
        check(&engine, &in_file, Some(&Connection::open(path).unwrap())).await;
        tried.1 += in_file.len();
        drop(engine);
        ground.check();
        other.check();
    }
    println!("{} names of tables and columns, {} of them in SQLite", tried.0, tried.1);
}
