//! The verbs that ask and change nothing.

use pyo3::prelude::*;
use segmentry::{Dialect, Lineage, Result};

use crate::arguments::{Instant, Named, UserKey, Wanted};
use crate::arrow::Rows;
use crate::call::Call;
use crate::engine::Engine;
use crate::errors::json;

#[pymethods]
impl Engine {
    /// The preview as JSON, and its sample.
    fn preview(
        &self,
        py: Python<'_>,
        conditions: String,
        as_of: Option<Instant>,
    ) -> PyResult<Call> {
        self.start(py, move |engine| async move {
            let preview = match as_of {
                Some(as_of) => engine.preview_as_of(conditions, as_of.0).await?,
                None => engine.preview(conditions).await?,
            };
            Ok((json(&preview)?, Rows::of(preview.sample)))
        })
    }

    fn explain(
        &self,
        py: Python<'_>,
        rule: Wanted,
        key: UserKey,
        as_of: Option<Instant>,
    ) -> PyResult<Call> {
        self.start(py, move |engine| async move {
            let rule = rule.rule()?;
            json(&match as_of {
                Some(as_of) => engine.explain_as_of(rule, key.0, as_of.0).await?,
                None => engine.explain(rule, key.0).await?,
            })
        })
    }

    fn dependencies(&self, py: Python<'_>, rule: Wanted) -> PyResult<Call> {
        self.start(py, |engine| async move { json(&engine.dependencies(rule.rule()?).await?) })
    }

    /// The lineage as JSON, as Mermaid and in Graphviz's language.
    fn lineage(&self, py: Python<'_>, rule: Named) -> PyResult<Call> {
        self.start(py, |engine| async move { drawn(&engine.lineage(rule.0).await?) })
    }

    fn to_sql(
        &self,
        py: Python<'_>,
        rule: Wanted,
        dialect: String,
        as_of: Option<Instant>,
    ) -> PyResult<Call> {
        self.start(py, move |engine| async move {
            let (rule, dialect): (_, Dialect) = (rule.rule()?, dialect.parse()?);
            match as_of {
                Some(as_of) => engine.to_sql_as_of(rule, dialect, as_of.0).await,
                None => engine.to_sql(rule, dialect).await,
            }
        })
    }

    fn sql(&self, py: Python<'_>, query: String) -> PyResult<Call> {
        self.start(py, |engine| async move {
            let (schema, batches) = engine.sql_collected(&query).await?;
            Ok(Rows::new(schema, batches))
        })
    }

    fn fields(&self, py: Python<'_>) -> PyResult<Call> {
        self.start(py, |engine| async move { json(&engine.fields().await?) })
    }

    fn summary(&self, py: Python<'_>) -> PyResult<Call> {
        self.start(py, |engine| async move { json(&engine.summary().await?) })
    }

    fn due(&self, py: Python<'_>, at: Option<Instant>) -> PyResult<Call> {
        self.start(py, |engine| async move { json(&engine.due(at.map(|at| at.0)).await?) })
    }

    fn next_runs(&self, py: Python<'_>, rule: Named, n: crate::arguments::Count) -> PyResult<Call> {
        self.start(py, move |engine| async move {
            let runs = engine.next_runs(rule.0, n.0).await?;
            Ok(runs.into_iter().map(|at| at.to_rfc3339()).collect::<Vec<_>>())
        })
    }
}

fn drawn(lineage: &Lineage) -> Result<(String, String, String)> {
    Ok((json(lineage)?, lineage.to_mermaid(), lineage.to_dot()))
}
