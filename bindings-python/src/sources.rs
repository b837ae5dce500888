//! The verbs on the host's tables.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pyo3::prelude::*;
use segmentry::{FileOptions, SqliteOptions, TableOptions};

use crate::arrow::read;
use crate::call::Call;
use crate::engine::Engine;
use crate::errors::{json, plain};

#[pymethods]
impl Engine {
    fn add_parquet(
        &self,
        py: Python<'_>,
        name: String,
        path: PathBuf,
        append_only: bool,
    ) -> PyResult<Call> {
        let options = FileOptions::default().append_only(append_only);
        self.start(
            py,
            move |engine| async move { engine.add_parquet_with(&name, path, options).await },
        )
    }

    fn add_csv(
        &self,
        py: Python<'_>,
        name: String,
        path: PathBuf,
        append_only: bool,
    ) -> PyResult<Call> {
        let options = FileOptions::default().append_only(append_only);
        self.start(py, move |engine| async move { engine.add_csv_with(&name, path, options).await })
    }

    fn add_sqlite(
        &self,
        py: Python<'_>,
        path: PathBuf,
        cursor: BTreeMap<String, String>,
    ) -> PyResult<Call> {
        let with = |options: SqliteOptions, (table, column)| options.cursor(table, column);
        let options = cursor.into_iter().fold(SqliteOptions::default(), with);
        self.start(py, move |engine| async move { engine.add_sqlite_with(path, options).await })
    }

    fn add_arrow(
        &self,
        py: Python<'_>,
        name: String,
        data: &Bound<'_, PyAny>,
        cursor: Option<String>,
    ) -> PyResult<()> {
        let engine = self.engine(py)?;
        let batches = read(data)?;
        let options = match cursor {
            Some(column) => TableOptions::default().cursor(column),
            None => TableOptions::default(),
        };
        plain(py, move || engine.add_arrow_with(&name, batches, options))
    }

    fn sources(&self, py: Python<'_>) -> PyResult<String> {
        let engine = self.engine(py)?;
        plain(py, move || json(&engine.sources()))
    }

    fn remove_source(&self, py: Python<'_>, name: String) -> PyResult<()> {
        let engine = self.engine(py)?;
        plain(py, move || engine.remove_source(&name))
    }
}
