//! Leases, schedules and the queue.

use chrono::TimeDelta;
use segmentry::{
    Catalog, Code, Lease, Leased, NewLease, NewSegment, Owner, Published, RuleChange, ScheduleRow,
    Settled,
};

use super::support::{add, at, change, named, new_run, new_segment};

/// An owner of whose process nothing is known.
fn owner(name: &str) -> Owner {
    Owner::of(format!("elsewhere/1/1/{name}"))
}

fn ask(catalog: &dyn Catalog, name: &str, rules: &[i64], second: i64) -> Leased {
    let duration = TimeDelta::seconds(30);
    let wanted = NewLease { owner: owner(name), rules: rules.into(), at: at(second), duration };
    catalog.lease(&wanted).unwrap()
}

fn given(catalog: &dyn Catalog, name: &str, rules: &[i64], second: i64) -> Lease {
    match ask(catalog, name, rules, second) {
        Leased::Given(lease) => lease,
        Leased::Held(rows) => panic!("held: {rows:?}"),
    }
}

fn held(catalog: &dyn Catalog, name: &str, rules: &[i64], second: i64) -> Vec<i64> {
    match ask(catalog, name, rules, second) {
        Leased::Given(lease) => panic!("given: {lease:?}"),
        Leased::Held(rows) => rows.iter().map(|row| row.rule_id).collect(),
    }
}

fn publish(catalog: &dyn Catalog, lease: &Lease, segments: &[NewSegment]) -> Published {
    catalog.publish_under(lease, &new_run(1), segments, &Settled::default()).unwrap()
}

fn refused(catalog: &dyn Catalog, lease: &Lease, segments: &[NewSegment]) {
    let settled = Settled { schedules: vec![schedule(1)], queued: Vec::new() };
    let error = catalog.publish_under(lease, &new_run(1), segments, &settled).unwrap_err();
    assert_eq!(error.code(), Code::LeaseLost, "{error}");
    let error = catalog.keep_schedules(lease, &[schedule(1)]).unwrap_err();
    assert_eq!(error.code(), Code::LeaseLost, "{error}");
    assert_eq!(catalog.segment(1).unwrap(), None);
    assert_eq!(catalog.schedules().unwrap(), []);
}

fn schedule(rule_id: i64) -> ScheduleRow {
    ScheduleRow {
        rule_id,
        handled_until: Some(at(60)),
        missed: 3,
        missed_at: Some(at(0)),
        failures: 2,
        reason: Some("\"quoted\" – 例".to_owned()),
        retry_at: Some(at(90)),
        failed_version: 1,
    }
}

pub fn a_lease_is_given_on_all_rules_or_none(catalog: &dyn Catalog) {
    let first = given(catalog, "a", &[1, 2], 0);
    assert_eq!(held(catalog, "b", &[2, 3], 1), [2]);
    let second = given(catalog, "b", &[3, 4], 1);
    assert!(second.fence > first.fence);
    let rows = catalog.leases().unwrap();
    let rules: Vec<(i64, &Owner)> = rows.iter().map(|row| (row.rule_id, &row.owner)).collect();
    let (a, b) = (owner("a"), owner("b"));
    assert_eq!(rules, [(1, &a), (2, &a), (3, &b), (4, &b)]);
    assert_eq!((rows[0].taken_at, rows[0].renewed_at, rows[0].expires_at), (at(0), at(0), at(30)));
    catalog.release(&first).unwrap();
    let third = given(catalog, "b", &[1, 2], 1);
    assert!(third.fence > second.fence);
    // What was given back is nobody's to give back again.
    catalog.release(&first).unwrap();
    assert_eq!(catalog.leases().unwrap().len(), 4);
}

pub fn a_lease_ends_when_it_expires(catalog: &dyn Catalog) {
    let first = given(catalog, "a", &[1], 0);
    assert_eq!(held(catalog, "b", &[1], 29), [1]);
    let second = given(catalog, "b", &[1], 30);
    assert!(!catalog.renew(&first, at(31)).unwrap());
    catalog.release(&first).unwrap();
    assert_eq!(catalog.leases().unwrap()[0].owner, second.owner);
}

pub fn a_lease_from_the_future_has_expired(catalog: &dyn Catalog) {
    given(catalog, "a", &[1], 86_400);
    assert_eq!(held(catalog, "b", &[1], 86_400 - 29), [1]);
    given(catalog, "b", &[1], 86_400 - 30);
}

