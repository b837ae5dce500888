//! The shared pass where memory is short: records of events take several times as much as there is,
//! and members are those of a run with plenty.

use std::path::Path;

use super::*;

/// Values of a visit: with the three that are put together with those of orders, as many as one
/// table of a pass can have.
const VALUES: i64 = 13;
const VISITS: i64 = 40_000;
const ORDERS: i64 = 20_000;

/// Two tables of events, of which the first takes some 5 MB as records.
fn two_tables() -> (RecordBatch, Vec<RecordBatch>, Vec<RecordBatch>) {
    let mut random = Random::of(31);
    let ids: Vec<i64> = (0..USERS).collect();
    let users = RecordBatch::try_from_iter([("id", keys(&ids, false))]).unwrap();
    let mut events = |count: i64, values: i64| -> Vec<RecordBatch> {
        let owners: Vec<i64> = (0..count).map(|_| random.range(0, USERS + 9)).collect();
        let times = (0..count).map(|_| Some(AS_OF - random.range(-5, 200) * DAY));
        let times: TimestampMillisecondArray = times.collect();
        let mut columns = vec![
            ("who".to_owned(), keys(&owners, false)),
            ("at".to_owned(), Arc::new(times) as ArrayRef),
        ];
        for value in 0..values {
            let numbers =
                (0..count).map(|_| (!random.percent(5)).then_some(random.range(-100, 1_000)));
            let numbers: Int64Array = numbers.collect();
            columns.push((format!("v{value}"), Arc::new(numbers) as ArrayRef));
        }
        let all = RecordBatch::try_from_iter(columns).unwrap();
        let parts = all.num_rows().div_ceil(5_000);
        (0..parts).map(|part| all.slice(part * 5_000, 5_000)).collect()
    };
    let (visits, orders) = (events(VISITS, VALUES), events(ORDERS, 3));
    (users, visits, orders)
}

fn rules_on_two_tables() -> Vec<Value> {
    let mut rules = Vec::new();
    for number in 0..VALUES {
        let window = [json!({"last": "30 days"}), json!({"between": ["150 days", "20 days"]})];
        let aggregate = ["sum", "max", "avg", "count", "min"][usize::try_from(number % 5).unwrap()];
        let visits = json!({
            "events": "visits", "aggregate": aggregate, "field": format!("v{number}"),
            "operator": ">", "value": number * 3, "window": (window[usize::from(number % 2 == 0)]),
            "where": [{"field": "v1", "operator": "<", "value": 100 * (1 + number % 7)}],
        });
        let both = json!({
            "events": ["orders", "visits"], "aggregate": "sum", "field": format!("v{}", number % 3),
            "operator": "<=", "value": number * 40, "window": "all",
        });
        let combinator = if number % 3 == 0 { "or" } else { "and" };
        rules.push(json!({
            "rule_name": format!("Rule {number}"),
            "conditions": {"combinator": combinator, "rules": [visits, both]},
        }));
    }
    rules
}

async fn on_two_tables(threads: usize, memory: Option<u64>, store: Option<&Path>) -> SegmentEngine {
    let model = AudienceModel::parse(
        r#"{"users": {"table": "users", "key": "id"},
            "events": {"visits": {"user": "who", "time": "at"},
                       "orders": {"user": "who", "time": "at"}}}"#,
    );
    let mut builder = SegmentEngine::builder().catalog(MemoryCatalog::new()).threads(threads);
    builder = builder.model(model.unwrap());
    if let Some(bytes) = memory {
        builder = builder.memory_limit(bytes);
    }
    if let Some(folder) = store {
        builder = builder.store(folder);
    }
    let engine = builder.build().await.unwrap();
    let (users, visits, orders) = two_tables();
    engine.add_arrow("users", vec![users]).unwrap();
    engine.add_arrow("visits", visits).unwrap();
    engine.add_arrow("orders", orders).unwrap();
    engine.import_rules(&rules_on_two_tables()).await.unwrap();
    engine
}

/// The members of those rules that did not fail, which they may only for want of memory.
async fn members_or_no_memory(
    engine: &SegmentEngine,
    run: segmentry::Result<Run>,
) -> Vec<(String, KeyColumn)> {
    match run {
        Ok(run) => {
            for failed in &run.failed {
                assert_eq!(failed.problems[0]["code"], "out_of_memory", "{failed:?}");
            }
            members(engine, &run).await
        }
        Err(error) => {
            assert_eq!(error.code(), Code::OutOfMemory, "{error}");
            Vec::new()
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_of_memory_do_not_change_members() {
    let plenty = on_two_tables(2, None, None).await;
    let separate = refresh(&plenty, Evaluation::Separate).await.unwrap();
    assert!(separate.failed.is_empty(), "{:?}", separate.failed.first());
    let expected = members(&plenty, &separate).await;
    for (kilobytes, threads) in
        [(200, 1), (1_000, 2), (2_000, 1), (2_000, 8), (8_000, 3), (64_000, 2)]
    {
        let engine = on_two_tables(threads, Some(kilobytes << 10), None).await;
        let run = refresh(&engine, Evaluation::Shared).await;
        if kilobytes >= 1_000 {
            let run = run.as_ref().unwrap();
            // What the pass can't do is done by plans, with the same members: it has to do it all.
            assert_eq!(run.rules_planned, 0, "{kilobytes} KB, {threads} threads");
            assert_eq!(run.segments.len(), expected.len());
        }
        for (name, keys) in members_or_no_memory(&engine, run).await {
            let (_, expected) = expected.iter().find(|(known, _)| *known == name).unwrap();
            assert_eq!(&keys, expected, "{name} in {kilobytes} KB, {threads} threads");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_hold_for_the_store_as_well() {
    let plenty = on_two_tables(2, None, None).await;
    let run = refresh(&plenty, Evaluation::Shared).await.unwrap();
    let expected = members(&plenty, &run).await;
    let folder = tempfile::tempdir().unwrap();
    for (kilobytes, threads) in [(200, 1), (2_000, 3), (64_000, 2)] {
        let store = folder.path().join(format!("{kilobytes}"));
        let engine = on_two_tables(threads, Some(kilobytes << 10), Some(&store)).await;
        // Once as it is filled, and once from it.
        for filled in [false, true] {
            let run = refresh(&engine, Evaluation::Shared).await;
            if kilobytes >= 2_000 {
                let run = run.as_ref().unwrap();
                assert_eq!(run.rules_planned, 0, "{kilobytes} KB");
                let read = if filled { 0 } else { VISITS.cast_unsigned() };
                assert_eq!(run.scanned["visits"], read, "{kilobytes} KB");
            }
            for (name, keys) in members_or_no_memory(&engine, run).await {
                let (_, expected) = expected.iter().find(|(known, _)| *known == name).unwrap();
                assert_eq!(&keys, expected, "{name} in {kilobytes} KB, filled {filled}");
            }
        }
    }
}

/// The events of 64 users take a good part of all memory, and as much again to be sorted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_leave_room_for_one_large_user() {
    let plenty = engine(false, 2, None).await;
    let run = refresh(&plenty, Evaluation::Shared).await.unwrap();
    let expected = members(&plenty, &run).await;
    let little = engine(false, 2, Some(64 << 20)).await;
    let run = refresh(&little, Evaluation::Shared).await.unwrap();
    assert_eq!(run.rules_planned, 0);
    assert_eq!(members(&little, &run).await, expected);
}
