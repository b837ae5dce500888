//! The tables that keeping house needs.

use rusqlite::Connection;

use super::super::fault::Fault;

/// Whose place in the dictionary is empty. A program that doesn't know of such places would take
/// what stands there for a key, so that it must not open the catalog.
pub(in super::super) fn migrate(connection: &Connection) -> Result<(), Fault> {
    Ok(connection.execute_batch(
        "CREATE TABLE segmentry_forgotten (
             number INTEGER PRIMARY KEY AUTOINCREMENT,
             ordinal INTEGER NOT NULL UNIQUE
         );",
    )?)
}
