//! Whether the file is sound: SQLite's own look at it, and the dictionary of keys block by block.

use rusqlite::Connection;

use super::super::fault::Fault;
use super::super::keys;
use super::super::rules::meta;
use super::super::table::{all, number};
use crate::catalog::{Check, Damage};
use crate::error::Code;

/// So many faults SQLite tells of at most.
const MOST: u32 = 100;

/// How to mend a file that SQLite finds damaged.
const RESTORE: &str = "restore a backup; what can still be read of this one, \
    `sqlite3 FILE .recover` writes out";

/// What is found out about one file.
struct Look<'a> {
    connection: &'a Connection,
    place: &'a str,
    check: Check,
}

/// Looks at everything that only SQLite and the dictionary know.
pub(super) fn check(connection: &Connection, place: &str) -> Result<Check, Fault> {
    let mut look = Look { connection, place, check: Check::default() };
    look.at("the file", RESTORE, Look::pages)?;
    look.at("what rows refer to", RESTORE, Look::references)?;
    look.at("the counters of the catalog", RESTORE, Look::counters)?;
    look.at("the dictionary of user keys", RESTORE, Look::keys)?;
    Ok(look.check)
}

impl Look<'_> {
    /// Looks at one thing. That it can't be read is damage; that the system refuses is not.
    fn at(
        &mut self,
        what: &str,
        hint: &str,
        work: impl FnOnce(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let Err(fault) = work(self) else { return Ok(()) };
        if fault.code() != Code::Damaged {
            return Err(fault);
        }
        self.found(what, fault.to_string(), hint);
        Ok(())
    }

    fn found(&mut self, what: impl Into<String>, message: impl Into<String>, hint: &str) {
        self.check.damaged.push(Damage::new(what, self.place, message, hint));
    }

    fn pages(&mut self) -> Result<(), Fault> {
        let pages = number(self.connection, "PRAGMA page_count", [])?;
        self.check.saw("pages", usize::try_from(pages).unwrap_or(0));
        let sql = format!("PRAGMA integrity_check({MOST})");
        let told: Vec<String> = all(self.connection, &sql, [], |row| Ok(row.get(0)?))?;
        for message in told.into_iter().filter(|message| message != "ok") {
            self.found("the file", message, RESTORE);
        }
        Ok(())
    }

    fn references(&mut self) -> Result<(), Fault> {
        let sql = "SELECT \"table\", rowid, parent FROM pragma_foreign_key_check LIMIT 100";
        let lost: Vec<(String, Option<i64>, String)> =
            all(self.connection, sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        for (table, row, parent) in lost {
            let row = row.map_or_else(String::new, |row| format!(" {row}"));
            let message = format!("it names a row of {parent} that is not there");
            let hint = "refresh the rule, then vacuum its older versions; or restore a backup";
            self.found(format!("row{row} of {table}"), message, hint);
        }
        Ok(())
    }

    fn counters(&mut self) -> Result<(), Fault> {
        for name in ["revision", "last_rule", "last_segment"] {
            meta(self.connection, name)?;
        }
        Ok(())
    }

    fn keys(&mut self) -> Result<(), Fault> {
        let connection = self.connection;
        keys::verify(connection, |block, looked| match looked {
            Ok(count) => self.check.saw("keys", count),
            Err(message) => {
                let hint = "restore a backup: which user an ordinal means is told nowhere else";
                self.found(format!("block {block} of the user keys"), message, hint);
            }
        })
    }
}
