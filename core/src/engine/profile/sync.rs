//! Brings a table of the store up to date with its source: nothing where the source has not
//! changed, only what was added where files were added, everything otherwise.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::common::DataFusionError;
use datafusion::common::runtime::JoinSet;
use datafusion::datasource::TableProvider;
use datafusion::physical_plan::ExecutionPlanProperties;
use futures::TryStreamExt;

use crate::error::{Code, Error, Result};
use crate::plan::PassTable;
use crate::source::Source;
use crate::store::{
    ColumnEntry, Manifest, Population, ProfileStore, Seen, SeenFile, TableEntry, Words, Writing,
};

use super::super::evaluate::{Scanned, data_error};
use super::super::pass::chunks::{BLOCK, Chunks};
use super::super::pass::room::Room;
use super::super::pass::{ordinals, physical, scan_of, turns};
use super::super::progress::{Listener, Meter};
use super::super::{RunStage, Shared, read};
use super::fill::{Filler, Filling, MANY_STRANGERS, MAX_COLUMNS, stored_as_words};
use super::write::Writer;
use super::{Stored, StoredTables, Tables};

/// What is read for a table: which columns, from where, and into what.
struct Task<'a> {
    shared: &'a Arc<Shared>,
    store: &'a Arc<ProfileStore>,
    table: &'a PassTable,
    source: Source,
    seen: Seen,
    population: Population,
    listener: &'a Listener,
    /// Rows that were read.
    rows: AtomicU64,
}

/// How an entry of the manifest stands to its source.
enum Standing {
    UpToDate,
    /// These files have come since.
    Added(Vec<String>),
    Stale,
}

impl Shared {
    /// Those of the tables that can be stored, each as its source is now.
    pub(in crate::engine) async fn stored_tables(
        self: &Arc<Self>,
        tables: &[PassTable],
        scanned: &mut Scanned,
        listener: &Listener,
    ) -> StoredTables {
        let mut found = StoredTables { tables: BTreeMap::new(), generation: u64::MAX };
        for table in tables {
            match self.stored(table, scanned, listener).await {
                Ok(Some((generation, stored))) => {
                    found.generation = generation.min(found.generation);
                    found.tables.insert(Tables::of_pass(table), stored);
                }
                Ok(None) => {}
                // Whatever goes wrong with the store, the sources have it all.
                Err(error) => {
                    tracing::warn!(table = table.name, %error, "the profile store is not used");
                }
            }
        }
        found
    }

