//! Stage 1: rule JSON -> [`Rule`], the untyped tree, always well formed.
//!
//! Nothing here knows the host's data: fields are names, values are as they were written. What
//! the names and values mean is settled by [`predicate`](crate::predicate) once there is a model.

mod condition;
mod date;
mod group;
mod operand;
mod operator;
mod parser;
mod references;
mod schedule;
mod schema;
mod text;
mod value;
mod window;
mod write;

pub(crate) use write::key_json;

use crate::document::{Json, Number};
use crate::model::Key;

pub(crate) use condition::read_metric;
pub use date::{Duration, Moment, Unit};
pub(crate) use group::Reading;
pub(crate) use operand::compile;
pub(crate) use operator::OPERATORS;
pub use operator::Operator;
pub use parser::RuleParser;
pub(crate) use parser::{Partly, Places};
pub(crate) use references::references;
pub use schedule::Schedule;

pub use value::Scalar;
pub(crate) use value::nfc;

pub use window::{Calendar, Period, Window};

/// Who belongs to an audience: a rule document (RULES.md section 2).
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Unique, 1 to 200 characters, in Unicode NFC.
    pub rule_name: String,
    /// What the rule is for.
    pub description: Option<String>,
    /// Who belongs; absent where the rule only combines others.
    pub conditions: Option<Group>,
    /// When the rule is refreshed.
    pub schedule: Option<Schedule>,
    /// IANA zone of the rule's dates, windows and schedule; the model's if absent.
    pub timezone: Option<chrono_tz::Tz>,
    /// First day or instant of the default window, inclusive.
    pub start_date: Option<Moment>,
    /// Last day or instant of the default window, inclusive.
    pub end_date: Option<Moment>,
    /// Rules whose segments are operands, in order.
    pub depends_on: Vec<RuleRef>,
    /// How the operands are combined; there exactly if `depends_on` is not empty.
    pub operation: Option<Operation>,
    /// Users that belong whatever the conditions say.
    pub include: Vec<Key>,
    /// Users that do not belong whatever the conditions and `include` say.
    pub exclude: Vec<Key>,
    /// Whether the rule takes part in its schedule and in "refresh all".
    pub enabled: bool,
}

/// How operands are combined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Operation {
    /// In all operands.
    Intersection,
    /// In any operand.
    Union,
    /// In the first operand and in none of the others.
    Difference,
}

impl Operation {
    /// `INTERSECTION`, `UNION` or `DIFFERENCE`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Operation::Intersection => "INTERSECTION",
            Operation::Union => "UNION",
            Operation::Difference => "DIFFERENCE",
        }
    }
}

/// Another rule, as a rule document names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RuleRef {
    /// By its id.
    Id(i64),
    /// By its name.
    Name(String),
}

/// The place of a node in the document that it was read from, a JSON Pointer.
///
/// All places are equal: two trees that say the same are the same, wherever they were read.
#[derive(Clone, Debug, Default, Eq)]
pub struct At(pub(crate) String);

impl PartialEq for At {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl At {
    /// The JSON Pointer.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How the nodes of a group are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Combinator {
    /// All of them; of none, everyone.
    And,
    /// Any of them; of none, nobody.
    Or,
}

/// A group of conditions.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// How the nodes are joined.
    pub combinator: Combinator,
    /// Whether the whole is turned into its complement.
    pub not: bool,
    /// Conditions and groups.
    pub rules: Vec<Node>,
    /// Where it stands.
    pub at: At,
}

impl Group {
    /// Whether nothing of it takes part: it is empty because all of it is switched off.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        !self.rules.is_empty() && self.rules.iter().all(Node::is_disabled)
    }
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// A group in the group.
    Group(Group),
    /// A condition on an attribute, a trait, an aggregate of events or the bucket.
    Condition(Box<Condition>),
    /// A condition on membership of other segments.
    Segments(SegmentCondition),
    /// A condition on an order of events.
    Sequence(Box<Sequence>),
    /// A condition or group that is switched off; kept as it was written.
    Disabled(Disabled),
}

impl Node {
    /// Its place in the document, a JSON Pointer; empty for what is switched off.
    #[must_use]
    pub fn at(&self) -> &str {
        match self {
            Node::Group(group) => group.at.as_str(),
            Node::Condition(condition) => condition.at.as_str(),
            Node::Segments(condition) => condition.at.as_str(),
            Node::Sequence(sequence) => sequence.at.as_str(),
            Node::Disabled(_) => "",
        }
    }

    fn is_disabled(&self) -> bool {
        match self {
            Node::Disabled(_) => true,
            Node::Group(group) => group.is_disabled(),
            _ => false,
        }
    }
}

/// What a switched-off node says; it is neither checked nor evaluated.
#[derive(Clone, Debug)]
pub struct Disabled(pub(crate) Json);

/// As JSON has it: the order of members says nothing, and it is lost in a [`serde_json::Value`].
impl PartialEq for Disabled {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_value() == other.0.to_value()
    }
}

