//! Section 3.2: aggregates of events.

use super::*;

/// A condition on `pay`.
fn on_pay(members: &str) -> String {
    format!(r#"{{"events": "pay", {members}}}"#)
}

fn day(number: u32) -> Cell {
    moment(&format!("2025-03-{number:02}T10:00:00Z"))
}

/// Amounts in hundredths, by user and day of March.
fn money(events: &[(i128, u32, i128)]) -> World {
    let events = events.iter().map(|&(user, on, cents)| (user, day(on), Cell::Decimal(cents)));
    paying(3, MONEY, events.collect())
}

fn doubles(values: &[f64]) -> World {
    let events = values.iter().map(|value| (1, day(1), Cell::Float(*value)));
    paying(2, ColumnType::Float64, events.collect())
}

#[test]
fn counting() {
    let world = money(&[(1, 1, 10), (1, 2, 20), (2, 3, 30), (9, 3, 40)]);
    let count = |operator, value| {
        chosen(&world, &on_pay(&format!(r#""operator": "{operator}", "value": {value}"#)))
    };
    assert_eq!(count("=", 2), [1]);
    assert_eq!(count("=", 0), [3]);
    assert_eq!(count("<", 2), [2, 3]);
    assert_eq!(chosen(&world, &on_pay(r#""operator": "null""#)), [0; 0]);
}

#[test]
fn no_event_means_zero_or_no_value() {
    let world = money(&[(1, 1, 10), (2, 1, -10)]);
    let ask = |aggregate: &str, operator: &str, value: &str| {
        let members = format!(
            r#""aggregate": "{aggregate}", "field": "amount",
               "operator": "{operator}", "value": {value}"#
        );
        chosen(&world, &on_pay(&members))
    };
    assert_eq!(ask("sum", ">=", "0"), [1, 3]);
    assert_eq!(ask("count_distinct", "=", "0"), [3]);
    for aggregate in ["avg", "min", "max", "first", "last"] {
        assert_eq!(ask(aggregate, "!=", "99"), [1, 2], "{aggregate}");
        assert_eq!(ask(aggregate, "null", "null"), [3], "{aggregate}");
    }
}

#[test]
fn missing_values_are_skipped() {
    let world = doubles(&[f64::NAN, f64::INFINITY, 4.0]);
    let ask = |members: &str| chosen(&world, &on_pay(members));
    assert_eq!(ask(r#""operator": "=", "value": 3"#), [1]);
    assert_eq!(ask(r#""field": "amount", "operator": "=", "value": 1"#), [1]);
    assert_eq!(ask(r#""aggregate": "avg", "field": "amount", "operator": "=", "value": 4"#), [1]);
    let world = doubles(&[f64::NAN]);
    let ask = |members: &str| chosen(&world, &on_pay(members));
    assert_eq!(
        ask(r#""aggregate": "sum", "field": "amount", "operator": "=", "value": 0"#),
        [1, 2]
    );
    assert_eq!(ask(r#""aggregate": "max", "field": "amount", "operator": "null""#), [1, 2]);
}

#[test]
fn zero_has_no_sign() {
    let world = doubles(&[0.0, -0.0]);
    let members =
        r#""aggregate": "count_distinct", "field": "amount", "operator": "=", "value": 1"#;
    assert_eq!(chosen(&world, &on_pay(members)), [1]);
}

#[test]
fn sums_of_floats_are_decimals() {
    let sum = |value: &str| {
        let world = doubles(&[0.1, 0.2]);
        let members =
            format!(r#""aggregate": "sum", "field": "amount", "operator": "=", "value": {value}"#);
        chosen(&world, &on_pay(&members))
    };
    assert_eq!(sum("0.3"), [1]);
    assert_eq!(sum("0.30000000000000004"), [0; 0]);
    // 2^-10 is 0.0009765625: a tie at the ninth digit, which goes away from zero
    for (value, expected) in [(1.0 / 1024.0, "0.000976563"), (-1.0 / 1024.0, "-0.000976563")] {
        let world = doubles(&[value]);
        let members = format!(
            r#""aggregate": "sum", "field": "amount", "operator": "=", "value": {expected}"#
        );
        assert_eq!(chosen(&world, &on_pay(&members)), [1]);
    }
}

#[test]
fn averages_are_never_rounded() {
    // 0.01 + 0.00 + 0.00 over three
    let world = money(&[(1, 1, 1), (1, 2, 0), (1, 3, 0), (2, 1, 50), (2, 2, 51)]);
    let avg = |operator: &str, value: &str| {
        let members = format!(
            r#""aggregate": "avg", "field": "amount", "operator": "{operator}", "value": {value}"#
        );
        chosen(&world, &on_pay(&members))
    };
    assert_eq!(avg(">", "0.0033333333333333333333333333333333333"), [1, 2]);
    assert_eq!(avg("<", "0.0033333333333333333333333333333333334"), [1]);
    assert_eq!(avg("=", "0.505"), [2]);
}

#[test]
fn sums_past_38_digits_are_an_error() {
    let wide = ColumnType::Decimal { precision: 38, scale: 0 };
    let most = 99_999_999_999_999_999_999_999_999_999_999_999_999i128;
    let condition = on_pay(r#""aggregate": "sum", "field": "amount", "operator": ">", "value": 1"#);
    let events = vec![(1, day(1), Cell::Decimal(most))];
    assert_eq!(chosen(&paying(1, wide.clone(), events.clone()), &condition), [1]);
    let events = [events.clone(), vec![(1, day(2), Cell::Decimal(1))]].concat();
    assert_eq!(code(&paying(1, wide, events), &condition), "overflow");
}

#[test]
fn first_and_last_with_ties() {
    let events = [(1, 1, 5), (1, 1, 3), (1, 2, 8), (1, 2, 9), (2, 1, 7)];
    let world = money(&events.map(|(user, on, whole)| (user, on, whole * 100)));
    let ask = |aggregate: &str, value: i32| {
        let members = format!(
            r#""aggregate": "{aggregate}", "field": "amount", "operator": "=", "value": {value}"#
        );
        chosen(&world, &on_pay(&members))
    };
    assert_eq!(ask("first", 3), [1]);
    assert_eq!(ask("last", 9), [1]);
    assert_eq!(ask("min", 3), [1]);
    assert_eq!(ask("max", 9), [1]);
}

#[test]
fn first_is_of_the_events_that_have_a_value() {
    let events = vec![(1, day(1), Cell::Null), (1, day(2), Cell::Decimal(200))];
    let members = r#""aggregate": "first", "field": "amount", "operator": "=", "value": 2"#;
    assert_eq!(chosen(&paying(1, MONEY, events), &on_pay(members)), [1]);
}

#[test]
fn days_are_24_hours() {
    let hour = 3_600_000_000;
    let events = [24 * hour, 48 * hour - 1].map(|back| Cell::Stamp(AS_OF - back));
    let world = paying(
        2,
        LONG,
        vec![(1, events[0].clone(), Cell::Null), (2, events[1].clone(), Cell::Null)],
    );
    let members = r#""aggregate": "days_since_last", "operator": "=", "value": 1"#;
    assert_eq!(chosen(&world, &on_pay(members)), [1, 2]);
}

#[test]
fn distinct_days_are_the_zones() {
    // 18:29 and 18:31 UTC are two days in Kolkata, one in UTC
    let times = ["2025-03-01T18:29:00Z", "2025-03-01T18:31:00Z"];
    let world = paying(1, LONG, times.map(|time| (1, moment(time), Cell::Null)).to_vec());
    let members = r#""aggregate": "count_distinct", "field": "time:day",
        "operator": "=", "value": 2"#;
    assert_eq!(chosen(&world, &on_pay(members)), [0; 0]);
    let zone = r#""timezone": "Asia/Kolkata","#;
    assert_eq!(chosen_with(&world, zone, &on_pay(members)), [1]);
}

#[test]
fn window_edges() {
    let day = 86_400_000_000;
    let times = [AS_OF - 30 * day - 1, AS_OF - 30 * day, AS_OF - 1, AS_OF];
    let events = times.iter().zip(1..).map(|(at, user)| (user, Cell::Stamp(*at), Cell::Null));
    let world = paying(4, LONG, events.collect());
    let ask = |window: &str| {
        let members = format!(r#""window": {window}, "operator": ">", "value": 0"#);
        chosen(&world, &on_pay(&members))
    };
    assert_eq!(ask(r#"{"last": "30 days"}"#), [2, 3]);
    assert_eq!(ask(r#"{"between": ["60 days", "30 days"]}"#), [1]);
    assert_eq!(ask("\"all\""), [1, 2, 3]);
    // the future never counts, though the window holds it
    assert_eq!(ask(r#"{"calendar": "this day"}"#), [3]);
}

#[test]
fn the_rules_dates_are_the_default_window() {
    let world = money(&[(1, 1, 10), (2, 5, 10), (3, 10, 10)]);
    let dates = r#""start_date": "2025-03-02", "end_date": "2025-03-05","#;
    let ask = |window: &str| {
        let members = format!(r#"{window} "operator": ">", "value": 0"#);
        chosen_with(&world, dates, &on_pay(&members))
    };
    assert_eq!(ask(""), [2]);
    assert_eq!(ask(r#""window": "all","#), [1, 2, 3]);
    assert_eq!(ask(r#""window": {"last": "7 days"},"#), [3]);
}

#[test]
fn traits_are_narrowed() {
    let world = money(&[(1, 1, 100), (1, 10, 900), (2, 10, 100), (3, 14, 500)]);
    let model = r#"{"users": {"key": "user_id"},
        "events": {"pay": {"user": "user_id", "time": "at"}},
        "traits": {
            "large": {"aggregate": "count", "events": "pay",
                "where": {"field": "amount", "operator": ">", "value": 2},
                "window": {"last": "10 days"}},
            "ever": {"aggregate": "count", "events": "pay", "window": "all"},
            "count": {"aggregate": "count", "events": "pay"}}}"#;
    let world = World::new(model, world.tables.clone());
    let ask = |field: &str, more: &str| {
        let dates = r#""start_date": "2025-03-12","#;
        let condition = format!(r#"{{"field": "{field}", {more} "operator": ">", "value": 0}}"#);
        chosen_with(&world, dates, &condition)
    };
    assert_eq!(ask("large", ""), [1, 3]);
    assert_eq!(ask("large", r#""window": {"end": "2025-03-13"},"#), [1]);
    assert_eq!(ask("large", r#""window": "all","#), [1, 3]);
    let small = r#""where": {"field": "amount", "operator": "<", "value": 6},"#;
    assert_eq!(ask("large", small), [3]);
    assert_eq!(ask("ever", ""), [1, 2, 3]);
    assert_eq!(ask("count", ""), [3]);
}

#[test]
fn several_tables_unify() {
    let mut world = doubles(&[9_007_199_254_740_992.0]);
    world.tables.push(Table::new(
        "more",
        vec![
            Column::new("who", ColumnType::Float64, [1.0, 1.5, 2.0].map(Cell::Float).to_vec()),
            Column::new("on", ColumnType::Date, vec![Cell::Date(20_100); 3]),
            Column::new("amount", LONG, vec![Cell::Int((1 << 53) + 1); 3]),
        ],
    ));
    let model = r#"{"users": {"key": "user_id"}, "events": {
        "pay": {"user": "user_id", "time": "at"},
        "other": {"table": "more", "user": "who", "time": "on"}}}"#;
    let world = World::new(model, world.tables);
    let ask = |members: &str| {
        chosen(&world, &format!(r#"{{"events": ["pay", "other", "pay"], {members}}}"#))
    };
    assert_eq!(ask(r#""operator": "=", "value": 2"#), [1]);
    // as doubles the two values are one; the sum takes each as it is
    let field = r#""field": "amount", "operator": "=","#;
    assert_eq!(ask(&format!(r#""aggregate": "count_distinct", {field} "value": 1"#)), [1, 2]);
    assert_eq!(ask(&format!(r#""aggregate": "sum", {field} "value": 18014398509481985"#)), [1]);
}

#[test]
fn where_on_columns_of_the_event() {
    let world = money(&[(1, 1, 100), (1, 2, 300), (2, 2, 200)]);
    let ask = |conditions: &str| {
        chosen(&world, &on_pay(&format!(r#""where": {conditions}, "operator": ">", "value": 0"#)))
    };
    assert_eq!(ask(r#"[{"field": "amount", "operator": ">", "value": 2.5}]"#), [1]);
    assert_eq!(ask(r#"{"field": "pay.amount", "operator": "=", "value": "2.00"}"#), [2]);
    assert_eq!(ask(r#"{"field": "at", "operator": "=", "value": "2025-03-02"}"#), [1, 2]);
    assert_eq!(ask(r#"{"combinator": "or", "rules": []}"#), [0; 0]);
}

#[test]
fn users_and_times_that_are_missing() {
    let mut world = money(&[(1, 1, 1), (2, 1, 1), (3, 1, 1)]);
    world.tables[1].columns[0].cells[0] = Cell::Null;
    world.tables[1].columns[1].cells[1] = Cell::Null;
    assert_eq!(chosen(&world, &on_pay(r#""operator": ">", "value": 0"#)), [3]);
}

#[test]
fn keys_that_are_no_keys() {
    let mut world = money(&[(1, 1, 1)]);
    world.tables[0].columns[0].cells[1] = Cell::Int(1);
    assert_eq!(world.clone().check().unwrap_err().code, "bad_key");
    world.tables[0].columns[0].cells[1] = Cell::Null;
    assert_eq!(world.clone().check().unwrap_err().code, "bad_key");
    world.tables[0].columns[0] =
        Column::new("user_id", ColumnType::Text, ["1", "2", "3"].map(text).to_vec());
    assert_eq!(world.clone().check().unwrap_err().code, "bad_key");
}
