//! Stage 5: plans -> members. [`SegmentEngine`] holds a catalog, a model and the host's tables,
//! and answers the verbs.

mod ancestors;
mod answer;
mod attributes;
mod builder;
mod column_types;
mod cutoffs;
mod due;
mod evaluate;
mod explain;
mod faults;
mod fields;
mod leases;
mod leaves;
mod lineage;
mod members;
mod overlap;
mod parts;
mod pass;
mod population;
mod preview;
mod profile;
mod progress;
mod publish;
mod query;
mod query_limits;
mod ranks;
mod refresh;
mod request;
mod reuse;
mod rule_store;
mod rules;
mod run;
mod scheduler;
mod segments;
mod sets;
mod settle;
mod share;
mod sources;
mod stages;
mod status;
mod store;
mod texts;
mod upkeep;
mod views;
mod work;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use arrow::datatypes::SchemaRef;
use chrono::{DateTime, TimeDelta, Utc};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::catalog::{Catalog, Owner};
use crate::clock::Clock;
use crate::error::{Code, Error, Problem, Result};
use crate::model::{AudienceModel, BoundModel, Inferred, Table};
use crate::predicate::check_model;
use crate::segment::Dictionary;
use crate::source::Source;
use crate::store::ProfileStore;

pub use builder::EngineBuilder;
pub use due::DueRule;
pub use explain::{Explained, ExplainedWindow, Explanation};
pub use fields::FieldInfo;
pub use overlap::{Overlap, OverlapPair, OverlapSegment};
pub use preview::{Preview, PreviewStep};
pub use query::{RuleDocument, Summary};
pub use request::{Evaluation, Refresh};
pub use rule_store::RuleEntry;
pub use rules::{AffectedRule, Updated};
pub use run::{Run, RunEvent, RunFailure, RunSegment, RunSkip, RunStage};
pub use scheduler::{
    Misfire, QueuedRun, RuleStatus, ScheduledRun, Scheduler, SchedulerOptions, SchedulerStatus,
    Stop,
};
pub use segments::Listed;
pub use status::{EngineStatus, FailingRule, RunUnderWay};
pub use store::{Freshness, StoreStatus, StoredCursor, StoredTableInfo};
pub use upkeep::{Feed, Forgotten, PickedBy, Retention, SegmentChange, Vacuumed};

/// The engine: a catalog, a model and the host's tables.
///
/// It is cheap to clone; clones share everything. All verbs may be called from many tasks at once.
///
/// ```
/// # use std::sync::Arc;
/// # use arrow::array::{Int64Array, RecordBatch, StringArray};
/// # use segmentry::{AudienceModel, MemoryCatalog, Refresh, SegmentEngine};
/// # #[tokio::main]
/// # async fn main() -> segmentry::Result<()> {
/// # let batch = |columns: Vec<(&str, arrow::array::ArrayRef)>| RecordBatch::try_from_iter(columns).unwrap();
/// # let people = batch(vec![
/// #     ("id", Arc::new(Int64Array::from(vec![1, 2, 3]))),
/// #     ("country", Arc::new(StringArray::from(vec![Some("IN"), Some("NP"), None]))),
/// # ]);
/// let model = AudienceModel::parse(r#"{"users": {"table": "people", "key": "id"}}"#)?;
/// let engine = SegmentEngine::builder().catalog(MemoryCatalog::new()).model(model).build().await?;
/// engine.add_arrow("people", vec![people])?;
///
/// let rule = engine.create_rule(r#"{
///     "rule_name": "Abroad",
///     "conditions": [{"field": "country", "operator": "!=", "value": "IN"}]
/// }"#).await?;
/// let run = engine.refresh(Refresh::rules([rule])).await?;
/// assert_eq!(run.segments[0].row_count, 1);
///
/// let segment = engine.segment("Abroad").await?;
/// assert!(segment.contains(&2.into()));
/// assert!(!segment.contains(&3.into())); // of unknown country
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SegmentEngine {
    pub(crate) shared: Arc<Shared>,
}

impl std::fmt::Debug for SegmentEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SegmentEngine")
            .field("catalog", &self.shared.catalog)
            .finish_non_exhaustive()
    }
}

/// What the clones of an engine and its segments share.
pub(crate) struct Shared {
    catalog: Arc<dyn Catalog>,
    /// The model as it was given, or `None`: the original's schema or an inferred one.
    model: Option<AudienceModel>,
    bound: RwLock<Option<Arc<Bound>>>,
    sources: RwLock<BTreeMap<String, Source>>,
    /// When sources were last read.
    read_at: RwLock<BTreeMap<String, DateTime<Utc>>>,
    dictionary: Arc<RwLock<Dictionary>>,
    /// The rules as they were when they were last read.
    rules: RwLock<Option<Arc<rule_store::Rules>>>,
    clock: Arc<dyn Clock>,
    config: SessionConfig,
    runtime: Arc<RuntimeEnv>,
    /// For plans of our own, which read tables without registering them: making a session takes
    /// longer than many a plan.
    planning: SessionContext,
    /// The same for plans about a single user.
    one_user: SessionContext,
    /// One run at a time in one engine.
    running: tokio::sync::Mutex<()>,
    /// Under which this engine holds leases.
    owner: Owner,
    /// For how long a lease holds unless it is renewed.
    lease: TimeDelta,
    /// Wakes the scheduler: there is something in the queue.
    queued: tokio::sync::Notify,
    busy_timeout: Duration,
    /// What is being done.
    board: Arc<status::Board>,
    /// The profile store, if there is one.
    store: Option<Arc<ProfileStore>>,
    /// Told of every run that is published.
    published: builder::Published,
}

