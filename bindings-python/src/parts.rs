//! Parser, model and dependency finder by themselves.

use chrono::{DateTime, Utc};
use pyo3::prelude::*;
use segmentry::{
    AudienceModel, DependencyFinder, Inferred, Result, Rule, RuleGraph, RuleParser, Table,
};

use crate::arguments::Instant;
use crate::arrow::schema_of;
use crate::errors::{json, plain};

/// Tables by name, from anything that has an Arrow schema.
fn tables(given: Vec<(String, Bound<'_, PyAny>)>) -> PyResult<Vec<Table>> {
    let table = |(name, data)| Ok(Table { name, schema: schema_of(&data)? });
    given.into_iter().map(table).collect()
}

/// The document of the model that is inferred, if one is, and the reasons.
pub(crate) fn inferred(inferred: Inferred) -> Result<(Option<String>, Vec<String>)> {
    let model = inferred.model.map(|model| json(&model.to_json())).transpose()?;
    Ok((model, inferred.reasons))
}

#[pyfunction]
fn parse_rule(py: Python<'_>, document: String) -> PyResult<String> {
    plain(py, move || json(&RuleParser::parse(document)?.to_json()))
}

#[pyfunction]
fn parse_text(py: Python<'_>, text: String) -> PyResult<String> {
    plain(py, move || json(&RuleParser::parse_text(&text)?.to_json()))
}

/// The text form of the conditions of a document; `None` if it has none.
#[pyfunction]
fn to_text(py: Python<'_>, document: String) -> PyResult<Option<String>> {
    plain(py, move || {
        let rule = RuleParser::parse_conditions(document)?;
        Ok(rule.conditions.map(|conditions| conditions.to_text()))
    })
}

#[pyfunction]
fn rule_schema(py: Python<'_>) -> PyResult<String> {
    plain(py, || json(&RuleParser::schema()))
}

#[pyfunction]
fn parse_model(py: Python<'_>, document: String) -> PyResult<String> {
    plain(py, move || json(&AudienceModel::parse(document)?.to_json()))
}

#[pyfunction]
fn infer_model(
    py: Python<'_>,
    given: Vec<(String, Bound<'_, PyAny>)>,
) -> PyResult<(Option<String>, Vec<String>)> {
    let tables = tables(given)?;
    plain(py, move || inferred(AudienceModel::infer(&tables)))
}

/// Rules that are given by id and document.
fn read(rules: Vec<(i64, String)>) -> Result<Vec<(i64, Rule)>> {
    rules.into_iter().map(|(id, document)| Ok((id, RuleParser::parse(document)?))).collect()
}

/// What can answer what, for rules that are in no catalog.
#[pyclass(frozen, module = "segmentry._native")]
pub(crate) struct Finder {
    finder: DependencyFinder,
}

#[pymethods]
impl Finder {
    #[new]
    fn new(
        py: Python<'_>,
        model: String,
        given: Vec<(String, Bound<'_, PyAny>)>,
        as_of: Option<Instant>,
    ) -> PyResult<Self> {
        let tables = tables(given)?;
        let as_of: Option<DateTime<Utc>> = as_of.map(|at| at.0);
        plain(py, move || {
            let finder = DependencyFinder::new(&AudienceModel::parse(model)?, &tables)?;
            let finder = match as_of {
                Some(as_of) => finder.as_of(as_of),
                None => finder,
            };
            Ok(Finder { finder })
        })
    }

    fn find(&self, py: Python<'_>, rule: String, rules: Vec<(i64, String)>) -> PyResult<String> {
        plain(py, || {
            let rule = RuleParser::parse_conditions(rule)?;
            json(&self.finder.find(&rule, &read(rules)?)?)
        })
    }

    fn implies(
        &self,
        py: Python<'_>,
        narrow: String,
        wide: String,
        rules: Vec<(i64, String)>,
    ) -> PyResult<bool> {
        plain(py, || {
            let narrow = RuleParser::parse_conditions(narrow)?;
            let wide = RuleParser::parse_conditions(wide)?;
            self.finder.implies(&narrow, &wide, &read(rules)?)
        })
    }

    fn graph(&self, py: Python<'_>, rules: Vec<(i64, String)>) -> PyResult<Graph> {
        plain(py, || Ok(Graph { graph: self.finder.graph(&read(rules)?) }))
    }
}

/// Which rules need which.
#[pyclass(frozen, module = "segmentry._native")]
pub(crate) struct Graph {
    graph: RuleGraph,
}

#[pymethods]
impl Graph {
    #[new]
    fn new(py: Python<'_>, rules: Vec<(i64, Vec<i64>)>) -> PyResult<Self> {
        plain(py, move || Ok(Graph { graph: RuleGraph::new(rules) }))
    }

    fn dependents(&self, py: Python<'_>, rule: i64) -> PyResult<Vec<i64>> {
        plain(py, || Ok(self.graph.dependents(rule)))
    }

    fn needs(&self, py: Python<'_>, rule: i64) -> PyResult<Vec<i64>> {
        plain(py, || Ok(self.graph.needs(rule)))
    }

    fn with_ancestors(&self, py: Python<'_>, rules: Vec<i64>) -> PyResult<Vec<i64>> {
        plain(py, || Ok(self.graph.with_ancestors(rules).into_iter().collect()))
    }

    fn affected(&self, py: Python<'_>, rule: i64) -> PyResult<Vec<i64>> {
        plain(py, || Ok(self.graph.affected(rule).into_iter().collect()))
    }

    fn levels(&self, py: Python<'_>) -> PyResult<Vec<Vec<i64>>> {
        plain(py, || Ok(self.graph.levels()))
    }

    fn order(&self, py: Python<'_>) -> PyResult<Vec<i64>> {
        plain(py, || Ok(self.graph.order()))
    }

    fn cycles(&self, py: Python<'_>) -> PyResult<Vec<Vec<i64>>> {
        plain(py, || Ok(self.graph.cycles()))
    }
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(parse_rule, module)?)?;
    module.add_function(wrap_pyfunction!(parse_text, module)?)?;
    module.add_function(wrap_pyfunction!(to_text, module)?)?;
    module.add_function(wrap_pyfunction!(rule_schema, module)?)?;
    module.add_function(wrap_pyfunction!(parse_model, module)?)?;
    module.add_function(wrap_pyfunction!(infer_model, module)?)
}
