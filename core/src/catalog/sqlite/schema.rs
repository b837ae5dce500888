//! The tables, and how a database gets them.
//!
//! `rule_table` and `segment_catalog` are the original's and may hold rows already: what they
//! lack is added, nothing is taken away. Everything else is ours and is called `segmentry_…`.
//! Triggers keep the revision, the versions and the history, so that they are right whichever
//! program changes a rule.

use rusqlite::{Connection, Transaction};
use rusqlite_migration::{HookError, HookResult, M, Migrations};

use super::fault::Fault;
use super::schema_leases;
use super::table::{Table, all, first, number, quoted};
use super::upkeep;
use crate::error::Code;

/// The columns that are a rule's wording, in the order in which they are read.
pub(super) const WORDING: [&str; 12] = [
    "rule_name",
    "description",
    "conditions",
    "schedule",
    "timezone",
    "start_date",
    "end_date",
    "depends_on",
    "operation",
    "include",
    "exclude",
    "enabled",
];

/// What a migration says when another process made it first.
const OVERTAKEN: &str = "another process migrated the catalog meanwhile";

const RULE_TABLE: &str = "CREATE TABLE IF NOT EXISTS rule_table (
    id INTEGER PRIMARY KEY,
    rule_name TEXT,
    description TEXT,
    conditions TEXT,
    schedule TEXT,
    start_date TEXT,
    end_date TEXT,
    depends_on TEXT,
    operation TEXT,
    created_at TEXT,
    updated_at TEXT
)";

const RULE_COLUMNS: [(&str, &str); 15] = [
    ("rule_name", "TEXT"),
    ("description", "TEXT"),
    ("conditions", "TEXT"),
    ("schedule", "TEXT"),
    ("start_date", "TEXT"),
    ("end_date", "TEXT"),
    ("depends_on", "TEXT"),
    ("operation", "TEXT"),
    ("created_at", "TEXT"),
    ("updated_at", "TEXT"),
    ("timezone", "TEXT"),
    ("include", "TEXT"),
    ("exclude", "TEXT"),
    ("enabled", "INTEGER DEFAULT 1"),
    ("version", "INTEGER NOT NULL DEFAULT 1"),
];

const SEGMENT_CATALOG: &str = "CREATE TABLE IF NOT EXISTS segment_catalog (
    id INTEGER PRIMARY KEY,
    rule_id INTEGER,
    segment_name TEXT,
    description TEXT,
    table_name TEXT,
    row_count INTEGER,
    sql_query TEXT,
    last_refreshed_at TEXT
)";

const SEGMENT_COLUMNS: [(&str, &str); 7] = [
    ("rule_id", "INTEGER"),
    ("segment_name", "TEXT"),
    ("description", "TEXT"),
    ("table_name", "TEXT"),
    ("row_count", "INTEGER"),
    ("sql_query", "TEXT"),
    ("last_refreshed_at", "TEXT"),
];

