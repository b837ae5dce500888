//! Waiting for the write lock such that everybody's turn comes.

use std::thread;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

use super::fault::Fault;

/// Pauses between attempts. SQLite's own handler asks ever more rarely, up to every 100 ms, so that
/// of many writers those who wait longest are the least likely to get the lock, and some wait beyond
/// any limit. Here they ask ever more often.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(16),
    Duration::from_millis(12),
    Duration::from_millis(8),
    Duration::from_millis(6),
    Duration::from_millis(4),
    Duration::from_millis(2),
];

/// A transaction that has the write lock, waited for up to `timeout`.
///
/// The time of attempts is not counted, only that of the pauses, so that a machine that hardly gets
/// to us does not cut the number of attempts.
pub(super) fn begin(connection: &Connection, timeout: Duration) -> Result<Transaction<'_>, Fault> {
    let mut waited = Duration::ZERO;
    let mut pauses = PAUSES.iter().copied();
    let mut pause = Duration::from_millis(1);
    connection.busy_timeout(Duration::ZERO)?;
    let begun = loop {
        match Transaction::new_unchecked(connection, TransactionBehavior::Immediate) {
            Err(error) if is_busy(&error) && waited < timeout => {
                pause = pauses.next().unwrap_or(pause);
                thread::sleep(pause);
                waited += pause;
            }
            other => break other,
        }
    };
    // For the rest of it, where somebody may be in the way for a moment.
    connection.busy_timeout(timeout)?;
    Ok(begun?)
}

fn is_busy(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}
