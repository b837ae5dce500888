//! Rules: stored, changed, listed, brought in and given out.

use segmentry::{Kind, Refresh, SqliteCatalog};

use super::*;

#[tokio::test]
async fn verbs_on_one_rule() {
    let engine = engine().await;
    let id = engine.create_rule(tier("Metro", 1)).await.unwrap();
    let entry = engine.rule("Metro").await.unwrap();
    assert_eq!((entry.id, entry.version), (id, 1));
    assert_eq!(entry.document["conditions"][0]["value"], json!(1));
    // What was read can be sent back.
    engine.update_rule(id, &entry.document).await.unwrap();
    engine.update_rule("Metro", tier("Metro", 2)).await.unwrap();
    let history = engine.rule_history(id).await.unwrap();
    assert_eq!(history.len(), usize::try_from(engine.rule(id).await.unwrap().version).unwrap());
    assert!(history[0].text.as_ref().unwrap().conditions.as_ref().unwrap().contains('1'));
    engine.delete_rule(id).await.unwrap();
    assert_eq!(code(engine.rule(id).await), Code::NotFound);
    assert_eq!(code(engine.rule("Metro").await), Code::NotFound);
    assert_eq!(code(engine.delete_rule(id).await), Code::NotFound);
    assert_eq!(code(engine.update_rule(id, tier("Metro", 2)).await), Code::NotFound);
    assert!(engine.rule_history(id).await.unwrap().last().unwrap().text.is_none());
    assert_eq!(code(engine.rule_history(99).await), Code::NotFound);
    // An id is given once.
    assert!(engine.create_rule(tier("Metro", 1)).await.unwrap() > id);
}

#[tokio::test]
async fn verbs_refuse_a_stale_version() {
    let engine = engine().await;
    let id = engine.create_rule(tier("Metro", 1)).await.unwrap();
    engine.update_rule_at(id, 1, tier("Metro", 2)).await.unwrap();
    let error = engine.update_rule_at(id, 1, tier("Metro", 0)).await.unwrap_err();
    assert_eq!((error.code(), error.kind()), (Code::StaleVersion, Kind::Conflict));
    assert_eq!(engine.rule(id).await.unwrap().document["conditions"][0]["value"], json!(2));
}

#[tokio::test]
async fn verbs_list_rules_in_pages() {
    let engine = engine().await;
    for i in 0..25 {
        engine.create_rule(tier(&format!("Rule {i:02}"), i % 3)).await.unwrap();
    }
    engine.create_rule(tier("Éclair", 0)).await.unwrap();
    let page = engine.rules(3, 10, None).await.unwrap();
    assert_eq!((page.items.len(), page.total, page.page, page.pages), (6, 26, 3, 3));
    assert_eq!(page.items[0].document["rule_name"], json!("Rule 20"));
    let found = engine.rules(1, 10, Some("rULE 1")).await.unwrap();
    assert_eq!((found.items.len(), found.total), (10, 10));
    assert_eq!(engine.rules(1, 10, Some("éclair")).await.unwrap().total, 1);
    assert_eq!(engine.rules(9, 10, None).await.unwrap().items.len(), 0);
    assert_eq!(code(engine.rules(0, 10, None).await), Code::BadValue);
    assert_eq!(code(engine.rules(1, 0, None).await), Code::BadValue);
}

#[tokio::test]
async fn verbs_keep_dependencies() {
    let engine = engine().await;
    let first = engine.create_rule(tier("First", 1)).await.unwrap();
    let second = engine
        .create_rule(json!({"rule_name": "Second", "depends_on": ["First"], "operation": "UNION"}))
        .await
        .unwrap();
    let third = json!({"rule_name": "Third", "conditions": [
        {"field": "segment", "operator": "notIn", "value": ["First"]}
    ]});
    engine.create_rule(third).await.unwrap();
    let error = engine.delete_rule(first).await.unwrap_err();
    assert_eq!((error.code(), error.kind()), (Code::RuleInUse, Kind::Conflict));
    let message = error.to_string();
    assert!(message.contains("Second") && message.contains("Third"), "{message}");
    engine.update_rule(first, tier("Renamed", 1)).await.unwrap();
    assert_eq!(engine.rule(second).await.unwrap().document["depends_on"], json!([first]));
    refresh(&engine).await;
    assert_eq!(keys(&engine, second).await, [1, 4, 7, 10]);
    engine.delete_rule(second).await.unwrap();
    engine.delete_rule("Third").await.unwrap();
    engine.delete_rule(first).await.unwrap();
}

