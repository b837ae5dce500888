//! A scheduler of an engine's rules.

use std::sync::Arc;

use napi::Env;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;
use segmentry::{Misfire, SchedulerOptions, Stop};

use crate::arguments::seconds;
use crate::call::{Call, begin};
use crate::engine::Engine;
use crate::errors::{bad, json, thrown};
use crate::runtime::handle;

/// Runs what is due, in this process.
#[napi]
pub struct Scheduler {
    scheduler: Arc<segmentry::Scheduler>,
}

/// How a scheduler works; what is not said is the engine's to choose.
#[napi(object)]
pub struct Scheduling {
    /// `once` or `skip`.
    pub misfire: Option<String>,
    /// Seconds after which a rule is late.
    pub grace: Option<f64>,
    /// Seconds between looks for what other processes ask for.
    pub poll: Option<f64>,
    /// The first and the longest pause, in seconds, before a failed rule is tried again.
    pub retry: Option<Vec<f64>>,
}

#[napi]
impl Engine {
    #[napi(catch_unwind)]
    pub fn scheduler(&self, scheduling: Scheduling) -> napi::Result<Scheduler> {
        let mut options = SchedulerOptions::default();
        options = match scheduling.misfire.as_deref() {
            None => options,
            Some("once") => options.misfire(Misfire::Once),
            Some("skip") => options.misfire(Misfire::Skip),
            Some(other) => {
                return Err(bad(format!("misfire is \"once\" or \"skip\", not {other:?}")));
            }
        };
        if let Some(grace) = scheduling.grace {
            options = options.grace(seconds(grace)?);
        }
        if let Some(poll) = scheduling.poll {
            options = options.poll(seconds(poll)?);
        }
        options = match scheduling.retry.as_deref() {
            None => options,
            Some([first, longest]) => options.retry(seconds(*first)?, seconds(*longest)?),
            Some(_) => return Err(bad("retry is the first and the longest pause")),
        };
        Ok(Scheduler { scheduler: Arc::new(self.engine()?.scheduler(options)) })
    }
}

#[napi]
impl Scheduler {
    #[napi(catch_unwind)]
    pub fn start(&self, env: &Env) -> napi::Result<()> {
        // The environment's end is told to all that works for it; the scheduler hears of it by being
        // dropped.
        drop(crate::runtime::hold(env)?);
        let runtime = handle().map_err(|error| thrown(&error))?;
        let _inside = runtime.enter();
        self.scheduler.start().map_err(|error| thrown(&error))
    }

    /// Stops by `wait` or `cancel`.
    #[napi(catch_unwind)]
    pub fn stop<'env>(
        &self,
        env: &'env Env,
        how: String,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let how = match how.as_str() {
            "wait" => Stop::Wait,
            "cancel" => Stop::Cancel,
            other => return Err(bad(format!("stop by \"wait\" or \"cancel\", not {other:?}"))),
        };
        let scheduler = Arc::clone(&self.scheduler);
        begin(env, call, async move {
            scheduler.stop(how).await;
            Ok(())
        })
    }

    #[napi(catch_unwind)]
    pub fn run_due<'env>(
        &self,
        env: &'env Env,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let scheduler = Arc::clone(&self.scheduler);
        begin(env, call, async move { json(&scheduler.run_due().await?) })
    }

    #[napi(catch_unwind)]
    pub fn status<'env>(
        &self,
        env: &'env Env,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let scheduler = Arc::clone(&self.scheduler);
        begin(env, call, async move { json(&scheduler.status().await?) })
    }

    #[napi(getter, catch_unwind)]
    pub fn is_started(&self) -> napi::Result<bool> {
        Ok(self.scheduler.is_started())
    }
}
