//! The pairs of `pairs.json`: what has to be proved, and what may not be.
//!
//! The expectations are the contract's. A containment that is true and that no proof is asked for
//! is no pair, so that every pair says something exact.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use segmentry::{AudienceModel, DependencyFinder, Rule, RuleLibrary, RuleParser, Table};

use crate::corpus::data::read_type;
use crate::differential::arrow::data_type;
use crate::oracle::json::Json;

/// The whole file: a model, its tables, some rules, and the pairs.
fn document() -> Json {
    Json::parse(include_str!("pairs.json")).unwrap()
}

fn tables(document: &Json) -> Vec<Table> {
    let declared = document.get("non_negative").unwrap().list().unwrap();
    let field = |table: &str, name: &str, ty: &str| {
        let field = Field::new(name, data_type(&read_type(ty)), true);
        let place = format!("{table}.{name}");
        match declared.iter().any(|one| one.text().unwrap() == place) {
            true => field.with_metadata(HashMap::from([(
                "segmentry.non_negative".to_owned(),
                "true".to_owned(),
            )])),
            false => field,
        }
    };
    let tables = document.get("tables").unwrap().members().unwrap().iter();
    let tables = tables.map(|(table, columns)| {
        let columns = columns.members().unwrap().iter();
        let fields: Vec<Field> =
            columns.map(|(name, ty)| field(table, name, ty.text().unwrap())).collect();
        Table { name: table.clone(), schema: Arc::new(Schema::new(fields)) }
    });
    tables.collect()
}

fn library(document: &Json) -> RuleLibrary {
    let model = AudienceModel::parse(document.get("model").unwrap().write().as_str()).unwrap();
    let as_of = document.text_of("as_of").unwrap().unwrap().parse().unwrap();
    let finder = DependencyFinder::new(&model, &tables(document)).unwrap().as_of(as_of);
    let rules = document.get("rules").unwrap().list().unwrap().iter();
    let rules: Vec<(i64, Rule)> = rules
        .map(|rule| {
            let id = rule.get("id").unwrap().write().parse().unwrap();
            (id, RuleParser::parse(rule.write().as_str()).unwrap())
        })
        .collect();
    finder.read(&rules).unwrap()
}

/// One side of a pair as a rule; `p_more` and `q_more` give it a zone or dates.
fn rule(pair: &Json, side: &str) -> Rule {
    let mut members = vec![
        ("rule_name".to_owned(), Json::Text(side.to_owned())),
        ("conditions".to_owned(), pair.get(side).unwrap().clone()),
    ];
    if let Some(more) = pair.get(&format!("{side}_more")) {
        members.extend(more.members().unwrap().to_vec());
    }
    RuleParser::parse(Json::Object(members).write().as_str()).unwrap()
}

/// What is wrong with the answers about one pair.
fn faults(library: &RuleLibrary, pair: &Json) -> Vec<String> {
    let (p, q) = (rule(pair, "p"), rule(pair, "q"));
    let implies = library.implies(&p, &q).unwrap();
    let same = library.is_same(&p, &q).unwrap();
    let mut found = Vec::new();
    if implies != pair.flag("implies") {
        found.push(format!("implies is {implies}"));
    }
    if same != pair.flag("same") {
        found.push(format!("same is {same}"));
    }
    // Sameness and implication go together, whichever of the two is asked.
    if same != library.is_same(&q, &p).unwrap() {
        found.push("same one way round only".to_owned());
    }
    if same && !(implies && library.implies(&q, &p).unwrap()) {
        found.push("same, and yet not implied both ways".to_owned());
    }
    found
}

#[test]
fn reuse_pairs_are_answered_exactly() {
    let document = document();
    let library = library(&document);
    let pairs = document.get("pairs").unwrap().list().unwrap();
    let mut found = Vec::new();
    for pair in pairs {
        let name = pair.text_of("name").unwrap().unwrap();
        let why = pair.text_of("why").unwrap().unwrap();
        found.extend(faults(&library, pair).into_iter().map(|f| format!("{name} ({why}): {f}")));
    }
    let proved = pairs.iter().filter(|pair| pair.flag("implies")).count();
    println!("{} pairs, of which {proved} hold", pairs.len());
    assert!(proved >= 60 && pairs.len() - proved >= 30, "too few pairs of a kind");
    assert!(found.is_empty(), "{} wrong:\n{}", found.len(), found.join("\n"));
}

/// A name says which pair is meant, and no expectation stands twice with different answers.
#[test]
fn reuse_pairs_have_names_of_their_own() {
    let document = document();
    let pairs = document.get("pairs").unwrap().list().unwrap();
    let mut names: Vec<&str> =
        pairs.iter().map(|pair| pair.text_of("name").unwrap().unwrap()).collect();
    names.sort_unstable();
    let before = names.len();
    names.dedup();
    assert_eq!(names.len(), before);
}
