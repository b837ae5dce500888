//! Publication, segments, versions, members and runs.

use segmentry::{
    Catalog, Code, NewSegment, Page, Published, RuleChange, RunRow, SegmentRow, VersionRow,
};

use super::support::{
    add, at, change, current_members, difference, named, new_run, new_segment, page, publish,
    segment, stored, unchanged,
};

fn two_rules(catalog: &dyn Catalog) {
    assert_eq!((add(catalog, named("One")), add(catalog, named("Two"))), (1, 2));
}

pub fn a_run_publishes_its_segments(catalog: &dyn Catalog) {
    two_rules(catalog);
    let run_id = publish(catalog, 100, &[new_segment(2, b"two"), new_segment(1, b"one")]);

    assert_eq!(catalog.run(run_id).unwrap(), Some(RunRow { id: run_id, run: new_run(100) }));
    let row = segment(catalog, 2);
    let current = VersionRow {
        version: 1,
        rule_version: 1,
        as_of: at(100),
        run_id,
        row_count: 20,
        entered: 20,
        exited: 0,
        members_id: row.current.as_ref().unwrap().members_id,
        differences: 0,
        difference_bytes: 0,
    };
    assert_eq!(catalog.versions(2).unwrap(), std::slice::from_ref(&current));
    assert_eq!(
        row,
        SegmentRow {
            id: row.id,
            rule_id: 2,
            segment_name: "Segment 2".to_owned(),
            description: Some("who they are".to_owned()),
            table_name: "segment_output_2".to_owned(),
            row_count: 20,
            sql_query: Some("SELECT 2".to_owned()),
            last_refreshed_at: Some(at(102)),
            current: Some(current),
            column_types: Some("{\"users.age\": \"int\"}".to_owned()),
            reused: Some("[{\"rule_id\": 9}]".to_owned()),
            basis: Some("{\"meaning\": \"0\"}".to_owned()),
            cutoffs: Some("{\"0\": \"everyone\"}".to_owned()),
        }
    );
    assert_eq!(current_members(catalog, 1), b"one");
    assert_eq!(current_members(catalog, 2), b"two");
}

pub fn a_run_may_have_no_segments(catalog: &dyn Catalog) {
    let id = publish(catalog, 5, &[]);
    assert_eq!(catalog.run(id).unwrap().unwrap().run, new_run(5));
    assert_eq!(catalog.segments(&page(0, 10)).unwrap(), (vec![], 0));
}

pub fn the_next_version_takes_over(catalog: &dyn Catalog) {
    two_rules(catalog);
    publish(catalog, 100, &[new_segment(1, b"old")]);
    let before = segment(catalog, 1);
    change(catalog, &[RuleChange::Update { id: 1, text: named("Uno") }], 150);
    let next = NewSegment {
        rule_version: 2,
        segment_name: "Uno".to_owned(),
        description: None,
        row_count: 7,
        entered: 3,
        exited: 6,
        since_version: 1,
        ..new_segment(1, b"new")
    };
    let run_id = publish(catalog, 200, &[next]);

    let row = segment(catalog, 1);
    assert_eq!((row.id, row.segment_name.as_str(), row.row_count), (before.id, "Uno", 7));
    assert_eq!((row.description, row.last_refreshed_at), (None, Some(at(202))));
    let current = row.current.unwrap();
    assert_eq!((current.version, current.rule_version, current.run_id), (2, 2, run_id));
    assert_eq!((current.entered, current.exited, current.as_of), (3, 6, at(200)));
    let versions = catalog.versions(1).unwrap();
    assert_eq!(versions, [before.current.unwrap(), current]);
    assert_eq!(catalog.members(versions[0].members_id).unwrap(), stored(b"old", &[]));
    assert_eq!(current_members(catalog, 1), b"new");
    assert_eq!(catalog.segments(&page(0, 10)).unwrap().1, 1);
}

pub fn unchanged_members_are_shared(catalog: &dyn Catalog) {
    two_rules(catalog);
    publish(catalog, 100, &[new_segment(1, b"same")]);
    for version in 1..4 {
        publish(catalog, 100 + version, &[unchanged(1, version)]);
    }
    let versions = catalog.versions(1).unwrap();
    assert_eq!(versions.len(), 4);
    assert!(versions.iter().all(|version| version.members_id == versions[0].members_id));
    assert_eq!(current_members(catalog, 1), b"same");
}

