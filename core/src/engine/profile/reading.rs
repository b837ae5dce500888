//! Events read from a source, and written into the store.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::common::DataFusionError;
use datafusion::common::runtime::JoinSet;
use datafusion::datasource::TableProvider;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, execute_stream};
use futures::TryStreamExt;

use crate::error::{Code, Error, Result};
use crate::plan::external;
use crate::store::{ColumnEntry, SeenCursor, TableEntry, Words};

use super::super::RunStage;
use super::super::evaluate::data_error;
use super::super::pass::chunks::Chunks;
use super::super::pass::room::Room;
use super::super::pass::whole::whole;
use super::super::pass::{ordinals, physical, scan_of, turns};
use super::super::progress::Meter;
use super::cursor::{self, From, Met, Watch};
use super::fill::{Filler, Filling, MANY_STRANGERS, stored_as_words};
use super::merge::merge_young;
use super::sync::Task;
use super::write::Writer;

/// Which rows are read.
pub(super) struct Reading {
    provider: Arc<dyn TableProvider>,
    filters: Vec<Expr>,
    /// Where the reading before ended.
    before: Option<(SeenCursor, From)>,
}

impl Reading {
    /// All rows of a table.
    pub(super) fn all(provider: Arc<dyn TableProvider>) -> Reading {
        Reading { provider, filters: Vec::new(), before: None }
    }
}

/// What became of a reading.
pub(super) enum Filled {
    Done,
    /// The events can't be stored.
    Unfit,
    /// What was there before is not there any more.
    Broken,
}

/// What was read.
struct Events {
    filling: Arc<Filling>,
    chunks: Vec<Chunks>,
    met: Met,
}

