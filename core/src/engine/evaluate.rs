//! One rule's plan run to its members, and what DataFusion's errors mean to a caller.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use chrono_tz::Tz;
use datafusion::common::DataFusionError;
use datafusion::datasource::TableProvider;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, displayable};
use futures::TryStreamExt;
use roaring::RoaringBitmap;

use crate::error::{Code, Error, Result};
use crate::model::{BoundModel, Key};
use crate::plan::{Contains, Dialect, Flavor, PlanSources, Planner, external, to_sql};
use crate::predicate::Predicate;
use crate::segment::{Dictionary, key_column};

use super::Shared;
use super::members::Members;
use super::parts::Parts;
use super::population::Population;
use super::profile::StoredTables;
use super::progress::Listener;
use super::ranks::Ranks;

/// What the plans of one run read: the population as it was read, events as they are registered,
/// segments as this run has computed them.
pub(super) struct RunSources {
    pub(super) shared: Arc<Shared>,
    pub(super) model: Arc<BoundModel>,
    pub(super) users: Option<Arc<dyn TableProvider>>,
    pub(super) members: Members,
    /// Of rules without members here, whether the only user that is asked about is one.
    pub(super) told: BTreeMap<i64, bool>,
    /// The ranks of the run.
    pub(super) ranks: Ranks,
    /// The parts of rules whose members are known, under names that no rule has.
    pub(super) parts: Parts,
    /// The only users that need to be looked at, where they are few.
    pub(super) among: Option<Contains>,
    /// The only user that is asked about, if it is one.
    pub(super) only: Option<Key>,
    /// The event tables that are stored.
    pub(super) stored: StoredTables,
    /// Whether the rule at hand is worked out for the users only for whom something has changed.
    pub(super) partly: bool,
    /// How many plans of their own rules had so far.
    pub(super) planned: u64,
    /// Who is told how far the run is.
    pub(super) listener: Listener,
}

impl PlanSources for RunSources {
    fn table(&self, name: &str) -> Result<Arc<dyn TableProvider>> {
        match &self.users {
            Some(users) if name == self.model.table => Ok(Arc::clone(users)),
            _ => self.shared.provider(name),
        }
    }

    fn members(&self, rule: i64) -> Result<Contains> {
        if let Some(told) = self.told.get(&rule).copied() {
            return Ok(Arc::new(move |keys: &ArrayRef| Ok(vec![told; keys.len()].into())));
        }
        let members = self.set(rule)?.ok_or_else(|| {
            Error::new(Code::Internal, format!("rule {rule} has not been evaluated"))
        })?;
        let shared = Arc::clone(&self.shared);
        Ok(Arc::new(move |keys: &ArrayRef| {
            let keys = key_column(keys).map_err(external)?;
            let ordinals = shared.dictionary().ordinals(&keys).into_iter();
            let truths = ordinals.map(|o| Some(o.is_some_and(|o| members.contains(o))));
            Ok(truths.collect::<BooleanArray>())
        }))
    }

    fn among(&self) -> Option<Contains> {
        self.among.clone()
    }

    fn only(&self) -> Option<Key> {
        self.only.clone()
    }
}

/// Looks up a few users by key: a small set of their own stays in the processor's cache, which the
/// dictionary of all users does not.
fn few(shared: &Shared, users: &RoaringBitmap) -> Result<Contains> {
    let mut few = Dictionary::default();
    few.extend(&shared.dictionary().keys(users.iter())?);
    Ok(Arc::new(move |keys: &ArrayRef| {
        let keys = key_column(keys).map_err(external)?;
        Ok(few.ordinals(&keys).into_iter().map(|ordinal| Some(ordinal.is_some())).collect())
    }))
}

/// A table with what tells how much of it a plan has read.
pub(super) struct Scannable {
    pub(super) name: String,
    /// A part of what a scan of it shows of itself.
    pub(super) place: Option<String>,
    /// How many rows it has in memory.
    pub(super) rows: Option<u64>,
}

/// Rows that the leaves of a plan have read, by table.
pub(super) type Scanned = BTreeMap<String, u64>;

