//! Parser, model and dependency finder by themselves.

use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::{PromiseRaw, Uint8Array};
use napi_derive::napi;
use segmentry::{
    AudienceModel, DependencyFinder, Inferred, Result, Rule, RuleGraph, RuleParser, Table,
};

use crate::arguments::instant_if;
use crate::arrow::schema_of;
use crate::call::{Call, begin};
use crate::errors::json;

/// A table by name; only the columns of its IPC stream are looked at.
#[napi(object)]
pub struct NamedTable {
    /// Its name.
    pub name: String,
    /// An IPC stream or file.
    pub data: Uint8Array,
}

fn tables(given: &[NamedTable]) -> Result<Vec<Table>> {
    let table = |table: &NamedTable| {
        Ok(Table { name: table.name.clone(), schema: schema_of(table.data.as_ref())? })
    };
    given.iter().map(table).collect()
}

/// `{model, reasons}`.
pub(crate) fn inferred(inferred: &Inferred) -> Result<String> {
    json(&serde_json::json!({
        "model": inferred.model.as_ref().map(AudienceModel::to_json),
        "reasons": inferred.reasons,
    }))
}

#[napi(catch_unwind)]
pub fn parse_rule<'env>(
    env: &'env Env,
    document: String,
    call: Option<&Call>,
) -> napi::Result<PromiseRaw<'env, String>> {
    begin(env, call, async move { json(&RuleParser::parse(document)?.to_json()) })
}

#[napi(catch_unwind)]
pub fn parse_text<'env>(
    env: &'env Env,
    text: String,
    call: Option<&Call>,
) -> napi::Result<PromiseRaw<'env, String>> {
    begin(env, call, async move { json(&RuleParser::parse_text(&text)?.to_json()) })
}

/// The text form of the conditions of a document; nothing if it has none.
#[napi(catch_unwind)]
pub fn to_text<'env>(
    env: &'env Env,
    document: String,
    call: Option<&Call>,
) -> napi::Result<PromiseRaw<'env, Option<String>>> {
    begin(env, call, async move {
        let rule = RuleParser::parse_conditions(document)?;
        Ok(rule.conditions.map(|conditions| conditions.to_text()))
    })
}

#[napi(catch_unwind)]
pub fn rule_schema<'env>(
    env: &'env Env,
    call: Option<&Call>,
) -> napi::Result<PromiseRaw<'env, String>> {
    begin(env, call, async move { json(&RuleParser::schema()) })
}

#[napi(catch_unwind)]
pub fn parse_model<'env>(
    env: &'env Env,
    document: String,
    call: Option<&Call>,
) -> napi::Result<PromiseRaw<'env, String>> {
    begin(env, call, async move { json(&AudienceModel::parse(document)?.to_json()) })
}

/// `{model, reasons}`.
#[napi(catch_unwind)]
pub fn infer_model<'env>(
    env: &'env Env,
    given: Vec<NamedTable>,
    call: Option<&Call>,
) -> napi::Result<PromiseRaw<'env, String>> {
    begin(env, call, async move { inferred(&AudienceModel::infer(&tables(&given)?)) })
}

/// A rule that is given by id and document.
#[napi(object)]
pub struct NumberedRule {
    /// Its id.
    pub id: i64,
    /// Its document.
    pub document: String,
}

fn read(rules: Vec<NumberedRule>) -> Result<Vec<(i64, Rule)>> {
    rules.into_iter().map(|rule| Ok((rule.id, RuleParser::parse(rule.document)?))).collect()
}

/// What can answer what, for rules that are in no catalog.
#[napi]
pub struct Finder {
    finder: Arc<DependencyFinder>,
}

#[napi]
impl Finder {
    #[napi(catch_unwind)]
    pub fn create<'env>(
        env: &'env Env,
        model: String,
        given: Vec<NamedTable>,
        as_of: Option<String>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, Finder>> {
        let as_of = instant_if(as_of)?;
        begin(env, call, async move {
            let finder = DependencyFinder::new(&AudienceModel::parse(model)?, &tables(&given)?)?;
            let finder = match as_of {
                Some(as_of) => finder.as_of(as_of),
                None => finder,
            };
            Ok(Finder { finder: Arc::new(finder) })
        })
    }

