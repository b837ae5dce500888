//! Many users in little memory: one group of events for each, and sets of half of them. Each run is
//! a process of its own, which reads Parquet, so that its memory is that of the run.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMillisecondArray};
use arrow::datatypes::SchemaRef;
use datafusion::parquet::arrow::ArrowWriter;
use segmentry::{AudienceModel, Code, Evaluation, Refresh, SegmentEngine, SqliteCatalog};
use serde_json::json;

use super::{AS_OF, DAY};
use crate::differential::setting;
use crate::faults::process::start;

const BATCH: i64 = 8_192;

/// What a process may have beyond the pool, in MiB.
const BESIDE: u64 = 256;

/// Users 0 and on, each with one event for its number modulo 1,000.
fn write(folder: &Path, users: i64) {
    let column = |first: i64, value: fn(i64) -> i64| -> ArrayRef {
        let ids = first..(first + BATCH).min(users);
        Arc::new(Int64Array::from_iter_values(ids.map(value)))
    };
    let people = |first: i64| {
        let (id, parity) = (column(first, |id| id), column(first, |id| id % 2));
        RecordBatch::try_from_iter([("id", id), ("parity", parity)]).unwrap()
    };
    let buys = |first: i64| {
        let (id, amount) = (column(first, |id| id), column(first, |id| id % 1_000));
        let times = TimestampMillisecondArray::from_value(AS_OF - DAY, id.len());
        let times: ArrayRef = Arc::new(times);
        RecordBatch::try_from_iter([("who", id), ("at", times), ("amount", amount)]).unwrap()
    };
    let file = |name: &str, schema: SchemaRef| {
        ArrowWriter::try_new(File::create(folder.join(name)).unwrap(), schema, None).unwrap()
    };
    let mut people_file = file("users.parquet", people(0).schema());
    let mut buys_file = file("buys.parquet", buys(0).schema());
    for first in (0..users).step_by(BATCH as usize) {
        people_file.write(&people(first)).unwrap();
        buys_file.write(&buys(first)).unwrap();
    }
    people_file.close().unwrap();
    buys_file.close().unwrap();
}

async fn engine(folder: &Path, memory: u64) -> SegmentEngine {
    let model = AudienceModel::parse(
        r#"{"users": {"table": "users", "key": "id"},
            "events": {"buys": {"user": "who", "time": "at"}}}"#,
    );
    let fresh = folder.join(format!("{}.db", std::process::id()));
    let builder = SegmentEngine::builder().catalog(SqliteCatalog::open(fresh).unwrap());
    let builder = builder.model(model.unwrap()).threads(2).memory_limit(memory);
    let engine = builder.build().await.unwrap();
    engine.add_parquet("users", folder.join("users.parquet")).await.unwrap();
    engine.add_parquet("buys", folder.join("buys.parquet")).await.unwrap();
    for rule in [
        json!({"rule_name": "Spenders", "conditions": [{"events": "buys", "aggregate": "sum", "field": "amount",
            "operator": ">", "value": 499}]}),
        json!({"rule_name": "Even", "conditions": [{"field": "parity", "operator": "=", "value": 0}]}),
        json!({"rule_name": "Both", "depends_on": ["Spenders", "Even"], "operation": "INTERSECTION"}),
        json!({"rule_name": "Any", "depends_on": ["Spenders", "Even"], "operation": "UNION"}),
        json!({"rule_name": "Odd", "depends_on": ["Spenders", "Even"], "operation": "DIFFERENCE"}),
    ] {
        engine.create_rule(rule).await.unwrap();
    }
    engine
}

/// What the child does: one run of `users` in so many MiB, which is right or says why not. Tells
/// how many rules were right and how many out of memory.
pub fn child(folder: &Path, task: &str) {
    let mut words = task.split(' ').skip(1);
    let mut number = || -> i64 { words.next().unwrap().parse().unwrap() };
    let (users, megabytes, shared) = (number(), number(), number() == 1);
    let expected = [users / 2, users / 2, users / 4, users / 4 * 3, users / 4];
    let runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = { runtime }.worker_threads(2).enable_all().build().unwrap();
    let outcome = runtime.block_on(async {
        let engine = engine(folder, megabytes.unsigned_abs() << 20).await;
        let evaluation = if shared { Evaluation::Shared } else { Evaluation::Separate };
        let request = Refresh::all().evaluation(evaluation).reuse(false);
        engine.refresh(request.as_of(chrono::DateTime::from_timestamp_millis(AS_OF).unwrap())).await
    });
    let (right, refused) = match outcome {
        Err(error) => {
            assert_eq!(error.code(), Code::OutOfMemory, "{error}");
            (0, expected.len())
        }
        Ok(run) => {
            for segment in &run.segments {
                let expected = expected[usize::try_from(segment.rule_id - 1).unwrap()];
                assert_eq!(i64::try_from(segment.row_count), Ok(expected), "{segment:?}");
            }
            for failed in &run.failed {
                assert_eq!(failed.problems[0]["code"], "out_of_memory", "{failed:?}");
            }
            (run.segments.len(), run.failed.len() + run.skipped.len())
        }
    };
    assert_eq!(right + refused, expected.len());
    println!("{right} right, {refused} out of memory, at most {} MiB", most_memory());
}

/// The most memory that the process has had, in MiB, where the system tells.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

#[test]
fn pass_in_little_memory_of_many_users_is_right_or_says_so() {
    let users = i64::try_from(setting("SEGMENTRY_USERS", 100_000)).unwrap() / 1_000 * 1_000;
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), users);
    for megabytes in [64_u64, 128, 256] {
        for (shared, way) in [(1, "shared"), (0, "separate")] {
            let task = format!("little {users} {megabytes} {shared}");
            let (mut child, mut told) = start(&task, folder.path());
            let mut output = String::new();
            told.read_to_string(&mut output).unwrap();
            assert!(child.wait().unwrap().success(), "{task}: {output}");
            let line = output.lines().find(|line| line.contains(" right, ")).unwrap();
            // The name of the test stands before it.
            let line = line.rsplit(" ... ").next().unwrap();
            let figure = format!("{users} users, pool {megabytes} MiB, {way}: {line}");
            crate::reached("memory", &figure);
            let most = line.rsplit(' ').nth(1).unwrap().parse::<u64>().unwrap();
            // Plans of the rules' own are DataFusion's, whose memory passes what it asks the pool for.
            assert!(shared == 0 || most <= megabytes + BESIDE, "{figure}");
        }
    }
}
