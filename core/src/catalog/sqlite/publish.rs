//! Publication: a run, its segments, their versions and members, in one transaction.

use std::collections::BTreeSet;

use rusqlite::types::Value;
use rusqlite::{Connection, params};

use super::fault::Fault;
use super::members::{self, Kept};
use super::rules::{VERSION, meta};
use super::table::{Table, first, number};
use super::upkeep::forget;
use crate::catalog::{NewRun, NewSegment, Published, stored};

/// Records the run, under an id that was given before or a new one, and makes its segments current,
/// unless something moved meanwhile.
pub(super) fn publish(
    connection: &Connection,
    run: &NewRun,
    segments: &[NewSegment],
    id: Option<i64>,
) -> Result<Published, Fault> {
    let mut rules = BTreeSet::new();
    if let Some(twice) = segments.iter().find(|segment| !rules.insert(segment.rule_id)) {
        return Err(Fault::internal(format!("rule {} is in one run twice", twice.rule_id)));
    }
    let stale = stale(connection, segments)?;
    if !stale.is_empty() {
        return Ok(Published::Stale(stale.into_iter().collect()));
    }
    let run_id = insert_run(connection, run, id)?;
    let table = Table::of(connection, "segment_catalog")?;
    for segment in segments {
        insert_version(connection, run, run_id, segment)?;
        upsert_segment(connection, &table, run, segment)?;
    }
    Ok(Published::Run(run_id))
}

fn stale(connection: &Connection, segments: &[NewSegment]) -> Result<BTreeSet<i64>, Fault> {
    let sql = format!(
        "SELECT {VERSION},
            COALESCE((SELECT MAX(version) FROM segmentry_version WHERE rule_id = ?1), 0)
         FROM rule_table WHERE id = ?1"
    );
    let mut stale = BTreeSet::new();
    let forgotten = forget::count(connection)?;
    for segment in segments {
        let found: Option<(i64, i64)> =
            first(connection, &sql, [segment.rule_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let same = found == Some((segment.rule_version, segment.since_version));
        if !same || segment.forgotten != forgotten {
            stale.insert(segment.rule_id);
        }
    }
    Ok(stale)
}

fn insert_run(connection: &Connection, run: &NewRun, id: Option<i64>) -> Result<i64, Fault> {
    let sql = "INSERT INTO segmentry_run (id, as_of, started_at, finished_at, report)
               VALUES (?5, ?1, ?2, ?3, ?4)";
    connection.prepare_cached(sql)?.execute(params![
        stored::instant_text(run.as_of),
        stored::instant_text(run.started_at),
        stored::instant_text(run.finished_at),
        run.report,
        id,
    ])?;
    Ok(connection.last_insert_rowid())
}

fn insert_version(
    connection: &Connection,
    run: &NewRun,
    run_id: i64,
    segment: &NewSegment,
) -> Result<(), Fault> {
    let Kept { id, differences, difference_bytes } = members::keep(connection, segment)?;
    let sql = "INSERT INTO segmentry_version (rule_id, version, rule_version, as_of, run_id,
                   row_count, entered, exited, members_id, differences, difference_bytes,
                   column_types, reused, basis, cutoffs)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
    connection.prepare_cached(sql)?.execute(params![
        segment.rule_id,
        segment.since_version + 1,
        segment.rule_version,
        stored::instant_text(run.as_of),
        run_id,
        segment.row_count,
        segment.entered,
        segment.exited,
        id,
        differences,
        difference_bytes,
        segment.column_types,
        segment.reused,
        segment.basis,
        segment.cutoffs,
    ])?;
    Ok(())
}

fn upsert_segment(
    connection: &Connection,
    table: &Table,
    run: &NewRun,
    segment: &NewSegment,
) -> Result<(), Fault> {
    let at = stored::instant_text(run.finished_at);
    let mut row: Vec<(&str, Value)> = vec![
        ("segment_name", segment.segment_name.clone().into()),
        ("description", segment.description.clone().into()),
        ("table_name", format!("segment_output_{}", segment.rule_id).into()),
        ("row_count", segment.row_count.into()),
        ("sql_query", segment.sql_query.clone().into()),
        ("last_refreshed_at", at.clone().into()),
    ];
    let sql = "SELECT MAX(id) FROM segment_catalog WHERE rule_id = ?1";
    let id: Option<i64> =
        first(connection, sql, [segment.rule_id], |row| Ok(row.get(0)?))?.flatten();
    if let Some(id) = id {
        return table.update(connection, id, row);
    }
    row.push(("rule_id", segment.rule_id.into()));
    row.push(("id", next_segment(connection)?.into()));
    table.insert(connection, row, &at)
}

/// An id above every one that was given, so that none ever means another segment.
fn next_segment(connection: &Connection) -> Result<i64, Fault> {
    let highest = number(connection, "SELECT COALESCE(MAX(id), 0) FROM segment_catalog", [])?;
    let id = meta(connection, "last_segment")?.max(highest).saturating_add(1);
    let sql = "UPDATE segmentry_meta SET value = ?1 WHERE name = 'last_segment'";
    connection.prepare_cached(sql)?.execute([id])?;
    Ok(id)
}
