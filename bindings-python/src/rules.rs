//! The verbs on rules.

use pyo3::prelude::*;

use crate::arguments::{Count, Named};
use crate::call::Call;
use crate::engine::Engine;
use crate::errors::json;

#[pymethods]
impl Engine {
    fn validate(&self, py: Python<'_>, rule: String) -> PyResult<Call> {
        self.start(py, |engine| async move { json(&engine.validate(rule).await?) })
    }

    fn create_rule(&self, py: Python<'_>, rule: String) -> PyResult<Call> {
        self.start(py, |engine| async move { engine.create_rule(rule).await })
    }

    #[pyo3(signature = (rule, document, if_version=None))]
    fn update_rule(
        &self,
        py: Python<'_>,
        rule: Named,
        document: String,
        if_version: Option<i64>,
    ) -> PyResult<Call> {
        self.start(py, move |engine| async move {
            json(&match if_version {
                Some(version) => engine.update_rule_at(rule.0, version, document).await?,
                None => engine.update_rule(rule.0, document).await?,
            })
        })
    }

    fn delete_rule(&self, py: Python<'_>, rule: Named) -> PyResult<Call> {
        self.start(py, |engine| async move { engine.delete_rule(rule.0).await })
    }

    fn rule(&self, py: Python<'_>, rule: Named) -> PyResult<Call> {
        self.start(py, |engine| async move { json(&engine.rule(rule.0).await?) })
    }

    fn rules(
        &self,
        py: Python<'_>,
        page: Count,
        per_page: Count,
        search: Option<String>,
    ) -> PyResult<Call> {
        self.start(py, move |engine| async move {
            json(&engine.rules(page.0, per_page.0, search.as_deref()).await?)
        })
    }

    /// A list of `{version, at, document}`.
    fn rule_history(&self, py: Python<'_>, id: i64) -> PyResult<Call> {
        self.start(py, move |engine| async move {
            let mut wordings = Vec::new();
            for wording in engine.rule_history(id).await? {
                wordings.push(serde_json::json!({
                    "version": wording.version,
                    "at": wording.at.to_rfc3339(),
                    "document": wording.document()?,
                }));
            }
            json(&wordings)
        })
    }

    fn import_rules(&self, py: Python<'_>, documents: Vec<String>) -> PyResult<Call> {
        self.start(py, |engine| async move { engine.import_rules(&documents).await })
    }

    fn export_rules(&self, py: Python<'_>) -> PyResult<Call> {
        self.start(py, |engine| async move { json(&engine.export_rules().await?) })
    }

    fn max_changes(&self, py: Python<'_>) -> PyResult<Call> {
        self.start(py, |engine| async move { engine.max_changes().await })
    }

    fn set_max_change(&self, py: Python<'_>, rule: Named, fraction: Option<f64>) -> PyResult<Call> {
        self.start(py, move |engine| async move { engine.set_max_change(rule.0, fraction).await })
    }

    fn trigger(&self, py: Python<'_>, rule: Named) -> PyResult<Call> {
        self.start(py, |engine| async move { engine.trigger(rule.0).await })
    }
}
