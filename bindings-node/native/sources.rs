//! The verbs on the host's tables.

use std::collections::BTreeMap;

use napi::Env;
use napi::bindgen_prelude::{PromiseRaw, Uint8Array};
use napi_derive::napi;
use segmentry::{FileOptions, SqliteOptions, TableOptions};

use crate::arrow::read;
use crate::call::Call;
use crate::engine::Engine;
use crate::errors::json;

fn files(append_only: Option<bool>) -> FileOptions {
    let options = FileOptions::default();
    match append_only {
        Some(append_only) => options.append_only(append_only),
        None => options,
    }
}

#[napi]
impl Engine {
    #[napi(catch_unwind)]
    pub fn add_parquet<'env>(
        &self,
        env: &'env Env,
        name: String,
        path: String,
        append_only: Option<bool>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let options = files(append_only);
        self.start(env, call, move |engine| async move {
            engine.add_parquet_with(&name, path, options).await
        })
    }

    #[napi(catch_unwind)]
    pub fn add_csv<'env>(
        &self,
        env: &'env Env,
        name: String,
        path: String,
        append_only: Option<bool>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let options = files(append_only);
        self.start(env, call, move |engine| async move {
            engine.add_csv_with(&name, path, options).await
        })
    }

    #[napi(catch_unwind)]
    pub fn add_sqlite<'env>(
        &self,
        env: &'env Env,
        path: String,
        cursor: Option<BTreeMap<String, String>>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, Vec<String>>> {
        let with = |options: SqliteOptions, (table, column)| options.cursor(table, column);
        let options = cursor.unwrap_or_default().into_iter().fold(SqliteOptions::default(), with);
        self.start(
            env,
            call,
            move |engine| async move { engine.add_sqlite_with(path, options).await },
        )
    }

    /// `data` is an IPC stream or file. It is read on another thread, and is not to be changed meanwhile.
    #[napi(catch_unwind)]
    pub fn add_arrow<'env>(
        &self,
        env: &'env Env,
        name: String,
        data: Uint8Array,
        cursor: Option<String>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let options = match cursor {
            Some(column) => TableOptions::default().cursor(column),
            None => TableOptions::default(),
        };
        self.start(env, call, move |engine| async move {
            engine.add_arrow_with(&name, read(data.as_ref())?, options)
        })
    }

    #[napi(catch_unwind)]
    pub fn sources<'env>(
        &self,
        env: &'env Env,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        self.start(env, call, |engine| async move { json(&engine.sources()) })
    }

    #[napi(catch_unwind)]
    pub fn remove_source<'env>(
        &self,
        env: &'env Env,
        name: String,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        self.start(env, call, |engine| async move { engine.remove_source(&name) })
    }
}
