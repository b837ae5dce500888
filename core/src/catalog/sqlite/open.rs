//! Opening a catalog file: what it is, is found out before anything in it is changed.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;
use std::{fs, io};

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::fault::Fault;
use super::schema;
use crate::error::Code;

/// How long to wait between two attempts at what SQLite's own busy timeout does not cover.
const PAUSE: Duration = Duration::from_millis(10);

/// The bytes of the smallest database. SQLite takes a shorter file for an empty one.
const SMALLEST: u64 = 512;

/// How long SQLite can wait: it counts in an i32 of milliseconds.
pub(super) fn waits(timeout: Duration) -> Duration {
    timeout.min(Duration::from_millis(i32::MAX.unsigned_abs().into()))
}

/// The connection that writes, and for a file the one that reads.
pub(super) fn open(
    path: &Path,
    timeout: Duration,
) -> Result<(Connection, Option<Connection>), Fault> {
    let timeout = waits(timeout);
    if path.as_os_str() == ":memory:" {
        let mut connection = Connection::open_in_memory()?;
        prepare(&mut connection, timeout)?;
        return Ok((connection, None));
    }
    check_folder(path)?;
    // Absolute, so that SQLite takes nothing for an address: `file:x?mode=rwc` is a name as well.
    let path = &std::path::absolute(path)
        .map_err(|error| Fault::Known(Code::Io, format!("that is no path: {error}")))?;
    inspect(path, timeout)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut writer = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_CREATE)?;
    prepare(&mut writer, timeout)?;
    let reader = Connection::open_with_flags(path, flags)?;
    reader.busy_timeout(timeout)?;
    reader.pragma_update(None, "query_only", true)?;
    Ok((writer, Some(reader)))
}

/// SQLite would say no more than that it can't open the file.
fn check_folder(path: &Path) -> Result<(), Fault> {
    if path.as_os_str().is_empty() || path.is_dir() {
        return Err(Fault::Known(Code::Io, "that is no path of a file".to_owned()));
    }
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            let message = format!("there is no folder {}", folder.display());
            Err(Fault::Known(Code::Io, message))
        }
        _ => Ok(()),
    }
}

/// The path of a database's write-ahead log.
pub(super) fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// Refuses a file that is not for us through a connection that can't change it: closing one that
/// can would fold the file's write-ahead log into it.
fn inspect(path: &Path, timeout: Duration) -> Result<(), Fault> {
    // The file is not read by ourselves: closing it would drop the locks that SQLite holds on it
    // for other connections of this process.
    match fs::metadata(path).map(|file| file.len()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Ok(0) if fs::metadata(log_of(path)).is_ok_and(|log| log.len() > 0) => {
            // SQLite would take it for a new one and remove the log.
            return Err(Fault::damaged("it is empty, and its log is not"));
        }
        Ok(length) if (1..SMALLEST).contains(&length) => {
            return Err(Fault::damaged("that is no SQLite database"));
        }
        _ => {}
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(timeout)?;
    match schema::check_owner(&connection) {
        // What a crash left must be rolled back before anything can be read; that needs writing,
        // and the check is made again after it.
        Err(Fault::Sqlite(error)) if error.sqlite_error_code() == Some(ErrorCode::ReadOnly) => {
            Ok(())
        }
        other => other,
    }
}

/// Bytes of a page. Members are blobs of some ten or hundred thousand bytes, which in SQLite's usual
/// pages of 4,096 would take several writes for each of many pages.
const PAGE: i64 = 16_384;

fn prepare(connection: &mut Connection, timeout: Duration) -> Result<(), Fault> {
    connection.busy_timeout(timeout)?;
    schema::check_owner(connection)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "recursive_triggers", false)?;
    // Of a new file only; it has to come before the file is written.
    connection.pragma_update(None, "page_size", PAGE)?;
    write_ahead(connection, timeout)?;
    // In WAL mode NORMAL would lose the last commits with the power.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.set_transaction_behavior(TransactionBehavior::Immediate);
    schema::migrate(connection)
}

/// Switches to WAL. SQLite does not wait for the lock that this takes, so we do.
fn write_ahead(connection: &Connection, timeout: Duration) -> Result<(), Fault> {
    let mut waited = Duration::ZERO;
    loop {
        // A file system without shared memory answers another mode, which is as safe.
        let answer = connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()));
        match answer {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && waited < timeout =>
            {
                thread::sleep(PAUSE);
                waited += PAUSE;
            }
            other => return Ok(other?),
        }
    }
}
