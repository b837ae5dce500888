//! Segments that answer other rules: what is used, what is not, and what people are told.

use std::fs::File;
use std::time::{Duration, SystemTime};

use segmentry::{How, LineageKind, Operation, RuleDocument, SqliteCatalog};

use super::*;

fn rule(name: &str, conditions: Value) -> Value {
    json!({"rule_name": name, "conditions": conditions})
}

fn in_tier(tier: i64) -> Value {
    json!({"field": "tier", "operator": "=", "value": tier})
}

fn spends(amount: i64) -> Value {
    json!({"events": "buys", "aggregate": "sum", "field": "amount", "operator": ">", "value": amount,
           "window": {"start": "2025-01-01", "end": "2025-01-31"}})
}

fn reused(run: &Run, id: i64) -> Vec<(i64, How, Operation)> {
    let segment = run.segments.iter().find(|segment| segment.rule_id == id).unwrap();
    assert!(segment.reused.iter().all(|reused| reused.chosen));
    segment.reused.iter().map(|r| (r.rule_id, r.how, r.operation)).collect()
}

#[tokio::test]
async fn reuse_of_equal_parts_in_one_run() {
    let engine = engine().await;
    let spenders = engine.create_rule(rule("Spenders", json!([spends(400)]))).await.unwrap();
    // The same by a trait, behind a double negation, beside something else.
    let trait_of = json!({"field": "total_spend", "operator": ">", "value": 400,
                          "window": {"start": "2025-01-01", "end": "2025-01-31"}});
    let not_not = json!({"not": true, "rules": [{"not": true, "rules": [trait_of]}]});
    let both = rule("Both", json!([in_tier(1), not_not]));
    let both = engine.create_rule(both).await.unwrap();
    let others = rule("Others", json!({"not": true, "rules": [spends(400)]}));
    let others = engine.create_rule(others).await.unwrap();
    let either = json!({"combinator": "or", "rules": [in_tier(0), spends(400)]});
    let either = engine.create_rule(rule("Either", either)).await.unwrap();
    let run = refresh(&engine).await;
    assert_eq!(reused(&run, spenders), []);
    assert_eq!(reused(&run, both), [(spenders, How::Equal, Operation::Intersection)]);
    assert_eq!(reused(&run, others), [(spenders, How::Equal, Operation::Difference)]);
    assert_eq!(reused(&run, either), [(spenders, How::Equal, Operation::Union)]);
    assert_eq!(keys(&engine, both).await, [7, 10]);
    assert_eq!(keys(&engine, others).await, [1, 2, 3, 4]);
    assert_eq!(keys(&engine, either).await, [3, 5, 6, 7, 8, 9, 10]);
    let without = engine.refresh(Refresh::all().reuse(false)).await.unwrap();
    assert!(without.segments.iter().all(|s| s.reused.is_empty() && s.entered + s.exited == 0));
}

#[tokio::test]
async fn reuse_is_never_a_dependency() {
    let engine = engine().await;
    let spenders = engine.create_rule(rule("Spenders", json!([spends(400)]))).await.unwrap();
    let both = engine.create_rule(rule("Both", json!([in_tier(1), spends(400)]))).await.unwrap();
    refresh(&engine).await;
    assert_eq!(engine.rule(both).await.unwrap().document.get("depends_on"), None);
    // A segment that is reused does not keep its rule from being deleted.
    engine.delete_rule(spenders).await.unwrap();
    let run = refresh(&engine).await;
    assert!(run.failed.is_empty() && run.skipped.is_empty());
    assert_eq!(keys(&engine, both).await, [7, 10]);
}

