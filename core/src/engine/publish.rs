//! The end of a run: what it computed becomes what readers see, in one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use roaring::RoaringBitmap;
use tokio_util::sync::CancellationToken;

use crate::catalog::{Catalog, NewMembers, NewRun, NewSegment, Published, VersionRow};
use crate::error::{Code, Error, Problem, Result};
use crate::segment::bytes_of;

use super::leases::Held;
use super::members::{Compared, compare, read};
use super::ranks::Cutoffs;
use super::refresh::cancelled;
use super::reuse::States;
use super::settle::Settling;
use super::work::{Done, Work};
use super::{Run, RunEvent, RunSegment};

/// So often a publication is tried whose segments others have moved on meanwhile.
const MOST_ROUNDS: usize = 100;

impl Work {
    /// Publishes everything in one transaction. Rules that others changed meanwhile are left out,
    /// with those that were computed from them.
    pub(super) async fn publish(
        mut self,
        mut run: Run,
        cancel: &CancellationToken,
        held: &Held,
        settling: &Settling,
    ) -> Result<Run> {
        let after = self.shared.states(&self.model);
        let mut forgotten = self.population.forgotten;
        let mut ready = BTreeMap::new();
        let mut rounds = 0;
        loop {
            if cancel.is_cancelled() {
                return Err(cancelled());
            }
            rounds += 1;
            if rounds > MOST_ROUNDS {
                return Err(never_through());
            }
            self.make_ready(&mut ready, &after, forgotten).await?;
            let segments: Vec<NewSegment> =
                self.order.iter().filter_map(|id| ready.remove(id)).collect();
            let version = |new: &NewSegment| (new.rule_id, new.since_version + 1);
            let versions = segments.iter().map(version).collect();
            run.segments = segments.iter().filter_map(|new| self.report(new)).collect();
            run.failed.clone_from(&self.failed);
            run.skipped.clone_from(&self.skipped);
            self.stages.done("publish");
            let (finished, stages) = self.stages.so_far();
            run.stages = stages;
            run.seconds = run.stages.values().sum();
            let record = NewRun {
                as_of: run.as_of,
                started_at: self.stages.started,
                finished_at: finished,
                report: serde_json::to_string(&run).map_err(|error| {
                    Error::new(Code::Internal, "a report can't be written").caused_by(error)
                })?,
            };
            let (lease, settled) = (held.lease.clone(), settling.settle(&run, finished));
            // Until the transaction begins the run can be stopped, also by being dropped.
            let stopped = cancel.child_token();
            let _stops_when_dropped = stopped.clone().drop_guard();
            let publish = move |catalog: &dyn Catalog| match stopped.is_cancelled() {
                true => Err(cancelled()),
                false => {
                    Ok((catalog.publish_under(&lease, &record, &segments, &settled)?, segments))
                }
            };
            match self.shared.catalog(publish).await? {
                (Published::Run(id), _) => {
                    held.was_given_back();
                    run.id = id;
                    // What the report in the catalog could not know yet.
                    self.stages.done("publish");
                    (_, run.stages) = self.stages.so_far();
                    run.seconds = run.stages.values().sum();
                    self.remember(id, &versions).await;
                    self.tell(&RunEvent::Published { run_id: id });
                    self.shared.published.tell(&run);
                    return Ok(run);
                }
                (Published::Stale(stale), segments) => {
                    let sound = segments.into_iter().filter(|new| !stale.contains(&new.rule_id));
                    ready.extend(sound.map(|new| (new.rule_id, new)));
                    self.leave_out(&stale).await?;
                    forgotten = self.forget().await?;
                }
            }
        }
    }

    /// Takes rules out of the publication whose wording is another by now; those whose segment
    /// alone has moved on are worked out against the new one.
    async fn leave_out(&mut self, stale: &[i64]) -> Result<()> {
        let rules = self.shared.rules().await?;
        self.segments = self.shared.segment_rows().await?;
        for id in stale {
            self.before.remove(id);
            let version = self.done.get(id).map(|done| done.parsed.row.version);
            if rules.get(*id).map(|parsed| parsed.row.version) == version {
                continue;
            }
            self.done.remove(id);
            self.order.retain(|other| other != id);
            let message = "the rule was changed or deleted while it was refreshed";
            self.fail(*id, &[Problem::new(Code::StaleVersion, "", message)]);
        }
        // In order, so that what depends on what was just left out is seen to.
        for id in self.order.clone() {
            let missing = self.missing(id);
            if !missing.is_empty() {
                self.done.remove(&id);
                self.order.retain(|other| *other != id);
                self.skip(id, &missing);
            }
        }
        Ok(())
    }

