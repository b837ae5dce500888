//! The rules that others may name, by id and by name.

use std::collections::{BTreeMap, HashMap};

use crate::error::{Code, Problem};
use crate::rule::RuleRef;

/// The rules that others may name.
#[derive(Clone, Debug, Default)]
pub(crate) struct KnownRules {
    pub(crate) names: BTreeMap<i64, String>,
    ids: HashMap<String, i64>,
}

impl KnownRules {
    pub(crate) fn add(&mut self, id: i64, name: &str) {
        self.names.insert(id, name.to_owned());
        self.ids.entry(name.to_owned()).or_insert(id);
    }

    pub(crate) fn resolve(&self, rule: &RuleRef) -> Option<i64> {
        match rule {
            RuleRef::Id(id) => self.names.contains_key(id).then_some(*id),
            RuleRef::Name(name) => self.ids.get(name).copied(),
        }
    }

    /// The problem of a rule that does not exist.
    pub(crate) fn unknown(&self, rule: &RuleRef, place: String) -> Problem {
        match rule {
            RuleRef::Id(id) => {
                Problem::new(Code::UnknownRule, place, format!("no rule has the id {id}"))
            }
            RuleRef::Name(name) => {
                let shown: String = name.chars().take(60).collect();
                Problem::new(Code::UnknownRule, place, format!("no rule is named {shown:?}"))
                    .nearest(name, self.names.values().map(String::as_str))
            }
        }
    }
}