    /// A table as the store has it, once that is as the source is now, with the generation in
    /// which it was read; nothing where a table can't be stored.
    async fn stored(
        self: &Arc<Self>,
        table: &PassTable,
        scanned: &mut Scanned,
        listener: &Listener,
    ) -> Result<Option<(u64, Stored)>> {
        let Some(store) = &self.store else { return Ok(None) };
        let Some(source) = read(&self.sources).get(&table.name).cloned() else { return Ok(None) };
        let Some(state) = source.state() else { return Ok(None) };
        let files = source.files_now().into_iter();
        let files = files.map(|(path, size, changed)| SeenFile { path, size, changed }).collect();
        let (keys, digest) = {
            let dictionary = self.dictionary();
            (dictionary.len(), dictionary.digest(dictionary.len()))
        };
        let task = Task {
            shared: self,
            store,
            table,
            source,
            seen: Seen { state, files },
            population: Population { keys, digest },
            listener,
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
    async fn stored(&self) -> Result<Option<(u64, Stored)>> {
        let Some(wanted) = self.columns(None) else { return Ok(None) };
        // Nothing is locked where there is nothing to write.
        let manifest = self.store.manifest()?;
        if let Some(entry) = entry(&manifest, self.table)
            && matches!(self.standing(entry, &wanted), Standing::UpToDate)
            && let Ok(table) = self.opened(entry)
        {
            return Ok(Some((manifest.generation, table)));
        }
        let store = Arc::clone(self.store);
        let writing = tokio::task::spawn_blocking(move || store.writing()).await;
        let writing = Arc::new(writing.map_err(|error| {
            Error::new(Code::Internal, "waiting for the store was stopped").caused_by(error)
        })??);
        let mut manifest = self.store.manifest()?;
        let known = entry(&manifest, self.table).cloned();
        let standing =
            known.as_ref().map_or(Standing::Stale, |entry| self.standing(entry, &wanted));
        if let (Standing::UpToDate, Some(entry)) = (&standing, &known)
            && let Ok(table) = self.opened(entry)
        {
            return Ok(Some((manifest.generation, table)));
        }
        manifest.generation += 1;
        let added = match (standing, known) {
            (Standing::Added(files), Some(mut entry)) => {
                match self.add(&mut entry, &files, manifest.generation, &writing).await {
                    Ok(added) => added.then_some(entry),
                    Err(error) if error.code() == Code::Damaged => {
                        self.rebuilt(Some(&entry), manifest.generation, &writing).await?
                    }
                    Err(error) => return Err(error),
                }
            }
            (_, known) => self.rebuilt(known.as_ref(), manifest.generation, &writing).await?,
        };
        let Some(entry) = added else { return Ok(None) };
        manifest.tables.retain(|known| !is_of(known, self.table));
        manifest.tables.push(entry.clone());
        self.store.commit(&manifest, &writing)?;
        Ok(Some((manifest.generation, self.opened(&entry)?)))
    }

    fn opened(&self, entry: &TableEntry) -> Result<Stored> {
        let table = Arc::new(self.store.table(entry)?);
        Ok(Stored { table, since: entry.since, time: self.table.time.clone() })
    }

    /// The columns to store, the time first, with those that an entry has already; nothing if
    /// they can't be stored.
    fn columns(&self, known: Option<&TableEntry>) -> Option<Vec<ColumnEntry>> {
        let schema = self.source.provider.schema();
        let time = &self.table.time.name;
        let mut names: BTreeSet<&str> = self.table.fields.iter().map(String::as_str).collect();
        let kept = known.into_iter().flat_map(|entry| &entry.columns);
        names.extend(kept.map(|column| column.name.as_str()));
        names.remove(time.as_str());
        let names = std::iter::once(time.as_str()).chain(names);
        let columns = names.map(|name| {
            let data_type = schema.field_with_name(name).ok()?.data_type();
            stored_as_words(data_type)?;
            Some(ColumnEntry {
                name: name.to_owned(),
                data_type: data_type.to_string(),
                words: None,
            })
        });
        columns.collect::<Option<Vec<_>>>().filter(|columns| columns.len() <= MAX_COLUMNS)
    }

    fn standing(&self, entry: &TableEntry, wanted: &[ColumnEntry]) -> Standing {
        let has = |wanted: &ColumnEntry| {
            let same = |known: &ColumnEntry| {
                known.name == wanted.name && known.data_type == wanted.data_type
            };
            entry.columns.iter().any(same)
        };
        if !wanted.iter().all(has) || !self.same_users(entry) {
            return Standing::Stale;
        }
        if entry.seen.state == self.seen.state {
            return Standing::UpToDate;
        }
        let known: BTreeSet<&SeenFile> = entry.seen.files.iter().collect();
        let now: BTreeSet<&SeenFile> = self.seen.files.iter().collect();
        if known.is_empty() || !known.is_subset(&now) {
            return Standing::Stale;
        }
        Standing::Added(now.difference(&known).map(|file| file.path.clone()).collect())
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

    /// Everything read anew.
    async fn rebuilt(
        &self,
        known: Option<&TableEntry>,
        generation: u64,
        writing: &Arc<Writing>,
    ) -> Result<Option<TableEntry>> {
        let Some(columns) = self.columns(known) else { return Ok(None) };
        let mut entry = TableEntry {
            table: self.table.name.clone(),
            user: self.table.user_column.clone(),
            time: self.table.time.name.clone(),
            columns,
            seen: self.seen.clone(),
            population: self.population.clone(),
            parts: Vec::new(),
            strangers: Vec::new(),
            since: generation,
        };
        let provider = Arc::clone(&self.source.provider);
        Ok(self.fill(&mut entry, provider, generation, writing).await?.then_some(entry))
    }

    /// Adds what files hold that have come since.
    async fn add(
        &self,
        entry: &mut TableEntry,
        files: &[String],
        generation: u64,
        writing: &Arc<Writing>,
    ) -> Result<bool> {
        match self.source.part(&self.shared.session(), files) {
            Some(provider) => {
                entry.seen = self.seen.clone();
                self.fill(entry, provider, generation, writing).await
            }
            None => match self.rebuilt(Some(entry), generation, writing).await? {
                Some(rebuilt) => {
                    *entry = rebuilt;
                    Ok(true)
                }
                None => Ok(false),
            },
        }
    }

    /// Reads a table and adds its events to an entry; `false` if they can't be stored.
    async fn fill(
        &self,
        entry: &mut TableEntry,
        provider: Arc<dyn TableProvider>,
        generation: u64,
        writing: &Arc<Writing>,
    ) -> Result<bool> {
        let filled = self.read(entry, provider).await;
        let (filling, mut chunks) =
            filled.map_err(|error| data_error(error, Some(&self.table.name)))?;
        if filling.unfit.load(Ordering::Relaxed) {
            return Ok(false);
        }
        let blocks = self.blocks();
        let prefix = format!("g{generation}");
        let context = self.shared.session().task_ctx();
        let columns = entry.columns.len();
        let writer =
            Writer { store: self.store, writing, context, prefix: &prefix, generation, columns };
        let stage = RunStage::Store { table: self.table.name.clone() };
        let meter = Meter::new([(stage, blocks)]);
        let written = writer.blocks(&mut chunks, blocks, &meter);
        let parts = self.listener.during(&meter, written).await?;
        entry.parts.resize(blocks.max(entry.parts.len()), Vec::new());
        for (known, parts) in entry.parts.iter_mut().zip(parts) {
            known.extend(parts);
        }
        for (number, (column, words)) in entry.columns.iter_mut().zip(&filling.words).enumerate() {
            let Some(words) = words else { continue };
            let words = words.lock().unwrap_or_else(PoisonError::into_inner);
            if column.words.as_ref().is_none_or(|(_, count)| *count != words.len()) {
                let name = format!("{prefix}-c{number}.words");
                column.words = Some(self.store.write_words(name, &words)?);
            }
        }
        let strangers = filling.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: BTreeSet<u64> = entry.strangers.iter().copied().collect();
        all.extend(strangers.iter());
        entry.strangers = all.into_iter().take(MANY_STRANGERS).collect();
        entry.population = self.population.clone();
        Ok(true)
    }

    fn blocks(&self) -> usize {
        self.population.keys.div_ceil(BLOCK as usize)
    }

    /// Reads a table's events into chunks by block.
    async fn read(
        &self,
        entry: &TableEntry,
        provider: Arc<dyn TableProvider>,
    ) -> std::result::Result<(Arc<Filling>, Vec<Chunks>), DataFusionError> {
        let session = self.shared.session();
        let state = session.state();
        let mut names: BTreeSet<String> =
            entry.columns.iter().map(|column| column.name.clone()).collect();
        names.insert(self.table.user_column.clone());
        let names: Vec<String> = names.into_iter().collect();
        let input = scan_of(&state, provider.as_ref(), &self.table.name, &names, &[]).await?;
        let schema = input.schema();
        let places = entry.columns.iter().map(|column| schema.index_of(&column.name));
        let words = entry.columns.iter().map(|column| self.words(column));
        let filling = Arc::new(Filling {
            user: physical(&state, &self.table.name, &schema, &self.table.user)?,
            columns: places.collect::<std::result::Result<_, _>>()?,
            words: words.collect::<Result<_>>().map_err(crate::plan::external)?,
            ordinals: ordinals(Arc::clone(self.shared)),
            unfit: AtomicBool::new(false),
            strangers: Mutex::default(),
        });
        let next = Arc::new(AtomicUsize::new(0));
        let partitions = input.output_partitioning().partition_count();
        let threads = state.config().target_partitions();
        let (columns, blocks) = (entry.columns.len(), self.blocks());
        let rows = Arc::new(AtomicU64::new(0));
        let stage = RunStage::Read { table: self.table.name.clone() };
        let meter = Arc::new(Meter::new([(stage, partitions)]));
        let count = threads.clamp(1, partitions.max(1));
        let room = Room::of("profile store", &session.task_ctx(), count);
        let mut workers = JoinSet::new();
        for _ in 0..count {
            let (filling, input, next) =
                (Arc::clone(&filling), Arc::clone(&input), Arc::clone(&next));
            let (context, rows) = (session.task_ctx(), Arc::clone(&rows));
            let (room, meter) = (room.clone(), Arc::clone(&meter));
            workers.spawn(async move {
                let mut chunks = Chunks::new(columns, blocks, room);
                let mut filler = Filler::new(filling);
                loop {
                    let partition = next.fetch_add(1, Ordering::Relaxed);
                    if partition >= partitions {
                        return Ok::<_, DataFusionError>(chunks);
                    }
                    let mut batches = input.execute(partition, Arc::clone(&context))?;
                    while let Some(batch) = batches.try_next().await? {
                        rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
                        for batch in turns(&batch) {
                            filler.take(&batch, &mut chunks)?;
                            tokio::task::yield_now().await;
                        }
                    }
                    meter.add(0, 1);
                }
            });
        }
        let mut chunks = Vec::new();
        let joined = async {
            while let Some(worker) = workers.join_next().await {
                let own = worker.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)));
                chunks.push(own??);
            }
            Ok::<_, DataFusionError>(())
        };
        self.listener.during(&meter, joined).await?;
        self.rows.fetch_add(rows.load(Ordering::Relaxed), Ordering::Relaxed);
        Ok((filling, chunks))
    }

    /// The texts that a column has so far; nothing where it has none.
    fn words(&self, column: &ColumnEntry) -> Result<Option<Mutex<Words>>> {
        let schema = self.source.provider.schema();
        let data_type = schema.field_with_name(&column.name).ok().map(|field| field.data_type());
        if data_type.and_then(stored_as_words) != Some(true) {
            return Ok(None);
        }
        let known = match &column.words {
            Some((file, _)) => self.store.words(file)?.as_ref().clone(),
            None => Words::default(),
        };
        Ok(Some(Mutex::new(known)))
    }
}
