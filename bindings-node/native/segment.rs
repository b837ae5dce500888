//! A loaded segment.

use napi::Env;
use napi::bindgen_prelude::{PromiseRaw, Uint8Array};
use napi_derive::napi;
use segmentry::{ExportFormat, SegmentEngine};

use crate::arguments::{UserKey, count, key};
use crate::arrow::{Keys, ipc};
use crate::call::{Call, begin};
use crate::errors::{json, thrown};
use crate::rows::Rows;

/// One version of a rule's segment; its members are in memory.
#[napi]
pub struct Segment {
    engine: SegmentEngine,
    segment: segmentry::Segment,
}

impl Segment {
    pub(crate) fn new(engine: SegmentEngine, segment: segmentry::Segment) -> Self {
        Segment { engine, segment }
    }
}

#[napi]
impl Segment {
    /// What it is, as JSON.
    #[napi(catch_unwind)]
    pub fn about(&self) -> napi::Result<String> {
        let segment = &self.segment;
        json(&serde_json::json!({
            "id": segment.id(),
            "rule_id": segment.rule_id(),
            "segment_name": segment.segment_name(),
            "description": segment.description(),
            "table_name": segment.table_name(),
            "row_count": segment.row_count(),
            "sql_query": segment.sql_query(),
            "last_refreshed_at": segment.last_refreshed_at().map(|at| at.to_rfc3339()),
            "as_of": segment.as_of().to_rfc3339(),
            "version": segment.version(),
        }))
        .map_err(|error| thrown(&error))
    }

    #[napi(catch_unwind)]
    pub fn contains(&self, user: UserKey) -> napi::Result<bool> {
        Ok(self.segment.contains(&key(user)?))
    }

    #[napi(catch_unwind)]
    pub fn keys<'env>(
        &self,
        env: &'env Env,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, Keys>> {
        let (name, segment) = (self.engine.key_name(), self.segment.clone());
        begin(env, call, async move { Ok(Keys::new(name, segment.keys()?)) })
    }

    /// The keys as an IPC stream of one column.
    #[napi(catch_unwind)]
    pub fn ipc<'env>(
        &self,
        env: &'env Env,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, Uint8Array>> {
        let segment = self.segment.clone();
        begin(env, call, async move {
            let batch = segment.key_batch()?;
            ipc(&batch.schema(), &[batch])
        })
    }

    #[napi(catch_unwind)]
    pub fn members<'env>(
        &self,
        env: &'env Env,
        columns: Option<Vec<String>>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, Rows>> {
        let segment = self.segment.clone();
        begin(env, call, async move {
            let columns = names(columns.as_deref());
            Ok(Rows::of(segment.members(columns.as_deref()).await?))
        })
    }

    #[napi(catch_unwind)]
    pub fn sample<'env>(
        &self,
        env: &'env Env,
        n: i64,
        columns: Option<Vec<String>>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, Rows>> {
        let (segment, n) = (self.segment.clone(), count(n)?);
        begin(env, call, async move {
            let columns = names(columns.as_deref());
            Ok(Rows::of(segment.sample(n, columns.as_deref()).await?))
        })
    }

    #[napi(catch_unwind)]
    pub fn versions<'env>(
        &self,
        env: &'env Env,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let segment = self.segment.clone();
        begin(env, call, async move { json(&segment.versions().await?) })
    }

    #[napi(catch_unwind)]
    pub fn changes<'env>(
        &self,
        env: &'env Env,
        since_version: i64,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, Changes>> {
        let (name, segment) = (self.engine.key_name(), self.segment.clone());
        begin(env, call, async move {
            let changes = segment.changes(since_version).await?;
            let entered = Some(Keys::new(name.clone(), changes.entered));
            Ok(Changes { entered, exited: Some(Keys::new(name, changes.exited)) })
        })
    }

    #[napi(catch_unwind)]
    pub fn export<'env>(
        &self,
        env: &'env Env,
        path: String,
        format: String,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, ()>> {
        let segment = self.segment.clone();
        begin(env, call, async move { segment.export(path, format.parse::<ExportFormat>()?).await })
    }

    /// The number of rows, as JSON.
    #[napi(catch_unwind)]
    pub fn write_table<'env>(
        &self,
        env: &'env Env,
        destination: String,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let segment = self.segment.clone();
        begin(env, call, async move { json(&segment.write_table(destination).await?) })
    }
}

/// Who entered and who left.
#[napi]
pub struct Changes {
    entered: Option<Keys>,
    exited: Option<Keys>,
}

#[napi]
impl Changes {
    /// Who entered, once.
    #[napi(catch_unwind)]
    pub fn take_entered(&mut self) -> napi::Result<Option<Keys>> {
        Ok(self.entered.take())
    }

    /// Who left, once.
    #[napi(catch_unwind)]
    pub fn take_exited(&mut self) -> napi::Result<Option<Keys>> {
        Ok(self.exited.take())
    }
}

fn names(columns: Option<&[String]>) -> Option<Vec<&str>> {
    columns.map(|columns| columns.iter().map(String::as_str).collect())
}
