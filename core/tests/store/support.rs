//! A small world: 120 users, of whom the first hundred visit, and three rules about their visits.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use datafusion::arrow::array::{Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use datafusion::parquet::arrow::ArrowWriter;
use segmentry::{AudienceModel, MemoryCatalog, Refresh, Run, SegmentEngine};

pub const HOUR: i64 = 3_600_000_000;

pub const RULES: [&str; 3] = ["Many", "Much", "Mean"];

/// A visit: its number, its user and its hour.
pub type Visit = (i64, i64, i64);

/// Users 0 to 99 each with a visit in every hour from `from` to before `to`.
pub fn hourly(from: i64, to: i64) -> Vec<Visit> {
    let visits = (from..to).flat_map(|hour| (0..100).map(move |user| (user, hour)));
    visits.map(|(user, hour)| (hour * 100 + user, user, hour)).collect()
}

pub fn kind(user: i64, hour: i64) -> &'static str {
    ["a", "b", "c"][usize::try_from((user + hour) % 3).unwrap()]
}

pub fn batch(visits: &[Visit]) -> RecordBatch {
    let whole = |value: fn(&Visit) -> i64| -> Int64Array {
        visits.iter().map(|visit| Some(value(visit))).collect()
    };
    let times: TimestampMicrosecondArray =
        visits.iter().map(|(_, _, hour)| Some(hour * HOUR)).collect();
    let kinds: StringArray =
        visits.iter().map(|(_, user, hour)| Some(kind(*user, *hour))).collect();
    RecordBatch::try_from_iter([
        ("number", Arc::new(whole(|visit| visit.0)) as _),
        ("user", Arc::new(whole(|visit| visit.1)) as _),
        ("at", Arc::new(times) as _),
        ("kind", Arc::new(kinds) as _),
        ("amount", Arc::new(whole(|visit| visit.1 * visit.2)) as _),
    ])
    .unwrap()
}

/// Makes a file look as if it had been there for so long.
#[allow(clippy::disallowed_methods)]
pub fn age(path: &Path, seconds: u64) {
    let then = SystemTime::now() - Duration::from_secs(seconds);
    File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
}

/// A Parquet file that has just been written.
pub fn write_now(folder: &Path, name: &str, visits: &[Visit]) {
    std::fs::create_dir_all(folder).unwrap();
    let batch = batch(visits);
    let file = File::create(folder.join(name)).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// A Parquet file that looks as if it had been there for a while.
pub fn write(folder: &Path, name: &str, visits: &[Visit]) {
    write_now(folder, name, visits);
    age(&folder.join(name), 3_600);
}

/// An engine with users and rules, to which visits have to be added.
pub async fn engine(store: Option<&Path>) -> SegmentEngine {
    engine_on(MemoryCatalog::new(), store).await
}

pub async fn engine_on(
    catalog: impl segmentry::Catalog + 'static,
    store: Option<&Path>,
) -> SegmentEngine {
    let model = AudienceModel::parse(
        r#"{"users": {"table": "users", "key": "id"},
            "events": {"visits": {"user": "user", "time": "at"}}}"#,
    );
    let builder = SegmentEngine::builder().catalog(catalog).model(model.unwrap()).threads(2);
    let builder = match store {
        Some(store) => builder.store(store),
        None => builder,
    };
    let engine = builder.build().await.unwrap();
    let ids: Int64Array = (0..120).map(Some).collect();
    let users = RecordBatch::try_from_iter([("id", Arc::new(ids) as _)]).unwrap();
    engine.add_arrow("users", vec![users]).unwrap();
    engine
}

pub fn rule(name: &str) -> String {
    let (aggregate, kind, least) = match name {
        "Many" => ("count", "a", 5),
        "Much" => ("sum", "b", 900),
        _ => ("avg", "c", 150),
    };
    serde_json::json!({
        "rule_name": name,
        "conditions": [{
            "events": "visits", "aggregate": aggregate, "field": "amount",
            "where": [{"field": "kind", "operator": "=", "value": kind}],
            "window": {"last": "24 hours"}, "operator": ">=", "value": least,
        }],
    })
    .to_string()
}

pub async fn create_rules(engine: &SegmentEngine) {
    for name in RULES {
        engine.create_rule(rule(name).as_str()).await.unwrap();
    }
}

pub async fn refresh_of(engine: &SegmentEngine, rules: &[&str], hour: i64) -> Run {
    let as_of = chrono::DateTime::from_timestamp_micros(hour * HOUR).unwrap();
    let rules = rules.iter().map(|name| (*name).to_owned());
    let run = engine.refresh(Refresh::rules(rules).as_of(as_of)).await.unwrap();
    assert!(run.failed.is_empty(), "{:?}", run.failed);
    assert_eq!(run.rules_planned, 0);
    run
}

/// Rows of visits that a run has read.
pub fn read(run: &Run) -> u64 {
    run.scanned.get("visits").copied().unwrap_or(0)
}

/// The engine's segments are those of a fresh one without a store over these visits.
pub async fn check(stored: &SegmentEngine, visits: &[Visit], hour: i64) {
    let fresh = engine(None).await;
    fresh.add_arrow("visits", vec![batch(visits)]).unwrap();
    create_rules(&fresh).await;
    refresh_of(&fresh, &RULES, hour).await;
    for name in RULES {
        let (is, should) =
            (stored.segment(name).await.unwrap(), fresh.segment(name).await.unwrap());
        assert_eq!(is.keys().unwrap(), should.keys().unwrap(), "{name} at {hour}");
    }
}

/// Refreshes all rules, checks the segments, and answers the run.
pub async fn agree(stored: &SegmentEngine, visits: &[Visit], hour: i64) -> Run {
    let run = refresh_of(stored, &RULES, hour).await;
    check(stored, visits, hour).await;
    run
}
