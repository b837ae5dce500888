//! Sequences of runs over tables that change between them: new events, late ones, rewritten files,
//! users who come, go and change, an `as_of` that moves forth and back. An engine with a store gives
//! the members that a fresh engine without one gives.
//!
//! `SEGMENTRY_SEQUENCES` says how many, `SEGMENTRY_SEED` where the seeds begin.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::compute::concat_batches;
use datafusion::parquet::arrow::ArrowWriter;
use segmentry::{AudienceModel, Evaluation, MemoryCatalog, Refresh, SegmentEngine};

use crate::differential::{arrow::batches, instant, keys_of, setting};
use crate::generate::{self, Case, Options, Random};
use crate::oracle::table::Table;

const DAY: i64 = 86_400_000_000;

/// A table of the case as it is at one step.
struct Events {
    all: RecordBatch,
    /// Rows of `all` in each file.
    files: Vec<Vec<usize>>,
    /// Rows that are in none yet.
    left: Vec<usize>,
    folder: PathBuf,
}

fn whole(table: &Table) -> RecordBatch {
    let parts = batches(table, 1 + table.rows());
    concat_batches(&parts[0].schema(), &parts).unwrap()
}

fn rows(batch: &RecordBatch, rows: &[usize]) -> RecordBatch {
    let rows: Vec<u32> = rows.iter().map(|row| u32::try_from(*row).unwrap()).collect();
    let rows = datafusion::arrow::array::UInt32Array::from(rows);
    datafusion::arrow::compute::take_record_batch(batch, &rows).unwrap()
}

impl Events {
    fn new(table: &Table, folder: &Path, random: &mut Random) -> Events {
        let all = whole(table);
        let mut order: Vec<usize> = (0..all.num_rows()).collect();
        shuffle(&mut order, random);
        let kept = all.num_rows() * 2 / 3;
        let left = order.split_off(kept);
        let folder = folder.join(&table.name);
        std::fs::create_dir_all(&folder).unwrap();
        let events = Events { all, files: vec![order], left, folder };
        events.write(0, 0);
        events
    }

    /// Writes a file that looks as if it had been there for a while: the state of a younger one is
    /// not trusted.
    #[allow(clippy::disallowed_methods)]
    fn write(&self, file: usize, step: u64) {
        let path = self.folder.join(format!("{file}.parquet"));
        let batch = rows(&self.all, &self.files[file]);
        let mut writer =
            ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let then = SystemTime::now() - Duration::from_secs(3_600 - step);
        File::options().write(true).open(&path).unwrap().set_modified(then).unwrap();
    }

    fn change(&mut self, step: u64, random: &mut Random) {
        match random.range(0, 9) {
            0..=5 if !self.left.is_empty() => {
                let count = usize::try_from(random.range(1, 4)).unwrap().min(self.left.len());
                let added = self.left.split_off(self.left.len() - count);
                self.files.push(added);
                self.write(self.files.len() - 1, step);
            }
            6 => {
                // A file is rewritten without one of its events.
                let file = usize::try_from(random.range(0, self.files.len() as i64 - 1)).unwrap();
                self.files[file].pop();
                self.write(file, step);
            }
            _ => {}
        }
    }

    fn now(&self) -> RecordBatch {
        let parts: Vec<RecordBatch> = self.files.iter().map(|file| rows(&self.all, file)).collect();
        concat_batches(&self.all.schema(), &parts).unwrap()
    }
}

fn shuffle(order: &mut [usize], random: &mut Random) {
    for at in (1..order.len()).rev() {
        order.swap(at, usize::try_from(random.range(0, at as i64)).unwrap());
    }
}

