//! What each stage of a run costs by itself: a thousand rules over 100,000 users and 2 million
//! events, all in memory.
//!
//! `cargo bench -p segmentry-benches --bench stages`, which takes less than three minutes.
//! `SEGMENTRY_BENCH_USERS` and `SEGMENTRY_BENCH_EVENTS` give other sizes. What has a verb of its own
//! is measured by that; the others are what `Run::stages` says of refreshes without reuse, each a
//! minute after the one before; `plan` is the shared pass over one user with one event.

// A benchmark knows the documents that it makes.
#![allow(clippy::indexing_slicing)]

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode};
use segmentry::{
    AudienceModel, DependencyFinder, ExportFormat, Refresh, Rule, RuleParser, Run, SegmentEngine,
    SqliteCatalog, Table,
};
use segmentry_benches::{
    CATEGORIES, Result, THREADS, from_environment, in_memory, under_cargo_bench,
};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const RULES: usize = 1_000;
/// Within which some users enter or leave many segments.
const MINUTE: u32 = 1;

fn main() -> Result<()> {
    if !under_cargo_bench() {
        println!("stages: runs under `cargo bench` only");
        return Ok(());
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
    let users = from_environment("SEGMENTRY_BENCH_USERS", 100_000)?;
    let events = from_environment("SEGMENTRY_BENCH_EVENTS", 2_000_000)?;
    let documents: Vec<Value> = (0..RULES).map(rule).collect();
    let folder = tempfile::tempdir()?;
    let (full, tiny) = (folder.path().join("full.db"), folder.path().join("tiny.db"));
    let mut full = runtime.block_on(Refreshed::of(&documents, users, events, &full))?;
    let mut tiny = runtime.block_on(Refreshed::of(&documents, 1, 1, &tiny))?;

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("stages");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    rules(&mut group, &documents)?;
    for stage in ["bind", "population", "events", "users", "rules", "publish"] {
        full.measure(&mut group, &runtime, (stage, stage), MINUTE)?;
    }
    full.measure(&mut group, &runtime, ("publish (nothing changed)", "publish"), 0)?;
    tiny.measure(&mut group, &runtime, ("plan", "events"), MINUTE)?;
    segments(&mut group, &runtime, &full.engine, folder.path())?;
    group.finish();
    criterion.final_summary();
    Ok(())
}

/// Stages 1 and 3, which need no data.
fn rules(group: &mut BenchmarkGroup<'_, WallTime>, documents: &[Value]) -> Result<()> {
    let texts: Vec<String> = documents.iter().map(Value::to_string).collect();
    group.bench_function("parse", |bencher| {
        bencher.iter(|| {
            texts.iter().filter(|text| RuleParser::parse(black_box(*text)).is_ok()).count()
        });
    });
    let parsed = (1..).zip(&texts).map(|(id, text)| Ok((id, RuleParser::parse(text)?)));
    let parsed: Vec<(i64, Rule)> = parsed.collect::<Result<_>>()?;
    let [users, events] = in_memory(1, 1)?;
    let table = |name: &str, schema| Table { name: name.to_owned(), schema };
    let tables = [table("users", users[0].schema()), table("events", events[0].schema())];
    let finder = DependencyFinder::new(&model()?, &tables)?.as_of("2026-01-01T00:00:00Z".parse()?);
    group.bench_function("order", |bencher| {
        bencher.iter(|| finder.graph(black_box(&parsed)).order());
    });
    let library = finder.read(&parsed)?;
    let new = RuleParser::parse(rule(RULES + 3))?;
    group.bench_function("find (for one rule)", |bencher| {
        bencher.iter(|| library.find(black_box(&new)));
    });
    Ok(())
}

/// Stage 6, of one segment.
fn segments(
    group: &mut BenchmarkGroup<'_, WallTime>,
    runtime: &Runtime,
    engine: &SegmentEngine,
    folder: &Path,
) -> Result<()> {
    group.bench_function("load (one segment)", |bencher| {
        bencher.to_async(runtime).iter(|| engine.segment(1));
    });
    let segment = runtime.block_on(engine.segment(1))?;
    for (name, format) in [
        ("parquet", ExportFormat::Parquet),
        ("csv", ExportFormat::Csv),
        ("arrow", ExportFormat::Arrow),
        ("bitmap", ExportFormat::Bitmap),
    ] {
        let file = folder.join(format!("segment.{name}"));
        group.bench_function(format!("export (one segment, {name})"), |bencher| {
            bencher.to_async(runtime).iter(|| segment.export(&file, format));
        });
    }
    Ok(())
}

/// An engine whose rules have been refreshed before, so that every user has an ordinal.
struct Refreshed {
    engine: SegmentEngine,
    /// The last instant that it was refreshed for, in minutes of January 2026.
    minute: u32,
}

impl Refreshed {
    async fn of(documents: &[Value], users: u64, events: u64, catalog: &Path) -> Result<Self> {
        let builder = SegmentEngine::builder().catalog(SqliteCatalog::open(catalog)?);
        let engine = builder.model(model()?).threads(THREADS).build().await?;
        let [population, happened] = in_memory(users, events)?;
        engine.add_arrow("users", population)?;
        engine.add_arrow("events", happened)?;
        engine.import_rules(documents).await?;
        let mut refreshed = Refreshed { engine, minute: 0 };
        refreshed.refresh(0).await?;
        Ok(refreshed)
    }

    /// A refresh for an instant so many minutes later than the one before.
    async fn refresh(&mut self, later: u32) -> Result<Run> {
        self.minute += later;
        let (day, hour, minute) = (self.minute / 1_440, self.minute / 60 % 24, self.minute % 60);
        let as_of = format!("2026-01-{:02}T{hour:02}:{minute:02}:00Z", day + 1).parse()?;
        let run = self.engine.refresh(Refresh::all().as_of(as_of).reuse(false)).await?;
        match run.failed.first() {
            Some(failure) => Err(format!("a rule failed: {:?}", failure.problems).into()),
            None => Ok(run),
        }
    }

    /// Measures a stage, under a name, of refreshes that come so many minutes after one another.
    fn measure(
        &mut self,
        group: &mut BenchmarkGroup<'_, WallTime>,
        runtime: &Runtime,
        (name, stage): (&str, &str),
        later: u32,
    ) -> Result<()> {
        let mut fault = None;
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|times| {
                let mut seconds = 0.0;
                for _ in 0..times {
                    match runtime.block_on(self.refresh(later)) {
                        Ok(run) => seconds += run.stages.get(stage).copied().unwrap_or_default(),
                        // Criterion takes no errors; what it makes of this is thrown away.
                        Err(error) => {
                            fault = Some(error);
                            return Duration::from_secs(1);
                        }
                    }
                }
                Duration::from_secs_f64(seconds)
            });
        });
        fault.map_or(Ok(()), Err)
    }
}

fn model() -> Result<AudienceModel> {
    Ok(AudienceModel::parse(json!({
        "users": { "table": "users", "key": "user_id" },
        "events": { "events": { "user": "user_id", "time": "transaction_date" } }
    }))?)
}

/// An aggregate of a category's events in a window, of users of a tier or a country.
fn rule(at: usize) -> Value {
    let aggregate = ["sum", "count", "max", "avg"][at % 4];
    let category = CATEGORIES[at / 4 % CATEGORIES.len()];
    let mut metric = json!({
        "events": "events", "aggregate": aggregate,
        "window": { "last": format!("{} days", 7 + at % 173) },
        "where": [{ "field": "category", "operator": "=", "value": category }],
        "operator": ">", "value": if aggregate == "count" { at % 3 } else { 100 + at * 7 }
    });
    if aggregate != "count" {
        metric["field"] = json!("amount");
    }
    let of_users = match at % 2 {
        0 => json!({ "field": "city_tier", "operator": "=", "value": 1 + at % 3 }),
        _ => {
            let country = ["IN", "AE", "SG"][at % 3];
            json!({ "field": "country", "operator": "!=", "value": country })
        }
    };
    json!({ "rule_name": format!("Rule {at}"), "conditions": [metric, of_users] })
}
