//! Trees of conditions, operands, other segments and hand-picked users.

use super::*;

fn four() -> World {
    plain(LONG, (1..=4).map(Cell::Int).collect())
}

/// The members of the last of some rules, whose ids are 1, 2, 3, ...
fn last(rules: &[&str]) -> Result<Vec<i64>, &'static str> {
    let rules: Vec<(i64, String)> =
        rules.iter().zip(1..).map(|(rule, id)| (id, (*rule).to_owned())).collect();
    let found = members(&four(), &rules, rules.len() as i64, AS_OF);
    found.map_err(|error| error.code).map(|found| keys(Ok(found)))
}

const LOW: &str = r#"{"rule_name": "low",
    "conditions": [{"field": "x", "operator": "<=", "value": 2}]}"#;
const ODD: &str = r#"{"rule_name": "odd",
    "conditions": [{"field": "x", "operator": "in", "value": [1, 3]}]}"#;

fn equal(value: i32) -> String {
    on_x("=", &value.to_string())
}

#[test]
fn empty_groups() {
    assert_eq!(chosen(&four(), "[]"), [1, 2, 3, 4]);
    assert_eq!(chosen(&four(), r#"{"combinator": "and", "rules": []}"#), [1, 2, 3, 4]);
    assert_eq!(chosen(&four(), r#"{"combinator": "or", "rules": []}"#), [0; 0]);
    let negated = r#"[{"combinator": "or", "not": true, "rules": []}]"#;
    assert_eq!(chosen(&four(), negated), [1, 2, 3, 4]);
}

#[test]
fn groups_and_lists() {
    let (one, two) = (equal(1), equal(2));
    let or = format!(r#"{{"combinator": "or", "rules": [{one}, {two}]}}"#);
    assert_eq!(chosen(&four(), &or), [1, 2]);
    assert_eq!(chosen(&four(), &format!("[{one}, {two}]")), [0; 0]);
    assert_eq!(chosen(&four(), &one), [1]);
}

#[test]
fn and_binds_tighter() {
    let (one, two, low) = (equal(1), equal(2), on_x("<", "2"));
    let json = format!(r#"[{two}, "or", {one}, "and", {low}]"#);
    assert_eq!(chosen(&four(), &json), [1, 2]);
    let json = format!(r#"{{"rules": [{one}, "and", {two}, "or", {low}]}}"#);
    assert_eq!(chosen(&four(), &json), [1]);
    assert_eq!(code(&four(), &format!(r#"[{one}, "or"]"#)), "bad_value");
}

#[test]
fn what_is_disabled_is_left_out() {
    let off = equal(1).replace('}', r#", "disabled": true}"#);
    let muted = equal(1).replace('}', r#", "muted": true}"#);
    let two = equal(2);
    assert_eq!(chosen(&four(), &format!("[{off}, {two}, {muted}]")), [2]);
    // a group that this empties is left out, so the `or` does not become nobody
    let emptied = format!(r#"{{"combinator": "or", "not": true, "rules": [{off}]}}"#);
    assert_eq!(chosen(&four(), &format!("[{emptied}, {two}]")), [2]);
    assert_eq!(chosen(&four(), &format!("[{off}]")), [1, 2, 3, 4]);
    assert_eq!(chosen(&four(), &format!(r#"[{off}, "or", {two}]"#)), [2]);
}

#[test]
fn operations() {
    let of = |operation: &str, conditions: &str| {
        last(&[
            LOW,
            ODD,
            &format!(
                r#"{{"rule_name": "r", "depends_on": [1, "odd"], "operation": "{operation}"
                    {conditions}}}"#
            ),
        ])
        .unwrap()
    };
    assert_eq!(of("INTERSECTION", ""), [1]);
    assert_eq!(of("intersection", ""), [1]);
    assert_eq!(of("UNION", ""), [1, 2, 3]);
    assert_eq!(of("DIFFERENCE", ""), [2]);
    // no operand: absent, empty, disabled
    let off = equal(4).replace('}', r#", "disabled": true}"#);
    for conditions in ["null", "[]", r#"{"combinator": "and", "rules": []}"#, &off] {
        let conditions = format!(r#", "conditions": {conditions}"#);
        assert_eq!(of("INTERSECTION", &conditions), [1]);
        assert_eq!(of("DIFFERENCE", &conditions), [2]);
    }
    let four = format!(r#", "conditions": {}"#, equal(4));
    assert_eq!(of("UNION", &four), [1, 2, 3, 4]);
    assert_eq!(of("INTERSECTION", &four), [0; 0]);
    let two = format!(r#", "conditions": {}"#, equal(2));
    assert_eq!(of("DIFFERENCE", &two), [0; 0]);
}

#[test]
fn operands_as_text_and_what_is_wrong_with_them() {
    let text = r#"{"rule_name": "r", "depends_on": "[1, \"odd\"]", "operation": "UNION"}"#;
    assert_eq!(last(&[LOW, ODD, text]).unwrap(), [1, 2, 3]);
    assert_eq!(
        last(&[r#"{"rule_name": "r", "depends_on": [], "conditions": []}"#]).unwrap(),
        [1, 2, 3, 4]
    );
    let wrong = |rule: &str| last(&[LOW, rule]).unwrap_err();
    assert_eq!(wrong(r#"{"rule_name": "r"}"#), "missing_member");
    assert_eq!(wrong(r#"{"rule_name": "r", "depends_on": [1]}"#), "missing_member");
    assert_eq!(wrong(r#"{"rule_name": "r", "conditions": [], "operation": "UNION"}"#), "bad_value");
    assert_eq!(
        wrong(r#"{"rule_name": "r", "depends_on": [9], "operation": "UNION"}"#),
        "unknown_rule"
    );
    assert_eq!(
        wrong(r#"{"rule_name": "r", "depends_on": ["r"], "operation": "UNION"}"#),
        "dependency_cycle"
    );
    assert_eq!(wrong(r#"{"rule_name": "low", "conditions": []}"#), "duplicate_name");
}

#[test]
fn an_ancestor_keeps_its_own_dates_and_zone() {
    let world = paying(2, LONG, vec![(1, moment("2025-03-01T20:00:00Z"), Cell::Null)]);
    let ancestor = r#"{"rule_name": "a", "timezone": "Asia/Kolkata",
        "start_date": "2025-03-02", "end_date": "2025-03-02",
        "conditions": {"events": "pay", "operator": ">", "value": 0}}"#;
    let child = r#"{"rule_name": "b", "start_date": "2025-01-01", "end_date": "2025-01-31",
        "depends_on": [1], "operation": "UNION"}"#;
    let rules = [(1, ancestor.to_owned()), (2, child.to_owned())];
    assert_eq!(keys(members(&world, &rules, 2, AS_OF)), [1]);
}

#[test]
fn segments_as_conditions() {
    let of = |operator: &str, value: &str| {
        let rule = format!(
            r#"{{"rule_name": "r", "conditions":
                {{"field": "segment", "operator": "{operator}", "value": {value}}}}}"#
        );
        last(&[LOW, ODD, &rule]).unwrap()
    };
    assert_eq!(of("in", "\"low\""), [1, 2]);
    assert_eq!(of("=", "2"), [1, 3]);
    assert_eq!(of("in", r#"[1, "odd"]"#), [1, 2, 3]);
    assert_eq!(of("notIn", r#"[1, "odd"]"#), [4]);
    assert_eq!(of("!=", "\"low\""), [3, 4]);
}

#[test]
fn hand_picked_users_come_last() {
    let rule = r#"{"rule_name": "r", "include": [3, 4, 77], "exclude": [4, 1],
        "conditions": [{"field": "x", "operator": "<=", "value": 2}]}"#;
    assert_eq!(last(&[rule]).unwrap(), [2, 3]);
    // dependents see the result
    let child = r#"{"rule_name": "c", "conditions":
        {"field": "segment", "operator": "notIn", "value": 1}}"#;
    assert_eq!(last(&[rule, child]).unwrap(), [1, 4]);
}

#[test]
fn dates_in_the_wrong_order() {
    let rule = r#"{"rule_name": "r", "start_date": "2025-01-02", "end_date": "2025-01-01",
        "conditions": []}"#;
    assert_eq!(last(&[rule]).unwrap_err(), "bad_date");
    let rule = r#"{"rule_name": "r", "timezone": "Mars/Olympus", "conditions": []}"#;
    assert_eq!(last(&[rule]).unwrap_err(), "bad_timezone");
}

#[test]
fn keys_may_be_strings() {
    let tables = vec![Table::new(
        "users",
        vec![Column::new("user_id", ColumnType::Text, ["b", "a"].map(text).to_vec())],
    )];
    let world = World::new(r#"{"users": {"key": "user_id"}}"#, tables);
    let rule = r#"{"rule_name": "r", "conditions": [], "exclude": ["b"]}"#;
    let found = members(&world, &[(1, rule.to_owned())], 1, AS_OF).unwrap();
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [UserKey::Text("a".to_owned())]);
}
