//! Ranks of one user: told from where they ended when the segment was computed, with nobody else's
//! data read; and selected anew where that is not known.

use std::fs::File;
use std::time::{Duration, SystemTime};

use arrow::datatypes::Int64Type;
use segmentry::{Explanation, RuleDocument};

use super::watched::{Seen, watched};
use super::*;

fn everyone() -> Vec<i64> {
    (1..=10).collect()
}

fn ranks(name: &str, conditions: Value) -> Value {
    json!({"rule_name": name, "conditions": conditions})
}

/// Of the users of the tiers 0 and 2 who are in the upper half by what they bought, those three who
/// bought last; and all but the last two by country.
fn nested() -> Value {
    ranks(
        "Nested",
        json!([
            {"events": "buys", "aggregate": "days_since_last", "operator": "bottom", "value": {"count": 3},
             "among": [
                {"field": "tier", "operator": "!=", "value": 1},
                {"field": "total_spend", "operator": "top", "value": {"percent": 50}}]},
            {"not": true, "rules": [
                {"field": "country", "operator": "top", "value": {"count": 2}}]},
        ]),
    )
}

/// Whether explanations agree with the segment, and the users of whom rows were read for that.
async fn explained(engine: &SegmentEngine, rule: i64, user: i64) -> Explanation {
    let explained = engine.explain(rule, user).await.unwrap();
    let segment = engine.segment(rule).await.unwrap();
    assert_eq!(explained.member, segment.contains(&user.into()), "{explained:#?}");
    explained
}

#[tokio::test]
async fn ranks_of_one_user_read_nobody_elses_data() {
    let (engine, seen) = watched().await;
    let id = engine.create_rule(nested()).await.unwrap();
    refresh(&engine).await;
    // 6 to 10 are the upper half, 7 and 10 of the tier 1. Names of countries end with Nepal's, ties
    // with the greater keys: of those that have one, 1 and 3 are the last two.
    assert_eq!(keys(&engine, id).await, [6, 8, 9]);
    assert_eq!(seen.users(), everyone());
    for user in everyone() {
        explained(&engine, id, user).await;
        assert_eq!(seen.users(), [user]);
    }
    // A document has no segment.
    let document = RuleDocument::Document(nested().into());
    assert!(engine.explain(document, 8).await.unwrap().member);
    assert_eq!(seen.users(), everyone());
    // Neither has another instant.
    let other = at("2025-01-09T12:00:00Z");
    assert!(engine.explain_as_of(id, 8, other).await.unwrap().member);
    assert_eq!(seen.users(), everyone());
    let same = at("2025-02-01T00:00:00Z");
    assert!(engine.explain_as_of(id, 8, same).await.unwrap().member);
    assert_eq!(seen.users(), [8]);
}

#[tokio::test]
async fn an_explanation_says_where_a_rank_ends() {
    let engine = engine().await;
    let rank = |field: &str, operator: &str, value: Value| json!({"field": field, "operator": operator, "value": value});
    let average = json!({"events": "buys", "aggregate": "avg", "field": "amount",
        "operator": "top", "value": {"percent": 25}});
    let last = json!({"events": "buys", "aggregate": "last", "field": "at",
        "operator": "bottom", "value": {"count": 2}});
    let conditions = json!([
        rank("total_spend", "top", json!({"count": 4})),
        rank("country", "bottom", json!({"count": 2})),
        rank("tier", "top", json!({"count": 99})),
        rank("tier", "bottom", json!({"percent": 100})),
        {"not": true, "rules": [average]},
        last,
    ]);
    let id = engine.create_rule(ranks("Ends", conditions.clone())).await.unwrap();
    refresh(&engine).await;
    let stored = explained(&engine, id, 7).await;
    let fresh = engine.explain(&conditions, 7).await.unwrap();
    for (explained, path) in [(stored, "/conditions/0"), (fresh, "/0")] {
        let parts = &explained.root.parts;
        assert_eq!(parts[0].path, path);
        let ends: Vec<_> = parts.iter().map(|part| part.cutoff.clone()).collect();
        assert_eq!(ends[..4], [Some(json!(700)), Some(json!("IN")), None, None]);
        assert_eq!(parts[4].parts[0].cutoff, Some(json!(800)));
        assert_eq!(ends[5], Some(json!("2025-01-02T12:00:00.000000Z")));
        assert_eq!(parts[5].value, Some(json!("2025-01-07T12:00:00.000000Z")));
        assert!(parts[0].holds && !parts[1].holds && parts[2].holds && parts[4].holds);
    }
}

