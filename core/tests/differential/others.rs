//! The same rules as SQL in other engines. What a dialect refuses to say is counted and not
//! passed, and what it says must run there and give the oracle's members, key by key.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use segmentry::{Code, Dialect, RuleDocument};

use super::duckdb::DuckDb;
use super::{engine_of, instant, setting, sqlite};
use crate::generate::{self, Case, Options};
use crate::oracle::{self, UserKey};

/// The keys that a query gives, in any order, or the engine's error.
pub type Answer = Result<Vec<UserKey>, String>;

/// Queries about one case.
pub struct Asked<'a> {
    pub queries: Vec<String>,
    /// Rules whose segments the queries may read, with their members.
    pub segments: &'a BTreeMap<i64, BTreeSet<UserKey>>,
    /// The name of the key's column.
    pub key: String,
}

/// What became of the rules in one dialect.
#[derive(Default)]
struct Tally {
    rules: usize,
    equal: usize,
    refused: BTreeMap<String, usize>,
    failed: Vec<String>,
    differing: Vec<String>,
}

impl Tally {
    fn share(&self) -> f64 {
        self.equal as f64 / self.rules.max(1) as f64
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let refused: usize = self.refused.values().sum();
        writeln!(
            f,
            "{} of {} rules said and equal ({:.1} %), {refused} refused, {} failed, {} differ",
            self.equal,
            self.rules,
            100.0 * self.share(),
            self.failed.len(),
            self.differing.len(),
        )?;
        let mut reasons: Vec<_> = self.refused.iter().collect();
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        reasons.iter().try_for_each(|(reason, count)| writeln!(f, "{count:6} {reason}"))
    }
}

/// Asks one engine about all rules of a case that its dialect can say.
async fn compare(
    seed: u64,
    case: &Case,
    members: &BTreeMap<i64, BTreeSet<UserKey>>,
    dialect: Dialect,
    tally: &mut Tally,
    ask: impl FnOnce(&Asked<'_>) -> Vec<Answer>,
) {
    let engine = engine_of(case, 1).await;
    let as_of = instant(case.as_of_micros);
    let mut said = Vec::new();
    let mut queries = Vec::new();
    for (id, document) in &case.rules {
        tally.rules += 1;
        match engine.to_sql_as_of(&RuleDocument::Stored((*id).into()), dialect, as_of).await {
            Ok(sql) => {
                said.push((id, document));
                queries.push(sql);
            }
            Err(error) if error.code() == Code::Unsupported => {
                *tally.refused.entry(error.to_string()).or_default() += 1;
            }
            Err(error) => panic!("seed {seed}, rule {id}: {error}\n{document}"),
        }
    }
    let key = case.world.tables[0].columns[0].name.clone();
    let asked = Asked { queries, segments: members, key };
    let answers = ask(&asked);
    assert_eq!(answers.len(), said.len());
    for (((id, document), sql), answer) in said.into_iter().zip(&asked.queries).zip(answers) {
        let about = format!(
            "seed {seed}, rule {id}, as of {as_of}\nmodel {}\nrule {document}\nsql {sql}",
            case.world.model_json
        );
        match answer {
            Err(error) => tally.failed.push(format!("{error}\n{about}")),
            Ok(keys) => {
                let found: BTreeSet<UserKey> = keys.iter().cloned().collect();
                let expected = &members[id];
                if found == *expected && found.len() == keys.len() {
                    tally.equal += 1;
                    continue;
                }
                let extra: Vec<_> = found.difference(expected).take(5).collect();
                let lacking: Vec<_> = expected.difference(&found).take(5).collect();
                tally.differing.push(format!(
                    "{} keys, the oracle has {}; too many {extra:?}, too few {lacking:?}\n{about}",
                    keys.len(),
                    expected.len(),
                ));
            }
        }
    }
}

/// Nothing may differ, nothing that a dialect says may fail, and it must say enough.
fn check(name: &str, tally: &Tally, least: f64) {
    let wrong: Vec<&String> = tally.differing.iter().chain(&tally.failed).take(5).collect();
    let shown: Vec<String> = wrong.iter().map(|text| format!("{name}: {text}")).collect();
    assert!(wrong.is_empty(), "{}", shown.join("\n\n"));
    if tally.rules >= 500 {
        assert!(tally.share() >= least, "{name}: too few rules are said");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn differential_other_engines_agree() {
    let wanted = usize::try_from(setting("SEGMENTRY_RULES", 2_000)).unwrap();
    let mut seed = setting("SEGMENTRY_SEED", 0);
    let mut duckdb = DuckDb::start();
    let (mut of_duckdb, mut of_sqlite) = (Tally::default(), Tally::default());
    while of_duckdb.rules < wanted {
        let case = generate::case(seed, &Options::default());
        let members: BTreeMap<i64, BTreeSet<UserKey>> = case
            .rules
            .iter()
            .map(|(id, _)| {
                let members =
                    oracle::members(&case.world, &case.rules, *id, case.as_of_micros).unwrap();
                (*id, members)
            })
            .collect();
        compare(seed, &case, &members, Dialect::DuckDb, &mut of_duckdb, |asked| {
            duckdb.ask(&case, asked)
        })
        .await;
        compare(seed, &case, &members, Dialect::Sqlite, &mut of_sqlite, |asked| {
            sqlite::ask(&case, asked)
        })
        .await;
        seed += 1;
    }
    println!("DuckDB: {of_duckdb}\nSQLite: {of_sqlite}");
    check("DuckDB", &of_duckdb, 0.85);
    check("SQLite", &of_sqlite, 0.25);
}
