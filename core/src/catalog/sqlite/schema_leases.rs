//! The tables of leases, schedules and the queue: one step of the schema.

use rusqlite::Connection;

use super::fault::Fault;

/// Instants are text, as in the other tables.
const TABLES: &str = "
CREATE TABLE segmentry_lease (
    rule_id INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    fence INTEGER NOT NULL,
    taken_at TEXT NOT NULL,
    renewed_at TEXT NOT NULL,
    expires_at TEXT NOT NULL
);
INSERT OR IGNORE INTO segmentry_meta (name, value) VALUES ('fence', 0);

CREATE TABLE segmentry_schedule (
    rule_id INTEGER PRIMARY KEY,
    handled_until TEXT,
    missed INTEGER NOT NULL,
    missed_at TEXT,
    failures INTEGER NOT NULL,
    reason TEXT,
    retry_at TEXT,
    failed_version INTEGER NOT NULL
);

-- `became` is the run of which a queued one became part; until then it waits.
CREATE TABLE segmentry_queue (
    id INTEGER PRIMARY KEY,
    rule_id INTEGER NOT NULL,
    requested_at TEXT NOT NULL,
    became INTEGER
);
CREATE INDEX segmentry_queue_waiting ON segmentry_queue (rule_id) WHERE became IS NULL;

-- The original may give the id of a deleted rule to another one.
CREATE TRIGGER segmentry_rule_unscheduled AFTER DELETE ON rule_table BEGIN
    DELETE FROM segmentry_schedule WHERE rule_id = OLD.id;
    DELETE FROM segmentry_queue WHERE rule_id = OLD.id AND became IS NULL;
END;
";

pub(super) fn tables(connection: &Connection) -> Result<(), Fault> {
    Ok(connection.execute_batch(TABLES)?)
}
