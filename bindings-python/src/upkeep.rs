//! Keeping house.

use std::path::PathBuf;

use chrono::TimeDelta;
use pyo3::prelude::*;
use segmentry::{Code, Error, Retention};

use crate::arguments::{Count, Seconds, UserKey};
use crate::call::Call;
use crate::engine::Engine;
use crate::errors::{json, raised};

#[pymethods]
impl Engine {
    fn check(&self, py: Python<'_>) -> PyResult<Call> {
        self.start(py, |engine| async move { json(&engine.check().await?) })
    }

    fn vacuum(
        &self,
        py: Python<'_>,
        keep_versions: Count,
        younger_than: Option<Seconds>,
        runs: Option<Count>,
    ) -> PyResult<Call> {
        let mut retention = Retention::versions(keep_versions.0);
        if let Some(age) = younger_than {
            let age = TimeDelta::from_std(age.0).map_err(|error| {
                raised(py, &Error::new(Code::BadValue, format!("younger_than: {error}")))
            })?;
            retention = retention.younger_than(age);
        }
        if let Some(runs) = runs {
            retention = retention.runs(runs.0);
        }
        self.start(py, |engine| async move { json(&engine.vacuum(retention).await?) })
    }

    fn backup(&self, py: Python<'_>, path: PathBuf) -> PyResult<Call> {
        self.start(py, |engine| async move { engine.backup(path).await })
    }

    fn forget(&self, py: Python<'_>, key: UserKey) -> PyResult<Call> {
        self.start(py, |engine| async move { json(&engine.forget(key.0).await?) })
    }

    fn store_status(&self, py: Python<'_>) -> PyResult<Call> {
        self.start(py, |engine| async move { json(&engine.store_status().await?) })
    }

    fn compact(&self, py: Python<'_>) -> PyResult<Call> {
        self.start(py, |engine| async move { json(&engine.compact().await?) })
    }
}
