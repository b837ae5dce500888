//! Random pairs of rules: whatever is proved is so, and what is planted is found.
//!
//! `SEGMENTRY_PAIRS` says how many pairs, `SEGMENTRY_SEED` where the seeds begin. A wrong answer is
//! printed with its seed and both rules; `SEGMENTRY_SEED=n SEGMENTRY_PAIRS=1` sees it again.

use std::collections::BTreeMap;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use segmentry::{AudienceModel, DependencyFinder, Rule, RuleLibrary, RuleParser, Table};
use serde_json::{Value, json};

use crate::differential::{arrow, instant, setting};
use crate::generate::{self, Case, Options, Random};
use crate::oracle::{self, OracleError};

use super::ground::Ground;
use super::planting::{Expect, KINDS, Planter};

/// How often each kind is planted in one world.
const ROUNDS: usize = 2;

/// Small worlds with everything that a condition may hold.
fn options() -> Options {
    Options {
        users: (12, 30),
        max_events: 150,
        rules: (5, 8),
        places: true,
        ranks: true,
        buckets: true,
        sequences: true,
        field_strings: true,
        retries: 1,
    }
}

/// One rule with the members that the oracle gives it.
struct Known {
    rule: Rule,
    document: String,
    members: Vec<bool>,
}

struct Pair {
    kind: &'static str,
    expect: Expect,
    /// Places among the rules.
    p: usize,
    q: usize,
}

/// How many pairs of a kind were planted, and how many found.
#[derive(Default)]
struct Tally {
    expect: Option<Expect>,
    planted: usize,
    same: usize,
    found: usize,
    back: usize,
    /// Pairs that did not fit: dates of one zone that are none in another, and the like.
    unfit: usize,
}

#[derive(Default)]
struct Report {
    kinds: BTreeMap<&'static str, Tally>,
    pairs: usize,
    proved: usize,
    found: Vec<String>,
}

/// The rules of a case, ready to be compared.
pub fn library(case: &Case) -> RuleLibrary {
    let model = AudienceModel::parse(case.world.model_json.as_str()).unwrap();
    let tables = case.world.tables.iter().map(|table| Table {
        name: table.name.clone(),
        schema: arrow::batches(table, 1 + table.rows())[0].schema(),
    });
    let tables: Vec<Table> = tables.collect();
    let finder = DependencyFinder::new(&model, &tables).unwrap();
    let rules: Vec<(i64, Rule)> = case
        .rules
        .iter()
        .map(|(id, text)| (*id, RuleParser::parse(text.as_str()).unwrap()))
        .collect();
    finder.as_of(instant(case.as_of_micros)).read(&rules).unwrap()
}

/// The pairs of a world, as documents that have names of their own.
fn plant(ground: &Ground, seed: u64) -> (Vec<String>, Vec<Pair>) {
    let mut random = Random { rng: ChaCha8Rng::seed_from_u64(seed ^ 0x9e37_79b9_7f4a_7c15) };
    let mut planter = Planter { random: &mut random, ground };
    let (mut documents, mut pairs) = (Vec::new(), Vec::new());
    let mut named = |mut rule: Value| {
        rule["rule_name"] = json!(format!("planted {}", documents.len()));
        documents.push(rule.to_string());
        documents.len() - 1
    };
    for (kinds, expect) in KINDS {
        for (kind, make) in kinds {
            for _ in 0..ROUNDS {
                let Some((p, q)) = make(&mut planter) else { continue };
                let (p, q) = (named(p), named(q));
                pairs.push(Pair { kind, expect, p, q });
            }
        }
    }
    (documents, pairs)
}

/// What the oracle and the parser know of rules; nothing of those that do not bind.
fn known(
    case: &Case,
    library: &RuleLibrary,
    documents: Vec<String>,
    first: i64,
) -> Vec<Option<Known>> {
    let mut all = case.rules.clone();
    all.extend(documents.iter().enumerate().map(|(at, text)| (first + at as i64, text.clone())));
    let members = oracle::all_members(&case.world, &all, case.as_of_micros).unwrap();
    let one = |(document, members): (String, Result<Vec<bool>, OracleError>)| {
        let rule = RuleParser::parse(document.as_str()).ok()?;
        library.is_same(&rule, &rule).ok()?;
        let members = members.unwrap_or_else(|error| panic!("{error}\n{document}"));
        Some(Known { rule, document, members })
    };
    documents.into_iter().zip(members.into_iter().skip(case.rules.len())).map(one).collect()
}

fn within(narrow: &[bool], wide: &[bool]) -> bool {
    narrow.iter().zip(wide).all(|(narrow, wide)| *wide || !*narrow)
}

/// Answers about two rules: the first within the second, the other way round, and one the other.
fn answers(library: &RuleLibrary, p: &Known, q: &Known) -> (bool, bool, bool) {
    let implies = |narrow: &Known, wide: &Known| library.implies(&narrow.rule, &wide.rule).unwrap();
    (implies(p, q), implies(q, p), library.is_same(&p.rule, &q.rule).unwrap())
}

