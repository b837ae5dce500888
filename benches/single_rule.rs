//! One rule, `sum(amount) in the last 90 days > x and city_tier = 1`, on the engine and as the
//! query that one would write by hand for DataFusion, on the same two Parquet files.
//!
//! `cargo bench -p segmentry-benches --bench single_rule`. Both have two threads. The first
//! refresh of a fresh catalog is shown by itself; then the two take turns, each round with an
//! `as_of` of its own, an hour later than the last, so that nothing can be answered from before.
//! The engine's time includes publishing. Peak memory is that of a child process which does one
//! of the two only. Members must be the same.

// A benchmark looks at the clock.
#![allow(clippy::disallowed_methods)]

use std::process::Command;
use std::time::{Duration, Instant};

use arrow::array::{Array, Int64Array};
use datafusion::prelude::{ParquetReadOptions, SessionConfig, SessionContext};
use segmentry::{Key, Refresh, SegmentEngine};
use segmentry_benches::{
    Data, Result, THREADS, engine_over, median, peak_memory, under_cargo_bench,
};

const ROUNDS: usize = 5;
const SPEND: u64 = 15_000;
const NAME: &str = "Big spenders of the metros";
/// The argument that makes this process a child, and its two values.
const PEAK: &str = "--peak-of";
const ENGINE: &str = "engine";
const BY_HAND: &str = "by-hand";

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<()> {
    if !under_cargo_bench() {
        println!("single_rule: runs under `cargo bench` only");
        return Ok(());
    }
    let data = Data::standard()?;
    let mut arguments = std::env::args().skip_while(|argument| argument != PEAK).skip(1);
    match arguments.next().as_deref() {
        Some(ENGINE) => {
            let (_folder, engine) = engine(&data).await?;
            refresh(&engine, 0).await?;
            print_peak()
        }
        Some(_) => {
            let members = query(&context(&data).await?, 0).await?;
            drop(members);
            print_peak()
        }
        None => compare(&data).await,
    }
}

async fn compare(data: &Data) -> Result<()> {
    let peaks = [peak_of(ENGINE)?, peak_of(BY_HAND)?];

    let (_folder, engine) = engine(data).await?;
    let context = context(data).await?;
    let start = Instant::now();
    refresh(&engine, 0).await?;
    let first = start.elapsed();
    let by_hand = query(&context, 0).await?;
    check(&engine, &by_hand).await?;

    let mut ours = Vec::new();
    let mut theirs = Vec::new();
    println!("{:<8} {:>10} {:>10} {:>10}", "round", "engine s", "by hand s", "members");
    for round in 1..=ROUNDS {
        let start = Instant::now();
        refresh(&engine, round).await?;
        let engine_took = start.elapsed();
        let start = Instant::now();
        let by_hand = query(&context, round).await?;
        let by_hand_took = start.elapsed();
        check(&engine, &by_hand).await?;
        let (a, b) = (engine_took.as_secs_f64(), by_hand_took.as_secs_f64());
        println!("{round:<8} {a:>10.3} {b:>10.3} {:>10}", by_hand.len());
        ours.push(engine_took);
        theirs.push(by_hand_took);
    }
    report(first, median(ours), median(theirs), peaks);
    Ok(())
}

fn report(first: Duration, ours: Duration, theirs: Duration, [a, b]: [u64; 2]) {
    let (ours, theirs) = (ours.as_secs_f64(), theirs.as_secs_f64());
    let mib = 1_024 * 1_024;
    println!("{:<8} {ours:>10.3} {theirs:>10.3}", "median");
    println!("ratio    {:>10.2}  (at most 1.5 is wanted)", ours / theirs);
    println!("first    {:>10.3}  (with the keys of a fresh catalog)", first.as_secs_f64());
    println!("peak MiB {:>10} {:>10}  (below 4,096 is wanted)", a / mib, b / mib);
}

/// The engine, on a fresh catalog which goes with the folder.
async fn engine(data: &Data) -> Result<(tempfile::TempDir, SegmentEngine)> {
    let folder = tempfile::tempdir()?;
    let engine = engine_over(data, folder.path()).await?;
    let rule = serde_json::json!({
        "rule_name": NAME,
        "conditions": [
            { "events": "events", "aggregate": "sum", "field": "amount",
              "window": { "last": "90 days" }, "operator": ">", "value": SPEND },
            { "field": "city_tier", "operator": "=", "value": 1 }
        ]
    });
    engine.create_rule(&rule).await?;
    Ok((folder, engine))
}

async fn refresh(engine: &SegmentEngine, round: usize) -> Result<()> {
    let as_of = format!("2026-01-01T{round:02}:00:00Z").parse()?;
    let run = engine.refresh(Refresh::all().as_of(as_of)).await?;
    match run.failed.first() {
        Some(failure) => Err(format!("the rule failed: {:?}", failure.problems).into()),
        None => Ok(()),
    }
}

async fn context(data: &Data) -> Result<SessionContext> {
    let config = SessionConfig::new().with_target_partitions(THREADS);
    let context = SessionContext::new_with_config(config);
    for (name, path) in [("users", &data.users), ("events", &data.events)] {
        let path = path.to_str().ok_or("the path is not Unicode")?;
        context.register_parquet(name, path, ParquetReadOptions::default()).await?;
    }
    Ok(context)
}

/// The members' keys, by hand.
async fn query(context: &SessionContext, round: usize) -> Result<Vec<i64>> {
    let sql = format!(
        "SELECT u.user_id
         FROM users u
         JOIN (
             SELECT user_id FROM events
             WHERE transaction_date >= TIMESTAMP '2025-10-03T{round:02}:00:00'
               AND transaction_date < TIMESTAMP '2026-01-01T{round:02}:00:00'
             GROUP BY user_id
             HAVING sum(amount) > {SPEND}
         ) e ON e.user_id = u.user_id
         WHERE u.city_tier = 1"
    );
    let mut keys = Vec::new();
    for batch in context.sql(&sql).await?.collect().await? {
        let column = batch.column(0).as_any().downcast_ref::<Int64Array>();
        keys.extend_from_slice(column.ok_or("user_id is not BIGINT")?.values());
    }
    Ok(keys)
}

/// As many members as by hand, and each of those among them.
async fn check(engine: &SegmentEngine, by_hand: &[i64]) -> Result<()> {
    let segment = engine.segment(NAME).await?;
    let missing = by_hand.iter().find(|key| !segment.contains(&Key::Int(**key)));
    if by_hand.is_empty() || by_hand.len() as u64 != segment.row_count() || missing.is_some() {
        let counts = (segment.row_count(), by_hand.len());
        return Err(format!("members differ: {counts:?}, not in ours: {missing:?}").into());
    }
    Ok(())
}

/// The peak memory of a process that does one of the two.
fn peak_of(which: &str) -> Result<u64> {
    let child = Command::new(std::env::current_exe()?).args(["--bench", PEAK, which]).output()?;
    if !child.status.success() {
        return Err(String::from_utf8_lossy(&child.stderr).into_owned().into());
    }
    Ok(String::from_utf8(child.stdout)?.trim().parse()?)
}

fn print_peak() -> Result<()> {
    println!("{}", peak_memory().unwrap_or_default());
    Ok(())
}
