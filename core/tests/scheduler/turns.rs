//! What a scheduler does when, and what it shows.

use std::time::Duration;

use segmentry::{
    Code, MemoryCatalog, Misfire, Refresh, RuleStatus, Run, Scheduler, SchedulerOptions, Stop,
};

use super::*;

async fn timed(start: &str) -> (SegmentEngine, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(at(start)));
    (engine_on(MemoryCatalog::new(), &clock).await, clock)
}

fn rules_of(run: Option<Run>) -> Vec<i64> {
    run.map(|run| run.segments.iter().map(|s| s.rule_id).collect()).unwrap_or_default()
}

async fn status_of(scheduler: &Scheduler, rule: i64) -> RuleStatus {
    let status = scheduler.status().await.unwrap();
    status.rules.into_iter().find(|status| status.rule_id == rule).unwrap()
}

#[tokio::test]
async fn what_is_due_together_is_one_run() {
    let (engine, clock) = timed("2025-03-01T05:00:00Z").await;
    let one = engine.create_rule(rule("One", "0 6 * * *")).await.unwrap();
    let two = engine.create_rule(rule("Two", "*/30 * * * *")).await.unwrap();
    engine.create_rule(rule("Later", "0 7 * * *")).await.unwrap();
    let scheduler = engine.scheduler(SchedulerOptions::default());
    assert!(scheduler.run_due().await.unwrap().is_none());
    clock.set(at("2025-03-01T06:00:10Z"));
    assert_eq!(rules_of(scheduler.run_due().await.unwrap()), [one, two]);
    assert!(scheduler.run_due().await.unwrap().is_none());
    let status = status_of(&scheduler, two).await;
    assert_eq!((status.missed, status.missed_at), (1, Some(at("2025-03-01T06:00:00Z"))));
    assert_eq!(status.next_run, Some(at("2025-03-01T06:30:00Z")));
    assert_eq!(status.refreshed, Some(at("2025-03-01T06:00:10Z")));
    assert_eq!((status.due_since, status.late, status.failures), (None, false, 0));
    assert_eq!(status.schedule, "every 30 minutes, UTC");
}

#[tokio::test]
async fn after_downtime_a_rule_runs_once_and_the_rest_is_counted() {
    let (engine, clock) = timed("2025-03-01T05:00:00Z").await;
    let hourly = engine.create_rule(rule("Hourly", "@hourly")).await.unwrap();
    let scheduler = engine.scheduler(SchedulerOptions::default());
    clock.set(at("2025-03-02T05:30:00Z"));
    let status = status_of(&scheduler, hourly).await;
    assert_eq!((status.due_since, status.late), (Some(at("2025-03-02T05:00:00Z")), true));
    assert_eq!(rules_of(scheduler.run_due().await.unwrap()), [hourly]);
    assert!(scheduler.run_due().await.unwrap().is_none());
    // 24 firings, one of them run.
    assert_eq!(status_of(&scheduler, hourly).await.missed, 23);
    assert_eq!(engine.runs(1, 10).await.unwrap().total, 1);
}

#[tokio::test]
async fn firings_that_are_skipped_are_counted() {
    let (engine, clock) = timed("2025-03-01T05:00:00Z").await;
    let hourly = engine.create_rule(rule("Hourly", "@hourly")).await.unwrap();
    let options = SchedulerOptions::default().misfire(Misfire::Skip);
    let scheduler = engine.scheduler(options.grace(Duration::from_secs(120)));
    clock.set(at("2025-03-02T05:30:00Z"));
    assert!(scheduler.run_due().await.unwrap().is_none());
    let status = status_of(&scheduler, hourly).await;
    assert_eq!((status.missed, status.due_since), (24, None));
    // What comes in time is run.
    clock.set(at("2025-03-02T06:01:00Z"));
    assert_eq!(rules_of(scheduler.run_due().await.unwrap()), [hourly]);
    assert_eq!(status_of(&scheduler, hourly).await.missed, 24);
}

#[tokio::test]
async fn a_day_that_comes_again_runs_nothing_again() {
    let (engine, clock) = timed("2025-03-01T05:00:00Z").await;
    let hourly = engine.create_rule(rule("Hourly", "@hourly")).await.unwrap();
    let scheduler = engine.scheduler(SchedulerOptions::default());
    clock.set(at("2025-03-02T06:00:00Z"));
    assert_eq!(rules_of(scheduler.run_due().await.unwrap()), [hourly]);
    for again in ["2025-03-01T06:00:00Z", "2025-03-01T18:00:00Z", "2025-03-02T06:00:00Z"] {
        clock.set(at(again));
        assert!(scheduler.run_due().await.unwrap().is_none(), "{again}");
    }
    clock.set(at("2025-03-02T07:00:00Z"));
    assert_eq!(rules_of(scheduler.run_due().await.unwrap()), [hourly]);
    assert_eq!(status_of(&scheduler, hourly).await.missed, 24);
}

