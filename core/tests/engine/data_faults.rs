//! Data that is not as it should be: an error that names table and column, and the segments that
//! were published before still stand.

use std::path::PathBuf;

use super::*;

/// Without a trait, so that what is wrong with events is a matter of the rules on them.
async fn bare() -> SegmentEngine {
    let mut model = AudienceModel::parse(MODEL).unwrap();
    model.traits.clear();
    bare_with(MemoryCatalog::new(), model).await
}

/// An engine over two Parquet files with a rule on each, refreshed once.
struct Platform {
    _folder: tempfile::TempDir,
    people: PathBuf,
    buys: PathBuf,
    engine: SegmentEngine,
    metro: i64,
    spend: i64,
}

async fn platform() -> Platform {
    let folder = tempfile::tempdir().unwrap();
    let (users, events) =
        (folder.path().join("people.parquet"), folder.path().join("buys.parquet"));
    write_parquet(&users, &people());
    write_parquet(&events, &buys());
    let engine = bare().await;
    engine.add_parquet("people", &users).await.unwrap();
    engine.add_parquet("buys", &events).await.unwrap();
    let metro = engine.create_rule(tier("Metro", 1)).await.unwrap();
    let spend = json!({"rule_name": "Spend", "conditions": [
        {"events": "buys", "aggregate": "sum", "field": "amount", "operator": ">=", "value": 500}
    ]});
    let spend = engine.create_rule(spend).await.unwrap();
    let run = refresh(&engine).await;
    assert!(run.failed.is_empty(), "{:?}", run.failed);
    Platform { _folder: folder, people: users, buys: events, engine, metro, spend }
}

impl Platform {
    /// What the next refresh fails with as a whole, or the rule on events by itself.
    async fn fault(&self) -> (String, String) {
        let found = match self.engine.refresh(Refresh::all()).await {
            Err(error) => (error.code().to_string(), error.to_string()),
            Ok(run) => {
                let failed = run.failed.iter().find(|failed| failed.rule_id == self.spend);
                let problem = &failed.unwrap_or_else(|| panic!("{run:?}")).problems[0];
                let text = |name: &str| problem[name].as_str().unwrap().to_owned();
                (text("code"), text("message"))
            }
        };
        // Whatever it is, what was published is as it was.
        assert_eq!(keys(&self.engine, self.spend).await, [5, 6, 7, 8, 9, 10]);
        assert_eq!(keys(&self.engine, self.metro).await, [1, 4, 7, 10]);
        found
    }
}

fn with_column(batch: &RecordBatch, name: &str, column: ArrayRef) -> RecordBatch {
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns());
    let columns = columns.map(|(field, old)| {
        let new = if field.name() == name { &column } else { old };
        (field.name().clone(), Arc::clone(new))
    });
    RecordBatch::try_from_iter(columns).unwrap()
}

fn without_column(batch: &RecordBatch, name: &str) -> RecordBatch {
    let schema = batch.schema();
    let kept: Vec<usize> =
        (0..batch.num_columns()).filter(|i| schema.field(*i).name() != name).collect();
    batch.project(&kept).unwrap()
}

fn keys_of_people(keys: Vec<Option<i64>>) -> RecordBatch {
    let people = people();
    with_column(&people.slice(0, keys.len()), "id", Arc::new(Int64Array::from(keys)))
}

fn names(fault: &(String, String), code: &str, parts: &[&str]) {
    assert_eq!(fault.0, code, "{}", fault.1);
    for part in parts {
        assert!(fault.1.contains(part), "{part:?} is not in {}", fault.1);
    }
}

#[tokio::test]
async fn faults_missing_table() {
    let platform = platform().await;
    platform.engine.remove_source("buys").unwrap();
    names(&platform.fault().await, "missing_table", &["buys"]);
}

#[tokio::test]
async fn faults_missing_key_column() {
    let platform = platform().await;
    write_parquet(&platform.people, &without_column(&people(), "id"));
    names(&platform.fault().await, "missing_column", &["people", "id"]);
}

#[tokio::test]
async fn faults_missing_event_columns() {
    let platform = platform().await;
    for column in ["user_id", "at", "amount"] {
        write_parquet(&platform.buys, &without_column(&buys(), column));
        names(&platform.fault().await, "missing_column", &["buys", column]);
    }
}