impl Task<'_> {
    /// The rows from where a table was left on.
    pub(super) fn reading_from(&self, seen: &SeenCursor) -> Option<Reading> {
        let (column, data_type) = self.cursor.as_ref()?;
        let from = From::of(seen)?;
        let (_, last) = seen.ends?;
        let filters = vec![cursor::from(column, data_type, last)?];
        let provider = Arc::clone(&self.source.provider);
        Some(Reading { provider, filters, before: Some((seen.clone(), from)) })
    }

    /// Whether a table still begins where it began: nothing is smaller, and that is still there.
    pub(super) async fn begins_as(&self, seen: &SeenCursor) -> Result<bool> {
        let (Some((column, data_type)), Some((first, _))) = (&self.cursor, seen.ends) else {
            return Ok(false);
        };
        let Some(filter) = cursor::up_to(column, data_type, first) else { return Ok(false) };
        let (mut there, mut smaller) = (false, false);
        self.look(column, filter, |value| {
            there |= value == Some(first);
            smaller |= value.is_some_and(|value| value < first);
            smaller
        })
        .await?;
        Ok(there && !smaller)
    }

    /// Whether a row is missing a value.
    pub(super) async fn lacks(&self, column: &str) -> Result<bool> {
        let mut missing = false;
        self.look(column, cursor::without(column), |value| {
            missing |= value.is_none();
            missing
        })
        .await?;
        Ok(missing)
    }

    /// Looks at the values of a column, at least those that a filter asks for, until it is enough.
    async fn look(
        &self,
        column: &str,
        filter: Expr,
        mut enough: impl FnMut(Option<i64>) -> bool,
    ) -> Result<()> {
        let looked = async {
            let session = self.shared.session();
            let (state, provider) = (session.state(), self.source.provider.as_ref());
            let names = [column.to_owned()];
            let scan = scan_of(&state, provider, &self.table.name, &names, &[filter]).await?;
            let mut batches = execute_stream(scan, session.task_ctx())?;
            while let Some(batch) = batches.try_next().await? {
                let Some(array) = batch.columns().first() else { continue };
                let whole = whole(array)?;
                let there = |row: usize| whole.values.get(row).filter(|_| whole.is_valid(row));
                if (0..batch.num_rows()).any(|row| enough(there(row).copied())) {
                    break;
                }
            }
            Ok::<_, DataFusionError>(())
        };
        looked.await.map_err(|error| data_error(error, Some(&self.table.name)))
    }

    /// Reads events and adds them to an entry, with how far the cursor has come.
    pub(super) async fn fill(
        &self,
        entry: &mut TableEntry,
        reading: Reading,
        generation: u64,
    ) -> Result<Filled> {
        let before = reading.before.as_ref().map(|(seen, _)| seen.clone());
        let events = self.read(entry, reading).await;
        let Events { filling, mut chunks, met } =
            events.map_err(|error| data_error(error, Some(&self.table.name)))?;
        if filling.unfit.load(Ordering::Relaxed) {
            return Ok(Filled::Unfit);
        }
        let from = filling.cursor.as_ref().and_then(|watch| watch.from.as_ref());
        if from.is_some_and(|from| !from.all_met()) {
            return Ok(Filled::Broken);
        }
        entry.seen.cursor = self
            .cursor
            .as_ref()
            .and_then(|(column, data_type)| met.seen(column, data_type, before.as_ref()));
        let blocks = self.blocks();
        let prefix = self.store.prefix(generation);
        let Some(writing) = &self.writing else {
            return Err(Error::new(Code::Internal, "nobody else was kept from writing the store"));
        };
        let (columns, context) = (entry.columns.len(), self.shared.session().task_ctx());
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
        merge_young(self.shared, self.store, entry, &prefix, writing).await?;
        self.keep_words(entry, &filling, &prefix)?;
        let strangers = filling.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all: BTreeSet<u64> = entry.strangers.iter().copied().collect();
        all.extend(strangers.iter());
        entry.strangers = all.into_iter().take(MANY_STRANGERS).collect();
        entry.population = self.population.clone();
        entry.read_at = self.at;
        Ok(Filled::Done)
    }

    /// Writes the texts of columns to which some were added.
    fn keep_words(&self, entry: &mut TableEntry, filling: &Filling, prefix: &str) -> Result<()> {
        for (number, (column, words)) in entry.columns.iter_mut().zip(&filling.words).enumerate() {
            let Some(words) = words else { continue };
            let words = words.lock().unwrap_or_else(PoisonError::into_inner);
            if column.words.as_ref().is_none_or(|(_, count)| *count != words.len()) {
                let name = format!("{prefix}-c{number}.words");
                column.words = Some(self.store.write_words(name, &words)?);
            }
        }
        Ok(())
    }

    /// Reads events into chunks by block.
    async fn read(
        &self,
        entry: &TableEntry,
        reading: Reading,
    ) -> std::result::Result<Events, DataFusionError> {
        let session = self.shared.session();
        let state = session.state();
        let mut names: BTreeSet<String> =
            entry.columns.iter().map(|column| column.name.clone()).collect();
        names.insert(self.table.user_column.clone());
        names.extend(self.cursor.iter().map(|(column, _)| column.clone()));
        let names: Vec<String> = names.into_iter().collect();
        let (provider, table) = (reading.provider.as_ref(), &self.table.name);
        let input = scan_of(&state, provider, table, &names, &reading.filters).await?;
        let schema = input.schema();
        let places = entry.columns.iter().map(|column| schema.index_of(&column.name));
        let words = entry.columns.iter().map(|column| self.words(column));
        let watch = match &self.cursor {
            Some((column, _)) => {
                let from = reading.before.map(|(_, from)| from);
                Some(Watch { place: schema.index_of(column)?, from })
            }
            None => None,
        };
        let filling = Arc::new(Filling {
            user: physical(&state, &self.table.name, &schema, &self.table.user)?,
            columns: places.collect::<std::result::Result<_, _>>()?,
            words: words.collect::<Result<_>>().map_err(external)?,
            ordinals: ordinals(Arc::clone(self.shared)),
            unfit: AtomicBool::new(false),
            strangers: Mutex::default(),
            cursor: watch,
        });
        let (chunks, met) = self.work(&filling, &input, entry.columns.len()).await?;
        Ok(Events { filling, chunks, met })
    }

    /// Lets workers read the partitions of a scan.
    async fn work(
        &self,
        filling: &Arc<Filling>,
        input: &Arc<dyn ExecutionPlan>,
        columns: usize,
    ) -> std::result::Result<(Vec<Chunks>, Met), DataFusionError> {
        let session = self.shared.session();
        let next = Arc::new(AtomicUsize::new(0));
        let partitions = input.output_partitioning().partition_count();
        let threads = session.state().config().target_partitions();
        let (blocks, rows) = (self.blocks(), Arc::new(AtomicU64::new(0)));
        let stage = RunStage::Read { table: self.table.name.clone() };
        let meter = Arc::new(Meter::new([(stage, partitions)]));
        let count = threads.clamp(1, partitions.max(1));
        let room = Room::of("profile store", &session.task_ctx(), count);
        let mut workers = JoinSet::new();
        for _ in 0..count {
            let (filling, input, next) =
                (Arc::clone(filling), Arc::clone(input), Arc::clone(&next));
            let (context, rows) = (session.task_ctx(), Arc::clone(&rows));
            let (room, meter) = (room.clone(), Arc::clone(&meter));
            workers.spawn(async move {
                let mut chunks = Chunks::new(columns, blocks, room);
                let mut filler = Filler::new(filling);
                loop {
                    let partition = next.fetch_add(1, Ordering::Relaxed);
                    if partition >= partitions {
                        return Ok::<_, DataFusionError>((chunks, filler.met()));
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
        let (mut chunks, mut met) = (Vec::new(), Met::default());
        let done = async {
            while let Some(worker) = workers.join_next().await {
                let worker =
                    worker.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)));
                let (own, own_met) = worker??;
                chunks.push(own);
                met = std::mem::take(&mut met).with(own_met);
            }
            Ok::<_, DataFusionError>(())
        };
        self.listener.during(&meter, done).await?;
        // Rows that were looked at to see whether they are still there are not read.
        let read = rows.load(Ordering::Relaxed).saturating_sub(met.again());
        self.rows.fetch_add(read, Ordering::Relaxed);
        Ok((chunks, met))
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
