//! Broken rules among good ones.

use rusqlite::Connection;
use segmentry::{SchedulerOptions, SqliteCatalog};

use super::*;

#[tokio::test]
async fn five_broken_rules_among_a_hundred() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audience.db");
    let clock = Arc::new(ManualClock::new(at("2025-03-01T05:00:00Z")));
    let engine = engine_on(SqliteCatalog::open(&path).unwrap(), &clock).await;
    for number in 1..=100 {
        engine.create_rule(rule(&format!("Rule {number}"), "0 6 * * *")).await.unwrap();
    }
    let broken = [7, 21, 50, 77, 100];
    let write = |conditions: &str, rules: &[i64]| {
        let connection = Connection::open(&path).unwrap();
        for rule in rules {
            let sql = "UPDATE rule_table SET conditions = ?1 WHERE id = ?2";
            connection.execute(sql, (conditions, rule)).unwrap();
        }
    };
    write("nonsense", &broken[..2]);
    write(r#"[{"field": "nowhere", "operator": "=", "value": 1}]"#, &broken[2..]);
    let scheduler = engine.scheduler(SchedulerOptions::default());
    clock.set(at("2025-03-01T06:00:00Z"));
    let run = scheduler.run_due().await.unwrap().unwrap();
    assert_eq!((run.segments.len(), run.failed.len()), (95, 5));
    let status = scheduler.status().await.unwrap();
    assert_eq!(status.rules.len(), 100);
    for rule in status.rules {
        if broken.contains(&rule.rule_id) {
            let reason = rule.reason.unwrap();
            let expected = if rule.rule_id < 50 { "malformed" } else { "unknown_field" };
            assert!(reason.starts_with(expected), "{reason}");
            assert_eq!((rule.failures, rule.refreshed), (1, None));
            assert!(rule.retry_at.unwrap() > clock_of(&clock));
            assert!(rule.due_since.is_none_or(|at| at <= clock_of(&clock)));
        } else {
            assert_eq!((rule.failures, rule.reason, rule.retry_at), (0, None, None));
            assert_eq!(rule.refreshed, Some(at("2025-03-01T06:00:00Z")));
        }
    }
    crate::reached("broken", "95 fresh, 5 with reason and next try");
    // For as long as they are broken they are tried, ever more rarely, and never given up.
    let mut tries = 1;
    for minute in (5..=24 * 60).step_by(5) {
        clock.set(at("2025-03-01T06:00:00Z") + chrono::TimeDelta::minutes(minute));
        if let Some(run) = scheduler.run_due().await.unwrap()
            && !run.failed.is_empty()
        {
            tries += 1;
        }
    }
    let rules = scheduler.status().await.unwrap().rules;
    let failures = |rule: i64| rules.iter().find(|status| status.rule_id == rule).unwrap().failures;
    for rule in broken {
        // Pauses of 1, 2, 4, ... 32 minutes and then of an hour, each up to a quarter longer.
        assert!((20..=31).contains(&failures(rule)), "{}", failures(rule));
    }
    assert!(tries > 20);
    // Mended, they are run at once.
    write("[]", &broken);
    let run = scheduler.run_due().await.unwrap().unwrap();
    assert_eq!(run.segments.iter().map(|s| s.rule_id).collect::<Vec<_>>(), broken);
    let rules = scheduler.status().await.unwrap().rules;
    assert!(rules.iter().all(|rule| rule.failures == 0 && rule.retry_at.is_none()));
}

fn clock_of(clock: &ManualClock) -> DateTime<Utc> {
    segmentry::Clock::now(clock)
}
