//! Keeping house in the catalog's file.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::fault::Fault;
use super::{SqliteCatalog, lock};
use crate::catalog::{CatalogUpkeep, Check, Dropped, Erased, VersionRow};
use crate::error::{Code, Error, Problem, Result};
use crate::model::Key;

mod check;
mod drop;
mod file;
pub(super) mod forget;
mod guard;
pub(super) mod schema;

impl SqliteCatalog {
    /// Works on a connection of its own, so that nobody waits for what takes long; without a file
    /// there is only one.
    fn aside<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T> {
        let answer = match self.reader {
            None => work(&lock(&self.writer)),
            Some(_) => self.another().and_then(|connection| work(&connection)),
        };
        answer.map_err(|fault| fault.at(&self.path.display().to_string()))
    }

    /// Whether nothing of what was deleted is left in the file and its log.
    fn scrub(&self) -> Result<bool> {
        file::shrink(&lock(&self.writer))
            .map_err(|fault| fault.at(&self.path.display().to_string()))
    }

    fn another(&self) -> Result<Connection, Fault> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(self.timeout)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }
}

impl CatalogUpkeep for SqliteCatalog {
    fn check(&self) -> Result<Check> {
        let place = self.path.display().to_string();
        self.aside(|connection| check::check(connection, &place))
    }

    fn drop_versions(&self, rule_id: i64, before: i64) -> Result<Dropped> {
        self.write(|connection| drop::versions(connection, rule_id, before))
    }

    fn drop_runs(&self, before: i64) -> Result<u64> {
        self.write(|connection| drop::runs(connection, before))
    }

    fn shrink(&self) -> Result<u64> {
        // What others still read goes the next time.
        self.scrub().map(|_| self.bytes())
    }

    fn bytes(&self) -> u64 {
        self.reader.as_ref().map_or(0, |_| file::size(&self.path))
    }

    fn backup(&self, path: &Path) -> Result<u64> {
        self.aside(|connection| file::backup(connection, &self.path, path))
    }

    fn forget(&self, key: &Key) -> Result<Erased> {
        let erased = self.write(|connection| forget::forget(connection, key))?;
        if self.scrub()? {
            return Ok(erased);
        }
        let message = "the user is in no segment and no dictionary any more, but another program \
                       still reads an earlier state";
        let hint = "forget the user once more when it is done";
        Err(Error::from(Problem::new(Code::Busy, "", message).hint(hint)))
    }

    fn forgotten(&self, from: usize) -> Result<Vec<u32>> {
        self.read(|connection| forget::since(connection, from))
    }

    fn versions_after(&self, run_id: i64, runs: i64) -> Result<Vec<(i64, VersionRow)>> {
        self.read(|connection| guard::versions_after(connection, run_id, runs))
    }

    fn max_changes(&self) -> Result<BTreeMap<i64, f64>> {
        self.read(guard::max_changes)
    }

    fn set_max_change(&self, rule_id: i64, fraction: Option<f64>) -> Result<()> {
        self.write(|connection| guard::set_max_change(connection, rule_id, fraction))
    }
}