pub fn differences_are_kept_with_what_they_lean_on(catalog: &dyn Catalog) {
    two_rules(catalog);
    let whole = |version, bytes| NewSegment { since_version: version, ..new_segment(1, bytes) };
    let versions = [
        (whole(0, b"first"), stored(b"first", &[])),
        (difference(1, 1, b"+a"), stored(b"first", &[b"+a"])),
        (difference(1, 2, b"-bc"), stored(b"first", &[b"+a", b"-bc"])),
        (unchanged(1, 3), stored(b"first", &[b"+a", b"-bc"])),
        (difference(1, 4, b""), stored(b"first", &[b"+a", b"-bc", b""])),
        (whole(5, b""), stored(b"", &[])),
        (unchanged(1, 6), stored(b"", &[])),
        (difference(1, 7, b"+d"), stored(b"", &[b"+d"])),
    ];
    for (second, (new, _)) in (1..).zip(&versions) {
        // Another segment goes its own way.
        let other = NewSegment { since_version: second - 1, ..new_segment(2, b"other") };
        publish(catalog, second, &[new.clone(), other]);
    }
    let kept = catalog.versions(1).unwrap();
    assert_eq!(kept.len(), versions.len());
    for (version, (_, expected)) in kept.iter().zip(&versions) {
        assert_eq!(catalog.members(version.members_id).unwrap(), *expected, "{version:?}");
        let bytes: usize = expected.differences.iter().map(Vec::len).sum();
        let counts = (expected.differences.len() as i64, bytes as i64);
        assert_eq!((version.differences, version.difference_bytes), counts);
    }
    assert_eq!(kept[2].members_id, kept[3].members_id);
    assert_eq!(segment(catalog, 1).current.as_ref(), kept.last());
    assert_eq!(current_members(catalog, 2), b"other");
}

pub fn members_that_lean_on_nothing_are_an_error(catalog: &dyn Catalog) {
    two_rules(catalog);
    for none in [unchanged(1, 0), difference(1, 0, b"+a")] {
        let error = catalog.publish(&new_run(1), &[new_segment(2, b"two"), none]).unwrap_err();
        assert_eq!(error.code(), Code::Internal);
        assert_eq!(catalog.runs(&page(0, 10)).unwrap(), (vec![], 0));
        assert_eq!(catalog.segment(2).unwrap(), None);
        assert!(catalog.versions(2).unwrap().is_empty());
    }
}

pub fn a_changed_rule_makes_a_run_stale(catalog: &dyn Catalog) {
    two_rules(catalog);
    change(catalog, &[RuleChange::Update { id: 2, text: named("Zwei") }], 1);
    let segments = [new_segment(1, b"one"), new_segment(2, b"two")];
    assert_eq!(catalog.publish(&new_run(9), &segments).unwrap(), Published::Stale(vec![2]));
}

pub fn a_deleted_rule_makes_a_run_stale(catalog: &dyn Catalog) {
    two_rules(catalog);
    change(catalog, &[RuleChange::Delete { id: 1 }], 1);
    let segments = [new_segment(1, b"one"), new_segment(2, b"two")];
    assert_eq!(catalog.publish(&new_run(9), &segments).unwrap(), Published::Stale(vec![1]));
}

pub fn another_refresh_makes_a_run_stale(catalog: &dyn Catalog) {
    two_rules(catalog);
    let segments = [new_segment(2, b"two"), new_segment(1, b"one")];
    publish(catalog, 9, &segments);
    assert_eq!(catalog.publish(&new_run(9), &segments).unwrap(), Published::Stale(vec![1, 2]));
    let ahead = [NewSegment { since_version: 2, ..new_segment(1, b"one") }];
    assert_eq!(catalog.publish(&new_run(9), &ahead).unwrap(), Published::Stale(vec![1]));
    let leaning = [difference(1, 2, b"+a"), unchanged(2, 0)];
    assert_eq!(catalog.publish(&new_run(9), &leaning).unwrap(), Published::Stale(vec![1, 2]));
}

pub fn a_stale_run_leaves_nothing(catalog: &dyn Catalog) {
    two_rules(catalog);
    let segments = [new_segment(1, b"one"), new_segment(77, b"nobody")];
    assert_eq!(catalog.publish(&new_run(9), &segments).unwrap(), Published::Stale(vec![77]));
    assert_eq!(catalog.runs(&page(0, 10)).unwrap(), (vec![], 0));
    assert_eq!(catalog.segments(&page(0, 10)).unwrap(), (vec![], 0));
    assert!(catalog.versions(1).unwrap().is_empty());
}

pub fn a_rule_twice_in_a_run_is_an_error(catalog: &dyn Catalog) {
    two_rules(catalog);
    let segments = [new_segment(1, b"one"), new_segment(1, b"uno")];
    let error = catalog.publish(&new_run(9), &segments).unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    assert_eq!(catalog.segment(1).unwrap(), None);
}