impl RunSources {
    /// The tables as they are registered, and no segment yet.
    pub(super) fn of(shared: &Arc<Shared>, model: &Arc<BoundModel>) -> RunSources {
        RunSources {
            shared: Arc::clone(shared),
            model: Arc::clone(model),
            users: None,
            members: Members::new(),
            told: BTreeMap::new(),
            ranks: Ranks::default(),
            parts: Parts::new(shared),
            among: None,
            only: None,
            stored: StoredTables::default(),
            partly: false,
            planned: 0,
            listener: Listener::default(),
        }
    }

    pub(super) fn planner(&self, as_of: i64, zone: Tz, flavor: Flavor) -> Planner<'_> {
        Planner { model: &self.model, sources: self, as_of, zone, flavor }
    }

    /// The users of the population for whom the predicate holds, at an instant and in a zone; of
    /// others than those in `among`, if it is given, nothing is said.
    pub(super) async fn members_of(
        &mut self,
        predicate: &Predicate,
        population: &Population,
        among: Option<&RoaringBitmap>,
        (as_of, zone): (i64, Tz),
        scanned: &mut Scanned,
    ) -> Result<RoaringBitmap> {
        match predicate {
            Predicate::Const(true) => return Ok(population.users.clone()),
            Predicate::Const(false) => return Ok(RoaringBitmap::new()),
            _ => {}
        }
        let selected = self.selected(predicate, as_of, zone, scanned).await?;
        if let Some(members) = self.combined(&selected, &population.users)? {
            return Ok(members);
        }
        self.planned += 1;
        self.among = among.map(|among| few(&self.shared, among)).transpose()?;
        let plan = self.planner(as_of, zone, Flavor::Engine).members(&selected);
        self.among = None;
        let plan = plan?;
        let mut members = RoaringBitmap::new();
        self.run(plan, scanned, |batch| {
            let keys = key_column(batch.column(0))?;
            members.extend(self.shared.dictionary().ordinals(&keys).into_iter().flatten());
            Ok(())
        })
        .await?;
        Ok(members & &population.users)
    }

    /// Runs a plan and hands each of its batches to `take`.
    pub(super) async fn run(
        &self,
        plan: LogicalPlan,
        scanned: &mut Scanned,
        mut take: impl FnMut(arrow::array::RecordBatch) -> Result<()>,
    ) -> Result<()> {
        let tables = tables_of(&plan);
        let session = match &self.only {
            Some(_) => self.shared.one_user.clone(),
            None => self.shared.session(),
        };
        let work = async {
            let physical = session.state().create_physical_plan(&plan).await?;
            let context = session.task_ctx();
            let mut stream =
                datafusion::physical_plan::execute_stream(Arc::clone(&physical), context)?;
            while let Some(batch) = stream.try_next().await? {
                take(batch).map_err(external)?;
            }
            Ok::<_, DataFusionError>(physical)
        };
        match work.await {
            Ok(physical) => {
                count_rows(&physical, &self.shared.scannable(&tables), scanned);
                Ok(())
            }
            Err(error) => Err(self.name_table(data_error(error, None), &tables).await),
        }
    }

    /// DataFusion does not say which table it could not read; reading each alone does.
    async fn name_table(&self, error: Error, tables: &[String]) -> Error {
        if error.code() != Code::UnreadableSource || error.to_string().contains("table \"") {
            return error;
        }
        for name in tables {
            let Ok(provider) = self.table(name) else { continue };
            let session = self.shared.session();
            let read = async {
                let plan = provider.scan(&session.state(), None, &[], None).await?;
                let mut rows = datafusion::physical_plan::execute_stream(plan, session.task_ctx())?;
                while rows.try_next().await?.is_some() {}
                Ok::<_, DataFusionError>(())
            };
            if let Err(error) = read.await {
                return data_error(error, Some(name));
            }
        }
        error
    }

    /// The rule as SQL for people; where the dialect can't say it exactly, a comment that says so.
    pub(super) fn sql_of(&self, predicate: &Predicate, as_of: i64, zone: Tz) -> String {
        let dialect = Dialect::DataFusion;
        let plan = self.planner(as_of, zone, Flavor::Text(dialect)).members(predicate);
        match plan.and_then(|plan| to_sql(&plan, dialect)) {
            Ok(sql) => sql,
            Err(error) => format!("-- {}", error.to_string().replace('\n', " ")),
        }
    }
}

