//! Many users in little memory: one group of events for each, and sets of half of them.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, TimestampMillisecondArray};
use segmentry::{AudienceModel, Code, Evaluation, Refresh, SegmentEngine};
use serde_json::json;

use super::{AS_OF, DAY};
use crate::differential::setting;

const BATCH: i64 = 8_192;

/// Users 0 and on, each with one event for its number modulo 1,000.
async fn engine(users: i64, memory: u64) -> SegmentEngine {
    let model = AudienceModel::parse(
        r#"{"users": {"table": "users", "key": "id"},
            "events": {"buys": {"user": "who", "time": "at"}}}"#,
    );
    let builder = SegmentEngine::builder().model(model.unwrap()).threads(2).memory_limit(memory);
    let engine = builder.build().await.unwrap();
    let column = |first: i64, value: fn(i64) -> i64| -> ArrayRef {
        let ids = first..(first + BATCH).min(users);
        Arc::new(Int64Array::from_iter_values(ids.map(value)))
    };
    let (mut people, mut buys) = (Vec::new(), Vec::new());
    for first in (0..users).step_by(BATCH as usize) {
        let (id, parity) = (column(first, |id| id), column(first, |id| id % 2));
        let amount = column(first, |id| id % 1_000);
        let times = TimestampMillisecondArray::from_value(AS_OF - DAY, id.len());
        let person = [("id", Arc::clone(&id)), ("parity", parity)];
        people.push(RecordBatch::try_from_iter(person).unwrap());
        let buy = [("who", id), ("at", Arc::new(times) as ArrayRef), ("amount", amount)];
        buys.push(RecordBatch::try_from_iter(buy).unwrap());
    }
    engine.add_arrow("users", people).unwrap();
    engine.add_arrow("buys", buys).unwrap();
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

/// The most memory that the process has had, in MiB, where the system tells.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pass_in_little_memory_of_many_users_is_right_or_says_so() {
    let users = i64::try_from(setting("SEGMENTRY_USERS", 100_000)).unwrap() / 1_000 * 1_000;
    let expected = [users / 2, users / 2, users / 4, users / 4 * 3, users / 4];
    for megabytes in [64, 128, 256] {
        for evaluation in [Evaluation::Shared, Evaluation::Separate] {
            let engine = engine(users, megabytes << 20).await;
            let request = Refresh::all().evaluation(evaluation).reuse(false);
            let as_of = chrono::DateTime::from_timestamp_millis(AS_OF).unwrap();
            let outcome = engine.refresh(request.as_of(as_of)).await;
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
            println!(
                "{users} users, {megabytes} MiB, {evaluation:?}: {right} rules right, {refused} told \
                 to be out of memory; at most {} MiB so far",
                most_memory()
            );
        }
    }
}
