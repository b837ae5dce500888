//! Queries of react-querybuilder, as its own functions write them: each is a rule's conditions as
//! it stands, and engine, row oracle and what was worked out by hand agree on its members.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use segmentry::{AudienceModel, MemoryCatalog, Refresh, RuleParser, SegmentEngine};

use crate::corpus::data;
use crate::corpus::expected::Expected;
use crate::differential::{arrow, instant, keys_of};
use crate::oracle::json::Json;
use crate::oracle::{self, World};

/// 1 June 2025, 00:00 UTC.
const AS_OF: i64 = 1_748_736_000_000_000;

/// What the package writes and the language does not have: the codes and places of the errors.
///
/// - `true` and `false` as text;
/// - `xor`: groups are `and` or `or`;
/// - a placeholder `~` for a field not chosen yet, or a field that the model has not;
/// - the empty text of a value not given yet, where the field is no string, and half a range of
///   such values; a range from high to low;
/// - ranges and lists of fields: `valueSource` is for comparisons;
/// - match modes, which ask about the elements of a list by a query of their own;
/// - members that a form adds for itself, but those that every form has.
const REFUSED: [(&str, &[(&str, &str)]); 11] = [
    ("refused-boolean-as-text", &[("type_mismatch", "/conditions/rules/0/value")]),
    ("refused-extra-member", &[("unknown_member", "/conditions/rules/0/readonly")]),
    ("refused-half-a-range", &[("bad_value", "/conditions/rules/0/value")]),
    ("refused-list-of-fields", &[("bad_operator", "/conditions/rules/0/operator")]),
    (
        "refused-match-mode",
        &[
            ("unknown_member", "/conditions/rules/0/match"),
            ("bad_value", "/conditions/rules/0/value"),
        ],
    ),
    ("refused-number-not-given", &[("type_mismatch", "/conditions/rules/0/value")]),
    ("refused-placeholder", &[("unknown_field", "/conditions/rules/0/field")]),
    ("refused-range-backwards", &[("bad_value", "/conditions/rules/0/value")]),
    ("refused-range-of-fields", &[("bad_operator", "/conditions/rules/0/operator")]),
    ("refused-unknown-field", &[("unknown_field", "/conditions/rules/0/field")]),
    ("refused-xor", &[("bad_value", "/conditions/combinator")]),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/querybuilder")
}

fn text(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

fn world() -> World {
    World::new(text("model.json"), data::tables(&Json::parse(&text("data.json")).unwrap()))
}

async fn engine_of(world: &World) -> SegmentEngine {
    let model = AudienceModel::parse(world.model_json.as_str()).unwrap();
    let builder = SegmentEngine::builder().catalog(MemoryCatalog::new()).threads(2).model(model);
    let engine = builder.build().await.unwrap();
    for table in &world.tables {
        engine.add_arrow(&table.name, arrow::batches(table, 3)).unwrap();
    }
    engine
}

/// A rule around a document, which stays as it was written.
fn rule(name: &str) -> String {
    let conditions = text(&format!("documents/{name}.json"));
    format!("{{\"rule_name\": \"{name}\", \"conditions\": {conditions}}}")
}

fn documents() -> BTreeSet<String> {
    let files = std::fs::read_dir(folder().join("documents")).unwrap();
    let stem = |path: PathBuf| path.file_stem().unwrap().to_string_lossy().into_owned();
    files.map(|file| stem(file.unwrap().path())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn querybuilder_documents_are_rules_as_they_stand() {
    let expected = Json::parse(&text("expected.json")).unwrap();
    let expected = expected.members().unwrap();
    let refused = REFUSED.iter().map(|(name, ..)| (*name).to_owned());
    let known: BTreeSet<String> =
        expected.iter().map(|(name, _)| name.clone()).chain(refused).collect();
    assert_eq!(known, documents());
    assert!(expected.len() >= 99, "only {} documents", expected.len());

    let world = world();
    let engine = engine_of(&world).await;
    let mut found = Vec::new();
    let mut rules = Vec::new();
    for (name, members) in expected {
        let document = rule(name);
        let stored = match RuleParser::parse(document.as_str()) {
            Ok(parsed) => parsed.to_json().to_string(),
            Err(error) => {
                found.push(format!("{name} is refused: {error}"));
                continue;
            }
        };
        match engine.create_rule(document.as_str()).await {
            Ok(id) => rules.push((id, document, stored, name, Expected::read(members))),
            Err(error) => found.push(format!("{name} is refused: {error}\n{document}")),
        }
    }
    let refresh = Refresh::rules(rules.iter().map(|(id, ..)| *id));
    let run = engine.refresh(refresh.as_of(instant(AS_OF))).await.unwrap();
    assert!(run.failed.is_empty() && run.skipped.is_empty(), "{:?} {:?}", run.failed, run.skipped);
    for (id, document, stored, name, expected) in rules {
        let members = keys_of(&engine, id).await;
        if let Err(difference) = expected.agrees(&members) {
            found.push(format!("{name}, engine: {difference}\n{document}"));
        }
        // As it was written, and in the form in which it is stored.
        for document in [document, stored] {
            let members = oracle::members(&world, &[(id, document.clone())], id, AS_OF);
            let agrees = members.map_err(|e| e.to_string()).and_then(|m| expected.agrees(&m));
            if let Err(difference) = agrees {
                found.push(format!("{name}, oracle: {difference}\n{document}"));
            }
        }
    }
    assert!(found.is_empty(), "{} differences\n{}", found.len(), found.join("\n\n"));
}

#[tokio::test]
async fn querybuilder_documents_beyond_the_language_are_refused() {
    let engine = engine_of(&world()).await;
    let mut found = Vec::new();
    for (name, expected) in REFUSED {
        match engine.create_rule(rule(name).as_str()).await {
            Ok(_) => found.push(format!("{name} is accepted")),
            Err(error) => {
                let told = error.problems().iter();
                let told: Vec<(&str, &str)> =
                    told.map(|problem| (problem.code.as_str(), problem.path.as_str())).collect();
                if told != expected {
                    found.push(format!("{name}: {told:?}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
