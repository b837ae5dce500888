//! Sequences of runs over tables that change between them: new events, late ones, one by one or many
//! at once, rewritten files, broken promises, users who come, go and change, an `as_of` that moves
//! forth and back, a store that is merged, compacted or opened by another process. An engine with a
//! store gives the members that a fresh engine without one gives.
//!
//! `SEGMENTRY_SEQUENCES` says how many, `SEGMENTRY_SEED` where the seeds begin.

use std::path::Path;

use datafusion::arrow::array::RecordBatch;
use segmentry::{
    AudienceModel, Catalog, Evaluation, MemoryCatalog, Refresh, SegmentEngine, SqliteCatalog,
};

use super::tables::{Events, rows, whole};
use crate::differential::{instant, keys_of, setting};
use crate::generate::{self, Case, Options, Random};
use crate::oracle::table::Table;

const DAY: i64 = 86_400_000_000;

/// Users come, go, and take over another's values.
fn change_users(all: usize, now: &mut Vec<(usize, usize)>, random: &mut Random) {
    let pick = |now: &Vec<(usize, usize)>, random: &mut Random| {
        usize::try_from(random.range(0, now.len() as i64 - 1)).unwrap()
    };
    if random.percent(30) && now.len() > 2 {
        let gone = pick(now, random);
        now.remove(gone);
    }
    if random.percent(40) {
        let missing: Vec<usize> =
            (0..all).filter(|row| !now.iter().any(|(own, _)| own == row)).collect();
        if let Some(new) = missing.first() {
            now.push((*new, *new));
        }
    }
    if random.percent(40) && now.len() > 1 {
        let (one, other) = (pick(now, random), pick(now, random));
        now[one].1 = now[other].1;
    }
}

/// Each user's key from one row, all else from another.
fn users_of(all: &RecordBatch, now: &[(usize, usize)], key: usize) -> RecordBatch {
    let keys: Vec<usize> = now.iter().map(|(own, _)| *own).collect();
    let values: Vec<usize> = now.iter().map(|(_, values)| *values).collect();
    let (keys, values) = (rows(all, &keys), rows(all, &values));
    let mut columns = values.columns().to_vec();
    columns[key] = keys.column(key).clone();
    RecordBatch::try_new(all.schema(), columns).unwrap()
}

async fn engine(
    case: &Case,
    catalog: impl Catalog + 'static,
    store: Option<&Path>,
) -> SegmentEngine {
    let builder = SegmentEngine::builder().catalog(catalog).threads(2);
    let builder = match case.world.model_json.is_empty() {
        true => builder,
        false => builder.model(AudienceModel::parse(case.world.model_json.as_str()).unwrap()),
    };
    let builder = match store {
        Some(folder) => builder.store(folder),
        None => builder,
    };
    builder.build().await.unwrap()
}

/// An engine on what other processes have left in a folder.
async fn opened(case: &Case, folder: &Path) -> SegmentEngine {
    let catalog = SqliteCatalog::open(folder.join("audience.db")).unwrap();
    engine(case, catalog, Some(&folder.join("store"))).await
}

async fn create_rules(engine: &SegmentEngine, case: &Case) {
    for (id, document) in &case.rules {
        loop {
            let created = engine.create_rule(document.as_str()).await.unwrap();
            if created == *id {
                break;
            }
            engine.delete_rule(created).await.unwrap();
        }
    }
}

/// What a sequence tells: differences, rules, those for which few users were looked at, and how
/// often parts were merged.
#[derive(Default)]
struct Outcome {
    found: Vec<String>,
    rules: u64,
    partly: u64,
    merged: u64,
}

/// A sequence under way.
struct Sequence {
    seed: u64,
    case: Case,
    random: Random,
    folder: tempfile::TempDir,
    users: RecordBatch,
    /// Rows of those who are users: the key's, and that of all else.
    now: Vec<(usize, usize)>,
    events: Vec<Events>,
    stored: SegmentEngine,
    as_of: i64,
    outcome: Outcome,
}

fn is_users(table: &&Table) -> bool {
    ["users", "customers"].contains(&table.name.as_str())
}

impl Sequence {
    async fn new(seed: u64) -> Sequence {
        let case = generate::case(seed, &Options::whole());
        let mut random = Random::of(seed ^ 0x5e9);
        let folder = tempfile::tempdir().unwrap();
        let tables = &case.world.tables;
        let users = whole(tables.iter().find(is_users).unwrap());
        let others = tables.iter().filter(|table| !is_users(table));
        let events = others.map(|table| Events::new(table, folder.path(), &mut random)).collect();
        let now = (0..users.num_rows() * 4 / 5 + 1).filter(|row| *row < users.num_rows());
        let now = now.map(|row| (row, row)).collect();
        let stored = opened(&case, folder.path()).await;
        let (as_of, outcome) = (case.as_of_micros, Outcome::default());
        let sequence =
            Sequence { seed, case, random, folder, users, now, events, stored, as_of, outcome };
        sequence.register(true).await;
        create_rules(&sequence.stored, &sequence.case).await;
        sequence
    }

