//! Brings a table of the store up to date with its source: nothing where the source has not
//! changed, only what was added where files were added or a cursor says what is new, everything
//! otherwise.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use arrow::datatypes::DataType;
use chrono::{DateTime, Utc};

use crate::error::{Code, Result};
use crate::plan::PassTable;
use crate::source::{FileNow, Now, Source};
use crate::store::{
    ColumnEntry, Manifest, Population, ProfileStore, Seen, SeenCursor, SeenFile, TableEntry,
    Writing,
};

use super::super::evaluate::Scanned;
use super::super::pass::chunks::BLOCK;
use super::super::progress::Listener;
use super::super::{Shared, read};
use super::fill::{MANY_STRANGERS, MAX_COLUMNS, stored_as_words};
use super::merge::joined;
use super::reading::{Filled, Reading};
use super::{Stored, StoredTables, Tables, schema};

/// What is read for a table: which columns, from where, and into what.
pub(super) struct Task<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) store: &'a Arc<ProfileStore>,
    pub(super) table: &'a PassTable,
    pub(super) source: Source,
    /// What the source is like, before any of it is read.
    pub(super) now: Now,
    /// Its cursor, if it can be gone by.
    pub(super) cursor: Option<(String, DataType)>,
    pub(super) population: Population,
    /// When that is.
    pub(super) at: i64,
    pub(super) listener: &'a Listener,
    /// The right to write, once there is something to write.
    pub(super) writing: Option<Arc<Writing>>,
    /// Rows that were read.
    pub(super) rows: AtomicU64,
}

/// How an entry of the manifest stands to its source.
enum Standing {
    UpToDate,
    /// These files have come since.
    Added(Vec<String>),
    /// Whatever has come since lies from there on.
    Grown(SeenCursor),
    Stale,
}

impl Shared {
    /// Those of the tables that can be stored, each as its source is now.
    pub(in crate::engine) async fn stored_tables(
        self: &Arc<Self>,
        tables: &[PassTable],
        at: DateTime<Utc>,
        scanned: &mut Scanned,
        listener: &Listener,
    ) -> StoredTables {
        let mut found = BTreeMap::new();
        for table in tables {
            match self.stored(table, at, scanned, listener).await {
                Ok(Some(stored)) => {
                    found.insert(Tables::of_pass(table), stored);
                }
                Ok(None) => {}
                // Whatever goes wrong with the store, the sources have it all.
                Err(error) => {
                    let code = error.code();
                    tracing::warn!(table = table.name, %code, "the profile store is not used");
                }
            }
        }
        StoredTables(found)
    }

    /// A table as the store has it, once that is as the source is now; nothing where a table can't
    /// be stored.
    async fn stored(
        self: &Arc<Self>,
        table: &PassTable,
        at: DateTime<Utc>,
        scanned: &mut Scanned,
        listener: &Listener,
    ) -> Result<Option<Stored>> {
        let Some(store) = &self.store else { return Ok(None) };
        let Some(source) = read(&self.sources).get(&table.name).cloned() else { return Ok(None) };
        let now = source.now();
        if now.state.is_none() && source.cursor.is_none() {
            return Ok(None);
        }
        let (keys, digest) = {
            let dictionary = self.dictionary();
            (dictionary.len(), dictionary.digest(dictionary.len()))
        };
        let mut task = Task {
            shared: self,
            store,
            table,
            source,
            now,
            cursor: None,
            population: Population { keys, digest },
            at: at.timestamp_micros(),
            listener,
            writing: None,
            rows: AtomicU64::new(0),
        };
        let stored = task.stored().await;
        *scanned.entry(table.name.clone()).or_default() += task.rows.into_inner();
        stored
    }
}

/// The entry of a table.
fn entry<'a>(manifest: &'a Manifest, table: &PassTable) -> Option<&'a TableEntry> {
    manifest.tables.iter().find(|entry| is_of(entry, table))
}

fn is_of(entry: &TableEntry, table: &PassTable) -> bool {
    (&entry.table, &entry.user, &entry.time) == (&table.name, &table.user_column, &table.time.name)
}

