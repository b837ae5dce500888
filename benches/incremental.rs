//! What an incremental run saves, against a run that looks at everyone, both from the store.
//!
//! `cargo bench -p segmentry-benches --bench incremental`. 1,000 random rules over the Parquet files
//! of `single_rule`. *new events*: a file comes with 1 % new events of 5 % of the users. *a day
//! later*: nothing comes, but `as_of` moves by a day, with windows of 7, 30, 90 or 180 days and with
//! windows of any length. Each time the incremental run comes first, then one that looks at everyone
//! at the same instant; they must have the same counts. *Evaluation* is a run without its
//! publication.

// A benchmark looks at the clock, and knows the documents that it makes.
#![allow(clippy::disallowed_methods, clippy::indexing_slicing)]

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use segmentry::{Refresh, Run, SegmentEngine};
use segmentry_benches::write_events;
use segmentry_benches::{CATEGORIES, Data, Result, median, open_engine, under_cargo_bench};
use serde_json::{Value, json};

const ROUNDS: i64 = 3;
const RULES: usize = 1_000;
/// 2025-12-20T00:00:00Z.
const START: i64 = 1_766_188_800;

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    if !under_cargo_bench() {
        println!("incremental: runs under `cargo bench` only");
        return Ok(());
    }
    let data = Data::standard()?;
    println!(
        "{:<34} {:>10} {:>12} {:>10} {:>7} {:>10}",
        "", "users", "incremental", "everyone", "times", "published"
    );
    let weeks: Vec<u32> = (1..=25).map(|weeks| 7 * 24 * weeks).collect();
    compare("new events", &data, &weeks, Change::Events).await?;
    let usual = [7, 30, 90, 180].map(|days| 24 * days);
    compare("a day later, 7/30/90/180 days", &data, &usual, Change::Day).await?;
    let any: Vec<u32> = (7 * 24..=180 * 24).collect();
    compare("a day later, any length", &data, &any, Change::Day).await
}

/// What changes from one round to the next.
#[derive(Clone, Copy, PartialEq)]
enum Change {
    Events,
    Day,
}

async fn compare(name: &str, data: &Data, hours: &[u32], change: Change) -> Result<()> {
    let home = data.events.parent().and_then(Path::parent).ok_or("the data lies nowhere")?;
    let folder = tempfile::tempdir_in(home)?;
    let events = folder.path().join("events");
    fs::create_dir(&events)?;
    fs::hard_link(&data.events, events.join("0.parquet"))?;
    let data = Data { users: data.users.clone(), events: events.clone() };
    let (catalog, store) = (folder.path().join("catalog.db"), folder.path().join("store"));
    let engine = open_engine(&data, &catalog, Some(&store)).await?;
    engine.import_rules(&rules(hours)).await?;
    refresh(&engine, 0, true).await?;
    let (mut some, mut all, mut publication) = (Vec::new(), Vec::new(), Vec::new());
    let (mut users, mut stages) = (0, [Vec::new(), Vec::new()]);
    for round in 1..=ROUNDS {
        let mut step = 0;
        match change {
            Change::Events => add_events(&events, round)?,
            Change::Day => step = round,
        }
        let incremental = refresh(&engine, step, true).await?;
        let everyone = refresh(&engine, step, false).await?;
        let counts = |run: &Run| -> Vec<u64> {
            run.segments.iter().map(|segment| segment.row_count).collect()
        };
        if counts(&incremental) != counts(&everyone) {
            return Err(format!("{name}: other counts in round {round}").into());
        }
        users = incremental.users_evaluated;
        some.push(evaluation(&incremental));
        all.push(evaluation(&everyone));
        publication.push(Duration::from_secs_f64(stage(&incremental, "publish")));
        stages[0].push(incremental.stages);
        stages[1].push(everyone.stages);
    }
    let [some, all, publication] = [some, all, publication].map(|t| median(t).as_secs_f64());
    let times = all / some;
    println!("{name:<34} {users:>10} {some:>12.3} {all:>10.3} {times:>7.1} {publication:>10.3}");
    for (what, stages) in ["incremental", "everyone"].iter().zip(&stages) {
        let stages = stages.last().into_iter().flatten();
        let each: Vec<String> = stages.map(|(stage, took)| format!("{stage} {took:.3}")).collect();
        println!("    {what}: {}", each.join(", "));
    }
    Ok(())
}

fn stage(run: &Run, stage: &str) -> f64 {
    run.stages.get(stage).copied().unwrap_or_default()
}

fn evaluation(run: &Run) -> Duration {
    Duration::from_secs_f64(run.seconds - stage(run, "publish"))
}

async fn refresh(engine: &SegmentEngine, days: i64, incremental: bool) -> Result<Run> {
    let start: DateTime<Utc> = DateTime::from_timestamp(START, 0).ok_or("no such instant")?;
    // Without reuse, or the second of two runs would be answered from the first.
    let request = Refresh::all().as_of(start + TimeDelta::days(days)).reuse(false);
    let run = engine.refresh(request.incremental(incremental)).await?;
    match run.failed.first() {
        Some(failure) => Err(format!("a rule failed: {:?}", failure.problems).into()),
        None => Ok(run),
    }
}

/// 400,000 events of 50,000 users, on the last day before the run. The file looks as if it had come
/// a minute ago: for two seconds nothing is known of a file that was just written.
fn add_events(folder: &Path, round: i64) -> Result<()> {
    let path = folder.join(format!("{round}.parquet"));
    let times = (START - 86_400) * 1_000_000..START * 1_000_000;
    let first = 1 + 50_000 * (round - 1);
    write_events(&path, round.cast_unsigned(), 400_000, first..first + 50_000, times)?;
    File::options().write(true).open(&path)?.set_modified(
        SystemTime::now().checked_sub(Duration::from_secs(60)).ok_or("no such instant")?,
    )?;
    Ok(())
}

/// An aggregate of the events of one category in a window, and a tier.
fn rules(hours: &[u32]) -> Vec<Value> {
    let mut random = ChaCha8Rng::seed_from_u64(41);
    let make = |at: usize| {
        let aggregate =
            *["sum", "count", "avg", "min", "max"].choose(&mut random).unwrap_or(&"sum");
        let value = match aggregate {
            "count" => random.random_range(1..5),
            "sum" => random.random_range(300..4_000),
            _ => random.random_range(300..1_500),
        };
        let hours = hours.choose(&mut random).copied().unwrap_or(24);
        let mut metric = json!({
            "events": "events", "aggregate": aggregate,
            "window": { "last": format!("{hours} hours") },
            "where": [{ "field": "category", "operator": "=",
                        "value": CATEGORIES.choose(&mut random) }],
            "operator": ">=", "value": value
        });
        if aggregate != "count" {
            metric["field"] = json!("amount");
        }
        let tier = random.random_range(1..4);
        let tier = json!({ "field": "city_tier", "operator": "=", "value": tier });
        json!({ "rule_name": format!("Rule {at}"), "conditions": [metric, tier] })
    };
    (0..RULES).map(make).collect()
}