pub fn a_renewed_lease_goes_on(catalog: &dyn Catalog) {
    let lease = given(catalog, "a", &[1, 2], 0);
    assert!(catalog.renew(&lease, at(20)).unwrap());
    assert_eq!(held(catalog, "b", &[1], 49), [1]);
    let row = &catalog.leases().unwrap()[0];
    assert_eq!((row.taken_at, row.renewed_at, row.expires_at), (at(0), at(20), at(50)));
    // Lost on one rule is lost on all.
    given(catalog, "b", &[2], 50);
    assert!(!catalog.renew(&lease, at(51)).unwrap());
    assert_eq!(catalog.leases().unwrap()[0].renewed_at, at(20));
}

pub fn an_owner_takes_over_its_own_leases(catalog: &dyn Catalog) {
    add(catalog, named("One"));
    let first = given(catalog, "a", &[1], 0);
    let second = given(catalog, "a", &[1], 1);
    refused(catalog, &first, &[new_segment(1, b"one")]);
    // The earlier run, dropped late, takes nothing away.
    catalog.release(&first).unwrap();
    assert_eq!(publish(catalog, &second, &[new_segment(1, b"one")]), Published::Run(1));
}

pub fn who_lost_a_lease_cannot_publish(catalog: &dyn Catalog) {
    add(catalog, named("One"));
    add(catalog, named("Two"));
    let first = given(catalog, "a", &[1, 2], 0);
    let second = given(catalog, "b", &[2], 31);
    // Rule 1 was not taken over, but what they were to show together would be torn.
    refused(catalog, &first, &[new_segment(1, b"one"), new_segment(2, b"two")]);
    refused(catalog, &first, &[new_segment(1, b"one")]);
    assert_eq!(publish(catalog, &second, &[new_segment(2, b"two")]), Published::Run(1));
    // Given back with the publication.
    assert!(catalog.leases().unwrap().iter().all(|row| row.rule_id == 1));
    refused(catalog, &first, &[new_segment(1, b"one")]);
}

pub fn an_expired_lease_that_nobody_took_still_publishes(catalog: &dyn Catalog) {
    add(catalog, named("One"));
    let lease = given(catalog, "a", &[1], -1_000);
    assert_eq!(publish(catalog, &lease, &[new_segment(1, b"one")]), Published::Run(1));
    assert_eq!(catalog.leases().unwrap(), []);
}

pub fn a_lease_covers_what_is_published(catalog: &dyn Catalog) {
    add(catalog, named("One"));
    add(catalog, named("Two"));
    let lease = given(catalog, "a", &[2], 0);
    refused(catalog, &lease, &[new_segment(1, b"one")]);
    assert_eq!(publish(catalog, &lease, &[]), Published::Run(1));
}

pub fn a_stale_run_keeps_its_lease(catalog: &dyn Catalog) {
    add(catalog, named("One"));
    let lease = given(catalog, "a", &[1], 0);
    change(catalog, &[RuleChange::Update { id: 1, text: named("Uno") }], 1);
    let settled = Settled { schedules: vec![schedule(1)], queued: Vec::new() };
    let segments = [new_segment(1, b"one")];
    let published = catalog.publish_under(&lease, &new_run(1), &segments, &settled).unwrap();
    assert_eq!(published, Published::Stale(vec![1]));
    assert_eq!(catalog.schedules().unwrap(), []);
    assert!(catalog.renew(&lease, at(2)).unwrap());
}

pub fn schedules_are_kept_under_a_lease(catalog: &dyn Catalog) {
    add(catalog, named("One"));
    add(catalog, named("Two"));
    assert_eq!(catalog.schedules().unwrap(), []);
    let lease = given(catalog, "a", &[1, 2], 0);
    catalog.keep_schedules(&lease, &[schedule(2), schedule(1)]).unwrap();
    assert_eq!(catalog.schedules().unwrap(), [schedule(1), schedule(2)]);
    let good = ScheduleRow { rule_id: 1, handled_until: Some(at(120)), ..ScheduleRow::default() };
    catalog.keep_schedules(&lease, std::slice::from_ref(&good)).unwrap();
    assert_eq!(catalog.schedules().unwrap(), [good, schedule(2)]);
    let error = catalog.keep_schedules(&lease, &[schedule(3)]).unwrap_err();
    assert_eq!(error.code(), Code::LeaseLost);
}

