//! Why a user is in a segment or not, and segments side by side.

use segmentry::{Dialect, RuleDocument};

use super::watched::watched;
use super::*;

#[tokio::test]
async fn explain_says_what_the_user_has_and_needs() {
    let engine = engine().await;
    let rule = json!({"rule_name": "Rule", "conditions": [
        {"field": "tier", "operator": "=", "value": 1},
        {"combinator": "or", "not": true, "rules": [
            {"field": "country", "operator": "!=", "value": "IN"},
            {"events": "buys", "aggregate": "avg", "field": "amount", "operator": "<", "value": 350.5,
             "window": {"last": "29 days"}}]}
    ], "include": [5], "exclude": [10]});
    let id = engine.create_rule(&rule).await.unwrap();
    refresh(&engine).await;
    assert_eq!(keys(&engine, id).await, [4, 5]);
    let explained = engine.explain(id, 4).await.unwrap();
    assert!(explained.member && !explained.included && !explained.excluded);
    assert_eq!((explained.root.kind.as_str(), explained.root.holds), ("and", true));
    let [tier, group] = explained.root.parts.as_slice() else { panic!("{explained:?}") };
    assert_eq!((tier.path.as_str(), tier.holds), ("/conditions/0", true));
    assert_eq!((&tier.value, tier.needed.as_deref()), (&Some(json!(1)), Some("= 1")));
    assert_eq!((group.kind.as_str(), group.holds), ("not or", true));
    let [country, average] = group.parts.as_slice() else { panic!("{group:?}") };
    assert_eq!((&country.value, country.holds), (&Some(json!("IN")), false));
    assert_eq!((&average.value, average.holds), (&Some(json!(400)), false));
    assert_eq!(average.needed.as_deref(), Some("< 350.5"));
    let window = average.window.unwrap();
    assert_eq!(window.start, Some(at("2025-01-03T00:00:00Z")));
    assert_eq!(window.end, Some(at("2025-02-01T00:00:00Z")));
    // Picked by hand, in either way.
    let picked = engine.explain(id, 5).await.unwrap();
    assert!(picked.member && picked.included && !picked.root.holds);
    let dropped = engine.explain(id, "10").await.unwrap();
    assert!(!dropped.member && dropped.excluded);
    // Nobody.
    assert_eq!(code(engine.explain(id, 99).await), Code::NotFound);
    assert_eq!(code(engine.explain(99, 1).await), Code::NotFound);
    // No value is null, and a document will do.
    let conditions = json!([{"field": "country", "operator": "notNull"}]);
    let explained = engine.explain(&conditions, 5).await.unwrap();
    assert_eq!(explained.root.parts[0].value, Some(Value::Null));
}

#[tokio::test]
async fn explain_reads_one_user_and_knows_ranks_and_operands() {
    let engine = engine().await;
    let one = engine.create_rule(tier("One", 1)).await.unwrap();
    let top = json!({"rule_name": "Top", "depends_on": [one], "operation": "INTERSECTION",
        "conditions": [{"field": "total_spend", "operator": "top", "value": {"count": 4}}]});
    let top = engine.create_rule(top).await.unwrap();
    refresh(&engine).await;
    assert_eq!(keys(&engine, top).await, [7, 10]);
    let explained = engine.explain(top, 4).await.unwrap();
    assert_eq!(explained.root.kind, "INTERSECTION");
    let [operand, own] = explained.root.parts.as_slice() else { panic!("{explained:?}") };
    assert_eq!((operand.kind.as_str(), operand.path.as_str()), ("segment", "/depends_on/0"));
    assert!(operand.holds && !own.holds && !explained.member);
    assert_eq!(own.parts[0].value, Some(json!(400)));
    assert_eq!(own.parts[0].needed.as_deref(), Some("top {\"count\":4}"));
}

