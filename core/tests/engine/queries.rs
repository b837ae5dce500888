//! Preview, SQL, fields, sources and the summary.

use arrow::datatypes::Int64Type;
use futures::TryStreamExt;
use segmentry::{Dialect, RuleDocument, RuleRef};

use super::*;

/// The first column of a query as integers.
pub(super) async fn rows(engine: &SegmentEngine, query: &str) -> Vec<i64> {
    let batches: Vec<RecordBatch> = engine.sql(query).await.unwrap().try_collect().await.unwrap();
    let mut found = Vec::new();
    for batch in batches {
        found.extend(batch.column(0).as_primitive::<Int64Type>().values());
    }
    found
}

#[tokio::test]
async fn queries_preview_without_storing() {
    let engine = engine().await;
    let conditions = json!([
        {"field": "tier", "operator": "!=", "value": 0},
        {"field": "country", "operator": "=", "value": "IN"},
        {"field": "total_spend", "operator": ">", "value": 400}
    ]);
    let preview = engine.preview(&conditions).await.unwrap();
    assert_eq!((preview.count, preview.of), (2, 10));
    let counts: Vec<u64> = preview.steps.iter().map(|step| step.count).collect();
    assert_eq!(counts, [7, 4, 2]);
    assert_eq!(preview.steps[1].path, "/1");
    assert!(preview.steps[1].text.contains("country"));
    assert_eq!(preview.sample.column(0).as_primitive::<Int64Type>().values(), &[8, 10]);
    let either = json!({"combinator": "or", "rules": conditions});
    let preview = engine.preview(&either).await.unwrap();
    let counts: Vec<u64> = preview.steps.iter().map(|step| step.count).collect();
    assert_eq!((preview.count, counts), (9, vec![7, 5, 6]));
    assert_eq!(preview.steps[2].path, "/rules/2");
    let early = engine.preview_as_of(&conditions, at("2025-01-01T00:00:00Z")).await.unwrap();
    assert_eq!(early.count, 0);
    let error = engine.preview(json!([{"field": "teir", "operator": "null"}])).await.unwrap_err();
    assert_eq!((error.code(), error.path()), (Code::UnknownField, "/0/field"));
    let unread = json!({"field": "segment", "operator": "in", "value": "One"});
    assert_eq!(code(engine.preview(&unread).await), Code::UnknownRule);
    assert_eq!(engine.rules(1, 10, None).await.unwrap().total, 0);
    assert_eq!(engine.runs(1, 10).await.unwrap().total, 0);
}

