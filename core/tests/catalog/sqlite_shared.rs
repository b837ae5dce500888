//! One file, many threads and connections: nobody is turned away and nothing is lost.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use rusqlite::Connection;
use segmentry::{Catalog, KeyColumn, NewSegment, Published, RuleChange, RuleText, SqliteCatalog};

use super::keys::ints;
use super::support::{add, at, named, new_run, new_segment, page, stored};

const THREADS: i64 = 8;
const ROUNDS: i64 = 25;

/// Runs the work in eight threads at once, each on a connection of its own.
fn at_once(path: &Path, work: impl Fn(i64, &dyn Catalog) + Sync) {
    let start = Barrier::new(usize::try_from(THREADS).unwrap());
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (start, work) = (&start, &work);
            scope.spawn(move || {
                start.wait();
                work(number, &SqliteCatalog::open(path).unwrap());
            });
        }
    });
}

fn file() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audience.db");
    (folder, path)
}

#[test]
fn a_new_catalog_is_made_once() {
    for _ in 0..5 {
        let (_folder, path) = file();
        at_once(&path, |_, catalog| assert_eq!(catalog.rules().unwrap().next_id, 1));
    }
}

#[test]
fn rules_of_many_writers_are_all_kept() {
    let (_folder, path) = file();
    at_once(&path, |number, catalog| {
        for round in 0..ROUNDS {
            insert_until_done(catalog, &format!("{number}/{round}"));
        }
    });
    let rules = SqliteCatalog::open(&path).unwrap().rules().unwrap();
    let names: BTreeSet<&str> = rules.rules.iter().map(|r| r.text.rule_name.as_str()).collect();
    let all = THREADS * ROUNDS;
    assert_eq!(names.len(), usize::try_from(all).unwrap());
    assert_eq!((rules.next_id, rules.revision), (all + 1, all));
}

fn insert_until_done(catalog: &dyn Catalog, name: &str) -> i64 {
    loop {
        let rules = catalog.rules().unwrap();
        let id = rules.next_id;
        let insert = [RuleChange::Insert { id, text: named(name) }];
        if catalog.change_rules(rules.revision, &insert, at(0)).unwrap() {
            return id;
        }
    }
}

#[test]
fn keys_of_many_writers_are_all_kept() {
    let (_folder, path) = file();
    at_once(&path, |number, catalog| {
        for round in 0..ROUNDS {
            append_until_done(catalog, (number * ROUNDS + round) * 500);
        }
    });
    let Some(KeyColumn::Int(keys)) = SqliteCatalog::open(&path).unwrap().keys(0).unwrap() else {
        panic!("no keys")
    };
    let distinct: BTreeSet<i64> = keys.values().iter().copied().collect();
    let all = usize::try_from(THREADS * ROUNDS * 500).unwrap();
    assert_eq!((keys.values().len(), distinct.len()), (all, all));
}

fn append_until_done(catalog: &dyn Catalog, first: i64) {
    let mut count = 0;
    while !catalog.append_keys(count, &ints(first, first + 500)).unwrap() {
        let more = catalog.keys(count).unwrap().map_or(0, |keys| keys.len());
        count += u32::try_from(more).unwrap();
    }
}

#[test]
fn runs_of_many_writers_take_turns() {
    let (_folder, path) = file();
    add(&SqliteCatalog::open(&path).unwrap(), named("Shared"));
    at_once(&path, |number, catalog| {
        let own = insert_until_done(catalog, &format!("Rule {number}"));
        for round in 0..ROUNDS {
            publish_until_done(catalog, own, round);
            // A reader sees a run whole: both of its segments or none.
            let runs = |rule| {
                let versions = catalog.versions(rule).unwrap();
                versions.into_iter().map(|version| version.run_id).collect::<BTreeSet<i64>>()
            };
            assert!(runs(own).is_subset(&runs(1)));
        }
    });
    let catalog = SqliteCatalog::open(&path).unwrap();
    let all = THREADS * ROUNDS;
    assert_eq!(catalog.runs(&page(0, 0)).unwrap().1, all);
    let shared = catalog.versions(1).unwrap();
    let versions: Vec<i64> = shared.iter().map(|version| version.version).collect();
    assert_eq!(versions, (1..=all).collect::<Vec<i64>>());
    for version in shared {
        let bytes = catalog.members(version.members_id).unwrap();
        assert_eq!(bytes, stored(&version.version.to_le_bytes(), &[]));
    }
}

fn publish_until_done(catalog: &dyn Catalog, own: i64, round: i64) {
    let own = NewSegment { since_version: round, ..new_segment(own, b"own") };
    loop {
        let current = catalog.segment(1).unwrap().and_then(|segment| segment.current);
        let since_version = current.map_or(0, |current| current.version);
        let bytes = (since_version + 1).to_le_bytes();
        let shared = NewSegment { since_version, ..new_segment(1, &bytes) };
        match catalog.publish(&new_run(round), &[shared, own.clone()]).unwrap() {
            Published::Run(_) => return,
            Published::Stale(rules) => assert_eq!(rules, [1]),
        }
    }
}

#[test]
fn all_kinds_of_writing_go_together() {
    let (_folder, path) = file();
    let shared = SqliteCatalog::open(&path).unwrap();
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (path, shared) = (&path, &shared);
            scope.spawn(move || {
                // Half of the threads have a connection of their own.
                let own = (number % 2 == 0).then(|| SqliteCatalog::open(path).unwrap());
                let catalog = own.as_ref().unwrap_or(shared);
                for round in 0..ROUNDS {
                    let rule = insert_until_done(catalog, &format!("{number}/{round}"));
                    append_until_done(catalog, (number * ROUNDS + round) * 500);
                    let segments = [new_segment(rule, &rule.to_le_bytes())];
                    let published = catalog.publish(&new_run(round), &segments).unwrap();
                    assert!(matches!(published, Published::Run(_)));
                }
            });
        }
    });
    let all = THREADS * ROUNDS;
    assert_eq!(shared.segments(&page(0, 0)).unwrap().1, all);
    assert_eq!(shared.keys(0).unwrap().map(|keys| keys.len() as i64), Some(all * 500));
    for rule in 1..=all {
        assert_eq!(super::support::current_members(&shared, rule), rule.to_le_bytes());
    }
}

#[test]
fn changes_of_other_programs_are_noticed() {
    let (_folder, path) = file();
    let catalog = SqliteCatalog::open(&path).unwrap();
    add(&catalog, named("One"));
    let before = catalog.rules().unwrap();
    let sql = "UPDATE rule_table SET rule_name = 'Uno' WHERE id = 1";
    Connection::open(&path).unwrap().execute(sql, []).unwrap();
    let update = [RuleChange::Update { id: 1, text: RuleText { enabled: false, ..named("One") } }];
    assert!(catalog.revision().unwrap() > before.revision);
    assert!(!catalog.change_rules(before.revision, &update, at(1)).unwrap());
    assert_eq!(catalog.rules().unwrap().rules[0].text, named("Uno"));
}
