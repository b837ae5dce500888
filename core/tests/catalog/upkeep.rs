//! What every catalog does to stay small.

use roaring::RoaringBitmap;
use segmentry::{
    Catalog, Code, Dropped, Erased, Key, KeyColumn, NewMembers, NewSegment, Published, RuleChange,
};

use super::keys::{ints, texts};
use super::support::{add, change, named, new_run, new_segment, page, publish, segment};

/// A bitmap as it is stored.
pub fn bytes(members: &RoaringBitmap) -> Vec<u8> {
    let mut bytes = Vec::new();
    members.serialize_into(&mut bytes).unwrap();
    bytes
}

/// The members of a version.
pub fn members(catalog: &dyn Catalog, rule: i64, version: i64) -> RoaringBitmap {
    let versions = catalog.versions(rule).unwrap();
    let version = versions.into_iter().find(|v| v.version == version).unwrap();
    let stored = catalog.members(version.members_id).unwrap();
    let read = |bytes: &Vec<u8>| RoaringBitmap::deserialize_from(&bytes[..]).unwrap();
    let differences: i64 = stored.differences.iter().map(|d| d.len() as i64).sum();
    assert_eq!(version.differences, stored.differences.len() as i64, "{version:?}");
    assert_eq!(version.difference_bytes, differences, "{version:?}");
    stored
        .differences
        .iter()
        .fold(read(&stored.whole), |members, difference| members ^ read(difference))
}

/// Publishes the members as the next version of a rule's segment, and says how many come and go.
pub fn publish_members(
    catalog: &dyn Catalog,
    rule_id: i64,
    now: &RoaringBitmap,
    before: Option<&RoaringBitmap>,
    whole: bool,
) {
    let since_version =
        catalog.segment(rule_id).unwrap().and_then(|s| s.current).map_or(0, |c| c.version);
    let nobody = RoaringBitmap::new();
    let then = before.unwrap_or(&nobody);
    let members = match before {
        Some(then) if then == now => NewMembers::Unchanged,
        Some(then) if !whole => NewMembers::Difference(bytes(&(now ^ then))),
        _ => NewMembers::Whole(bytes(now)),
    };
    let segment = NewSegment {
        row_count: now.len() as i64,
        entered: (now - then).len() as i64,
        exited: (then - now).len() as i64,
        members,
        since_version,
        ..new_segment(rule_id, b"")
    };
    publish(catalog, since_version, &[segment]);
}

/// Eight versions: whole, three differences, the same again, a difference, whole, a difference.
pub fn eight_versions(catalog: &dyn Catalog, rule_id: i64, first: u32) -> Vec<RoaringBitmap> {
    let mut versions: Vec<RoaringBitmap> = Vec::new();
    for version in 1..=8u32 {
        let mut now = versions.last().cloned().unwrap_or_else(|| (first..first + 100).collect());
        if version > 1 && version != 5 {
            now.insert(first + 1_000 + version);
            now.remove(first + version);
        }
        let whole = version == 7;
        publish_members(catalog, rule_id, &now, versions.last(), whole);
        versions.push(now);
    }
    versions
}

fn numbers(catalog: &dyn Catalog, rule: i64) -> Vec<i64> {
    catalog.versions(rule).unwrap().iter().map(|version| version.version).collect()
}

