//! The verbs on rules.

use napi::Env;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;

use crate::arguments::{Named, count, rule_ref};
use crate::call::Call;
use crate::engine::Engine;
use crate::errors::{json, pieces};

#[napi]
impl Engine {
    #[napi(catch_unwind)]
    pub fn validate<'env>(
        &self,
        env: &'env Env,
        rule: String,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        self.start(env, call, |engine| async move { json(&engine.validate(rule).await?) })
    }

    #[napi(catch_unwind)]
    pub fn create_rule<'env>(
        &self,
        env: &'env Env,
        rule: String,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, i64>> {
        self.start(env, call, |engine| async move { engine.create_rule(rule).await })
    }

    #[napi(catch_unwind)]
    pub fn update_rule<'env>(
        &self,
        env: &'env Env,
        rule: Named,
        document: String,
        if_version: Option<i64>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let rule = rule_ref(rule);
        self.start(env, call, move |engine| async move {
            json(&match if_version {
                Some(version) => engine.update_rule_at(rule, version, document).await?,
                None => engine.update_rule(rule, document).await?,
            })
        })
    }

    #[napi(catch_unwind)]
    pub fn delete_rule<'env>(
        &self,
        env: &'env Env,
        rule: Named,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let rule = rule_ref(rule);
        self.start(env, call, |engine| async move { engine.delete_rule(rule).await })
    }

    #[napi(catch_unwind)]
    pub fn rule<'env>(
        &self,
        env: &'env Env,
        rule: Named,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let rule = rule_ref(rule);
        self.start(env, call, |engine| async move { json(&engine.rule(rule).await?) })
    }

    #[napi(catch_unwind)]
    pub fn rules<'env>(
        &self,
        env: &'env Env,
        page: i64,
        per_page: i64,
        search: Option<String>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let (page, per_page) = (count(page)?, count(per_page)?);
        self.start(env, call, move |engine| async move {
            json(&engine.rules(page, per_page, search.as_deref()).await?)
        })
    }

    /// A list of `{version, at, document}`.
    #[napi(catch_unwind)]
    pub fn rule_history<'env>(
        &self,
        env: &'env Env,
        id: i64,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        self.start(env, call, move |engine| async move {
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

    #[napi(catch_unwind)]
    pub fn import_rules<'env>(
        &self,
        env: &'env Env,
        documents: Vec<String>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, Vec<i64>>> {
        self.start(env, call, |engine| async move { engine.import_rules(&documents).await })
    }

    /// The documents piece by piece.
    #[napi(catch_unwind)]
    pub fn export_rules<'env>(
        &self,
        env: &'env Env,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, Vec<String>>> {
        self.start(env, call, |engine| async move { pieces(&engine.export_rules().await?) })
    }

    /// A list of pairs of rule and fraction.
    #[napi(catch_unwind)]
    pub fn max_changes<'env>(
        &self,
        env: &'env Env,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        self.start(env, call, |engine| async move {
            json(&engine.max_changes().await?.into_iter().collect::<Vec<_>>())
        })
    }

    #[napi(catch_unwind)]
    pub fn set_max_change<'env>(
        &self,
        env: &'env Env,
        rule: Named,
        fraction: Option<f64>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let rule = rule_ref(rule);
        self.start(
            env,
            call,
            move |engine| async move { engine.set_max_change(rule, fraction).await },
        )
    }

    #[napi(catch_unwind)]
    pub fn trigger<'env>(
        &self,
        env: &'env Env,
        rule: Named,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, i64>> {
        let rule = rule_ref(rule);
        self.start(env, call, |engine| async move { engine.trigger(rule).await })
    }
}