    #[napi(catch_unwind)]
    pub fn find<'env>(
        &self,
        env: &'env Env,
        rule: String,
        rules: Vec<NumberedRule>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let finder = Arc::clone(&self.finder);
        begin(env, call, async move {
            let rule = RuleParser::parse_conditions(rule)?;
            json(&finder.find(&rule, &read(rules)?)?)
        })
    }

    #[napi(catch_unwind)]
    pub fn implies<'env>(
        &self,
        env: &'env Env,
        narrow: String,
        wide: String,
        rules: Vec<NumberedRule>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, bool>> {
        let finder = Arc::clone(&self.finder);
        begin(env, call, async move {
            let narrow = RuleParser::parse_conditions(narrow)?;
            let wide = RuleParser::parse_conditions(wide)?;
            finder.implies(&narrow, &wide, &read(rules)?)
        })
    }

    #[napi(catch_unwind)]
    pub fn graph<'env>(
        &self,
        env: &'env Env,
        rules: Vec<NumberedRule>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, Graph>> {
        let finder = Arc::clone(&self.finder);
        begin(env, call, async move { Ok(Graph::of(finder.graph(&read(rules)?))) })
    }
}

/// Which rules need which.
#[napi]
pub struct Graph {
    graph: Arc<RuleGraph>,
}

/// A rule, and the rules that it needs.
#[napi(object)]
pub struct Needs {
    /// The rule.
    pub rule: i64,
    /// What it needs directly.
    pub needs: Vec<i64>,
}

impl Graph {
    fn of(graph: RuleGraph) -> Self {
        Graph { graph: Arc::new(graph) }
    }

    /// Asks the graph where it does not matter how long it thinks.
    fn ask<'env, T>(
        &self,
        env: &'env Env,
        question: impl FnOnce(&RuleGraph) -> T + Send + 'static,
    ) -> napi::Result<PromiseRaw<'env, T>>
    where
        T: napi::bindgen_prelude::ToNapiValue + Send + 'static,
    {
        let graph = Arc::clone(&self.graph);
        begin(env, None, async move { Ok(question(&graph)) })
    }
}

#[napi]
impl Graph {
    #[napi(catch_unwind)]
    pub fn create<'env>(
        env: &'env Env,
        rules: Vec<Needs>,
    ) -> napi::Result<PromiseRaw<'env, Graph>> {
        begin(env, None, async move {
            Ok(Graph::of(RuleGraph::new(rules.into_iter().map(|rule| (rule.rule, rule.needs)))))
        })
    }

    #[napi(catch_unwind)]
    pub fn dependents<'env>(
        &self,
        env: &'env Env,
        rule: i64,
    ) -> napi::Result<PromiseRaw<'env, Vec<i64>>> {
        self.ask(env, move |graph| graph.dependents(rule))
    }

    #[napi(catch_unwind)]
    pub fn needs<'env>(
        &self,
        env: &'env Env,
        rule: i64,
    ) -> napi::Result<PromiseRaw<'env, Vec<i64>>> {
        self.ask(env, move |graph| graph.needs(rule))
    }

    #[napi(catch_unwind)]
    pub fn with_ancestors<'env>(
        &self,
        env: &'env Env,
        rules: Vec<i64>,
    ) -> napi::Result<PromiseRaw<'env, Vec<i64>>> {
        self.ask(env, move |graph| graph.with_ancestors(rules).into_iter().collect())
    }

    #[napi(catch_unwind)]
    pub fn affected<'env>(
        &self,
        env: &'env Env,
        rule: i64,
    ) -> napi::Result<PromiseRaw<'env, Vec<i64>>> {
        self.ask(env, move |graph| graph.affected(rule).into_iter().collect())
    }

    #[napi(catch_unwind)]
    pub fn levels<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, Vec<Vec<i64>>>> {
        self.ask(env, RuleGraph::levels)
    }

    #[napi(catch_unwind)]
    pub fn order<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, Vec<i64>>> {
        self.ask(env, RuleGraph::order)
    }

    #[napi(catch_unwind)]
    pub fn cycles<'env>(&self, env: &'env Env) -> napi::Result<PromiseRaw<'env, Vec<Vec<i64>>>> {
        self.ask(env, RuleGraph::cycles)
    }
}
