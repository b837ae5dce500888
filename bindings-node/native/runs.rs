//! Refreshing, and what runs have left.

use napi::Env;
use napi::bindgen_prelude::PromiseRaw;
use napi_derive::napi;
use segmentry::{Refresh, Result, Run};

use crate::arguments::{Named, UserKey, count, instant_if, key, rule_ref, rule_refs, seconds};
use crate::arrow::Keys;
use crate::call::Call;
use crate::engine::Engine;
use crate::errors::{bad, json, pieces};
use crate::segment::Segment;

/// What a refresh is asked for; what is not said is the engine's to choose.
#[napi(object)]
pub struct Asked {
    /// Ids and names; all that are enabled if not said.
    pub rules: Option<Vec<Named>>,
    /// RFC 3339.
    pub as_of: Option<String>,
    /// Whether only users are looked at for whom something may have changed.
    pub incremental: Option<bool>,
    /// Whether segments may answer other rules.
    pub reuse: Option<bool>,
    /// Seconds.
    pub timeout: Option<f64>,
    /// Rules that are published however much they change.
    pub accept_change: Option<Vec<Named>>,
}

impl Asked {
    fn refresh(self) -> napi::Result<Refresh> {
        let mut refresh = match self.rules {
            Some(rules) => Refresh::rules(rule_refs(rules)),
            None => Refresh::all(),
        };
        if let Some(as_of) = instant_if(self.as_of)? {
            refresh = refresh.as_of(as_of);
        }
        if let Some(incremental) = self.incremental {
            refresh = refresh.incremental(incremental);
        }
        if let Some(reuse) = self.reuse {
            refresh = refresh.reuse(reuse);
        }
        if let Some(timeout) = self.timeout {
            refresh = refresh.timeout(seconds(timeout)?);
        }
        if let Some(rules) = self.accept_change {
            refresh = refresh.accept_change(rule_refs(rules));
        }
        Ok(refresh)
    }
}

/// A run without its segments, and these piece by piece.
fn told(mut run: Run) -> Result<Vec<String>> {
    let segments = pieces(&std::mem::take(&mut run.segments))?;
    Ok(std::iter::once(json(&run)?).chain(segments).collect())
}

#[napi]
impl Engine {
    /// The run without its segments, and these piece by piece.
    #[napi(catch_unwind)]
    pub fn refresh<'env>(
        &self,
        env: &'env Env,
        asked: Asked,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, Vec<String>>> {
        let mut refresh = asked.refresh()?;
        if let Some(slot) = call.and_then(Call::slot) {
            refresh = refresh.progress(move |event| {
                if let Ok(event) = json(event) {
                    slot.event(event);
                }
            });
        }
        self.start(env, call, |engine| async move { told(engine.refresh(refresh).await?) })
    }

    /// The page without its runs, and each of these as `run` tells it.
    #[napi(catch_unwind)]
    pub fn runs<'env>(
        &self,
        env: &'env Env,
        page: i64,
        per_page: i64,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, Vec<Vec<String>>>> {
        let (page, per_page) = (count(page)?, count(per_page)?);
        self.start(env, call, move |engine| async move {
            let mut runs = engine.runs(page, per_page).await?;
            let items: Result<Vec<_>> =
                std::mem::take(&mut runs.items).into_iter().map(told).collect();
            Ok(std::iter::once(vec![json(&runs)?]).chain(items?).collect())
        })
    }

    /// The run without its segments, and these piece by piece.
    #[napi(catch_unwind)]
    pub fn run<'env>(
        &self,
        env: &'env Env,
        id: i64,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, Vec<String>>> {
        self.start(env, call, move |engine| async move { told(engine.run(id).await?) })
    }

    #[napi(catch_unwind)]
    pub fn segments<'env>(
        &self,
        env: &'env Env,
        page: i64,
        per_page: i64,
        search: Option<String>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let (page, per_page) = (count(page)?, count(per_page)?);
        self.start(env, call, move |engine| async move {
            json(&engine.segments(page, per_page, search.as_deref()).await?)
        })
    }

    #[napi(catch_unwind)]
    pub fn segment<'env>(
        &self,
        env: &'env Env,
        rule: Named,
        version: Option<i64>,
        as_of: Option<String>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, Segment>> {
        let (rule, as_of) = (rule_ref(rule), instant_if(as_of)?);
        if version.is_some() && as_of.is_some() {
            return Err(bad("a segment is asked for by version or by asOf, not by both"));
        }
        self.start(env, call, move |engine| async move {
            let segment = match (version, as_of) {
                (Some(version), _) => engine.segment_version(rule, version).await?,
                (None, Some(as_of)) => engine.segment_as_of(rule, as_of).await?,
                (None, None) => engine.segment(rule).await?,
            };
            Ok(Segment::new(engine, segment))
        })
    }

    #[napi(catch_unwind)]
    pub fn segments_of<'env>(
        &self,
        env: &'env Env,
        user: UserKey,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, Vec<String>>> {
        let user = key(user)?;
        self.start(env, call, |engine| async move { engine.segments_of(user).await })
    }

    #[napi(catch_unwind)]
    pub fn overlap<'env>(
        &self,
        env: &'env Env,
        segments: Vec<Named>,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let segments = rule_refs(segments);
        self.start(env, call, |engine| async move { json(&engine.overlap(segments).await?) })
    }

    #[napi(catch_unwind)]
    pub fn changes<'env>(
        &self,
        env: &'env Env,
        since_run: i64,
        runs: i64,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, Feed>> {
        let runs = count(runs)?;
        self.start(env, call, move |engine| async move {
            let feed = engine.changes(since_run, runs).await?;
            let (about, name) = (json(&feed)?, engine.key_name());
            let keys = feed.changes.into_iter().flat_map(|change| {
                [Keys::new(name.clone(), change.entered), Keys::new(name.clone(), change.exited)]
            });
            Ok(Feed { about, keys: keys.map(Some).collect() })
        })
    }
}

/// Changes of segments.
#[napi]
pub struct Feed {
    about: String,
    keys: Vec<Option<Keys>>,
}

#[napi]
impl Feed {
    /// The feed without its keys, as JSON.
    #[napi(catch_unwind)]
    pub fn about(&self) -> napi::Result<String> {
        Ok(self.about.clone())
    }

    /// The keys, once: of each change who entered and who left, one after the other.
    #[napi(catch_unwind)]
    pub fn take(&mut self, at: u32) -> napi::Result<Option<Keys>> {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        Ok(self.keys.get_mut(at).and_then(Option::take))
    }
}
