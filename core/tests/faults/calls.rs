//! Processes killed at each system call that changes something, and such calls refused.

use std::path::Path;

use segmentry::{Catalog, CatalogUpkeep, SqliteCatalog};

use super::child::{KEYS, NOT_AGAIN, REFUSED, prepare, publish};
use super::process::{Traced, traced};
use super::world::{self, catalog_of};
use crate::reached;

/// What SQLite changes files with.
const SQLITE: &str = "pwrite64,fsync,fdatasync,ftruncate,unlink,unlinkat,rename,renameat2,fchmod";

/// The profile store writes by `write` as well, and so does a test that tells its name.
const STORE: &str =
    "write,pwrite64,fsync,fdatasync,ftruncate,unlink,unlinkat,rename,renameat2,mkdir,flock";

/// Copies a prepared folder, whose catalog nobody has open.
fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
            let changed = entry.metadata().unwrap().modified().unwrap();
            let file = std::fs::File::options().write(true).open(&target).unwrap();
            file.set_modified(changed).unwrap();
        }
    }
}

/// A task, the calls that are interfered with, and what has to hold of the folder afterwards.
struct Trial<'a> {
    task: &'a str,
    calls: &'a str,
    template: &'a Path,
    after: &'a dyn Fn(&Path, &Traced),
}

impl Trial<'_> {
    /// Runs the task once.
    fn once(&self, inject: Option<&str>) -> Traced {
        let folder = tempfile::tempdir().unwrap();
        copy(self.template, folder.path());
        let traced = traced(self.task, folder.path(), self.calls, inject);
        (self.after)(folder.path(), &traced);
        traced
    }

    /// The calls that the task makes, each by its name and its number among those of that name.
    /// Every so manyth is enough, unless all are asked for.
    fn numbered(&self, step: usize) -> Vec<(String, usize)> {
        // A test that tells its name calls as well.
        let own = traced("nothing", self.template, self.calls, None).counts();
        let whole = self.once(None);
        assert!(whole.status.success(), "{}", whole.output);
        let all = std::env::var("SEGMENTRY_CALLS").as_deref() == Ok("all");
        let numbered = whole.counts().into_iter().flat_map(|(call, count)| {
            let first = own.get(&call).copied().unwrap_or(0) + 1;
            (first..=count).map(move |number| (call.clone(), number))
        });
        numbered.step_by(if all { 1 } else { step }).collect()
    }

    /// Kills at each call, and says how often.
    fn kill_at_each(&self, step: usize) -> usize {
        let mut killed = 0;
        for (call, number) in self.numbered(step) {
            let traced = self.once(Some(&format!("{call}:signal=KILL:when={number}")));
            // Threads share the work as it comes: a call may fall to another one.
            assert!(traced.is_killed() || traced.status.success(), "{}", traced.output);
            killed += usize::from(traced.is_killed());
        }
        killed
    }

    /// Refuses each call once, and each call and all of its name after it. Says how often the task
    /// was not done for it.
    fn refuse_each(&self, step: usize) -> usize {
        let mut refused = 0;
        for (call, number) in self.numbered(step) {
            for (error, when) in [("EIO", ""), ("ENOSPC", ""), ("ENOSPC", "+")] {
                let inject = format!("{call}:error={error}:when={number}{when}");
                let traced = self.once(Some(&inject));
                let status = traced.status.code();
                // Where all is refused from there on, the second attempt is too; and so it may be
                // where another thread makes it, because calls are counted for each.
                let often = traced.calls.matches("INJECTED").count() > 1;
                let fine = status == Some(0)
                    || status == Some(REFUSED)
                    || (often && status == Some(NOT_AGAIN));
                let (task, calls, output) = (self.task, &traced.calls, &traced.output);
                assert!(fine, "{task}, {inject}: {status:?} {output}{calls}");
                assert!(status == Some(0) || traced.is_injected(), "{task}, {inject}: {output}");
                refused += usize::from(status != Some(0));
            }
        }
        refused
    }
}

