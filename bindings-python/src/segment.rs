//! A loaded segment.

use std::path::PathBuf;

use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use segmentry::{ExportFormat, SegmentEngine};

use crate::arguments::{Count, UserKey};
use crate::arrow::{Keys, Rows};
use crate::call::Call;
use crate::errors::{json, plain, raised};
use crate::runtime::Here;

/// One version of a rule's segment; its members are in memory.
#[pyclass(frozen, module = "segmentry._native")]
pub(crate) struct Segment {
    segment: Here<(SegmentEngine, segmentry::Segment)>,
}

impl Segment {
    pub(crate) fn new(engine: SegmentEngine, segment: segmentry::Segment) -> Self {
        Segment { segment: Here::new((engine, segment)) }
    }

    fn get(&self, py: Python<'_>) -> PyResult<&(SegmentEngine, segmentry::Segment)> {
        self.segment.get().map_err(|error| raised(py, &error))
    }

    fn segment(&self, py: Python<'_>) -> PyResult<&segmentry::Segment> {
        self.get(py).map(|(_, segment)| segment)
    }
}

#[pymethods]
impl Segment {
    /// What it is, as JSON.
    fn about(&self, py: Python<'_>) -> PyResult<String> {
        let segment = self.segment(py)?;
        plain(py, || {
            json(&serde_json::json!({
                "id": segment.id(),
                "rule_id": segment.rule_id(),
                "segment_name": segment.segment_name(),
                "description": segment.description(),
                "table_name": segment.table_name(),
                "row_count": segment.row_count(),
                "sql_query": segment.sql_query(),
                "last_refreshed_at": segment.last_refreshed_at().map(|at| at.to_rfc3339()),
                "as_of": segment.as_of().to_rfc3339(),
                "version": segment.version(),
            }))
        })
    }

    fn contains(&self, py: Python<'_>, key: UserKey) -> PyResult<bool> {
        let segment = self.segment(py)?;
        plain(py, || Ok(segment.contains(&key.0)))
    }

    fn keys(&self, py: Python<'_>) -> PyResult<Keys> {
        let (engine, segment) = self.get(py)?;
        plain(py, || Ok(Keys::new(engine.key_name(), segment.keys()?)))
    }

    /// The keys as an Arrow C stream of one column, any number of times.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let segment = self.segment(py)?;
        let batch = plain(py, || segment.key_batch())?;
        Rows::of(batch).__arrow_c_stream__(py, requested_schema)
    }

    fn members(&self, py: Python<'_>, columns: Option<Vec<String>>) -> PyResult<Call> {
        let segment = self.segment(py)?.clone();
        Call::start(py, async move {
            let columns = names(columns.as_deref());
            Ok(Rows::of(segment.members(columns.as_deref()).await?))
        })
    }

    fn sample(&self, py: Python<'_>, n: Count, columns: Option<Vec<String>>) -> PyResult<Call> {
        let segment = self.segment(py)?.clone();
        Call::start(py, async move {
            let columns = names(columns.as_deref());
            Ok(Rows::of(segment.sample(n.0, columns.as_deref()).await?))
        })
    }

    fn versions(&self, py: Python<'_>) -> PyResult<Call> {
        let segment = self.segment(py)?.clone();
        Call::start(py, async move { json(&segment.versions().await?) })
    }

    /// Who entered and who left.
    fn changes(&self, py: Python<'_>, since_version: i64) -> PyResult<Call> {
        let (engine, segment) = self.get(py)?.clone();
        Call::start(py, async move {
            let changes = segment.changes(since_version).await?;
            let entered = Keys::new(engine.key_name(), changes.entered);
            Ok((entered, Keys::new(engine.key_name(), changes.exited)))
        })
    }

    fn export(&self, py: Python<'_>, path: PathBuf, format: String) -> PyResult<Call> {
        let segment = self.segment(py)?.clone();
        Call::start(py, async move { segment.export(path, format.parse::<ExportFormat>()?).await })
    }

    fn write_table(&self, py: Python<'_>, destination: PathBuf) -> PyResult<Call> {
        let segment = self.segment(py)?.clone();
        Call::start(py, async move { segment.write_table(destination).await })
    }
}

fn names(columns: Option<&[String]>) -> Option<Vec<&str>> {
    columns.map(|columns| columns.iter().map(String::as_str).collect())
}
