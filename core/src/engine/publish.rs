//! The end of a run: what it computed becomes what readers see, in one transaction.

use std::collections::BTreeMap;

use roaring::RoaringBitmap;

use crate::catalog::{NewRun, NewSegment, Published, VersionRow};
use crate::error::{Code, Error, Problem, Result};
use crate::segment::{bitmap_of, bytes_of};

use super::refresh::{Done, Work};
use super::reuse::States;
use super::{Run, RunEvent, RunSegment, Shared};

impl Work {
    /// Publishes everything in one transaction. Rules that others changed meanwhile are left out,
    /// with those that were computed from them.
    pub(super) async fn publish(mut self, mut run: Run) -> Result<Run> {
        let after = self.shared.states(&self.model);
        loop {
            let mut segments = Vec::with_capacity(self.order.len());
            let mut versions = BTreeMap::new();
            run.segments.clear();
            for id in &self.order {
                let Some(done) = self.done.get(id) else { continue };
                let (new, report) = self.shared.new_segment(done, &self.states, &after).await?;
                versions.insert(*id, new.since_version + 1);
                segments.push(new);
                run.segments.push(report);
            }
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
            let publish = move |catalog: &dyn crate::Catalog| catalog.publish(&record, &segments);
            match self.shared.catalog(publish).await? {
                Published::Run(id) => {
                    run.id = id;
                    // What the report in the catalog could not know yet.
                    self.stages.done("publish");
                    (_, run.stages) = self.stages.so_far();
                    run.seconds = run.stages.values().sum();
                    self.remember(id, &versions).await;
                    self.tell(&RunEvent::Published { run_id: id });
                    return Ok(run);
                }
                Published::Stale(stale) => self.leave_out(&stale).await?,
            }
        }
    }

    /// Takes rules out of the publication whose wording is another by now; those whose segment
    /// alone has moved on are worked out against the new one.
    async fn leave_out(&mut self, stale: &[i64]) -> Result<()> {
        let rules = self.shared.rules().await?;
        for id in stale {
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
}

impl Shared {
    /// What is to be published of a rule, as a difference to its current segment.
    async fn new_segment(
        &self,
        done: &Done,
        before: &States,
        after: &States,
    ) -> Result<(NewSegment, RunSegment)> {
        let (states_before, states_after) = (before, after);
        let row = &done.parsed.row;
        let id = row.id;
        let current = self.catalog(move |catalog| catalog.segment(id)).await?;
        let current = current.and_then(|segment| segment.current);
        let before = match &current {
            Some(version) => self.bitmap(id, version).await?,
            None => RoaringBitmap::new(),
        };
        let members = done.members.as_ref();
        let (entered, exited) = ((members - &before).len(), (&before - members).len());
        let unchanged = current.is_some() && entered == 0 && exited == 0;
        let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let basis = done.basis.as_ref().map(|basis| basis.settled(states_before, states_after));
        let column_types = serde_json::to_string(&done.column_types).unwrap_or_default();
        let new = NewSegment {
            rule_id: id,
            rule_version: row.version,
            segment_name: row.text.rule_name.clone(),
            description: row.text.description.clone(),
            sql_query: done.sql.clone(),
            row_count: count(members.len()),
            entered: count(entered),
            exited: count(exited),
            members: if unchanged { None } else { Some(bytes_of(members)?) },
            since_version: current.map_or(0, |version| version.version),
            column_types,
            reused: serde_json::to_string(&done.reused).unwrap_or_default(),
            basis: serde_json::to_string(&basis).unwrap_or_default(),
            cutoffs: serde_json::to_string(&done.cutoffs).unwrap_or_default(),
        };
        let report = RunSegment {
            rule_id: id,
            segment_name: row.text.rule_name.clone(),
            row_count: members.len(),
            entered,
            exited,
            unmatched: done.unmatched,
            reused: done.reused.clone(),
            sql: done.sql.clone(),
        };
        Ok((new, report))
    }

    /// The members of a stored version.
    pub(super) async fn bitmap(&self, rule: i64, version: &VersionRow) -> Result<RoaringBitmap> {
        let id = version.members_id;
        let bytes = self.catalog(move |catalog| catalog.members(id)).await?;
        bitmap_of(&bytes, &format!("version {} of rule {rule}'s segment", version.version))
    }
}