#[tokio::test]
async fn reuse_does_without_a_rule_that_fails() {
    let engine = engine().await;
    let spenders = engine.create_rule(rule("Spenders", json!([spends(400)]))).await.unwrap();
    let both = engine.create_rule(rule("Both", json!([in_tier(1), spends(400)]))).await.unwrap();
    refresh(&engine).await;
    // Another type of a column that this one was computed from fails it, and the other with it,
    // unless that has a new wording.
    let mut text = people();
    let tiers = StringArray::from_iter_values((1..=10).map(|id| (id % 3).to_string()));
    let names = ["id", "tier", "country"];
    let columns = [text.column(0).clone(), Arc::new(tiers) as _, text.column(2).clone()];
    text = batch(names.into_iter().zip(columns).collect());
    engine.add_arrow("people", vec![text]).unwrap();
    let worded =
        rule("Both", json!([{"field": "tier", "operator": "=", "value": "1"}, spends(400)]));
    engine.update_rule(both, worded).await.unwrap();
    let odd = rule("Spenders", json!([spends(400), {"field": "tier", "operator": "notNull"}]));
    engine.update_rule(spenders, odd).await.unwrap();
    let run = refresh(&engine).await;
    assert!(run.failed.is_empty(), "{:?}", run.failed);
    assert_eq!(reused(&run, both), [(spenders, How::Contains, Operation::Intersection)]);
    assert_eq!(keys(&engine, both).await, [7, 10]);
}

#[tokio::test]
async fn reuse_of_windows_goes_by_instants() {
    let engine = engine().await;
    let last = |days: &str, operator: &str, value: i64| json!({"events": "buys", "operator": operator, "value": value, "window": {"last": days}});
    let short = engine.create_rule(rule("Short", json!([last("25 days", ">=", 1)]))).await.unwrap();
    let long = engine.create_rule(rule("Long", json!([last("28 days", ">=", 1)]))).await.unwrap();
    let none = rule("None", json!([last("25 days", "=", 0), in_tier(1)]));
    let none = engine.create_rule(none).await.unwrap();
    let found = engine.dependencies(none).await.unwrap();
    assert_eq!(
        (found.depends_on.as_slice(), found.order.as_slice()),
        (&[][..], &[short, none][..])
    );
    let used: Vec<_> = found.reused.iter().map(|r| (r.rule_id, r.how, r.operation)).collect();
    assert_eq!(used, [(short, How::Equal, Operation::Difference)]);
    assert_eq!(found.reused[0].covers, ["/conditions/0"]);
    assert_eq!(found.evaluated, ["/conditions/1"]);
    let found = engine.dependencies(short).await.unwrap();
    let used: Vec<_> = found.reused.iter().map(|r| (r.rule_id, r.how, r.chosen)).collect();
    assert_eq!(used, [(long, How::Contains, false)]);
    let run = refresh(&engine).await;
    assert_eq!(reused(&run, none), [(short, How::Equal, Operation::Difference)]);
    assert_eq!(keys(&engine, none).await, [1, 4]);
}

#[tokio::test]
async fn stored_segments_serve_while_their_tables_stay() {
    let engine = engine().await;
    let spenders = engine.create_rule(rule("Spenders", json!([spends(400)]))).await.unwrap();
    let recent =
        json!([{"events": "buys", "operator": ">", "value": 0, "window": {"last": "25 days"}}]);
    let recent = engine.create_rule(rule("Recent", recent)).await.unwrap();
    let first = refresh(&engine).await;
    assert_eq!(first.scanned["buys"], 10, "once for both");
    // The window of the one stands still, that of the other moves along.
    let later = Refresh::all().as_of(at("2025-02-02T00:00:00Z"));
    let run = engine.refresh(later).await.unwrap();
    assert_eq!(reused(&run, spenders), [(spenders, How::Equal, Operation::Intersection)]);
    assert_eq!((reused(&run, recent).len(), run.scanned["buys"]), (0, 10));
    assert_eq!(engine.segment(spenders).await.unwrap().as_of(), at("2025-02-02T00:00:00Z"));
    // The segment of a rule that is not in the run serves one that is.
    let both = engine.create_rule(rule("Both", json!([in_tier(1), spends(400)]))).await.unwrap();
    let run = engine.refresh(Refresh::rules([both])).await.unwrap();
    assert_eq!(reused(&run, both), [(spenders, How::Equal, Operation::Intersection)]);
    assert!(!run.scanned.contains_key("buys"), "{:?}", run.scanned);
    assert_eq!(keys(&engine, both).await, [7, 10]);
    // Another table under the name is another table, whatever is in it.
    engine.add_arrow("buys", vec![buys()]).unwrap();
    let run = engine.refresh(Refresh::rules([both])).await.unwrap();
    assert_eq!((reused(&run, both).len(), run.scanned["buys"]), (0, 10));
}