pub fn a_deleted_rule_takes_its_segment_along(catalog: &dyn Catalog) {
    two_rules(catalog);
    publish(catalog, 1, &[new_segment(1, b"one"), new_segment(2, b"two")]);
    publish(catalog, 2, &[NewSegment { since_version: 1, ..new_segment(1, b"uno") }]);
    publish(catalog, 3, &[difference(1, 2, b"+a"), difference(2, 1, b"+b")]);
    publish(catalog, 4, &[difference(1, 3, b"-a"), unchanged(2, 2)]);
    let versions = catalog.versions(1).unwrap();
    assert_eq!(versions.len(), 4);
    change(catalog, &[RuleChange::Delete { id: 1 }], 5);

    assert_eq!(catalog.segment(1).unwrap(), None);
    assert!(catalog.versions(1).unwrap().is_empty());
    for version in versions {
        let error = catalog.members(version.members_id).unwrap_err();
        assert_eq!(error.code(), Code::NotFound);
    }
    let other = segment(catalog, 2).current.unwrap().members_id;
    assert_eq!(catalog.members(other).unwrap(), stored(b"two", &[b"+b"]));
    assert_eq!(catalog.runs(&page(0, 10)).unwrap().1, 4);
}

pub fn segment_ids_are_never_given_twice(catalog: &dyn Catalog) {
    two_rules(catalog);
    publish(catalog, 1, &[new_segment(1, b"one"), new_segment(2, b"two")]);
    let last = segment(catalog, 2);
    let last_members = last.current.unwrap().members_id;
    change(catalog, &[RuleChange::Delete { id: 2 }], 5);
    let rule = add(catalog, named("Three"));
    publish(catalog, 2, &[new_segment(rule, b"three")]);
    let row = segment(catalog, rule);
    assert!(row.id > last.id);
    assert!(row.current.unwrap().members_id > last_members);
}

pub fn segments_come_in_pages(catalog: &dyn Catalog) {
    let rules: Vec<i64> =
        (0..5).map(|number| add(catalog, named(&format!("Rule {number}")))).collect();
    let all: Vec<NewSegment> = rules.iter().map(|rule| new_segment(*rule, b"m")).collect();
    publish(catalog, 1, &all);
    let found = |offset, limit| {
        let (rows, count) = catalog.segments(&page(offset, limit)).unwrap();
        assert_eq!(count, 5);
        rows.iter().map(|row| row.rule_id).collect::<Vec<i64>>()
    };
    assert_eq!(found(0, 10), rules);
    assert_eq!(found(0, 2), rules[..2]);
    assert_eq!(found(4, 2), rules[4..]);
    assert!(found(9, 2).is_empty());
    assert!(found(0, 0).is_empty());
    assert!(found(-3, -1).is_empty());
}

pub fn segments_are_searched_by_name(catalog: &dyn Catalog) {
    for (number, name) in ["100% Metro_A", "metro-b", "Über", "über"].iter().enumerate() {
        let rule = add(catalog, named(&format!("Rule {number}")));
        let segment_name = (*name).to_owned();
        publish(catalog, 1, &[NewSegment { segment_name, ..new_segment(rule, b"m") }]);
    }
    let found = |search: &str| {
        let page = Page { search: Some(search.to_owned()), offset: 0, limit: 10 };
        let (rows, count) = catalog.segments(&page).unwrap();
        assert_eq!(count, i64::try_from(rows.len()).unwrap());
        rows.iter().map(|row| row.rule_id).collect::<Vec<i64>>()
    };
    assert_eq!(found("METRO"), [1, 2]);
    assert_eq!(found("%"), [1]);
    assert_eq!(found("o_"), [1]);
    // Other letters than ASCII's are compared as they are.
    assert_eq!(found("Über"), [3]);
    assert_eq!(found("BER"), [3, 4]);
    assert_eq!(found(""), [1, 2, 3, 4]);
    assert!(found("nothing").is_empty());
    let page = Page { search: Some("metro".to_owned()), offset: 1, limit: 1 };
    let (rows, count) = catalog.segments(&page).unwrap();
    assert_eq!((rows[0].rule_id, rows.len(), count), (2, 1, 2));
}

pub fn runs_come_in_pages_newest_first(catalog: &dyn Catalog) {
    let ids: Vec<i64> = (0..4).map(|second| publish(catalog, second, &[])).collect();
    assert!(ids.is_sorted_by(|a, b| a < b));
    let search = Some("ignored".to_owned());
    let (rows, count) = catalog.runs(&Page { search, offset: 1, limit: 2 }).unwrap();
    let found: Vec<i64> = rows.iter().map(|row| row.id).collect();
    assert_eq!((found, count), (vec![ids[2], ids[1]], 4));
    assert_eq!(rows[0].run, new_run(2));
}

pub fn unknown_things_are_none(catalog: &dyn Catalog) {
    assert_eq!(catalog.run(1).unwrap(), None);
    assert_eq!(catalog.segment(1).unwrap(), None);
    assert!(catalog.versions(1).unwrap().is_empty());
    assert_eq!(catalog.members(1).unwrap_err().code(), Code::NotFound);
}
