//! One file, many processes: nobody is turned away, nothing is lost, nobody sees half a run, and who
//! dies is taken over at once.
//!
//! `SEGMENTRY_WRITES` says how many writes each of 16 processes makes. The processes are this test
//! binary again, told by the environment what to do.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use chrono::TimeDelta;
use segmentry::{
    Catalog, Lease, Leased, NewLease, NewSegment, Owner, Published, RuleChange, Settled,
    SqliteCatalog,
};

use super::keys::ints;
use super::support::{add, at, named, new_run, new_segment, page, stored};
use crate::differential::setting;

const PROCESSES: i64 = 16;
const READERS: usize = 32;

/// Starts the test `catalog::sqlite_processes::child` in a process of its own.
fn start(path: &Path, role: &str, number: i64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "catalog::sqlite_processes::child", "--nocapture"])
        .env("SEGMENTRY_CHILD", role)
        .env("SEGMENTRY_CHILD_CATALOG", path)
        .env("SEGMENTRY_CHILD_NUMBER", number.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// What the processes do; in the tests' own process there is nothing to be done.
#[test]
fn child() {
    let Ok(role) = std::env::var("SEGMENTRY_CHILD") else { return };
    let path = PathBuf::from(std::env::var("SEGMENTRY_CHILD_CATALOG").unwrap());
    let number: i64 = std::env::var("SEGMENTRY_CHILD_NUMBER").unwrap().parse().unwrap();
    let catalog = SqliteCatalog::open(&path).unwrap();
    match role.as_str() {
        "write" => write(&catalog, number, writes()),
        "hold" => {
            lease(&catalog, &Owner::new(), &[1]);
            loop {
                thread::park();
            }
        }
        other => panic!("no role {other}"),
    }
}

fn writes() -> i64 {
    i64::try_from(setting("SEGMENTRY_WRITES", 8)).unwrap()
}

/// A lease, waited for.
fn lease(catalog: &SqliteCatalog, owner: &Owner, rules: &[i64]) -> Lease {
    let (owner, rules) = (owner.clone(), rules.to_vec());
    let wanted = NewLease { owner, rules, at: at(0), duration: TimeDelta::days(1) };
    loop {
        match catalog.lease(&wanted).unwrap() {
            Leased::Given(lease) => return lease,
            Leased::Held(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// Rules, keys and runs in turn; every run is of two rules that all processes share and one of its own.
fn write(catalog: &SqliteCatalog, number: i64, writes: i64) {
    let owner = Owner::new();
    let own = insert(catalog, &format!("Of {number}"));
    for round in 0..writes {
        match round % 4 {
            0 => {
                insert(catalog, &format!("{number}/{round}"));
            }
            1 => append(catalog, (number * writes + round) * 10),
            _ => publish(catalog, &owner, own),
        }
    }
}

fn insert(catalog: &SqliteCatalog, name: &str) -> i64 {
    loop {
        let rules = catalog.rules().unwrap();
        let insert = [RuleChange::Insert { id: rules.next_id, text: named(name) }];
        if catalog.change_rules(rules.revision, &insert, at(0)).unwrap() {
            return rules.next_id;
        }
    }
}

fn append(catalog: &SqliteCatalog, first: i64) {
    let mut count = 0;
    while !catalog.append_keys(count, &ints(first, first + 10)).unwrap() {
        let more = catalog.keys(count).unwrap().map_or(0, |keys| keys.len());
        count += u32::try_from(more).unwrap();
    }
}

/// Under the lease nothing moves meanwhile, so that no run is ever stale.
fn publish(catalog: &SqliteCatalog, owner: &Owner, own: i64) {
    let lease = lease(catalog, owner, &[1, 2, own]);
    let segments: Vec<NewSegment> = [1, 2, own]
        .into_iter()
        .map(|rule| {
            let current = catalog.segment(rule).unwrap().and_then(|segment| segment.current);
            let since_version = current.map_or(0, |current| current.version);
            let bytes = (since_version + 1).to_le_bytes();
            NewSegment { since_version, ..new_segment(rule, &bytes) }
        })
        .collect();
    let settled = Settled::default();
    let published = catalog.publish_under(&lease, &new_run(1), &segments, &settled).unwrap();
    assert!(matches!(published, Published::Run(_)), "{published:?}");
}

fn file() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audience.db");
    let catalog = SqliteCatalog::open(&path).unwrap();
    add(&catalog, named("Shared"));
    add(&catalog, named("Shared too"));
    (folder, path)
}

#[test]
fn sixteen_processes_write_and_readers_see_whole_runs() {
    let (_folder, path) = file();
    let writes = writes();
    let mut children: Vec<Child> =
        (0..PROCESSES).map(|number| start(&path, "write", number)).collect();
    let done = std::sync::atomic::AtomicBool::new(false);
    let reads = thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS)
            .map(|_| {
                let (path, done) = (&path, &done);
                scope.spawn(move || read_until(path, done))
            })
            .collect();
        let ended: Vec<bool> =
            children.iter_mut().map(|child| child.wait().unwrap().success()).collect();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(ended, [true; PROCESSES as usize]);
        readers.into_iter().map(|reader| reader.join().unwrap()).sum::<usize>()
    });
    let of = |kind: &[i64]| (0..writes).filter(|round| kind.contains(&(round % 4))).count() as i64;
    let (rules, keys, runs) = (of(&[0]) + 1, of(&[1]), of(&[2, 3]));
    let catalog = SqliteCatalog::open(&path).unwrap();
    assert_eq!(catalog.rules().unwrap().rules.len() as i64, 2 + PROCESSES * rules);
    let dictionary = catalog.keys(0).unwrap().map_or(0, |keys| keys.len()) as i64;
    assert_eq!(dictionary, PROCESSES * keys * 10);
    assert_eq!(catalog.runs(&page(0, 0)).unwrap().1, PROCESSES * runs);
    let versions: Vec<i64> = catalog.versions(1).unwrap().iter().map(|v| v.version).collect();
    assert_eq!(versions, (1..=PROCESSES * runs).collect::<Vec<_>>());
    assert!(catalog.leases().unwrap().is_empty());
    crate::reached(
        "processes",
        format!(
            "{PROCESSES} x {writes} writes, {READERS} readers, {reads} looks: 0 BUSY, 0 lost, 0 mixed"
        ),
    );
}

/// Looks at the shared segments until told to end: both are always of one run.
fn read_until(path: &Path, done: &std::sync::atomic::AtomicBool) -> usize {
    let catalog = SqliteCatalog::open(path).unwrap();
    let mut looks = 0;
    while !done.load(std::sync::atomic::Ordering::Relaxed) {
        let (segments, _) = catalog.segments(&page(0, 1_000)).unwrap();
        let shared: Vec<_> = segments.into_iter().filter(|s| s.rule_id <= 2).collect();
        let runs: Vec<i64> =
            shared.iter().map(|segment| segment.current.as_ref().unwrap().run_id).collect();
        assert!(runs.is_empty() || (runs.len() == 2 && runs[0] == runs[1]), "mixed: {runs:?}");
        for segment in shared {
            let current = segment.current.unwrap();
            let members = catalog.members(current.members_id).unwrap();
            assert_eq!(members, stored(&current.version.to_le_bytes(), &[]));
        }
        looks += 1;
        thread::sleep(Duration::from_millis(50));
    }
    looks
}

#[test]
#[cfg(target_os = "linux")]
fn a_process_that_dies_is_taken_over_at_once() {
    let (_folder, path) = file();
    let catalog = SqliteCatalog::open(&path).unwrap();
    let mut child = start(&path, "hold", 0);
    while catalog.leases().unwrap().is_empty() {
        thread::sleep(Duration::from_millis(5));
    }
    let wanted = NewLease {
        owner: Owner::new(),
        rules: vec![1, 2],
        at: at(60),
        duration: TimeDelta::seconds(30),
    };
    let held = catalog.lease(&wanted).unwrap();
    assert!(matches!(&held, Leased::Held(rows) if rows[0].holds(at(60))), "{held:?}");
    child.kill().unwrap();
    child.wait().unwrap();
    let given = catalog.lease(&wanted).unwrap();
    assert!(matches!(given, Leased::Given(_)), "{given:?}");
}
