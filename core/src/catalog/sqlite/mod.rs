//! The catalog in one SQLite file.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::{
    Catalog, Lease, LeaseRow, Leased, NewLease, NewRun, NewSegment, Page, Published, QueuedRow,
    RuleChange, RuleSet, RuleVersion, RunRow, ScheduleRow, SegmentRow, Settled, StoredMembers,
    VersionRow,
};
use crate::error::Result;
use crate::model::{KeyColumn, KeyType};
use fault::Fault;

mod fault;
mod keys;
mod leases;
mod members;
mod open;
mod publish;
mod rules;
mod schema;
mod schema_leases;
mod segments;
mod table;
mod timetable;
mod turn;
mod upkeep;

/// How long to wait for another program's lock, unless the host says otherwise.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// The catalog in one SQLite file, which other processes may use at the same time.
///
/// A database of the original platform opens as it is: its `rule_table` and `segment_catalog`
/// get the columns that they lack and keep every row, and the original can go on writing them.
/// What it changes counts as a change of the rule like any other.
///
/// ```
/// use segmentry::{Catalog, SqliteCatalog};
/// let catalog = SqliteCatalog::open(":memory:").unwrap();
/// assert!(catalog.rules().unwrap().rules.is_empty());
/// ```
#[derive(Debug)]
pub struct SqliteCatalog {
    path: PathBuf,
    writer: Mutex<Connection>,
    /// So that reading does not wait for a write; there is none for `:memory:`.
    reader: Option<Mutex<Connection>>,
    timeout: Duration,
}

impl SqliteCatalog {
    /// Opens the catalog, making it if there is no such file; `:memory:` is one without a file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_with(path, BUSY_TIMEOUT)
    }

    /// Opens the catalog and lets it wait up to `busy_timeout` for other programs' locks.
    pub fn open_with(path: impl AsRef<Path>, busy_timeout: Duration) -> Result<Self> {
        let path = path.as_ref().to_owned();
        let (writer, reader) = open::open(&path, busy_timeout)
            .map_err(|fault| fault.at(&path.display().to_string()))?;
        let (writer, reader) = (Mutex::new(writer), reader.map(Mutex::new));
        Ok(SqliteCatalog { path, writer, reader, timeout: open::waits(busy_timeout) })
    }

    /// Reads in one transaction, from one snapshot.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T> {
        let mut connection = lock(self.reader.as_ref().unwrap_or(&self.writer));
        let answer = connection
            .transaction_with_behavior(TransactionBehavior::Deferred)
            .map_err(Fault::from)
            .and_then(|transaction| work(&transaction));
        answer.map_err(|fault| fault.at(&self.location()))
    }

    /// Writes in one transaction that has the write lock from its beginning: one that reads first
    /// and asks for the lock later fails whenever another program was quicker.
    fn write<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T> {
        let connection = lock(&self.writer);
        let answer = turn::begin(&connection, self.timeout)
            .and_then(|transaction| commit(transaction, work));
        answer.map_err(|fault| fault.at(&self.location()))
    }
}

fn commit<T>(
    transaction: Transaction<'_>,
    work: impl FnOnce(&Connection) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let answer = work(&transaction)?;
    transaction.commit()?;
    Ok(answer)
}

/// A thread that panicked left no open transaction behind: dropping one rolls it back.
fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Catalog for SqliteCatalog {
    fn location(&self) -> String {
        self.path.display().to_string()
    }

    fn revision(&self) -> Result<i64> {
        self.read(|connection| rules::meta(connection, "revision"))
    }

    fn rules(&self) -> Result<RuleSet> {
        self.read(rules::all_rules)
    }

    fn change_rules(
        &self,
        revision: i64,
        changes: &[RuleChange],
        at: DateTime<Utc>,
    ) -> Result<bool> {
        self.write(|connection| rules::change(connection, revision, changes, at))
    }

    fn rule_history(&self, id: i64) -> Result<Vec<RuleVersion>> {
        self.read(|connection| rules::history(connection, id))
    }

    fn key_type(&self) -> Result<Option<KeyType>> {
        self.read(keys::key_type)
    }

    fn keys(&self, from: u32) -> Result<Option<KeyColumn>> {
        self.read(|connection| keys::read(connection, from))
    }

    fn append_keys(&self, count: u32, keys: &KeyColumn) -> Result<bool> {
        self.write(|connection| keys::append(connection, count, keys))
    }

    fn publish(&self, run: &NewRun, segments: &[NewSegment]) -> Result<Published> {
        self.write(|connection| publish::publish(connection, run, segments, None))
    }

    fn lease(&self, wanted: &NewLease) -> Result<Leased> {
        // Who waits for a lease asks often, and looking keeps nobody from writing.
        let held = self.read(|connection| leases::held(connection, wanted))?;
        match held.is_empty() {
            true => self.write(|connection| leases::lease(connection, wanted)),
            false => Ok(Leased::Held(held)),
        }
    }

    fn renew(&self, lease: &Lease, at: DateTime<Utc>) -> Result<bool> {
        self.write(|connection| leases::renew(connection, lease, at))
    }

    fn release(&self, lease: &Lease) -> Result<()> {
        self.write(|connection| leases::release(connection, lease))
    }

    fn leases(&self) -> Result<Vec<LeaseRow>> {
        self.read(leases::rows)
    }

    fn publish_under(
        &self,
        lease: &Lease,
        run: &NewRun,
        segments: &[NewSegment],
        settled: &Settled,
    ) -> Result<Published> {
        self.write(|connection| leases::publish_under(connection, lease, run, segments, settled))
    }

    fn keep_schedules(&self, lease: &Lease, schedules: &[ScheduleRow]) -> Result<()> {
        self.write(|connection| {
            leases::check(connection, lease, schedules.iter().map(|row| row.rule_id))?;
            timetable::keep(connection, schedules)
        })
    }

    fn schedules(&self) -> Result<Vec<ScheduleRow>> {
        self.read(timetable::schedules)
    }

    fn enqueue(&self, rule_id: i64, at: DateTime<Utc>) -> Result<i64> {
        self.write(|connection| timetable::enqueue(connection, rule_id, at))
    }

    fn queued(&self) -> Result<Vec<QueuedRow>> {
        self.read(timetable::queued)
    }

    fn runs(&self, page: &Page) -> Result<(Vec<RunRow>, i64)> {
        self.read(|connection| segments::runs(connection, page))
    }

    fn run(&self, id: i64) -> Result<Option<RunRow>> {
        self.read(|connection| segments::run(connection, id))
    }

    fn segments(&self, page: &Page) -> Result<(Vec<SegmentRow>, i64)> {
        self.read(|connection| segments::page(connection, page))
    }

    fn segment(&self, rule_id: i64) -> Result<Option<SegmentRow>> {
        self.read(|connection| segments::of_rule(connection, rule_id))
    }

    fn versions(&self, rule_id: i64) -> Result<Vec<VersionRow>> {
        self.read(|connection| segments::versions(connection, rule_id))
    }

    fn members(&self, members_id: i64) -> Result<StoredMembers> {
        self.read(|connection| members::read(connection, members_id))
    }
}
