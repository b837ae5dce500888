//! Schedules and the queue of runs that were asked for.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, params};

use super::fault::Fault;
use super::table::{all, first, instant, own_instant};
use crate::catalog::{QueuedRow, ScheduleRow, stored};

/// What is kept of schedules, by rule.
pub(super) fn schedules(connection: &Connection) -> Result<Vec<ScheduleRow>, Fault> {
    let sql = "SELECT rule_id, handled_until, missed, missed_at, failures, reason, retry_at,
                   failed_version
               FROM segmentry_schedule ORDER BY rule_id";
    all(connection, sql, [], |row| {
        Ok(ScheduleRow {
            rule_id: row.get(0)?,
            handled_until: instant(row, 1)?,
            missed: row.get(2)?,
            missed_at: instant(row, 3)?,
            failures: row.get(4)?,
            reason: row.get(5)?,
            retry_at: instant(row, 6)?,
            failed_version: row.get(7)?,
        })
    })
}

/// Keeps schedules, of rules that there still are.
pub(super) fn keep(connection: &Connection, rows: &[ScheduleRow]) -> Result<(), Fault> {
    let sql = "INSERT OR REPLACE INTO segmentry_schedule (rule_id, handled_until, missed,
                   missed_at, failures, reason, retry_at, failed_version)
               SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
               WHERE EXISTS (SELECT 1 FROM rule_table WHERE id = ?1)";
    let text = |at: Option<DateTime<Utc>>| at.map(stored::instant_text);
    let mut insert = connection.prepare_cached(sql)?;
    for row in rows {
        insert.execute(params![
            row.rule_id,
            text(row.handled_until),
            row.missed,
            text(row.missed_at),
            row.failures,
            row.reason,
            text(row.retry_at),
            row.failed_version,
        ])?;
    }
    Ok(())
}

const QUEUED: &str = "SELECT id, rule_id, requested_at FROM segmentry_queue WHERE became IS NULL";

fn queued_row(row: &Row<'_>) -> Result<QueuedRow, Fault> {
    let (run_id, rule_id) = (row.get(0)?, row.get(1)?);
    Ok(QueuedRow { run_id, rule_id, requested_at: own_instant(row, 2)? })
}

/// What waits, the oldest first.
pub(super) fn queued(connection: &Connection) -> Result<Vec<QueuedRow>, Fault> {
    all(connection, &format!("{QUEUED} ORDER BY id"), [], queued_row)
}

/// Those of the runs that still wait.
pub(super) fn still_queued(connection: &Connection, ids: &[i64]) -> Result<Vec<i64>, Fault> {
    let mut waiting = Vec::new();
    for id in ids {
        let sql = format!("{QUEUED} AND id = ?1");
        waiting.extend(first(connection, &sql, [*id], queued_row)?.map(|row| row.run_id));
    }
    Ok(waiting)
}

/// Queues a run of a rule, unless one waits that has not begun.
pub(super) fn enqueue(connection: &Connection, rule: i64, at: DateTime<Utc>) -> Result<i64, Fault> {
    // One has begun if a lease was taken since it was asked for.
    let sql = "SELECT q.id FROM segmentry_queue q
                   LEFT JOIN segmentry_lease l ON l.rule_id = q.rule_id
               WHERE q.rule_id = ?1 AND q.became IS NULL
                   AND (l.taken_at IS NULL OR l.taken_at < q.requested_at)
               ORDER BY q.id DESC LIMIT 1";
    if let Some(id) = first(connection, sql, [rule], |row| Ok(row.get(0)?))? {
        return Ok(id);
    }
    let id = next_run(connection)?;
    let sql = "INSERT INTO segmentry_queue (id, rule_id, requested_at) VALUES (?1, ?2, ?3)";
    connection.prepare_cached(sql)?.execute(params![id, rule, stored::instant_text(at)])?;
    Ok(id)
}

/// An id that no run has or will be given. SQLite counts on from a row that is gone.
fn next_run(connection: &Connection) -> Result<i64, Fault> {
    let sql = "INSERT INTO segmentry_run (as_of, started_at, finished_at, report)
               VALUES ('', '', '', '')";
    connection.prepare_cached(sql)?.execute([])?;
    let id = connection.last_insert_rowid();
    connection.prepare_cached("DELETE FROM segmentry_run WHERE id = ?1")?.execute([id])?;
    Ok(id)
}

/// The queued runs were this one.
pub(super) fn done(connection: &Connection, queued: &[i64], run: i64) -> Result<(), Fault> {
    for id in queued {
        let sql = match *id == run {
            true => "DELETE FROM segmentry_queue WHERE id = ?1 AND ?2 = id",
            false => "UPDATE segmentry_queue SET became = ?2 WHERE id = ?1",
        };
        connection.prepare_cached(sql)?.execute([*id, run])?;
    }
    Ok(())
}
