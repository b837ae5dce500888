//! An engine, and the catalog that it is opened on.

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use segmentry::{AudienceModel, Code, Error, MemoryCatalog, Result, SegmentEngine, SqliteCatalog};

use crate::arguments::{Count, Seconds};
use crate::call::Call;
use crate::errors::{json, plain, raised};
use crate::runtime::Here;

/// Where rules and segments are kept.
#[pyclass(frozen, module = "segmentry._native")]
pub(crate) struct Catalog {
    catalog: Here<Arc<dyn segmentry::Catalog>>,
}

#[pymethods]
impl Catalog {
    /// A catalog in memory.
    #[staticmethod]
    fn memory() -> Self {
        Catalog { catalog: Here::new(Arc::new(MemoryCatalog::new())) }
    }

    /// Opens the catalog in a SQLite file.
    #[staticmethod]
    #[pyo3(signature = (path, busy_timeout=None))]
    fn sqlite(py: Python<'_>, path: PathBuf, busy_timeout: Option<Seconds>) -> PyResult<Call> {
        Call::start(py, async move {
            let catalog = opened(path, busy_timeout).await?;
            Ok(Catalog { catalog: Here::new(catalog) })
        })
    }
}

/// Opens a file where waiting for another program's lock does no harm.
async fn opened(path: PathBuf, timeout: Option<Seconds>) -> Result<Arc<dyn segmentry::Catalog>> {
    let open = move || match timeout {
        Some(timeout) => SqliteCatalog::open_with(path, timeout.0),
        None => SqliteCatalog::open(path),
    };
    let opened = tokio::task::spawn_blocking(open).await.map_err(|error| {
        Error::new(Code::Internal, "opening the catalog was stopped").caused_by(error)
    })??;
    Ok(Arc::new(opened))
}

/// The engine.
#[pyclass(frozen, module = "segmentry._native")]
pub(crate) struct Engine {
    engine: Here<SegmentEngine>,
}

impl Engine {
    /// The engine, unless this process was forked from the one that opened it.
    pub(crate) fn engine(&self, py: Python<'_>) -> PyResult<SegmentEngine> {
        self.engine.get().cloned().map_err(|error| raised(py, &error))
    }

    /// Begins a verb of the engine.
    pub(crate) fn start<T, F>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(SegmentEngine) -> F,
    ) -> PyResult<Call>
    where
        T: for<'py> IntoPyObject<'py> + Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let engine = self.engine(py)?;
        Call::start(py, work(engine))
    }
}

#[pymethods]
impl Engine {
    /// Opens an engine on a catalog, or on the SQLite file at a path.
    #[staticmethod]
    #[pyo3(signature = (
        catalog, path, model=None, store=None, threads=None, memory_bytes=None, memory_text=None,
        busy_timeout=None
    ))]
    #[expect(clippy::too_many_arguments, reason = "they are the engine's own")]
    fn open(
        py: Python<'_>,
        catalog: Option<&Catalog>,
        path: Option<PathBuf>,
        model: Option<String>,
        store: Option<PathBuf>,
        threads: Option<Count>,
        memory_bytes: Option<Count>,
        memory_text: Option<String>,
        busy_timeout: Option<Seconds>,
    ) -> PyResult<Call> {
        let given = catalog.map(|catalog| catalog.catalog.get().cloned()).transpose();
        let given = given.map_err(|error| raised(py, &error))?;
        Call::start(py, async move {
            let mut builder = SegmentEngine::builder();
            if let Some(model) = model {
                builder = builder.model(AudienceModel::parse(model)?);
            }
            if let Some(store) = store {
                builder = builder.store(store);
            }
            if let Some(threads) = threads {
                builder = builder.threads(threads.0);
            }
            if let Some(bytes) = memory_bytes {
                builder = builder.memory_limit(u64::try_from(bytes.0).unwrap_or(u64::MAX));
            }
            if let Some(text) = memory_text {
                builder = builder.memory_limit_text(&text)?;
            }
            if let Some(timeout) = busy_timeout {
                builder = builder.busy_timeout(timeout.0);
            }
            builder = match (given, path) {
                (Some(catalog), _) => builder.shared_catalog(catalog),
                (None, Some(path)) => builder.shared_catalog(opened(path, None).await?),
                (None, None) => builder,
            };
            Ok(Engine { engine: Here::new(builder.build().await?) })
        })
    }

    /// The model in force, as a document.
    fn model(&self, py: Python<'_>) -> PyResult<String> {
        let engine = self.engine(py)?;
        plain(py, move || json(&engine.model()?.to_json()))
    }

    /// What would be inferred from the tables: the document of a model, if there is one, and reasons.
    fn infer_model(&self, py: Python<'_>) -> PyResult<(Option<String>, Vec<String>)> {
        let engine = self.engine(py)?;
        plain(py, move || crate::parts::inferred(engine.infer_model()))
    }

    /// The name of the column of keys.
    fn key_name(&self, py: Python<'_>) -> PyResult<String> {
        let engine = self.engine(py)?;
        plain(py, move || Ok(engine.key_name()))
    }

    /// What the engine is doing.
    fn status(&self, py: Python<'_>) -> PyResult<String> {
        let engine = self.engine(py)?;
        plain(py, move || json(&engine.status()))
    }
}
