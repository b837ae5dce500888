//! The population: the users table read once for a whole run, its keys checked and given ordinals.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{BooleanArray, Int64Array, LargeStringArray, RecordBatch};
use arrow::compute::filter;
use datafusion::datasource::MemTable;
use roaring::RoaringBitmap;

use crate::error::{Code, Error, Result};
use crate::model::{BoundModel, KeyColumn};
use crate::segment::{key_column, rows_with_keys};
use crate::source::spread;

use super::{Shared, evaluate::data_error, write};

/// The users as they are at one moment, for all rules of a run.
pub(crate) struct Population {
    pub(crate) table: Arc<MemTable>,
    pub(crate) users: RoaringBitmap,
    /// The rows of the table.
    pub(crate) batches: Vec<RecordBatch>,
}

impl Shared {
    /// Brings the dictionary in memory up to the catalog's.
    pub(super) async fn learn_keys(&self) -> Result<()> {
        let known = self.dictionary().len();
        let from = u32::try_from(known).unwrap_or(u32::MAX);
        let added = self.catalog(move |catalog| catalog.keys(from)).await?;
        if let Some(added) = added {
            let mut dictionary = write(&self.dictionary);
            // Another task may have learnt them meanwhile.
            if dictionary.len() == known {
                dictionary.extend(&added);
            }
        }
        Ok(())
    }

    /// Reads the users with the columns wanted and the key; every key must be there once.
    pub(super) async fn population(
        &self,
        model: &BoundModel,
        columns: &BTreeSet<String>,
    ) -> Result<Population> {
        let batches = self.read_users(model, columns).await?;
        let mut users = RoaringBitmap::new();
        let key_at = |batch: &RecordBatch| -> Result<KeyColumn> {
            let column = batch.column_by_name(&model.key.name).ok_or_else(|| lost(model))?;
            let keys = key_column(column)?;
            if keys.null_count() > 0 {
                return Err(bad_key(
                    model,
                    &format!("{} keys are null or no 64-bit integer", keys.null_count()),
                ));
            }
            Ok(keys)
        };
        let mut columns_of_keys = Vec::with_capacity(batches.len());
        for batch in &batches {
            columns_of_keys.push(key_at(batch)?);
        }
        self.intern(model, &columns_of_keys).await?;
        {
            let dictionary = self.dictionary();
            for keys in &columns_of_keys {
                for (index, ordinal) in dictionary.ordinals(keys).into_iter().enumerate() {
                    let ordinal = ordinal.ok_or_else(|| lost(model))?;
                    if !users.insert(ordinal) {
                        let key = keys.get(index).map_or_else(String::new, |key| key.to_string());
                        return Err(bad_key(model, &format!("the key {key} comes more than once")));
                    }
                }
            }
        }
        let schema = batches.first().map(RecordBatch::schema).ok_or_else(|| lost(model))?;
        let parts = spread(batches.clone(), self.config.target_partitions());
        let table = MemTable::try_new(schema, parts).map_err(super::evaluate::internal)?;
        Ok(Population { table: Arc::new(table), users, batches })
    }

    /// The users table, of these columns and the key; at least one batch.
    async fn read_users(
        &self,
        model: &BoundModel,
        columns: &BTreeSet<String>,
    ) -> Result<Vec<RecordBatch>> {
        let provider = self.provider(&model.table)?;
        let schema = provider.schema();
        let wanted: Vec<usize> = schema
            .fields()
            .iter()
            .enumerate()
            .filter(|(_, field)| columns.contains(field.name()) || *field.name() == model.key.name)
            .map(|(index, _)| index)
            .collect();
        let session = self.session();
        let read = async {
            let plan = provider.scan(&session.state(), Some(&wanted), &[], None).await?;
            datafusion::physical_plan::collect(plan, session.task_ctx()).await
        };
        let mut batches = read.await.map_err(|error| data_error(error, Some(&model.table)))?;
        if batches.is_empty() {
            let schema = schema.project(&wanted).map_err(|_| lost(model))?;
            batches.push(RecordBatch::new_empty(Arc::new(schema)));
        }
        Ok(batches)
    }

    /// Gives ordinals to the keys that have none yet.
    async fn intern(&self, model: &BoundModel, columns: &[KeyColumn]) -> Result<()> {
        for _ in 0..100 {
            self.learn_keys().await?;
            let (known, new) = {
                let dictionary = self.dictionary();
                if dictionary.key_type().is_some_and(|known| known != model.key_type) {
                    let kind = dictionary.key_type().map_or("", |known| known.as_str());
                    let message = format!("the catalog's users have keys of type {kind}");
                    return Err(bad_key(model, &message));
                }
                let mut new = Vec::new();
                for keys in columns {
                    let unknown: BooleanArray =
                        dictionary.ordinals(keys).iter().map(|o| Some(o.is_none())).collect();
                    if unknown.true_count() > 0 {
                        new.push(filter(&keys.to_array(), &unknown).map_err(|error| {
                            Error::new(Code::Internal, "keys can't be filtered").caused_by(error)
                        })?);
                    }
                }
                (dictionary.len(), new)
            };
            if new.is_empty() {
                return Ok(());
            }
            let new = distinct(&new)?;
            let count = u32::try_from(known).unwrap_or(u32::MAX);
            if self.catalog(move |catalog| catalog.append_keys(count, &new)).await? {
                return self.learn_keys().await;
            }
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
        let batches = self.read_users(&model, &names.iter().cloned().collect()).await?;
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
fn distinct(columns: &[arrow::array::ArrayRef]) -> Result<KeyColumn> {
    let mut ints = Vec::new();
    let mut texts = Vec::new();
    let mut seen_ints = std::collections::HashSet::new();
    let mut seen_texts = std::collections::HashSet::new();
    for column in columns {
        match key_column(column)? {
            KeyColumn::Int(keys) => {
                ints.extend(keys.iter().flatten().filter(|key| seen_ints.insert(*key)));
            }
            KeyColumn::Text(keys) => {
                for key in keys
                    .iter()
                    .flatten()
                    .filter(|key| !seen_texts.contains(*key))
                    .collect::<Vec<_>>()
                {
                    if seen_texts.insert(key.to_owned()) {
                        texts.push(key.to_owned());
                    }
                }
            }
        }
    }
    Ok(match texts.is_empty() {
        true => KeyColumn::Int(Int64Array::from(ints)),
        false => KeyColumn::Text(LargeStringArray::from_iter_values(texts)),
    })
}
