//! Hostile strings as keys of users, values of columns, and what conditions compare them with.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use regex::{Regex, RegexBuilder};
use rusqlite::Connection;
use segmentry::{
    AudienceModel, Code, Dialect, Key, Refresh, RuleDocument, RuleParser, RuleRef, SegmentEngine,
};
use serde_json::{Value, json};

use super::ground::Ground;
use super::{batches, is_typed};
use crate::oracle::text::fold;

const MODEL: &str = r#"{
    "users": {"table": "people", "key": "key"},
    "events": {"buys": {"user": "user", "time": "at"}}
}"#;

/// One condition with the strings, as values of users, of which it is true.
struct Asked {
    condition: Value,
    holds: Box<dyn Fn(&str) -> bool>,
}

fn asked(condition: Value, holds: impl Fn(&str) -> bool + 'static) -> Asked {
    Asked { condition, holds: Box::new(holds) }
}

/// What is asked about a string of the values of all users.
fn questions(text: &str) -> Vec<Asked> {
    let of = |operator: &str| json!({"field": "value", "operator": operator, "value": text});
    let events = |operator: &str| {
        let filter = json!({"field": "what", "operator": operator, "value": text});
        json!({"events": "buys", "where": [filter], "operator": ">=", "value": 1})
    };
    let own = || text.to_owned();
    let (equal, other, inside, outside) = (own(), own(), own(), own());
    let (start, end, below, listed, bought, among) = (own(), own(), own(), own(), own(), own());
    let folded = fold(text);
    let mut found = vec![
        asked(of("="), move |value| value == equal),
        asked(of("!="), move |value| value != other),
        asked(of("contains"), move |value| value.contains(&inside)),
        asked(of("doesNotContain"), move |value| !value.contains(&outside)),
        asked(of("beginsWith"), move |value| value.starts_with(&start)),
        asked(of("endsWith"), move |value| value.ends_with(&end)),
        // Order by code point is that of the bytes.
        asked(of("<"), move |value| value < below.as_str()),
        asked(json!({"field": "value", "operator": "in", "value": [text]}), move |value| {
            value == listed
        }),
        asked(
            json!({"field": "value", "operator": "contains", "value": text, "caseSensitive": false}),
            move |value| fold(value).contains(&folded),
        ),
        asked(events("="), move |value| value == bought),
        asked(events("contains"), move |value| value.contains(&among)),
    ];
    let literal = regex::escape(text);
    if let Some(pattern) = pattern(&literal) {
        let condition = json!({"field": "value", "operator": "matches", "value": literal});
        found.push(asked(condition, move |value| pattern.is_match(value)));
    }
    if let Some(pattern) = pattern(text) {
        found.push(asked(of("matches"), move |value| pattern.is_match(value)));
    }
    found
}

/// A regular expression of those that rules may have: no longer than 10,000 bytes, and compiled well
/// below the limit of 1 MiB.
fn pattern(text: &str) -> Option<Regex> {
    let built = RegexBuilder::new(text).size_limit(1 << 19).build();
    built.ok().filter(|_| text.len() <= 10_000)
}

fn users(texts: &[String]) -> RecordBatch {
    let keys: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
    RecordBatch::try_from_iter([("key", Arc::clone(&keys)), ("value", keys)]).unwrap()
}

fn buys(texts: &[String]) -> RecordBatch {
    let times = TimestampMicrosecondArray::from_iter_values(texts.iter().map(|_| 1_000_000));
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
    RecordBatch::try_from_iter([
        ("user", Arc::clone(&texts)),
        ("at", Arc::new(times)),
        ("what", texts),
    ])
    .unwrap()
}

async fn engine(ground: &Ground, texts: &[String]) -> SegmentEngine {
    let builder = SegmentEngine::builder().catalog(ground.catalog()).threads(2);
    let engine = builder.model(AudienceModel::parse(MODEL).unwrap()).build().await.unwrap();
    engine.add_arrow("people", vec![users(texts)]).unwrap();
    engine.add_arrow("buys", vec![buys(texts)]).unwrap();
    engine
}

