//! What a child does until it is killed, or its system calls are refused.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::exit;

use roaring::RoaringBitmap;
use segmentry::{
    Catalog, CatalogUpkeep, Code, KeyColumn, NewMembers, NewRun, NewSegment, Published, Result,
    RuleChange, RuleText, SqliteCatalog,
};

use super::process::{FOLDER, TASK};
use super::world::{self, DAYS, at, catalog_of, refresh};

/// The exit status of a child that met an error of a code that tells what happened.
pub const REFUSED: i32 = 10;
/// Of one that met another error.
pub const UNTYPED: i32 = 11;
/// Of one whose second attempt failed after the first did.
pub const NOT_AGAIN: i32 = 12;

#[test]
#[ignore = "a part of other tests, which start it as a process of its own"]
fn child() {
    // Asked for by name or with all that are ignored, and not as a child.
    let Ok(task) = std::env::var(TASK) else { return };
    let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
    match task.as_str() {
        "nothing" => {}
        "runs" => runs(&folder),
        "publish" => done(twice(&folder, publish)),
        "migrate" => {
            done(twice(&folder, |folder| SqliteCatalog::open(catalog_of(folder)).map(drop)))
        }
        "forget" => done(twice(&folder, forget)),
        "vacuum" => done(twice(&folder, vacuum)),
        "store" => done(twice(&folder, store)),
        "schedule" => crate::scheduler::processes::child(&folder),
        little if little.starts_with("little ") => crate::pass::little::child(&folder, little),
        other => panic!("{other}"),
    }
    exit(0);
}

/// Does something, and once more if it was refused, which has to go well then.
fn twice(folder: &Path, work: impl Fn(&Path) -> Result<()>) -> (Result<()>, Result<()>) {
    let first = work(folder);
    let again = if first.is_ok() { Ok(()) } else { work(folder) };
    (first, again)
}

/// Tells by the exit status what became of it: `println!` might be what is refused.
fn done((first, again): (Result<()>, Result<()>)) -> ! {
    let status = match first {
        Ok(()) => 0,
        Err(error) if !matches!(error.code(), Code::Io | Code::UnusableStore | Code::Damaged) => {
            let _ = writeln!(std::io::stderr(), "{error:?}");
            UNTYPED
        }
        Err(error) if again.is_err() => {
            let _ = writeln!(std::io::stderr(), "{error:?}, and again {again:?}");
            NOT_AGAIN
        }
        Err(_) => REFUSED,
    };
    exit(status)
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .max_blocking_threads(1)
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

/// Runs one after another, each told of when it is there; between them, now and then, versions are
/// dropped, the store is lost, a rule is changed and a copy is made.
fn runs(folder: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let tell = |what: &str| {
        let mut out = std::io::stdout().lock();
        writeln!(out, "{what}").unwrap();
        out.flush().unwrap();
    };
    runtime.block_on(async {
        let engine = world::open(folder).await;
        tell("open");
        for round in engine.runs(1, 1).await.unwrap().total.. {
            let day = DAYS.start + i64::try_from(round).unwrap() % (DAYS.end - DAYS.start);
            let run = refresh(&engine, day).await.unwrap();
            assert!(run.failed.is_empty() && run.skipped.is_empty(), "{run:?}");
            tell(&format!("run {}", run.id));
            match round % 16 {
                3 => drop(std::fs::remove_dir_all(world::store_of(folder))),
                6 => {
                    engine.vacuum(3).await.unwrap();
                    tell("vacuum");
                }
                9 => {
                    let rule = serde_json::json!({"rule_name": "Tier 0", "description":
                        format!("round {round}"), "conditions": [
                            {"field": "tier", "operator": "=", "value": 0}]});
                    engine.update_rule(3, rule.to_string().as_str()).await.unwrap();
                    tell("rule");
                }
                12 => {
                    let copy = folder.join(format!("copy-{}.db", std::process::id()));
                    engine.backup(&copy).await.unwrap();
                    std::fs::remove_file(copy).unwrap();
                }
                _ => {}
            }
        }
    });
}

pub fn bytes(members: &RoaringBitmap) -> Vec<u8> {
    let mut bytes = Vec::new();
    members.serialize_into(&mut bytes).unwrap();
    bytes
}

fn segment(rule_id: i64, since_version: i64, row_count: i64, members: NewMembers) -> NewSegment {
    NewSegment {
        rule_id,
        rule_version: 1,
        segment_name: format!("Rule {rule_id}"),
        description: None,
        sql_query: "SELECT 1".to_owned(),
        row_count,
        entered: if since_version == 0 { row_count } else { 0 },
        exited: 0,
        members,
        since_version,
        column_types: "{}".to_owned(),
        reused: "[]".to_owned(),
        basis: "null".to_owned(),
        cutoffs: "{}".to_owned(),
        forgotten: 0,
    }
}

const REPORT: &str = r#"{"as_of":"2025-01-01T00:00:00Z","segments":[],"failed":[],"skipped":[],
    "scanned":{},"users_evaluated":0,"seconds":0.0,"stages":{}}"#;

