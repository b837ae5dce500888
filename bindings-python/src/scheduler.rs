//! A scheduler of an engine's rules.

use std::sync::Arc;

use pyo3::prelude::*;
use segmentry::{Misfire, SchedulerOptions, Stop};

use crate::arguments::Seconds;
use crate::call::Call;
use crate::engine::Engine;
use crate::errors::{bad, json, plain, raised};
use crate::runtime::{self, Here};

/// Runs what is due, in this process.
#[pyclass(frozen, module = "segmentry._native")]
pub(crate) struct Scheduler {
    scheduler: Here<Arc<segmentry::Scheduler>>,
}

impl Scheduler {
    fn get(&self, py: Python<'_>) -> PyResult<Arc<segmentry::Scheduler>> {
        self.scheduler.get().cloned().map_err(|error| raised(py, &error))
    }
}

#[pymethods]
impl Engine {
    fn scheduler(
        &self,
        py: Python<'_>,
        misfire: Option<&str>,
        grace: Option<Seconds>,
        poll: Option<Seconds>,
        retry: Option<(Seconds, Seconds)>,
    ) -> PyResult<Scheduler> {
        let mut options = SchedulerOptions::default();
        options = match misfire {
            None => options,
            Some("once") => options.misfire(Misfire::Once),
            Some("skip") => options.misfire(Misfire::Skip),
            Some(other) => {
                return Err(bad(py, format!("misfire is \"once\" or \"skip\", not {other:?}")));
            }
        };
        if let Some(grace) = grace {
            options = options.grace(grace.0);
        }
        if let Some(poll) = poll {
            options = options.poll(poll.0);
        }
        if let Some((first, longest)) = retry {
            options = options.retry(first.0, longest.0);
        }
        let engine = self.engine(py)?;
        Ok(Scheduler { scheduler: Here::new(Arc::new(engine.scheduler(options))) })
    }
}

#[pymethods]
impl Scheduler {
    fn start(&self, py: Python<'_>) -> PyResult<()> {
        let scheduler = self.get(py)?;
        plain(py, move || {
            let runtime = runtime::handle()?;
            let _inside = runtime.enter();
            scheduler.start()
        })
    }

    fn stop(&self, py: Python<'_>, how: &str) -> PyResult<Call> {
        let how = match how {
            "wait" => Stop::Wait,
            "cancel" => Stop::Cancel,
            other => return Err(bad(py, format!("stop by \"wait\" or \"cancel\", not {other:?}"))),
        };
        let scheduler = self.get(py)?;
        Call::start(py, async move {
            scheduler.stop(how).await;
            Ok(())
        })
    }

    fn run_due(&self, py: Python<'_>) -> PyResult<Call> {
        let scheduler = self.get(py)?;
        Call::start(py, async move { json(&scheduler.run_due().await?) })
    }

    fn status(&self, py: Python<'_>) -> PyResult<Call> {
        let scheduler = self.get(py)?;
        Call::start(py, async move { json(&scheduler.status().await?) })
    }

    fn is_started(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.get(py)?.is_started())
    }
}
