//! The profile store brought up to date with the sources, and what it tells of earlier runs.

mod compact;
mod cursor;
mod dirty;
mod fill;
mod merge;
mod reading;
mod schema;
mod since;
mod sync;
mod users;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::Column;
use crate::plan::PassTable;
use crate::predicate::Source;
use crate::store::{StoredTable, TableEntry};

pub(super) use dirty::is_many;
pub(super) use merge::joined;
pub(super) use since::{Asked, Since};

/// Names an event table as rules read it: by the columns of its keys and times.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Tables {
    table: String,
    user: String,
    time: String,
}

impl Tables {
    fn of(source: &Source) -> Self {
        let (user, time) = (source.user.name.clone(), source.time.name.clone());
        Tables { table: source.table.clone(), user, time }
    }

    fn of_entry(entry: &TableEntry) -> Self {
        let (user, time) = (entry.user.clone(), entry.time.clone());
        Tables { table: entry.table.clone(), user, time }
    }

    pub(super) fn of_pass(table: &PassTable) -> Self {
        let (user, time) = (table.user_column.clone(), table.time.name.clone());
        Tables { table: table.name.clone(), user, time }
    }
}

/// A table of the store, open, as it was when the run began.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) table: Arc<StoredTable>,
    /// The generation in which it was read.
    generation: u64,
    /// The generation before which nothing in it was written.
    since: u64,
    time: Column,
    /// When it was as the source is, in microseconds since 1970.
    read_at: i64,
}

/// The tables of a run that are stored.
#[derive(Debug, Default)]
pub(super) struct StoredTables(BTreeMap<Tables, Stored>);

impl StoredTables {
    pub(super) fn get(&self, table: &Tables) -> Option<&Stored> {
        self.0.get(table)
    }
}
