//! The shared pass over awkward data: several blocks of users, most without events, one with a
//! hundred thousand, in no order, values at the ends of 64 bits, keys of both kinds, any number of
//! partitions, little memory. Members are those of plans of the rules' own.

mod limits;
pub mod little;
mod progress;

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
    TimestampMillisecondArray, TimestampNanosecondArray,
};
use segmentry::{
    AudienceModel, Code, EngineBuilder, Evaluation, KeyColumn, MemoryCatalog, Refresh, Run,
    SegmentEngine,
};
use serde_json::{Value, json};

use crate::generate::Random;

const USERS: i64 = 70_000;
const DAY: i64 = 86_400_000;
/// 2025-06-01T00:00:00Z, in milliseconds.
const AS_OF: i64 = 1_748_736_000_000;

fn key(user: i64, texts: bool) -> String {
    if texts { format!("user-{user}") } else { user.to_string() }
}

fn keys(users: &[i64], texts: bool) -> ArrayRef {
    match texts {
        true => Arc::new(users.iter().map(|user| Some(key(*user, true))).collect::<StringArray>()),
        false => Arc::new(Int64Array::from(users.to_vec())),
    }
}

/// When, a large number, cents, a double, and a kind.
type Event = (i64, Option<i64>, i64, Option<f64>, Option<&'static str>);

/// Users with keys far apart, and their events in no order, in batches.
fn tables(texts: bool, random: &mut Random) -> (RecordBatch, Vec<RecordBatch>) {
    let ids: Vec<i64> = (0..USERS).map(|user| user * 31 - 5_000).collect();
    let tiers: Int64Array = ids.iter().map(|id| Some(id.rem_euclid(3))).collect();
    let some = |id: &i64| id % 7 != 0;
    let limits: Float64Array =
        ids.iter().map(|id| some(id).then_some(id.rem_euclid(5) as f64 / 100.0)).collect();
    let likes: StringArray = ids
        .iter()
        .map(|id| some(id).then_some(["travel", "", "a"][(id % 3).unsigned_abs() as usize]))
        .collect();
    let seen =
        ids.iter().map(|id| some(id).then_some((AS_OF - (id % 100).abs() * DAY) * 1_000_000));
    let seen: TimestampNanosecondArray = seen.collect();
    let users = RecordBatch::try_from_iter([
        ("id", keys(&ids, texts)),
        ("tier", Arc::new(tiers) as ArrayRef),
        ("limit", Arc::new(limits) as ArrayRef),
        ("likes", Arc::new(likes) as ArrayRef),
        ("seen", Arc::new(seen) as ArrayRef),
    ]);
    // One user has most of the events, a third of the users have none, some events are nobody's.
    let owners: Vec<i64> = (0..120_000)
        .map(|event| match event % 120 {
            0..100 => 17 * 31 - 5_000,
            100 => -77,
            _ => random.range(0, USERS * 2 / 3) * 31 - 5_000,
        })
        .collect();
    let mut columns: Vec<Event> = Vec::new();
    for owner in &owners {
        let time = AS_OF - random.range(-20, 200) * DAY + random.range(-5, 5);
        let large = match random.range(0, 2_000) {
            0 => i64::MAX - 1,
            1 => i64::MIN + 1,
            value => value * value - 1_000_000,
        };
        let large = if *owner % 2 == 0 { large } else { large.rem_euclid(1_000) };
        let double = [Some(f64::NAN), None, Some(-0.0), Some(1e300), Some(2.5)]
            [usize::try_from(random.range(0, 4)).unwrap()];
        let kind = [Some("Travel"), Some("a longer name of a kind"), None, Some("")]
            [usize::try_from(random.range(0, 3)).unwrap()];
        columns.push((
            time,
            (!random.percent(10)).then_some(large),
            random.range(-9, 9),
            double,
            kind,
        ));
    }
    let times: TimestampMillisecondArray = columns.iter().map(|row| Some(row.0)).collect();
    let cents: Decimal128Array = columns.iter().map(|row| Some(i128::from(row.2))).collect();
    let events = RecordBatch::try_from_iter([
        ("who", keys(&owners, texts)),
        ("at", Arc::new(times) as ArrayRef),
        ("large", Arc::new(columns.iter().map(|row| row.1).collect::<Int64Array>()) as ArrayRef),
        ("cents", Arc::new(cents.with_precision_and_scale(9, 2).unwrap()) as ArrayRef),
        ("double", Arc::new(columns.iter().map(|row| row.3).collect::<Float64Array>()) as ArrayRef),
        ("kind", Arc::new(columns.iter().map(|row| row.4).collect::<StringArray>()) as ArrayRef),
    ])
    .unwrap();
    let batches = (0..12).map(|part| events.slice(part * 10_000, 10_000)).collect();
    (users.unwrap(), batches)
}

fn rules() -> Vec<Value> {
    let mut rules = Vec::new();
    let windows =
        [json!({"last": "30 days"}), json!({"between": ["90 days", "3 days"]}), json!("all")];
    let filters = [
        json!(null),
        json!([{"field": "kind", "operator": "=", "value": "Travel"}]),
        json!([{"field": "kind", "operator": "notNull"}, "and",
               {"field": "cents", "operator": "between", "value": [-0.05, 0.03]}]),
        json!([{"field": "double", "operator": ">", "value": 0}, "or",
               {"field": "large", "operator": "<", "value": "cents", "valueSource": "field"}]),
    ];
    let asked = [
        ("count", None, ">=", json!(2)),
        ("sum", Some("large"), ">", json!(500)),
        ("sum", Some("large"), "<=", json!(0)),
        ("avg", Some("cents"), "notBetween", json!([-0.01, 0.015])),
        ("avg", Some("large"), ">", json!(400.25)),
        ("min", Some("large"), "<", json!(100)),
        ("max", Some("double"), ">=", json!(2.5)),
        ("min", Some("double"), "!=", json!(0)),
        ("days_since_last", None, "<=", json!(12)),
        ("days_since_first", None, ">", json!(80)),
        ("count_distinct", Some("cents"), ">", json!(1)),
        ("count_distinct", Some("double"), "=", json!(2)),
        ("count_distinct", Some("kind"), "between", json!([2, 3])),
        ("count_distinct", Some("time:day"), ">=", json!(2)),
        ("first", Some("cents"), "<", json!(0)),
        ("last", Some("large"), ">", json!(500)),
        ("last", Some("double"), "!=", json!(0)),
        ("first", Some("kind"), "!=", json!("Travel")),
        ("last", Some("kind"), "beginsWith", json!("a")),
        ("max", Some("kind"), "in", json!(["Travel", ""])),
        ("min", Some("kind"), ">", json!("")),
    ];
    for (at, window) in windows.iter().enumerate() {
        for (by, filter) in filters.iter().enumerate() {
            for (number, (aggregate, field, operator, value)) in asked.iter().enumerate() {
                let mut condition = json!({
                    "events": "visits", "aggregate": aggregate, "operator": operator,
                    "value": value, "window": window,
                });
                if let Some(field) = field {
                    condition["field"] = json!(field);
                }
                if !filter.is_null() {
                    condition["where"] = filter.clone();
                }
                let tier = json!({"field": "tier", "operator": "!=", "value": number % 3});
                rules.push(json!({
                    "rule_name": format!("{at} {by} {number}"),
                    "conditions": [condition, if by % 2 == 0 { "and" } else { "or" }, tier],
                    "timezone": if number % 2 == 0 { "UTC" } else { "America/New_York" },
                }));
            }
        }
    }
    // Every eleventh: the steps of the three lists go through all of them so.
    let mut rules: Vec<Value> = rules.into_iter().step_by(11).collect();
    rules.extend(sequences());
    rules.extend(comparisons());
    rules
}

/// Metrics against metrics and against columns of users.
fn comparisons() -> Vec<Value> {
    let asked = [
        ("sum", "cents", ">", "mean"),
        ("sum", "large", ">=", "tier"),
        ("sum", "large", "<", "largest"),
        ("avg", "cents", "<=", "limit"),
        ("avg", "large", "!=", "mean"),
        ("max", "double", ">", "limit"),
        ("count_distinct", "cents", "=", "tier"),
        ("count_distinct", "time:day", ">", "days"),
        ("last", "cents", "=", "newest"),
        ("last", "kind", "!=", "likes"),
        ("first", "kind", "beginsWith", "likes"),
        ("max", "kind", "doesNotEndWith", "likes"),
        ("max", "at", ">", "seen"),
        ("last", "at", "=", "at last"),
    ];
    let rule = |(number, (aggregate, field, operator, other)): (usize, &(&str, _, _, _))| {
        let mut condition = json!({
            "events": "visits", "aggregate": aggregate, "field": field, "operator": operator,
            "value": other, "valueSource": "field", "window": window(number),
            "where": [{"field": "kind", "operator": "notNull"}],
        });
        if field == &"kind" && number % 2 == 0 {
            condition["caseSensitive"] = json!(false);
        }
        let name = format!("{aggregate} {field} {operator} {other}");
        json!({"rule_name": name, "conditions": [condition]})
    };
    asked.iter().enumerate().map(rule).collect()
}

/// One of two windows.
fn window(number: usize) -> Value {
    match number % 2 {
        0 => json!("all"),
        _ => json!({"between": ["90 days", "3 days"]}),
    }
}

/// Sequences of two steps and of three, whose steps are the same events or others.
fn sequences() -> Vec<Value> {
    let step = |kind: &str, within: Option<&str>| {
        let filter = json!({"field": "kind", "operator": "beginsWith", "value": kind});
        let mut step = json!({"events": "visits", "where": [filter]});
        if let Some(within) = within {
            step["within"] = json!(within);
        }
        step
    };
    let chains = [
        vec![step("Travel", None), step("a longer", Some("5 days"))],
        vec![step("a", None), step("a", None), step("", Some("1 month"))],
        vec![step("", None), step("Travel", Some("1 second")), step("", Some("90 days"))],
    ];
    let rule = |(number, chain): (usize, &Vec<Value>)| {
        let did = if number == 1 { "didNot" } else { "did" };
        json!({
            "rule_name": format!("sequence {number}"),
            "conditions": [{"sequence": chain, "window": window(number), "operator": did}],
            "timezone": "America/New_York",
        })
    };
    chains.iter().enumerate().map(rule).collect()
}

async fn engine(texts: bool, threads: usize, memory: Option<u64>) -> SegmentEngine {
    let builder = SegmentEngine::builder().threads(threads);
    filled(builder, texts, memory).await
}

async fn stored_engine(store: &std::path::Path, memory: Option<u64>) -> SegmentEngine {
    filled(SegmentEngine::builder().threads(3).store(store), false, memory).await
}

async fn filled(builder: EngineBuilder, texts: bool, memory: Option<u64>) -> SegmentEngine {
    let model = AudienceModel::parse(
        r#"{"users": {"table": "users", "key": "id"},
            "events": {"visits": {"user": "who", "time": "at"}},
            "traits": {
                "mean": {"events": "visits", "aggregate": "avg", "field": "cents"},
                "largest": {"events": "visits", "aggregate": "max", "field": "large"},
                "days": {"events": "visits", "aggregate": "days_since_first"},
                "newest": {"events": "visits", "aggregate": "last", "field": "cents"},
                "at last": {"events": "visits", "aggregate": "last", "field": "at"}}}"#,
    );
    let builder = builder.catalog(MemoryCatalog::new()).model(model.unwrap());
    let builder = match memory {
        Some(bytes) => builder.memory_limit(bytes),
        None => builder,
    };
    let engine = builder.build().await.unwrap();
    let (users, events) = tables(texts, &mut Random::of(7));
    engine.add_arrow("users", vec![users]).unwrap();
    engine.add_arrow("visits", events).unwrap();
    engine.import_rules(&rules()).await.unwrap();
    engine
}