pub fn old_versions_are_dropped(catalog: &dyn Catalog) {
    for before in 1..=9 {
        let rule = add(catalog, named(&format!("Rule {before}")));
        let other = add(catalog, named(&format!("Other {before}")));
        let versions = eight_versions(catalog, rule, 0);
        let others = eight_versions(catalog, other, 50);
        let dropped = catalog.drop_versions(rule, before).unwrap();
        // The current one stays, whatever is asked for.
        let first = before.min(8);
        // The fourth and fifth version share their members.
        let bitmaps = [0, 0, 1, 2, 3, 3, 4, 5, 6][usize::try_from(first).unwrap()];
        assert_eq!(dropped, Dropped { versions: (first - 1) as u64, bitmaps }, "before {before}");
        assert_eq!(numbers(catalog, rule), (first..=8).collect::<Vec<i64>>());
        for version in first..=8 {
            let expected = &versions[usize::try_from(version - 1).unwrap()];
            assert_eq!(members(catalog, rule, version), *expected, "{version} of {before}");
            assert_eq!(
                members(catalog, other, version),
                others[usize::try_from(version - 1).unwrap()]
            );
        }
        assert_eq!(numbers(catalog, other), (1..=8).collect::<Vec<i64>>());
        assert_eq!(segment(catalog, rule).current.unwrap().version, 8);
        assert_eq!(catalog.drop_versions(rule, before).unwrap(), Dropped::default());
        // What comes next leans on what is left.
        let mut next = versions[7].clone();
        next.insert(7_777);
        publish_members(catalog, rule, &next, Some(&versions[7]), false);
        assert_eq!(members(catalog, rule, 9), next);
    }
    assert!(catalog.check().unwrap().is_sound());
    assert_eq!(catalog.drop_versions(999, 5).unwrap(), Dropped::default());
}

pub fn what_leans_on_dropped_members_stands_by_itself(catalog: &dyn Catalog) {
    let rule = add(catalog, named("One"));
    eight_versions(catalog, rule, 0);
    catalog.drop_versions(rule, 3).unwrap();
    let kept = catalog.versions(rule).unwrap();
    let differences: Vec<i64> = kept.iter().map(|version| version.differences).collect();
    assert_eq!(differences, [0, 1, 1, 2, 0, 1]);
}

pub fn versions_whose_members_are_no_bitmaps_are_not_dropped(catalog: &dyn Catalog) {
    let rule = add(catalog, named("One"));
    publish(catalog, 1, &[new_segment(rule, b"one")]);
    let next = NewSegment {
        members: NewMembers::Difference(b"+a".to_vec()),
        since_version: 1,
        ..new_segment(rule, b"")
    };
    publish(catalog, 2, &[next]);
    assert_eq!(catalog.drop_versions(rule, 2).unwrap_err().code(), Code::Damaged);
    assert_eq!(numbers(catalog, rule), [1, 2]);
}

pub fn old_runs_are_dropped(catalog: &dyn Catalog) {
    let rule = add(catalog, named("One"));
    let versions = eight_versions(catalog, rule, 0);
    publish(catalog, 9, &[]);
    let last = publish(catalog, 10, &[]);
    let runs = || catalog.runs(&page(0, 99)).unwrap().1;
    assert_eq!((catalog.drop_runs(last).unwrap(), runs()), (1, 9));
    catalog.drop_versions(rule, 6).unwrap();
    assert_eq!((catalog.drop_runs(last).unwrap(), runs()), (5, 4));
    assert_eq!((catalog.drop_runs(last + 9).unwrap(), runs()), (1, 3));
    assert_eq!(members(catalog, rule, 8), versions[7]);
    assert!(publish(catalog, 11, &[]) > last, "an id is never given twice");
}

pub fn shrinking_changes_nothing(catalog: &dyn Catalog) {
    let rule = add(catalog, named("One"));
    let versions = eight_versions(catalog, rule, 0);
    let all = |catalog: &dyn Catalog| {
        let rules = catalog.rules().unwrap();
        (rules, catalog.versions(rule).unwrap(), catalog.runs(&page(0, 99)).unwrap())
    };
    let before = all(catalog);
    assert_eq!(catalog.shrink().unwrap(), catalog.bytes());
    assert_eq!(all(catalog), before);
    assert_eq!(members(catalog, rule, 8), versions[7]);
}