/// One value of a user that is tested.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// What is tested.
    pub subject: Subject,
    /// How.
    pub operator: Operator,
    /// Against what.
    pub operand: Operand,
    /// `false`: strings are compared by Unicode simple case folding.
    pub case_sensitive: bool,
    /// Where it stands.
    pub at: At,
}

/// What a condition is about.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// A column of the users table or a trait; `filter` and `window` narrow a trait.
    Field {
        /// Its name, with its table or without.
        name: String,
        /// The `where` of a narrowed trait.
        filter: Option<Group>,
        /// The window of a narrowed trait.
        window: Option<Window>,
    },
    /// An aggregate of the user's events.
    Events(Metric),
    /// The bucket that the user falls in.
    Bucket {
        /// Makes buckets of different tests independent; the rule's name if absent.
        salt: Option<String>,
    },
}

/// An aggregate of a user's events, as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// Event tables by the model's names; no name twice.
    pub events: Vec<String>,
    /// How the events become one value.
    pub aggregate: Aggregate,
    /// The column that is aggregated.
    pub field: Option<String>,
    /// Which events.
    pub filter: Option<Group>,
    /// From which time.
    pub window: Option<Window>,
}

/// How events become one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // RULES.md section 3.2 says what each means
pub enum Aggregate {
    Count,
    Sum,
    Avg,
    Min,
    Max,
    CountDistinct,
    First,
    Last,
    DaysSinceFirst,
    DaysSinceLast,
}

/// Every aggregate with its name.
pub(crate) const AGGREGATES: [(Aggregate, &str); 10] = [
    (Aggregate::Count, "count"),
    (Aggregate::Sum, "sum"),
    (Aggregate::Avg, "avg"),
    (Aggregate::Min, "min"),
    (Aggregate::Max, "max"),
    (Aggregate::CountDistinct, "count_distinct"),
    (Aggregate::First, "first"),
    (Aggregate::Last, "last"),
    (Aggregate::DaysSinceFirst, "days_since_first"),
    (Aggregate::DaysSinceLast, "days_since_last"),
];

impl Aggregate {
    /// The name in documents, `count_distinct` for instance.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        AGGREGATES.iter().find(|(a, _)| *a == self).map_or("", |(_, name)| name)
    }

    /// Whether it counts days since an event.
    #[must_use]
    pub fn is_days_since(self) -> bool {
        matches!(self, Aggregate::DaysSinceFirst | Aggregate::DaysSinceLast)
    }
}

/// What a condition tests against; which one goes with the operator.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// `null`, `notNull`.
    None,
    /// Comparisons, `contains` and its kin, regular expressions.
    One(Scalar),
    /// `between`: low and high, both inclusive.
    Pair(Scalar, Scalar),
    /// `in`, `notIn`.
    List(Vec<Scalar>),
    /// Comparisons with another field, `"valueSource": "field"`.
    Field(String),
    /// `during`, `notDuring`.
    Window(Window),
    /// `within`, `notWithin`.
    Place(Place),
    /// `top`, `bottom`.
    Rank {
        /// How many users.
        size: RankSize,
        /// Of whom; of everyone if absent.
        among: Option<Group>,
    },
}

/// How many users a rank takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RankSize {
    /// So many.
    Count(u64),
    /// Above 0, at most 100; rounds up.
    Percent(Number),
}

/// A part of the earth's surface. Degrees are decimal; the radius is in metres.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// All points at most `radius` from the centre.
    Circle {
        /// Latitude, -90 to 90.
        latitude: f64,
        /// Longitude, -180 to 180.
        longitude: f64,
        /// The radius as written, `10 km`.
        radius: Radius,
    },
    /// A ring of longitude and latitude, its first point not repeated at the end.
    Polygon(Vec<(f64, f64)>),
}

/// A distance with its unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Radius {
    /// How many of the unit, above 0.
    pub length: Number,
    /// `m`, `km` or `mi`.
    pub unit: &'static str,
}

impl Radius {
    /// The distance in metres.
    #[must_use]
    pub fn metres(self) -> f64 {
        let unit = match self.unit {
            "km" => 1_000.0,
            "mi" => 1_609.344,
            _ => 1.0,
        };
        self.length.to_f64() * unit
    }
}

/// A condition on membership of other segments.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentCondition {
    /// `true`: in none of them, rather than in any.
    pub negated: bool,
    /// The rules whose segments are meant.
    pub rules: Vec<RuleRef>,
    /// Where it stands.
    pub at: At,
}

/// Events in an order (RULES.md section 3.8).
#[derive(Clone, Debug, PartialEq)]
pub struct Sequence {
    /// 2 to 10 steps, each strictly later than the one before.
    pub steps: Vec<Step>,
    /// The time in which every step lies.
    pub window: Option<Window>,
    /// `false`: users who did not.
    pub did: bool,
    /// Where it stands.
    pub at: At,
}

/// One step of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Event tables by the model's names.
    pub events: Vec<String>,
    /// Which events.
    pub filter: Option<Group>,
    /// The longest time after the step before, inclusive; absent on the first.
    pub within: Option<Duration>,
    /// Where it stands.
    pub at: At,
}
