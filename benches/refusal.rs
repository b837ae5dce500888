//! How long it takes to refuse what nobody should have sent, 10 ms at most: documents of a size
//! that would hurt, by the parser, and every bad document of the corpus, by the engine.
//!
//! `cargo bench -p segmentry-benches --bench refusal`

// A benchmark looks at the clock.
#![allow(clippy::disallowed_methods)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::Criterion;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use segmentry::RuleParser;
use segmentry_benches::{Result, median, under_cargo_bench};
use serde_json::Value;

const LIMIT: Duration = Duration::from_millis(10);
const TRIES: usize = 20;
const TEN_MB: usize = 10_000_000;
const CONDITION: &str = r#"{"field":"city_tier","operator":"=","value":1}"#;

#[path = "../core/tests/bad/world.rs"]
mod world;

fn main() -> Result<()> {
    if !under_cargo_bench() {
        println!("refusal: runs under `cargo bench` only");
        return Ok(());
    }
    let documents = documents();
    let mut late = Vec::new();
    println!("{:<38} {:>10} {:>10} {:>10}  first problem", "document", "bytes", "median", "worst");
    for (name, document) in &documents {
        let mut times = Vec::new();
        let mut refusal = String::new();
        for _ in 0..TRIES {
            let start = Instant::now();
            let parsed = RuleParser::parse(black_box(document));
            let Err(error) = parsed else {
                return Err(format!("{name} was not refused").into());
            };
            times.push(start.elapsed());
            refusal = error.problems().first().map_or_else(|| error.to_string(), short);
        }
        let worst = times.iter().max().copied().unwrap_or_default();
        let bytes = document.len();
        println!(
            "{name:<38} {bytes:>10} {:>10.1?} {worst:>10.1?}  {refusal}",
            median(times.clone())
        );
        if median(times) > LIMIT {
            late.push((*name).to_owned());
        }
    }

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
    late.extend(runtime.block_on(corpus())?);

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("refusal");
    for (name, document) in &documents {
        group.bench_function(*name, |bencher| {
            bencher.iter(|| RuleParser::parse(black_box(document)).is_err());
        });
    }
    group.finish();
    criterion.final_summary();

    if late.is_empty() { Ok(()) } else { Err(format!("above {LIMIT:?}: {late:?}").into()) }
}

/// Sends every bad document of the corpus to an engine; answers the names of those that took long.
async fn corpus() -> Result<Vec<String>> {
    let engine = world::engine().await;
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/tests/bad/documents");
    let mut times = Vec::new();
    for file in std::fs::read_dir(folder)? {
        let documents: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(file?.path())?)?;
        for document in documents {
            let text_of = |member| document.get(member).and_then(Value::as_str);
            let name = text_of("name").unwrap_or_default().to_owned();
            let text = match (text_of("text"), document.get("rule")) {
                (Some(text), _) => text.to_owned(),
                (None, Some(rule)) => rule.to_string(),
                // Models and conditions in text form are no rules.
                (None, None) => continue,
            };
            let update = document.get("update").and_then(Value::as_i64);
            let mut tries = Vec::new();
            for _ in 0..5 {
                let start = Instant::now();
                let refused = match update {
                    Some(rule) => engine.update_rule(rule, text.as_str()).await.is_err(),
                    None => !engine.validate(text.as_str()).await?.is_empty(),
                };
                tries.push(start.elapsed());
                if !refused {
                    return Err(format!("{name} was not refused").into());
                }
            }
            times.push((median(tries), name));
        }
    }
    times.sort();
    let slowest = times.last().map_or(Duration::ZERO, |(time, _)| *time);
    let middle = times.get(times.len() / 2).map_or(Duration::ZERO, |(time, _)| *time);
    println!(
        "corpus of {} bad documents, by the engine: median {middle:.1?}, slowest {slowest:.1?}",
        times.len()
    );
    Ok(times.into_iter().filter(|(time, _)| *time > LIMIT).map(|(_, name)| name).collect())
}

fn short(problem: &segmentry::Problem) -> String {
    let message: String = problem.message.chars().take(60).collect();
    format!("{}: {message}", problem.code)
}

fn documents() -> Vec<(&'static str, String)> {
    let rule = |conditions: String| format!(r#"{{"rule_name":"x","conditions":{conditions}}}"#);
    let many = |item: &str, count: usize| format!("[{}]", vec![item; count].join(","));
    let group = r#"{"combinator":"and","rules":["#;
    let levels = format!("{}{CONDITION}{}", group.repeat(65), "]}".repeat(65));
    let list =
        format!(r#"[{{"field":"city_tier","operator":"in","value":{}}}]"#, many("1", 1_000_001));
    vec![
        ("10 MB of brackets", "[".repeat(TEN_MB)),
        ("10 MB of brackets as conditions", rule("[".repeat(TEN_MB))),
        ("10 MB of braces", r#"{"a":"#.repeat(TEN_MB / 5)),
        ("10 MB of '[],'", "[],".repeat(TEN_MB / 3)),
        ("10 MB of '[],' as conditions", rule(many("[]", TEN_MB / 3))),
        ("10 MB of garbage", garbage()),
        ("10 MB of garbage as a name", format!(r#"{{"rule_name":"{}"}}"#, "x".repeat(TEN_MB))),
        ("1,000,001 values", rule(list)),
        ("65 levels", rule(levels)),
        ("10,001 conditions", rule(many(CONDITION, 10_001))),
        ("64 MiB and a byte", " ".repeat(64 * 1_024 * 1_024 + 1)),
    ]
}

/// Printable, so that it is not refused for its encoding.
fn garbage() -> String {
    let mut random = ChaCha8Rng::seed_from_u64(10);
    (0..TEN_MB).map(|_| char::from(random.random_range(b' '..=b'~'))).collect()
}