/// Three users are forgotten one after another: one who was always in, one who left, one who came.
pub fn a_forgotten_user_is_in_no_version(catalog: &dyn Catalog) {
    assert!(catalog.append_keys(0, &ints(0, 2_000)).unwrap());
    let rule = add(catalog, named("One"));
    let other = add(catalog, named("Other"));
    let mut versions = eight_versions(catalog, rule, 0);
    let others = eight_versions(catalog, other, 500);
    let keys = ints(0, 2_000);
    let mut gone = Vec::new();
    for (ordinal, held) in [(50, 8), (3, 2), (1_006, 3), (1_999, 0)] {
        let erased = catalog.forget(&keys.get(ordinal as usize).unwrap()).unwrap();
        let segments = u64::from(held > 0);
        assert_eq!(erased, erased_of(segments, held), "{ordinal}");
        gone.push(ordinal);
        for now in &mut versions {
            now.remove(ordinal);
        }
        check_versions(catalog, rule, &versions);
        check_versions(catalog, other, &others);
        assert_eq!(catalog.forgotten(0).unwrap(), gone);
        assert_eq!(catalog.forgotten(gone.len() - 1).unwrap(), [ordinal]);
        assert!(catalog.forgotten(gone.len()).unwrap().is_empty());
        let current = segment(catalog, rule);
        assert_eq!(current.row_count, versions[7].len() as i64);
        assert_eq!(current.basis.as_deref(), Some("null"));
        assert_eq!(current.cutoffs.as_deref(), Some("{}"));
    }
    assert!(catalog.check().unwrap().is_sound());
}

fn erased_of(segments: u64, versions: u64) -> Erased {
    let mut erased = Erased::default();
    (erased.known, erased.segments, erased.versions) = (true, segments, versions);
    erased
}

/// All members and counts are those.
fn check_versions(catalog: &dyn Catalog, rule: i64, expected: &[RoaringBitmap]) {
    let rows = catalog.versions(rule).unwrap();
    let nobody = RoaringBitmap::new();
    let mut before = &nobody;
    for (row, now) in rows.iter().zip(expected) {
        assert_eq!(members(catalog, rule, row.version), *now, "{row:?}");
        let counts = (row.row_count, row.entered, row.exited);
        let entered = (now - before).len() as i64;
        let exited = (before - now).len() as i64;
        assert_eq!(counts, (now.len() as i64, entered, exited), "{row:?}");
        before = now;
    }
}

pub fn a_forgotten_key_is_a_new_user_when_it_comes_again(catalog: &dyn Catalog) {
    assert!(catalog.append_keys(0, &ints(0, 70_000)).unwrap());
    let all = ints(0, 70_000);
    let key = all.get(65_600).unwrap();
    assert!(!catalog.forget(&"x".into()).unwrap().known);
    assert!(catalog.forget(&key).unwrap().known);
    assert!(!catalog.forget(&key).unwrap().known);
    let keys = catalog.keys(0).unwrap().unwrap();
    assert_eq!((keys.len(), keys.get(65_600)), (70_000, None));
    assert_eq!(keys.get(65_599), all.get(65_599));
    assert_eq!(keys.get(65_601), all.get(65_601));
    // The last block goes on with the place empty.
    assert!(catalog.append_keys(70_000, &ints(65_600, 65_601)).unwrap());
    let keys = catalog.keys(65_000).unwrap().unwrap();
    assert_eq!((keys.get(600), keys.get(5_000)), (None, Some(key.clone())));
    assert!(catalog.forget(&key).unwrap().known);
    assert_eq!(catalog.forgotten(0).unwrap(), [65_600, 70_000]);
    assert_eq!(catalog.keys(70_000).unwrap().unwrap().get(0), None);
    assert!(catalog.check().unwrap().is_sound());
}