fn run() -> NewRun {
    NewRun { as_of: at(1), started_at: at(1), finished_at: at(1), report: REPORT.to_owned() }
}

/// As many users as fill more than one block of keys.
pub const KEYS: i64 = 70_000;

fn ints(from: i64, to: i64) -> KeyColumn {
    KeyColumn::Int((from..to).collect::<Vec<i64>>().into())
}

fn every_third() -> RoaringBitmap {
    (0..60_000).step_by(3).collect()
}

/// A catalog with three rules, keys, and a version of each segment.
pub fn prepare(folder: &Path) {
    let catalog = SqliteCatalog::open(catalog_of(folder)).unwrap();
    let rules: Vec<RuleChange> = (1..=3)
        .map(|id| {
            let rule_name = format!("Rule {id}");
            let conditions = Some("[]".to_owned());
            let text = RuleText { rule_name, conditions, enabled: true, ..RuleText::default() };
            RuleChange::Insert { id, text }
        })
        .collect();
    assert!(catalog.change_rules(0, &rules, at(0)).unwrap());
    assert!(catalog.append_keys(0, &ints(0, KEYS)).unwrap());
    let whole = || NewMembers::Whole(bytes(&every_third()));
    let segments: Vec<NewSegment> = (1..=3).map(|rule| segment(rule, 0, 20_000, whole())).collect();
    assert!(matches!(catalog.publish(&run(), &segments).unwrap(), Published::Run(1)));
}

/// Adds keys, and publishes a version of each segment: whole, a difference, and the same again.
pub fn publish(folder: &Path) -> Result<()> {
    let catalog = SqliteCatalog::open(catalog_of(folder))?;
    // The first attempt may have come so far, or all the way: where the last flush of a commit is refused
    // nobody can know whether it is on the disk, and it is read again when the catalog is opened.
    if catalog.versions(1)?.len() == 2 {
        return Ok(());
    }
    if catalog.keys(u32::try_from(KEYS).unwrap())?.is_none() {
        catalog.append_keys(u32::try_from(KEYS).unwrap(), &ints(KEYS, KEYS + 100))?;
    }
    let difference = RoaringBitmap::from([0, 1]);
    let others = bytes(&every_third());
    let segments = [
        segment(1, 1, 20_000, NewMembers::Whole(others)),
        NewSegment {
            entered: 1,
            exited: 1,
            ..segment(2, 1, 20_000, NewMembers::Difference(bytes(&difference)))
        },
        segment(3, 1, 20_000, NewMembers::Unchanged),
    ];
    match catalog.publish(&run(), &segments)? {
        Published::Run(_) => Ok(()),
        other => panic!("{other:?}"),
    }
}

/// Forgets a user who is in every segment.
fn forget(folder: &Path) -> Result<()> {
    let catalog = SqliteCatalog::open(catalog_of(folder))?;
    catalog.forget(&3.into()).map(drop)
}

/// Drops a version that another leans on, and gives the space back.
fn vacuum(folder: &Path) -> Result<()> {
    let catalog = SqliteCatalog::open(catalog_of(folder))?;
    for rule in 1..=3 {
        catalog.drop_versions(rule, 2)?;
    }
    catalog.shrink().map(drop)
}

/// Refreshes with a store that lacks the events of a file.
fn store(folder: &Path) -> Result<()> {
    block_on(async {
        let engine = world::try_open(folder).await?;
        let run = refresh(&engine, 50).await?;
        assert!(run.failed.is_empty(), "{run:?}");
        Ok(())
    })
}
