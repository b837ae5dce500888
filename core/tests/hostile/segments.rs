//! Hostile strings as names of rules and segments, and as what is searched for.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use segmentry::{AudienceModel, Code, Key, Refresh, RuleEntry, RuleParser, RuleRef, SegmentEngine};
use serde_json::json;
use unicode_normalization::UnicodeNormalization;

use super::ground::Ground;
use super::{batches, is_typed};

const SIZE: usize = 60;

/// The name as it is kept, if it can be one.
fn name_of(text: &str) -> Option<String> {
    let name: String = text.nfc().collect();
    let good = !name.trim().is_empty()
        && name.chars().count() <= 200
        && !name.chars().any(char::is_control);
    good.then_some(name)
}

async fn engine(ground: &Ground) -> SegmentEngine {
    let model = AudienceModel::parse(r#"{"users": {"table": "people", "key": "id"}}"#).unwrap();
    let builder = SegmentEngine::builder().catalog(ground.catalog()).model(model).threads(1);
    let engine = builder.build().await.unwrap();
    let ids = Int64Array::from_iter_values(0..SIZE as i64);
    let people = RecordBatch::try_from_iter([("id", Arc::new(ids) as _)]).unwrap();
    engine.add_arrow("people", vec![people]).unwrap();
    engine
}

/// Rules that take the names, each with the user of its number.
async fn name_rules(engine: &SegmentEngine, texts: &[String]) -> BTreeMap<String, i64> {
    let mut named: BTreeMap<String, i64> = BTreeMap::new();
    for (number, text) in texts.iter().enumerate() {
        let condition = json!([{"field": "id", "operator": "=", "value": number}]);
        let rule = json!({"rule_name": text, "description": text, "conditions": condition});
        match (engine.create_rule(&rule).await, name_of(text)) {
            (Ok(id), Some(name)) => {
                assert_eq!(engine.rule(name.as_str()).await.unwrap().id, id);
                assert!(named.insert(name, number as i64).is_none(), "{text:?} is there twice");
            }
            (Err(error), None) => assert_eq!(error.code(), Code::BadName, "{text:?}: {error}"),
            (Err(error), Some(name)) => {
                assert_eq!(error.code(), Code::DuplicateName, "{text:?}: {error}");
                assert!(named.contains_key(&name), "{text:?}: {error}");
            }
            (Ok(_), None) => panic!("{text:?} is no name"),
        }
    }
    named
}

async fn keys(engine: &SegmentEngine, rule: impl Into<RuleRef>) -> Vec<Key> {
    engine.segment(rule).await.unwrap().keys().unwrap().iter().collect()
}

async fn check(ground: &Ground, texts: &[String]) -> usize {
    let engine = engine(ground).await;
    let named = name_rules(&engine, texts).await;
    let mut dependents = Vec::new();
    for (name, number) in &named {
        let condition = json!([{"field": "segment", "operator": "in", "value": name}]);
        let asks = json!({"rule_name": format!("asks {number}"), "conditions": condition});
        dependents.push((*number, name, engine.create_rule(&asks).await.unwrap()));
        let conditions = RuleParser::parse(&asks).unwrap().conditions.unwrap();
        let written = conditions.to_text();
        let read = RuleParser::parse_text(&written).unwrap_or_else(|e| panic!("{written}\n{e}"));
        assert!(read.conditions.as_ref() == Some(&conditions), "{written}");
        let takes = json!({"rule_name": format!("takes {number}"), "depends_on": [name], "operation": "UNION"});
        dependents.push((*number, name, engine.create_rule(&takes).await.unwrap()));
    }
    let run = engine.refresh(Refresh::all()).await.unwrap();
    assert_eq!(run.failed, []);
    for (number, name, id) in &dependents {
        assert_eq!(keys(&engine, *id).await, [Key::Int(*number)], "{name:?}");
        let lineage = engine.lineage(*id).await.unwrap();
        let (nodes, edges) = (lineage.nodes.len(), lineage.edges.len());
        let mermaid = lineage.to_mermaid();
        assert_eq!(mermaid.lines().count(), 2 + nodes + edges, "{mermaid}");
        assert_eq!(mermaid.matches('"').count(), 2 * (nodes + edges), "{mermaid}");
        let bare = outside_of_quotes(&lineage.to_dot());
        let drawn = bare.lines().filter(|line| line.contains("label")).count();
        assert_eq!(drawn, nodes + edges, "{name:?}\n{bare}");
        assert!(!bare.contains('"'), "{name:?}\n{bare}");
    }
    for (name, number) in &named {
        assert_eq!(keys(&engine, name.as_str()).await, [Key::Int(*number)], "{name:?}");
        let explained = engine.explain(RuleRef::Name(name.clone()), *number).await.unwrap();
        assert!(explained.member, "{name:?}");
        let error = engine.delete_rule(name.as_str()).await.unwrap_err();
        assert_eq!(error.code(), Code::RuleInUse, "{name:?}: {error}");
    }
    let total = engine.rules(1, 1, None).await.unwrap().total;
    for text in texts {
        search(&engine, text, total).await;
        let error = engine.segment(format!("{text}!").as_str()).await.unwrap_err();
        assert_eq!(error.code(), Code::NotFound, "{text:?}: {error}");
    }
    for (_, _, id) in dependents {
        engine.delete_rule(id).await.unwrap();
    }
    for name in named.keys() {
        engine.delete_rule(name.as_str()).await.unwrap();
    }
    assert_eq!(engine.rules(1, 1, None).await.unwrap().total, 0);
    named.len()
}

/// What is left of a drawing without its labels, in which a backslash escapes.
fn outside_of_quotes(dot: &str) -> String {
    let (mut bare, mut inside) = (String::new(), false);
    let mut letters = dot.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if inside => drop(letters.next()),
            '"' => inside = !inside,
            letter if !inside => bare.push(letter),
            _ => {}
        }
    }
    assert!(!inside, "{dot}");
    bare
}

