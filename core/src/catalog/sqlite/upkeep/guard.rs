//! How much segments may change, and what has changed.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};

use super::super::fault::Fault;
use super::super::segments::version_row;
use super::super::table::{all, first};
use crate::catalog::VersionRow;
use crate::error::Code;

pub(super) fn max_changes(connection: &Connection) -> Result<BTreeMap<i64, f64>, Fault> {
    let sql = "SELECT rule_id, max_change FROM segmentry_guard";
    let guards = all(connection, sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(guards.into_iter().collect())
}

pub(super) fn set_max_change(
    connection: &Connection,
    rule_id: i64,
    fraction: Option<f64>,
) -> Result<(), Fault> {
    let sql = "SELECT 1 FROM rule_table WHERE id = ?1";
    if first(connection, sql, [rule_id], |_| Ok(()))?.is_none() {
        return Err(Fault::Known(Code::NotFound, format!("there is no rule {rule_id}")));
    }
    let sql = match fraction {
        Some(_) => "INSERT OR REPLACE INTO segmentry_guard (rule_id, max_change) VALUES (?1, ?2)",
        None => "DELETE FROM segmentry_guard WHERE rule_id = ?1 AND ?2 IS NULL",
    };
    connection.prepare_cached(sql)?.execute(params![rule_id, fraction])?;
    Ok(())
}

pub(super) fn versions_after(
    connection: &Connection,
    run_id: i64,
    runs: i64,
) -> Result<Vec<(i64, VersionRow)>, Fault> {
    let sql = "SELECT rule_id, version, rule_version, as_of, run_id, row_count, entered, exited,
                   members_id, differences, difference_bytes
               FROM segmentry_version WHERE run_id IN
                   (SELECT DISTINCT run_id FROM segmentry_version WHERE run_id > ?1
                    ORDER BY run_id LIMIT ?2)
               ORDER BY run_id, rule_id";
    all(connection, sql, [run_id, runs], |row| Ok((row.get(0)?, version_row(row, 1)?)))
}
