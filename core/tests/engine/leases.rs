//! Refreshes hold leases: others wait for them, and what was lost shows nothing.

use std::time::Duration;

use chrono::TimeDelta;
use segmentry::{LeaseRow, Leased, NewLease, Owner, RunEvent, SqliteCatalog};
use tokio_util::sync::CancellationToken;

use super::*;

struct World {
    folder: tempfile::TempDir,
    /// What another process would see.
    other: Arc<SqliteCatalog>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let other = Arc::new(SqliteCatalog::open(folder.path().join("audience.db")).unwrap());
        World { folder, other }
    }

    async fn engine(&self, wait: u64) -> SegmentEngine {
        let catalog = SqliteCatalog::open(self.folder.path().join("audience.db")).unwrap();
        let clock = Arc::new(ManualClock::new(at("2025-02-01T00:00:00Z")));
        let engine = SegmentEngine::builder()
            .catalog(catalog)
            .clock(clock)
            .busy_timeout(Duration::from_millis(wait))
            .model(AudienceModel::parse(MODEL).unwrap())
            .build()
            .await
            .unwrap();
        engine.add_arrow("people", vec![people()]).unwrap();
        engine.add_arrow("buys", vec![buys()]).unwrap();
        engine
    }

    fn leases(&self) -> Vec<LeaseRow> {
        self.other.leases().unwrap()
    }

    /// Until what was dropped is given back.
    async fn settled(&self) {
        while !self.leases().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// Takes a lease as another process would.
fn take(catalog: &dyn Catalog, owner: &str, rules: &[i64], when: &str) -> segmentry::Lease {
    let wanted = NewLease {
        owner: Owner::of(owner),
        rules: rules.to_vec(),
        at: at(when),
        duration: TimeDelta::seconds(30),
    };
    match catalog.lease(&wanted).unwrap() {
        Leased::Given(lease) => lease,
        Leased::Held(rows) => panic!("held: {rows:?}"),
    }
}

#[tokio::test]
async fn leases_of_others_are_waited_for() {
    let world = World::new();
    let engine = world.engine(50).await;
    let one = engine.create_rule(tier("One", 1)).await.unwrap();
    let two = engine.create_rule(tier("Two", 2)).await.unwrap();
    let lease = take(&*world.other, "elsewhere/1/1/1", &[one], "2025-02-01T00:00:00Z");
    let error = engine.refresh(Refresh::all()).await.unwrap_err();
    assert_eq!(error.code(), Code::Busy);
    assert!(error.to_string().contains("elsewhere/1/1/1"), "{error}");
    // Other rules are nobody's.
    engine.refresh(Refresh::rules([two])).await.unwrap();
    // A refresh that can wait gets its turn.
    let patient = world.engine(30_000).await;
    let waiting = tokio::spawn(async move { patient.refresh(Refresh::all()).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished());
    world.other.release(&lease).unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().segments.len(), 2);
    assert!(world.leases().is_empty());
}

#[tokio::test]
async fn waiting_for_a_lease_can_be_cancelled() {
    let world = World::new();
    let engine = world.engine(600_000).await;
    let one = engine.create_rule(tier("One", 1)).await.unwrap();
    take(&*world.other, "elsewhere/1/1/1", &[one], "2025-02-01T00:00:00Z");
    let token = CancellationToken::new();
    let request = Refresh::all().cancel_with(token.clone());
    let stops = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        token.cancel();
    };
    let (outcome, ()) = tokio::join!(engine.refresh(request), stops);
    assert_eq!(code(outcome), Code::Cancelled);
}

#[tokio::test]
async fn expired_leases_and_those_of_the_dead_are_taken_over() {
    let world = World::new();
    let engine = world.engine(0).await;
    let one = engine.create_rule(tier("One", 1)).await.unwrap();
    take(&*world.other, "elsewhere/1/1/1", &[one], "2025-01-31T23:59:00Z");
    engine.refresh(Refresh::all()).await.unwrap();
    // A process of this machine and this number that began at another time is no more.
    let own = Owner::new();
    let mut parts: Vec<&str> = own.as_str().split('/').collect();
    parts[2] = "1";
    take(&*world.other, &parts.join("/"), &[one], "2025-02-01T00:00:00Z");
    engine.refresh(Refresh::all()).await.unwrap();
    // One that runs is not.
    take(&*world.other, own.as_str(), &[one], "2025-02-01T00:00:00Z");
    assert_eq!(code(engine.refresh(Refresh::all()).await), Code::Busy);
}

#[tokio::test]
async fn a_run_that_was_taken_over_publishes_nothing() {
    let world = World::new();
    let engine = world.engine(0).await;
    let one = engine.create_rule(tier("One", 1)).await.unwrap();
    let two = engine.create_rule(tier("Two", 2)).await.unwrap();
    let thief = Arc::clone(&world.other);
    let stolen = Refresh::all().progress(move |event| {
        if matches!(event, RunEvent::Evaluated { done: 2, .. }) {
            take(&*thief, "elsewhere/1/1/1", &[two], "2025-02-01T00:00:30Z");
        }
    });
    let error = engine.refresh(stolen).await.unwrap_err();
    assert_eq!(error.code(), Code::LeaseLost, "{error}");
    assert_eq!(code(engine.segment(one).await), Code::NotFound);
    assert_eq!(engine.runs(1, 10).await.unwrap().total, 0);
    // What it still had it gave back; what was taken stays with who took it.
    while world.leases().len() > 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(world.leases()[0].rule_id, two);
}

#[tokio::test]
async fn runs_hold_leases_on_what_they_publish_and_give_them_back() {
    let world = World::new();
    let engine = world.engine(0).await;
    let mut hidden = tier("Hidden", 0);
    hidden["enabled"] = json!(false);
    let hidden = engine.create_rule(hidden).await.unwrap();
    let shown = engine.create_rule(tier("Shown", 1)).await.unwrap();
    let child = json!({"rule_name": "Child", "depends_on": [hidden, shown], "operation": "UNION"});
    let child = engine.create_rule(child).await.unwrap();
    engine.create_rule(tier("Apart", 2)).await.unwrap();
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (others, into) = (Arc::clone(&world.other), Arc::clone(&seen));
    let watched = || {
        let (others, into) = (Arc::clone(&others), Arc::clone(&into));
        Refresh::rules([child]).progress(move |event| {
            if matches!(event, RunEvent::Started { .. }) {
                let rules = others.leases().unwrap();
                into.lock().unwrap().push(rules.iter().map(|r| r.rule_id).collect::<Vec<_>>());
            }
        })
    };
    engine.refresh(watched()).await.unwrap();
    assert!(world.leases().is_empty());
    assert_eq!(*seen.lock().unwrap(), [[shown, child]]);
    // However a run ends.
    let token = CancellationToken::new();
    let stops = token.clone();
    let cancelled = Refresh::all().cancel_with(token).progress(move |_| stops.cancel());
    assert_eq!(code(engine.refresh(cancelled).await), Code::Cancelled);
    world.settled().await;
    engine.remove_source("people").unwrap();
    assert_eq!(code(engine.refresh(Refresh::all()).await), Code::MissingTable);
    world.settled().await;
}
