//! The shared pass: every metric of a run worked out in one reading of the events.
//!
//! ```text
//! batches of a scan -> records by block     read.rs, decode.rs, classes.rs, whole.rs, chunks.rs
//! records of a block -> groups of 64 users  work.rs, records.rs, block.rs
//! a group and a stream -> tables of rows -> masks of atoms        lanes.rs, slow.rs
//!   distinct values; first and last ones     kinds.rs, distinct.rs, ends.rs, texts.rs
//! a group and a sequence -> the mask of its atom                  sequences.rs
//! values of metrics and of users -> masks of comparisons          compare.rs, attributes.rs
//! ```
//!
//! Users have dense ordinals; 65,536 of them are a block, which is one container of a Roaring
//! bitmap, and 64 are a group, one user in each lane of the arithmetic. An event is read once: its
//! time gives its bucket between the edges of all windows, its columns the class of filters that it
//! passes. Only what cannot be said this way is evaluated by plans of its own, and those say the
//! same of everything else, too: they are what the pass is tested against.

mod attributes;
mod block;
pub(super) mod buckets;
pub(super) mod chunks;
mod classes;
mod compare;
pub(super) mod decode;
mod distinct;
mod ends;
mod exec;
mod kinds;
mod lanes;
mod masks;
mod read;
pub(super) mod records;
pub(super) mod room;
mod sequences;
mod slow;
pub(super) mod spill;
mod stored;
#[cfg(test)]
mod tests;
mod texts;
pub(super) mod whole;
mod work;

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, SchemaRef, UInt32Type};
use datafusion::common::{DFSchema, DataFusionError};
use datafusion::datasource::TableProvider;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, SessionState};
use datafusion::logical_expr::expr_rewriter::unnormalize_cols;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::filter_pushdown::FilterPushdown;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, PhysicalExpr};
use futures::TryStreamExt;
use roaring::RoaringBitmap;

use crate::plan::{PassPlan, PassTable, external, is_text, plain_type, table_name};
use crate::segment::key_column;
use crate::store::StoredTable;

use self::attributes::Attributes;
use self::buckets::OUTSIDE;
use self::classes::{CodedColumn, Filter};
use self::decode::{Ordinals, Seen, TableWork};
use self::exec::{Events, Pass, SharedPassExec};
pub(super) use self::read::turns;
use self::stored::{From, StoredWork};
use self::texts::Texts;
use super::evaluate::{RunSources, Scanned, count_rows};
use super::profile::Tables;
use super::progress::Meter;
use super::sets::Sets;
use super::{RunStage, Shared};

/// How many parts of a table each worker gets to choose from, so that none waits long for another.
const PARTS: usize = 8;

/// A fault that only says that the pass is not the way to go.
fn unfit(why: &str) -> DataFusionError {
    DataFusionError::NotImplemented(why.to_owned())
}

/// A record has so many bits for its bucket.
fn can_be_told_apart(buckets: usize) -> datafusion::common::Result<()> {
    match buckets < usize::from(OUTSIDE) {
        true => Ok(()),
        false => Err(unfit("windows have more edges than records can tell apart")),
    }
}

/// What the pass gives.
pub(super) struct Found {
    /// The members of each atom of the plan, at least among the users asked about.
    pub(super) sets: Sets,
    /// The atoms that the pass could not tell.
    pub(super) unfit: BTreeSet<usize>,
}