    /// Takes out of all members who has been forgotten meanwhile, and says how many users have.
    async fn forget(&mut self) -> Result<usize> {
        self.shared.learn_keys().await?;
        let dictionary = self.shared.dictionary();
        if dictionary.forgotten() > self.population.forgotten {
            for done in self.done.values_mut() {
                done.members = Arc::new(done.members.as_ref() - dictionary.gone());
                // The sources may still have the user, who is a new one to them.
                done.cutoffs = Cutoffs::default();
                done.basis = None;
            }
        }
        Ok(dictionary.forgotten())
    }

    /// Adds what is to be published of the rules that are not ready yet, as differences to their
    /// current segments.
    async fn make_ready(
        &self,
        ready: &mut BTreeMap<i64, NewSegment>,
        after: &States,
        forgotten: usize,
    ) -> Result<()> {
        let pairs = self.order.iter().filter(|id| !ready.contains_key(id)).filter_map(|id| {
            Some(Pair {
                rule: *id,
                members: Arc::clone(&self.done.get(id)?.members),
                current: self.segments.get(id).and_then(|row| row.current.clone()),
                before: self.before.get(id).cloned(),
            })
        });
        let mark = self.since.as_ref().map(|since| &since.mark);
        let compare = |catalog: &dyn Catalog, pair: Pair| {
            let compared = pair.compare(catalog)?;
            Ok((pair, compared))
        };
        let compared = self.shared.catalog_on_all_threads(pairs.collect(), compare).await?;
        for (pair, compared) in compared {
            if let Some(done) = self.done.get(&pair.rule) {
                let since = pair.current.map_or(0, |version| version.version);
                let states = (&self.states, after, mark);
                let new = new_segment(done, since, compared, states);
                let forgotten = i64::try_from(forgotten).unwrap_or(i64::MAX);
                ready.insert(pair.rule, NewSegment { forgotten, ..new });
            }
        }
        Ok(())
    }

    fn report(&self, new: &NewSegment) -> Option<RunSegment> {
        let done = self.done.get(&new.rule_id)?;
        let count = |count: i64| u64::try_from(count).unwrap_or(0);
        Some(RunSegment {
            rule_id: new.rule_id,
            segment_name: new.segment_name.clone(),
            row_count: count(new.row_count),
            entered: count(new.entered),
            exited: count(new.exited),
            unmatched: done.unmatched,
            reused: done.reused.clone(),
            sql: done.sql.clone(),
        })
    }
}

/// Whatever moves on so often, or only looks so in a damaged catalog, is not waited for.
fn never_through() -> Error {
    let message = "the segments were others than they had been read as, again and again";
    let problem = Problem::new(Code::Busy, "", message);
    Error::from(problem.hint("try again later; if it stays so, see what `check` says"))
}

/// What is to be published of a rule.
fn new_segment(
    done: &Done,
    since_version: i64,
    compared: Compared,
    (before, after, mark): (&States, &States, Option<&String>),
) -> NewSegment {
    let row = &done.parsed.row;
    let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let basis = done.basis.as_ref().map(|basis| basis.settled(before, after, mark));
    NewSegment {
        rule_id: row.id,
        rule_version: row.version,
        segment_name: row.text.rule_name.clone(),
        description: row.text.description.clone(),
        sql_query: done.sql.clone(),
        row_count: count(done.members.len()),
        entered: count(compared.entered),
        exited: count(compared.exited),
        members: compared.members,
        since_version,
        column_types: serde_json::to_string(&done.column_types).unwrap_or_default(),
        reused: serde_json::to_string(&done.reused).unwrap_or_default(),
        basis: serde_json::to_string(&basis).unwrap_or_default(),
        cutoffs: serde_json::to_string(&done.cutoffs).unwrap_or_default(),
        forgotten: 0,
    }
}

/// A rule's members and its current segment.
struct Pair {
    rule: i64,
    members: Arc<RoaringBitmap>,
    current: Option<VersionRow>,
    /// The current segment's members, if they have been read already.
    before: Option<Arc<RoaringBitmap>>,
}

impl Pair {
    fn compare(&self, catalog: &dyn Catalog) -> Result<Compared> {
        let Some(version) = &self.current else { return compare(&self.members, None) };
        if let Some(before) = &self.before {
            return compare(&self.members, Some((before, version)));
        }
        match read(catalog, self.rule, version) {
            Ok(before) => compare(&self.members, Some((&before, version))),
            // What was damaged is replaced. Nobody is known to have stayed.
            Err(error) if error.code() == Code::Damaged => {
                tracing::warn!(rule = self.rule, %error, "a damaged segment is replaced");
                Ok(Compared {
                    entered: self.members.len(),
                    exited: u64::try_from(version.row_count).unwrap_or(0),
                    members: NewMembers::Whole(bytes_of(&self.members)?),
                })
            }
            Err(error) => Err(error),
        }
    }
}