/// The tables that a plan scans, each once.
fn tables_of(plan: &LogicalPlan) -> Vec<String> {
    let mut found = Vec::new();
    let mut pending = vec![plan];
    while let Some(plan) = pending.pop() {
        if let LogicalPlan::TableScan(scan) = plan {
            let name = scan.table_name.table().to_owned();
            if !found.contains(&name) {
                found.push(name);
            }
        }
        pending.extend(plan.inputs());
    }
    found
}

/// Adds up what the leaves of an executed plan gave out, by the table that each reads. A leaf
/// does not say its table's name, but it shows the file or the SQLite table that it reads.
/// A leaf over a table in memory gives out all of it.
pub(super) fn count_rows(
    plan: &Arc<dyn ExecutionPlan>,
    tables: &[Scannable],
    scanned: &mut Scanned,
) {
    for (name, rows) in tables.iter().filter_map(|table| table.rows.map(|rows| (&table.name, rows)))
    {
        *scanned.entry(name.clone()).or_default() += rows;
    }
    let mut pending = vec![Arc::clone(plan)];
    while let Some(plan) = pending.pop() {
        let children = plan.children();
        if children.is_empty() {
            let shown = displayable(plan.as_ref()).one_line().to_string();
            let rows = plan.metrics().and_then(|metrics| metrics.output_rows()).unwrap_or(0);
            let reads = |table: &&Scannable| {
                let place = table.place.as_ref();
                place.is_some_and(|place| shown.contains(place.trim_start_matches('/')))
            };
            if let Some(table) = tables.iter().find(reads) {
                *scanned.entry(table.name.clone()).or_default() += u64::try_from(rows).unwrap_or(0);
            }
        }
        pending.extend(children.into_iter().cloned());
    }
}

/// A fault that no document and no data can cause.
pub(super) fn internal(error: DataFusionError) -> Error {
    Error::new(Code::Internal, error.to_string()).caused_by(error)
}

/// What an error of an execution means to the caller.
pub(super) fn data_error(error: DataFusionError, table: Option<&str>) -> Error {
    let place = table.map_or_else(String::new, |table| format!("table {table:?}: "));
    if let Some(own) = own_error(&error) {
        return own;
    }
    let root = error.find_root();
    let text = root.to_string();
    let first = text.lines().next().unwrap_or_default();
    let code = match root {
        DataFusionError::ResourcesExhausted(_) => Code::OutOfMemory,
        DataFusionError::ParquetError(_)
        | DataFusionError::ObjectStore(_)
        | DataFusionError::IoError(_)
        // What a table of the host's says when it breaks off; nothing of ours says so.
        | DataFusionError::Execution(_) => Code::UnreadableSource,
        DataFusionError::ArrowError(arrow, _) => arrow_code(arrow),
        _ if text.contains("External error") || text.contains("Parquet error") => {
            Code::UnreadableSource
        }
        _ => Code::Internal,
    };
    Error::new(code, format!("{place}{first}")).caused_by(error)
}

fn arrow_code(error: &arrow::error::ArrowError) -> Code {
    use arrow::error::ArrowError;
    match error {
        ArrowError::ArithmeticOverflow(_) => Code::Overflow,
        ArrowError::CastError(_) | ArrowError::InvalidArgumentError(_) => Code::Overflow,
        ArrowError::CsvError(_)
        | ArrowError::ParseError(_)
        | ArrowError::IoError(_, _)
        | ArrowError::IpcError(_)
        | ArrowError::ParquetError(_)
        | ArrowError::ExternalError(_) => Code::UnreadableSource,
        _ => Code::Internal,
    }
}

/// One of our own errors inside of others.
fn own_error(error: &DataFusionError) -> Option<Error> {
    let mut at: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = at {
        if let Some(own) = error.downcast_ref::<Error>() {
            return Some(own.clone());
        }
        if let Some(DataFusionError::External(inner)) = error.downcast_ref::<DataFusionError>()
            && let Some(own) = inner.downcast_ref::<Error>()
        {
            return Some(own.clone());
        }
        at = error.source();
    }
    None
}
