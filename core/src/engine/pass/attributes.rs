//! Columns of users that metrics are compared with: a number for each ordinal.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::execution::SessionState;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::physical_plan::PhysicalExpr;
use futures::TryStreamExt;

use crate::plan::{PassPlan, PlanSources, external};

use super::super::evaluate::RunSources;
use super::decode::{NOBODY, Ordinals};
use super::scan_of;
use super::texts::{Numbers, Texts};
use super::whole::whole;

/// The columns by the places where their values are kept.
#[derive(Default)]
pub(super) struct Attributes {
    columns: Vec<Option<Attribute>>,
    _memory: Option<MemoryReservation>,
}

/// A column: by ordinal its numbers, and the bits of those that are there.
struct Attribute {
    values: Vec<i64>,
    there: Vec<u64>,
    /// One does not fit 64 bits.
    unfit: bool,
}

/// How a column is read from a batch of users.
struct Reading {
    place: usize,
    expr: Arc<dyn PhysicalExpr>,
    texts: Option<Numbers>,
}

impl Attributes {
    /// Whether a value of the column does not fit.
    pub(super) fn unfit(&self, place: usize) -> bool {
        self.columns.get(place).and_then(Option::as_ref).is_some_and(|column| column.unfit)
    }

    /// The number of a user, if there is one.
    pub(super) fn value(&self, place: usize, user: u32) -> Option<i64> {
        let column = self.columns.get(place)?.as_ref()?;
        let word = column.there.get((user / 64) as usize)?;
        let there = word >> (user % 64) & 1 == 1;
        column.values.get(user as usize).copied().filter(|_| there)
    }

    /// Reads the columns that a plan compares with.
    pub(super) async fn read(
        sources: &RunSources,
        state: &SessionState,
        plan: &PassPlan,
        ordinals: &Ordinals,
        texts: &Texts,
    ) -> Result<Attributes> {
        let asked: Vec<_> = plan
            .kept
            .iter()
            .enumerate()
            .filter_map(|(place, kept)| Some((place, kept.is_text(), kept.column.as_ref()?)))
            .collect();
        if asked.is_empty() {
            return Ok(Attributes::default());
        }
        let (table, key) = (&sources.model.table, &sources.model.key.name);
        let provider = sources.table(table).map_err(external)?;
        let mut names: Vec<String> = asked.iter().map(|(.., (name, _))| name.clone()).collect();
        names.push(key.clone());
        names.sort_unstable();
        names.dedup();
        let input = scan_of(state, provider.as_ref(), table, &names, &[]).await?;
        let schema = input.schema();
        let users = sources.shared.dictionary().len();
        let context = state.task_ctx();
        let memory = MemoryConsumer::new("users' columns").register(context.memory_pool());
        let words = users.div_ceil(64);
        memory.try_grow(asked.len() * (users + words) * size_of::<u64>())?;
        let mut found = Attributes::default();
        found.columns.resize_with(plan.kept.len(), || None);
        let mut readings = Vec::with_capacity(asked.len());
        for (place, of_texts, (_, expr)) in asked {
            let expr = super::physical(state, table, &schema, expr)?;
            readings.push(Reading { place, expr, texts: of_texts.then(Numbers::default) });
            if let Some(column) = found.columns.get_mut(place) {
                let (values, there) = (vec![0; users], vec![0; words]);
                *column = Some(Attribute { values, there, unfit: false });
            }
        }
        let key = schema.index_of(key)?;
        let mut batches = datafusion::physical_plan::execute_stream(input, context)?;
        let mut owners = Vec::new();
        while let Some(batch) = batches.try_next().await? {
            ordinals(batch.column(key), &mut owners)?;
            for reading in &mut readings {
                let array = reading.expr.evaluate(&batch)?.into_array(batch.num_rows())?;
                let numbers = match &mut reading.texts {
                    None => whole(&array)?,
                    Some(numbers) => numbers.of(&array, texts)?,
                };
                let column = found.columns.get_mut(reading.place).and_then(Option::as_mut);
                let Some(column) = column else { continue };
                column.unfit |= numbers.unfit;
                for (row, (user, number)) in owners.iter().zip(numbers.values.iter()).enumerate() {
                    if *user != NOBODY && numbers.is_valid(row) {
                        column.put(*user, *number);
                    }
                }
            }
        }
        found._memory = Some(memory);
        Ok(found)
    }
}

impl Attribute {
    fn put(&mut self, user: u32, number: i64) {
        let word = self.there.get_mut((user / 64) as usize);
        if let (Some(value), Some(word)) = (self.values.get_mut(user as usize), word) {
            *value = number;
            *word |= 1 << (user % 64);
        }
    }
}
