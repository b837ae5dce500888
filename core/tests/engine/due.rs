//! What is due, and when rules will run.

use rusqlite::Connection;
use segmentry::SqliteCatalog;

use super::*;

fn scheduled(name: &str, schedule: &str) -> Value {
    json!({"rule_name": name, "conditions": [], "schedule": schedule})
}

/// An engine whose clock the test has, at noon on 1 February 2025, a Saturday.
async fn timed(catalog: impl Catalog + 'static) -> (SegmentEngine, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(at("2025-02-01T12:00:00Z")));
    let mut model = AudienceModel::parse(MODEL).unwrap();
    model.timezone = chrono_tz::Asia::Kolkata;
    let builder = SegmentEngine::builder().catalog(catalog).clock(clock.clone()).threads(2);
    let engine = builder.model(model).build().await.unwrap();
    engine.add_arrow("people", vec![people()]).unwrap();
    engine.add_arrow("buys", vec![buys()]).unwrap();
    (engine, clock)
}

/// Names, firings and missed ones.
async fn due(engine: &SegmentEngine, when: Option<&str>) -> Vec<(String, String, u64)> {
    let due = engine.due(when.map(at)).await.unwrap();
    let row = |due: segmentry::DueRule| {
        (due.rule_name, due.firing.format("%m-%dT%H:%M").to_string(), due.missed)
    };
    due.into_iter().map(row).collect()
}

#[tokio::test]
async fn rules_are_due_once_they_have_fired() {
    let (engine, clock) = timed(MemoryCatalog::new()).await;
    engine.create_rule(tier("Unscheduled", 1)).await.unwrap();
    // 06:00 in Kolkata is 00:30 in UTC.
    let mut daily = scheduled("Daily", "0 6 * * *");
    engine.create_rule(&daily).await.unwrap();
    let mut utc = scheduled("UTC", "0 6 * * *");
    utc["timezone"] = json!("UTC");
    engine.create_rule(utc).await.unwrap();
    engine.create_rule(scheduled("Never", "0 0 30 2 *")).await.unwrap();
    // What fired before a rule was created is not its business.
    assert_eq!(due(&engine, None).await, []);
    assert_eq!(due(&engine, Some("2025-02-02T00:29:59Z")).await, []);
    let first = ("Daily".to_owned(), "02-02T00:30".to_owned(), 0);
    assert_eq!(due(&engine, Some("2025-02-02T00:30:00Z")).await, [first]);
    let later = |name: &str, at: &str| (name.to_owned(), at.to_owned(), 2);
    let both = [later("Daily", "02-04T00:30"), later("UTC", "02-04T06:00")];
    assert_eq!(due(&engine, Some("2025-02-04T06:00:00Z")).await, both);
    // A refresh that is about a later instant than the firing leaves nothing due.
    clock.set(at("2025-02-04T06:00:00Z"));
    engine.refresh(Refresh::all()).await.unwrap();
    assert_eq!(due(&engine, None).await, []);
    assert_eq!(due(&engine, Some("2025-02-05T06:00:00Z")).await.len(), 2);
    // One that is about an earlier or a later instant knows no more than when it was.
    for as_of in ["2025-02-04T12:00:00Z", "2026-01-01T00:00:00Z"] {
        engine.refresh(Refresh::all().as_of(at(as_of))).await.unwrap();
        assert_eq!(due(&engine, Some("2025-02-05T06:00:00Z")).await.len(), 2, "{as_of}");
    }
    daily["enabled"] = json!(false);
    engine.update_rule("Daily", daily).await.unwrap();
    assert_eq!(due(&engine, Some("2025-02-05T06:00:00Z")).await.len(), 1);
}

#[tokio::test]
async fn next_runs_are_told_in_order() {
    let (engine, clock) = timed(MemoryCatalog::new()).await;
    let weekly = engine.create_rule(scheduled("Weekly", "30 9 * * mon,fri")).await.unwrap();
    let next = engine.next_runs(weekly, 3).await.unwrap();
    let expected = ["2025-02-03T04:00:00Z", "2025-02-07T04:00:00Z", "2025-02-10T04:00:00Z"];
    assert_eq!(next, expected.map(at));
    clock.set(next[0]);
    assert_eq!(engine.next_runs("Weekly", 1).await.unwrap(), [next[1]]);
    assert!(engine.next_runs(weekly, 0).await.unwrap().is_empty());
    let never = engine.create_rule(scheduled("Never", "0 0 31 4 *")).await.unwrap();
    assert!(engine.next_runs(never, 5).await.unwrap().is_empty());
    let plain = engine.create_rule(tier("Plain", 1)).await.unwrap();
    assert!(engine.next_runs(plain, 5).await.unwrap().is_empty());
    let mut off = scheduled("Weekly", "@weekly");
    off["enabled"] = json!(false);
    engine.update_rule(weekly, off).await.unwrap();
    assert!(engine.next_runs(weekly, 5).await.unwrap().is_empty());
    assert_eq!(code(engine.next_runs("Weakly", 5).await), Code::NotFound);
    assert_eq!(code(engine.next_runs(weekly, 10_001).await), Code::LimitExceeded);
}

#[tokio::test]
async fn rules_of_other_programs_are_due_as_far_as_they_can_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audience.db");
    let (engine, _) = timed(SqliteCatalog::open(&path).unwrap()).await;
    let insert = "INSERT INTO rule_table (id, rule_name, conditions, schedule, timezone) VALUES ";
    let rows = "(1, 'No conditions', 'nonsense', '0 6 * * *', 'UTC'),
                (2, 'No schedule', '[]', '0 0 6 * * ?', NULL),
                (3, 'No zone', 'nonsense', '0 6 * * *', 'Mars')";
    Connection::open(&path).unwrap().execute_batch(&format!("{insert}{rows}")).unwrap();
    // It has always been there as far as is known, so that nothing is known to be missed.
    let first = ("No conditions".to_owned(), "02-01T06:00".to_owned(), 0);
    assert_eq!(due(&engine, None).await, [first]);
    assert_eq!(code(engine.next_runs(2, 1).await), Code::BadSchedule);
    assert_eq!(code(engine.next_runs(3, 1).await), Code::BadTimezone);
}
