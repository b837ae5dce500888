//! Three schedulers on one catalog, each with a clock of its own: they crash between any two steps,
//! lose leases, come back, and their clocks jump by a day in either direction. No firing is run twice,
//! and each one that has no run is counted.
//!
//! `SEGMENTRY_SCENARIOS` says how many, `SEGMENTRY_SEED` where the seeds begin.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use segmentry::{Catalog, Clock, Misfire, Scheduler, SchedulerOptions};

use super::crashing::{Crashing, Fate, Lasting};
use super::*;
use crate::differential::setting;
use crate::schedule::firings_in;

/// Four good rules, and one that needs what is not there.
const SCHEDULES: [&str; 5] =
    ["*/30 * * * *", "@hourly", "15 3,15 * * *", "30 2 * * *", "20 */2 * * *"];
const ZONES: [&str; 5] =
    ["UTC", "America/New_York", "Europe/Berlin", "Europe/Berlin", "Australia/Lord_Howe"];
const BROKEN: i64 = 5;

struct Process {
    clock: Arc<ManualClock>,
    scheduler: Option<(Scheduler, Arc<Fate>)>,
}

struct Scenario {
    seed: u64,
    random: ChaCha8Rng,
    lasting: Arc<Lasting>,
    misfire: Misfire,
    start: DateTime<Utc>,
    processes: Vec<Process>,
    runs: usize,
}

impl Scenario {
    async fn new(seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        // About the end of March, when clocks change in Europe, and in April on Lord Howe.
        let start = at("2025-03-28T00:00:00Z") + TimeDelta::minutes(random.random_range(0..14_400));
        let lasting = Arc::new(Lasting::default());
        let misfire = if random.random_bool(0.5) { Misfire::Once } else { Misfire::Skip };
        let clock = Arc::new(ManualClock::new(start));
        let engine = engine_on(Crashing::new(&lasting).0, &clock).await;
        for (number, (schedule, zone)) in (1..).zip(SCHEDULES.iter().zip(ZONES)) {
            let mut rule = rule(&format!("Rule {number}"), schedule);
            rule["timezone"] = json!(zone);
            assert_eq!(engine.create_rule(rule).await.unwrap(), number);
        }
        // A rule that can't be bound any more: another program took its field away.
        let rules = lasting.catalog.rules().unwrap();
        let mut text = rules.rules[BROKEN as usize - 1].text.clone();
        text.conditions = text.conditions.map(|text| text.replace("tier", "level"));
        let change = [segmentry::RuleChange::Update { id: BROKEN, text }];
        assert!(lasting.catalog.change_rules(rules.revision, &change, start).unwrap());
        let process = || Process { clock: Arc::new(ManualClock::new(start)), scheduler: None };
        let processes = (0..3).map(|_| process()).collect();
        Scenario { seed, random, lasting, misfire, start, processes, runs: 0 }
    }

    /// Makes a process run if it does not.
    async fn live(&mut self, number: usize) {
        let process = &mut self.processes[number];
        if process.scheduler.is_none() {
            let (catalog, fate) = Crashing::new(&self.lasting);
            let engine = engine_on(catalog, &process.clock).await;
            let options = SchedulerOptions::default().misfire(self.misfire);
            process.scheduler = Some((engine.scheduler(options), fate));
        }
    }

    /// Time passes, for each by its own clock.
    fn pass(&mut self) {
        let by = match self.random.random_range(0..10) {
            0..6 => TimeDelta::seconds(self.random.random_range(10..1_800)),
            6..9 => TimeDelta::minutes(self.random.random_range(10..240)),
            _ => TimeDelta::hours(self.random.random_range(4..40)),
        };
        for process in &self.processes {
            process.clock.set(process.clock.now() + by);
        }
        if self.random.random_bool(0.15) {
            // The clock of one, or of all, is set.
            let day = TimeDelta::days(if self.random.random_bool(0.5) { 1 } else { -1 });
            let one = self.random.random_range(0..6);
            for (number, process) in self.processes.iter().enumerate() {
                if one > 2 || one == number {
                    process.clock.set(process.clock.now() + day);
                }
            }
        }
    }

    async fn step(&mut self) {
        self.pass();
        for number in 0..self.processes.len() {
            if self.random.random_bool(0.7) {
                self.live(number).await;
            }
            let Some((_, fate)) = &self.processes[number].scheduler else { continue };
            match self.random.random_range(0..10) {
                0..3 => fate.end_after(self.random.random_range(1..40)),
                3 => fate.steal(),
                _ => {}
            }
        }
        let turns = self.processes.iter().map(|process| async {
            match &process.scheduler {
                Some((scheduler, _)) => scheduler.run_due().await.is_ok_and(|run| run.is_some()),
                None => false,
            }
        });
        let ran = futures::future::join_all(turns).await;
        self.runs += ran.into_iter().filter(|ran| *ran).count();
        for process in &mut self.processes {
            if process.scheduler.as_ref().is_some_and(|(_, fate)| fate.has_ended()) {
                process.scheduler = None;
            }
        }
    }