/// The current version of a segment is the highest; `segment_catalog` needs no column for it, so
/// that the original may write its row at will.
const OWN_TABLES: &str = "
CREATE TABLE IF NOT EXISTS segmentry_meta (
    name TEXT PRIMARY KEY,
    value
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS segmentry_run (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    as_of TEXT NOT NULL,
    started_at TEXT NOT NULL,
    finished_at TEXT NOT NULL,
    report TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS segmentry_members (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    checksum INTEGER NOT NULL,
    data BLOB NOT NULL
);

CREATE TABLE IF NOT EXISTS segmentry_version (
    rule_id INTEGER NOT NULL,
    version INTEGER NOT NULL,
    rule_version INTEGER NOT NULL,
    as_of TEXT NOT NULL,
    run_id INTEGER NOT NULL REFERENCES segmentry_run (id),
    row_count INTEGER NOT NULL,
    entered INTEGER NOT NULL,
    exited INTEGER NOT NULL,
    members_id INTEGER NOT NULL
        REFERENCES segmentry_members (id) DEFERRABLE INITIALLY DEFERRED,
    column_types TEXT NOT NULL,
    PRIMARY KEY (rule_id, version)
);
CREATE INDEX IF NOT EXISTS segmentry_version_members ON segmentry_version (members_id);
CREATE INDEX IF NOT EXISTS segmentry_version_run ON segmentry_version (run_id);

CREATE TABLE IF NOT EXISTS segmentry_key_block (
    block INTEGER PRIMARY KEY,
    count INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    data BLOB NOT NULL
);

CREATE INDEX IF NOT EXISTS segmentry_segment_rule ON segment_catalog (rule_id);

INSERT OR IGNORE INTO segmentry_meta (name, value) VALUES ('revision', 0);
INSERT OR IGNORE INTO segmentry_meta (name, value) VALUES ('last_rule', 0);
INSERT OR IGNORE INTO segmentry_meta (name, value) VALUES ('last_segment', 0);

-- Rules that the original deleted may live on in its segments.
UPDATE segmentry_meta SET value = max(
    value,
    COALESCE((SELECT MAX(id) FROM rule_table), 0),
    COALESCE((SELECT MAX(CAST(rule_id AS INTEGER)) FROM segment_catalog), 0)
) WHERE name = 'last_rule';
";

/// Refuses, without changing anything, a database that this version can't be the owner of.
pub(super) fn check_owner(connection: &Connection) -> Result<(), Fault> {
    let version = number(connection, "PRAGMA user_version", [])?;
    if version == 0 {
        return Ok(());
    }
    let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'segmentry_meta'";
    if first(connection, sql, [], |_| Ok(()))?.is_none() || version < 0 {
        return Err(Fault::damaged(format!(
            "its user_version is {version} and no table of Segmentry is in it, so it belongs to \
             another program"
        )));
    }
    let known = migrations(0).len();
    if version > i64::try_from(known).unwrap_or(i64::MAX) {
        return Err(Fault::Known(
            Code::NewerCatalog,
            format!(
                "it was written by a newer Segmentry (schema {version}, this one knows {known}); \
                 it was left as it is"
            ),
        ));
    }
    Ok(())
}

/// Brings the database to the present schema.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), Fault> {
    loop {
        let start = number(connection, "PRAGMA user_version", [])?;
        match Migrations::new(migrations(start)).to_latest(connection) {
            Err(rusqlite_migration::Error::Hook(reason)) if reason == OVERTAKEN => {
                check_owner(connection)?;
            }
            other => return Ok(other?),
        }
    }
}

/// The migrations for a database that was found at the version `start`.
fn migrations(start: i64) -> Vec<M<'static>> {
    vec![
        M::up_with_hook("", move |tx: &Transaction<'_>| step(tx, start, first_schema)),
        M::up_with_hook("", move |tx: &Transaction<'_>| step(tx, start, reuse)),
        M::up_with_hook("", move |tx: &Transaction<'_>| step(tx, start, cutoffs)),
        M::up_with_hook("", move |tx: &Transaction<'_>| step(tx, start, differences)),
        M::up_with_hook("", move |tx: &Transaction<'_>| step(tx, start, schema_leases::tables)),
        M::up_with_hook("", move |tx: &Transaction<'_>| step(tx, start, upkeep::schema::forgotten)),
        M::up_with_hook("", move |tx: &Transaction<'_>| step(tx, start, upkeep::schema::guards)),
    ]
}

/// Makes one migration, unless the database is no more at the version that it was found at: that
/// was read before the transaction, and two processes may have read the same. Within the
/// transaction the version stays what it was until all migrations are made.
fn step(
    tx: &Transaction<'_>,
    start: i64,
    work: impl FnOnce(&Connection) -> Result<(), Fault>,
) -> HookResult {
    let outcome = number(tx, "PRAGMA user_version", []).and_then(|version| {
        if version == start { work(tx) } else { Err(Fault::internal(OVERTAKEN)) }
    });
    outcome.map_err(|fault| match fault {
        Fault::Sqlite(error) => HookError::RusqliteError(error),
        other => HookError::Hook(other.to_string()),
    })
}

fn first_schema(connection: &Connection) -> Result<(), Fault> {
    connection.execute_batch(RULE_TABLE)?;
    add_columns(connection, "rule_table", &RULE_COLUMNS)?;
    connection.execute_batch(SEGMENT_CATALOG)?;
    add_columns(connection, "segment_catalog", &SEGMENT_COLUMNS)?;
    connection.execute_batch(OWN_TABLES)?;
    connection.execute_batch(&history())?;
    connection.execute_batch(&triggers())?;
    name_index(connection)
}

/// What the members of a version were taken from, and what they are the answer to.
fn reuse(connection: &Connection) -> Result<(), Fault> {
    Ok(connection.execute_batch(
        "ALTER TABLE segmentry_version ADD COLUMN reused TEXT;
         ALTER TABLE segmentry_version ADD COLUMN basis TEXT;",
    )?)
}

/// Where the ranks of a version's rule end.
fn cutoffs(connection: &Connection) -> Result<(), Fault> {
    let sql = "ALTER TABLE segmentry_version ADD COLUMN cutoffs TEXT";
    Ok(connection.execute_batch(sql)?)
}

/// Members that are kept as a difference from others.
fn differences(connection: &Connection) -> Result<(), Fault> {
    Ok(connection.execute_batch(
        "ALTER TABLE segmentry_members ADD COLUMN base INTEGER
             REFERENCES segmentry_members (id) DEFERRABLE INITIALLY DEFERRED;
         CREATE INDEX segmentry_members_base ON segmentry_members (base) WHERE base IS NOT NULL;
         ALTER TABLE segmentry_version ADD COLUMN differences INTEGER NOT NULL DEFAULT 0;
         ALTER TABLE segmentry_version ADD COLUMN difference_bytes INTEGER NOT NULL DEFAULT 0;",
    )?)
}

fn add_columns(
    connection: &Connection,
    name: &'static str,
    wanted: &[(&str, &str)],
) -> Result<(), Fault> {
    let table = Table::of(connection, name)?;
    if table.column("id").is_none() {
        return Err(Fault::internal(format!("{name} has no column id")));
    }
    for (column, declared) in wanted {
        if table.column(column).is_none() {
            let column = quoted(column);
            connection
                .execute_batch(&format!("ALTER TABLE {name} ADD COLUMN {column} {declared}"))?;
        }
    }
    Ok(())
}

/// Names are unique, except in a database that came with doubled ones: it is opened as it is.
fn name_index(connection: &Connection) -> Result<(), Fault> {
    let sql = "SELECT 1 FROM rule_table WHERE rule_name IS NOT NULL
               GROUP BY rule_name HAVING COUNT(*) > 1 LIMIT 1";
    if all(connection, sql, [], |_| Ok(()))?.is_empty() {
        connection.execute_batch(
            "CREATE UNIQUE INDEX IF NOT EXISTS segmentry_rule_name ON rule_table (rule_name)",
        )?;
    }
    Ok(())
}

/// Every wording of every rule. A row with `deleted` marks the end of a rule.
fn history() -> String {
    let columns = wording("");
    format!(
        "CREATE TABLE IF NOT EXISTS segmentry_rule_history (
            rule_id INTEGER NOT NULL,
            version INTEGER NOT NULL,
            at,
            deleted INTEGER NOT NULL DEFAULT 0,
            {columns},
            PRIMARY KEY (rule_id, version)
        );
        INSERT OR IGNORE INTO segmentry_rule_history (rule_id, version, at, {columns})
        SELECT id, version, COALESCE(updated_at, created_at), {columns} FROM rule_table;"
    )
}

/// The wording's columns for SQL, each after `prefix`.
pub(super) fn wording(prefix: &str) -> String {
    WORDING.map(|column| format!("{prefix}{}", quoted(column))).join(", ")
}

/// Triggers run in other programs too, hence the clock of SQLite: it is asked only where the
/// program that changed the rule did not say when.
fn triggers() -> String {
    let now = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')";
    let revised = "UPDATE segmentry_meta SET value = value + 1 WHERE name = 'revision'";
    let newest = "COALESCE(
        (SELECT MAX(version) FROM segmentry_rule_history WHERE rule_id = NEW.id), 0)";
    let (columns, new) = (wording(""), wording("NEW."));
    let reworded =
        WORDING.map(|column| format!("NEW.{0} IS NOT OLD.{0}", quoted(column))).join(" OR ");
    format!(
        "
CREATE TRIGGER IF NOT EXISTS segmentry_rule_inserted AFTER INSERT ON rule_table BEGIN
    {revised};
    UPDATE segmentry_meta SET value = max(value, NEW.id) WHERE name = 'last_rule';
    -- The original gives the id of the last rule again once that is deleted: its versions go on
    -- from there, so that no segment of the old rule passes for one of the new.
    INSERT INTO segmentry_rule_history (rule_id, version, at, {columns})
    SELECT NEW.id,
        max(NEW.version, 1 + {newest}),
        COALESCE(NEW.updated_at, NEW.created_at, {now}), {new};
    UPDATE rule_table SET version = {newest} WHERE id = NEW.id AND version IS NOT {newest};
END;

CREATE TRIGGER IF NOT EXISTS segmentry_rule_updated AFTER UPDATE ON rule_table BEGIN
    {revised};
END;

-- We raise the version with the wording; this is for programs that don't know of versions.
CREATE TRIGGER IF NOT EXISTS segmentry_rule_reworded AFTER UPDATE ON rule_table
WHEN NEW.version IS OLD.version AND ({reworded})
BEGIN
    INSERT INTO segmentry_rule_history (rule_id, version, at, {columns})
    SELECT NEW.id, 1 + {newest},
        CASE WHEN NEW.updated_at IS NOT NULL AND NEW.updated_at IS NOT OLD.updated_at
            THEN NEW.updated_at ELSE {now} END, {new};
    UPDATE rule_table SET version = {newest} WHERE id = NEW.id;
END;

CREATE TRIGGER IF NOT EXISTS segmentry_rule_versioned AFTER UPDATE ON rule_table
WHEN NEW.version IS NOT OLD.version
BEGIN
    INSERT INTO segmentry_rule_history (rule_id, version, at, {columns})
    SELECT NEW.id, NEW.version, COALESCE(NEW.updated_at, {now}), {new}
    WHERE NOT EXISTS (
        SELECT 1 FROM segmentry_rule_history WHERE rule_id = NEW.id AND version = NEW.version);
END;

-- A row of segment_catalog is left to the program that deletes the rule.
CREATE TRIGGER IF NOT EXISTS segmentry_rule_deleted AFTER DELETE ON rule_table BEGIN
    {revised};
    INSERT INTO segmentry_rule_history (rule_id, version, at, deleted)
    SELECT OLD.id, OLD.version + 1, {now}, 1
    WHERE NOT EXISTS (
        SELECT 1 FROM segmentry_rule_history WHERE rule_id = OLD.id AND version > OLD.version);
    DELETE FROM segmentry_members WHERE id IN
        (SELECT members_id FROM segmentry_version WHERE rule_id = OLD.id);
    DELETE FROM segmentry_version WHERE rule_id = OLD.id;
END;
"
    )
}
