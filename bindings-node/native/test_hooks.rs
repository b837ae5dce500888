//! Panics on demand, for the tests of what becomes of one. They are refused in a process that does not
//! have `SEGMENTRY_TEST_HOOKS` in its environment.
#![allow(clippy::panic, reason = "it is what this file is for")]

use napi::Env;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;
use segmentry::{Refresh, RunEvent};

use crate::call::begin;
use crate::engine::Engine;
use crate::errors::{bad, json};

fn allowed() -> napi::Result<()> {
    match std::env::var_os("SEGMENTRY_TEST_HOOKS") {
        Some(_) => Ok(()),
        None => Err(bad("this is for the tests, which set SEGMENTRY_TEST_HOOKS")),
    }
}

/// Panics at once, on JavaScript's thread.
#[napi(catch_unwind, skip_typescript)]
pub fn panic_plainly() -> napi::Result<()> {
    allowed()?;
    panic!("a panic of the tests")
}

/// Panics in a task.
#[napi(catch_unwind, skip_typescript)]
pub fn panic_in_a_task(env: &Env) -> napi::Result<PromiseRaw<'_, ()>> {
    allowed()?;
    begin(env, None, async move { panic!("a panic of the tests") })
}

/// Refreshes all rules and panics in the middle of the run, once a rule has its members.
#[napi(catch_unwind, skip_typescript)]
pub fn panic_in_a_run<'env>(
    env: &'env Env,
    engine: &Engine,
) -> napi::Result<PromiseRaw<'env, String>> {
    allowed()?;
    engine.start(env, None, |engine| async move {
        let refresh = Refresh::all().progress(|event| {
            if matches!(event, RunEvent::Evaluated { .. }) {
                panic!("a panic of the tests");
            }
        });
        json(&engine.refresh(refresh).await?)
    })
}