async fn refresh(engine: &SegmentEngine, evaluation: Evaluation) -> segmentry::Result<Run> {
    let as_of = chrono::DateTime::from_timestamp_millis(AS_OF).unwrap();
    engine.refresh(Refresh::all().as_of(as_of).reuse(false).evaluation(evaluation)).await
}

async fn members(engine: &SegmentEngine, run: &Run) -> Vec<(String, KeyColumn)> {
    let mut found = Vec::new();
    for segment in &run.segments {
        let keys = engine.segment(segment.rule_id).await.unwrap().keys().unwrap();
        found.push((segment.segment_name.clone(), keys));
    }
    found.sort_by(|one, other| one.0.cmp(&other.0));
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pass_and_plans_agree_on_awkward_data() {
    for (texts, threads) in [(false, 1), (true, 3), (false, 8)] {
        let engine = engine(texts, threads, None).await;
        let separate = refresh(&engine, Evaluation::Separate).await.unwrap();
        assert!(separate.failed.is_empty(), "{:?}", separate.failed.first());
        let expected = members(&engine, &separate).await;
        let shared = refresh(&engine, Evaluation::Shared).await.unwrap();
        assert_eq!(shared.rules_planned, 0, "all of it is shared");
        for (found, expected) in members(&engine, &shared).await.into_iter().zip(expected) {
            assert_eq!(found, expected, "texts {texts}, threads {threads}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pass_in_little_memory_is_right_or_says_so() {
    let plenty = engine(false, 2, None).await;
    let run = refresh(&plenty, Evaluation::Shared).await.unwrap();
    let expected = members(&plenty, &run).await;
    for megabytes in [2, 16, 128] {
        let engine = engine(false, 2, Some(megabytes << 20)).await;
        let run = match refresh(&engine, Evaluation::Shared).await {
            Ok(run) => run,
            Err(error) => {
                assert_eq!(error.code(), Code::OutOfMemory, "{error}");
                continue;
            }
        };
        for failed in &run.failed {
            assert_eq!(failed.problems[0]["code"], "out_of_memory", "{failed:?}");
        }
        for (name, keys) in members(&engine, &run).await {
            let (_, expected) = expected.iter().find(|(known, _)| *known == name).unwrap();
            assert_eq!(&keys, expected, "{name} in {megabytes} MB");
        }
    }
}
