//! What a rule of each kind of condition costs by itself, over a million users and the events of
//! `single_rule`; and what a thousand rules of one kind take in one run.
//!
//! `cargo bench -p segmentry-benches --bench conditions`. Medians of three refreshes, each as of an
//! instant of its own and without reuse; the first line, everyone, is what every refresh costs.

// A benchmark looks at the clock, and knows the documents that it makes.
#![allow(clippy::disallowed_methods, clippy::indexing_slicing)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use segmentry::{AudienceModel, MemoryCatalog, Refresh, Run, SegmentEngine};
use segmentry_benches::{CATEGORIES, Data, Result, median, peak_memory, under_cargo_bench};
use serde_json::{Value, json};

const USERS: i64 = 1_000_000;
const ROUNDS: u32 = 3;
const RULES: usize = 1_000;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    if !under_cargo_bench() {
        println!("conditions: runs under `cargo bench` only");
        return Ok(());
    }
    let data = Data::standard()?;
    let engine = engine(&data).await?;
    println!("{:<28} {:>8} {:>10}", "one rule of", "seconds", "members");
    for (name, condition) in kinds() {
        let rule = json!({ "rule_name": name, "conditions": [condition] });
        let id = engine.create_rule(&rule).await?;
        let mut took = Vec::new();
        let mut members = 0;
        for round in 0..ROUNDS {
            let (time, run) = refresh(&engine, Refresh::rules([id]), round).await?;
            took.push(time);
            members = run.segments.first().map_or(0, |segment| segment.row_count);
        }
        println!("{name:<28} {:>8.3} {members:>10}", median(took).as_secs_f64());
        engine.delete_rule(id).await?;
    }
    thousand(&data).await
}

/// A thousand different rules of a kind in one run, over a tenth of the users.
async fn thousand(data: &Data) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let small = Data::at(folder.path(), 100_000, 400_000)?;
    let data = Data { users: data.users.clone(), events: small.events };
    println!("{:<28} {:>8} {:>10}", "a thousand of", "seconds", "own plans");
    for kind in
        ["counts", "distinct values", "distinct days", "last values", "comparisons", "sequences"]
    {
        let engine = engine(&data).await?;
        let rule =
            |at| json!({ "rule_name": format!("Rule {at}"), "conditions": [one_of(kind, at)] });
        engine.import_rules(&(0..RULES).map(rule).collect::<Vec<Value>>()).await?;
        let (took, run) = refresh(&engine, Refresh::all(), 0).await?;
        println!("{kind:<28} {:>8.3} {:>10}", took.as_secs_f64(), run.rules_planned);
    }
    let most = peak_memory().unwrap_or_default() / (1 << 20);
    println!("{most} MiB at the peak");
    Ok(())
}

/// One of many conditions of a kind.
fn one_of(kind: &str, at: usize) -> Value {
    let mut condition = json!({
        "events": "events", "operator": ">", "value": 1 + at % 6,
        "where": [{ "field": "category", "operator": "=", "value": CATEGORIES[at % CATEGORIES.len()] }],
        "window": { "last": format!("{} days", 3 + at * 7 % 300) },
    });
    let more = match kind {
        "sequences" => return sequence(at, &format!("{} days", 3 + at % 40)),
        "distinct values" => json!({ "aggregate": "count_distinct", "field": "amount" }),
        "distinct days" => json!({ "aggregate": "count_distinct", "field": "time:day" }),
        "last values" => {
            json!({ "aggregate": "last", "field": "amount", "value": 100 + at % 2_000 })
        }
        "comparisons" => json!({ "aggregate": "avg", "field": "amount", "value": "usual",
            "valueSource": "field" }),
        _ => json!({}),
    };
    for (name, value) in more.as_object().into_iter().flatten() {
        condition[name] = value.clone();
    }
    condition
}

async fn refresh(engine: &SegmentEngine, refresh: Refresh, round: u32) -> Result<(Duration, Run)> {
    let as_of = format!("2026-01-01T{round:02}:00:00Z").parse()?;
    let start = Instant::now();
    let run = engine.refresh(refresh.as_of(as_of).reuse(false)).await?;
    match run.failed.first() {
        Some(failure) => Err(format!("a rule failed: {:?}", failure.problems).into()),
        None => Ok((start.elapsed(), run)),
    }
}

