//! What is stored, damaged: bitmaps of members, whole catalogs, profile stores.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use rand::Rng;
use rand::seq::IndexedRandom;
use roaring::RoaringBitmap;
use segmentry::{
    AudienceModel, Catalog, Kind, MemoryCatalog, Refresh, SegmentEngine, SqliteCatalog,
    TableOptions,
};

use super::*;

/// Members of every kind of container, at times so many that they have whole runs.
fn bitmap(random: &mut Random) -> RoaringBitmap {
    let mut bitmap = RoaringBitmap::new();
    for _ in 0..random.random_range(0..4) {
        let base = random.random_range(0..3u32) << 16;
        match random.random_range(0..3) {
            0 => bitmap
                .extend((0..random.random_range(0..50)).map(|_| random.random_range(0..70_000u32))),
            1 => drop(bitmap.insert_range(base..base + random.random_range(0..5_000))),
            _ => bitmap
                .extend((0..random.random_range(4_000..6_000u32)).map(|n| base + n * 11 % 65_536)),
        }
    }
    bitmap.optimize();
    bitmap
}

#[test]
fn fuzz_stored_bitmaps() {
    let (wanted, seed) = (setting("SEGMENTRY_FUZZ", 20_000), setting("SEGMENTRY_SEED", 0));
    on_a_small_stack(|| {
        let mut random = Random::seed_from_u64(seed);
        let (mut inputs, mut read) = (0, 0);
        while inputs < wanted {
            let batch: Vec<Vec<u8>> = (0..200)
                .map(|_| {
                    let mut bytes = Vec::new();
                    bitmap(&mut random).serialize_into(&mut bytes).unwrap();
                    match random.random_ratio(2, 3) {
                        true => mutate::bytes(&bytes, &mut random),
                        false => bytes,
                    }
                })
                .collect();
            let Ok(good) = catch_unwind(|| targets::bitmaps(&batch)) else {
                let breaks = |bytes: &&Vec<u8>| {
                    catch_unwind(|| targets::bitmaps(&[bytes.to_vec()])).is_err()
                };
                panic!("breaks at {:?}", batch.iter().find(breaks));
            };
            inputs += batch.len() as u64;
            read += good as u64;
        }
        let share = 100.0 * read as f64 / inputs as f64;
        crate::reached("fuzz", format!("bitmaps {inputs} inputs, {share:.0} % read"));
        assert!(read * 3 >= inputs);
    });
}

const MODEL: &str = r#"{
    "users": {"table": "people", "key": "id"},
    "events": {"buys": {"user": "user_id", "time": "at"}}
}"#;

fn tables() -> (RecordBatch, RecordBatch) {
    let ids = || -> ArrayRef { Arc::new(Int64Array::from_iter_values(0..300)) };
    let words = (0..300).map(|id| if id % 3 == 0 { "Travel" } else { "Food" });
    let times = TimestampMicrosecondArray::from_iter_values((0..300).map(|id| id * 1_000_000));
    let people = RecordBatch::try_from_iter([("id", ids()), ("tier", ids())]).unwrap();
    let buys = RecordBatch::try_from_iter([
        ("user_id", ids()),
        ("at", Arc::new(times) as ArrayRef),
        ("amount", ids()),
        ("category", Arc::new(StringArray::from_iter_values(words)) as ArrayRef),
    ]);
    (people, buys.unwrap())
}

const RULES: [&str; 3] = [
    r#"{"rule_name": "Spenders", "conditions": [{"events": "buys", "aggregate": "sum", "field": "amount",
        "where": [{"field": "category", "operator": "=", "value": "Travel"}], "operator": ">", "value": 100}]}"#,
    r#"{"rule_name": "Low", "conditions": [{"field": "tier", "operator": "<", "value": 250}]}"#,
    r#"{"rule_name": "Both", "depends_on": ["Spenders", "Low"], "operation": "INTERSECTION"}"#,
];

/// How many members the three rules have.
const COUNTS: [u64; 3] = [66, 250, 50];