impl Task<'_> {
    async fn stored(&mut self) -> Result<Option<Stored>> {
        let Some(wanted) = self.columns(None) else { return Ok(None) };
        // Nothing is locked where there is nothing to write.
        if let Some(found) = self.up_to_date(&self.store.manifest()?, &wanted) {
            return Ok(Some(found));
        }
        self.cursor = self.usable_cursor().await?;
        if self.now.state.is_none() && self.cursor.is_none() {
            return Ok(None);
        }
        let store = Arc::clone(self.store);
        let writing =
            Arc::new(joined(tokio::task::spawn_blocking(move || store.writing()).await)??);
        self.writing = Some(Arc::clone(&writing));
        let mut manifest = self.store.manifest()?;
        if let Some(found) = self.up_to_date(&manifest, &wanted) {
            return Ok(Some(found));
        }
        let known = entry(&manifest, self.table).cloned();
        let standing =
            known.as_ref().map_or(Standing::Stale, |entry| self.standing(entry, &wanted));
        let generation = manifest.generation + 1;
        let brought = match (standing, &known) {
            (Standing::Added(files), Some(known)) => self.added(known, &files, generation).await,
            (Standing::Grown(seen), Some(known)) => self.grown(known, &seen, generation).await,
            _ => {
                if known.as_ref().is_some_and(|entry| self.is_broken(entry)) {
                    let table = &self.table.name;
                    tracing::warn!(table, "files that never change have changed or are gone");
                }
                self.rebuilt(known.as_ref(), generation).await
            }
        };
        let mut brought = self.opened_as(brought, generation);
        if known.is_some() && brought.as_ref().is_err_and(|error| error.code() == Code::Damaged) {
            brought = self.opened_as(self.rebuilt(known.as_ref(), generation).await, generation);
        }
        let Some((entry, stored)) = brought? else { return Ok(None) };
        // A source of which nothing is known but its cursor may have had nothing new.
        let same = |known: &TableEntry| (known.since, &known.seen) == (entry.since, &entry.seen);
        if known.as_ref().is_some_and(same) {
            return Ok(Some(Stored { generation: manifest.generation, ..stored }));
        }
        manifest.generation = generation;
        manifest.tables.retain(|known| !is_of(known, self.table));
        manifest.tables.push(entry);
        self.store.commit(&manifest, &writing)?;
        Ok(Some(stored))
    }

    /// An entry with its table open; what can't be opened is damaged.
    fn opened_as(
        &self,
        brought: Result<Option<TableEntry>>,
        generation: u64,
    ) -> Result<Option<(TableEntry, Stored)>> {
        let Some(entry) = brought? else { return Ok(None) };
        let stored = self.opened(&entry, generation)?;
        Ok(Some((entry, stored)))
    }

    /// The table as the store has it, if that is known to be all.
    fn up_to_date(&self, manifest: &Manifest, wanted: &[ColumnEntry]) -> Option<Stored> {
        let entry = entry(manifest, self.table)?;
        match self.standing(entry, wanted) {
            Standing::UpToDate => self.opened(entry, manifest.generation).ok(),
            _ => None,
        }
    }

    fn opened(&self, entry: &TableEntry, generation: u64) -> Result<Stored> {
        let table = Arc::new(self.store.table(entry)?);
        let time = self.table.time.clone();
        Ok(Stored { table, generation, since: entry.since, time, read_at: self.at })
    }

    /// The source's cursor, unless it is missing somewhere.
    async fn usable_cursor(&self) -> Result<Option<(String, DataType)>> {
        let Some(column) = &self.source.cursor else { return Ok(None) };
        let schema = self.source.provider.schema();
        let Ok(field) = schema.field_with_name(column) else { return Ok(None) };
        if field.is_nullable() && self.lacks(column).await? {
            let table = &self.table.name;
            tracing::warn!(table, column, "the cursor is not used: it is missing in some row");
            return Ok(None);
        }
        Ok(Some((column.clone(), field.data_type().clone())))
    }

    /// A column to store, if it can be.
    fn column(&self, name: &str) -> Option<ColumnEntry> {
        let schema = self.source.provider.schema();
        let data_type = schema.field_with_name(name).ok()?.data_type();
        stored_as_words(data_type)?;
        let (name, data_type) = (name.to_owned(), data_type.to_string());
        Some(ColumnEntry { name, data_type, words: None })
    }

    /// The columns to store, the time first, with those that an entry has already as far as they
    /// are still there and there is room; nothing if what is wanted can't be stored.
    fn columns(&self, known: Option<&TableEntry>) -> Option<Vec<ColumnEntry>> {
        let time = &self.table.time.name;
        let mut names: BTreeSet<&str> = self.table.fields.iter().map(String::as_str).collect();
        names.remove(time.as_str());
        let names = std::iter::once(time.as_str()).chain(names);
        let mut columns = names.map(|name| self.column(name)).collect::<Option<Vec<_>>>()?;
        for kept in known.into_iter().flat_map(|entry| &entry.columns) {
            let new = columns.iter().all(|column| column.name != kept.name);
            if new && columns.len() < MAX_COLUMNS {
                columns.extend(self.column(&kept.name));
            }
        }
        (columns.len() <= MAX_COLUMNS).then_some(columns)
    }

    fn standing(&self, entry: &TableEntry, wanted: &[ColumnEntry]) -> Standing {
        let same = |one: &ColumnEntry, other: &ColumnEntry| {
            one.name == other.name && one.data_type == other.data_type
        };
        let has = |wanted: &ColumnEntry| entry.columns.iter().any(|known| same(known, wanted));
        if !wanted.iter().all(has) || !self.same_users(entry) {
            return Standing::Stale;
        }
        let seen = &entry.seen;
        if self.now.state.is_some() && seen.state == self.now.state {
            return Standing::UpToDate;
        }
        // What comes has to go with what is there.
        let still = |known: &ColumnEntry| self.column(&known.name).is_some_and(|c| same(&c, known));
        if !entry.columns.iter().all(still) {
            return Standing::Stale;
        }
        if let (Some((column, data_type)), Some(cursor)) = (&self.cursor, &seen.cursor)
            && (column, &data_type.to_string()) == (&cursor.column, &cursor.data_type)
            && cursor.ends.is_some()
        {
            return Standing::Grown(cursor.clone());
        }
        let files = self.files_now();
        let now: BTreeSet<&SeenFile> = files.iter().collect();
        let known: BTreeSet<&SeenFile> = seen.files.iter().collect();
        if known.is_empty() || !known.is_subset(&now) {
            return Standing::Stale;
        }
        Standing::Added(now.difference(&known).map(|file| file.path.clone()).collect())
    }

    /// Whether files are not what they were although the host said that they would be.
    fn is_broken(&self, entry: &TableEntry) -> bool {
        let now = self.files_now();
        self.source.append_only() && !entry.seen.files.iter().all(|file| now.contains(file))
    }

    fn files_now(&self) -> Vec<SeenFile> {
        let file = |(path, size, changed): &FileNow| SeenFile {
            path: path.clone(),
            size: *size,
            changed: *changed,
        };
        self.now.files.iter().map(file).collect()
    }

    /// Keeps the columns of files that never change, so that other processes need not look for them.
    fn note_schema(&self, entry: &mut TableEntry) {
        entry.schema = self.source.known().and_then(|known| {
            // One that has come since they were opened may have others.
            let same = known.files == self.now.files;
            same.then(|| schema::bytes_of(&known.schema)).flatten()
        });
    }

    /// Whether ordinals mean the users that they meant, and no new user has events that were left
    /// out.
    fn same_users(&self, entry: &TableEntry) -> bool {
        let dictionary = self.shared.dictionary();
        let then = &entry.population;
        if then.keys > dictionary.len() || dictionary.digest(then.keys) != then.digest {
            return false;
        }
        if then.keys == dictionary.len() || entry.strangers.is_empty() {
            return true;
        }
        let strangers: HashSet<u64> = entry.strangers.iter().copied().collect();
        strangers.len() < MANY_STRANGERS
            && !dictionary.hashes_from(then.keys).iter().any(|hash| strangers.contains(hash))
    }

    /// Everything read anew; nothing if it can't be stored.
    async fn rebuilt(
        &self,
        known: Option<&TableEntry>,
        generation: u64,
    ) -> Result<Option<TableEntry>> {
        let Some(columns) = self.columns(known) else { return Ok(None) };
        let mut files = self.files_now();
        let paths: Vec<String> = files.iter().map(|file| file.path.clone()).collect();
        // A file that comes while others are read must not be read now and added later.
        let parts = match paths.is_empty() {
            true => None,
            false => self.source.part(&self.shared.session(), &paths),
        };
        let provider = parts.unwrap_or_else(|| {
            files.clear();
            Arc::clone(&self.source.provider)
        });
        let mut entry = TableEntry {
            table: self.table.name.clone(),
            user: self.table.user_column.clone(),
            time: self.table.time.name.clone(),
            columns,
            seen: Seen { state: self.now.state.clone(), files, cursor: None },
            population: self.population.clone(),
            parts: Vec::new(),
            strangers: Vec::new(),
            since: generation,
            read_at: self.at,
            schema: None,
        };
        self.note_schema(&mut entry);
        match self.fill(&mut entry, Reading::all(provider), generation).await? {
            Filled::Done if entry.seen.state.is_some() || entry.seen.cursor.is_some() => {
                Ok(Some(entry))
            }
            _ => Ok(None),
        }
    }

    /// What files hold that have come since is added.
    async fn added(
        &self,
        known: &TableEntry,
        files: &[String],
        generation: u64,
    ) -> Result<Option<TableEntry>> {
        let mut entry = known.clone();
        entry.seen.state = self.now.state.clone();
        entry.seen.files = self.files_now();
        self.note_schema(&mut entry);
        if files.is_empty() {
            return Ok(Some(entry));
        }
        let Some(provider) = self.source.part(&self.shared.session(), files) else {
            return self.rebuilt(Some(known), generation).await;
        };
        let filled = self.fill(&mut entry, Reading::all(provider), generation).await?;
        Ok(matches!(filled, Filled::Done).then_some(entry))
    }

    /// What lies beyond the cursor is added, provided that the table was only added to.
    async fn grown(
        &self,
        known: &TableEntry,
        seen: &SeenCursor,
        generation: u64,
    ) -> Result<Option<TableEntry>> {
        let mut entry = known.clone();
        entry.seen.state = self.now.state.clone();
        let reading = match self.begins_as(seen).await? {
            true => self.reading_from(seen),
            false => None,
        };
        let filled = match reading {
            Some(reading) => self.fill(&mut entry, reading, generation).await?,
            None => Filled::Broken,
        };
        match filled {
            Filled::Done => Ok(Some(entry)),
            Filled::Unfit => Ok(None),
            Filled::Broken => {
                let (table, column) = (&self.table.name, &seen.column);
                tracing::warn!(table, column, "a table with a cursor was not only added to");
                self.rebuilt(Some(known), generation).await
            }
        }
    }

    pub(super) fn blocks(&self) -> usize {
        self.population.keys.div_ceil(BLOCK as usize)
    }
}
