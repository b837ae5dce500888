//! Keeping house.

use chrono::TimeDelta;
use napi::Env;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;
use segmentry::Retention;

use crate::arguments::{UserKey, count, key, seconds};
use crate::call::Call;
use crate::engine::Engine;
use crate::errors::{bad, json};

#[napi]
impl Engine {
    #[napi(catch_unwind)]
    pub fn check<'env>(
        &self,
        env: &'env Env,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        self.start(env, call, |engine| async move { json(&engine.check().await?) })
    }

    #[napi(catch_unwind)]
    pub fn vacuum<'env>(
        &self,
        env: &'env Env,
        keep_versions: i64,
        younger_than: Option<f64>,
        runs: Option<i64>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let mut retention = Retention::versions(count(keep_versions)?);
        if let Some(age) = younger_than {
            let age = TimeDelta::from_std(seconds(age)?)
                .map_err(|error| bad(format!("youngerThan: {error}")))?;
            retention = retention.younger_than(age);
        }
        if let Some(runs) = runs {
            retention = retention.runs(count(runs)?);
        }
        self.start(env, call, |engine| async move { json(&engine.vacuum(retention).await?) })
    }

    /// The size of the copy, as JSON.
    #[napi(catch_unwind)]
    pub fn backup<'env>(
        &self,
        env: &'env Env,
        path: String,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        self.start(env, call, |engine| async move { json(&engine.backup(path).await?) })
    }

    #[napi(catch_unwind)]
    pub fn forget<'env>(
        &self,
        env: &'env Env,
        user: UserKey,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let user = key(user)?;
        self.start(env, call, |engine| async move { json(&engine.forget(user).await?) })
    }

    #[napi(catch_unwind)]
    pub fn store_status<'env>(
        &self,
        env: &'env Env,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        self.start(env, call, |engine| async move { json(&engine.store_status().await?) })
    }

    #[napi(catch_unwind)]
    pub fn compact<'env>(
        &self,
        env: &'env Env,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        self.start(env, call, |engine| async move { json(&engine.compact().await?) })
    }
}