/// Files are known to be as they were by path, size and time of change, once that is not quite now.
#[tokio::test]
async fn stored_segments_serve_while_files_stay() {
    let folder = tempfile::tempdir().unwrap();
    let (people_path, buys_path) =
        (folder.path().join("people.parquet"), folder.path().join("buys.parquet"));
    write_parquet(&people_path, &people());
    write_parquet(&buys_path, &buys());
    let write_back = |path: &Path, hours: u64| {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000 + hours * 3600);
        File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
    };
    let catalog = folder.path().join("audience.db");
    let open = async || {
        let engine = bare_on(SqliteCatalog::open(&catalog).unwrap()).await;
        engine.add_parquet("people", &people_path).await.unwrap();
        engine.add_parquet("buys", &buys_path).await.unwrap();
        engine
    };
    let engine = open().await;
    let id = engine.create_rule(rule("Spenders", json!([spends(400)]))).await.unwrap();
    // So young that a change might not show.
    refresh(&engine).await;
    assert_eq!(reused(&refresh(&engine).await, id), []);
    write_back(&people_path, 1);
    write_back(&buys_path, 1);
    refresh(&engine).await;
    drop(engine);
    // In another process as well.
    let engine = open().await;
    assert_eq!(reused(&refresh(&engine).await, id).len(), 1);
    write_back(&buys_path, 2);
    assert_eq!(reused(&refresh(&engine).await, id), []);
    assert_eq!(keys(&engine, id).await, [5, 6, 7, 8, 9, 10]);
}

#[tokio::test]
async fn an_ancestor_at_another_instant_or_wording_is_computed_again() {
    let engine = engine().await;
    let last =
        json!([{"events": "buys", "operator": ">", "value": 0, "window": {"last": "25 days"}}]);
    let recent = engine.create_rule(rule("Recent", last)).await.unwrap();
    let child = json!({"rule_name": "Child", "depends_on": [recent], "operation": "INTERSECTION",
                       "conditions": [in_tier(1)]});
    let child = engine.create_rule(child).await.unwrap();
    refresh(&engine).await;
    assert_eq!(keys(&engine, child).await, [7, 10]);
    let later = Refresh::rules([child]).as_of(at("2025-02-04T00:00:00Z"));
    let run = engine.refresh(later).await.unwrap();
    assert_eq!(run.segments.iter().map(|s| s.rule_id).collect::<Vec<_>>(), [recent, child]);
    assert_eq!(keys(&engine, child).await, [10]);
    let updated = engine.update_rule(recent, rule("Recent", json!([in_tier(1)]))).await.unwrap();
    let affected: Vec<_> =
        updated.affects.iter().map(|a| (a.rule_id, a.rule_name.as_str())).collect();
    assert_eq!(affected, [(child, "Child")]);
    engine.refresh(Refresh::rules([child])).await.unwrap();
    assert_eq!(keys(&engine, child).await, [1, 4, 7, 10]);
}

#[tokio::test]
async fn a_deleted_ancestor_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audience.db");
    let engine = bare_on(SqliteCatalog::open(&path).unwrap()).await;
    engine.add_arrow("people", vec![people()]).unwrap();
    engine.add_arrow("buys", vec![buys()]).unwrap();
    let parent = engine.create_rule(rule("Parent", json!([in_tier(1)]))).await.unwrap();
    let child = json!({"rule_name": "Child", "depends_on": [parent], "operation": "UNION"});
    engine.create_rule(child).await.unwrap();
    // Another program is not held back by who depends on whom.
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute("DELETE FROM rule_table WHERE id = ?1", [parent]).unwrap();
    let run = refresh(&engine).await;
    let problem = run.failed[0].problems[0].to_string();
    assert!(problem.contains("the rule \\\"Parent\\\" (1) was deleted"), "{problem}");
}

