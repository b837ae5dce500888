//! The verbs that ask and change nothing.

use napi::Env;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;
use segmentry::Dialect;

use crate::arguments::{Named, UserKey, count, instant_if, key, rule_ref, wanted};
use crate::call::Call;
use crate::engine::Engine;
use crate::errors::json;
use crate::rows::{Rows, objects};

#[napi]
impl Engine {
    /// A list of the preview and of its sample's rows.
    #[napi(catch_unwind)]
    pub fn preview<'env>(
        &self,
        env: &'env Env,
        conditions: String,
        as_of: Option<String>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, Vec<String>>> {
        let as_of = instant_if(as_of)?;
        self.start(env, call, move |engine| async move {
            let preview = match as_of {
                Some(as_of) => engine.preview_as_of(conditions, as_of).await?,
                None => engine.preview(conditions).await?,
            };
            let sample = objects(&preview.sample.schema(), std::slice::from_ref(&preview.sample))?;
            Ok(vec![json(&preview)?, sample])
        })
    }

    #[napi(catch_unwind)]
    pub fn explain<'env>(
        &self,
        env: &'env Env,
        stored: Option<Named>,
        document: Option<String>,
        user: UserKey,
        as_of: Option<String>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let (rule, user, as_of) = (wanted(stored, document)?, key(user)?, instant_if(as_of)?);
        self.start(env, call, move |engine| async move {
            json(&match as_of {
                Some(as_of) => engine.explain_as_of(rule, user, as_of).await?,
                None => engine.explain(rule, user).await?,
            })
        })
    }

    #[napi(catch_unwind)]
    pub fn dependencies<'env>(
        &self,
        env: &'env Env,
        stored: Option<Named>,
        document: Option<String>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let rule = wanted(stored, document)?;
        self.start(env, call, |engine| async move { json(&engine.dependencies(rule).await?) })
    }

    /// The lineage as `json`, `mermaid` or `dot`.
    #[napi(catch_unwind)]
    pub fn lineage<'env>(
        &self,
        env: &'env Env,
        rule: Named,
        format: String,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let rule = rule_ref(rule);
        self.start(env, call, move |engine| async move {
            let lineage = engine.lineage(rule).await?;
            Ok(match format.as_str() {
                "mermaid" => lineage.to_mermaid(),
                "dot" => lineage.to_dot(),
                _ => json(&lineage)?,
            })
        })
    }

    #[napi(catch_unwind)]
    pub fn to_sql<'env>(
        &self,
        env: &'env Env,
        stored: Option<Named>,
        document: Option<String>,
        dialect: String,
        as_of: Option<String>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let (rule, as_of) = (wanted(stored, document)?, instant_if(as_of)?);
        self.start(env, call, move |engine| async move {
            let dialect: Dialect = dialect.parse()?;
            match as_of {
                Some(as_of) => engine.to_sql_as_of(rule, dialect, as_of).await,
                None => engine.to_sql(rule, dialect).await,
            }
        })
    }

    #[napi(catch_unwind)]
    pub fn sql<'env>(
        &self,
        env: &'env Env,
        query: String,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, Rows>> {
        self.start(env, call, |engine| async move {
            let (schema, batches) = engine.sql_collected(&query).await?;
            Ok(Rows::new(schema, batches))
        })
    }

    #[napi(catch_unwind)]
    pub fn fields<'env>(
        &self,
        env: &'env Env,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        self.start(env, call, |engine| async move { json(&engine.fields().await?) })
    }

    #[napi(catch_unwind)]
    pub fn summary<'env>(
        &self,
        env: &'env Env,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        self.start(env, call, |engine| async move { json(&engine.summary().await?) })
    }

    #[napi(catch_unwind)]
    pub fn due<'env>(
        &self,
        env: &'env Env,
        at: Option<String>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let at = instant_if(at)?;
        self.start(env, call, move |engine| async move { json(&engine.due(at).await?) })
    }

    #[napi(catch_unwind)]
    pub fn next_runs<'env>(
        &self,
        env: &'env Env,
        rule: Named,
        n: i64,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, Vec<String>>> {
        let (rule, n) = (rule_ref(rule), count(n)?);
        self.start(env, call, move |engine| async move {
            let runs = engine.next_runs(rule, n).await?;
            Ok(runs.into_iter().map(|at| at.to_rfc3339()).collect())
        })
    }
}