/// What nobody has computed yet: users who were never seen have no ordinals.
#[tokio::test]
async fn ranks_are_explained_before_any_refresh() {
    let (engine, seen) = watched().await;
    for (user, holds) in [(4, false), (8, true), (9, true)] {
        let explained =
            engine.explain(RuleDocument::Document(nested().into()), user).await.unwrap();
        assert_eq!(explained.root.parts[0].holds, holds, "{user}");
        assert_eq!(seen.users(), everyone());
    }
    let id = engine.create_rule(nested()).await.unwrap();
    assert!(engine.explain(id, 8).await.unwrap().member);
    assert_eq!(seen.users(), everyone());
}

/// Whether a rank is told without looking at anybody else.
async fn is_kept(engine: &SegmentEngine, seen: &Seen, rule: i64) -> bool {
    seen.users();
    explained(engine, rule, 8).await;
    seen.users() == [8]
}

fn biggest(name: &str, value: Value) -> Value {
    ranks(name, json!([{"field": "total_spend", "operator": "top", "value": value}]))
}

fn beside(rule: &mut Value, condition: Value) {
    rule["conditions"].as_array_mut().unwrap().push(condition);
}

#[tokio::test]
async fn another_rank_than_was_computed_is_selected_anew() {
    let (engine, seen) = watched().await;
    let odd = ranks("Some", json!([{"field": "tier", "operator": "!=", "value": 1}]));
    let some = engine.create_rule(&odd).await.unwrap();
    let among = |conditions: Value| {
        let mut rule = biggest("Top", json!({"count": 3}));
        rule["conditions"][0]["among"] = conditions;
        rule
    };
    let of_some = among(json!([{"field": "segment", "operator": "in", "value": "Some"}]));
    let top = engine.create_rule(&of_some).await.unwrap();
    refresh(&engine).await;
    assert_eq!(keys(&engine, top).await, [6, 8, 9]);
    assert!(is_kept(&engine, &seen, top).await);
    // Another name, another zone of no window, a condition beside it: the rank is what it was.
    let mut same = of_some.clone();
    same["rule_name"] = json!("Highest");
    same["timezone"] = json!("Asia/Kolkata");
    beside(&mut same, json!({"field": "tier", "operator": "<", "value": 9}));
    engine.update_rule(top, &same).await.unwrap();
    assert!(is_kept(&engine, &seen, top).await);
    // The same in other words, twice.
    let mut spelled = of_some.clone();
    let mut again = of_some["conditions"][0].clone();
    again["events"] = json!("buys");
    again["aggregate"] = json!("sum");
    again["field"] = json!("amount");
    beside(&mut spelled, again);
    engine.update_rule(top, &spelled).await.unwrap();
    assert!(is_kept(&engine, &seen, top).await);
    engine.update_rule(top, &same).await.unwrap();
    // What the segment in `among` says.
    let mut other = odd.clone();
    other["conditions"][0]["value"] = json!(2);
    engine.update_rule(some, &other).await.unwrap();
    let one = engine.explain(top, 8).await.unwrap();
    assert!(one.member && seen.users() == everyone());
    engine.update_rule(some, &odd).await.unwrap();
    assert!(is_kept(&engine, &seen, top).await);
    // What the rank says.
    engine.update_rule(top, biggest("Highest", json!({"count": 2}))).await.unwrap();
    let one = engine.explain(top, 8).await.unwrap();
    assert!(!one.member && seen.users() == everyone());
    // A column of another type.
    engine.update_rule(top, &same).await.unwrap();
    assert!(is_kept(&engine, &seen, top).await);
    let amounts = buys().column(2).as_primitive::<Int64Type>().unary(|amount| amount as f64);
    let amounts: Float64Array = amounts;
    let columns = buys().columns().to_vec();
    let wide = vec![
        ("user_id", Arc::clone(&columns[0])),
        ("at", Arc::clone(&columns[1])),
        ("amount", Arc::new(amounts) as ArrayRef),
    ];
    engine.remove_source("buys").unwrap();
    seen.watch(&engine, "buys", "user_id", batch(wide));
    let one = engine.explain(top, 8).await.unwrap();
    assert!(one.member && seen.users() == everyone());
}