#[tokio::test]
async fn faults_missing_attribute_is_the_rules_own() {
    let platform = platform().await;
    write_parquet(&platform.people, &without_column(&people(), "tier"));
    let run = refresh(&platform.engine).await;
    assert_eq!((run.failed.len(), run.failed[0].rule_id), (1, platform.metro));
    let problem = &run.failed[0].problems[0];
    assert_eq!(problem["code"], json!("missing_column"));
    assert!(problem["message"].as_str().unwrap().contains("people.tier"), "{problem}");
    assert_eq!(run.segments.len(), 1);
    assert_eq!(keys(&platform.engine, platform.metro).await, [1, 4, 7, 10]);
}

#[tokio::test]
async fn faults_of_a_traits_column() {
    let engine = engine().await;
    let trait_rule = json!({"rule_name": "Spenders", "conditions": [
        {"field": "total_spend", "operator": ">", "value": 0}
    ]});
    let spenders = engine.create_rule(trait_rule.clone()).await.unwrap();
    let metro = engine.create_rule(tier("Metro", 1)).await.unwrap();
    let run = refresh(&engine).await;
    assert!(run.failed.is_empty(), "{:?}", run.failed);
    let before = keys(&engine, spenders).await;

    // Rules on the trait fail, alone; the rule without it does not.
    engine.add_arrow("buys", vec![without_column(&buys(), "amount")]).unwrap();
    let run = refresh(&engine).await;
    let failed: Vec<i64> = run.failed.iter().map(|failed| failed.rule_id).collect();
    assert_eq!(failed, [spenders]);
    assert_eq!(run.failed[0].problems[0]["code"], json!("missing_column"));
    assert!(run.segments.iter().any(|segment| segment.rule_id == metro));
    assert_eq!(keys(&engine, spenders).await, before);

    // Who writes a rule is told of the model as it is.
    let error = engine.validate(trait_rule).await.unwrap_err();
    assert_eq!((error.code(), error.path()), (Code::MissingColumn, "/traits/total_spend/field"));
    let texts = StringArray::from_iter_values((1..=10).map(|id| id.to_string()));
    engine.add_arrow("buys", vec![with_column(&buys(), "amount", Arc::new(texts))]).unwrap();
    let error = engine.fields().await.unwrap_err();
    assert_eq!((error.code(), error.path()), (Code::TypeMismatch, "/traits/total_spend/field"));
    assert!(error.to_string().contains("buys.amount"), "{error}");
}

#[tokio::test]
async fn faults_keys_null_and_doubled() {
    let platform = platform().await;
    write_parquet(&platform.people, &keys_of_people(vec![Some(1), None, Some(3)]));
    names(&platform.fault().await, "bad_key", &["people", "id", "null"]);
    write_parquet(&platform.people, &keys_of_people(vec![Some(1), Some(7), Some(7)]));
    names(&platform.fault().await, "bad_key", &["people", "id", "7"]);
}

#[tokio::test]
async fn faults_keys_of_another_type() {
    let platform = platform().await;
    let floats = Float64Array::from_iter_values((1..=10).map(f64::from));
    write_parquet(&platform.people, &with_column(&people(), "id", Arc::new(floats)));
    names(&platform.fault().await, "bad_key", &["people", "id"]);
    let texts = || Arc::new(StringArray::from_iter_values((1..=10).map(|id| id.to_string())));
    write_parquet(&platform.people, &with_column(&people(), "id", texts()));
    // Events have integers still.
    names(&platform.fault().await, "bad_key", &["buys", "user_id"]);
    write_parquet(&platform.buys, &with_column(&buys(), "user_id", texts()));
    names(&platform.fault().await, "bad_key", &["people", "id"]);
    let large = UInt64Array::from_iter_values((1..=10).map(|id| u64::MAX - id));
    write_parquet(&platform.people, &with_column(&people(), "id", Arc::new(large)));
    write_parquet(&platform.buys, &buys());
    names(&platform.fault().await, "bad_key", &["people", "id"]);
    write_parquet(&platform.people, &people());
    assert!(refresh(&platform.engine).await.failed.is_empty());
}

#[tokio::test]
async fn faults_column_type_changed() {
    let platform = platform().await;
    let engine = &platform.engine;
    let texts = StringArray::from_iter_values((1..=10).map(|id| (id % 3).to_string()));
    write_parquet(&platform.people, &with_column(&people(), "tier", Arc::new(texts)));
    let run = refresh(engine).await;
    assert_eq!((run.failed.len(), run.failed[0].rule_id), (1, platform.metro));
    let problem = &run.failed[0].problems[0];
    assert_eq!(problem["code"], json!("column_type_changed"), "{problem}");
    let message = problem["message"].as_str().unwrap();
    assert!(message.contains("people.tier") && message.contains("integer"), "{message}");
    assert!(message.contains("string"), "{message}");
    assert_eq!(keys(engine, platform.metro).await, [1, 4, 7, 10]);
    let rule = json!({"rule_name": "Metro", "conditions": [
        {"field": "tier", "operator": "=", "value": "2"}
    ]});
    engine.update_rule(platform.metro, rule).await.unwrap();
    assert!(refresh(engine).await.failed.is_empty());
    assert_eq!(keys(engine, platform.metro).await, [2, 5, 8]);
}

