//! The shared pass: every metric of a run worked out in one reading of the events.
//!
//! ```text
//! batches of a scan -> records by block     decode.rs, classes.rs, whole.rs, chunks.rs
//! records of a block -> groups of 64 users  block.rs
//! a group and a stream -> tables of rows -> masks of atoms        lanes.rs, slow.rs
//! ```
//!
//! Users have dense ordinals; 65,536 of them are a block, which is one container of a Roaring
//! bitmap, and 64 are a group, one user in each lane of the arithmetic. An event is read once: its
//! time gives its bucket between the edges of all windows, its columns the class of filters that it
//! passes. Only what cannot be said this way is evaluated by plans of its own, and those say the
//! same of everything else, too: they are what the pass is tested against.

mod block;
mod chunks;
mod classes;
mod decode;
mod exec;
mod lanes;
mod slow;
mod whole;

use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{SchemaRef, UInt32Type};
use datafusion::common::{DFSchema, DataFusionError};
use datafusion::execution::SessionState;
use datafusion::logical_expr::expr_rewriter::unnormalize_cols;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown};
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};
use futures::TryStreamExt;
use roaring::RoaringBitmap;

use crate::plan::{PassPlan, PassTable, external, table_name};
use crate::segment::key_column;

use self::classes::{CodedColumn, Filter};
use self::decode::{NOBODY, Ordinals, Seen, TableWork};
use self::exec::{Pass, SharedPassExec};
use super::Shared;
use super::evaluate::{RunSources, Scanned, count_rows};

/// How many parts of a table each worker gets to choose from, so that none waits long for another.
const PARTS: usize = 8;

/// A fault that only says that the pass is not the way to go.
fn unfit(why: &str) -> DataFusionError {
    DataFusionError::NotImplemented(why.to_owned())
}

/// The members of each atom of a plan; nothing for those that the pass could not tell.
pub(super) async fn run(
    sources: &RunSources,
    plan: PassPlan,
    scanned: &mut Scanned,
) -> datafusion::common::Result<Vec<Option<RoaringBitmap>>> {
    let session = sources.shared.session();
    let state = session.state();
    let mut inputs = Vec::with_capacity(plan.tables.len());
    let mut tables = Vec::with_capacity(plan.tables.len());
    for table in &plan.tables {
        let input = scan(sources, &state, table).await?;
        tables.push(Arc::new(work(&state, table, &input.schema())?));
        inputs.push(input);
    }
    let atoms = plan.atoms;
    let names: Vec<String> = plan.tables.iter().map(|table| table.name.clone()).collect();
    let users = u32::try_from(sources.shared.dictionary().len()).unwrap_or(u32::MAX);
    let workers = session.state().config().target_partitions();
    let ordinals = ordinals(Arc::clone(&sources.shared));
    let exec =
        Arc::new(SharedPassExec::new(Pass { plan, tables, ordinals, users, workers }, inputs));
    let mut found = vec![RoaringBitmap::new(); atoms];
    let physical: Arc<dyn ExecutionPlan> = Arc::clone(&exec) as _;
    let mut batches =
        datafusion::physical_plan::execute_stream(Arc::clone(&physical), session.task_ctx())?;
    while let Some(batch) = batches.try_next().await? {
        let [atoms, blocks, members] = batch.columns() else { continue };
        let (atoms, blocks) =
            (atoms.as_primitive::<UInt32Type>(), blocks.as_primitive::<UInt32Type>());
        let members = members.as_binary::<i32>();
        for (row, (atom, block)) in atoms.values().iter().zip(blocks.values()).enumerate() {
            if let Some(found) = found.get_mut(*atom as usize).filter(|_| members.is_valid(row)) {
                *found |= RoaringBitmap::from_lsb0_bytes(block << 16, members.value(row));
            }
        }
    }
    count_rows(&physical, &sources.shared.scannable(&names), scanned);
    let unfit = exec.unfit();
    let kept = |(atom, members)| (!unfit.contains(&atom)).then_some(members);
    Ok(found.into_iter().enumerate().map(kept).collect())
}

/// Reads the columns that are needed, in many parts; files are left out by their times.
async fn scan(
    sources: &RunSources,
    state: &SessionState,
    table: &PassTable,
) -> datafusion::common::Result<Arc<dyn ExecutionPlan>> {
    let provider = crate::plan::PlanSources::table(sources, &table.name).map_err(external)?;
    let schema = provider.schema();
    let places = table.columns.iter().map(|name| schema.index_of(name));
    let projection = places.collect::<Result<Vec<usize>, _>>()?;
    let filters: Vec<Expr> = unnormalize_cols(table.span.iter().cloned());
    let asked: Vec<&Expr> = filters.iter().collect();
    let taken = provider.supports_filters_pushdown(&asked)?;
    let filters: Vec<Expr> = filters
        .iter()
        .zip(taken)
        .filter(|(_, taken)| *taken != TableProviderFilterPushDown::Unsupported)
        .map(|(filter, _)| filter.clone())
        .collect();
    let plan = provider.scan(state, Some(&projection), &filters, None).await?;
    let options = state.config_options();
    let parts = state.config().target_partitions() * PARTS;
    Ok(plan.repartitioned(parts, options)?.unwrap_or(plan))
}

/// The expressions of a table, ready for batches of that schema.
fn work(
    state: &SessionState,
    table: &PassTable,
    schema: &SchemaRef,
) -> datafusion::common::Result<TableWork> {
    let named = DFSchema::try_from_qualified_schema(table_name(&table.name), schema)?;
    let physical = |expr: &Expr| -> datafusion::common::Result<Arc<dyn PhysicalExpr>> {
        state.create_physical_expr(expr.clone(), &named)
    };
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
        time: physical(&crate::plan::named(&table.name, &table.time.name))?,
        values: values.collect::<Result<_, _>>()?,
        filters: table.filters.iter().map(filter).collect::<Result<_, _>>()?,
        coded: table.coded.iter().map(coded).collect::<Result<_, _>>()?,
        bounds: table.bounds.clone(),
        open: table.open,
        registry: Arc::default(),
        seen: table.values.iter().map(|_| Seen::default()).collect(),
    })
}

/// Looks users up in the dictionary.
fn ordinals(shared: Arc<Shared>) -> Ordinals {
    Arc::new(move |keys, out| {
        let keys = key_column(keys).map_err(external)?;
        out.clear();
        shared.dictionary().ordinals_into(&keys, NOBODY, out);
        Ok(())
    })
}
