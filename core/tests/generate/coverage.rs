//! What the generated rules cover: operators by place and type, and how many users they select.

use std::collections::BTreeMap;
use std::fmt;

use super::conditions::{AGGREGATE_TYPES, ATTRIBUTE_TYPES, operators};
use super::world::Type;

/// Where a condition stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    Attribute,
    Aggregate,
    Where,
}

/// Counts of what generated rules hold.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    pub counts: BTreeMap<(Place, String, Type), usize>,
    pub others: BTreeMap<String, usize>,
    pub rules: usize,
    pub nobody: usize,
    pub everybody: usize,
    /// Rules that select from 1 to 99 of a hundred users.
    pub telling: usize,
}

impl Coverage {
    pub fn note(&mut self, place: Place, operator: &str, ty: Type) {
        *self.counts.entry((place, operator.to_owned(), ty)).or_default() += 1;
    }

    pub fn note_other(&mut self, what: &str) {
        *self.others.entry(what.to_owned()).or_default() += 1;
    }

    pub fn note_share(&mut self, selected: usize, users: usize) {
        self.rules += 1;
        self.nobody += usize::from(selected == 0);
        self.everybody += usize::from(selected == users);
        self.telling += usize::from(tells(selected, users));
    }

    pub fn add(&mut self, other: &Coverage) {
        for (key, count) in &other.counts {
            *self.counts.entry(key.clone()).or_default() += count;
        }
        for (key, count) in &other.others {
            *self.others.entry(key.clone()).or_default() += count;
        }
        self.rules += other.rules;
        self.nobody += other.nobody;
        self.everybody += other.everybody;
        self.telling += other.telling;
    }

    /// Every pair of operator and type that should occur, where it occurs fewer than `least` times.
    pub fn missing(&self, least: usize) -> Vec<(Place, &'static str, Type, usize)> {
        let mut missing = Vec::new();
        let places = [
            (Place::Attribute, ATTRIBUTE_TYPES.as_slice()),
            (Place::Aggregate, AGGREGATE_TYPES.as_slice()),
            (Place::Where, AGGREGATE_TYPES.as_slice()),
        ];
        for (place, types) in places {
            for &ty in types {
                for &operator in operators(ty) {
                    let key = (place, operator.to_owned(), ty);
                    let count = self.counts.get(&key).copied().unwrap_or(0);
                    if count < least {
                        missing.push((place, operator, ty, count));
                    }
                }
            }
        }
        missing
    }

    /// The share of rules that select some users but not all.
    pub fn telling_share(&self) -> f64 {
        self.telling as f64 / self.rules.max(1) as f64
    }
}

/// Whether from 1 to 99 of a hundred users are selected.
pub fn tells(selected: usize, users: usize) -> bool {
    selected * 100 >= users && selected * 100 <= users * 99
}

impl fmt::Display for Coverage {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((place, operator, ty), count) in &self.counts {
            writeln!(
                out,
                "{:<10} {operator:<24} {:<9} {count}",
                format!("{place:?}"),
                format!("{ty:?}")
            )?;
        }
        for (what, count) in &self.others {
            writeln!(out, "{what:<45} {count}")?;
        }
        writeln!(out, "fewer than 20: {:?}", self.missing(20))?;
        writeln!(
            out,
            "{} rules: {:.1} % select 1 to 99 % of the users, {} nobody, {} everybody",
            self.rules,
            100.0 * self.telling_share(),
            self.nobody,
            self.everybody
        )
    }
}