pub fn a_run_settles_schedules_and_the_queue(catalog: &dyn Catalog) {
    add(catalog, named("One"));
    let queued = catalog.enqueue(1, at(0)).unwrap();
    assert_eq!((queued, catalog.run(queued).unwrap()), (1, None));
    // A run that was not queued goes on behind it.
    let published = catalog.publish(&new_run(1), &[]).unwrap();
    assert_eq!(published, Published::Run(2));
    let lease = given(catalog, "a", &[1], 1);
    let settled = Settled { schedules: vec![schedule(1)], queued: vec![queued] };
    let segments = [new_segment(1, b"one")];
    let published = catalog.publish_under(&lease, &new_run(2), &segments, &settled).unwrap();
    assert_eq!(published, Published::Run(queued));
    assert_eq!(catalog.schedules().unwrap(), [schedule(1)]);
    assert_eq!(catalog.queued().unwrap(), []);
    assert_eq!(catalog.leases().unwrap(), []);
    assert_eq!(catalog.run(queued).unwrap().unwrap().run, new_run(2));
    let versions = catalog.versions(1).unwrap();
    assert_eq!(versions.iter().map(|version| version.run_id).collect::<Vec<_>>(), [queued]);
    assert_eq!(catalog.publish(&new_run(3), &[]).unwrap(), Published::Run(3));
}

pub fn a_queued_run_waits_once(catalog: &dyn Catalog) {
    add(catalog, named("One"));
    add(catalog, named("Two"));
    let first = catalog.enqueue(1, at(0)).unwrap();
    assert_eq!(catalog.enqueue(1, at(1)).unwrap(), first);
    let other = catalog.enqueue(2, at(1)).unwrap();
    assert_ne!(other, first);
    // One that has begun may have read what was there before the second was asked for.
    let lease = given(catalog, "a", &[1], 2);
    let second = catalog.enqueue(1, at(3)).unwrap();
    assert!(second > other);
    assert_eq!(catalog.enqueue(1, at(4)).unwrap(), second);
    let settled = Settled { schedules: Vec::new(), queued: vec![first] };
    catalog.publish_under(&lease, &new_run(1), &[], &settled).unwrap();
    let ids = |rows: Vec<segmentry::QueuedRow>| {
        rows.iter().map(|row| (row.run_id, row.rule_id)).collect::<Vec<_>>()
    };
    assert_eq!(ids(catalog.queued().unwrap()), [(other, 2), (second, 1)]);
    assert_eq!(catalog.queued().unwrap()[0].requested_at, at(1));
}

pub fn queued_runs_become_one(catalog: &dyn Catalog) {
    add(catalog, named("One"));
    add(catalog, named("Two"));
    let (one, two) = (catalog.enqueue(1, at(0)).unwrap(), catalog.enqueue(2, at(0)).unwrap());
    let lease = given(catalog, "a", &[1, 2], 1);
    let settled = Settled { schedules: Vec::new(), queued: vec![two, one, 99] };
    let published = catalog.publish_under(&lease, &new_run(1), &[], &settled).unwrap();
    assert_eq!(published, Published::Run(one));
    assert_eq!(catalog.run(two).unwrap().unwrap().id, one);
    assert_eq!(catalog.runs(&super::support::page(0, 9)).unwrap().1, 1);
    assert_eq!(catalog.run(99).unwrap(), None);
}

pub fn a_deleted_rule_leaves_the_timetable(catalog: &dyn Catalog) {
    add(catalog, named("One"));
    add(catalog, named("Two"));
    let lease = given(catalog, "a", &[1, 2], 0);
    catalog.keep_schedules(&lease, &[schedule(1), schedule(2)]).unwrap();
    let (one, two) = (catalog.enqueue(1, at(1)).unwrap(), catalog.enqueue(2, at(1)).unwrap());
    change(catalog, &[RuleChange::Delete { id: 1 }], 2);
    assert_eq!(catalog.schedules().unwrap(), [schedule(2)]);
    assert_eq!(catalog.queued().unwrap().len(), 1);
    // A run that was under way settles what there still is.
    let settled = Settled { schedules: vec![schedule(1), schedule(2)], queued: vec![one, two] };
    let published = catalog.publish_under(&lease, &new_run(1), &[], &settled).unwrap();
    assert_eq!(published, Published::Run(two));
    assert_eq!(catalog.schedules().unwrap(), [schedule(2)]);
    assert_eq!(catalog.queued().unwrap(), []);
}
