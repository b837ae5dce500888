//! Making an engine.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use chrono::TimeDelta;
use datafusion::execution::cache::cache_manager::CacheManagerConfig;
use datafusion::execution::memory_pool::FairSpillPool;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::catalog::{Catalog, MemoryCatalog, Owner};
use crate::clock::{Clock, SystemClock};
use crate::error::{Code, Error, Result};
use crate::model::AudienceModel;
use crate::segment::Dictionary;
use crate::store::ProfileStore;

use super::status::Board;
use super::{Run, SegmentEngine, Shared};

type Told = Arc<dyn Fn(&Run) + Send + Sync>;

/// Whoever is told of runs that are published, if anyone.
#[derive(Clone, Default)]
pub(super) struct Published(Option<Told>);

impl Published {
    pub(super) fn tell(&self, run: &Run) {
        if let Some(told) = &self.0 {
            told(run);
        }
    }
}

impl std::fmt::Debug for Published {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Published({})", self.0.is_some())
    }
}

/// What an engine is made of. Everything has a default.
#[derive(Debug)]
pub struct EngineBuilder {
    catalog: Option<Arc<dyn Catalog>>,
    model: Option<AudienceModel>,
    threads: Option<usize>,
    memory_limit: Option<u64>,
    busy_timeout: Duration,
    lease: TimeDelta,
    store: Option<PathBuf>,
    clock: Arc<dyn Clock>,
    published: Published,
}

impl Default for EngineBuilder {
    fn default() -> Self {
        EngineBuilder {
            catalog: None,
            model: None,
            threads: None,
            memory_limit: None,
            busy_timeout: Duration::from_secs(30),
            lease: TimeDelta::seconds(30),
            store: None,
            clock: Arc::new(SystemClock),
            published: Published::default(),
        }
    }
}

impl EngineBuilder {
    /// Where rules and segments are kept; in memory if not said.
    #[must_use]
    pub fn catalog(mut self, catalog: impl Catalog + 'static) -> Self {
        self.catalog = Some(Arc::new(catalog));
        self
    }

    /// The same with a catalog that others have as well.
    #[must_use]
    pub fn shared_catalog(mut self, catalog: Arc<dyn Catalog>) -> Self {
        self.catalog = Some(catalog);
        self
    }

    /// What the host's tables mean. If not said: the original platform's schema if its tables are
    /// registered, else what [`AudienceModel::infer`] makes of the tables. It is bound at first
    /// use.
    #[must_use]
    pub fn model(mut self, model: AudienceModel) -> Self {
        self.model = Some(model);
        self
    }

    /// How many partitions a query is worked on at once; the number of processors if not said.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// How many bytes queries and refreshes may hold; no limit if not said. Sorting, aggregating
    /// and what all rules of a run share spill to disk beyond it, in temporary files of the system;
    /// what can't is the error [`Code::OutOfMemory`]. The users table as a run reads it, the
    /// dictionary of keys and the members of segments are not counted.
    #[must_use]
    pub fn memory_limit(mut self, bytes: u64) -> Self {
        self.memory_limit = Some(bytes);
        self
    }

    /// The same as people write it: a number of bytes, or one with a unit (`kB`, `MB`, `GB`, `TB` of
    /// 1,000, `KiB`, `MiB`, `GiB`, `TiB` of 1,024, in any case).
    ///
    /// ```
    /// use segmentry::SegmentEngine;
    /// assert!(SegmentEngine::builder().memory_limit_text("8 GB").is_ok());
    /// assert!(SegmentEngine::builder().memory_limit_text("1.5gib").is_ok());
    /// assert!(SegmentEngine::builder().memory_limit_text("plenty").is_err());
    /// ```
    ///
    /// # Errors
    /// [`Code::BadValue`] for a text that is no size.
    pub fn memory_limit_text(self, text: &str) -> Result<Self> {
        Ok(self.memory_limit(bytes_of(text)?))
    }

    /// How long a refresh waits for another one, of this process or of the same rules by another,
    /// before it is the error [`Code::Busy`]; 30 s if not said.
    #[must_use]
    pub fn busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// How long it takes until another process takes over rules that this one refreshes and does not
    /// publish because it stands still; 30 s if not said, at least one. A process that has ended is
    /// taken over at once where that can be told (on Linux, on the same machine). A lease that is
    /// shorter than the host's worst pause costs runs that are done twice, and nothing else.
    #[must_use]
    pub fn lease(mut self, duration: Duration) -> Self {
        let duration = TimeDelta::from_std(duration).unwrap_or(TimeDelta::days(1));
        self.lease = duration.clamp(TimeDelta::seconds(1), TimeDelta::days(1));
        self
    }

    /// A folder for the profile store, which is made if it is not there: a copy of the events,
    /// clustered by user, that saves reading the sources again. It can be removed at any time; no
    /// store if not said.
    #[must_use]
    pub fn store(mut self, folder: impl Into<PathBuf>) -> Self {
        self.store = Some(folder.into());
        self
    }

