//! The file as a whole: made small, and copied.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::super::fault::Fault;
use super::super::open::log_of;
use crate::error::Code;

/// Writes the database anew without what is free in it, and empties the log: what was deleted is
/// in neither any more. `false` if another program still reads an earlier state from the log.
pub(super) fn shrink(connection: &Connection) -> Result<bool, Fault> {
    connection.execute_batch("VACUUM")?;
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    let busy: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    Ok(busy == 0)
}

/// The bytes of the database and its log.
pub(super) fn size(path: &Path) -> u64 {
    let bytes = |path: &Path| fs::metadata(path).map_or(0, |file| file.len());
    bytes(path) + bytes(&log_of(path))
}

/// Copies one state of the database to a path where nothing is yet. The copy is on the disk when
/// this returns, and never seen half.
pub(super) fn backup(source: &Connection, from: &Path, to: &Path) -> Result<u64, Fault> {
    let refused = |error: io::Error| {
        let code = match error.kind() {
            io::ErrorKind::AlreadyExists => Code::AlreadyExists,
            _ => Code::Io,
        };
        Fault::Known(code, format!("no backup at {}: {error}", to.display()))
    };
    let folder = match to.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if to.symlink_metadata().is_ok() {
        return Err(refused(io::ErrorKind::AlreadyExists.into()));
    }
    let beside = tempfile::Builder::new()
        .prefix(".segmentry-backup-")
        .tempfile_in(folder)
        .map_err(refused)?;
    copy(source, beside.path())?;
    if let Ok(file) = fs::metadata(from) {
        fs::set_permissions(beside.path(), file.permissions()).map_err(refused)?;
    }
    beside.as_file().sync_all().map_err(refused)?;
    let bytes = beside.as_file().metadata().map_err(refused)?.len();
    // Nothing is overwritten that has come since.
    beside.persist_noclobber(to).map_err(|error| refused(error.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(refused)?;
    Ok(bytes)
}

fn copy(source: &Connection, to: &Path) -> Result<(), Fault> {
    let mut target = Connection::open(to)?;
    // It is flushed once, at the end.
    target.pragma_update(None, "synchronous", "OFF")?;
    target.pragma_update(None, "journal_mode", "MEMORY")?;
    // One snapshot: without it the copy would begin anew whenever somebody writes.
    let snapshot = Transaction::new_unchecked(source, TransactionBehavior::Deferred)?;
    snapshot.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))?;
    let backup = Backup::new(&snapshot, &mut target)?;
    match backup.step(-1)? {
        StepResult::Done => Ok(()),
        _ => Err(Fault::Known(Code::Busy, "another program keeps it locked".to_owned())),
    }
}
