//! Short ways to say what the catalog tests say often.

use chrono::{DateTime, TimeDelta, Utc};
use segmentry::{Catalog, NewRun, NewSegment, Page, Published, RuleChange, RuleText, SegmentRow};

/// An instant, `second` seconds into the year in which the tests play.
pub fn at(second: i64) -> DateTime<Utc> {
    "2025-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::seconds(second)
}

/// A rule with nothing but a name and conditions.
pub fn named(name: &str) -> RuleText {
    RuleText {
        rule_name: name.to_owned(),
        conditions: Some("[]".to_owned()),
        enabled: true,
        ..RuleText::default()
    }
}

/// A rule that has every member.
pub fn full(name: &str) -> RuleText {
    RuleText {
        rule_name: name.to_owned(),
        description: Some("Für alle, \"quoted\" – 例".to_owned()),
        conditions: Some(r#"[{"field": "age", "operator": ">", "value": 30}]"#.to_owned()),
        schedule: Some("0 6 * * 1-5".to_owned()),
        timezone: Some("Asia/Kolkata".to_owned()),
        start_date: Some("2025-01-01".to_owned()),
        end_date: Some("2025-12-31T23:59:59Z".to_owned()),
        depends_on: Some("[1]".to_owned()),
        operation: Some("UNION".to_owned()),
        include: Some("[101]".to_owned()),
        exclude: Some("[\"x\"]".to_owned()),
        enabled: false,
    }
}

/// Makes the changes on the present revision.
pub fn change(catalog: &dyn Catalog, changes: &[RuleChange], second: i64) {
    let revision = catalog.rules().unwrap().revision;
    assert!(catalog.change_rules(revision, changes, at(second)).unwrap());
}

/// Adds a rule and gives its id.
pub fn add(catalog: &dyn Catalog, text: RuleText) -> i64 {
    let id = catalog.rules().unwrap().next_id;
    change(catalog, &[RuleChange::Insert { id, text }], 0);
    id
}

/// A run that is about and done at that second.
pub fn new_run(second: i64) -> NewRun {
    NewRun {
        as_of: at(second),
        started_at: at(second + 1),
        finished_at: at(second + 2),
        report: format!("{{\"second\": {second}}}"),
    }
}

/// The first segment of a rule of version 1, with those bytes as its members.
pub fn new_segment(rule_id: i64, members: &[u8]) -> NewSegment {
    NewSegment {
        rule_id,
        rule_version: 1,
        segment_name: format!("Segment {rule_id}"),
        description: Some("who they are".to_owned()),
        sql_query: format!("SELECT {rule_id}"),
        row_count: 10 * rule_id,
        entered: 10 * rule_id,
        exited: 0,
        members: Some(members.to_vec()),
        since_version: 0,
        column_types: "{\"users.age\": \"int\"}".to_owned(),
        reused: "[{\"rule_id\": 9}]".to_owned(),
        basis: "{\"meaning\": \"0\"}".to_owned(),
        cutoffs: "{\"0\": \"everyone\"}".to_owned(),
    }
}

/// Publishes and gives the run's id.
pub fn publish(catalog: &dyn Catalog, second: i64, segments: &[NewSegment]) -> i64 {
    match catalog.publish(&new_run(second), segments).unwrap() {
        Published::Run(id) => id,
        Published::Stale(rules) => panic!("stale: {rules:?}"),
    }
}

/// The first `limit` entries after `offset`.
pub fn page(offset: i64, limit: i64) -> Page {
    Page { search: None, offset, limit }
}

/// The members of a rule's current segment.
pub fn current_members(catalog: &dyn Catalog, rule_id: i64) -> Vec<u8> {
    let current = segment(catalog, rule_id).current.unwrap();
    catalog.members(current.members_id).unwrap()
}

/// The segment of a rule that has one.
pub fn segment(catalog: &dyn Catalog, rule_id: i64) -> SegmentRow {
    catalog.segment(rule_id).unwrap().unwrap()
}
