//! A quick no: what a form is about, as 128 bits.
//!
//! A form can only be implied by one that is about the same things. Bits that stand for several
//! things cost a proof that is tried in vain, never one that is missed.

use std::hash::{Hash, Hasher};

use xxhash_rust::xxh3::Xxh3;

use super::subject::{EventSet, Subject};
use super::{Forms, Shape};

/// What a form or a subject is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct About {
    /// Everything that it says something about: of alternatives, what all of them do.
    pub(super) all: u128,
    /// What any form that implies this one is about.
    pub(super) needed: u128,
}

impl About {
    pub(super) fn of_subject(subject: &Subject, forms: &Forms) -> About {
        let alone = |all: u128| About { all, needed: all };
        // What is missing where either of two is may be implied by the one or by the other.
        let either = |one: About, two: About| About {
            all: one.all | two.all,
            needed: one.needed & two.needed,
        };
        let of = |id| forms.about_subject(id);
        match subject {
            Subject::Column(column) => alone(bit(&(&column.table, &column.name))),
            Subject::Bucket(salt) => alone(bit(&("bucket", salt))),
            Subject::Position { latitude, .. } => alone(bit(&(&latitude.table, &latitude.name))),
            Subject::Member(rule, _) => alone(bit(rule)),
            Subject::Folded(base) | Subject::Test { of: base, .. } => of(*base),
            Subject::Order { left, right, .. } | Subject::Look { left, right, .. } => {
                either(of(*left), of(*right))
            }
            Subject::Metric(measure) => of_tables(tables(&measure.events)),
            Subject::Sequence(stages, _) => {
                of_tables(stages.iter().fold(0, |bits, stage| bits | tables(&stage.events)))
            }
            Subject::Rank { value, among, .. } => {
                let among = among.map_or(0, |among| forms.about(among).all);
                About { all: among | of(*value).all, needed: of(*value).needed }
            }
        }
    }

    pub(super) fn of_shape(shape: &Shape, forms: &Forms) -> About {
        match shape {
            Shape::Const(_) => About::default(),
            Shape::Leaf(leaf) => forms.about_subject(leaf.subject),
            Shape::And(parts) => parts.iter().fold(About::default(), |one, part| {
                let two = forms.about(*part);
                About { all: one.all | two.all, needed: one.needed | two.needed }
            }),
            Shape::Or(parts) => {
                let abouts = parts.iter().map(|part| forms.about(*part));
                let joined = abouts.reduce(|one, two| About {
                    all: one.all & two.all,
                    needed: one.needed & two.needed,
                });
                joined.unwrap_or_default()
            }
        }
    }
}

/// Of several tables, a metric of any one of them may say something.
fn of_tables(all: u128) -> About {
    About { all, needed: if all.count_ones() == 1 { all } else { 0 } }
}

fn tables(events: &[EventSet]) -> u128 {
    events.iter().fold(0, |bits, events| bits | bit(&events.table))
}

fn bit(of: &impl Hash) -> u128 {
    let mut out = Xxh3::new();
    of.hash(&mut out);
    1 << (out.finish() % 128)
}