    /// Lets everybody come to rest, beyond every clock.
    async fn settle(&mut self) {
        let last = self.processes.iter().map(|process| process.clock.now()).max().unwrap();
        let last = self.start.max(last) + TimeDelta::days(2);
        for process in &mut self.processes {
            process.scheduler = None;
            process.clock.set(last);
        }
        self.live(0).await;
        let (scheduler, _) = self.processes[0].scheduler.as_ref().unwrap();
        while scheduler.run_due().await.unwrap().is_some() {}
        let status = scheduler.status().await.unwrap();
        for rule in status.rules {
            let (id, seed) = (rule.rule_id, self.seed);
            assert!(id == BROKEN || rule.failures == 0, "rule {id}, seed {seed}");
            assert!(id == BROKEN || rule.due_since.is_none(), "rule {id}, seed {seed}");
            // What is always too late is never tried.
            let tried = self.misfire == Misfire::Once;
            assert!(id != BROKEN || !tried || rule.reason.is_some(), "seed {seed}");
        }
    }

    /// Every firing until the last one that is dealt with had one run, or is counted.
    fn check(&self) {
        let seed = self.seed;
        let settled = self.lasting.settled.lock().unwrap().clone();
        let mut runs: BTreeMap<i64, Vec<DateTime<Utc>>> = BTreeMap::new();
        let mut published: BTreeMap<i64, usize> = BTreeMap::new();
        let mut handled: BTreeMap<i64, DateTime<Utc>> = BTreeMap::new();
        for settlement in &settled {
            for rule in &settlement.published {
                *published.entry(*rule).or_default() += 1;
            }
            for row in &settlement.schedules {
                let now = row.handled_until.unwrap();
                let before = handled.insert(row.rule_id, now);
                assert!(before.is_none_or(|before| before <= now), "{row:?}, seed {seed}");
                if before == Some(now) {
                    // The same firing again: only after it failed.
                    assert_eq!(row.rule_id, BROKEN, "run twice: {row:?}, seed {seed}");
                } else if settlement.run.is_some() {
                    runs.entry(row.rule_id).or_default().push(now);
                }
            }
        }
        for row in self.lasting.catalog.schedules().unwrap() {
            let place = row.rule_id as usize - 1;
            let (text, zone) = (SCHEDULES[place], ZONES[place].parse().unwrap());
            let until = row.handled_until.unwrap();
            let firings = firings_in(text, zone, self.start, until);
            let had: &[DateTime<Utc>] = runs.get(&row.rule_id).map_or(&[], Vec::as_slice);
            for firing in had {
                assert!(firings.contains(firing), "{firing} is no firing, seed {seed}");
            }
            let counted = had.len() + row.missed as usize;
            assert_eq!(counted, firings.len(), "{text} in {zone}, {had:?}, {row:?}, seed {seed}");
            let versions = self.lasting.catalog.versions(row.rule_id).unwrap().len();
            let times = published.get(&row.rule_id).copied().unwrap_or(0);
            assert_eq!(versions, times, "seed {seed}");
            if row.rule_id != BROKEN {
                assert_eq!(versions, had.len(), "published beside a firing, seed {seed}");
            }
        }
    }
}

#[tokio::test]
async fn schedulers_that_crash_run_nothing_twice_and_miss_nothing_uncounted() {
    let (wanted, first) = (setting("SEGMENTRY_SCENARIOS", 25), setting("SEGMENTRY_SEED", 0));
    let (mut runs, mut settled, mut missed) = (0, 0, 0);
    for seed in first..first + wanted {
        let mut scenario = Scenario::new(seed).await;
        for _ in 0..30 {
            scenario.step().await;
        }
        scenario.settle().await;
        scenario.check();
        runs += scenario.runs;
        settled += scenario.lasting.settled.lock().unwrap().len();
        missed +=
            scenario.lasting.catalog.schedules().unwrap().iter().map(|r| r.missed).sum::<i64>();
    }
    let figure = format!(
        "{wanted} scenarios: {runs} runs, 0 double, {settled} firings settled, {missed} missed and counted"
    );
    crate::reached("schedulers", figure);
    assert!(runs > wanted as usize);
}