/// The model with its tables, and what is wrong with the aggregates of its traits.
struct Bound {
    model: Arc<BoundModel>,
    trait_problems: Vec<Problem>,
}

/// A lock that a panicking thread held is as good as any: what it guards is replaced whole.
fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl SegmentEngine {
    /// Begins to make an engine.
    #[must_use]
    pub fn builder() -> EngineBuilder {
        EngineBuilder::default()
    }

    /// The model that is in force: the one given, else the original's schema if its tables are
    /// there, else one inferred from the tables that are registered.
    ///
    /// # Errors
    /// [`Code::MissingTable`] if there is no model and none can be inferred.
    pub fn model(&self) -> Result<AudienceModel> {
        self.shared.model_in_force()
    }

    /// The name of the column of keys, under which exports and queries have it: that of the model, if
    /// there is one.
    #[must_use]
    pub fn key_name(&self) -> String {
        self.shared.key_name()
    }

    /// What would be inferred from the tables that are registered, with the reasons.
    #[must_use]
    pub fn infer_model(&self) -> Inferred {
        AudienceModel::infer(&self.shared.tables())
    }
}

impl Shared {
    pub(crate) fn dictionary(&self) -> RwLockReadGuard<'_, Dictionary> {
        read(&self.dictionary)
    }

    /// Runs `work` on the catalog where blocking does no harm.
    pub(crate) async fn catalog<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Catalog) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let catalog = Arc::clone(&self.catalog);
        tokio::task::spawn_blocking(move || work(catalog.as_ref())).await.map_err(|error| {
            Error::new(Code::Internal, "the catalog's work was stopped").caused_by(error)
        })?
    }

    /// The session in which nothing is ever registered.
    fn session(&self) -> SessionContext {
        self.planning.clone()
    }

    /// A fresh session: nothing that is registered for one query is seen by another.
    fn fresh_session(&self) -> SessionContext {
        SessionContext::new_with_config_rt(self.config.clone(), Arc::clone(&self.runtime))
    }

    fn tables(&self) -> Vec<Table> {
        let sources = read(&self.sources);
        let table = |(name, source): (&String, &Source)| Table {
            name: name.clone(),
            schema: source.provider.schema(),
        };
        sources.iter().map(table).collect()
    }

    fn model_in_force(&self) -> Result<AudienceModel> {
        if let Some(model) = &self.model {
            return Ok(model.clone());
        }
        let original = AudienceModel::default();
        let tables = self.tables();
        let has = |name: &str| tables.iter().any(|table| table.name == name);
        if has(&original.users.table) && original.events.iter().all(|(_, e)| has(&e.table)) {
            return Ok(original);
        }
        let inferred = AudienceModel::infer(&tables);
        inferred.model.ok_or_else(|| {
            let reasons = inferred.reasons.join("; ");
            Error::new(Code::MissingTable, format!("there is no model: {reasons}"))
        })
    }

    /// The model bound to the tables as they are registered; every trait of it can be evaluated.
    pub(crate) fn bound_model(&self) -> Result<Arc<BoundModel>> {
        let bound = self.bound()?;
        match bound.trait_problems.is_empty() {
            true => Ok(Arc::clone(&bound.model)),
            false => Err(Error::of(bound.trait_problems.clone())),
        }
    }

    /// The same for a run, which rules on a broken trait fail by themselves.
    fn bound_for_run(&self) -> Result<Arc<BoundModel>> {
        self.bound().map(|bound| Arc::clone(&bound.model))
    }

    /// The bound model; bound once for the same tables.
    fn bound(&self) -> Result<Arc<Bound>> {
        if let Some(bound) = read(&self.bound).as_ref() {
            return Ok(Arc::clone(bound));
        }
        let model = self.model_in_force()?;
        let schemas: BTreeMap<String, SchemaRef> =
            self.tables().into_iter().map(|table| (table.name, table.schema)).collect();
        let model = model.bind(&schemas).map_err(Error::of)?;
        let trait_problems = check_model(&model);
        let bound = Arc::new(Bound { model: Arc::new(model), trait_problems });
        *write(&self.bound) = Some(Arc::clone(&bound));
        Ok(bound)
    }

    /// Forgets what was bound: a table was registered, removed or has changed.
    fn unbind(&self) {
        *write(&self.bound) = None;
    }

    pub(crate) fn key_name(&self) -> String {
        self.bound_model().map_or_else(|_| "user_key".to_owned(), |model| model.key.name.clone())
    }
}