#[tokio::test]
async fn verbs_import_all_or_nothing() {
    let engine = engine().await;
    engine.create_rule(tier("Old", 1)).await.unwrap();
    let union = json!({"rule_name": "Union", "depends_on": ["New", "Old"], "operation": "UNION"});
    let bad = json!({"rule_name": "Bad", "conditions": [{"field": "teir", "operator": "null"}]});
    let error = engine
        .import_rules(&[union.clone(), tier("New", 2), bad, json!({"rule_name": ""})])
        .await
        .unwrap_err();
    let told: Vec<_> = error.problems().iter().map(|p| (p.code, p.path.as_str())).collect();
    let expected = [
        (Code::BadName, "/3/rule_name"),
        (Code::MissingMember, "/3"),
        (Code::UnknownField, "/2/conditions/0/field"),
    ];
    assert_eq!(told, expected);
    let nothing = engine.import_rules(&[json!([]), tier("New", 2)]).await.unwrap_err();
    assert_eq!((nothing.code(), nothing.path()), (Code::Malformed, "/0"));
    assert_eq!(engine.rules(1, 10, None).await.unwrap().total, 1);
    let ids = engine.import_rules(&[union, tier("New", 2), tier("Old", 0)]).await.unwrap();
    assert_eq!(engine.rule(ids[0]).await.unwrap().document["depends_on"], json!([ids[1], ids[2]]));
    assert_eq!(engine.rule("Old").await.unwrap().version, 2);
    refresh(&engine).await;
    assert_eq!(keys(&engine, ids[0]).await, [2, 3, 5, 6, 8, 9]);
    assert_eq!(
        code(engine.import_rules(&[tier("Twice", 1), tier("Twice", 2)]).await),
        Code::DuplicateName
    );
    let round = [
        json!({"rule_name": "A", "depends_on": ["B"], "operation": "UNION"}),
        json!({"rule_name": "B", "depends_on": ["A"], "operation": "UNION"}),
    ];
    let error = engine.import_rules(&round).await.unwrap_err();
    assert_eq!((error.code(), error.path()), (Code::DependencyCycle, "/0/depends_on/0"));

    let documents = engine.export_rules().await.unwrap();
    let other = super::engine().await;
    other.create_rule(tier("In the way", 1)).await.unwrap();
    other.import_rules(&documents).await.unwrap();
    let exported = other.export_rules().await.unwrap();
    assert_eq!(exported[1..].iter().filter(|d| documents.contains(d)).count(), documents.len());
}

#[tokio::test]
async fn verbs_tell_what_the_model_lacks() {
    let engine = bare_on(MemoryCatalog::new()).await;
    assert_eq!(code(engine.create_rule(tier("Metro", 1)).await), Code::MissingTable);
    assert_eq!(code(engine.validate(tier("Metro", 1)).await), Code::MissingTable);
    // What is no rule is none without tables too.
    let problems = engine.validate(r#"{"rule_name": ""}"#).await.unwrap();
    assert_eq!(problems[0].code, Code::BadName);
    // A time that is no time is a fault of the model, not of the rule.
    engine.add_arrow("people", vec![people()]).unwrap();
    let buys = buys();
    let amounts = [0, 2, 2].map(|index| buys.column(index).clone());
    let names = ["user_id", "at", "amount"];
    let odd = batch(names.into_iter().zip(amounts).collect());
    engine.add_arrow("buys", vec![odd]).unwrap();
    let error = engine.validate(tier("Metro", 1)).await.unwrap_err();
    assert_eq!(error.path(), "/events/buys/time");
}

#[tokio::test]
async fn verbs_need_a_thread() {
    assert_eq!(code(SegmentEngine::builder().threads(0).build().await), Code::BadValue);
}

#[tokio::test]
async fn verbs_of_two_engines_on_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog.db");
    let open = || async {
        let engine = bare_on(SqliteCatalog::open(&path).unwrap()).await;
        engine.add_arrow("people", vec![people()]).unwrap();
        engine.add_arrow("buys", vec![buys()]).unwrap();
        engine
    };
    let (one, other) = (open().await, open().await);
    let id = one.create_rule(tier("Metro", 1)).await.unwrap();
    assert_eq!(other.rule("Metro").await.unwrap().id, id);
    assert_eq!(code(other.create_rule(tier("Metro", 2)).await), Code::DuplicateName);
    other.refresh(Refresh::rules([id])).await.unwrap();
    assert_eq!(keys(&one, id).await, [1, 4, 7, 10]);
    one.update_rule(id, tier("Metro", 2)).await.unwrap();
    let run = other.refresh(Refresh::all()).await.unwrap();
    assert_eq!(run.segments[0].row_count, 3);
    assert_eq!(keys(&one, id).await, [2, 5, 8]);
    assert_eq!(one.runs(1, 10).await.unwrap().total, 2);
    // Both at once: nothing is lost.
    let more: Vec<i64> = (11..=20).collect();
    let grown = |keys: Vec<i64>| {
        let tiers: Vec<i64> = keys.iter().map(|_| 2).collect();
        let countries: Vec<Option<&str>> = keys.iter().map(|_| None).collect();
        batch(vec![
            ("id", Arc::new(Int64Array::from(keys)) as ArrayRef),
            ("tier", Arc::new(Int64Array::from(tiers))),
            ("country", Arc::new(StringArray::from(countries))),
        ])
    };
    one.add_arrow("people", vec![people(), grown(more.clone())]).unwrap();
    other.add_arrow("people", vec![people(), grown(more.into_iter().rev().collect())]).unwrap();
    let second = one.create_rule(tier("Rural", 0)).await.unwrap();
    let (a, b) =
        tokio::join!(one.refresh(Refresh::rules([id])), other.refresh(Refresh::rules([second])));
    a.unwrap();
    b.unwrap();
    assert_eq!(keys(&other, id).await, [2, 5, 8, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
    assert_eq!(keys(&one, second).await, [3, 6, 9]);
}

#[tokio::test]
async fn verbs_take_a_list_that_ends_where_it_ends() {
    let engine = engine().await;
    for text in [r#"[], "rule_name": "x""#, "[]]", "[", "[] x"] {
        assert_eq!(code(engine.preview(text).await), Code::Malformed, "{text}");
    }
    let error = engine.preview(r#"[{"field": "tier", "operator": "="}]"#).await.unwrap_err();
    assert_eq!((error.code(), error.path()), (Code::MissingMember, "/0"));
}