/// Attributes, aggregates, sequences, operands: whatever the conditions, only one user's rows.
#[tokio::test]
async fn explain_reads_nobody_elses_data() {
    let (engine, seen) = watched().await;
    let one = engine.create_rule(tier("One", 1)).await.unwrap();
    let bought = |within: &str| json!({"events": "buys", "within": within});
    let rule = json!({"rule_name": "All kinds", "depends_on": [one], "operation": "UNION",
    "conditions": [
        {"field": "country", "operator": "!=", "value": "NP"},
        {"field": "total_spend", "operator": "between", "value": [200, 900]},
        {"events": "buys", "aggregate": "avg", "field": "amount", "operator": ">", "value": 100,
         "where": [{"field": "amount", "operator": "<", "value": 900}],
         "window": {"last": "1 month"}},
        {"sequence": [{"events": "buys"}, bought("3 days")], "operator": "didNot"},
        {"field": "bucket", "operator": ">=", "value": 0, "salt": "any"},
        {"field": "segment", "operator": "notIn", "value": [one]}
    ]});
    let id = engine.create_rule(&rule).await.unwrap();
    refresh(&engine).await;
    assert_eq!(keys(&engine, id).await, [1, 2, 4, 6, 7, 8, 10]);
    seen.users();
    for user in 1..=10 {
        let explained = engine.explain(id, user).await.unwrap();
        let stored = engine.segment(id).await.unwrap().contains(&user.into());
        assert_eq!(explained.member, stored, "{explained:#?}");
        assert_eq!(seen.users(), [user]);
    }
}

fn off(mut rule: Value) -> Value {
    rule["enabled"] = json!(false);
    rule
}

/// Nothing keeps the segments of disabled rules up to date: for one user they are worked out.
#[tokio::test]
async fn explain_works_out_disabled_ancestors() {
    let (engine, seen) = watched().await;
    let base = engine.create_rule(off(tier("Base", 1))).await.unwrap();
    let spent = json!({"field": "total_spend", "operator": ">", "value": 300});
    let spenders = json!({"rule_name": "Spenders", "depends_on": [base], "include": [2],
        "exclude": [10], "operation": "INTERSECTION", "conditions": [spent]});
    let spenders = engine.create_rule(off(spenders)).await.unwrap();
    let rule = json!({"rule_name": "Rule", "depends_on": [spenders], "operation": "UNION",
    "conditions": [
        {"field": "segment", "operator": "notIn", "value": [base, "Spenders"]},
        {"field": "country", "operator": "=", "value": "IN"}
    ]});
    let members = [2, 4, 6, 7, 8];
    seen.users();
    // Before any run: no segment is there, and no user has an ordinal.
    for user in 1..=10 {
        let document = RuleDocument::Document((&rule).into());
        let explained = engine.explain(document, user).await.unwrap();
        assert_eq!(explained.member, members.contains(&user), "{explained:#?}");
        let operand = &explained.root.parts[0];
        assert_eq!((operand.kind.as_str(), operand.holds), ("segment", [2, 4, 7].contains(&user)));
        assert_eq!(seen.users(), [user]);
    }
    let preview = engine.preview(&rule).await.unwrap();
    assert_eq!(preview.count, members.len() as u64);

    // What they once published is not what a run takes.
    engine.refresh(Refresh::rules([base, spenders])).await.unwrap();
    engine.update_rule(base, off(tier("Base", 2))).await.unwrap();
    let id = engine.create_rule(&rule).await.unwrap();
    let run = refresh(&engine).await;
    assert_eq!(run.segments.iter().map(|s| s.rule_id).collect::<Vec<_>>(), [id]);
    let members = keys(&engine, id).await;
    assert_eq!(members, [2, 4, 5, 6, 8, 10]);
    assert_eq!(keys(&engine, base).await, [1, 4, 7, 10]);
    seen.users();
    for user in 1..=10 {
        let explained = engine.explain(id, user).await.unwrap();
        assert_eq!(explained.member, members.contains(&user), "{explained:#?}");
        assert_eq!(seen.users(), [user]);
    }
    assert_eq!(engine.preview(&rule).await.unwrap().count, members.len() as u64);

    // A rule that takes part in runs should have been refreshed.
    engine.create_rule(tier("Later", 1)).await.unwrap();
    let later = json!([{"field": "segment", "operator": "in", "value": "Later"}]);
    let error = engine.explain(&later, 1).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    assert!(error.to_string().contains("refresh it"), "{error}");
    assert_eq!(code(engine.preview(&later).await), Code::NotFound);
}

