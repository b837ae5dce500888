//! The tables that keeping house needs.

use rusqlite::Connection;

use super::super::fault::Fault;

/// Whose place in the dictionary is empty. A program that doesn't know of such places would take
/// what stands there for a key, so that it must not open the catalog.
pub(in super::super) fn forgotten(connection: &Connection) -> Result<(), Fault> {
    Ok(connection.execute_batch(
        "CREATE TABLE segmentry_forgotten (
             number INTEGER PRIMARY KEY AUTOINCREMENT,
             ordinal INTEGER NOT NULL UNIQUE
         );",
    )?)
}

/// By how much the size of a rule's segment may change.
pub(in super::super) fn guards(connection: &Connection) -> Result<(), Fault> {
    Ok(connection.execute_batch(
        "CREATE TABLE segmentry_guard (
             rule_id INTEGER PRIMARY KEY,
             max_change REAL NOT NULL
         );
         CREATE TRIGGER segmentry_guard_deleted AFTER DELETE ON rule_table BEGIN
             DELETE FROM segmentry_guard WHERE rule_id = OLD.id;
         END;",
    )?)
}
