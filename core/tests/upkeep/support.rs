//! A catalog in a file with segments that have changed a few times, some of them kept as
//! differences.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::Connection;
use segmentry::{
    AudienceModel, Catalog, Clock, Key, KeyColumn, ManualClock, Refresh, Run, SegmentEngine,
    SqliteCatalog,
};
use tempfile::TempDir;

pub const DAY: i64 = 86_400_000_000;

/// Users 0 to 1,999 are there; user `u` buys on day `u % 50` for `u`.
pub const USERS: i64 = 2_000;

const MODEL: &str = r#"{
    "users": {"table": "people", "key": "id"},
    "events": {"buys": {"user": "user_id", "time": "at"}}
}"#;

pub struct World {
    pub folder: TempDir,
    pub engine: SegmentEngine,
    pub clock: Arc<ManualClock>,
}

pub fn at(day: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_micros(day * DAY).unwrap()
}

fn people(keys: &[i64], text: bool) -> RecordBatch {
    let ids: ArrayRef = match text {
        false => Arc::new(Int64Array::from(keys.to_vec())),
        true => Arc::new(keys.iter().map(|key| Some(text_key(*key))).collect::<StringArray>()),
    };
    let tiers: Int64Array = keys.iter().map(|key| Some(key % 3)).collect();
    RecordBatch::try_from_iter([("id", ids), ("tier", Arc::new(tiers) as _)]).unwrap()
}

fn buys(keys: &[i64], text: bool) -> RecordBatch {
    let ids: ArrayRef = match text {
        false => Arc::new(Int64Array::from(keys.to_vec())),
        true => Arc::new(keys.iter().map(|key| Some(text_key(*key))).collect::<StringArray>()),
    };
    let times: TimestampMicrosecondArray = keys.iter().map(|key| Some((key % 50) * DAY)).collect();
    let amounts = Int64Array::from(keys.to_vec());
    RecordBatch::try_from_iter([
        ("user_id", ids),
        ("at", Arc::new(times) as _),
        ("amount", Arc::new(amounts) as _),
    ])
    .unwrap()
}

/// A key that is found in no other bytes.
pub fn text_key(key: i64) -> String {
    format!("customer-{key:05}@example.org")
}

impl World {
    /// On a file, with a profile store, and refreshed for the days 10 to 14.
    pub async fn new() -> World {
        World::with_keys(false).await
    }

    /// The same with texts as keys.
    pub async fn with_text_keys() -> World {
        World::with_keys(true).await
    }

    async fn with_keys(text: bool) -> World {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(at(100)));
        let catalog = SqliteCatalog::open(folder.path().join("audience.db")).unwrap();
        let engine = engine(catalog, &folder.path().join("store"), Arc::clone(&clock)).await;
        let world = World { folder, engine, clock };
        world.register(&(0..USERS).collect::<Vec<i64>>(), text);
        for rule in [recent(20), top(100), tiered()] {
            world.engine.create_rule(rule.as_str()).await.unwrap();
        }
        for day in 10..15 {
            world.refresh(day).await;
        }
        world
    }

    /// These users and what they bought are all that the sources have.
    pub fn register(&self, keys: &[i64], text: bool) {
        self.engine.add_arrow("people", vec![people(keys, text)]).unwrap();
        self.engine.add_arrow("buys", vec![buys(keys, text)]).unwrap();
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("audience.db")
    }

    pub fn store(&self) -> PathBuf {
        self.folder.path().join("store")
    }

    /// Refreshes all rules as of a day, a day after the last time.
    pub async fn refresh(&self, day: i64) -> Run {
        self.clock.set(self.clock.now() + TimeDelta::days(1));
        let run = self.engine.refresh(Refresh::all().as_of(at(day))).await.unwrap();
        assert!(run.failed.is_empty() && run.skipped.is_empty(), "{run:?}");
        run
    }

    /// Changes a row behind the engine's back.
    pub fn damage(&self, sql: &str) {
        damage(&self.path(), sql);
    }

    pub async fn keys(&self, rule: i64) -> Vec<Key> {
        self.engine.segment(rule).await.unwrap().keys().unwrap().iter().collect()
    }
}

/// Changes rows of a catalog, whatever leans on them.
pub fn damage(path: &Path, sql: &str) {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "foreign_keys", false).unwrap();
    assert!(connection.execute(sql, []).unwrap() > 0, "{sql}");
}

pub async fn engine(
    catalog: impl Catalog + 'static,
    store: &Path,
    clock: Arc<ManualClock>,
) -> SegmentEngine {
    let model = AudienceModel::parse(MODEL).unwrap();
    let builder = SegmentEngine::builder().catalog(catalog).model(model).threads(2);
    builder.store(store).clock(clock).build().await.unwrap()
}

/// Rule 1: who has bought within the last days. A day lets 40 users in, and later as many out.
fn recent(days: i64) -> String {
    serde_json::json!({"rule_name": "Recent", "conditions": [{
        "events": "buys", "window": {"last": format!("{days} days")}, "operator": ">", "value": 0
    }]})
    .to_string()
}

/// Rule 2: who has spent most. A rank, which ends with somebody.
fn top(count: i64) -> String {
    serde_json::json!({"rule_name": "Top", "conditions": [{
        "events": "buys", "aggregate": "sum", "field": "amount", "operator": "top",
        "value": {"count": count}
    }]})
    .to_string()
}

/// Rule 3: never changes.
fn tiered() -> String {
    serde_json::json!({"rule_name": "Tier 0", "conditions": [
        {"field": "tier", "operator": "=", "value": 0}
    ]})
    .to_string()
}

pub fn ints(keys: &KeyColumn) -> Vec<i64> {
    keys.iter()
        .map(|key| match key {
            Key::Int(key) => key,
            Key::Text(key) => panic!("{key:?}"),
        })
        .collect()
}