/// What has changed since the segment was computed is seen of the user, and of nobody else.
#[tokio::test]
async fn changed_data_are_held_against_the_end_of_then() {
    let (engine, seen) = watched().await;
    let id = engine.create_rule(biggest("Top", json!({"count": 3}))).await.unwrap();
    refresh(&engine).await;
    assert_eq!(keys(&engine, id).await, [8, 9, 10]);
    // The fifth and the ninth have now what the eighth had, who was the last; the third has more
    // than anybody had, the tenth less, and there is an eleventh.
    let amounts = [100, 200, 5000, 400, 800, 600, 799, 900, 800, 300, 4000];
    let time = at("2025-01-05T00:00:00Z").timestamp_micros();
    let buys = batch(vec![
        ("user_id", Arc::new(Int64Array::from_iter_values(1..=11))),
        ("at", Arc::new(TimestampMicrosecondArray::from(vec![time; 11]))),
        ("amount", Arc::new(Int64Array::from(amounts.to_vec()))),
    ]);
    let people = batch(vec![("id", Arc::new(Int64Array::from_iter_values(1..=11)))]);
    for (name, user, of) in [("buys", "user_id", buys), ("people", "id", people)] {
        engine.remove_source(name).unwrap();
        seen.watch(&engine, name, user, of);
    }
    seen.users();
    for user in 1..=11 {
        let explained = engine.explain(id, user).await.unwrap();
        assert_eq!(explained.root.parts[0].cutoff, Some(json!(800)));
        assert_eq!(explained.member, [3, 5, 8, 11].contains(&user), "{explained:?}");
        assert_eq!(seen.users(), [user]);
    }
    refresh(&engine).await;
    assert_eq!(keys(&engine, id).await, [3, 8, 11]);
    assert!(!engine.explain(id, 5).await.unwrap().member);
}

#[tokio::test]
async fn segments_that_are_reused_bring_the_ends_of_their_ranks() {
    let folder = tempfile::tempdir().unwrap();
    let engine = bare_on(MemoryCatalog::new()).await;
    for (name, of) in [("people", people()), ("buys", buys())] {
        let path = folder.path().join(name);
        write_parquet(&path, &of);
        // A file that has just changed may change again unseen.
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        File::options().write(true).open(&path).unwrap().set_modified(long_ago).unwrap();
        engine.add_parquet(name, &path).await.unwrap();
    }
    let one = engine.create_rule(biggest("One", json!({"count": 3}))).await.unwrap();
    let two = engine.create_rule(biggest("Two", json!({"count": 3}))).await.unwrap();
    let mut three = biggest("Three", json!({"count": 3}));
    beside(&mut three, json!({"field": "tier", "operator": "=", "value": 1}));
    let three = engine.create_rule(three).await.unwrap();
    let ends = async |rule: i64| {
        let explained = explained(&engine, rule, 8).await;
        explained.root.parts[0].cutoff.clone()
    };
    for round in 0..2 {
        let run = refresh(&engine).await;
        let reused: Vec<usize> = run.segments.iter().map(|segment| segment.reused.len()).collect();
        assert_eq!(reused, [round, 1, 1], "{run:?}");
        for rule in [one, two, three] {
            assert_eq!(ends(rule).await, Some(json!(800)));
        }
    }
}