#[tokio::test]
async fn what_is_triggered_runs_once_under_the_id_that_was_told() {
    let (engine, clock) = timed("2025-03-01T05:00:00Z").await;
    let mut off = rule("Off", "@hourly");
    off["enabled"] = json!(false);
    let off = engine.create_rule(off).await.unwrap();
    let plain = json!({"rule_name": "Plain", "conditions": []});
    let plain = engine.create_rule(plain).await.unwrap();
    let scheduler = engine.scheduler(SchedulerOptions::default());
    assert_eq!(engine.trigger("Nobody").await.unwrap_err().code(), Code::NotFound);
    let first = engine.trigger(off).await.unwrap();
    assert_eq!(engine.trigger("Off").await.unwrap(), first);
    let second = engine.trigger(plain).await.unwrap();
    assert_eq!(engine.run(first).await.unwrap_err().code(), Code::NotFound);
    // Another run in between has an id of its own.
    let between = engine.refresh(Refresh::rules([plain])).await.unwrap().id;
    assert!(between > second && second > first);
    let queued = scheduler.status().await.unwrap().queued;
    let queued: Vec<(i64, i64)> = queued.iter().map(|q| (q.run_id, q.rule_id)).collect();
    assert_eq!(queued, [(first, off), (second, plain)]);
    clock.set(at("2025-03-01T05:00:01Z"));
    let run = scheduler.run_due().await.unwrap().unwrap();
    assert_eq!((run.id, rules_of(Some(run.clone()))), (first, vec![off, plain]));
    assert_eq!(engine.run(first).await.unwrap().segments.len(), 2);
    assert_eq!(engine.run(second).await.unwrap().id, first);
    assert!(scheduler.run_due().await.unwrap().is_none());
    assert!(scheduler.status().await.unwrap().queued.is_empty());
    // What was deleted waits for nobody.
    engine.trigger(plain).await.unwrap();
    engine.delete_rule(plain).await.unwrap();
    assert!(scheduler.run_due().await.unwrap().is_none());
}

#[tokio::test]
async fn a_run_that_fails_as_a_whole_is_tried_again() {
    let (engine, clock) = timed("2025-03-01T05:00:00Z").await;
    let hourly = engine.create_rule(rule("Hourly", "@hourly")).await.unwrap();
    let scheduler = engine.scheduler(SchedulerOptions::default());
    engine.remove_source("people").unwrap();
    clock.set(at("2025-03-01T06:00:00Z"));
    let queued = engine.trigger(hourly).await.unwrap();
    let error = scheduler.run_due().await.unwrap_err();
    assert_eq!(error.code(), Code::MissingTable);
    let status = scheduler.status().await.unwrap();
    assert!(status.error.unwrap().contains("missing_table"));
    let first = status.rules[0].clone();
    assert_eq!(first.failures, 1);
    assert!(first.reason.unwrap().contains("missing_table"));
    // It rests, then fails again with a longer pause.
    assert!(scheduler.run_due().await.unwrap().is_none());
    let retry = first.retry_at.unwrap();
    let pause = retry - at("2025-03-01T06:00:00Z");
    assert!(pause.num_seconds() >= 60 && pause.num_seconds() <= 75, "{pause}");
    clock.set(at("2025-03-01T06:01:15Z"));
    scheduler.run_due().await.unwrap_err();
    let second = status_of(&scheduler, hourly).await;
    let pause = second.retry_at.unwrap() - at("2025-03-01T06:01:15Z");
    assert!(pause.num_seconds() >= 120 && pause.num_seconds() <= 150, "{pause}");
    assert_eq!((second.failures, second.missed), (2, 0));
    engine.add_arrow("people", vec![people()]).unwrap();
    clock.set(at("2025-03-01T06:10:00Z"));
    let run = scheduler.run_due().await.unwrap().unwrap();
    assert_eq!(run.id, queued);
    let status = status_of(&scheduler, hourly).await;
    assert_eq!((status.failures, status.reason, status.retry_at), (0, None, None));
    assert_eq!(scheduler.status().await.unwrap().error, None);
}

#[tokio::test]
async fn a_started_scheduler_goes_by_its_clock() {
    let (engine, clock) = timed("2025-03-01T05:00:00Z").await;
    let hourly = engine.create_rule(rule("Hourly", "@hourly")).await.unwrap();
    let scheduler = engine.scheduler(SchedulerOptions::default());
    scheduler.start().unwrap();
    scheduler.start().unwrap();
    assert!(scheduler.is_started());
    let until = async |count: usize| {
        while engine.runs(1, 10).await.unwrap().total < count {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    for (hour, count) in [(6, 1), (7, 2)] {
        clock.set(at(&format!("2025-03-01T0{hour}:00:00Z")));
        until(count).await;
    }
    // What is asked for wakes it though no time passes.
    let run = engine.trigger(hourly).await.unwrap();
    until(3).await;
    assert_eq!(engine.run(run).await.unwrap().segments[0].rule_id, hourly);
    scheduler.stop(Stop::Wait).await;
    assert!(!scheduler.is_started());
    clock.set(at("2025-03-01T08:00:00Z"));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(engine.runs(1, 10).await.unwrap().total, 3);
    scheduler.start().unwrap();
    until(4).await;
    scheduler.stop(Stop::Cancel).await;
    assert_eq!(status_of(&scheduler, hourly).await.missed, 0);
}

#[tokio::test]
async fn rules_that_need_others_are_run_with_them() {
    let (engine, clock) = timed("2025-03-01T05:00:00Z").await;
    let parent = engine.create_rule(rule("Parent", "@hourly")).await.unwrap();
    let child = json!({
        "rule_name": "Child", "depends_on": [parent], "operation": "UNION", "schedule": "0 6 * * *"
    });
    let child = engine.create_rule(child).await.unwrap();
    let scheduler = engine.scheduler(SchedulerOptions::default());
    clock.set(at("2025-03-01T06:00:00Z"));
    let run = scheduler.run_due().await.unwrap();
    assert_eq!(rules_of(run), [parent, child]);
    clock.set(at("2025-03-01T07:00:00Z"));
    assert_eq!(rules_of(scheduler.run_due().await.unwrap()), [parent]);
}
