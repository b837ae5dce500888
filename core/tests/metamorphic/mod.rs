//! Laws that hold whatever the rules and the data are, on random ones.
//!
//! `SEGMENTRY_WORLDS` says how many worlds, `SEGMENTRY_SEED` where the seeds begin; the seed is
//! printed with what is broken.

mod algebra;
mod rows;
mod runs;
mod simple;
mod sources;

use std::collections::{BTreeMap, BTreeSet};

use segmentry::{Refresh, Run, SegmentEngine};

use crate::differential::{instant, keys_of, setting};
use crate::generate::{self, Case, Options};
use crate::oracle::UserKey;

type Keys = BTreeSet<UserKey>;

/// Small worlds: the laws are broken by what rules say, not by how many users there are. A bucket
/// without a salt goes by the rule's name, so that the same conditions are others in another rule.
fn options() -> Options {
    Options {
        users: (15, 50),
        max_events: 200,
        rules: (3, 5),
        retries: 1,
        buckets: false,
        ..Options::whole()
    }
}

/// The worlds of a law, `share` of a hundred of all.
fn worlds(share: u64) -> impl Iterator<Item = (u64, Case)> {
    let wanted = setting("SEGMENTRY_WORLDS", 150) * share / 100;
    let first = setting("SEGMENTRY_SEED", 0);
    (first..first + wanted).map(|seed| (seed, generate::case(seed, &options())))
}

/// Refreshes those rules; every one of them must have been evaluated.
async fn refreshed(engine: &SegmentEngine, ids: &[i64], as_of: i64) -> Run {
    let refresh = Refresh::rules(ids.iter().copied()).as_of(instant(as_of));
    let run = engine.refresh(refresh).await.unwrap();
    assert!(run.failed.is_empty() && run.skipped.is_empty(), "{:?} {:?}", run.failed, run.skipped);
    run
}

/// The members of all rules by the rules' names.
async fn members_by_name(engine: &SegmentEngine, as_of: i64) -> BTreeMap<String, Keys> {
    let rules = engine.rules(1, 10_000, None).await.unwrap().items;
    let ids: Vec<i64> = rules.iter().map(|rule| rule.id).collect();
    refreshed(engine, &ids, as_of).await;
    let mut members = BTreeMap::new();
    for rule in rules {
        let name = rule.document["rule_name"].as_str().unwrap().to_owned();
        members.insert(name, keys_of(engine, rule.id).await);
    }
    members
}

/// What differs between two sets of members, for a message.
fn difference(one: &Keys, other: &Keys) -> String {
    let some = |keys: Vec<&UserKey>| format!("{:?}", keys.into_iter().take(5).collect::<Vec<_>>());
    format!(
        "{} and {} members, only in the first {}, only in the second {}",
        one.len(),
        other.len(),
        some(one.difference(other).collect()),
        some(other.difference(one).collect()),
    )
}

/// The rules whose members are not the same in two engines.
fn differing(one: &BTreeMap<String, Keys>, other: &BTreeMap<String, Keys>) -> Vec<String> {
    assert!(one.keys().eq(other.keys()));
    let both = one.iter().zip(other.values()).filter(|((_, one), other)| one != other);
    both.map(|((name, one), other)| format!("rule {name:?}: {}", difference(one, other))).collect()
}

fn assert_none(found: &[String]) {
    let some: Vec<&String> = found.iter().take(10).collect();
    assert!(found.is_empty(), "{} broken:\n{some:#?}", found.len());
}
