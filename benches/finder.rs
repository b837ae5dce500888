//! Ten thousand rules with thirty thousand edges: making them ready, their order, their cycles,
//! and what can answer one new rule.
//!
//! `cargo bench -p segmentry-benches --bench finder`. Medians; the rules are made from a seed. A
//! third of the new rules holds conditions of an earlier rule, so that there is something to find.

// A benchmark looks at the clock, and knows the documents that it makes.
#![allow(clippy::disallowed_methods, clippy::indexing_slicing)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use segmentry::{AudienceModel, DependencyFinder, Rule, RuleParser, Table};
use segmentry_benches::{CATEGORIES, Result, median, under_cargo_bench};
use serde_json::{Value, json};

const RULES: i64 = 10_000;
const EDGES_EACH: usize = 3;
const NEW: usize = 200;
const SEED: u64 = 7;

fn main() -> Result<()> {
    if !under_cargo_bench() {
        println!("finder: runs under `cargo bench` only");
        return Ok(());
    }
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let documents: Vec<Value> = (1..=RULES).map(|id| rule(&mut random, id)).collect();
    let new: Vec<Value> = (0..NEW).map(|at| new_rule(&mut random, at, &documents)).collect();

    let start = Instant::now();
    let rules = (1..).zip(&documents).map(|(id, json)| Ok((id, RuleParser::parse(json)?)));
    let rules: Vec<(i64, Rule)> = rules.collect::<Result<_>>()?;
    let parsed = start.elapsed();

    let finder = finder()?.as_of("2026-01-01T00:00:00Z".parse()?);
    let start = Instant::now();
    let library = finder.read(&rules)?;
    let read = start.elapsed();
    let edges: usize = rules.iter().map(|(id, _)| library.graph().needs(*id).len()).sum();

    let (order, ordered) = timed(|| library.graph().order());
    let (cycles, checked) = timed(|| library.graph().cycles());

    let mut took = Vec::new();
    let (mut usable, mut chosen) = (0, 0);
    for json in &new {
        let rule = RuleParser::parse(json)?;
        let start = Instant::now();
        let found = library.find(&rule)?;
        took.push(start.elapsed());
        usable += found.reused.len();
        chosen += found.reused.iter().filter(|reused| reused.chosen).count();
    }
    let slowest = took.iter().enumerate().max_by_key(|(_, took)| **took);
    let (at, slowest) = slowest.map_or((0, Duration::ZERO), |(at, took)| (at, *took));
    let mut sorted = took.clone();
    sorted.sort_unstable();
    let most = sorted.get(NEW * 95 / 100).copied().unwrap_or_default();
    println!(
        "{} rules, {edges} edges, {} in order, {} cycles",
        rules.len(),
        order.len(),
        cycles.len()
    );
    report("parsing all", parsed);
    report("reading all into the graph (under 2 s with parsing)", read);
    report("order", ordered);
    report("cycles", checked);
    report("finding for one new rule, median (under 50 ms with order and cycles)", median(took));
    report("finding for one new rule, 95 in 100", most);
    report("finding for one new rule, slowest", slowest);
    println!("the slowest: {}", new[at]["conditions"]);
    println!("{usable} usable segments for {NEW} new rules, {chosen} chosen");
    Ok(())
}

/// What is computed, and the median of how long it takes.
fn timed<T>(work: impl Fn() -> Vec<T>) -> (Vec<T>, Duration) {
    let mut took = Vec::new();
    let mut last = Vec::new();
    for _ in 0..11 {
        let start = Instant::now();
        last = work();
        took.push(start.elapsed());
    }
    (last, median(took))
}

fn report(what: &str, took: Duration) {
    println!("{:>10.3} ms  {what}", took.as_secs_f64() * 1e3);
}

fn finder() -> Result<DependencyFinder> {
    let model = json!({
        "users": {"table": "users", "key": "user_id"},
        "events": {"events": {"user": "user_id", "time": "transaction_date"}}
    });
    let field = |name: &str, ty: DataType| Field::new(name, ty, true);
    let time = DataType::Timestamp(TimeUnit::Microsecond, None);
    let users = Schema::new(vec![
        field("user_id", DataType::Int64),
        field("city_tier", DataType::Int32),
        field("age", DataType::Int32),
        field("score", DataType::Float64),
        field("country", DataType::Utf8),
        field("churned", DataType::Boolean),
        field("created_at", time.clone()),
    ]);
    let events = Schema::new(vec![
        field("user_id", DataType::Int64),
        field("transaction_date", time),
        field("amount", DataType::Decimal128(12, 2)),
        field("category", DataType::Utf8),
    ]);
    let table = |name: &str, schema| Table { name: name.to_owned(), schema: Arc::new(schema) };
    let tables = [table("users", users), table("events", events)];
    Ok(DependencyFinder::new(&AudienceModel::parse(&model)?, &tables)?)
}

/// A rule that refers to up to three earlier ones.
fn rule(random: &mut ChaCha8Rng, id: i64) -> Value {
    let count = random.random_range(2..=4);
    let conditions: Vec<Value> = (0..count).map(|_| condition(random)).collect();
    let mut rule = json!({"rule_name": format!("Rule {id}"), "conditions": conditions});
    if id > 10 {
        let mut others: Vec<i64> = Vec::new();
        while others.len() < EDGES_EACH {
            let other = random.random_range(1..id);
            if !others.contains(&other) {
                others.push(other);
            }
        }
        let operations = ["INTERSECTION", "UNION", "DIFFERENCE"];
        rule["depends_on"] = json!(others);
        rule["operation"] = json!(operations.choose(random));
    }
    rule
}

/// A rule of its own, or one that holds what an early rule, which depends on no other, says.
fn new_rule(random: &mut ChaCha8Rng, at: usize, documents: &[Value]) -> Value {
    let mut conditions = vec![condition(random), condition(random)];
    if at.is_multiple_of(3) {
        let early =
            documents.get(random.random_range(0..10)).and_then(|d| d["conditions"].as_array());
        conditions.extend(early.into_iter().flatten().cloned());
    }
    json!({"rule_name": format!("New {at}"), "conditions": conditions})
}

fn condition(random: &mut ChaCha8Rng) -> Value {
    match random.random_range(0..6) {
        0 => json!({"field": "city_tier", "operator": "=", "value": random.random_range(1..=3)}),
        1 => json!({"field": "age", "operator": ">=", "value": random.random_range(18..80)}),
        2 => {
            let countries = ["IN", "NP", "LK", "BD"];
            json!({"field": "country", "operator": "!=", "value": countries.choose(random)})
        }
        _ => {
            let aggregate = ["sum", "count", "max", "avg"].choose(random);
            let mut metric = json!({
                "events": "events", "aggregate": aggregate,
                "window": {"last": format!("{} days", random.random_range(7..=180))},
                "where": [{"field": "category", "operator": "=", "value": CATEGORIES.choose(random)}],
                "operator": ">", "value": random.random_range(1..10_000)
            });
            if metric["aggregate"] != "count" {
                metric["field"] = json!("amount");
            }
            metric
        }
    }
}
