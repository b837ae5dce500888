//! `rule_table` and the history of its rows.
//!
//! Revision, versions and history are kept by the triggers of the schema.

use chrono::{DateTime, Utc};
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params};

use super::fault::Fault;
use super::schema::wording;
use super::table::{Table, all, first, instant, number, text};
use crate::catalog::{RuleChange, RuleRow, RuleSet, RuleText, RuleVersion, stored};
use crate::error::Code;

/// All rules, from the transaction's snapshot.
pub(super) fn all_rules(connection: &Connection) -> Result<RuleSet, Fault> {
    let sql = format!(
        "SELECT id, {VERSION}, created_at, updated_at, {} FROM rule_table ORDER BY id",
        wording("")
    );
    let rules = all(connection, &sql, [], |row| {
        Ok(RuleRow {
            id: row.get(0)?,
            version: row.get(1)?,
            created_at: instant(row, 2)?,
            updated_at: instant(row, 3)?,
            text: rule_text(row, 4)?,
        })
    })?;
    Ok(RuleSet { revision: meta(connection, "revision")?, next_id: next_id(connection)?, rules })
}

/// The version column of `rule_table`, whatever it was made as.
pub(super) const VERSION: &str = "COALESCE(CAST(version AS INTEGER), 1)";

/// A number that `segmentry_meta` keeps.
pub(super) fn meta(connection: &Connection, name: &str) -> Result<i64, Fault> {
    let sql = "SELECT value FROM segmentry_meta WHERE name = ?1";
    first(connection, sql, [name], |row| Ok(row.get(0)?))?
        .ok_or_else(|| Fault::damaged(format!("segmentry_meta has no {name}")))
}

fn next_id(connection: &Connection) -> Result<i64, Fault> {
    let highest = number(connection, "SELECT COALESCE(MAX(id), 0) FROM rule_table", [])?;
    Ok(meta(connection, "last_rule")?.max(highest).saturating_add(1))
}

/// The wording in twelve columns from `at` on.
fn rule_text(row: &Row<'_>, at: usize) -> Result<RuleText, Fault> {
    let column = |offset: usize| text(row, at + offset);
    Ok(stored::wording(RuleText {
        rule_name: column(0)?.unwrap_or_default(),
        description: column(1)?,
        conditions: column(2)?,
        schedule: column(3)?,
        timezone: column(4)?,
        start_date: column(5)?,
        end_date: column(6)?,
        depends_on: column(7)?,
        operation: column(8)?,
        include: column(9)?,
        exclude: column(10)?,
        enabled: !matches!(column(11)?.as_deref(), Some("0" | "false" | "False" | "FALSE")),
    }))
}

/// Every wording that a rule had.
pub(super) fn history(connection: &Connection, id: i64) -> Result<Vec<RuleVersion>, Fault> {
    let sql = format!(
        "SELECT version, at, deleted, {} FROM segmentry_rule_history
         WHERE rule_id = ?1 ORDER BY version",
        wording("")
    );
    all(connection, &sql, [id], |row| {
        let deleted: bool = row.get(2)?;
        Ok(RuleVersion {
            version: row.get(0)?,
            // Another program need not have said when.
            at: instant(row, 1)?.unwrap_or(DateTime::UNIX_EPOCH),
            text: if deleted { None } else { Some(rule_text(row, 3)?) },
        })
    })
}

/// Makes the changes if nobody made others since `revision`.
pub(super) fn change(
    connection: &Connection,
    revision: i64,
    changes: &[RuleChange],
    at: DateTime<Utc>,
) -> Result<bool, Fault> {
    if meta(connection, "revision")? != revision {
        return Ok(false);
    }
    let table = Table::of(connection, "rule_table")?;
    let at = stored::instant_text(at);
    for change in changes {
        match change {
            RuleChange::Insert { id, text } => insert(connection, &table, *id, text, &at)?,
            RuleChange::Update { id, text } => update(connection, &table, *id, text, &at)?,
            RuleChange::Delete { id } => delete(connection, *id, &at)?,
        }
    }
    Ok(true)
}

fn insert(
    connection: &Connection,
    table: &Table,
    id: i64,
    text: &RuleText,
    at: &str,
) -> Result<(), Fault> {
    if id < next_id(connection)? {
        return Err(Fault::internal(format!("the rule id {id} was given before")));
    }
    check_name(connection, id, &text.rule_name)?;
    let mut row = columns(text);
    row.push(("id", id.into()));
    row.push(("version", 1.into()));
    row.push(("created_at", at.to_owned().into()));
    row.push(("updated_at", at.to_owned().into()));
    table.insert(connection, row, at)
}

fn update(
    connection: &Connection,
    table: &Table,
    id: i64,
    text: &RuleText,
    at: &str,
) -> Result<(), Fault> {
    let (version, name) = present(connection, id)?;
    if name != text.rule_name {
        check_name(connection, id, &text.rule_name)?;
    }
    let mut row = columns(text);
    row.push(("version", version.saturating_add(1).into()));
    row.push(("updated_at", at.to_owned().into()));
    table.update(connection, id, row)
}

fn delete(connection: &Connection, id: i64, at: &str) -> Result<(), Fault> {
    let (version, _) = present(connection, id)?;
    // Written here and not by the trigger, because only we know the instant.
    let sql = "INSERT INTO segmentry_rule_history (rule_id, version, at, deleted)
               VALUES (?1, ?2, ?3, 1)";
    connection.prepare_cached(sql)?.execute(params![id, version.saturating_add(1), at])?;
    // First, because the original's segment_catalog may refer to the rule.
    connection.prepare_cached("DELETE FROM segment_catalog WHERE rule_id = ?1")?.execute([id])?;
    connection.prepare_cached("DELETE FROM rule_table WHERE id = ?1")?.execute([id])?;
    Ok(())
}

/// The version and the name of a rule that is there.
fn present(connection: &Connection, id: i64) -> Result<(i64, String), Fault> {
    let sql = format!("SELECT {VERSION}, rule_name FROM rule_table WHERE id = ?1");
    first(connection, &sql, [id], |row| Ok((row.get(0)?, text(row, 1)?.unwrap_or_default())))?
        .ok_or_else(|| Fault::Known(Code::NotFound, format!("there is no rule {id}")))
}

fn check_name(connection: &Connection, id: i64, name: &str) -> Result<(), Fault> {
    let sql = "SELECT id FROM rule_table WHERE rule_name = ?1 AND id <> ?2";
    match first(connection, sql, params![name, id], |row| Ok(row.get::<_, i64>(0)?))? {
        Some(other) => {
            let message = format!("rule {other} is called {name:?} already");
            Err(Fault::Known(Code::DuplicateName, message))
        }
        None => Ok(()),
    }
}

fn columns(text: &RuleText) -> Vec<(&'static str, Value)> {
    let text = stored::wording(text.clone());
    vec![
        ("rule_name", text.rule_name.into()),
        ("description", text.description.into()),
        ("conditions", text.conditions.into()),
        ("schedule", text.schedule.into()),
        ("timezone", text.timezone.into()),
        ("start_date", text.start_date.into()),
        ("end_date", text.end_date.into()),
        ("depends_on", text.depends_on.into()),
        ("operation", text.operation.into()),
        ("include", text.include.into()),
        ("exclude", text.exclude.into()),
        ("enabled", text.enabled.into()),
    ]
}
