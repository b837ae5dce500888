//! Processes with a scheduler each on one catalog file, killed and started again at random. Their
//! clock is the machine's, made faster, so that minutes pass in fractions of a second.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use segmentry::{Clock, SchedulerOptions, SqliteCatalog, SystemClock};

use super::*;
use crate::differential::setting;
use crate::faults::process::start;

const PROCESSES: usize = 3;
const RULES: i64 = 6;

/// How many of its seconds pass in one.
const TIMES: i32 = 240;

/// From its beginning on it runs faster than the machine's.
#[derive(Debug)]
struct Fast {
    beginning: DateTime<Utc>,
}

impl Clock for Fast {
    fn now(&self) -> DateTime<Utc> {
        self.beginning + (SystemClock.now() - self.beginning) * TIMES
    }
}

fn beginning_of(folder: &Path) -> DateTime<Utc> {
    std::fs::read_to_string(folder.join("beginning")).unwrap().parse().unwrap()
}

async fn open(folder: &Path) -> SegmentEngine {
    let model = AudienceModel::parse(r#"{"users": {"table": "people", "key": "id"}}"#).unwrap();
    let catalog = SqliteCatalog::open(folder.join("audience.db")).unwrap();
    let clock = Arc::new(Fast { beginning: beginning_of(folder) });
    // Of the fast clock: ten seconds of the machine's.
    let lease = Duration::from_secs(10 * TIMES.unsigned_abs() as u64);
    let builder = SegmentEngine::builder().catalog(catalog).clock(clock).lease(lease);
    let engine = builder.model(model).threads(1).build().await.unwrap();
    engine.add_arrow("people", vec![people()]).unwrap();
    engine
}

/// What a child does until it is killed: runs what is due, and now and then asks for more.
pub fn child(folder: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let engine = open(folder).await;
        let scheduler = engine.scheduler(SchedulerOptions::default());
        scheduler.start().unwrap();
        loop {
            let asked = engine.trigger("Asked for").await.unwrap();
            let name = format!("{asked}-{}", std::process::id());
            std::fs::write(folder.join("asked").join(name), "").unwrap();
            tokio::time::sleep(Duration::from_millis(90)).await;
        }
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn schedulers_of_processes_that_are_killed_run_nothing_twice() {
    let (kills, seed) = (setting("SEGMENTRY_KILLS", 40) / 4, setting("SEGMENTRY_SEED", 3));
    println!("{kills} kills, seed {seed}");
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("asked")).unwrap();
    std::fs::write(folder.path().join("beginning"), SystemClock.now().to_rfc3339()).unwrap();
    let engine = open(folder.path()).await;
    for number in 1..=RULES {
        engine.create_rule(rule(&format!("Rule {number}"), "* * * * *")).await.unwrap();
    }
    let asked = json!({"rule_name": "Asked for", "conditions": []});
    let asked = engine.create_rule(asked).await.unwrap();
    // With the pipe that it tells on: it must not break.
    let begin = || start("schedule", folder.path());
    let mut children: Vec<_> = (0..PROCESSES).map(|_| begin()).collect();
    for _ in 0..kills {
        tokio::time::sleep(Duration::from_millis(random.random_range(100..1_200))).await;
        let number = random.random_range(0..PROCESSES);
        let (child, _) = &mut children[number];
        assert_eq!(child.try_wait().unwrap(), None, "a child ended by itself");
        child.kill().unwrap();
        child.wait().unwrap();
        children[number] = begin();
    }
    for (mut child, _) in children {
        child.kill().unwrap();
        child.wait().unwrap();
    }
    check(folder.path(), &engine, asked).await;
}

async fn check(folder: &Path, engine: &SegmentEngine, asked: i64) {
    // What the killed have left is done by whoever comes next, at once.
    let scheduler = engine.scheduler(SchedulerOptions::default());
    scheduler.run_due().await.unwrap();
    assert!(engine.check().await.unwrap().is_sound());
    let catalog = SqliteCatalog::open(folder.join("audience.db")).unwrap();
    assert_eq!(catalog.queued().unwrap(), []);
    let minute = |at: DateTime<Utc>| at.timestamp().div_euclid(60);
    let (mut runs, mut missed) = (0, 0);
    for row in catalog.schedules().unwrap().iter().filter(|row| row.rule_id <= RULES) {
        let created = catalog.rule_history(row.rule_id).unwrap()[0].at;
        let firings = minute(row.handled_until.unwrap()) - minute(created);
        let versions = i64::try_from(catalog.versions(row.rule_id).unwrap().len()).unwrap();
        assert_eq!(row.failures, 0, "{row:?}");
        assert_eq!(versions + row.missed, firings, "{row:?}");
        (runs, missed) = (runs + versions, missed + row.missed);
    }
    assert!(runs > RULES);
    // Everything that was asked for, and acknowledged, was run, and under its id.
    let names = std::fs::read_dir(folder.join("asked")).unwrap();
    let ids: BTreeSet<i64> = names
        .map(|name| name.unwrap().file_name().into_string().unwrap())
        .map(|name| name.split('-').next().unwrap().parse().unwrap())
        .collect();
    for id in &ids {
        engine.run(*id).await.unwrap();
    }
    let answered = catalog.versions(asked).unwrap().len();
    crate::reached(
        "schedulers",
        format!(
            "{PROCESSES} processes killed and started again: {runs} runs of {RULES} rules, 0 double, \
             {missed} missed and counted; {} asked for, all there, in {answered} runs",
            ids.len()
        ),
    );
}
