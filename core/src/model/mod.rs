//! The host's data: which table holds the users, which hold their events, what traits are made of
//! them, and the Arrow types behind it all (RULES.md section 1).

mod bind;
mod infer;
mod key;
mod offsets;
mod parse;
mod types;
mod zone;

use crate::rule::Metric;

pub(crate) use bind::{BoundEvents, BoundModel, BoundTrait, Column, column, same_name};
pub use infer::{Inferred, Table};
pub use key::{Key, KeyColumn, KeyType};
pub(crate) use offsets::Offsets;
pub use types::FieldType;
pub(crate) use zone::*;

/// What the host's tables mean.
///
/// What a table's columns hold is known from their Arrow types. One thing more can be declared: that
/// a column of numbers has none below zero, by the metadata `segmentry.non_negative` = `true` of its
/// Arrow field. Then a sum is known to be no smaller over more events, so that one rule's segment can
/// answer more of another's; where it is declared and not so, such answers may be wrong. Unsigned
/// columns need no declaration.
///
/// ```
/// use segmentry::AudienceModel;
/// let model = AudienceModel::parse(r#"{
///     "users":  { "table": "customers", "key": "customer_id" },
///     "events": { "purchases": { "user": "customer_id", "time": "purchased_at" } },
///     "traits": { "spend": { "aggregate": "sum", "field": "amount", "events": "purchases" } }
/// }"#)?;
/// assert_eq!(model.users.key, "customer_id");
/// // The default model is that of the original platform's schema.
/// assert_eq!(AudienceModel::default().events.len(), 2);
/// # Ok::<(), segmentry::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct AudienceModel {
    /// The population.
    pub users: Users,
    /// Event tables by the names that rules use, in the document's order.
    pub events: Vec<(String, Events)>,
    /// Named aggregates and points, in the document's order.
    pub traits: Vec<(String, Trait)>,
    /// The zone of time columns without one, and of rules without one.
    pub timezone: chrono_tz::Tz,
}

/// The users table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Users {
    /// The registered table.
    pub table: String,
    /// Its key column: integers or strings, unique, not null.
    pub key: String,
}

/// An event table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Events {
    /// The registered table.
    pub table: String,
    /// The column that holds the user's key.
    pub user: String,
    /// The column that says when it happened.
    pub time: String,
}

/// A named value of a user that is no column.
#[derive(Clone, Debug, PartialEq)]
pub enum Trait {
    /// An aggregate of the user's events.
    Aggregate(Metric),
    /// A position, of two columns of the users table in degrees.
    Point {
        /// The column of latitudes.
        latitude: String,
        /// The column of longitudes.
        longitude: String,
    },
}
