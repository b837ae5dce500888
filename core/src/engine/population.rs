//! The population: the users table read once for a whole run, its keys checked and given ordinals.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, LargeStringArray, RecordBatch};
use arrow::compute::filter;
use datafusion::datasource::MemTable;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_plan::execute_stream;
use futures::StreamExt;
use roaring::RoaringBitmap;

use crate::error::{Code, Error, Result};
use crate::model::{BoundModel, Key, KeyColumn, KeyType};
use crate::segment::{Bits, NO_ORDINAL, key_column, rows_with_keys};
use crate::source::{SourceKind, spread};

use super::{Shared, evaluate::data_error, read, write};

/// The users as they are at one moment, for all rules of a run.
pub(crate) struct Population {
    pub(crate) table: Arc<MemTable>,
    pub(crate) users: RoaringBitmap,
    /// The rows of the table.
    pub(crate) batches: Vec<RecordBatch>,
    /// The ordinal of each row of each batch.
    pub(crate) ordinals: Vec<Vec<u32>>,
    /// How many users had been forgotten before keys got their ordinals.
    pub(crate) forgotten: usize,
    /// What table and ordinals take of the session's pool, for as long as they are there.
    _memory: MemoryReservation,
}

impl Shared {
    /// Brings the dictionary in memory up to the catalog's.
    pub(super) async fn learn_keys(&self) -> Result<()> {
        let (known, forgotten) = {
            let dictionary = self.dictionary();
            (dictionary.len(), dictionary.forgotten())
        };
        let from = u32::try_from(known).unwrap_or(u32::MAX);
        let dictionary = Arc::clone(&self.dictionary);
        let learn = move |catalog: &dyn crate::Catalog| {
            if let Some(added) = catalog.keys(from)? {
                let mut dictionary = write(&dictionary);
                // Another task may have learnt them meanwhile.
                if dictionary.len() == known {
                    dictionary.extend(&added);
                }
            }
            // Later than the keys, so that none is learnt that is forgotten already.
            let gone = catalog.forgotten(forgotten)?;
            if !gone.is_empty() {
                write(&dictionary).forget(forgotten, &gone);
            }
            Ok(())
        };
        self.catalog(learn).await
    }

    /// The key that is meant: a text that is a number names a user whose key is one.
    pub(super) fn meant(&self, key: Key) -> Key {
        match (key, self.dictionary().key_type()) {
            (Key::Text(text), Some(KeyType::Int)) => {
                text.trim().parse().map_or(Key::Text(text), Key::Int)
            }
            (key, _) => key,
        }
    }

    /// Reads the users with the columns wanted and the key; every key must be there once.
    pub(super) async fn population(
        &self,
        model: &BoundModel,
        columns: &BTreeSet<String>,
    ) -> Result<Population> {
        let (batches, memory) = self.read_users(model, columns).await?;
        let keys = batches.iter().map(|batch| keys_of(model, batch));
        let keys = keys.collect::<Result<Vec<KeyColumn>>>()?;
        self.learn_keys().await?;
        let forgotten = self.dictionary().forgotten();
        let rows: usize = keys.iter().map(KeyColumn::len).sum();
        let full = memory.try_grow(rows.saturating_mul(size_of::<u32>()));
        full.map_err(|error| data_error(error, Some(&model.table)))?;
        let ordinals = self.intern(model, &keys).await?;
        let mut users = Bits::new(self.dictionary().len());
        for (keys, ordinals) in keys.iter().zip(&ordinals) {
            if let Some(row) = ordinals.iter().position(|ordinal| !users.insert(*ordinal)) {
                let key = keys.get(row).map_or_else(String::new, |key| key.to_string());
                return Err(bad_key(model, &format!("the key {key} comes more than once")));
            }
            tokio::task::yield_now().await;
        }
        let schema = batches.first().map(RecordBatch::schema).ok_or_else(|| lost(model))?;
        let parts = spread(batches.clone(), self.config.target_partitions());
        let table = MemTable::try_new(schema, parts).map_err(super::evaluate::internal)?;
        let users = users.to_bitmap();
        let table = Arc::new(table);
        Ok(Population { table, users, batches, ordinals, forgotten, _memory: memory })
    }

    /// The users table, of these columns and the key; at least one batch. With what it takes of the
    /// session's pool: nothing where it is the host's own memory.
    async fn read_users(
        &self,
        model: &BoundModel,
        columns: &BTreeSet<String>,
    ) -> Result<(Vec<RecordBatch>, MemoryReservation)> {
        let provider = self.provider(&model.table)?;
        let counts =
            read(&self.sources).get(&model.table).is_some_and(|s| s.kind != SourceKind::Arrow);
        let schema = provider.schema();
        let wanted: Vec<usize> = schema
            .fields()
            .iter()
            .enumerate()
            .filter(|(_, field)| columns.contains(field.name()) || *field.name() == model.key.name)
            .map(|(index, _)| index)
            .collect();
        let session = self.session();
        let memory = MemoryConsumer::new("users").register(&self.runtime.memory_pool);
        let read = async {
            let plan = provider.scan(&session.state(), Some(&wanted), &[], None).await?;
            let mut stream = execute_stream(plan, session.task_ctx())?;
            let mut batches = Vec::new();
            while let Some(batch) = stream.next().await {
                let batch = batch?;
                if counts {
                    memory.try_grow(batch.get_array_memory_size())?;
                }
                batches.push(batch);
            }
            Ok(batches)
        };
        let mut batches = read.await.map_err(|error| data_error(error, Some(&model.table)))?;
        if batches.is_empty() {
            let schema = schema.project(&wanted).map_err(|_| lost(model))?;
            batches.push(RecordBatch::new_empty(Arc::new(schema)));
        }
        Ok((batches, memory))
    }

