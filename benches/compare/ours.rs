//! Segmentry's part of `make compare`: each timed run is a process of its own.
//!
//! ```text
//! compare-ours prepare --data DIR --catalog FILE --rules FILE [--store DIR --as-of TIME]
//! compare-ours run     --data DIR --catalog FILE --as-of TIME [--store DIR] [--incremental true]
//! compare-ours sets    --users N --folder DIR
//! ```
//!
//! `prepare` makes a catalog with the rules of a JSON array, which knows its users already; `users`
//! is what learning these took. `run` opens it and refreshes all of
//! them; `seconds` is from before opening until everything is published. `sets` makes two segments
//! of half the users each, writes their keys to `first.parquet` and `second.parquet`, and measures
//! what they have in common. Each prints one line of JSON.

// A benchmark looks at the clock.
#![allow(clippy::disallowed_methods)]

use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use segmentry::{ExportFormat, Key, KeyColumn, Refresh, Run, Segment, SegmentEngine};
use segmentry_benches::{Data, Halves, Result, THREADS, median, open_engine, peak_memory};
use serde_json::{Value, json};

/// How often a set operation is measured.
const TRIES: usize = 101;
/// How many users are looked up.
const LOOKUPS: i64 = 1_000_000;
/// Has no divisor in common with a number of users that is not its multiple.
const STEP: i64 = 7_368_787;

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let command = words.next().unwrap_or_default();
    let arguments = Arguments::read(words)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
    let printed = runtime.block_on(async {
        match command.as_str() {
            "prepare" => prepare(&arguments).await,
            "run" => run(&arguments).await,
            "sets" => sets(&arguments).await,
            _ => Err(format!("{command:?} is none of prepare, run, sets").into()),
        }
    })?;
    println!("{printed}");
    Ok(())
}

/// What follows the command: names with two hyphens, each with a value.
struct Arguments(HashMap<String, String>);

impl Arguments {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Self> {
        let mut values = HashMap::new();
        while let Some(word) = words.next() {
            let name = word.strip_prefix("--").ok_or_else(|| format!("{word:?} is no option"))?;
            let value = words.next().ok_or_else(|| format!("{word} has no value"))?;
            values.insert(name.to_owned(), value);
        }
        Ok(Arguments(values))
    }

    fn get(&self, name: &str) -> Result<&str> {
        self.maybe(name).ok_or_else(|| format!("--{name} is missing").into())
    }

    fn maybe(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn data(&self) -> Result<Data> {
        let folder = Path::new(self.get("data")?);
        let (users, events) = (folder.join("users.parquet"), folder.join("events.parquet"));
        Ok(Data { users, events })
    }

    async fn engine(&self) -> Result<SegmentEngine> {
        open_engine(
            &self.data()?,
            Path::new(self.get("catalog")?),
            self.maybe("store").map(Path::new),
        )
        .await
    }
}

/// A catalog with the rules, which knows its users from a run before, so that making them is not
/// measured; none of the rules has been refreshed.
async fn prepare(arguments: &Arguments) -> Result<Value> {
    let start = Instant::now();
    let engine = arguments.engine().await?;
    let rules: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(arguments.get("rules")?)?)?;
    let made = engine.import_rules(&rules).await?;
    let seconds = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let everyone = json!({ "rule_name": "Everyone", "conditions": [] });
    let everyone = engine.create_rule(&everyone).await?;
    engine.refresh(Refresh::rules([everyone])).await?;
    engine.delete_rule(everyone).await?;
    let users = start.elapsed().as_secs_f64();
    let Some(store) = arguments.maybe("store") else {
        return Ok(json!({ "seconds": seconds, "users": users, "rules": made.len() }));
    };
    // The store is filled by a run of its own, so that the catalog has none.
    let folder = tempfile::tempdir()?;
    let start = Instant::now();
    let catalog = folder.path().join("catalog.db");
    let engine = open_engine(&arguments.data()?, &catalog, Some(Path::new(store))).await?;
    engine.import_rules(&rules).await?;
    let as_of = arguments.get("as-of")?.parse()?;
    engine.refresh(Refresh::all().as_of(as_of)).await?;
    Ok(json!({
        "seconds": seconds,
        "users": users,
        "rules": made.len(),
        "filled": start.elapsed().as_secs_f64(),
    }))
}