    /// Where the time comes from; the machine's clock if not said.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Called after each publication of this engine, from the task of the refresh, which waits for
    /// it: it should not block. Who came and who left is told by [`SegmentEngine::changes`].
    #[must_use]
    pub fn on_published(mut self, told: impl Fn(&Run) + Send + Sync + 'static) -> Self {
        self.published = Published(Some(Arc::new(told)));
        self
    }

    /// The engine. It needs no table yet.
    ///
    /// # Errors
    /// [`Code::BadValue`] for no threads; [`Code::UnusableStore`] for a store whose folder can't be
    /// made; errors of the catalog.
    pub async fn build(self) -> Result<SegmentEngine> {
        if self.threads == Some(0) {
            return Err(Error::new(Code::BadValue, "an engine needs at least one thread"));
        }
        // The statistics of a file pass over NaN: a column of which they have one value and no null would
        // be read as that value throughout. Row groups are pruned by their own all the same.
        let mut config = SessionConfig::new().with_collect_statistics(false);
        if let Some(threads) = self.threads {
            config = config.with_target_partitions(threads);
        }
        // A list of files that is remembered would hide files that have come since.
        let caches = CacheManagerConfig::default().with_list_files_cache_limit(0);
        let mut runtime = RuntimeEnvBuilder::new().with_cache_manager(caches);
        if let Some(bytes) = self.memory_limit {
            let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
            runtime = runtime.with_memory_pool(Arc::new(FairSpillPool::new(bytes)));
        }
        let runtime = runtime.build_arc().map_err(|error| {
            Error::new(Code::Internal, format!("no runtime: {error}")).caused_by(error)
        })?;
        let store = self.store.map(|folder| ProfileStore::open(&folder).map(Arc::new));
        let store = store.transpose()?;
        let shared = Arc::new(Shared {
            catalog: self.catalog.unwrap_or_else(|| Arc::new(MemoryCatalog::new())),
            model: self.model,
            bound: RwLock::new(None),
            sources: RwLock::new(BTreeMap::new()),
            read_at: RwLock::new(BTreeMap::new()),
            dictionary: Arc::new(RwLock::new(Dictionary::default())),
            rules: RwLock::new(None),
            board: Arc::new(Board::new(Arc::clone(&self.clock))),
            clock: self.clock,
            planning: SessionContext::new_with_config_rt(config.clone(), Arc::clone(&runtime)),
            one_user: SessionContext::new_with_config_rt(
                for_one_user(config.clone()),
                Arc::clone(&runtime),
            ),
            config,
            runtime,
            running: tokio::sync::Mutex::new(()),
            owner: Owner::new(),
            lease: self.lease,
            queued: tokio::sync::Notify::new(),
            busy_timeout: self.busy_timeout,
            store,
            published: self.published,
        });
        shared.learn_keys().await?;
        Ok(SegmentEngine { shared })
    }
}

/// A number of bytes as people write it.
fn bytes_of(text: &str) -> Result<u64> {
    const UNITS: [&str; 5] = ["", "k", "m", "g", "t"];
    let lower = text.trim().to_lowercase();
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = lower.get(digits.len()..).unwrap_or("");
    let (prefix, base) = match unit.strip_suffix("ib") {
        Some(prefix) => (prefix, 1024_f64),
        None => (unit.strip_suffix('b').unwrap_or(unit), 1000_f64),
    };
    let power = UNITS.iter().position(|known| *known == prefix);
    let number = digits.trim().parse::<f64>().ok().filter(|number| *number > 0.0);
    match (number, power.and_then(|power| i32::try_from(power).ok())) {
        // What is beyond a u64 is cut to its end, which is no limit.
        (Some(number), Some(power)) if number.is_finite() => Ok((number * base.powi(power)) as u64),
        _ => {
            let shown: String = text.chars().take(40).collect();
            let message = format!("{shown:?} is no size; expected one as 8 GB or 512 MiB");
            Err(Error::new(Code::BadValue, message))
        }
    }
}

/// Of a single user few rows are left once a table is read: decoding the others' and spreading
/// these over threads would only cost time, and so would a second look at a plan.
fn for_one_user(mut config: SessionConfig) -> SessionConfig {
    let options = config.options_mut();
    options.execution.parquet.pushdown_filters = true;
    options.optimizer.max_passes = 1;
    options.optimizer.enable_round_robin_repartition = false;
    options.optimizer.enable_dynamic_filter_pushdown = false;
    options.optimizer.repartition_aggregations = false;
    options.optimizer.repartition_joins = false;
    options.optimizer.repartition_sorts = false;
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        for (text, bytes) in [
            ("8 GB", 8_000_000_000),
            ("512MiB", 512 * 1024 * 1024),
            ("1.5 gib", 1_610_612_736),
            (" 1000 ", 1_000),
            ("7 B", 7),
            ("2k", 2_000),
        ] {
            assert_eq!(bytes_of(text).unwrap(), bytes, "{text}");
        }
        for text in ["", "GB", "-1 GB", "0", "8 EB", "8 GBs", "8 G B", "inf", "nan MB", "é"] {
            assert_eq!(bytes_of(text).unwrap_err().code(), Code::BadValue, "{text}");
        }
    }
}
