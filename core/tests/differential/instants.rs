//! Instants that random data seldom has twice.

use super::differences;
use crate::generate::{Case, Coverage, KeyType};
use crate::oracle::table::{Cell, Column, ColumnType, Table, TimeUnit};
use crate::oracle::{self, UserKey, World};

const MODEL: &str = r#"{ "users": { "key": "id" },
    "events": { "visits": { "user": "id", "time": "at" } }, "timezone": "America/New_York" }"#;
const RULE: &str = r#"{ "rule_name": "once", "conditions": [{ "events": "visits",
    "aggregate": "count_distinct", "field": "seen", "operator": "=", "value": 1 }] }"#;

/// Two times in one microsecond are one instant, and so are two that the clocks skipped.
#[tokio::test]
async fn differential_distinct_instants_are_counted() {
    let id = ColumnType::Int { bits: 64, signed: true };
    let stamp = |unit| ColumnType::Stamp { unit, zone: None };
    let users = vec![Column::new("id", id.clone(), (1..4).map(Cell::Int).collect())];
    // 2025-03-09 02:10 and 02:40 are in the gap, 2025-03-08 is not.
    let (gap, before) = (1_741_486_200_000_000_000, 1_741_399_800_000_000_000);
    let seen = [before, before + 999, gap, gap + 1_800_000_000_000, before, before + 1_000];
    let visits = vec![
        Column::new("id", id, [1, 1, 2, 2, 3, 3].map(Cell::Int).to_vec()),
        Column::new("at", stamp(TimeUnit::Second), vec![Cell::Stamp(1_700_000_000); 6]),
        Column::new("seen", stamp(TimeUnit::Nanosecond), seen.map(Cell::Stamp).to_vec()),
    ];
    let tables = vec![Table::new("users", users), Table::new("visits", visits)];
    let case = Case {
        world: World::new(MODEL, tables),
        rules: vec![(1, RULE.to_owned())],
        as_of_micros: 1_800_000_000_000_000,
        key_type: KeyType::Int { bits: 64, signed: true },
        coverage: Coverage::default(),
    };
    let members = oracle::members(&case.world, &case.rules, 1, case.as_of_micros).unwrap();
    assert_eq!(Vec::from_iter(members), [UserKey::Int(1), UserKey::Int(2)]);
    assert_eq!(differences(0, &case).await, Vec::<String>::new());
}