    /// The ordinal of every key; keys that have none yet are given one.
    async fn intern(&self, model: &BoundModel, columns: &[KeyColumn]) -> Result<Vec<Vec<u32>>> {
        for _ in 0..100 {
            self.learn_keys().await?;
            let (known, kind) = {
                let dictionary = self.dictionary();
                (dictionary.len(), dictionary.key_type())
            };
            if let Some(kind) = kind.filter(|known| *known != model.key_type) {
                let message = format!("the catalog's users have keys of type {}", kind.as_str());
                return Err(bad_key(model, &message));
            }
            let mut found = Vec::with_capacity(columns.len());
            let mut new = Vec::new();
            for keys in columns {
                let mut ordinals = Vec::with_capacity(keys.len());
                self.dictionary().ordinals_into(keys, &mut ordinals);
                if ordinals.contains(&NO_ORDINAL) {
                    new.push(unknown(keys, &ordinals)?);
                }
                found.push(ordinals);
                tokio::task::yield_now().await;
            }
            if new.is_empty() {
                return Ok(found);
            }
            let count = u32::try_from(known).unwrap_or(u32::MAX);
            // If others have added keys meanwhile, what is new is seen once more.
            let append =
                move |catalog: &dyn crate::Catalog| catalog.append_keys(count, &distinct(&new)?);
            self.catalog(append).await?;
        }
        Err(Error::new(Code::Busy, "other processes kept adding users in between"))
    }

    /// Rows of the users table as it is now, those of these ordinals, in the order of their keys.
    pub(crate) async fn rows_of(
        &self,
        wanted: &RoaringBitmap,
        columns: Option<&[&str]>,
    ) -> Result<RecordBatch> {
        self.reopen_sources().await?;
        let model = self.bound_model()?;
        let schema = self.provider(&model.table)?.schema();
        let names: Vec<String> = match columns {
            None => schema.fields().iter().map(|field| field.name().clone()).collect(),
            Some(columns) => columns.iter().map(|name| (*name).to_owned()).collect(),
        };
        if let Some(name) = names.iter().find(|name| schema.field_with_name(name).is_err()) {
            let message = format!("the table {:?} has no column {name:?}", model.table);
            let known = schema.fields().iter().map(|field| field.name().as_str());
            let problem = crate::Problem::new(Code::MissingColumn, "", message);
            return Err(Error::from(problem.nearest(name, known)));
        }
        let (batches, _memory) = self.read_users(&model, &names.iter().cloned().collect()).await?;
        let key = batches
            .first()
            .and_then(|batch| batch.schema().index_of(&model.key.name).ok())
            .ok_or_else(|| lost(&model))?;
        let rows = rows_with_keys(&batches, key, wanted, &self.dictionary())?;
        let order: Vec<usize> =
            names.iter().filter_map(|name| rows.schema().index_of(name).ok()).collect();
        rows.project(&order).map_err(|error| {
            Error::new(Code::Internal, "columns can't be put in order").caused_by(error)
        })
    }
}

/// A batch's keys, all of them there.
fn keys_of(model: &BoundModel, batch: &RecordBatch) -> Result<KeyColumn> {
    let column = batch.column_by_name(&model.key.name).ok_or_else(|| lost(model))?;
    let keys = key_column(column)?;
    match keys.null_count() {
        0 => Ok(keys),
        nulls => Err(bad_key(model, &format!("{nulls} keys are null or no 64-bit integer"))),
    }
}

/// The keys that have no ordinal.
fn unknown(keys: &KeyColumn, ordinals: &[u32]) -> Result<ArrayRef> {
    if ordinals.iter().all(|ordinal| *ordinal == NO_ORDINAL) {
        return Ok(keys.to_array());
    }
    let unknown: BooleanArray = ordinals.iter().map(|o| Some(*o == NO_ORDINAL)).collect();
    filter(&keys.to_array(), &unknown)
        .map_err(|error| Error::new(Code::Internal, "keys can't be filtered").caused_by(error))
}

fn bad_key(model: &BoundModel, message: &str) -> Error {
    Error::new(
        Code::BadKey,
        format!("table {:?}, column {:?}: {message}", model.table, model.key.name),
    )
}

fn lost(model: &BoundModel) -> Error {
    let message = format!("the key column of {:?} was not read", model.table);
    Error::new(Code::Internal, message)
}

/// The keys of all columns, each once, in the order of their first coming.
fn distinct(columns: &[ArrayRef]) -> Result<KeyColumn> {
    let (mut ints, mut texts): (Vec<i64>, Vec<LargeStringArray>) = (Vec::new(), Vec::new());
    ints.reserve_exact(columns.iter().map(Array::len).sum());
    for column in columns {
        match key_column(column)? {
            KeyColumn::Int(keys) => ints.extend(keys.iter().flatten()),
            KeyColumn::Text(keys) => texts.push(keys),
        }
    }
    if texts.is_empty() {
        // Tables are mostly written in the order of their keys, and then none comes twice.
        if !ints.is_sorted_by(|one, next| one < next) {
            let mut seen = HashSet::with_capacity(ints.len());
            ints.retain(|key| seen.insert(*key));
        }
        return Ok(KeyColumn::Int(Int64Array::from(ints)));
    }
    let mut seen = HashSet::new();
    let all = texts.iter().flat_map(|keys| keys.iter().flatten());
    let first: Vec<&str> = all.filter(|key| seen.insert(*key)).collect();
    Ok(KeyColumn::Text(LargeStringArray::from_iter_values(first)))
}