/// A search finds what has the text in its name, and nothing is a wildcard: of rules in any case,
/// of segments in any case of ASCII.
async fn search(engine: &SegmentEngine, text: &str, total: usize) {
    let all = engine.rules(1, total, None).await.unwrap();
    let expected = |lower: fn(&str) -> String| -> Vec<i64> {
        let wanted = lower(text);
        let name = |rule: &RuleEntry| lower(rule.document["rule_name"].as_str().unwrap());
        all.items.iter().filter(|rule| name(rule).contains(&wanted)).map(|rule| rule.id).collect()
    };
    let found = engine.rules(1, total, Some(text)).await.unwrap();
    let found: Vec<i64> = found.items.iter().map(|rule| rule.id).collect();
    assert_eq!(found, expected(str::to_lowercase), "{text:?}");
    let found = engine.segments(1, total, Some(text)).await.unwrap();
    let found: Vec<i64> = found.items.iter().map(|row| row.rule_id).collect();
    assert_eq!(found, expected(str::to_ascii_lowercase), "{text:?}");
}

#[tokio::test]
async fn hostile_names_of_segments_are_names() {
    let (mut tried, mut good) = (0, 0);
    for batch in batches(SIZE) {
        let ground = Ground::new(|_| {});
        good += check(&ground, &batch).await;
        tried += batch.len();
        ground.check();
    }
    println!("{good} of {tried} are names of rules");
    assert!(good * 2 > tried);
}

#[tokio::test]
async fn hostile_escapes_in_documents_are_told() {
    let ground = Ground::new(|_| {});
    let engine = engine(&ground).await;
    for escape in [
        "\\ud800",
        "\\udc00",
        "\\ud800\\ud800",
        "\\udfff\\ud800",
        "\\ud83dx",
        "\\u12",
        "\\x41",
        "\\u{41}",
        "\\",
        "\\ud83d\\u0041",
        "\\uD83D\\",
        "\\'",
    ] {
        for document in [
            format!(r#"{{"rule_name": "a{escape}", "conditions": []}}"#),
            format!(
                r#"{{"rule_name": "a", "conditions": [{{"field": "id{escape}", "operator": "null"}}]}}"#
            ),
            format!(r#"{{"rule_name": "a", "conditions": [], "x{escape}": 1}}"#),
        ] {
            let error = engine.create_rule(document.as_str()).await.unwrap_err();
            assert_eq!(error.code(), Code::Malformed, "{document}: {error}");
            assert!(is_typed(&error));
        }
    }
    for (escape, letter) in [("\\ud83d\\ude00", "😀"), ("\\u0041", "A"), ("\\/", "/")] {
        let document = format!(r#"{{"rule_name": "{escape}", "conditions": []}}"#);
        engine.create_rule(document.as_str()).await.unwrap();
        assert_eq!(engine.rule(letter).await.unwrap().document["rule_name"], json!(letter));
    }
    ground.check();
}
