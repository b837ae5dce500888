//! What reuse saves, and what looking for it costs, on the same Parquet files as `single_rule`.
//!
//! `cargo bench -p segmentry-benches --bench reuse`. With and without reuse take turns, each round
//! with an `as_of` of its own, so that nothing of an earlier round still holds; members must be the
//! same. *equal*: five rules of which each says what a sixth says, and one thing more. *narrow*: a
//! rule within a small segment, on a sum of its own. *unchanged*: windows that stand still, over
//! tables that did not change. *search*: 1,000 rules of their own over a thousand users, for which
//! there is little to find and little to save.

// A benchmark looks at the clock, and knows the documents that it makes.
#![allow(clippy::disallowed_methods, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use segmentry::{Refresh, Run, SegmentEngine};
use segmentry_benches::{CATEGORIES, Data, Result, engine_over, median, under_cargo_bench};
use serde_json::{Value, json};

const ROUNDS: u32 = 5;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    if !under_cargo_bench() {
        println!("reuse: runs under `cargo bench` only");
        return Ok(());
    }
    let data = Data::standard()?;
    println!("{:<10} {:>10} {:>10} {:>8} {:>8}", "", "without s", "with s", "times", "reused");
    compare("equal", &data, &equal(), true).await?;
    compare("narrow", &data, &narrow(), true).await?;
    compare("unchanged", &data, &unchanged(), false).await?;
    let folder = tempfile::tempdir()?;
    let small = Data::at(folder.path(), 1_000, 10_000)?;
    compare("search", &small, &apart(), true).await
}

/// Refreshes with and without reuse in turns.
async fn compare(name: &str, data: &Data, rules: &[Value], moving: bool) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let engine = engine_over(data, folder.path()).await?;
    engine.import_rules(rules).await?;
    // The keys get their ordinals, and the segments their sizes.
    refresh(&engine, 0, true).await?;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let mut reused = 0;
    let mut stages = (0.0, 0.0);
    for round in 1..=ROUNDS {
        // Instants of their own, or always the same.
        let (first, second) = if moving { (2 * round, 2 * round + 1) } else { (0, 0) };
        let (took, plain) = refresh(&engine, first, false).await?;
        without.push(took);
        let (took, run) = refresh(&engine, second, true).await?;
        with.push(took);
        reused = run.segments.iter().map(|segment| segment.reused.len()).sum();
        stages = (stage(&plain), stage(&run));
        let (_, again) = refresh(&engine, second, false).await?;
        if counts(&run) != counts(&again) {
            let (with, without) = (counts(&run), counts(&again));
            return Err(format!("{name}: {with:?} with, {without:?} without").into());
        }
    }
    let (without, with) = (median(without).as_secs_f64(), median(with).as_secs_f64());
    let times = without / with;
    println!("{name:<10} {without:>10.3} {with:>10.3} {times:>8.2} {reused:>8}");
    println!(
        "           of which binding and the search: {:.3} without, {:.3} with",
        stages.0, stages.1
    );
    Ok(())
}

fn stage(run: &Run) -> f64 {
    run.stages.get("bind").copied().unwrap_or_default()
}

fn counts(run: &Run) -> BTreeMap<i64, u64> {
    run.segments.iter().map(|segment| (segment.rule_id, segment.row_count)).collect()
}

async fn refresh(engine: &SegmentEngine, step: u32, reuse: bool) -> Result<(Duration, Run)> {
    let as_of = format!("2026-01-01T{:02}:{:02}:00Z", step / 60, step % 60).parse()?;
    let start = Instant::now();
    let run = engine.refresh(Refresh::all().as_of(as_of).reuse(reuse)).await?;
    match run.failed.first() {
        Some(failure) => Err(format!("a rule failed: {:?}", failure.problems).into()),
        None => Ok((start.elapsed(), run)),
    }
}

fn metric(aggregate: &str, days: u32, category: &str, value: u64) -> Value {
    let mut metric = json!({
        "events": "events", "aggregate": aggregate, "window": { "last": format!("{days} days") },
        "where": [{ "field": "category", "operator": "=", "value": category }],
        "operator": ">", "value": value
    });
    if aggregate != "count" {
        metric["field"] = json!("amount");
    }
    metric
}

fn rule(name: String, conditions: Value) -> Value {
    json!({ "rule_name": name, "conditions": conditions })
}

fn equal() -> Vec<Value> {
    let base = metric("sum", 90, "Travel", 2_000);
    let mut rules = vec![rule("Base".to_owned(), json!([base]))];
    let more = [
        json!({ "field": "city_tier", "operator": "=", "value": 1 }),
        json!({ "field": "city_tier", "operator": "=", "value": 2 }),
        json!({ "field": "churned", "operator": "=", "value": false }),
        json!({ "field": "country", "operator": "null" }),
        json!({ "field": "country", "operator": "=", "value": "IN" }),
    ];
    let more = more.into_iter().enumerate();
    rules.extend(more.map(|(at, more)| rule(format!("Part {at}"), json!([more, base]))));
    rules
}

fn narrow() -> Vec<Value> {
    let few = metric("count", 60, "Education", 4);
    let all = json!({ "events": "events", "aggregate": "sum", "field": "amount",
                      "window": { "last": "300 days" }, "operator": ">", "value": 40_000 });
    let narrower = metric("count", 60, "Education", 5);
    vec![rule("Few".to_owned(), json!([few])), rule("Within".to_owned(), json!([narrower, all]))]
}

fn unchanged() -> Vec<Value> {
    let fixed = json!({ "events": "events", "aggregate": "sum", "field": "amount",
                        "window": { "start": "2025-03-01", "end": "2025-05-31" },
                        "operator": ">", "value": 10_000 });
    vec![rule("Spring".to_owned(), json!([fixed]))]
}

fn apart() -> Vec<Value> {
    let make = |at: u32| {
        let aggregate = ["sum", "count", "max", "avg"][at as usize % 4];
        let category = CATEGORIES[at as usize / 4 % CATEGORIES.len()];
        let metric = metric(aggregate, 7 + at % 173, category, 100 + u64::from(at) * 7);
        let tier = json!({ "field": "city_tier", "operator": "=", "value": 1 + at % 3 });
        rule(format!("Rule {at}"), json!([metric, tier]))
    };
    (0..1_000).map(make).collect()
}
