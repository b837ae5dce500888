//! Refreshing, and what runs have left.

use std::sync::Arc;

use pyo3::prelude::*;
use segmentry::{Refresh, RuleRef};

use crate::arguments::{Count, Instant, Named, Seconds, UserKey, refs};
use crate::arrow::Keys;
use crate::call::Call;
use crate::engine::Engine;
use crate::errors::json;
use crate::segment::Segment;

/// What a refresh was asked for.
fn asked(
    rules: Option<Vec<Named>>,
    as_of: Option<Instant>,
    incremental: bool,
    reuse: bool,
    timeout: Option<Seconds>,
    accept_change: Vec<Named>,
) -> Refresh {
    let mut refresh = match rules {
        Some(rules) => Refresh::rules(refs(rules)),
        None => Refresh::all(),
    };
    refresh = refresh.incremental(incremental).reuse(reuse);
    if let Some(as_of) = as_of {
        refresh = refresh.as_of(as_of.0);
    }
    if let Some(timeout) = timeout {
        refresh = refresh.timeout(timeout.0);
    }
    refresh.accept_change(refs(accept_change))
}

#[pymethods]
impl Engine {
    #[expect(clippy::too_many_arguments, reason = "they are the verb's own")]
    fn refresh(
        &self,
        py: Python<'_>,
        rules: Option<Vec<Named>>,
        as_of: Option<Instant>,
        incremental: bool,
        reuse: bool,
        timeout: Option<Seconds>,
        accept_change: Vec<Named>,
        telling: bool,
    ) -> PyResult<Call> {
        let engine = self.engine(py)?;
        let mut refresh = asked(rules, as_of, incremental, reuse, timeout, accept_change);
        Call::telling(py, move |slot| {
            if telling {
                refresh = refresh.progress(move |event| {
                    if let Ok(event) = json(event) {
                        slot.event(event);
                    }
                });
            }
            async move { json(&engine.refresh(refresh).await?) }
        })
    }

    fn runs(&self, py: Python<'_>, page: Count, per_page: Count) -> PyResult<Call> {
        self.start(py, move |engine| async move { json(&engine.runs(page.0, per_page.0).await?) })
    }

    fn run(&self, py: Python<'_>, id: i64) -> PyResult<Call> {
        self.start(py, move |engine| async move { json(&engine.run(id).await?) })
    }

    fn segments(
        &self,
        py: Python<'_>,
        page: Count,
        per_page: Count,
        search: Option<String>,
    ) -> PyResult<Call> {
        self.start(py, move |engine| async move {
            json(&engine.segments(page.0, per_page.0, search.as_deref()).await?)
        })
    }

    fn segment(
        &self,
        py: Python<'_>,
        rule: Named,
        version: Option<i64>,
        as_of: Option<Instant>,
    ) -> PyResult<Call> {
        self.start(py, move |engine| async move {
            let segment = match (version, as_of) {
                (Some(version), _) => engine.segment_version(rule.0, version).await?,
                (None, Some(as_of)) => engine.segment_as_of(rule.0, as_of.0).await?,
                (None, None) => engine.segment(rule.0).await?,
            };
            Ok(Segment::new(engine, segment))
        })
    }

    fn segments_of(&self, py: Python<'_>, key: UserKey) -> PyResult<Call> {
        self.start(py, |engine| async move { engine.segments_of(key.0).await })
    }

    fn overlap(&self, py: Python<'_>, segments: Vec<Named>) -> PyResult<Call> {
        let segments: Vec<RuleRef> = refs(segments);
        self.start(py, |engine| async move { json(&engine.overlap(segments).await?) })
    }

    /// The feed as JSON, and of each change who entered and who left.
    fn changes(&self, py: Python<'_>, since_run: i64, runs: Count) -> PyResult<Call> {
        self.start(py, move |engine| async move {
            let feed = engine.changes(since_run, runs.0).await?;
            let (told, name) = (json(&feed)?, Arc::<str>::from(engine.key_name()));
            let keys = feed.changes.into_iter().map(|change| {
                let entered = Keys::new(name.to_string(), change.entered);
                (entered, Keys::new(name.to_string(), change.exited))
            });
            Ok((told, keys.collect::<Vec<_>>()))
        })
    }
}
