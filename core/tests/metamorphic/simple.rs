//! Worlds of types that every kind of source has: integers, doubles, strings, booleans, dates,
//! timestamps.

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::oracle::table::{Cell, Column, ColumnType, Table, TimeUnit};

pub const MODEL: &str = r#"{
    "users": {"key": "user_id"},
    "events": {"orders": {"user": "user_id", "time": "ordered_at"}}
}"#;

/// 2025-07-01T00:00:00Z
pub const AS_OF: i64 = 1_751_328_000_000_000;

pub const RULES: [&str; 14] = [
    r#"{"field": "tier", "operator": "in", "value": [1, 2]}"#,
    r#"{"field": "tier", "operator": "null"}"#,
    r#"{"field": "score", "operator": ">", "value": 0.3}"#,
    r#"{"field": "score", "operator": "=", "value": "0.1"}"#,
    r#"{"field": "country", "operator": "!=", "value": "IN"}"#,
    r#"{"field": "country", "operator": "contains", "value": "Ü", "caseSensitive": false}"#,
    r#"{"field": "active", "operator": "=", "value": true}"#,
    r#"{"field": "born", "operator": "between", "value": ["1990-01-01", "1999-12-31"]}"#,
    r#"{"field": "seen_at", "operator": "during", "value": {"last": "20 days"}}"#,
    r#"{"field": "seen_at", "operator": "<=", "value": "2025-06-15"}"#,
    r#"{"events": "orders", "aggregate": "sum", "field": "amount", "operator": ">=", "value": 5}"#,
    r#"{"events": "orders", "operator": "=", "value": 0, "window": {"last": "30 days"}}"#,
    r#"{"events": "orders", "aggregate": "last", "field": "item", "operator": "in",
        "value": "pen, cup", "window": {"calendar": "last month"}}"#,
    r#"{"events": "orders", "aggregate": "avg", "field": "pieces", "operator": "between",
        "value": [1.5, 2], "where": [{"field": "item", "operator": "notNull"}]}"#,
];

fn column(
    rng: &mut ChaCha8Rng,
    rows: usize,
    (name, ty): (&str, ColumnType),
    cell: impl Fn(&mut ChaCha8Rng) -> Cell,
) -> Column {
    let cells = (0..rows).map(|_| if rng.random_range(0..8) == 0 { Cell::Null } else { cell(rng) });
    Column::new(name, ty, cells.collect())
}

fn text(rng: &mut ChaCha8Rng, from: &[&str]) -> Cell {
    Cell::Text((*from.choose(rng).unwrap()).to_owned())
}

/// A second within the hundred days before the run.
fn stamp(rng: &mut ChaCha8Rng) -> Cell {
    let second = AS_OF / 1_000_000 - rng.random_range(-50_000..100 * 86_400);
    Cell::Stamp(second * 1_000_000)
}

pub fn tables(seed: u64) -> Vec<Table> {
    let rng = &mut ChaCha8Rng::seed_from_u64(seed);
    let int = ColumnType::Int { bits: 64, signed: true };
    let time = ColumnType::Stamp { unit: TimeUnit::Microsecond, zone: None };
    let (users, orders) = (60, 200);
    let tenths = |rng: &mut ChaCha8Rng| Cell::Float(f64::from(rng.random_range(-9..60)) / 10.0);
    let keys = (0..users).map(|key| Cell::Int(key.into())).collect();
    let countries = ["IN", "NP", "in", "Zürich", "ÜBER", "a,b", "say \"hi\"", "it's"];
    let people = vec![
        Column::new("user_id", int.clone(), keys),
        column(rng, 60, ("tier", int.clone()), |rng| Cell::Int(rng.random_range(1..5))),
        column(rng, 60, ("score", ColumnType::Float64), tenths),
        column(rng, 60, ("country", ColumnType::Text), |rng| text(rng, &countries)),
        column(rng, 60, ("active", ColumnType::Bool), |rng| Cell::Bool(rng.random())),
        column(rng, 60, ("born", ColumnType::Date), |rng| {
            Cell::Date(rng.random_range(3650..14_600))
        }),
        column(rng, 60, ("seen_at", time.clone()), stamp),
    ];
    let bought = vec![
        column(rng, orders, ("user_id", int.clone()), |rng| Cell::Int(rng.random_range(0..50))),
        column(rng, orders, ("ordered_at", time), stamp),
        column(rng, orders, ("amount", ColumnType::Float64), tenths),
        column(rng, orders, ("pieces", int), |rng| Cell::Int(rng.random_range(1..4))),
        column(rng, orders, ("item", ColumnType::Text), |rng| text(rng, &["pen", "cup", "ink"])),
    ];
    vec![Table::new("users", people), Table::new("orders", bought)]
}
