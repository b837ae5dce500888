//! An engine, and the catalog that it is opened on.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use napi::Env;
use napi::bindgen_prelude::{Either, PromiseRaw, ToNapiValue};
use napi_derive::napi;
use segmentry::{AudienceModel, Code, Error, MemoryCatalog, Problem, SegmentEngine, SqliteCatalog};

use crate::arguments::{count, seconds};
use crate::call::{Call, begin};
use crate::errors::{json, thrown};

/// Where rules and segments are kept.
#[napi]
pub struct Catalog {
    catalog: Arc<dyn segmentry::Catalog>,
}

#[napi]
impl Catalog {
    /// A catalog in memory.
    #[napi(factory, catch_unwind)]
    pub fn memory() -> napi::Result<Self> {
        Ok(Catalog { catalog: Arc::new(MemoryCatalog::new()) })
    }

    /// Opens the catalog in a SQLite file.
    #[napi(catch_unwind)]
    pub fn sqlite<'env>(
        env: &'env Env,
        path: String,
        busy_timeout: Option<f64>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, Catalog>> {
        let timeout = busy_timeout.map(seconds).transpose()?;
        begin(env, call, async move {
            // Where waiting for another program's lock does no harm.
            let open = move || match timeout {
                Some(timeout) => SqliteCatalog::open_with(path, timeout),
                None => SqliteCatalog::open(path),
            };
            let opened = tokio::task::spawn_blocking(open).await.map_err(|error| {
                Error::new(Code::Internal, "opening the catalog was stopped").caused_by(error)
            })??;
            Ok(Catalog { catalog: Arc::new(opened) })
        })
    }
}

/// How an engine is opened.
#[napi(object)]
pub struct Opening {
    /// The text of a model.
    pub model: Option<String>,
    /// The folder of the profile store.
    pub store: Option<String>,
    /// How many partitions are worked on at once.
    pub threads: Option<i64>,
    /// Bytes, or a text as `"8 GB"`.
    pub memory_limit: Option<Either<i64, String>>,
    /// Seconds that a refresh waits for another.
    pub busy_timeout: Option<f64>,
}

/// The engine.
#[napi]
pub struct Engine {
    engine: Mutex<Option<SegmentEngine>>,
}

impl Engine {
    /// The engine, unless it was closed.
    pub(crate) fn engine(&self) -> napi::Result<SegmentEngine> {
        let engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        engine.clone().ok_or_else(|| {
            let problem = Problem::new(Code::Unsupported, "", "the engine is closed");
            thrown(&Error::from(problem.hint("open another one")))
        })
    }

    /// Begins a verb of the engine.
    pub(crate) fn start<'env, T, F>(
        &self,
        env: &'env Env,
        call: Option<&Call>,
        work: impl FnOnce(SegmentEngine) -> F,
    ) -> napi::Result<PromiseRaw<'env, T>>
    where
        T: ToNapiValue + Send + 'static,
        F: Future<Output = segmentry::Result<T>> + Send + 'static,
    {
        begin(env, call, work(self.engine()?))
    }
}

#[napi]
impl Engine {
    /// Opens an engine on a catalog.
    #[napi(catch_unwind)]
    pub fn open<'env>(
        env: &'env Env,
        catalog: &Catalog,
        opening: Opening,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, Engine>> {
        let mut builder = SegmentEngine::builder().shared_catalog(Arc::clone(&catalog.catalog));
        if let Some(store) = opening.store {
            builder = builder.store(store);
        }
        if let Some(threads) = opening.threads {
            builder = builder.threads(count(threads)?);
        }
        builder = match opening.memory_limit {
            None => builder,
            Some(Either::A(bytes)) => {
                let bytes = u64::try_from(count(bytes)?).unwrap_or(u64::MAX);
                builder.memory_limit(bytes)
            }
            Some(Either::B(text)) => {
                builder.memory_limit_text(&text).map_err(|error| thrown(&error))?
            }
        };
        if let Some(timeout) = opening.busy_timeout {
            builder = builder.busy_timeout(seconds(timeout)?);
        }
        begin(env, call, async move {
            if let Some(model) = opening.model {
                builder = builder.model(AudienceModel::parse(model)?);
            }
            Ok(Engine { engine: Mutex::new(Some(builder.build().await?)) })
        })
    }

    /// Lets go of the catalog and the tables once what is under way has ended.
    #[napi(catch_unwind)]
    pub fn close(&self) -> napi::Result<()> {
        let engine = self.engine.lock().unwrap_or_else(PoisonError::into_inner).take();
        drop(engine);
        Ok(())
    }

    /// The model in force, as a document.
    #[napi(catch_unwind)]
    pub fn model<'env>(
        &self,
        env: &'env Env,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        self.start(env, call, |engine| async move { json(&engine.model()?.to_json()) })
    }

    /// What would be inferred from the tables: `{model, reasons}`.
    #[napi(catch_unwind)]
    pub fn infer_model<'env>(
        &self,
        env: &'env Env,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        self.start(env, call, |engine| async move { crate::parts::inferred(&engine.infer_model()) })
    }

    /// What the engine is doing.
    #[napi(catch_unwind)]
    pub fn status<'env>(
        &self,
        env: &'env Env,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        self.start(env, call, |engine| async move { json(&engine.status()) })
    }
}