async fn run(arguments: &Arguments) -> Result<Value> {
    let as_of = arguments.get("as-of")?.parse()?;
    let start = Instant::now();
    let engine = arguments.engine().await?;
    let opened = start.elapsed();
    let incremental = arguments.maybe("incremental") == Some("true");
    let run = engine.refresh(Refresh::all().as_of(as_of).incremental(incremental)).await?;
    let took = start.elapsed();
    let peak = peak_memory();
    fail_with_rules(&run)?;

    let mut members = BTreeMap::new();
    for segment in &run.segments {
        let keys = digest(&engine.segment(segment.rule_id).await?)?;
        members.insert(segment.segment_name.clone(), keys);
    }
    let mut report = serde_json::to_value(&run)?;
    if let Some(report) = report.as_object_mut() {
        report.remove("segments");
    }
    Ok(json!({
        "seconds": took.as_secs_f64(),
        "opening": opened.as_secs_f64(),
        "run": report,
        "peak": peak,
        "members": members,
    }))
}

fn fail_with_rules(run: &Run) -> Result<()> {
    let failed = run.failed.first().map(|failed| format!("{failed:?}"));
    match failed.or_else(|| run.skipped.first().map(|skipped| format!("{skipped:?}"))) {
        Some(why) => Err(why.into()),
        None => Ok(()),
    }
}

/// How many keys there are, their sum, and the exclusive or of them mixed.
fn digest(segment: &Segment) -> Result<[u64; 3]> {
    let KeyColumn::Int(keys) = segment.keys()? else {
        return Err("the keys are no integers".into());
    };
    let (mut sum, mut mixed) = (0_u64, 0);
    for key in keys.values() {
        sum = sum.wrapping_add(key.cast_unsigned());
        mixed ^= mix(key.cast_unsigned());
    }
    Ok([keys.len() as u64, sum, mixed])
}

/// The finalizer of SplitMix64.
fn mix(key: u64) -> u64 {
    let key = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let key = (key ^ (key >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let key = (key ^ (key >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    key ^ (key >> 31)
}

async fn sets(arguments: &Arguments) -> Result<Value> {
    let users: i64 = arguments.get("users")?.parse()?;
    let folder = Path::new(arguments.get("folder")?);
    let halves = Halves::of(users, folder).await?;
    for (segment, name) in [(&halves.first, "first"), (&halves.second, "second")] {
        let file = folder.join(format!("{name}.parquet"));
        segment.export(&file, ExportFormat::Parquet).await?;
    }
    let [first, second] = halves.bitmaps(folder).await?;
    let intersection = median_of(TRIES, || black_box(&first) & &second);
    let counted = median_of(TRIES, || black_box(&first).intersection_len(&second));
    let common = (&first & &second).len();
    if common != halves.both.row_count() {
        return Err("the bitmaps have other users in common than the segments".into());
    }
    let mut overlaps = Vec::with_capacity(TRIES);
    for _ in 0..TRIES {
        let start = Instant::now();
        black_box(halves.engine.overlap(["First", "Second"]).await?);
        overlaps.push(start.elapsed());
    }
    Ok(json!({
        "users": users,
        "sizes": [first.len(), second.len()],
        "intersection": intersection.as_secs_f64(),
        "count": counted.as_secs_f64(),
        "overlap": median(overlaps).as_secs_f64(),
        "contains": contains(&halves.first, users).as_secs_f64(),
        "members": { "Both": digest(&halves.both)? },
    }))
}

fn median_of<T>(tries: usize, work: impl Fn() -> T) -> Duration {
    let time = |_| {
        let start = Instant::now();
        black_box(work());
        start.elapsed()
    };
    median((0..tries).map(time).collect())
}

/// What it takes to ask whether one user is a member: the median of eleven times a million.
fn contains(segment: &Segment, users: i64) -> Duration {
    let look = || {
        let keys = (0..LOOKUPS).map(|at| Key::Int(at * STEP % users + 1));
        keys.filter(|key| segment.contains(key)).count()
    };
    median_of(11, look).div_f64(LOOKUPS as f64)
}