#[tokio::test]
async fn queries_select_and_nothing_else() {
    let engine = engine().await;
    let id = engine.create_rule(tier("One", 1)).await.unwrap();
    refresh(&engine).await;
    let sum = "SELECT sum(amount) FROM buys JOIN people ON id = user_id WHERE tier = 1";
    assert_eq!(rows(&engine, sum).await, [2200]);
    let joined = format!("SELECT id FROM segment_output_{id} ORDER BY id DESC");
    assert_eq!(rows(&engine, &joined).await, [10, 7, 4, 1]);
    assert_eq!(rows(&engine, "WITH a AS (SELECT 1 AS x) SELECT x FROM a").await, [1]);
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out.csv");
    let target = target.display();
    for query in [
        "CREATE TABLE t AS SELECT 1".to_owned(),
        "CREATE VIEW t AS SELECT 1".to_owned(),
        format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{target}'"),
        "INSERT INTO people VALUES (99, 1, 'IN')".to_owned(),
        "UPDATE people SET tier = 1".to_owned(),
        "DELETE FROM people".to_owned(),
        format!("COPY people TO '{target}'"),
        format!("COPY (SELECT 1) TO '{target}' STORED AS CSV"),
        "SET datafusion.execution.batch_size = 1".to_owned(),
        "DROP TABLE people".to_owned(),
        "DROP VIEW people".to_owned(),
        "BEGIN".to_owned(),
        "PREPARE p AS SELECT 1".to_owned(),
        format!("EXPLAIN ANALYZE COPY people TO '{target}'"),
    ] {
        match engine.sql(&query).await {
            Ok(_) => panic!("{query} was taken"),
            Err(error) => assert_eq!(error.code(), Code::NotReadOnly, "{query}: {error}"),
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_eq!(rows(&engine, "SELECT count(*) FROM people").await, [10]);
    for query in [
        "",
        "SELEC 1",
        "SELECT nothing FROM people",
        "SELECT * FROM nowhere",
        "SELECT * FROM segment_output_99",
        "SELECT 1; SELECT 2",
        "SELECT sum(country) FROM people GROUP BY",
        "SELECT * FROM '/etc/passwd'",
    ] {
        match engine.sql(query).await {
            Ok(_) => panic!("{query} was taken"),
            Err(error) => assert_eq!(error.code(), Code::BadQuery, "{query}: {error}"),
        }
    }
}

#[tokio::test]
async fn queries_say_a_rule_in_sql() {
    let engine = engine().await;
    let id = engine.create_rule(tier("One", 1)).await.unwrap();
    let stored = RuleDocument::Stored(RuleRef::Id(id));
    let sql = engine.to_sql(&stored, Dialect::DataFusion).await.unwrap();
    let mut found = rows(&engine, &sql).await;
    found.sort_unstable();
    assert_eq!(found, [1, 4, 7, 10]);
    for dialect in [Dialect::Postgres, Dialect::Sqlite, Dialect::DuckDb, Dialect::Spark] {
        assert!(engine.to_sql(&stored, dialect).await.unwrap().contains("tier"), "{dialect:?}");
    }
    let unknown = RuleDocument::Stored(RuleRef::Id(99));
    assert_eq!(code(engine.to_sql(&unknown, Dialect::DataFusion).await), Code::NotFound);
    let bad = RuleDocument::Document((&json!([{"field": "teir", "operator": "null"}])).into());
    assert_eq!(code(engine.to_sql(&bad, Dialect::DataFusion).await), Code::UnknownField);
}

/// A text is compared without regard to case letter by letter, each in a call around the last.
#[tokio::test]
async fn queries_that_a_rule_is_in_sql_are_read_again() {
    let engine = engine().await;
    let long = "The quick brown fox jumps over the lazy dog: 'nepal'";
    for (operator, expected) in
        [("contains", vec![]), ("not contains", vec![1, 2, 3, 4, 6, 7, 8, 9, 10])]
    {
        let condition = json!([{"field": "country", "operator": operator, "value": long}]);
        let sql = engine.to_sql(&condition, Dialect::DataFusion).await.unwrap();
        let mut found = rows(&engine, &sql).await;
        found.sort_unstable();
        assert_eq!(found, expected, "{sql}");
    }
}

#[tokio::test]
async fn queries_of_fields_sources_and_summary() {
    let engine = engine().await;
    let fields = engine.fields().await.unwrap();
    let field = |name: &str| fields.iter().find(|field| field.name == name).unwrap();
    assert_eq!(
        (field("tier").ty.as_str(), field("tier").table.as_deref()),
        ("integer", Some("people"))
    );
    assert_eq!(field("country").values, Some(vec!["IN".to_owned(), "NP".to_owned()]));
    assert!(field("country").operators.contains(&"beginsWith"));
    assert_eq!(field("total_spend").table, None);
    assert!(field("segment").operators.contains(&"in"));
    let sources = engine.sources();
    assert_eq!(sources.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["buys", "people"]);
    assert_eq!(sources[0].schema.fields().len(), 3);
    engine.create_rule(tier("One", 1)).await.unwrap();
    let run = refresh(&engine).await;
    let summary = engine.summary().await.unwrap();
    assert_eq!((summary.total_users, summary.total_transactions), (10, 10));
    assert_eq!(summary.total_spend.as_deref(), Some("5500"));
    assert_eq!((summary.total_rules, summary.total_segments), (1, 1));
    assert_eq!(summary.last_run.unwrap().id, run.id);
    assert_eq!(code(engine.remove_source("byus")), Code::NotFound);
    engine.remove_source("buys").unwrap();
    assert_eq!(code(engine.refresh(Refresh::all()).await), Code::MissingTable);
    assert_eq!(keys(&engine, 1).await, [1, 4, 7, 10]);
    assert_eq!(code(engine.add_arrow("segment_output_1", vec![people()])), Code::BadName);
    assert_eq!(code(engine.add_arrow("none", Vec::new())), Code::BadValue);
}

#[tokio::test]
async fn queries_of_string_keys() {
    let builder = SegmentEngine::builder().threads(2);
    let model = AudienceModel::parse(r#"{"users": {"table": "people", "key": "uuid"}}"#).unwrap();
    let engine = builder.model(model).build().await.unwrap();
    let people = batch(vec![
        ("uuid", Arc::new(StringArray::from(vec!["b", "a", "Z", "é"]))),
        ("age", Arc::new(Int64Array::from(vec![30, 20, 40, 50]))),
    ]);
    engine.add_arrow("people", vec![people]).unwrap();
    let rule = json!({"rule_name": "Grown", "include": ["a", "x"],
        "conditions": [{"field": "age", "operator": ">", "value": 30}]});
    let id = engine.create_rule(rule).await.unwrap();
    let run = refresh(&engine).await;
    assert_eq!(run.segments[0].unmatched, 1);
    let segment = engine.segment(id).await.unwrap();
    let keys: Vec<Key> = segment.keys().unwrap().iter().collect();
    assert_eq!(keys, ["Z", "a", "é"].map(|key| Key::Text(key.to_owned())));
    assert!(segment.contains(&Key::Text("é".into())) && !segment.contains(&Key::Int(1)));
    assert_eq!(segment.sample(9, Some(&["age"])).await.unwrap().num_rows(), 3);
    let wrong = json!({"rule_name": "Wrong", "conditions": [], "include": [7]});
    assert_eq!(code(engine.create_rule(wrong).await), Code::TypeMismatch);
}

/// Each condition is evaluated by itself, not again with all before it.
#[tokio::test]
async fn queries_preview_many_conditions() {
    let engine = engine().await;
    let others: Vec<Value> =
        (1..=1_000).map(|id| json!({"field": "id", "operator": "!=", "value": id})).collect();
    let preview = engine.preview(json!(others)).await.unwrap();
    let counts: Vec<u64> = preview.steps.iter().map(|step| step.count).collect();
    let left: Vec<u64> = (1..=1_000).map(|step: u64| 10u64.saturating_sub(step)).collect();
    assert_eq!((preview.count, counts), (0, left));
}

/// `é` as one letter and as two; both name the one column there is, and each its own where both are.
#[tokio::test]
async fn queries_find_columns_however_they_are_composed() {
    let (one, two) = ("caf\u{e9}", "cafe\u{301}");
    let people = |columns: &[(&str, i64)]| {
        let id: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
        let value = |value: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![value, value])) };
        let columns = columns.iter().map(|(name, given)| (*name, value(*given)));
        batch([("id", id)].into_iter().chain(columns).collect())
    };
    let model = AudienceModel::parse(r#"{"users": {"table": "people", "key": "id"}}"#).unwrap();
    for (columns, expected) in [
        (vec![(one, 1)], [2, 2]),
        (vec![(two, 1)], [2, 2]),
        (vec![(one, 1), (two, 5)], [2, 0]),
        (vec![(two, 1), (one, 5)], [0, 2]),
    ] {
        let engine = SegmentEngine::builder().model(model.clone()).build().await.unwrap();
        engine.add_arrow("people", vec![people(&columns)]).unwrap();
        for (name, count) in [one, two].into_iter().zip(expected) {
            let condition = json!([{"field": name, "operator": "=", "value": 1}]);
            assert_eq!(engine.preview(condition).await.unwrap().count, count, "{columns:?} {name}");
            // A text may begin with a quoted name.
            let text = format!("\"{name}\" = 1");
            assert_eq!(engine.preview(text.as_str()).await.unwrap().count, count, "{text}");
        }
    }
}
