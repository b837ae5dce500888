//! Rules and their history.

use chrono::TimeDelta;
use segmentry::{Catalog, Code, RuleChange, RuleRow, RuleText, RuleVersion};

use super::support::{add, at, change, full, named};

pub fn a_new_catalog_is_empty(catalog: &dyn Catalog) {
    let rules = catalog.rules().unwrap();
    assert_eq!(catalog.revision().unwrap(), rules.revision);
    assert_eq!((rules.next_id, rules.rules), (1, vec![]));
    assert_eq!(catalog.rule_history(1).unwrap(), vec![]);
    assert!(!catalog.location().is_empty());
}

pub fn a_rule_is_kept_as_it_was_written(catalog: &dyn Catalog) {
    change(
        catalog,
        &[
            RuleChange::Insert { id: 1, text: full("Metro travellers") },
            RuleChange::Insert { id: 2, text: named("Everyone") },
        ],
        5,
    );
    let row = |id, text| RuleRow {
        id,
        version: 1,
        created_at: Some(at(5)),
        updated_at: Some(at(5)),
        text,
    };
    let rules = catalog.rules().unwrap();
    assert_eq!(rules.rules, [row(1, full("Metro travellers")), row(2, named("Everyone"))]);
    assert_eq!(rules.next_id, 3);

    change(catalog, &[RuleChange::Update { id: 2, text: full("All") }], 9);
    let rules = catalog.rules().unwrap();
    let changed = RuleRow { version: 2, updated_at: Some(at(9)), ..row(2, full("All")) };
    changed.created_at.unwrap();
    assert_eq!(rules.rules[1], changed);
    assert_eq!(rules.rules[0], row(1, full("Metro travellers")));
}

pub fn blank_members_are_none(catalog: &dyn Catalog) {
    let blank = |text: &str| Some(text.to_owned());
    let id = add(
        catalog,
        RuleText {
            description: blank(""),
            depends_on: blank("null"),
            operation: blank(""),
            start_date: blank(" "),
            end_date: blank("null"),
            schedule: blank(""),
            ..named("Blank")
        },
    );
    assert_eq!(catalog.rules().unwrap().rules[0].text, named("Blank"));
    assert_eq!(catalog.rule_history(id).unwrap()[0].text, Some(named("Blank")));
}

pub fn changes_need_the_revision_they_were_made_on(catalog: &dyn Catalog) {
    let old = catalog.rules().unwrap().revision;
    add(catalog, named("First"));
    let insert = RuleChange::Insert { id: 2, text: named("Second") };
    assert!(!catalog.change_rules(old, std::slice::from_ref(&insert), at(1)).unwrap());
    let rules = catalog.rules().unwrap();
    assert_eq!((rules.rules.len(), rules.next_id), (1, 2));
    assert!(catalog.change_rules(rules.revision, &[insert], at(1)).unwrap());
    assert_eq!(catalog.rules().unwrap().rules.len(), 2);
}

pub fn every_change_raises_the_revision(catalog: &dyn Catalog) {
    let mut revisions = vec![catalog.rules().unwrap().revision];
    for step in [
        RuleChange::Insert { id: 1, text: named("One") },
        RuleChange::Update { id: 1, text: named("One, again") },
        // The same wording is a change too: somebody wrote it.
        RuleChange::Update { id: 1, text: named("One, again") },
        RuleChange::Delete { id: 1 },
    ] {
        change(catalog, &[step], 1);
        revisions.push(catalog.rules().unwrap().revision);
        assert_eq!(catalog.revision().unwrap(), *revisions.last().unwrap());
    }
    assert!(revisions.is_sorted_by(|a, b| a < b), "{revisions:?}");
}

pub fn each_wording_is_in_the_history(catalog: &dyn Catalog) {
    add(catalog, named("One"));
    change(catalog, &[RuleChange::Update { id: 1, text: full("Two") }], 7);
    // Twice at the same instant, and twice in one go.
    change(
        catalog,
        &[
            RuleChange::Update { id: 1, text: full("Three") },
            RuleChange::Update { id: 1, text: full("Three") },
        ],
        7,
    );
    let version = |version, second, text| RuleVersion { version, at: at(second), text: Some(text) };
    assert_eq!(
        catalog.rule_history(1).unwrap(),
        [
            version(1, 0, named("One")),
            version(2, 7, full("Two")),
            version(3, 7, full("Three")),
            version(4, 7, full("Three")),
        ]
    );
    assert_eq!(catalog.rules().unwrap().rules[0].version, 4);
}

