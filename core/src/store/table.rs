//! A stored table as a run reads it.

use std::sync::Arc;

use super::part::Part;
use super::words::Words;

/// A table of the store, its files open: they stay readable whatever is written meanwhile.
#[derive(Debug)]
pub(crate) struct StoredTable {
    /// The time first.
    pub(crate) columns: Vec<StoredColumn>,
    /// For each block its parts with the generations in which they were written, the oldest first.
    pub(crate) blocks: Vec<Vec<(Arc<Part>, u64)>>,
}

/// A column of a stored table.
#[derive(Debug)]
pub(crate) struct StoredColumn {
    pub(crate) name: String,
    /// Its texts; values are their numbers.
    pub(crate) words: Option<Arc<Words>>,
}

impl StoredTable {
    pub(crate) fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}