/// What was published before is there, and what was to be is there whole or not at all.
fn published(folder: &Path, traced: &Traced) {
    let catalog = SqliteCatalog::open(catalog_of(folder)).unwrap();
    let check = catalog.check().unwrap();
    assert!(check.is_sound(), "{check:?}");
    let versions: Vec<usize> = (1..=3).map(|rule| catalog.versions(rule).unwrap().len()).collect();
    let runs = catalog.runs(&segmentry::Page { limit: 9, ..Default::default() }).unwrap().1;
    assert!(
        versions == [1, 1, 1] && runs == 1 || versions == [2, 2, 2] && runs == 2,
        "{versions:?}"
    );
    if traced.status.success() {
        assert_eq!(runs, 2, "it was acknowledged");
    }
    let keys = catalog.keys(0).unwrap().unwrap().len() as i64;
    assert!(keys == KEYS || keys == KEYS + 100);
    for rule in 1..=3 {
        for version in catalog.versions(rule).unwrap() {
            catalog.members(version.members_id).unwrap();
        }
    }
}

fn template(make: impl FnOnce(&Path)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    folder
}

#[test]
fn publishing_is_killed_at_each_call() {
    let template = template(prepare);
    let trial =
        Trial { task: "publish", calls: SQLITE, template: template.path(), after: &published };
    let calls = trial.kill_at_each(1);
    reached("calls", format!("publish {calls}"));
    assert!(calls > 5, "{calls}");
}

#[test]
fn publishing_is_refused_at_each_call() {
    let template = template(prepare);
    let trial =
        Trial { task: "publish", calls: SQLITE, template: template.path(), after: &published };
    let refused = trial.refuse_each(4);
    reached("refused", format!("publish {refused}"));
    assert!(refused > 3, "{refused}");
    let reads = Trial { calls: "pread64", ..trial };
    let refused = reads.refuse_each(5);
    reached("refused", format!("reading {refused}"));
}

/// A database of the original platform, which every migration is made on.
fn original(folder: &Path) {
    let connection = rusqlite::Connection::open(catalog_of(folder)).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE rule_table (id INTEGER PRIMARY KEY, rule_name TEXT, conditions TEXT);
             INSERT INTO rule_table VALUES (4, 'Old', '[]'), (7, 'Older', '[]');
             CREATE TABLE segment_catalog (id INTEGER PRIMARY KEY, rule_id INTEGER,
                 segment_name TEXT, row_count INTEGER);
             INSERT INTO segment_catalog VALUES (1, 4, 'Old', 12);",
        )
        .unwrap();
}

/// Whatever was done of the migrations, opening does the rest and nothing is lost.
fn migrated(folder: &Path, _: &Traced) {
    let catalog = SqliteCatalog::open(catalog_of(folder)).unwrap();
    let check = catalog.check().unwrap();
    assert!(check.is_sound(), "{check:?}");
    let rules = catalog.rules().unwrap();
    let names: Vec<&str> = rules.rules.iter().map(|row| row.text.rule_name.as_str()).collect();
    assert_eq!((names, rules.next_id), (vec!["Old", "Older"], 8));
    assert_eq!(catalog.rule_history(7).unwrap().len(), 1);
    assert_eq!(catalog.segment(4).unwrap().unwrap().row_count, 12);
}

#[test]
fn migration_is_killed_at_each_call() {
    let template = template(original);
    let trial =
        Trial { task: "migrate", calls: SQLITE, template: template.path(), after: &migrated };
    let calls = trial.kill_at_each(1);
    reached("calls", format!("migration {calls}"));
    assert!(calls > 5, "{calls}");
}

#[test]
fn migration_is_refused_at_each_call() {
    let template = template(original);
    let trial =
        Trial { task: "migrate", calls: SQLITE, template: template.path(), after: &migrated };
    let refused = trial.refuse_each(4);
    reached("refused", format!("migration {refused}"));
    assert!(refused > 3, "{refused}");
}

/// A new file that was begun is a catalog, or becomes one.
#[test]
fn a_new_catalog_is_killed_at_each_call() {
    let template = template(|_| {});
    let after = |folder: &Path, _: &Traced| {
        let catalog = SqliteCatalog::open(catalog_of(folder)).unwrap();
        assert!(catalog.rules().unwrap().rules.is_empty());
        assert!(catalog.check().unwrap().is_sound());
    };
    let trial = Trial { task: "migrate", calls: SQLITE, template: template.path(), after: &after };
    let calls = trial.kill_at_each(1);
    reached("calls", format!("a new catalog {calls}"));
    assert!(calls > 5, "{calls}");
}