    fn users_now(&self) -> RecordBatch {
        users_of(&self.users, &self.now, usize::from(self.users.num_columns() == 0))
    }

    fn users_table(&self) -> String {
        self.case.world.tables.iter().find(is_users).unwrap().name.clone()
    }

    async fn register(&self, first: bool) {
        self.stored.add_arrow(&self.users_table(), vec![self.users_now()]).unwrap();
        for events in &self.events {
            events.register(&self.stored, first).await;
        }
    }

    async fn change(&mut self, step: u64) {
        let random = &mut self.random;
        change_users(self.users.num_rows(), &mut self.now, random);
        self.events.iter_mut().for_each(|events| events.change(step, random));
        self.as_of +=
            [0, 0, DAY, DAY / 24, -2 * DAY, 31 * DAY][usize::try_from(random.range(0, 5)).unwrap()];
        let another = self.random.percent(20);
        if another {
            self.stored = opened(&self.case, self.folder.path()).await;
        }
        self.register(another).await;
        if self.random.percent(15) {
            self.stored.compact().await.unwrap();
        }
        if self.random.percent(15) {
            self.burst(step).await;
        }
    }

    /// Many small additions, each with a run of one rule, so that parts have to be merged.
    async fn burst(&mut self, step: u64) {
        let rule = self.random.pick(&self.case.rules).0;
        for _ in 0..12 {
            self.events.iter_mut().for_each(|events| events.grow(step, &mut self.random));
            self.register(false).await;
            let before = self.parts().await;
            let refresh = Refresh::rules([rule]).as_of(instant(self.as_of));
            self.stored.refresh(refresh).await.unwrap();
            self.outcome.merged += u64::from(self.parts().await < before);
        }
    }

    async fn parts(&self) -> u64 {
        let status = self.stored.store_status().await.unwrap().unwrap();
        assert!(status.damaged.is_empty(), "seed {}: {:?}", self.seed, status.damaged);
        status.tables.iter().map(|table| table.parts).sum()
    }

    /// The rules of a run, with and without the store.
    async fn run(&mut self, step: u64) {
        let rules = self.case.rules.iter().map(|(id, _)| *id);
        let ids: Vec<i64> = match self.random.percent(80) {
            true => rules.collect(),
            false => rules.filter(|_| self.random.percent(60)).collect(),
        };
        let refresh = Refresh::rules(ids.iter().copied()).as_of(instant(self.as_of));
        let run = self.stored.refresh(refresh.reuse(self.random.percent(50))).await.unwrap();
        self.outcome.rules += run.segments.len() as u64;
        self.outcome.partly += run.rules_incremental;

        let fresh = engine(&self.case, MemoryCatalog::new(), None).await;
        fresh.add_arrow(&self.users_table(), vec![self.users_now()]).unwrap();
        for events in &self.events {
            fresh.add_arrow(&events.name, vec![events.now()]).unwrap();
        }
        create_rules(&fresh, &self.case).await;
        let refresh = Refresh::rules(ids.iter().copied()).as_of(instant(self.as_of)).reuse(false);
        let plain = fresh.refresh(refresh.evaluation(Evaluation::Separate)).await.unwrap();
        let seed = self.seed;
        assert_eq!(plain.failed.len(), run.failed.len(), "seed {seed}: {:?}", run.failed);
        for segment in &plain.segments {
            let id = segment.rule_id;
            let (is, should) = (keys_of(&self.stored, id).await, keys_of(&fresh, id).await);
            if is != should {
                let document = &self.case.rules.iter().find(|(known, _)| *known == id).unwrap().1;
                let extra: Vec<_> = is.difference(&should).take(5).collect();
                let lacking: Vec<_> = should.difference(&is).take(5).collect();
                self.outcome.found.push(format!(
                    "seed {seed}, step {step}, as of {}, rule {id}: too many {extra:?}, \
                     too few {lacking:?}\n{document}",
                    instant(self.as_of)
                ));
            }
        }
    }
}

async fn sequence(seed: u64) -> Outcome {
    let mut sequence = Sequence::new(seed).await;
    for step in 0..6 {
        if step > 0 {
            sequence.change(step).await;
        }
        sequence.run(step).await;
    }
    sequence.outcome
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_incremental_runs_are_full_runs() {
    let wanted = setting("SEGMENTRY_SEQUENCES", 8);
    let first = setting("SEGMENTRY_SEED", 0);
    let mut all = Outcome::default();
    for seed in first..first + wanted {
        let outcome = sequence(seed).await;
        all.found.extend(outcome.found);
        all.rules += outcome.rules;
        all.partly += outcome.partly;
        all.merged += outcome.merged;
        assert!(all.found.len() < 5, "{}", all.found.join("\n\n"));
    }
    println!(
        "seeds {first} to {}: {} rules, {} of few users, parts merged {} times",
        first + wanted - 1,
        all.rules,
        all.partly,
        all.merged
    );
    assert!(all.found.is_empty(), "{}", all.found.join("\n\n"));
    assert!(all.partly * 10 > all.rules, "hardly any rule looked at few users: {}", all.partly);
    assert!(all.merged > 0, "nothing was ever merged");
}