pub fn text_keys_are_forgotten(catalog: &dyn Catalog) {
    let all = texts(0, 70_000);
    assert!(catalog.append_keys(0, &all).unwrap());
    // The empty text is a key like any other.
    for place in [0, 3, 69_999] {
        let key = all.get(place).unwrap();
        assert!(catalog.forget(&key).unwrap().known);
        assert!(!catalog.forget(&key).unwrap().known);
    }
    let keys = catalog.keys(0).unwrap().unwrap();
    let expected: Vec<Option<Key>> = (0..70_000)
        .map(|place| all.get(place).filter(|_| ![0, 3, 69_999].contains(&place)))
        .collect();
    assert_eq!((0..70_000).map(|place| keys.get(place)).collect::<Vec<_>>(), expected);
    assert!(catalog.append_keys(70_000, &KeyColumn::Text(vec![""].into())).unwrap());
    assert_eq!(catalog.keys(70_000).unwrap().unwrap().get(0), Some(Key::Text(String::new())));
    assert!(catalog.forget(&"".into()).unwrap().known);
}

pub fn a_run_that_began_before_brings_nobody_back(catalog: &dyn Catalog) {
    assert!(catalog.append_keys(0, &ints(0, 10)).unwrap());
    let rule = add(catalog, named("One"));
    let key = ints(0, 10).get(4).unwrap();
    catalog.forget(&key).unwrap();
    let segment = new_segment(rule, &bytes(&(0..10).collect()));
    let stale = catalog.publish(&new_run(1), std::slice::from_ref(&segment)).unwrap();
    assert_eq!(stale, Published::Stale(vec![rule]));
    let without = NewSegment { forgotten: 1, ..segment };
    assert!(matches!(catalog.publish(&new_run(1), &[without]).unwrap(), Published::Run(_)));
}

pub fn nobody_is_forgotten_where_members_are_no_bitmaps(catalog: &dyn Catalog) {
    assert!(catalog.append_keys(0, &ints(0, 10)).unwrap());
    let rule = add(catalog, named("One"));
    publish(catalog, 1, &[new_segment(rule, b"one")]);
    let key = ints(0, 10).get(4).unwrap();
    assert_eq!(catalog.forget(&key).unwrap_err().code(), Code::Damaged);
    assert_eq!(catalog.keys(0).unwrap(), Some(ints(0, 10)));
    assert!(catalog.forgotten(0).unwrap().is_empty());
}

pub fn versions_come_by_run(catalog: &dyn Catalog) {
    let (one, two) = (add(catalog, named("One")), add(catalog, named("Two")));
    let both = [new_segment(two, b"two"), new_segment(one, b"one")];
    let first = publish(catalog, 1, &both);
    publish(catalog, 2, &[]);
    let next = [NewSegment { since_version: 1, ..new_segment(two, b"zwei") }];
    let third = publish(catalog, 3, &next);
    let found = |from, runs| -> Vec<(i64, i64, i64)> {
        let versions = catalog.versions_after(from, runs).unwrap();
        versions.iter().map(|(rule, row)| (row.run_id, *rule, row.version)).collect()
    };
    let all = [(first, one, 1), (first, two, 1), (third, two, 2)];
    assert_eq!(found(0, 9), all);
    assert_eq!(found(0, 1), all[..2]);
    assert_eq!(found(first, 1), all[2..]);
    assert_eq!(found(third, 9), []);
    assert_eq!(found(0, 0), []);
}

pub fn guards_are_kept(catalog: &dyn Catalog) {
    let (one, two) = (add(catalog, named("One")), add(catalog, named("Two")));
    assert!(catalog.max_changes().unwrap().is_empty());
    catalog.set_max_change(one, Some(0.5)).unwrap();
    catalog.set_max_change(two, Some(2.0)).unwrap();
    catalog.set_max_change(one, Some(0.25)).unwrap();
    let guards = || catalog.max_changes().unwrap().into_iter().collect::<Vec<_>>();
    assert_eq!(guards(), [(one, 0.25), (two, 2.0)]);
    catalog.set_max_change(one, None).unwrap();
    assert_eq!(guards(), [(two, 2.0)]);
    change(catalog, &[RuleChange::Delete { id: two }], 1);
    assert_eq!(guards(), []);
    assert_eq!(catalog.set_max_change(two, Some(1.0)).unwrap_err().code(), Code::NotFound);
}