/// The user is in all segments or in none, and goes once the user is forgotten again.
fn forgotten(folder: &Path, _: &Traced) {
    let catalog = SqliteCatalog::open(catalog_of(folder)).unwrap();
    let check = catalog.check().unwrap();
    assert!(check.is_sound(), "{check:?}");
    let counts = |catalog: &dyn Catalog| -> Vec<i64> {
        (1..=3).map(|rule| catalog.versions(rule).unwrap()[0].row_count).collect()
    };
    let there = catalog.forgotten(0).unwrap().is_empty();
    assert_eq!(counts(&catalog), if there { [20_000; 3] } else { [19_999; 3] });
    assert_eq!(catalog.forget(&3.into()).unwrap().known, there);
    assert_eq!((counts(&catalog), catalog.forgotten(0).unwrap()), (vec![19_999; 3], vec![3]));
    assert!(catalog.check().unwrap().is_sound());
}

#[test]
fn forgetting_is_killed_and_refused_at_each_call() {
    let template = template(prepare);
    let trial =
        Trial { task: "forget", calls: SQLITE, template: template.path(), after: &forgotten };
    let calls = trial.kill_at_each(3);
    let refused = trial.refuse_each(11);
    reached("calls", format!("forget {calls}"));
    reached("refused", format!("forget {refused}"));
    assert!(calls > 10 && refused > 3, "{calls} {refused}");
}

/// Versions are there that were not to be dropped, with their members.
#[test]
fn vacuuming_is_killed_and_refused_at_each_call() {
    let template = template(|folder| {
        prepare(folder);
        publish(folder).unwrap();
    });
    let after = |folder: &Path, traced: &Traced| {
        let catalog = SqliteCatalog::open(catalog_of(folder)).unwrap();
        assert!(catalog.check().unwrap().is_sound());
        for rule in 1..=3 {
            let versions = catalog.versions(rule).unwrap();
            assert_eq!(versions.last().unwrap().version, 2);
            assert!(!traced.status.success() || versions.len() == 1);
            for version in versions {
                catalog.members(version.members_id).unwrap();
            }
        }
    };
    let trial = Trial { task: "vacuum", calls: SQLITE, template: template.path(), after: &after };
    let calls = trial.kill_at_each(3);
    let refused = trial.refuse_each(11);
    reached("calls", format!("vacuum {calls}"));
    reached("refused", format!("vacuum {refused}"));
    assert!(calls > 10 && refused > 3, "{calls} {refused}");
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().unwrap().block_on(work)
}

/// A store that has the events of one file, when there are two.
fn half_a_store(folder: &Path) {
    block_on(async {
        world::make(folder).await;
        let (second, aside) = (folder.join("visits/second.parquet"), folder.join("aside"));
        std::fs::rename(&second, &aside).unwrap();
        let engine = world::open(folder).await;
        world::refresh(&engine, 40).await.unwrap();
        assert!(engine.store_status().await.unwrap().unwrap().rows > 0);
        std::fs::rename(&aside, &second).unwrap();
    });
}

/// The store is as it was, as it was to be, or made anew; members are right in any case.
fn stored(folder: &Path, _: &Traced) {
    block_on(async {
        let engine = world::open(folder).await;
        world::check(&engine).await;
        for day in [50, 55] {
            let run = world::refresh(&engine, day).await.unwrap();
            assert!(run.failed.is_empty(), "{run:?}");
        }
        world::check(&engine).await;
        let status = engine.store_status().await.unwrap().unwrap();
        assert!(status.damaged.is_empty(), "{status:?}");
        assert_eq!(status.rows, 60 * 6);
    });
}

#[test]
fn writing_the_store_is_killed_at_each_call() {
    let template = template(half_a_store);
    let trial = Trial { task: "store", calls: STORE, template: template.path(), after: &stored };
    let calls = trial.kill_at_each(1);
    reached("calls", format!("a run that adds to the store {calls}"));
    assert!(calls > 10, "{calls}");
}

#[test]
fn writing_the_store_is_refused_at_each_call() {
    let template = template(half_a_store);
    let trial = Trial { task: "store", calls: STORE, template: template.path(), after: &stored };
    let refused = trial.refuse_each(3);
    reached("refused", format!("a run that adds to the store {refused}"));
}