#[tokio::test]
async fn lineage_up_and_down() {
    let engine = engine().await;
    let spenders = engine.create_rule(rule("Spenders", json!([spends(400)]))).await.unwrap();
    let middle = json!({"rule_name": "Mid \"dle\"", "depends_on": [spenders], "operation": "UNION",
                        "conditions": [in_tier(0)]});
    let middle = engine.create_rule(middle).await.unwrap();
    let not_in = json!([{"field": "segment", "operator": "notIn", "value": [middle]}]);
    let end = engine.create_rule(rule("End", not_in)).await.unwrap();
    let both = engine.create_rule(rule("Both", json!([in_tier(1), spends(400)]))).await.unwrap();
    let apart = engine.create_rule(rule("Apart", json!([in_tier(2)]))).await.unwrap();
    let lineage = engine.lineage(middle).await.unwrap();
    assert_eq!(
        lineage.nodes.iter().map(|n| n.rule_id).collect::<Vec<_>>(),
        [spenders, middle, end]
    );
    assert!(lineage.nodes.iter().all(|node| node.row_count.is_none()));
    refresh(&engine).await;
    let lineage = engine.lineage("Spenders").await.unwrap();
    let counts: Vec<_> = lineage.nodes.iter().map(|n| (n.rule_id, n.row_count.unwrap())).collect();
    assert_eq!(counts, [(spenders, 6), (middle, 7), (end, 3), (both, 2)]);
    let edges: Vec<_> =
        lineage.edges.iter().map(|e| (e.from, e.to, e.kind, e.reason.as_str())).collect();
    let expected = [
        (spenders, middle, LineageKind::Operand, "UNION, operand 1"),
        (middle, end, LineageKind::Condition, "segment notIn, /conditions/0"),
        (spenders, both, LineageKind::Reused, "reused: equal to /conditions/1"),
    ];
    assert_eq!(edges, expected);
    assert!(lineage.to_mermaid().contains("r2[\"Mid #quot;dle#quot;<br/>7 users\"]"));
    let json = serde_json::to_value(&lineage).unwrap();
    assert_eq!(json["nodes"][0]["as_of"], "2025-02-01T00:00:00.000000Z");
    assert_eq!(engine.lineage(apart).await.unwrap().edges, []);
    assert_eq!(code(engine.lineage(99).await), Code::NotFound);
}

#[tokio::test]
async fn dependencies_say_what_is_usable_and_why() {
    let engine = engine().await;
    let spenders = engine.create_rule(rule("Spenders", json!([spends(400)]))).await.unwrap();
    let tier = engine.create_rule(rule("Tier", json!([in_tier(1)]))).await.unwrap();
    let wide = engine.create_rule(rule("Wide", json!([spends(100)]))).await.unwrap();
    let document =
        json!([in_tier(1), spends(400), {"field": "country", "operator": "=", "value": "IN"}]);
    let found = engine.dependencies(&document).await.unwrap();
    assert_eq!(
        (found.depends_on.as_slice(), found.operation),
        (&[spenders, tier][..], Some(Operation::Intersection))
    );
    assert_eq!(found.evaluated, ["/2"]);
    let of = |id: i64| found.reused.iter().find(|reused| reused.rule_id == id).unwrap();
    assert_eq!((of(spenders).how, of(spenders).chosen), (How::Equal, true));
    assert_eq!((of(wide).how, of(wide).chosen, of(wide).covers.len()), (How::Contains, false, 0));
    assert!(of(wide).reason.contains("not known yet"), "{}", of(wide).reason);
    // A rule is not answered from one that needs it.
    let above = json!({"rule_name": "Above", "depends_on": [spenders], "operation": "UNION"});
    let above = engine.create_rule(above).await.unwrap();
    let found = engine.dependencies(RuleDocument::Stored(spenders.into())).await.unwrap();
    let of = |id: i64| found.reused.iter().find(|reused| reused.rule_id == id).unwrap();
    assert!(!of(above).chosen && of(above).reason.contains("computed from this one"));
    assert_eq!(code(engine.dependencies(99).await), Code::NotFound);
    let wrong = json!([{"field": "teir", "operator": "=", "value": 1}]);
    assert_eq!(code(engine.dependencies(&wrong).await), Code::UnknownField);
}
