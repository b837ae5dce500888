//! Reading what was published: segments, versions, members and runs.

use rusqlite::{Connection, Row, params};

use super::fault::Fault;
use super::table::{all, first, instant, number, own_instant, text};
use crate::catalog::{NewRun, Page, RunRow, SegmentRow, VersionRow};

const SEGMENT: &str = "
    SELECT s.id, COALESCE(CAST(s.rule_id AS INTEGER), 0), s.segment_name, s.description,
        s.table_name, COALESCE(CAST(s.row_count AS INTEGER), 0), s.sql_query,
        s.last_refreshed_at, v.column_types, v.reused, v.basis, v.cutoffs,
        v.version, v.rule_version, v.as_of, v.run_id, v.row_count, v.entered, v.exited,
        v.members_id, v.differences, v.difference_bytes
    FROM segment_catalog s LEFT JOIN segmentry_version v ON v.rule_id = s.rule_id
        AND v.version = (SELECT MAX(version) FROM segmentry_version WHERE rule_id = s.rule_id)";

/// SQLite's `lower` changes ASCII letters only, like the search that is promised.
const MATCHING: &str = "WHERE instr(lower(COALESCE(segment_name, '')), ?1) > 0";

/// One page of the segments, and how many match.
pub(super) fn page(connection: &Connection, page: &Page) -> Result<(Vec<SegmentRow>, i64), Fault> {
    let wanted = page.search.as_deref().unwrap_or_default().to_ascii_lowercase();
    let sql = format!("{SEGMENT} {MATCHING} ORDER BY s.id LIMIT ?2 OFFSET ?3");
    let part = params![wanted, page.limit.max(0), page.offset.max(0)];
    let rows = all(connection, &sql, part, segment_row)?;
    let sql = format!("SELECT COUNT(*) FROM segment_catalog {MATCHING}");
    Ok((rows, number(connection, &sql, [wanted])?))
}

/// The segment of a rule. The original may have left several rows: the newest is the one.
pub(super) fn of_rule(connection: &Connection, rule_id: i64) -> Result<Option<SegmentRow>, Fault> {
    let sql = format!("{SEGMENT} WHERE s.rule_id = ?1 ORDER BY s.id DESC LIMIT 1");
    first(connection, &sql, [rule_id], segment_row)
}

/// The versions of a rule's segment, oldest first.
pub(super) fn versions(connection: &Connection, rule_id: i64) -> Result<Vec<VersionRow>, Fault> {
    let sql = "SELECT version, rule_version, as_of, run_id, row_count, entered, exited,
                   members_id, differences, difference_bytes
               FROM segmentry_version WHERE rule_id = ?1 ORDER BY version";
    all(connection, sql, [rule_id], |row| version_row(row, 0))
}

fn segment_row(row: &Row<'_>) -> Result<SegmentRow, Fault> {
    let version: Option<i64> = row.get(12)?;
    Ok(SegmentRow {
        id: row.get(0)?,
        rule_id: row.get(1)?,
        segment_name: text(row, 2)?.unwrap_or_default(),
        description: text(row, 3)?.filter(|text| !text.is_empty()),
        table_name: text(row, 4)?.unwrap_or_default(),
        row_count: row.get(5)?,
        sql_query: text(row, 6)?,
        last_refreshed_at: instant(row, 7)?,
        current: version.map(|_| version_row(row, 12)).transpose()?,
        column_types: row.get(8)?,
        reused: row.get(9)?,
        basis: row.get(10)?,
        cutoffs: row.get(11)?,
    })
}

pub(super) fn version_row(row: &Row<'_>, at: usize) -> Result<VersionRow, Fault> {
    Ok(VersionRow {
        version: row.get(at)?,
        rule_version: row.get(at + 1)?,
        as_of: own_instant(row, at + 2)?,
        run_id: row.get(at + 3)?,
        row_count: row.get(at + 4)?,
        entered: row.get(at + 5)?,
        exited: row.get(at + 6)?,
        members_id: row.get(at + 7)?,
        differences: row.get(at + 8)?,
        difference_bytes: row.get(at + 9)?,
    })
}

const RUN: &str = "SELECT id, as_of, started_at, finished_at, report FROM segmentry_run";

/// One page of the runs, newest first, and how many there are.
pub(super) fn runs(connection: &Connection, page: &Page) -> Result<(Vec<RunRow>, i64), Fault> {
    let sql = format!("{RUN} ORDER BY id DESC LIMIT ?1 OFFSET ?2");
    let part = [page.limit.max(0), page.offset.max(0)];
    let rows = all(connection, &sql, part, run_row)?;
    Ok((rows, number(connection, "SELECT COUNT(*) FROM segmentry_run", [])?))
}

/// The run with that id, or of which a queued one with that id became part.
pub(super) fn run(connection: &Connection, id: i64) -> Result<Option<RunRow>, Fault> {
    let became = "(SELECT became FROM segmentry_queue WHERE id = ?1)";
    first(connection, &format!("{RUN} WHERE id IN (?1, {became})"), [id], run_row)
}

fn run_row(row: &Row<'_>) -> Result<RunRow, Fault> {
    Ok(RunRow {
        id: row.get(0)?,
        run: NewRun {
            as_of: own_instant(row, 1)?,
            started_at: own_instant(row, 2)?,
            finished_at: own_instant(row, 3)?,
            report: row.get(4)?,
        },
    })
}
