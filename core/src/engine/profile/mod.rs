//! The profile store brought up to date with the sources, and what it tells of earlier runs.

mod dirty;
mod fill;
mod since;
mod sync;
mod users;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::Column;
use crate::plan::PassTable;
use crate::predicate::Source;
use crate::store::StoredTable;

pub(super) use dirty::is_many;
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

    pub(super) fn of_pass(table: &PassTable) -> Self {
        let (user, time) = (table.user_column.clone(), table.time.name.clone());
        Tables { table: table.name.clone(), user, time }
    }
}

/// A table of the store, open, as it was when the run began.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) table: Arc<StoredTable>,
    /// The generation before which nothing in it was written.
    since: u64,
    time: Column,
}

/// The tables of a run that are stored.
#[derive(Debug, Default)]
pub(super) struct StoredTables {
    tables: BTreeMap<Tables, Stored>,
    /// The generation of the store.
    generation: u64,
}

impl StoredTables {
    pub(super) fn get(&self, table: &Tables) -> Option<&Stored> {
        self.tables.get(table)
    }
}
