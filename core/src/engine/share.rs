//! What the rules of a run share: parts of them are worked out together, and only for users for
//! whom something has changed where the profile store tells who these are.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono_tz::Tz;
use roaring::RoaringBitmap;
use tracing::Instrument;

use crate::error::Code;
use crate::predicate::Predicate;
use crate::store::{ProfileStore, Version};

use super::Evaluation;
use super::profile::{Asked, StoredTables, is_many};
use super::refresh::stage_span;
use super::reuse::Bound;
use super::work::Work;

impl Work {
    /// Works out together what the rules ask that no segment answers.
    pub(super) async fn share(&mut self, bound: &Bound, evaluation: Evaluation, incremental: bool) {
        let rules = self.plans.iter().filter_map(|(id, plan)| {
            let zone = bound.get(id)?.as_ref().ok()?.zone;
            Some((*id, plan.answer.rest.clone()?, zone))
        });
        let rules: Vec<(i64, Predicate, Tz)> = rules.collect();
        // What is asked of users alone is a plan of one reading of them for a single rule.
        let on_events = || rules.iter().any(|(_, rest, _)| asks_of_events(rest));
        let together = match evaluation {
            Evaluation::Auto => rules.len() > 1 || on_events() || self.shared.store.is_some(),
            Evaluation::Shared => true,
            Evaluation::Separate => false,
        };
        if !together {
            return;
        }
        if let Err(Code::Damaged) = self.share_events(&rules, bound, incremental).await
            && let Some(store) = self.shared.store.clone()
        {
            tracing::warn!("the profile store is damaged and made anew");
            self.since = None;
            self.sources.stored = StoredTables::default();
            if store.discard().is_ok() {
                let _ = self.share_events(&rules, bound, incremental).await;
            }
        }
        self.enter("users");
        let all: Vec<_> = rules.iter().map(|(_, rest, zone)| (rest, *zone)).collect();
        let (as_of, population) = (self.as_of.timestamp_micros(), &self.population);
        let users = self.sources.share_users(&all, population, as_of);
        if let Err(error) = users.instrument(stage_span("users")).await {
            tracing::warn!(code = %error.code(), "nothing shared of what is asked of users");
        }
        self.stages.done("users");
    }

    /// Works out what the rules ask of events. Whatever goes wrong here, rules are evaluated by
    /// plans of their own, which tell whose fault it is.
    async fn share_events(
        &mut self,
        rules: &[(i64, Predicate, Tz)],
        bound: &Bound,
        incremental: bool,
    ) -> Result<(), Code> {
        if let Some(store) = self.shared.store.clone() {
            self.enter("store");
            self.look_back(&store, bound, incremental).instrument(stage_span("store")).await;
            self.stages.done("store");
        }
        let (mut partly, mut wholly) = (Vec::new(), Vec::new());
        for (id, rest, zone) in rules {
            if self.keeps(*id) { &mut partly } else { &mut wholly }.push((rest, *zone));
        }
        self.enter("events");
        let span = stage_span("events");
        let (as_of, scanned) = (self.as_of.timestamp_micros(), &mut self.scanned);
        let events = self.sources.share_events(&wholly, None, as_of, scanned);
        let mut shared = events.instrument(span.clone()).await;
        if let Some(since) = &self.since
            && shared.is_ok()
        {
            let events = self.sources.share_events(&partly, Some(&since.dirty), as_of, scanned);
            shared = events.instrument(span).await;
        }
        self.stages.done("events");
        shared.map_err(|error| {
            tracing::warn!(code = %error.code(), "no shared pass");
            error.code()
        })
    }

    /// Brings the store up to date, and finds out what has changed since earlier runs.
    async fn look_back(&mut self, store: &ProfileStore, bound: &Bound, incremental: bool) {
        let as_of = self.as_of.timestamp_micros();
        let rules = bound.values().flatten();
        let rules = rules.filter_map(|rule| Some((rule.conditions.as_ref()?, rule.zone)));
        let (plan, _) = self.sources.collected(&rules.collect::<Vec<_>>(), as_of);
        let (started, listener) = (self.stages.started, &self.sources.listener);
        let stored =
            self.shared.stored_tables(&plan.tables, started, &mut self.scanned, listener).await;
        let asked = Asked {
            sources: &self.sources,
            model: &self.model,
            bound,
            population: &self.population,
            as_of,
            segments: &self.segments,
            before: &self.before,
            tables: &stored,
        };
        match asked.since(store, incremental).await {
            Ok(since) => {
                self.before
                    .extend(since.rules.iter().map(|(id, so_far)| (*id, Arc::clone(so_far))));
                self.since = Some(since);
            }
            Err(error) => tracing::warn!(%error, "nothing is known of earlier runs"),
        }
        self.sources.stored = stored;
        self.forget_if_many();
    }

    /// Where something has changed for many users, looking at all of them is less work.
    fn forget_if_many(&mut self) {
        let users = self.population.users.len();
        if let Some(since) = &mut self.since
            && is_many(since.dirty.len(), users)
        {
            since.rules.clear();
        }
    }

    /// Whether a rule is worked out for some users only.
    pub(super) fn keeps(&self, rule: i64) -> bool {
        self.since.as_ref().is_some_and(|since| since.rules.contains_key(&rule))
    }

    /// A rule's members, where those for whom nothing has changed keep their place.
    pub(super) fn kept(&self, rule: i64, members: RoaringBitmap) -> RoaringBitmap {
        let since = self.since.as_ref();
        match since.and_then(|since| Some((&since.dirty, since.rules.get(&rule)?))) {
            None => members,
            Some((dirty, so_far)) => {
                ((members & dirty) | (so_far.as_ref() - dirty)) & &self.population.users
            }
        }
    }

    pub(super) fn rules_incremental(&self) -> u64 {
        let kept = self.done.keys().filter(|id| self.keeps(**id)).count();
        u64::try_from(kept).unwrap_or(0)
    }

    /// How many users were looked at for the rules of the run.
    pub(super) fn users_evaluated(&self) -> u64 {
        let users = self.population.users.len();
        match &self.since {
            Some(since) if self.done.keys().all(|id| since.rules.contains_key(id)) => {
                since.dirty.intersection_len(&self.population.users)
            }
            _ => users,
        }
    }

    /// Lets later runs know of this one; that it is not known only costs time.
    pub(super) async fn remember(&mut self, run: i64, versions: &BTreeMap<i64, i64>) {
        let (Some(since), Some(store)) = (self.since.take(), self.shared.store.clone()) else {
            return;
        };
        let published = versions.iter().map(|(id, version)| {
            (*id, Version { version: *version, run, mark: since.mark.clone() })
        });
        let published = published.collect();
        let needs = versions.keys().filter_map(|id| {
            let needs = self.rules.needs(self.rules.get(*id)?);
            Some((*id, needs.into_iter().collect()))
        });
        let needs = needs.collect();
        let as_of = self.as_of.timestamp_micros();
        let remember = move || since.remember(&store, as_of, &published, &needs);
        match tokio::task::spawn_blocking(remember).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the run is not remembered"),
            Err(error) => tracing::warn!(%error, "the run is not remembered"),
        }
    }
}

fn asks_of_events(predicate: &Predicate) -> bool {
    let mut found = !predicate.metrics().is_empty();
    predicate.walk(&mut |node| found |= matches!(node, Predicate::Sequence(_)));
    found
}
