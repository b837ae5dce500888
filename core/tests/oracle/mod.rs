//! The row oracle: who belongs to a rule, worked out one user at a time from the contract and from
//! nothing else. It is slow on purpose, and shares no code with the library that it checks.
//!
//! [`World`] is a model with its tables, [`members`] gives the users that a rule selects.

#![allow(dead_code, missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod condition;
mod data;
mod events;
pub mod json;
mod model;
pub mod number;
mod place;
mod rule;
mod sequence;
pub mod table;
mod test;
#[cfg(test)]
mod tests;
pub mod text;
pub mod time;
mod tree;
pub mod value;
mod window;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::OnceLock;

use data::Data;
use table::Table;

/// The key of a user. Integers come before strings; a table holds one kind only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UserKey {
    Int(i64),
    Text(String),
}

/// Why there is no answer: a stable code, as the contract's section 6 names them, and a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OracleError {
    pub code: &'static str,
    pub message: String,
}

impl fmt::Display for OracleError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for OracleError {}

pub(crate) fn failed<T>(code: &'static str, message: impl Into<String>) -> Result<T, OracleError> {
    Err(OracleError { code, message: message.into() })
}

/// A model and the tables that it names. The tables are indexed once, at first use.
#[derive(Debug)]
pub struct World {
    pub model_json: String,
    pub tables: Vec<Table>,
    data: OnceLock<Result<Data, OracleError>>,
}

impl World {
    /// An empty text is the default model.
    pub fn new(model_json: impl Into<String>, tables: Vec<Table>) -> World {
        World { model_json: model_json.into(), tables, data: OnceLock::new() }
    }

    fn data(&self) -> Result<&Data, OracleError> {
        let data = self.data.get_or_init(|| Data::read(&self.model_json, &self.tables));
        data.as_ref().map_err(Clone::clone)
    }

    /// The keys of all users.
    pub fn population(&self) -> Result<BTreeSet<UserKey>, OracleError> {
        Ok(self.data()?.keys.iter().cloned().collect())
    }

    /// What is wrong with the model or the data before any rule is looked at: a bad key, a missing
    /// table or column.
    pub fn check(&self) -> Result<(), OracleError> {
        self.data().map(|_| ())
    }
}

impl Clone for World {
    fn clone(&self) -> World {
        World::new(self.model_json.clone(), self.tables.clone())
    }
}

/// The members of one of the rules, evaluated afresh at `as_of_micros` with all that it depends on.
pub fn members(
    world: &World,
    rules: &[(i64, String)],
    rule_id: i64,
    as_of_micros: i64,
) -> Result<BTreeSet<UserKey>, OracleError> {
    let data = world.data()?;
    let chosen = rule::Rules::read(data, rules, as_of_micros)?.members_of(rule_id)?;
    Ok(data
        .keys
        .iter()
        .zip(chosen.iter())
        .filter(|(_, held)| **held)
        .map(|(k, _)| k.clone())
        .collect())
}

/// The users' keys in the order of their table.
pub fn keys(world: &World) -> Result<Vec<UserKey>, OracleError> {
    Ok(world.data()?.keys.clone())
}

/// Who belongs to each of the rules, users in the order of their table; what it takes is worked out
/// once for all of them.
#[allow(clippy::type_complexity)]
pub fn all_members(
    world: &World,
    rules: &[(i64, String)],
    as_of_micros: i64,
) -> Result<Vec<Result<Vec<bool>, OracleError>>, OracleError> {
    let all = rule::Rules::read(world.data()?, rules, as_of_micros)?;
    Ok(rules.iter().map(|(id, _)| Ok(all.members_of(*id)?.as_ref().clone())).collect())
}

/// What a field or an aggregate is worth for every user, in the order of the users' table. The
/// condition needs no operator; `rule` gives the dates and the zone.
pub fn values(
    world: &World,
    rule: &str,
    condition: &str,
    as_of_micros: i64,
) -> Result<Vec<Option<value::Value>>, OracleError> {
    let rules = [(0, rule.to_owned())];
    let rules = rule::Rules::read(world.data()?, &rules, as_of_micros)?;
    rules.values(&json::Json::parse(condition)?)
}

/// The values, as far as they are there, of a column of events of one or more entries.
pub fn event_values(
    world: &World,
    entries: &[String],
    field: &str,
) -> Result<Vec<value::Value>, OracleError> {
    events::column_values(world.data()?, entries, field)
}
