//! Examples worked out by hand: what each sentence of the contract means to the last row.

mod attributes;
mod events;
mod rules;
mod special;
mod times;

use super::table::{Cell, Column, ColumnType, Table, TimeUnit};
use super::time::Moment;
use super::{OracleError, UserKey, World, members};

/// 2025-03-15 12:00:00 UTC, a Saturday.
const AS_OF: i64 = 1_742_040_000_000_000;
const LONG: ColumnType = ColumnType::Int { bits: 64, signed: true };
const MONEY: ColumnType = ColumnType::Decimal { precision: 12, scale: 2 };

fn utc() -> ColumnType {
    ColumnType::Stamp { unit: TimeUnit::Microsecond, zone: Some("UTC".to_owned()) }
}

fn wall() -> ColumnType {
    ColumnType::Stamp { unit: TimeUnit::Microsecond, zone: None }
}

fn at(text: &str) -> i64 {
    Moment::parse(text, chrono_tz::UTC).unwrap().start(chrono_tz::UTC)
}

fn moment(text: &str) -> Cell {
    Cell::Stamp(at(text))
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

/// Users 1, 2, 3, ... with one more column `x`.
fn users(ty: ColumnType, cells: Vec<Cell>) -> Vec<Table> {
    let keys = (1..=cells.len() as i128).map(Cell::Int).collect();
    let columns = vec![Column::new("user_id", LONG, keys), Column::new("x", ty, cells)];
    vec![Table::new("users", columns)]
}

fn plain(ty: ColumnType, cells: Vec<Cell>) -> World {
    World::new(r#"{"users": {"key": "user_id"}}"#, users(ty, cells))
}

/// `count` users, and events (user, time, value) in the table `pay`.
fn paying(count: usize, ty: ColumnType, events: Vec<(i128, Cell, Cell)>) -> World {
    paying_in("UTC", utc(), count, ty, events)
}

fn paying_in(
    zone: &str,
    time: ColumnType,
    count: usize,
    ty: ColumnType,
    events: Vec<(i128, Cell, Cell)>,
) -> World {
    let mut tables = users(LONG, vec![Cell::Null; count]);
    let (mut who, mut when, mut what) = (Vec::new(), Vec::new(), Vec::new());
    for (user, time, value) in events {
        who.push(Cell::Int(user));
        when.push(time);
        what.push(value);
    }
    tables.push(Table::new(
        "pay",
        vec![
            Column::new("user_id", LONG, who),
            Column::new("at", time, when),
            Column::new("amount", ty, what),
        ],
    ));
    let model = format!(
        r#"{{"users": {{"key": "user_id"}},
            "events": {{"pay": {{"user": "user_id", "time": "at"}}}},
            "timezone": "{zone}"}}"#
    );
    World::new(model, tables)
}

fn keys(found: Result<std::collections::BTreeSet<UserKey>, OracleError>) -> Vec<i64> {
    let number = |key| match key {
        UserKey::Int(key) => key,
        UserKey::Text(key) => panic!("the key {key}"),
    };
    found.unwrap().into_iter().map(number).collect()
}

/// The keys that conditions select at `AS_OF`.
fn chosen(world: &World, conditions: &str) -> Vec<i64> {
    chosen_with(world, "", conditions)
}

/// The same with further members of the rule, each followed by a comma.
fn chosen_with(world: &World, more: &str, conditions: &str) -> Vec<i64> {
    keys(attempt(world, more, conditions))
}

fn attempt(
    world: &World,
    more: &str,
    conditions: &str,
) -> Result<std::collections::BTreeSet<UserKey>, OracleError> {
    let rule = format!(r#"{{"rule_name": "r", {more} "conditions": {conditions}}}"#);
    members(world, &[(1, rule)], 1, AS_OF)
}

fn code(world: &World, conditions: &str) -> &'static str {
    attempt(world, "", conditions).unwrap_err().code
}

/// A condition on `x`.
fn on_x(operator: &str, value: &str) -> String {
    format!(r#"{{"field": "x", "operator": "{operator}", "value": {value}}}"#)
}

fn asked(world: &World, operator: &str, value: &str) -> Vec<i64> {
    chosen(world, &on_x(operator, value))
}
