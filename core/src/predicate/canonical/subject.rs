//! What a leaf of a canonical predicate is about: one value of a user, or one question about it.
//!
//! Every subject has outcomes that a [`Set`] can hold. A question that is no matter of order (does
//! the text contain this, is the user among the first hundred) is a subject of its own with the
//! outcomes 0 and 1, so that one algebra serves all.

use std::hash::{Hash, Hasher};

use xxhash_rust::xxh3::Xxh3;

use crate::model::{Column, FieldType};
use crate::predicate::Span;
use crate::rule::{Aggregate, Duration, Operator, Place, RankSize};

use super::set::{Point, Set};
use super::{Form, Forms};

/// A place in the subjects of a [`Forms`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SubjectId(pub(super) u32);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// A column of the users, or within a filter of the events.
    Column(Column),
    /// A text by simple case folding, or a list of such.
    Folded(SubjectId),
    /// An aggregate of events.
    Metric(Measure),
    /// The bucket under a salt.
    Bucket(String),
    /// One value against another: 0 less, 1 equal, 2 greater; missing if either is.
    Order { left: SubjectId, right: SubjectId, folded: bool },
    /// Whether one text contains, begins with or ends with another; missing if either is.
    Look { left: SubjectId, right: SubjectId, operator: Operator, folded: bool },
    /// Whether a test of a value holds; missing where the value is.
    Test { of: SubjectId, test: Question },
    /// A position: 0 where one is known.
    Position { latitude: Column, longitude: Column },
    /// Whether the user is among the first or last; never missing.
    Rank { value: SubjectId, top: bool, size: RankSize, among: Option<Form> },
    /// Whether the events came in that order; never missing.
    Sequence(Vec<Stage>, Span),
    /// Whether the user is in a rule's segment that is not looked into, named by the rule and by
    /// the digest of what it says now; never missing.
    Member(i64, u128),
}

/// A test that is no matter of order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Question {
    Contains(String),
    Ends(String),
    Matches {
        pattern: String,
        folded: bool,
    },
    /// The list has an element of the set.
    Has(Set),
    /// One of very many values; two such lists are the same if these 128 bits of them are.
    Many(u128),
    Circle {
        latitude: u64,
        longitude: u64,
        metres: u64,
    },
    Polygon(Vec<(u64, u64)>),
}

impl Question {
    pub(super) fn of_place(place: &Place) -> Question {
        match place {
            Place::Circle { latitude, longitude, radius } => Question::Circle {
                latitude: latitude.to_bits(),
                longitude: longitude.to_bits(),
                metres: radius.metres().to_bits(),
            },
            Place::Polygon(ring) => {
                Question::Polygon(ring.iter().map(|(x, y)| (x.to_bits(), y.to_bits())).collect())
            }
        }
    }
}

/// An aggregate at one `as_of`: windows are spans of instants, so that equal measures are equal
/// values of every user.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Measure {
    pub(crate) aggregate: Aggregate,
    pub(crate) ty: FieldType,
    /// Ordered; a table may stand twice.
    pub(crate) events: Vec<EventSet>,
    pub(crate) span: Span,
    /// The zone in which distinct days are counted.
    pub(crate) days_in: Option<&'static str>,
    /// The instant from which days are counted back.
    pub(crate) as_of: Option<i64>,
    /// Whether no event can make a sum smaller.
    pub(crate) non_negative: bool,
}

/// Events of one table. Where a field is aggregated, the filter says that it is there.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct EventSet {
    pub(crate) table: String,
    pub(crate) user: String,
    pub(crate) time: String,
    pub(crate) field: Option<Column>,
    pub(crate) filter: Form,
}

/// One step of a sequence.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Stage {
    pub(crate) events: Vec<EventSet>,
    pub(crate) within: Option<Within>,
}

/// How long after the step before a step may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Within {
    Micros(i64),
    /// By the calendar of a zone.
    Months(u32, &'static str),
}

impl Within {
    pub(super) fn of(duration: Duration, zone: &'static str) -> Within {
        match duration.months() {
            Some(months) => Within::Months(months, zone),
            None => Within::Micros(duration.micros().unwrap_or(i64::MAX)),
        }
    }

    /// Whether what is within this is within that: a later wall time is no earlier instant.
    pub(crate) fn is_shorter(self, other: Within) -> bool {
        match (self, other) {
            (Within::Micros(one), Within::Micros(two)) => one <= two,
            (Within::Months(one, zone), Within::Months(two, other)) => one <= two && zone == other,
            _ => false,
        }
    }
}