/// Works out a plan, for all users or at least for some.
pub(super) async fn run(
    sources: &RunSources,
    plan: PassPlan,
    only: Option<&RoaringBitmap>,
    scanned: &mut Scanned,
) -> datafusion::common::Result<Found> {
    can_be_told_apart(plan.buckets)?;
    let session = sources.shared.session();
    let state = session.state();
    let memory = MemoryConsumer::new("texts of a pass").register(session.task_ctx().memory_pool());
    let schema = Arc::new(texts::schema());
    let tests = plan.text_tests.iter().map(|test| physical(&state, "texts", &schema, test));
    let texts = Arc::new(Texts::new(tests.collect::<Result<_, _>>()?, memory));
    let (mut inputs, mut tables, mut events) = (Vec::new(), Vec::new(), Vec::new());
    for table in &plan.tables {
        if let Some(stored) = sources.stored.get(&Tables::of_pass(table))
            && table.fields.iter().all(|field| stored.table.column(field).is_some())
        {
            let found = stored_work(&state, sources, table, &stored.table, &texts)?;
            tables.push(Arc::clone(&found.work));
            events.push(Events::Stored(Arc::new(found)));
            continue;
        }
        let input = scan(sources, &state, table).await?;
        tables.push(Arc::new(work(&state, table, &input.schema(), &texts)?));
        events.push(Events::Scan(inputs.len()));
        inputs.push(input);
    }
    let names: Vec<String> = plan
        .tables
        .iter()
        .zip(&events)
        .filter(|(_, events)| matches!(events, Events::Scan(_)))
        .map(|(table, _)| table.name.clone())
        .collect();
    // A scan gives everyone's events anyway.
    let only = only.filter(|_| names.is_empty()).cloned();
    let users = u32::try_from(sources.shared.dictionary().len()).unwrap_or(u32::MAX);
    let workers = session.state().config().target_partitions();
    let ordinals = ordinals(Arc::clone(&sources.shared));
    let attributes = Attributes::read(sources, &state, &plan, &ordinals, &texts).await?;
    let attributes = Arc::new(attributes);
    let meter = Arc::new(meter(&names, &inputs, users));
    let mut sets = Sets::new(&sources.shared.runtime, plan.atoms);
    let pass = Pass {
        plan,
        tables,
        events,
        texts,
        attributes,
        only,
        ordinals,
        users,
        workers,
        meter: Arc::clone(&meter),
    };
    let exec = Arc::new(SharedPassExec::new(pass, inputs));
    let physical: Arc<dyn ExecutionPlan> = Arc::clone(&exec) as _;
    let batches =
        datafusion::physical_plan::execute_stream(Arc::clone(&physical), session.task_ctx())?;
    sources.listener.during(&meter, gather(batches, &mut sets)).await?;
    count_rows(&physical, &sources.shared.scannable(&names), scanned);
    Ok(Found { sets, unfit: exec.unfit() })
}

/// The partitions of each scan, and the blocks.
fn meter(names: &[String], inputs: &[Arc<dyn ExecutionPlan>], users: u32) -> Meter {
    let scans = names.iter().zip(inputs).map(|(name, input)| {
        let partitions = input.output_partitioning().partition_count();
        (RunStage::Read { table: name.clone() }, partitions)
    });
    let blocks = (RunStage::Evaluate, users.div_ceil(chunks::BLOCK) as usize);
    Meter::new(scans.chain([blocks]))
}

/// Puts the masks of all blocks together to sets.
async fn gather(
    mut batches: SendableRecordBatchStream,
    sets: &mut Sets,
) -> datafusion::common::Result<()> {
    while let Some(batch) = batches.try_next().await? {
        let [atoms, firsts, members] = batch.columns() else { continue };
        let (atoms, firsts) =
            (atoms.as_primitive::<UInt32Type>(), firsts.as_primitive::<UInt32Type>());
        let members = members.as_binary::<i32>();
        for (row, (atom, first)) in atoms.values().iter().zip(firsts.values()).enumerate() {
            sets.add(*atom as usize, RoaringBitmap::from_lsb0_bytes(*first, members.value(row)));
        }
        sets.settle().await?;
    }
    Ok(())
}

/// Reads the columns that are needed, in many parts; files are left out by their times.
async fn scan(
    sources: &RunSources,
    state: &SessionState,
    table: &PassTable,
) -> datafusion::common::Result<Arc<dyn ExecutionPlan>> {
    let provider = crate::plan::PlanSources::table(sources, &table.name).map_err(external)?;
    scan_of(state, provider.as_ref(), &table.name, &table.columns, &table.span).await
}

/// Reads columns in many parts, at least the rows that pass all of the filters.
pub(super) async fn scan_of(
    state: &SessionState,
    provider: &dyn TableProvider,
    table: &str,
    columns: &[String],
    filters: &[Expr],
) -> datafusion::common::Result<Arc<dyn ExecutionPlan>> {
    let schema = provider.schema();
    let places = columns.iter().map(|name| schema.index_of(name));
    let projection = places.collect::<Result<Vec<usize>, _>>()?;
    let bare: Vec<Expr> = unnormalize_cols(filters.iter().cloned());
    let asked: Vec<&Expr> = bare.iter().collect();
    let taken = provider.supports_filters_pushdown(&asked)?;
    let taken: Vec<Expr> = bare
        .iter()
        .zip(taken)
        .filter(|(_, taken)| *taken != TableProviderFilterPushDown::Unsupported)
        .map(|(filter, _)| filter.clone())
        .collect();
    let mut plan = provider.scan(state, Some(&projection), &taken, None).await?;
    let options = state.config_options();
    if let Some(filter) = conjunction(filters.iter().cloned()) {
        // Files take filters from an operator above them, which is not needed itself: what it
        // would leave out falls in no bucket.
        let filter = physical(state, table, &plan.schema(), &filter)?;
        let filtered: Arc<dyn ExecutionPlan> = Arc::new(FilterExec::try_new(filter, plan)?);
        let pushed = FilterPushdown::new().optimize(filtered, options)?;
        plan = match pushed.is::<FilterExec>() {
            true => {
                pushed.children().first().map_or(Arc::clone(&pushed), |child| Arc::clone(child))
            }
            false => pushed,
        };
    }
    let parts = state.config().target_partitions() * PARTS;
    Ok(plan.repartitioned(parts, options)?.unwrap_or(plan))
}