#[tokio::test]
async fn faults_column_type_changed_to_one_that_the_rule_could_bear() {
    let platform = platform().await;
    let engine = &platform.engine;
    let floats = Float64Array::from_iter_values((1..=10).map(|id| f64::from(id * 100)));
    write_parquet(&platform.buys, &with_column(&buys(), "amount", Arc::new(floats)));
    names(&platform.fault().await, "column_type_changed", &["buys.amount", "integer", "float"]);
    let document = engine.rule(platform.spend).await.unwrap().document;
    engine.update_rule(platform.spend, document).await.unwrap();
    assert!(refresh(engine).await.failed.is_empty());
    assert_eq!(keys(engine, platform.spend).await, [5, 6, 7, 8, 9, 10]);
}

#[tokio::test]
async fn faults_parquet_files() {
    let platform = platform().await;
    let whole = std::fs::read(&platform.buys).unwrap();
    std::fs::remove_file(&platform.buys).unwrap();
    names(&platform.fault().await, "unreadable_source", &["\"buys\"", "buys.parquet"]);
    std::fs::write(&platform.buys, &whole[..whole.len() / 2]).unwrap();
    names(&platform.fault().await, "unreadable_source", &["\"buys\"", "buys.parquet"]);
    std::fs::write(&platform.buys, b"PAR1 nothing of the kind PAR1").unwrap();
    names(&platform.fault().await, "unreadable_source", &["\"buys\"", "buys.parquet"]);
    std::fs::write(&platform.buys, b"").unwrap();
    names(&platform.fault().await, "unreadable_source", &["\"buys\"", "buys.parquet"]);
    // The footer is whole, the pages are not.
    let mut holed = whole.clone();
    holed[4..whole.len() / 3].fill(0xff);
    std::fs::write(&platform.buys, &holed).unwrap();
    names(&platform.fault().await, "unreadable_source", &["\"buys\""]);
    let users = std::fs::read(&platform.people).unwrap();
    std::fs::write(&platform.buys, &whole).unwrap();
    let mut holed = users.clone();
    holed[4..users.len() / 3].fill(0xff);
    std::fs::write(&platform.people, &holed).unwrap();
    names(&platform.fault().await, "unreadable_source", &["\"people\""]);
    std::fs::remove_file(&platform.people).unwrap();
    names(&platform.fault().await, "unreadable_source", &["\"people\""]);
    std::fs::write(&platform.people, &users).unwrap();
    assert!(refresh(&platform.engine).await.failed.is_empty());
}

#[tokio::test]
async fn faults_csv_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("buys.csv");
    let engine = bare().await;
    engine.add_arrow("people", vec![people()]).unwrap();
    let good = "user_id,at,amount\n1,2025-01-01T00:00:00,100\n2,2025-01-02T00:00:00,\n";
    std::fs::write(&path, good).unwrap();
    engine.add_csv("buys", &path).await.unwrap();
    let rule = json!({"rule_name": "Spend", "conditions": [
        {"events": "buys", "aggregate": "sum", "field": "amount", "operator": ">", "value": 0}
    ]});
    let id = engine.create_rule(rule).await.unwrap();
    assert!(refresh(&engine).await.failed.is_empty());
    assert_eq!(keys(&engine, id).await, [1]);
    for (bad, code) in [
        // More values than the header has names.
        ("user_id,at,amount\n1,2025-01-01T00:00:00,1\n1,2,3,4,5\n", "unreadable_source"),
        ("", "unreadable_source"),
        ("user_id,at,amount\n1,2025-01-01T00:00:00,1\n\u{0}\u{1},x,\u{2}\n", "bad_key"),
        (
            "user_id,at,amount\n1,2025-01-01T00:00:00,1\n2,2025-01-01T00:00:00,much\n",
            "column_type_changed",
        ),
        ("user_id,at\n1,2025-01-01T00:00:00\n", "missing_column"),
    ] {
        std::fs::write(&path, bad).unwrap();
        let found = match engine.refresh(Refresh::all()).await {
            Err(error) => (error.code().to_string(), error.to_string()),
            Ok(run) => {
                let problem = run.failed.first().map(|failed| &failed.problems[0]);
                let problem = problem.unwrap_or_else(|| panic!("{bad:?}: {run:?}"));
                (problem["code"].as_str().unwrap().to_owned(), problem.to_string())
            }
        };
        names(&found, code, &["buys"]);
        assert_eq!(keys(&engine, id).await, [1]);
    }
    std::fs::write(&path, b"\xff\xfe\x00\x01\x02").unwrap();
    assert!(engine.refresh(Refresh::all()).await.is_err());
    std::fs::write(&path, good).unwrap();
    assert!(refresh(&engine).await.failed.is_empty());
    let error = engine.add_csv("more", folder.path().join("none.csv")).await.unwrap_err();
    assert_eq!(error.code(), Code::UnreadableSource);
    assert!(error.to_string().contains("more") && error.to_string().contains("none.csv"));
}

