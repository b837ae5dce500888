//! Short ways to say what the catalog tests say often.

use chrono::{DateTime, TimeDelta, Utc};
use segmentry::{
    Catalog, NewMembers, NewRun, NewSegment, Page, Published, RuleChange, RuleText, SegmentRow,
    StoredMembers,
};

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
        members: NewMembers::Whole(members.to_vec()),
        since_version: 0,
        column_types: "{\"users.age\": \"int\"}".to_owned(),
        reused: "[{\"rule_id\": 9}]".to_owned(),
        basis: "{\"meaning\": \"0\"}".to_owned(),
        cutoffs: "{\"0\": \"everyone\"}".to_owned(),
        forgotten: 0,
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

/// The members of a rule's current segment, which are whole.
pub fn current_members(catalog: &dyn Catalog, rule_id: i64) -> Vec<u8> {
    let current = segment(catalog, rule_id).current.unwrap();
    assert_eq!((current.differences, current.difference_bytes), (0, 0));
    let members = catalog.members(current.members_id).unwrap();
    assert!(members.differences.is_empty());
    members.whole
}

/// Members as they are stored.
pub fn stored(whole: &[u8], differences: &[&[u8]]) -> StoredMembers {
    let differences = differences.iter().map(|bytes| bytes.to_vec()).collect();
    StoredMembers { whole: whole.to_vec(), differences }
}

/// The version after `since_version` of a segment, whose members are a difference.
pub fn difference(rule_id: i64, since_version: i64, members: &[u8]) -> NewSegment {
    let members = NewMembers::Difference(members.to_vec());
    NewSegment { members, since_version, ..new_segment(rule_id, b"") }
}

/// The same, of a segment whose members did not change.
pub fn unchanged(rule_id: i64, since_version: i64) -> NewSegment {
    let members = NewMembers::Unchanged;
    NewSegment { members, since_version, ..new_segment(rule_id, b"") }
}

/// The segment of a rule that has one.
pub fn segment(catalog: &dyn Catalog, rule_id: i64) -> SegmentRow {
    catalog.segment(rule_id).unwrap().unwrap()
}