async fn engine(data: &Data) -> Result<SegmentEngine> {
    let model = json!({
        "users": { "table": "users", "key": "user_id" },
        "events": { "events": { "user": "user_id", "time": "transaction_date" } },
        "traits": {
            "home": { "latitude": "lat", "longitude": "lon" },
            "usual": { "events": "events", "aggregate": "avg", "field": "amount" }
        }
    });
    let builder = SegmentEngine::builder().catalog(MemoryCatalog::new()).threads(2);
    let engine = builder.model(AudienceModel::parse(&model)?).build().await?;
    engine.add_arrow("users", vec![users()?])?;
    engine.add_parquet("events", &data.events).await?;
    Ok(engine)
}

fn users() -> Result<RecordBatch> {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let mut degrees = |low: f64, high: f64| -> ArrayRef {
        let degrees = (0..USERS).map(|_| random.random_range(low..high));
        Arc::new(Float64Array::from_iter_values(degrees))
    };
    let (lat, lon) = (degrees(8.0, 35.0), degrees(68.0, 97.0));
    let tiers = (1..=USERS).map(|id| if id % 10 < 3 { 1 } else { 2 });
    Ok(RecordBatch::try_from_iter([
        ("user_id", Arc::new(Int64Array::from_iter_values(1..=USERS)) as ArrayRef),
        ("city_tier", Arc::new(Int32Array::from_iter_values(tiers))),
        ("lat", lat),
        ("lon", lon),
    ])?)
}

fn sequence(at: usize, within: &str) -> Value {
    let step = |at: usize| {
        let category = CATEGORIES[at % CATEGORIES.len()];
        json!({ "events": "events", "where": [{ "field": "category", "operator": "=", "value": category }] })
    };
    let (first, mut second) = (step(at), step(at / 10 + 1));
    second["within"] = json!(within);
    json!({ "sequence": [first, second], "window": { "last": "90 days" } })
}

fn kinds() -> Vec<(&'static str, Value)> {
    let metric = |aggregate: &str, more: Value| {
        let mut metric = json!({ "events": "events", "aggregate": aggregate,
            "window": { "last": "90 days" }, "operator": ">", "value": 3 });
        for (name, value) in more.as_object().into_iter().flatten() {
            metric[name] = value.clone();
        }
        metric
    };
    let amount = || json!({ "field": "amount", "value": 5_000 });
    vec![
        ("everyone", json!({ "combinator": "and", "rules": [] })),
        ("an attribute", json!({ "field": "city_tier", "operator": "=", "value": 1 })),
        ("a bucket", json!({ "field": "bucket", "operator": "<", "value": 10, "salt": "x" })),
        (
            "a circle",
            json!({ "field": "home", "operator": "within",
            "value": { "lat": 19.076, "lon": 72.877, "radius": "200 km" } }),
        ),
        (
            "a polygon",
            json!({ "field": "home", "operator": "within", "value": { "polygon":
            [[72.0, 18.0], [78.0, 18.0], [80.0, 24.0], [75.0, 28.0], [70.0, 24.0]] } }),
        ),
        ("a count", metric("count", json!({}))),
        ("a sum", metric("sum", amount())),
        ("an average", metric("avg", amount())),
        ("a maximum", metric("max", amount())),
        ("distinct categories", metric("count_distinct", json!({ "field": "category" }))),
        ("distinct days", metric("count_distinct", json!({ "field": "time:day" }))),
        ("a last value", metric("last", amount())),
        (
            "days since the last",
            json!({ "events": "events", "aggregate": "days_since_last",
            "operator": "<", "value": 7 }),
        ),
        (
            "the top of an attribute",
            json!({ "field": "lat", "operator": "top",
            "value": { "percent": 10 } }),
        ),
        (
            "the top of a sum",
            json!({ "events": "events", "aggregate": "sum", "field": "amount",
            "window": { "last": "90 days" }, "operator": "top", "value": { "count": 1_000 } }),
        ),
        ("a sequence", sequence(3, "7 days")),
    ]
}
