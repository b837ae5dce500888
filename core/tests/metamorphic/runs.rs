//! Laws of runs, of previews and of documents.

use segmentry::{Combinator, Rule, RuleParser, SegmentEngine};
use serde_json::Value;

use crate::differential::{engine_of, instant, keys_of};
use crate::generate::Case;

use super::{assert_none, differing, members_by_name, refreshed, worlds};

/// What is read, written and read again is the same.
#[test]
fn metamorphic_documents_read_back_as_they_were_written() {
    let (mut rules, mut alike) = (0, 0);
    for (seed, case) in worlds(100) {
        for (_, document) in &case.rules {
            let rule = RuleParser::parse(document.as_str()).unwrap();
            let (json, text) = (rule.to_json(), rule.to_json_text());
            let again = RuleParser::parse(text.as_str()).unwrap();
            assert_eq!(again, rule, "seed {seed}: {document}");
            assert_eq!(again.to_json_text(), text, "seed {seed}: {document}");
            let again = RuleParser::parse(&json).unwrap();
            assert_eq!(again.to_json(), json, "seed {seed}: {document}");
            // Where a number is too long for a value it is a string of the same digits there.
            if serde_json::from_str::<Value>(&text).unwrap() == json {
                assert_eq!(again, rule, "seed {seed}: {document}");
                alike += 1;
            }
            rules += 1;
        }
    }
    println!("{rules} rules, {alike} without long numbers");
    assert!(alike * 2 > rules, "{alike} of {rules} rules");
}

/// A second run as of the same instant changes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metamorphic_refreshing_twice_is_refreshing_once() {
    let mut found = Vec::new();
    for (seed, case) in worlds(30) {
        let engine = engine_of(&case, 2).await;
        let ids: Vec<i64> = case.rules.iter().map(|(id, _)| *id).collect();
        let first = refreshed(&engine, &ids, case.as_of_micros).await;
        let mut before = Vec::new();
        for id in &ids {
            before.push(keys_of(&engine, *id).await);
        }
        let second = refreshed(&engine, &ids, case.as_of_micros).await;
        for (one, other) in first.segments.iter().zip(&second.segments) {
            let same = one.rule_id == other.rule_id
                && one.row_count == other.row_count
                && one.entered == one.row_count
                && (one.exited, other.entered, other.exited) == (0, 0, 0);
            if !same {
                found.push(format!("seed {seed}: {one:?}, then {other:?}"));
            }
        }
        for (id, before) in ids.iter().zip(&before) {
            let segment = engine.segment(*id).await.unwrap();
            let changes = segment.changes(1).await.unwrap();
            let moved = changes.entered.len() + changes.exited.len();
            if keys_of(&engine, *id).await != *before || segment.version() != 2 || moved > 0 {
                found.push(format!("seed {seed}, rule {id}: {changes:?}"));
            }
        }
    }
    assert_none(&found);
}

fn under_and(rule: &Rule) -> bool {
    let group = rule.conditions.as_ref();
    rule.operation.is_none() && group.is_some_and(|g| g.combinator == Combinator::And && !g.not)
}

async fn preview_differences(seed: u64, case: &Case, engine: &SegmentEngine) -> Vec<String> {
    let mut found = Vec::new();
    for (id, document) in &case.rules {
        let members = keys_of(engine, *id).await.len() as u64;
        let as_of = instant(case.as_of_micros);
        let preview = engine.preview_as_of(document.as_str(), as_of).await.unwrap();
        let counts: Vec<u64> = preview.steps.iter().map(|step| step.count).collect();
        let rule = RuleParser::parse(document.as_str()).unwrap();
        let mut fault = (preview.count != members).then_some("another count");
        if under_and(&rule) {
            if !counts.is_sorted_by(|one, other| one >= other) {
                fault = Some("a step that adds users");
            }
            let alone = rule.include.is_empty() && rule.exclude.is_empty();
            if alone && counts.last().is_some_and(|last| *last != members) {
                fault = Some("a last step that is not the rule");
            }
        }
        if counts.iter().any(|count| *count > preview.of) {
            fault = Some("a step of more users than there are");
        }
        if preview.sample.num_rows() as u64 != members.min(100) {
            fault = Some("a sample of another size");
        }
        if let Some(fault) = fault {
            let count = preview.count;
            found.push(format!(
                "seed {seed}, rule {id}: {fault}; {members} members, {count} in the preview, steps \
                 {counts:?}\n{document}"
            ));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metamorphic_a_preview_counts_what_a_refresh_gives() {
    let mut found = Vec::new();
    for (seed, case) in worlds(30) {
        let engine = engine_of(&case, 2).await;
        let ids: Vec<i64> = case.rules.iter().map(|(id, _)| *id).collect();
        refreshed(&engine, &ids, case.as_of_micros).await;
        found.extend(preview_differences(seed, &case, &engine).await);
    }
    assert_none(&found);
}

/// The same rules in an engine that got them in the opposite order, so that rules come before
/// those that they need.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metamorphic_the_order_of_rules_does_not_matter() {
    let mut found = Vec::new();
    for (seed, case) in worlds(30) {
        let engine = engine_of(&case, 1).await;
        let mut documents: Vec<Value> = engine.export_rules().await.unwrap();
        documents.reverse();
        let bare = Case { rules: Vec::new(), coverage: Default::default(), ..case };
        let other = engine_of(&bare, 2).await;
        other.import_rules(&documents).await.unwrap();
        let members = members_by_name(&engine, bare.as_of_micros).await;
        let others = members_by_name(&other, bare.as_of_micros).await;
        found.extend(differing(&members, &others).into_iter().map(|d| format!("seed {seed}, {d}")));
    }
    assert_none(&found);
}