async fn engine(
    catalog: impl Catalog + 'static,
    store: Option<&Path>,
) -> segmentry::Result<SegmentEngine> {
    let mut builder = SegmentEngine::builder().catalog(catalog).threads(1);
    if let Some(store) = store {
        builder = builder.store(store);
    }
    let engine = builder.model(AudienceModel::parse(MODEL).unwrap()).build().await?;
    let (people, buys) = tables();
    engine.add_arrow("people", vec![people]).unwrap();
    engine.add_arrow_with("buys", vec![buys], TableOptions::default().cursor("amount")).unwrap();
    Ok(engine)
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Every verb that reads what is kept, and a refresh. Whatever is wrong is said with a code; what is
/// told as a number of members is right.
async fn use_catalog(path: &Path) -> segmentry::Result<()> {
    let engine = engine(SqliteCatalog::open(path)?, None).await?;
    let rules = engine.rules(1, 10, None).await?;
    engine.segments(1, 10, None).await?;
    engine.runs(1, 10).await?;
    engine.export_rules().await?;
    for rule in &rules.items {
        engine.rule_history(rule.id).await?;
        let segment = engine.segment(rule.id).await?;
        segment.keys()?;
        segment.versions().await?;
    }
    engine.lineage(3).await?;
    engine.segments_of(99).await?;
    engine.refresh(Refresh::all()).await?;
    Ok(())
}

#[test]
fn fuzz_catalogs() {
    let wanted = setting("SEGMENTRY_FUZZ", 20_000).div_ceil(1_000);
    let seed = setting("SEGMENTRY_SEED", 0);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audience.db");
    let runtime = runtime();
    let whole = runtime.block_on(async {
        let engine = engine(SqliteCatalog::open(&path).unwrap(), None).await.unwrap();
        for rule in RULES {
            engine.create_rule(rule).await.unwrap();
        }
        let run = engine.refresh(Refresh::all()).await.unwrap();
        let counts: Vec<u64> = run.segments.iter().map(|segment| segment.row_count).collect();
        assert_eq!(counts, COUNTS);
        drop(engine);
        // What is in the log is in the file once the last connection is closed.
        std::fs::read(&path).unwrap()
    });
    let mut random = Random::seed_from_u64(seed);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..wanted {
        let bytes = mutate::bytes(&whole, &mut random);
        for ending in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{ending}", path.display()));
        }
        std::fs::write(&path, &bytes).unwrap();
        let outcome = catch_unwind(AssertUnwindSafe(|| runtime.block_on(use_catalog(&path))));
        let Ok(outcome) = outcome else {
            let kept = std::env::temp_dir().join("segmentry-broken-catalog.db");
            std::fs::write(&kept, &bytes).unwrap();
            panic!("breaks at {}", kept.display());
        };
        match outcome {
            Ok(()) => read += 1,
            Err(error) => {
                assert!(
                    error.kind() != Kind::Internal || error.code() == segmentry::Code::Io,
                    "{error}"
                );
                refused += 1;
            }
        }
    }
    println!("catalogs: {read} of {} read", read + refused);
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn fuzz_profile_stores() {
    let wanted = setting("SEGMENTRY_FUZZ", 20_000).div_ceil(100);
    let seed = setting("SEGMENTRY_SEED", 0);
    let mut random = Random::seed_from_u64(seed);
    runtime().block_on(async {
        for number in 0..wanted {
            let folder = tempfile::tempdir().unwrap();
            for damaged in [false, true] {
                if damaged {
                    let path = files(folder.path()).choose(&mut random).unwrap().clone();
                    let bytes = mutate::bytes(&std::fs::read(&path).unwrap(), &mut random);
                    std::fs::write(&path, bytes).unwrap();
                }
                let engine = engine(MemoryCatalog::new(), Some(folder.path())).await.unwrap();
                let _ = engine.store_status().await;
                for rule in RULES {
                    engine.create_rule(rule).await.unwrap();
                }
                let run = engine.refresh(Refresh::all()).await.unwrap();
                assert_eq!(run.failed, [], "seed {seed}, {number}");
                let counts: Vec<u64> = run.segments.iter().map(|s| s.row_count).collect();
                assert_eq!(counts, COUNTS, "seed {seed}, {number}");
            }
        }
    });
    println!("stores: {wanted} damaged");
}