/// Users come, go, and take over another's values.
fn change_users(
    all: &RecordBatch,
    now: &mut Vec<(usize, usize)>,
    key: usize,
    random: &mut Random,
) -> RecordBatch {
    let pick = |now: &Vec<(usize, usize)>, random: &mut Random| {
        usize::try_from(random.range(0, now.len() as i64 - 1)).unwrap()
    };
    if random.percent(30) && now.len() > 2 {
        let gone = pick(now, random);
        now.remove(gone);
    }
    if random.percent(40) {
        let missing: Vec<usize> =
            (0..all.num_rows()).filter(|row| !now.iter().any(|(own, _)| own == row)).collect();
        if let Some(new) = missing.first() {
            now.push((*new, *new));
        }
    }
    if random.percent(40) && now.len() > 1 {
        let (one, other) = (pick(now, random), pick(now, random));
        now[one].1 = now[other].1;
    }
    users_of(all, now, key)
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

async fn engine(case: &Case, store: Option<&Path>) -> SegmentEngine {
    let builder = SegmentEngine::builder().catalog(MemoryCatalog::new()).threads(2);
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

/// What a sequence tells: differences, rules, and those for which few users were looked at.
#[derive(Default)]
struct Outcome {
    found: Vec<String>,
    rules: u64,
    partly: u64,
}

async fn sequence(seed: u64) -> Outcome {
    let case = generate::case(seed, &Options::whole());
    let mut random = Random::of(seed ^ 0x5e9);
    let folder = tempfile::tempdir().unwrap();
    let is_users = |table: &&Table| ["users", "customers"].contains(&table.name.as_str());
    let users_table = case.world.tables.iter().find(is_users).unwrap();
    let users = whole(users_table);
    let key = usize::from(users.num_columns() == 0);
    let mut events: Vec<(String, Events)> = case
        .world
        .tables
        .iter()
        .filter(|table| !is_users(table))
        .map(|table| (table.name.clone(), Events::new(table, folder.path(), &mut random)))
        .collect();
    let mut now: Vec<(usize, usize)> = (0..users.num_rows() * 4 / 5 + 1)
        .filter(|row| *row < users.num_rows())
        .map(|row| (row, row))
        .collect();
    let stored = engine(&case, Some(&folder.path().join("store"))).await;
    stored.add_arrow(&users_table.name, vec![users_of(&users, &now, key)]).unwrap();
    for (name, events) in &events {
        stored.add_parquet(name, &events.folder).await.unwrap();
    }
    create_rules(&stored, &case).await;

    let mut outcome = Outcome::default();
    let mut as_of = case.as_of_micros;
    for step in 0..6 {
        if step > 0 {
            let users = change_users(&users, &mut now, key, &mut random);
            stored.add_arrow(&users_table.name, vec![users]).unwrap();
            events.iter_mut().for_each(|(_, events)| events.change(step, &mut random));
            as_of += [0, 0, DAY, DAY / 24, -2 * DAY, 31 * DAY]
                [usize::try_from(random.range(0, 5)).unwrap()];
        }
        let ids: Vec<i64> = match random.percent(80) {
            true => case.rules.iter().map(|(id, _)| *id).collect(),
            false => case.rules.iter().map(|(id, _)| *id).filter(|_| random.percent(60)).collect(),
        };
        let refresh = Refresh::rules(ids.iter().copied()).as_of(instant(as_of));
        let run = stored.refresh(refresh.reuse(random.percent(50))).await.unwrap();
        outcome.rules += run.segments.len() as u64;
        outcome.partly += run.rules_incremental;

        let fresh = engine(&case, None).await;
        fresh.add_arrow(&users_table.name, vec![users_of(&users, &now, key)]).unwrap();
        for (name, events) in &events {
            fresh.add_arrow(name, vec![events.now()]).unwrap();
        }
        create_rules(&fresh, &case).await;
        let refresh = Refresh::rules(ids.iter().copied()).as_of(instant(as_of)).reuse(false);
        let plain = fresh.refresh(refresh.evaluation(Evaluation::Separate)).await.unwrap();
        assert_eq!(plain.failed.len(), run.failed.len(), "seed {seed}: {:?}", run.failed);
        for segment in &plain.segments {
            let id = segment.rule_id;
            let (is, should) = (keys_of(&stored, id).await, keys_of(&fresh, id).await);
            if is != should {
                let document = &case.rules.iter().find(|(known, _)| *known == id).unwrap().1;
                let extra: Vec<_> = is.difference(&should).take(5).collect();
                let lacking: Vec<_> = should.difference(&is).take(5).collect();
                outcome.found.push(format!(
                    "seed {seed}, step {step}, as of {}, rule {id}: too many {extra:?}, \
                     too few {lacking:?}\n{document}",
                    instant(as_of)
                ));
            }
        }
    }
    outcome
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_incremental_runs_are_full_runs() {
    let wanted = setting("SEGMENTRY_SEQUENCES", 12);
    let first = setting("SEGMENTRY_SEED", 0);
    let mut all = Outcome::default();
    for seed in first..first + wanted {
        let outcome = sequence(seed).await;
        all.found.extend(outcome.found);
        all.rules += outcome.rules;
        all.partly += outcome.partly;
        assert!(all.found.len() < 5, "{}", all.found.join("\n\n"));
    }
    println!(
        "seeds {first} to {}: {} rules, {} of few users",
        first + wanted - 1,
        all.rules,
        all.partly
    );
    assert!(all.found.is_empty(), "{}", all.found.join("\n\n"));
    assert!(all.partly * 10 > all.rules, "hardly any rule looked at few users: {}", all.partly);
}
