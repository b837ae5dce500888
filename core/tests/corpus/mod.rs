//! The cases of `tests/cases`: engine, row oracle and what was worked out by hand agree.

mod case;
pub mod data;
pub mod expected;
mod explain;
mod parquet;
mod schema;

use std::collections::BTreeSet;

use segmentry::{
    AudienceModel, Catalog, Evaluation, MemoryCatalog, Refresh, SegmentEngine, SqliteCatalog,
};

use crate::differential::{arrow, instant, keys_of};
use crate::oracle;

use case::{Case, Run};

/// Registers the case's tables as batches, whatever they are registered as.
fn tables_in_memory(engine: &SegmentEngine, case: &Case) {
    for table in &case.world.tables {
        let batches = arrow::batches(table, 1 + table.rows() / 2);
        engine.add_arrow(&table.name, batches).unwrap();
    }
}

/// An engine with the case's tables and rules; the rules' ids are their places in the list.
async fn engine_of(case: &Case, catalog: impl Catalog + 'static) -> SegmentEngine {
    let builder = SegmentEngine::builder().catalog(catalog).threads(2);
    let builder = match case.world.model_json.is_empty() {
        true => builder,
        false => builder.model(AudienceModel::parse(case.world.model_json.as_str()).unwrap()),
    };
    let engine = builder.build().await.unwrap();
    match &case.shared {
        Some(folder) => {
            for (table, file) in parquet::files(folder) {
                engine.add_parquet(&table, file).await.unwrap();
            }
        }
        None => tables_in_memory(&engine, case),
    }
    for (id, document) in &case.rules {
        let created = engine.create_rule(document.as_str()).await;
        let created = created.unwrap_or_else(|e| panic!("{}: {e}\n{document}", case.name));
        assert_eq!(created, *id, "{}", case.name);
    }
    engine
}

/// What is wrong with the segments that an engine gives when it works rules out that way; with
/// reuse where it may choose.
async fn differences(case: &Case, engine: &SegmentEngine, way: Evaluation) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for Run { as_of, expected } in &case.runs {
        let as_of = instant(*as_of);
        let refresh = Refresh::rules(case.rules.iter().map(|(id, _)| *id)).as_of(as_of);
        let refresh = refresh.evaluation(way).reuse(way == Evaluation::Auto);
        let run = engine.refresh(refresh).await.unwrap();
        found.extend(run.failed.iter().map(|failed| format!("{}: {failed:?}", case.name)));
        found.extend(run.skipped.iter().map(|skipped| format!("{}: {skipped:?}", case.name)));
        if !found.is_empty() {
            return found;
        }
        for ((id, document), name) in case.rules.iter().zip(&case.names) {
            let members = keys_of(engine, *id).await;
            if let Err(difference) = expected[name].agrees(&members) {
                found.push(format!(
                    "{}, engine, {way:?}, as of {as_of}, rule {name:?}: \
                     {difference}\n{document}",
                    case.name
                ));
            }
        }
    }
    found
}

/// The same of the oracle, and of the case itself: each has a rule that tells users apart.
fn oracle_differences(case: &Case) -> Vec<String> {
    let mut found = Vec::new();
    let population = case.world.population().unwrap();
    let mut telling = false;
    for Run { as_of, expected } in &case.runs {
        for ((id, document), name) in case.rules.iter().zip(&case.names) {
            let about = format!("{}, oracle, as of {}, rule {name:?}", case.name, instant(*as_of));
            let members = match oracle::members(&case.world, &case.rules, *id, *as_of) {
                Ok(members) => members,
                Err(error) => {
                    found.push(format!("{about}: {error}\n{document}"));
                    continue;
                }
            };
            telling |= !members.is_empty() && members != population;
            if let Err(difference) = expected[name].agrees(&members) {
                found.push(format!("{about}: {difference}\n{document}"));
            }
        }
    }
    if !telling {
        found.push(format!("{}: no rule has members and others", case.name));
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn corpus_cases_have_the_members_worked_out_by_hand() {
    let cases = case::all().await;
    assert!(cases.len() >= 130, "only {} cases", cases.len());
    let folder = tempfile::tempdir().unwrap();
    let mut found = Vec::new();
    for case in &cases {
        let names: BTreeSet<&String> = case.names.iter().collect();
        let expected: BTreeSet<&String> =
            case.runs.iter().flat_map(|run| run.expected.keys()).collect();
        if names != expected {
            found.push(format!("{}: rules {names:?}, expected {expected:?}", case.name));
            continue;
        }
        found.extend(oracle_differences(case));
        let engine = engine_of(case, MemoryCatalog::new()).await;
        found.extend(differences(case, &engine, Evaluation::Shared).await);
        found.extend(differences(case, &engine, Evaluation::Separate).await);
        let file = folder.path().join(format!("{}.db", case.name));
        let engine = engine_of(case, SqliteCatalog::open(file).unwrap()).await;
        found.extend(differences(case, &engine, Evaluation::Auto).await);
    }
    let rules: usize = cases.iter().map(|case| case.rules.len()).sum();
    println!("{} cases, {rules} rules", cases.len());
    assert!(found.is_empty(), "{} differences\n{}", found.len(), found.join("\n\n"));
}

#[tokio::test]
async fn corpus_cdnow_adds_up() {
    let case = case::all().await.into_iter().find(|case| case.shared.is_some()).unwrap();
    let engine = engine_of(&case, MemoryCatalog::new()).await;
    let summary = engine.summary().await.unwrap();
    assert_eq!(summary.total_users, 23_570);
    assert_eq!(summary.total_transactions, 69_659);
    assert_eq!(summary.total_spend.as_deref(), Some("2500315.63"));
}