/// A rank of a disabled rule looks at everyone, and so does one among the members of such a rule.
#[tokio::test]
async fn explain_selects_the_ranks_of_disabled_ancestors() {
    let engine = engine().await;
    let top =
        |count: i64| json!({"field": "total_spend", "operator": "top", "value": {"count": count}});
    let five = json!({"rule_name": "Five", "conditions": [top(5)]});
    let five = engine.create_rule(off(five)).await.unwrap();
    let ones = engine.create_rule(off(tier("Ones", 1))).await.unwrap();
    let mut two = top(2);
    two["among"] = json!([{"field": "segment", "operator": "in", "value": ones}]);
    let rule = json!({"rule_name": "Rule", "depends_on": [five], "operation": "DIFFERENCE",
        "conditions": [two]});
    for user in 1..=10 {
        let document = RuleDocument::Document((&rule).into());
        let explained = engine.explain(document, user).await.unwrap();
        assert_eq!(explained.member, [6, 8, 9].contains(&user), "{explained:#?}");
    }
    let id = engine.create_rule(&rule).await.unwrap();
    refresh(&engine).await;
    assert_eq!(keys(&engine, id).await, [6, 8, 9]);
    for user in 1..=10 {
        let explained = engine.explain(id, user).await.unwrap();
        assert_eq!(explained.member, [6, 8, 9].contains(&user), "{explained:#?}");
        assert_eq!(explained.root.parts[1].parts[0].cutoff, Some(json!(700)));
    }
}

#[tokio::test]
async fn segments_of_a_user_and_what_segments_share() {
    let engine = engine().await;
    let one = engine.create_rule(tier("One", 1)).await.unwrap();
    let even = json!([{"field": "country", "operator": "=", "value": "IN"}]);
    let even = json!({"rule_name": "Even", "conditions": even});
    let even = engine.create_rule(even).await.unwrap();
    let nobody = json!({"rule_name": "Nobody", "conditions": {"combinator": "or", "rules": []}});
    let nobody = engine.create_rule(nobody).await.unwrap();
    refresh(&engine).await;
    assert_eq!(engine.segments_of(4).await.unwrap(), ["One", "Even"]);
    assert_eq!(engine.segments_of("7").await.unwrap(), ["One"]);
    assert_eq!(engine.segments_of(99).await.unwrap(), Vec::<String>::new());
    let overlap = engine.overlap([one, even, nobody]).await.unwrap();
    assert_eq!(overlap.segments.iter().map(|s| s.row_count).collect::<Vec<_>>(), [4, 5, 0]);
    let pairs: Vec<_> = overlap.pairs.iter().map(|p| (p.first, p.second, p.count)).collect();
    assert_eq!(pairs, [(one, even, 2), (one, nobody, 0), (even, nobody, 0)]);
    assert!((overlap.pairs[0].jaccard - 2.0 / 7.0).abs() < 1e-12);
    assert_eq!(code(engine.overlap([one]).await), Code::BadValue);
    assert_eq!(code(engine.overlap([one, 99]).await), Code::NotFound);
}

#[tokio::test]
async fn the_text_form_will_do_wherever_conditions_do() {
    let engine = engine().await;
    let text = "tier = 1 and sum(buys.amount, last => '60 days') > 500";
    let preview = engine.preview(text).await.unwrap();
    assert_eq!((preview.count, preview.of), (2, 10));
    assert!(engine.explain(RuleDocument::Document(text.into()), 7).await.unwrap().member);
    let found = engine.dependencies(RuleDocument::Document(text.into())).await.unwrap();
    assert_eq!(found.evaluated.len(), 2);
}