#[tokio::test]
async fn faults_overflow_of_a_sum() {
    let engine = bare().await;
    engine.add_arrow("people", vec![people()]).unwrap();
    let large = 10i128.pow(38) - 1;
    let events = |user: i64| {
        let amounts = Decimal128Array::from(vec![large, large, 5]);
        batch(vec![
            ("user_id", Arc::new(Int64Array::from(vec![user, user, 1])) as ArrayRef),
            ("at", Arc::new(TimestampMicrosecondArray::from(vec![0, 1, 2]))),
            ("amount", Arc::new(amounts.with_precision_and_scale(38, 0).unwrap())),
        ])
    };
    // What belongs to no user may be as large as it likes.
    engine.add_arrow("buys", vec![events(99)]).unwrap();
    let rule = |aggregate: &str| {
        json!({"rule_name": aggregate, "conditions": [
            {"events": "buys", "aggregate": aggregate, "field": "amount", "operator": ">", "value": 1}
        ]})
    };
    let sum = engine.create_rule(rule("sum")).await.unwrap();
    let avg = engine.create_rule(rule("avg")).await.unwrap();
    let run = refresh(&engine).await;
    assert!(run.failed.is_empty(), "{:?}", run.failed);
    assert_eq!((keys(&engine, sum).await, keys(&engine, avg).await), (vec![1], vec![1]));
    engine.add_arrow("buys", vec![events(2)]).unwrap();
    let run = refresh(&engine).await;
    assert_eq!(run.failed.len(), 2, "{run:?}");
    for failed in &run.failed {
        assert_eq!(failed.problems[0]["code"], json!("overflow"), "{failed:?}");
        let message = failed.problems[0]["message"].as_str().unwrap();
        assert!(message.contains("amount") && message.contains("buys"), "{message}");
    }
    assert_eq!(keys(&engine, sum).await, [1]);
}

#[tokio::test]
async fn faults_sqlite_values() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("platform.db");
    let database = rusqlite::Connection::open(&path).unwrap();
    database
        .execute_batch(
            "CREATE TABLE people (id INTEGER, tier INTEGER, country TEXT);
             CREATE TABLE buys (user_id INTEGER, at DATETIME, amount INTEGER);
             INSERT INTO people VALUES (1, 1, 'IN'), (2, 2, 'NP');
             INSERT INTO buys VALUES (1, '2025-01-01 00:00:00', 700);",
        )
        .unwrap();
    let engine = bare().await;
    engine.add_sqlite(&path).await.unwrap();
    let metro = engine.create_rule(tier("Metro", 1)).await.unwrap();
    let spend = json!({"rule_name": "Spend", "conditions": [
        {"events": "buys", "aggregate": "sum", "field": "amount", "operator": ">", "value": 0}
    ]});
    let spend = engine.create_rule(spend).await.unwrap();
    assert!(refresh(&engine).await.failed.is_empty());
    database.execute("INSERT INTO buys VALUES (2, '2025-01-01 00:00:00', 'much')", []).unwrap();
    let run = refresh(&engine).await;
    assert_eq!((run.failed.len(), run.failed[0].rule_id), (1, spend));
    let problem = &run.failed[0].problems[0];
    assert_eq!(problem["code"], json!("unreadable_source"));
    let message = problem["message"].as_str().unwrap();
    assert!(message.contains("buys") && message.contains("amount"), "{message}");
    assert_eq!((keys(&engine, spend).await, keys(&engine, metro).await), (vec![1], vec![1]));
    database.execute("DROP TABLE buys", []).unwrap();
    let error = engine.refresh(Refresh::all()).await.unwrap_err();
    assert!(matches!(error.code(), Code::UnreadableSource | Code::MissingTable), "{error}");
    assert!(error.to_string().contains("buys"), "{error}");
}
