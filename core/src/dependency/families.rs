//! A quick no: what a form is about, as 128 bits.
//!
//! A form can only be implied by one that is about the same things. Bits that stand for several
//! things cost a proof that is tried in vain, never one that is missed.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use xxhash_rust::xxh3::Xxh3;

use crate::predicate::canonical::subject::{EventSet, Subject, SubjectId};
use crate::predicate::canonical::{Form, Forms, Shape};

/// What forms are about; worked out once for each form.
#[derive(Debug, Default)]
pub(super) struct Families(HashMap<Form, About>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct About {
    /// Everything that a leaf of the form is about.
    all: u128,
    /// What any form that implies this one is about.
    needed: u128,
}

impl Families {
    /// Whether it is worth trying to prove that `narrow` is within `wide`.
    pub(super) fn may_imply(&mut self, forms: &Forms, narrow: Form, wide: Form) -> bool {
        self.about(forms, wide).needed & !self.about(forms, narrow).all == 0
    }

    fn about(&mut self, forms: &Forms, form: Form) -> About {
        if let Some(about) = self.0.get(&form) {
            return *about;
        }
        let about = match forms.shape(form) {
            Shape::Const(_) => About { all: 0, needed: 0 },
            Shape::And(parts) | Shape::Or(parts) => {
                let and = matches!(forms.shape(form), Shape::And(_));
                let mut parts = parts.iter().map(|part| self.about(forms, *part));
                let first = parts.next().unwrap_or(About { all: 0, needed: 0 });
                parts.fold(first, |one, two| About {
                    all: one.all | two.all,
                    needed: if and { one.needed | two.needed } else { one.needed & two.needed },
                })
            }
            Shape::Leaf(leaf) => About {
                all: self.all_of(forms, leaf.subject),
                needed: needed_by(forms, leaf.subject),
            },
        };
        self.0.insert(form, about);
        about
    }

    fn all_of(&mut self, forms: &Forms, subject: SubjectId) -> u128 {
        match forms.subject(subject).as_ref() {
            Subject::Metric(measure) => tables(&measure.events),
            Subject::Sequence(stages, _) => {
                stages.iter().fold(0, |bits, stage| bits | tables(&stage.events))
            }
            Subject::Rank { value, among, .. } => {
                let among = among.map_or(0, |among| self.about(forms, among).all);
                among | self.all_of(forms, *value)
            }
            Subject::Order { left, right, .. } | Subject::Look { left, right, .. } => {
                self.all_of(forms, *left) | self.all_of(forms, *right)
            }
            Subject::Folded(of) | Subject::Test { of, .. } => self.all_of(forms, *of),
            Subject::Column(_)
            | Subject::Bucket(_)
            | Subject::Position { .. }
            | Subject::Member(_) => needed_by(forms, subject),
        }
    }
}

/// A metric of several tables may be implied by one of any of them.
fn needed_by(forms: &Forms, subject: SubjectId) -> u128 {
    let one = |events: &[EventSet]| {
        let bits = tables(events);
        if bits.count_ones() == 1 { bits } else { 0 }
    };
    match forms.subject(subject).as_ref() {
        Subject::Metric(measure) => one(&measure.events),
        Subject::Sequence(stages, _) => {
            stages.iter().fold(0, |bits, stage| bits | one(&stage.events))
        }
        Subject::Rank { value, .. } => needed_by(forms, *value),
        Subject::Order { left, right, .. } | Subject::Look { left, right, .. } => {
            needed_by(forms, *left) | needed_by(forms, *right)
        }
        Subject::Folded(of) | Subject::Test { of, .. } => needed_by(forms, *of),
        Subject::Column(column) => bit(&(&column.table, &column.name)),
        Subject::Bucket(salt) => bit(&("bucket", salt)),
        Subject::Position { latitude, .. } => bit(&(&latitude.table, &latitude.name)),
        Subject::Member(rule) => bit(rule),
    }
}

fn tables(events: &[EventSet]) -> u128 {
    events.iter().fold(0, |bits, events| bits | bit(&events.table))
}

fn bit(of: &impl Hash) -> u128 {
    let mut out = Xxh3::new();
    of.hash(&mut out);
    1 << (out.finish() % 128)
}