impl Report {
    /// Whether the answers are true of the members; a pair by itself.
    fn check(
        &mut self,
        (seed, kind): (u64, &str),
        library: &RuleLibrary,
        p: &Known,
        q: &Known,
    ) -> (bool, bool, bool) {
        let (forth, back, same) = answers(library, p, q);
        self.pairs += 1;
        self.proved += usize::from(forth) + usize::from(back);
        let faults = [
            (forth && !within(&p.members, &q.members), "p is not within q"),
            (back && !within(&q.members, &p.members), "q is not within p"),
            (same && p.members != q.members, "p is not q"),
            (same && !(forth && back), "one form, and yet not implied"),
        ];
        for (_, fault) in faults.iter().filter(|(wrong, _)| *wrong) {
            let differ: Vec<usize> =
                (0..p.members.len()).filter(|at| p.members[*at] != q.members[*at]).collect();
            self.found.push(format!(
                "seed {seed}, {kind}: {fault}; the users of rows {differ:?} tell\np {}\nq {}",
                p.document, q.document
            ));
        }
        (forth, back, same)
    }

    fn planted(&mut self, seed: u64, library: &RuleLibrary, known: &[Option<Known>], pair: &Pair) {
        let tally = self.kinds.entry(pair.kind).or_default();
        tally.expect = Some(pair.expect);
        let (Some(p), Some(q)) = (&known[pair.p], &known[pair.q]) else {
            tally.unfit += 1;
            return;
        };
        let fits = match pair.expect {
            Expect::Equal => p.members == q.members,
            Expect::Contained => within(&p.members, &q.members),
            Expect::Open => true,
        };
        if !fits {
            self.found.push(format!(
                "seed {seed}, {}: planted otherwise than the oracle sees it\np {}\nq {}",
                pair.kind, p.document, q.document
            ));
        }
        let (forth, back, same) = self.check((seed, pair.kind), library, p, q);
        let found = match pair.expect {
            Expect::Equal => same || (forth && back),
            _ => forth,
        };
        let tally = self.kinds.entry(pair.kind).or_default();
        tally.planted += 1;
        tally.same += usize::from(same);
        tally.found += usize::from(found);
        tally.back += usize::from(back);
        if !found
            && pair.expect != Expect::Open
            && std::env::var("SEGMENTRY_SHOW").is_ok_and(|kind| kind == pair.kind)
        {
            println!("seed {seed}, {} not found\np {}\nq {}\n", pair.kind, p.document, q.document);
        }
    }

    fn world(&mut self, seed: u64) {
        let case = generate::case(seed, &options());
        let library = library(&case);
        let ground = Ground::new(&case);
        let (documents, pairs) = plant(&ground, seed);
        let first = case.rules.iter().map(|(id, _)| id).max().unwrap_or(&0) + 1;
        let known = known(&case, &library, documents, first);
        for pair in &pairs {
            self.planted(seed, &library, &known, pair);
        }
        // What was planted apart is held against one another.
        let mut some: Vec<&Known> = known.iter().flatten().collect();
        let step = some.len() / 40 + 1;
        some = some.into_iter().skip(seed as usize % step).step_by(step).collect();
        for (at, p) in some.iter().enumerate() {
            for q in &some[at + 1..] {
                self.check((seed, "random"), &library, p, q);
            }
        }
    }

    fn print(&self) {
        println!(
            "{:<26} {:>9} {:>7} {:>7} {:>7} {:>7} {:>6}",
            "kind", "planted", "same", "found", "back", "share", "unfit"
        );
        for (kind, tally) in &self.kinds {
            let Tally { expect, planted, same, found, back, unfit } = tally;
            let share = 100.0 * *found as f64 / (*planted).max(1) as f64;
            let expect = expect.map(|expect| format!("{expect:?}")).unwrap_or_default();
            println!(
                "{kind:<26} {planted:>9} {same:>7} {found:>7} {back:>7} {share:>6.1}% {unfit:>6} {expect}"
            );
        }
    }

    /// Planted and found of those that are meant to be found, and the kinds that fall short.
    fn shares(&self, of: Expect, least: f64) -> (usize, usize, Vec<&'static str>) {
        let kinds: Vec<_> =
            self.kinds.iter().filter(|(_, tally)| tally.expect == Some(of)).collect();
        let short = kinds.iter().filter(|(_, t)| (t.found as f64) < least * t.planted as f64);
        (
            kinds.iter().map(|(_, tally)| tally.planted).sum(),
            kinds.iter().map(|(_, tally)| tally.found).sum(),
            short.map(|(kind, _)| **kind).collect(),
        )
    }
}

#[test]
fn reuse_planted_pairs_are_found_and_no_answer_is_wrong() {
    let wanted = usize::try_from(setting("SEGMENTRY_PAIRS", 100_000)).unwrap();
    let first = setting("SEGMENTRY_SEED", 0);
    let mut report = Report::default();
    let mut seed = first;
    while report.pairs < wanted && report.found.len() < 10 {
        report.world(seed);
        seed += 1;
    }
    report.print();
    println!("seeds {first} to {}, {} pairs, {} proved", seed - 1, report.pairs, report.proved);
    let some: Vec<&String> = report.found.iter().take(10).collect();
    assert!(
        some.is_empty(),
        "{} wrong\n{}",
        report.found.len(),
        some.iter().map(|s| s.as_str()).collect::<Vec<_>>().join("\n\n")
    );
    for (expect, least) in [(Expect::Equal, 0.95), (Expect::Contained, 0.8)] {
        let (planted, found, short) = report.shares(expect, least);
        println!("{expect:?}: {found} of {planted} found");
        if wanted >= 10_000 {
            assert!(found as f64 >= least * planted as f64, "{found} of {planted} {expect:?}");
            assert!(short.is_empty(), "too few found of {short:?}");
        }
    }
}
