//! Random models, data and rules: the engine gives the members that the row oracle gives.
//!
//! `SEGMENTRY_RULES` says how many rules, `SEGMENTRY_SEED` where the seeds begin; the seed of a
//! difference is printed with all that is needed to see it.

pub mod arrow;
mod duckdb;
mod instants;
mod others;
mod sqlite;

use std::collections::BTreeSet;
use std::path::Path;

use segmentry::{AudienceModel, Evaluation, Key, MemoryCatalog, Refresh, Run, SegmentEngine};

use crate::generate::{self, Case, Coverage, Options};
use crate::oracle::{self, UserKey};

pub fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")),
        Err(_) => default,
    }
}

pub fn instant(micros: i64) -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp_micros(micros).unwrap()
}

fn user_key(key: Key) -> UserKey {
    match key {
        Key::Int(key) => UserKey::Int(key),
        Key::Text(key) => UserKey::Text(key),
    }
}

/// An engine over the case's tables, with its rules under the ids that the case gives them.
pub async fn engine_of(case: &Case, threads: usize) -> SegmentEngine {
    engine_with(case, threads, None).await
}

/// The same with a profile store in a folder.
pub async fn engine_with(case: &Case, threads: usize, store: Option<&Path>) -> SegmentEngine {
    let builder = SegmentEngine::builder().catalog(MemoryCatalog::new()).threads(threads);
    let builder = match store {
        Some(folder) => builder.store(folder),
        None => builder,
    };
    let builder = match case.world.model_json.is_empty() {
        true => builder,
        false => builder.model(AudienceModel::parse(case.world.model_json.as_str()).unwrap()),
    };
    let engine = builder.build().await.unwrap();
    for table in &case.world.tables {
        let rows = 1 + table.rows() / 3;
        engine.add_arrow(&table.name, arrow::batches(table, rows)).unwrap();
    }
    for (id, document) in &case.rules {
        loop {
            let created = engine.create_rule(document.as_str()).await;
            let created =
                created.unwrap_or_else(|e| panic!("rule {id} is refused: {e}\n{document}"));
            if created == *id {
                break;
            }
            // The case's ids have gaps; ours have none but those of deleted rules.
            assert!(created < *id);
            engine.delete_rule(created).await.unwrap();
        }
    }
    engine
}

pub async fn keys_of(engine: &SegmentEngine, id: i64) -> BTreeSet<UserKey> {
    engine.segment(id).await.unwrap().keys().unwrap().iter().map(user_key).collect()
}

/// Runs the case, all rules in one pass over the sources or over a store, and each rule by a plan
/// of its own, and says where engine and oracle differ.
async fn differences(seed: u64, case: &Case) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let store = (seed % 4 < 2).then(|| folder.path().join("store"));
    let threads = 1 + usize::try_from(seed % 3).unwrap();
    let engine = engine_with(case, threads, store.as_deref()).await;
    let mut found = Vec::new();
    // The second time, what the first has stored is read.
    let evaluations: &[Evaluation] = match seed % 4 {
        0 => &[Evaluation::Shared, Evaluation::Shared, Evaluation::Separate, Evaluation::Auto],
        2 => &[Evaluation::Separate],
        _ => &[Evaluation::Shared],
    };
    for evaluation in evaluations {
        let refresh = Refresh::rules(case.rules.iter().map(|(id, _)| *id));
        let refresh = refresh.evaluation(*evaluation).as_of(instant(case.as_of_micros));
        let run = engine.refresh(refresh.reuse(*evaluation == Evaluation::Auto)).await.unwrap();
        let here = differences_of(&engine, &run, case).await;
        found.extend(here.into_iter().map(|what| format!("seed {seed}, {evaluation:?}: {what}")));
    }
    found
}

async fn differences_of(engine: &SegmentEngine, run: &Run, case: &Case) -> Vec<String> {
    let mut found: Vec<String> = run
        .failed
        .iter()
        .map(|failed| {
            let document = &case.rules.iter().find(|(id, _)| *id == failed.rule_id).unwrap().1;
            format!("rule {} failed: {:?}\n{document}", failed.rule_id, failed.problems)
        })
        .collect();
    found.extend(run.skipped.iter().map(|skipped| format!("{skipped:?}")));
    for (id, document) in &case.rules {
        if !run.segments.iter().any(|segment| segment.rule_id == *id) {
            continue;
        }
        let expected = oracle::members(&case.world, &case.rules, *id, case.as_of_micros).unwrap();
        let members = keys_of(engine, *id).await;
        if members != expected {
            let extra: Vec<_> = members.difference(&expected).take(5).collect();
            let lacking: Vec<_> = expected.difference(&members).take(5).collect();
            found.push(format!(
                "rule {id}, as of {}: {} members, the oracle has {}; \
                 too many {extra:?}, too few {lacking:?}\nmodel {}\nrule {document}\nsql {}",
                instant(case.as_of_micros),
                members.len(),
                expected.len(),
                case.world.model_json,
                run.segments.iter().find(|s| s.rule_id == *id).unwrap().sql,
            ));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn differential_engine_and_oracle_agree() {
    let wanted = usize::try_from(setting("SEGMENTRY_RULES", 2_000)).unwrap();
    let first = setting("SEGMENTRY_SEED", 0);
    let mut coverage = Coverage::default();
    let mut rules = 0;
    let mut found = Vec::new();
    let mut seed = first;
    while rules < wanted && found.len() < 10 {
        let case = generate::case(seed, &Options::whole());
        rules += case.rules.len();
        coverage.add(&case.coverage);
        found.extend(differences(seed, &case).await);
        seed += 1;
    }
    println!("seeds {first} to {}, {rules} rules\n{coverage}", seed - 1);
    assert!(found.is_empty(), "{} differences\n{}", found.len(), found.join("\n\n"));
    assert!(coverage.telling_share() >= 0.6, "too few rules tell users apart");
    if wanted >= 2_000 && first == 0 {
        assert!(coverage.missing(20).is_empty(), "seldom: {:?}", coverage.missing(20));
        for what in ["first", "last", "count_distinct", "time:day"] {
            let count = coverage.others.get(&format!("aggregate {what}")).copied().unwrap_or(0);
            assert!(count >= 50, "seldom: {what}, {count} times");
        }
    }
}