impl Subject {
    /// Whether every user has an outcome.
    pub(crate) fn is_never_missing(&self) -> bool {
        match self {
            Subject::Metric(measure) => matches!(
                measure.aggregate,
                Aggregate::Count | Aggregate::Sum | Aggregate::CountDistinct
            ),
            Subject::Bucket(_)
            | Subject::Rank { .. }
            | Subject::Sequence(..)
            | Subject::Member(..) => true,
            _ => false,
        }
    }

    /// Every outcome that there can be.
    pub(crate) fn domain(&self) -> Set {
        match self {
            Subject::Column(column) => match column.ty {
                FieldType::Boolean => Set::ints(0, 1),
                _ if column.data_type.is_unsigned_integer() => Set::at_least(Point::Int(0)),
                _ => Set::full(),
            },
            Subject::Metric(measure) => match measure.aggregate {
                Aggregate::Count
                | Aggregate::CountDistinct
                | Aggregate::DaysSinceFirst
                | Aggregate::DaysSinceLast => Set::at_least(Point::Int(0)),
                Aggregate::Sum if measure.non_negative => Set::at_least(Point::Int(0)),
                _ if measure.ty == FieldType::Boolean => Set::ints(0, 1),
                _ => Set::full(),
            },
            Subject::Folded(_) => Set::full(),
            Subject::Bucket(_) => Set::ints(0, 99),
            Subject::Order { .. } => Set::ints(0, 2),
            Subject::Position { .. } => Set::ints(0, 0),
            Subject::Look { .. }
            | Subject::Test { .. }
            | Subject::Rank { .. }
            | Subject::Sequence(..)
            | Subject::Member(..) => Set::ints(0, 1),
        }
    }

    /// The subjects that are missing where this one is: one of them has to be.
    pub(crate) fn bases(&self) -> Vec<SubjectId> {
        match self {
            Subject::Order { left, right, .. } | Subject::Look { left, right, .. } => {
                vec![*left, *right]
            }
            Subject::Test { of, .. } | Subject::Folded(of) => vec![*of],
            _ => Vec::new(),
        }
    }

    /// A name of the subject that is the same in every process: equal subjects have equal ones,
    /// others, but for a chance of 2^-128, different ones.
    pub(super) fn digest(&self, forms: &Forms) -> u128 {
        let mut out = Xxh3::new();
        let id = |id: &SubjectId| forms.subject_digest(*id);
        match self {
            Subject::Column(column) => (0u8, column).hash(&mut out),
            Subject::Folded(of) => (10u8, id(of)).hash(&mut out),
            Subject::Metric(measure) => {
                let Measure { aggregate, ty, events, span, days_in, as_of, non_negative } = measure;
                (1u8, aggregate, ty, span, days_in, as_of, non_negative).hash(&mut out);
                events.iter().for_each(|events| events.digest(forms, &mut out));
            }
            Subject::Bucket(salt) => (2u8, salt).hash(&mut out),
            Subject::Order { left, right, folded } => {
                (3u8, id(left), id(right), folded).hash(&mut out);
            }
            Subject::Look { left, right, operator, folded } => {
                (4u8, id(left), id(right), operator, folded).hash(&mut out);
            }
            Subject::Test { of, test } => (5u8, id(of), test).hash(&mut out),
            Subject::Position { latitude, longitude } => {
                (6u8, latitude, longitude).hash(&mut out);
            }
            Subject::Rank { value, top, size, among } => {
                let among = among.map(|among| forms.digest(among));
                (7u8, id(value), top, size, among).hash(&mut out);
            }
            Subject::Sequence(stages, span) => {
                (8u8, span, stages.len()).hash(&mut out);
                for stage in stages {
                    (stage.within, stage.events.len()).hash(&mut out);
                    stage.events.iter().for_each(|events| events.digest(forms, &mut out));
                }
            }
            Subject::Member(rule, says) => (9u8, rule, says).hash(&mut out),
        }
        out.digest128()
    }
}

impl EventSet {
    /// What orders the event sets of a metric.
    pub(super) fn digest(&self, forms: &Forms, out: &mut impl Hasher) {
        (&self.table, &self.user, &self.time, &self.field).hash(out);
        forms.digest(self.filter).hash(out);
    }
}