/// The users in a database beside a canary.
fn fill(database: &Connection, texts: &[String]) {
    let tables = "CREATE TABLE people (\"key\" TEXT, value TEXT);
        CREATE TABLE buys (\"user\" TEXT, at TIMESTAMP, what TEXT)";
    database.execute_batch(tables).unwrap();
    for text in texts {
        database.execute("INSERT INTO people VALUES (?1, ?1)", [text]).unwrap();
        let buy = "INSERT INTO buys VALUES (?1, '1970-01-01 00:00:01', ?1)";
        database.execute(buy, [text]).unwrap();
    }
}

/// What SQLite answers to a SELECT of keys. Everything that the text holds is executed first, on a
/// connection that may write, so that a second statement in it would do its work.
fn answer(database: &Connection, sql: &str) -> BTreeSet<String> {
    database.execute_batch(&format!("SELECT count(*) FROM ({sql})")).unwrap();
    let mut statement = database.prepare(sql).unwrap_or_else(|error| panic!("{error}\n{sql}"));
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

async fn texts_of(engine: &SegmentEngine, sql: &str) -> BTreeSet<String> {
    use futures::TryStreamExt;
    let rows = engine.sql(sql).await.unwrap_or_else(|error| panic!("{error}\n{sql}"));
    let rows: Vec<RecordBatch> = rows.try_collect().await.unwrap();
    let mut found = BTreeSet::new();
    for batch in rows {
        let column = arrow::compute::cast(batch.column(0), &arrow::datatypes::DataType::Utf8);
        let column = column.unwrap();
        let column = column.as_any().downcast_ref::<StringArray>().unwrap();
        found.extend(column.iter().flatten().map(str::to_owned));
    }
    found
}

/// What became of the strings of all batches.
#[derive(Debug, Default)]
struct Outcome {
    rules: usize,
    said_by_sqlite: usize,
    refused_by_sqlite: usize,
}

async fn check(texts: &[String], seen: &mut Outcome) {
    let ground = Ground::new(|database| fill(database, texts));
    let engine = engine(&ground, texts).await;
    let questions: Vec<(usize, Asked)> = texts
        .iter()
        .enumerate()
        .flat_map(|(at, text)| questions(text).into_iter().map(move |asked| (at, asked)))
        .collect();
    let documents: Vec<Value> = questions
        .iter()
        .enumerate()
        .map(|(number, (at, asked))| {
            let (description, conditions) = (&texts[*at], &asked.condition);
            json!({"rule_name": format!("r{number}"), "description": description, "conditions": conditions})
        })
        .collect();
    let ids = engine.import_rules(&documents).await.unwrap();
    let run = engine.refresh(Refresh::all()).await.unwrap();
    assert_eq!(run.failed, []);
    let database = Connection::open(ground.path("sources/platform.db")).unwrap();
    for (number, ((at, asked), id)) in questions.iter().zip(&ids).enumerate() {
        let (text, condition) = (&texts[*at], &asked.condition);
        let expected: BTreeSet<String> =
            texts.iter().filter(|value| (asked.holds)(value)).cloned().collect();
        let keys = engine.segment(*id).await.unwrap().keys().unwrap();
        let found: BTreeSet<String> = keys
            .iter()
            .map(|key| match key {
                Key::Text(key) => key,
                Key::Int(key) => panic!("{key} is no text"),
            })
            .collect();
        assert_eq!(found, expected, "{condition}");
        let entry = engine.rule(*id).await.unwrap();
        assert_eq!(entry.document["description"], json!((!text.is_empty()).then_some(text)));
        let conditions = RuleParser::parse(&documents[number]).unwrap().conditions.unwrap();
        let written = conditions.to_text();
        let read = RuleParser::parse_text(&written).unwrap_or_else(|e| panic!("{written}\n{e}"));
        assert!(read.conditions.as_ref() == Some(&conditions), "{written}");
        // Every statement is tried in the other engines for a share of the strings.
        if number % 7 == at % 7 {
            let stored = RuleDocument::Stored(RuleRef::Id(*id));
            match engine.to_sql(&stored, Dialect::DataFusion).await {
                Ok(own) => assert_eq!(texts_of(&engine, &own).await, expected, "{own}"),
                // A call for each letter, of which there may be too many.
                Err(error) => assert_eq!(error.code(), Code::Unsupported, "{error}"),
            }
            match engine.to_sql(&stored, Dialect::Sqlite).await {
                Ok(sql) => {
                    assert_eq!(answer(&database, &sql), expected, "{sql}");
                    seen.said_by_sqlite += 1;
                }
                Err(error) => {
                    assert_eq!(error.code(), Code::Unsupported, "{error}");
                    seen.refused_by_sqlite += 1;
                }
            }
        }
        seen.rules += 1;
    }
    one_by_one(&engine, texts).await;
    drop(database);
    ground.check();
}

/// The verbs that take a key or conditions of their own.
async fn one_by_one(engine: &SegmentEngine, texts: &[String]) {
    let everyone = engine.create_rule(json!({"rule_name": "all", "conditions": []})).await.unwrap();
    let chosen: Vec<&String> = texts.iter().step_by(10).collect();
    let picked = json!({"rule_name": "picked", "conditions": {"combinator": "or", "rules": []}, "include": chosen});
    let picked = engine.create_rule(picked).await.unwrap();
    engine.refresh(Refresh::rules([everyone, picked])).await.unwrap();
    let segment = engine.segment(picked).await.unwrap();
    assert_eq!(segment.row_count(), chosen.len() as u64);
    for text in texts {
        let inside = chosen.contains(&text);
        assert_eq!(segment.contains(&Key::Text(text.clone())), inside, "{text:?}");
    }
    for text in chosen {
        let names = engine.segments_of(text.as_str()).await.unwrap();
        assert!(names.contains(&"picked".to_owned()) && names.contains(&"all".to_owned()));
        let condition = json!([{"field": "value", "operator": "=", "value": text}]);
        let told = engine.explain(&condition, text.as_str()).await.unwrap();
        assert!(told.member, "{text:?}");
        let preview = engine.preview(&condition).await.unwrap();
        assert_eq!(preview.count, 1, "{text:?}");
        // Whatever a document that is no document says, it is refused or read.
        for outcome in [
            engine.preview(text.as_str()).await.map(drop),
            engine.validate(text.as_str()).await.map(drop),
            engine.create_rule(text.as_str()).await.map(drop),
            RuleParser::parse_text(text).map(drop),
            AudienceModel::parse(text.as_str()).map(drop),
        ] {
            if let Err(error) = outcome {
                assert!(is_typed(&error), "{text:?}: {error}");
            }
        }
    }
}

#[tokio::test]
async fn hostile_values_are_compared_and_nothing_else() {
    let mut seen = Outcome::default();
    for batch in batches(60) {
        check(&batch, &mut seen).await;
    }
    println!("{seen:?}");
    assert!(seen.said_by_sqlite > seen.refused_by_sqlite);
}
