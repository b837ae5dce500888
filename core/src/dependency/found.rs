//! What [`DependencyFinder`](crate::DependencyFinder) and the engine say about a rule's
//! dependencies.

use serde::{Deserialize, Serialize};

use crate::rule::Operation;

use super::finder::{Answer, Found};

/// How the segments of other rules may answer a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Dependencies {
    /// The segments that are combined to answer the rule: its own operands and those chosen.
    pub depends_on: Vec<i64>,
    /// How they are combined with one another and with what is left to evaluate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// The places of the conditions that are left to evaluate, JSON Pointers.
    pub evaluated: Vec<String>,
    /// Every segment that could be used, chosen or not.
    pub reused: Vec<Reused>,
    /// The rules that are computed before the rule, in order, and the rule itself if it is stored.
    pub order: Vec<i64>,
}

/// A segment that answers a part of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Reused {
    /// The rule that it is the segment of.
    pub rule_id: i64,
    /// The places of the conditions that need not be evaluated then, JSON Pointers; none where the
    /// segment only says who can be a member at all.
    pub covers: Vec<String>,
    /// Whether the segment says just what stands there.
    pub how: How,
    /// Whether its members are in the rule along with others (`INTERSECTION`), by themselves
    /// (`UNION`) or not at all (`DIFFERENCE`).
    pub operation: Operation,
    /// Whether the cost favours it.
    pub chosen: bool,
    /// Why, or why not.
    pub reason: String,
}

/// How a segment answers a part of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum How {
    /// It has the members that the part has.
    Equal,
    /// It has those and maybe more.
    Contains,
}

impl Found {
    pub(crate) fn reused(&self) -> Reused {
        Reused {
            rule_id: self.rule,
            covers: self.at.clone(),
            how: if self.equal { How::Equal } else { How::Contains },
            operation: match (self.negated, self.union) {
                (true, _) => Operation::Difference,
                (false, true) => Operation::Union,
                (false, false) => Operation::Intersection,
            },
            chosen: self.chosen,
            reason: self.reason.clone(),
        }
    }
}

impl Answer {
    /// What was found, with the rules that come before.
    pub(crate) fn dependencies(&self, order: Vec<i64>) -> Dependencies {
        let taken = |negated: bool| {
            let rules = self.segments.iter().filter(move |(_, not)| *not == negated);
            rules.map(|(rule, _)| *rule)
        };
        let (within, outside): (Vec<i64>, Vec<i64>) =
            (taken(false).collect(), taken(true).collect());
        let (mut depends_on, operation) = match (self.all, within.as_slice(), outside.is_empty()) {
            (_, [], _) => (Vec::new(), None),
            (false, ..) => (within, Some(Operation::Union)),
            (true, [_], false) if self.rest.is_none() => {
                ([within, outside].concat(), Some(Operation::Difference))
            }
            (true, ..) => (within, Some(Operation::Intersection)),
        };
        let mut seen = std::collections::BTreeSet::new();
        depends_on.retain(|rule| seen.insert(*rule));
        Dependencies {
            depends_on,
            operation,
            evaluated: self.rest_at.clone(),
            reused: self.found.iter().map(Found::reused).collect(),
            order,
        }
    }
}