/// Two hundred segments, from their bitmaps alone: the tables are gone.
#[tokio::test]
async fn overlap_of_many_segments_reads_no_table() {
    let engine = engine().await;
    let at_least = |at: usize| {
        let conditions = json!([{"field": "id", "operator": "between", "value": [1, 1 + at % 10]}]);
        json!({"rule_name": format!("Rule {at}"), "conditions": conditions})
    };
    let rules: Vec<Value> = (0..201).map(at_least).collect();
    let ids = engine.import_rules(&rules).await.unwrap();
    refresh(&engine).await;
    engine.remove_source("people").unwrap();
    engine.remove_source("buys").unwrap();
    let overlap = engine.overlap(ids[..200].iter().copied()).await.unwrap();
    assert_eq!((overlap.segments.len(), overlap.pairs.len()), (200, 200 * 199 / 2));
    for pair in &overlap.pairs {
        let size = |id: i64| 1 + ids.iter().position(|known| *known == id).unwrap() as u64 % 10;
        let (first, second) = (size(pair.first), size(pair.second));
        assert_eq!(pair.count, first.min(second), "{pair:?}");
        let jaccard = pair.count as f64 / first.max(second) as f64;
        assert!((pair.jaccard - jaccard).abs() < 1e-12, "{pair:?}");
    }
    assert_eq!(engine.segments_of(10).await.unwrap().len(), 20);
    assert_eq!(code(engine.overlap(ids.iter().copied()).await), Code::BadValue);
}

/// What is wrong with the meaning of a text is told like what is wrong with its form.
#[tokio::test]
async fn problems_of_a_text_have_its_lines_and_columns() {
    let engine = engine().await;
    let document = |text: &'static str| RuleDocument::Document(text.into());
    let cases: [(&str, &[&str]); 8] = [
        ("tier = 1 and cuont(buys) > 3", &["bad_operator 1:14"]),
        (
            "tier = 1\nand (contry = 'IN' or tier in (1, 'x'))\nand not (sum(buys.amuont) > 1)",
            &["unknown_field 2:6", "type_mismatch 2:35", "unknown_field 3:14"],
        ),
        ("count(byus) > 3 and contains(tier, 'x')", &["unknown_field 1:7", "bad_operator 1:21"]),
        (
            "segment in ('Nobody', 7) and tier > 'ten'",
            &["unknown_rule 1:13", "unknown_rule 1:23", "type_mismatch 1:37"],
        ),
        ("top(country, count => 3, among => tiers = 1)", &["unknown_field 1:35"]),
        ("did(step(buys), step(buys, where => at > 'noon'))", &["bad_date 1:42"]),
        (
            "max(buys.at, where => amount > field(at)) > 1 and bucket() = 3",
            &["type_mismatch 1:38", "missing_member 1:51"],
        ),
        ("within(home, lat => 1, lon => 1, radius => '1 km')", &["unknown_field 1:8"]),
    ];
    for (text, expected) in cases {
        let error = engine.preview(text).await.unwrap_err();
        let problems = error.problems();
        let found: Vec<String> =
            problems.iter().map(|p| format!("{} {}", p.code, p.path)).collect();
        assert_eq!(found, expected, "{text}");
        for problem in problems {
            let (line, column) = problem.path.split_once(':').unwrap();
            let place = format!("\nline {line}, column {column}:\n  ");
            let (_, shown) = problem.message.split_once(&place).unwrap();
            let (row, caret) = shown.split_once("\n  ").unwrap();
            assert!(caret.ends_with('^') && row.len() >= caret.len(), "{}", problem.message);
        }
        for error in [
            engine.explain(document(text), 4).await.unwrap_err(),
            engine.dependencies(document(text)).await.unwrap_err(),
            engine.to_sql(document(text), Dialect::DataFusion).await.unwrap_err(),
        ] {
            assert_eq!(error.problems(), problems, "{text}");
        }
    }
    let error = engine.preview("tier = 1\nand contry = 'IN'").await.unwrap_err();
    let problem = &error.problems()[0];
    assert_eq!(
        problem.message,
        "neither a column of \"people\" nor a trait: \"contry\"\nline 2, column 5:\n  \
         and contry = 'IN'\n      ^"
    );
    assert_eq!(problem.hint.as_deref(), Some("did you mean \"country\"?"));
    // A document has pointers, in whatever way it is given.
    let conditions = json!([{"field": "contry", "operator": "=", "value": "IN"}]);
    assert_eq!(engine.preview(&conditions).await.unwrap_err().path(), "/0/field");
    let conditions = json!([{"field": "tier", "operator": "in", "value": "1, x"}]);
    assert_eq!(engine.preview(&conditions).await.unwrap_err().path(), "/0/value");
    // Of a bucket that no rule names, nobody knows the salt.
    let error = engine.dependencies(document("bucket() < 7")).await.unwrap_err();
    assert_eq!((error.code(), error.path()), (Code::MissingMember, "1:1"));
}