pub fn a_deleted_rule_keeps_its_history(catalog: &dyn Catalog) {
    add(catalog, named("One"));
    add(catalog, named("Other"));
    change(catalog, &[RuleChange::Delete { id: 1 }], 8);
    assert_eq!(
        catalog.rule_history(1).unwrap(),
        [
            RuleVersion { version: 1, at: at(0), text: Some(named("One")) },
            RuleVersion { version: 2, at: at(8), text: None },
        ]
    );
    let left: Vec<i64> = catalog.rules().unwrap().rules.iter().map(|rule| rule.id).collect();
    assert_eq!(left, [2]);
}

pub fn ids_are_never_given_twice(catalog: &dyn Catalog) {
    for name in ["One", "Two", "Three"] {
        add(catalog, named(name));
    }
    change(catalog, &[RuleChange::Delete { id: 3 }, RuleChange::Delete { id: 2 }], 1);
    assert_eq!(catalog.rules().unwrap().next_id, 4);
    change(catalog, &[RuleChange::Delete { id: 1 }], 1);
    assert_eq!(catalog.rules().unwrap().next_id, 4);
    assert_eq!(add(catalog, named("Four")), 4);
}

pub fn an_id_that_was_given_is_refused(catalog: &dyn Catalog) {
    add(catalog, named("One"));
    change(catalog, &[RuleChange::Delete { id: 1 }], 1);
    let revision = catalog.rules().unwrap().revision;
    let again = [RuleChange::Insert { id: 1, text: named("One") }];
    let error = catalog.change_rules(revision, &again, at(2)).unwrap_err();
    assert_eq!(error.code(), Code::Internal);
    assert!(catalog.rules().unwrap().rules.is_empty());
}

pub fn names_are_unique(catalog: &dyn Catalog) {
    add(catalog, named("One"));
    add(catalog, named("Two"));
    let before = catalog.rules().unwrap();
    for doubled in [
        RuleChange::Insert { id: 3, text: named("One") },
        RuleChange::Update { id: 2, text: named("One") },
    ] {
        let error = catalog.change_rules(before.revision, &[doubled], at(1)).unwrap_err();
        assert_eq!(error.code(), Code::DuplicateName);
        assert!(error.to_string().contains("\"One\""), "{error}");
    }
    assert_eq!(catalog.rules().unwrap(), before);
    change(catalog, &[RuleChange::Update { id: 2, text: full("Two") }], 1);
    change(catalog, &[RuleChange::Update { id: 2, text: full("two") }], 1);
}

pub fn a_name_is_free_once_its_rule_is_gone(catalog: &dyn Catalog) {
    add(catalog, named("One"));
    change(
        catalog,
        &[RuleChange::Delete { id: 1 }, RuleChange::Insert { id: 2, text: named("One") }],
        1,
    );
    assert_eq!(catalog.rules().unwrap().rules[0].text.rule_name, "One");
}

pub fn a_bad_change_undoes_all(catalog: &dyn Catalog) {
    add(catalog, named("One"));
    let before = catalog.rules().unwrap();
    let changes = [
        RuleChange::Insert { id: 2, text: named("Two") },
        RuleChange::Update { id: 1, text: named("Uno") },
        RuleChange::Delete { id: 77 },
    ];
    assert!(catalog.change_rules(before.revision, &changes, at(1)).is_err());
    assert_eq!(catalog.rules().unwrap(), before);
    assert_eq!(catalog.rule_history(1).unwrap().len(), 1);
    assert!(catalog.rule_history(2).unwrap().is_empty());
}

pub fn rules_that_are_not_there_are_not_found(catalog: &dyn Catalog) {
    let revision = catalog.rules().unwrap().revision;
    for wrong in [RuleChange::Delete { id: 5 }, RuleChange::Update { id: 5, text: named("Nobody") }]
    {
        let error = catalog.change_rules(revision, &[wrong], at(0)).unwrap_err();
        assert_eq!(error.code(), Code::NotFound);
    }
}

pub fn no_changes_change_nothing(catalog: &dyn Catalog) {
    let before = catalog.rules().unwrap();
    assert!(catalog.change_rules(before.revision, &[], at(0)).unwrap());
    assert!(!catalog.change_rules(before.revision + 1, &[], at(0)).unwrap());
    assert_eq!(catalog.rules().unwrap(), before);
}

pub fn instants_are_whole_microseconds(catalog: &dyn Catalog) {
    let revision = catalog.rules().unwrap().revision;
    let insert = [RuleChange::Insert { id: 1, text: named("One") }];
    let exact = at(0) + TimeDelta::nanoseconds(123_456_789);
    assert!(catalog.change_rules(revision, &insert, exact).unwrap());
    let kept = at(0) + TimeDelta::microseconds(123_456);
    assert_eq!(catalog.rules().unwrap().rules[0].created_at, Some(kept));
    assert_eq!(catalog.rule_history(1).unwrap()[0].at, kept);
}