/// An expression over the columns of a table's batches.
pub(super) fn physical(
    state: &SessionState,
    table: &str,
    schema: &SchemaRef,
    expr: &Expr,
) -> datafusion::common::Result<Arc<dyn PhysicalExpr>> {
    let named = DFSchema::try_from_qualified_schema(table_name(table), schema)?;
    state.create_physical_expr(expr.clone(), &named)
}

/// The expressions of a table, ready for batches of that schema.
fn work(
    state: &SessionState,
    table: &PassTable,
    schema: &SchemaRef,
    texts: &Arc<Texts>,
) -> datafusion::common::Result<TableWork> {
    let physical = |expr: &Expr| physical(state, &table.name, schema, expr);
    let filter = |filter: &crate::plan::PassFilter| {
        let expr = filter.expr.as_ref().map(physical).transpose()?;
        Ok::<_, DataFusionError>(Filter { expr, by: filter.by.clone() })
    };
    let coded = |coded: &crate::plan::Coded| {
        let column = schema.index_of(&coded.column.name)?;
        Ok::<_, DataFusionError>(CodedColumn { column, cuts: coded.cuts.clone() })
    };
    let values = table.values.iter().map(|value| physical(&value.expr));
    Ok(TableWork {
        user: physical(&table.user)?,
        time: schema.index_of(&table.time.name)?,
        values: values.collect::<Result<_, _>>()?,
        texts: table.values.iter().map(|value| value.texts.then(|| Arc::clone(texts))).collect(),
        filters: table.filters.iter().map(filter).collect::<Result<_, _>>()?,
        coded: table.coded.iter().map(coded).collect::<Result<_, _>>()?,
        bounds: table.bounds.clone(),
        open: table.open,
        registry: Arc::default(),
        seen: table.values.iter().map(|_| Seen::default()).collect(),
    })
}

/// What is asked of a stored table.
fn stored_work(
    state: &SessionState,
    sources: &RunSources,
    table: &PassTable,
    stored: &Arc<StoredTable>,
    texts: &Arc<Texts>,
) -> datafusion::common::Result<StoredWork> {
    let provider = crate::plan::PlanSources::table(sources, &table.name).map_err(external)?;
    let places = table.columns.iter().map(|name| provider.schema().index_of(name));
    let places = places.collect::<Result<Vec<usize>, _>>()?;
    let schema = Arc::new(provider.schema().project(&places)?);
    let work = work(state, table, &schema, texts)?;
    let values = table.values.iter().zip(&work.values).map(|(value, expr)| {
        match plain_column(&value.expr, &schema).and_then(|name| stored.column(name)) {
            Some(column) => From::Column(column),
            None => {
                let columns = collect_columns(expr).iter().map(|column| column.index()).collect();
                From::Expr(Arc::clone(expr), columns)
            }
        }
    });
    let values = values.collect();
    let columns = table.columns.iter().map(|name| stored.column(name)).collect();
    let work = Arc::new(work);
    Ok(StoredWork { table: Arc::clone(stored), work, schema, columns, time: 0, values })
}

/// The column that an expression is, if its whole numbers are the column's own.
fn plain_column<'a>(expr: &'a Expr, schema: &SchemaRef) -> Option<&'a str> {
    match expr {
        Expr::Column(column) => Some(&column.name),
        Expr::Cast(inner) => {
            let name = plain_column(&inner.expr, schema)?;
            let from = plain_type(schema.field_with_name(name).ok()?.data_type());
            let scale = |data_type: &DataType| match data_type {
                DataType::Decimal128(_, scale) => Some(*scale),
                integer if integer.is_integer() => Some(0),
                _ => None,
            };
            let to = inner.field.data_type();
            let same = scale(&from).is_some() && scale(&from) == scale(to);
            // Texts have the same numbers whatever type of texts they are.
            (from == *to || same || (is_text(&from) && is_text(to))).then_some(name)
        }
        _ => None,
    }
}

/// Looks users up in the dictionary.
pub(super) fn ordinals(shared: Arc<Shared>) -> Ordinals {
    Arc::new(move |keys, out| {
        let keys = key_column(keys).map_err(external)?;
        out.clear();
        shared.dictionary().ordinals_into(&keys, out);
        Ok(())
    })
}
