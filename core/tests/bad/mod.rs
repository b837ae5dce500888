//! Bad rules: every problem of each with its code and place, nothing stored, nothing panics.

mod deep;
mod limits;
mod world;

use std::collections::BTreeSet;

use chrono::TimeDelta;
use segmentry::{AudienceModel, Clock, Problem, RuleParser, SegmentEngine, SystemClock};
use serde::Deserialize;

use world::engine;

/// One bad document, with everything that is wrong with it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bad {
    name: String,
    rule: Option<serde_json::Value>,
    /// The document as it is sent, where it is no JSON.
    text: Option<String>,
    /// A model in place of a rule.
    model: Option<serde_json::Value>,
    /// Conditions in text form in place of a rule.
    form: Option<String>,
    /// The rule whose new wording it would be, where it is no new rule.
    update: Option<i64>,
    problems: Vec<Expected>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    code: String,
    path: String,
    hint: Option<String>,
}

fn documents() -> Vec<(String, Bad)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bad/documents");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    let mut found = Vec::new();
    for file in files {
        let theme = file.file_stem().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).unwrap();
        let bad: Vec<Bad> = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{theme}: {e}"));
        found.extend(bad.into_iter().map(|bad| (format!("{theme}: {}", bad.name), bad)));
    }
    found
}

fn told(problems: &[Problem]) -> Vec<(String, String)> {
    let mut told: Vec<_> =
        problems.iter().map(|p| (p.path.clone(), p.code.as_str().to_owned())).collect();
    told.sort();
    told
}

/// What is told of a document, by all verbs that take it.
async fn problems(
    engine: &SegmentEngine,
    name: &str,
    bad: &Bad,
    wrong: &mut Vec<String>,
) -> Vec<Problem> {
    fn told<T>(outcome: segmentry::Result<T>) -> Vec<Problem> {
        outcome.map_or_else(segmentry::Error::into_problems, |_| Vec::new())
    }
    let text = match (&bad.rule, &bad.text, &bad.model, &bad.form) {
        (Some(rule), None, None, None) => rule.to_string(),
        (None, Some(text), None, None) => text.clone(),
        (None, None, Some(model), None) => return told(AudienceModel::parse(model)),
        (None, None, None, Some(form)) => return told(RuleParser::parse_text(form)),
        _ => panic!("{name}: one of a rule, a text, a model and conditions in text form"),
    };
    if let Some(id) = bad.update {
        return told(engine.update_rule(id, &text).await);
    }
    let validated = engine.validate(&text).await.unwrap();
    match engine.create_rule(&text).await {
        Ok(id) => {
            wrong.push(format!("{name}: was stored"));
            engine.delete_rule(id).await.unwrap();
        }
        Err(error) if error.problems() != validated => {
            wrong.push(format!("{name}: create_rule tells other problems:\n{error}"));
        }
        Err(_) => {}
    }
    validated
}

#[tokio::test]
async fn bad_rules_get_exactly_their_problems() {
    let engine = engine().await;
    let before = engine.export_rules().await.unwrap();
    let documents = documents();
    assert!(documents.len() >= 500, "{}", documents.len());
    let mut wrong = Vec::new();
    let mut different = BTreeSet::new();
    let mut slowest = (TimeDelta::zero(), "");
    for (name, bad) in &documents {
        let begun = SystemClock.now();
        let problems = problems(&engine, name, bad, &mut wrong).await;
        slowest = slowest.max((SystemClock.now() - begun, name));
        let given = (&bad.rule, &bad.text, &bad.model, &bad.form, bad.update);
        if !different.insert(format!("{given:?}")) {
            wrong.push(format!("{name}: there is such a document already"));
        }
        let mut expected: Vec<_> =
            bad.problems.iter().map(|p| (p.path.clone(), p.code.clone())).collect();
        expected.sort();
        if told(&problems) != expected {
            wrong.push(format!("{name}: expected {expected:?}, found\n    {problems:?}"));
        }
        for expected in &bad.problems {
            let Some(hint) = &expected.hint else { continue };
            let of = |p: &&Problem| p.path == expected.path && p.code.as_str() == expected.code;
            let found = problems.iter().filter(of).find_map(|p| p.hint.clone());
            if found.as_ref() != Some(hint) {
                wrong.push(format!("{name}: expected the hint {hint:?}, found {found:?}"));
            }
        }
        if problems.iter().any(|p| p.message.is_empty() || p.message.len() > 2_000) {
            wrong.push(format!("{name}: a message of no use: {problems:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}\n{}", wrong.len(), documents.len(), wrong.join("\n"));
    assert_eq!(engine.export_rules().await.unwrap(), before);
    assert_eq!(engine.rules(1, 10, None).await.unwrap().total, 3);
    let (taken, name) = (slowest.0.num_microseconds().unwrap() as f64 / 1e3, slowest.1);
    let count = documents.len();
    let figure =
        format!("{count} exact, by validate and create_rule; the slowest {taken:.1} ms ({name})");
    crate::reached("bad", figure);
}

#[test]
fn bad_rules_cover_every_code_of_a_document() {
    let documents = documents();
    for code in [
        "malformed",
        "unknown_member",
        "missing_member",
        "unknown_field",
        "type_mismatch",
        "bad_operator",
        "bad_value",
        "bad_window",
        "bad_date",
        "bad_timezone",
        "bad_schedule",
        "bad_name",
        "duplicate_name",
        "unknown_rule",
        "dependency_cycle",
        "unsupported",
    ] {
        let with = |bad: &Bad| bad.problems.iter().any(|problem| problem.code == code);
        assert!(documents.iter().any(|(_, bad)| with(bad)), "{code}");
    }
}

#[tokio::test]
async fn bad_rules_name_every_rule_on_a_cycle() {
    let engine = engine().await;
    let rule = r#"{"rule_name": "High spenders", "depends_on": ["Café"], "operation": "UNION"}"#;
    let error = engine.update_rule(1, rule).await.unwrap_err();
    let message = &error.problems()[0].message;
    let round = r#""High spenders" needs "Café" needs "Lapsed" needs "High spenders""#;
    assert!(message.contains(round), "{message}");
}
