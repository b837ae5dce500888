//! Leases, schedules and the queue of the catalog in memory.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::memory::State;
use super::{
    Lease, LeaseRow, Leased, NewLease, NewRun, NewSegment, Published, QueuedRow, ScheduleRow,
    Settled, stored,
};
use crate::error::Result;

#[derive(Clone, Debug, Default)]
pub(super) struct Leases {
    fence: i64,
    /// By rule.
    leases: BTreeMap<i64, LeaseRow>,
    /// By rule.
    schedules: BTreeMap<i64, ScheduleRow>,
    /// By the id of the run.
    queue: BTreeMap<i64, QueuedRow>,
    /// Which run a queued one became, where it has another id.
    became: BTreeMap<i64, i64>,
}

impl Leases {
    pub(super) fn lease(&mut self, wanted: &NewLease) -> Leased {
        let held: Vec<LeaseRow> = wanted
            .rules
            .iter()
            .filter_map(|rule| self.leases.get(rule))
            .filter(|row| row.keeps_out(wanted))
            .cloned()
            .collect();
        if !held.is_empty() {
            return Leased::Held(held);
        }
        self.fence += 1;
        let at = stored::micros(wanted.at);
        for rule_id in wanted.rules.iter().copied() {
            let row = LeaseRow {
                rule_id,
                owner: wanted.owner.clone(),
                fence: self.fence,
                taken_at: at,
                renewed_at: at,
                expires_at: stored::later(at, wanted.duration),
            };
            self.leases.insert(rule_id, row);
        }
        Leased::Given(Lease {
            owner: wanted.owner.clone(),
            fence: self.fence,
            rules: wanted.rules.clone(),
            duration: wanted.duration,
        })
    }

    fn has(&self, lease: &Lease, rule: i64) -> bool {
        let row = self.leases.get(&rule);
        row.is_some_and(|row| row.owner == lease.owner && row.fence == lease.fence)
    }

    pub(super) fn check(&self, lease: &Lease, rules: impl IntoIterator<Item = i64>) -> Result<()> {
        let mut rules = lease.rules.iter().copied().chain(rules);
        match rules.find(|rule| !self.has(lease, *rule)) {
            Some(rule) => {
                Err(stored::lease_lost(rule, self.leases.get(&rule).map(|row| &row.owner)))
            }
            None => Ok(()),
        }
    }

    pub(super) fn renew(&mut self, lease: &Lease, at: DateTime<Utc>) -> bool {
        if self.check(lease, []).is_err() {
            return false;
        }
        let at = stored::micros(at);
        for rule in &lease.rules {
            if let Some(row) = self.leases.get_mut(rule) {
                row.renewed_at = at;
                row.expires_at = stored::later(at, lease.duration);
            }
        }
        true
    }

    pub(super) fn release(&mut self, lease: &Lease) {
        self.leases.retain(|_, row| row.owner != lease.owner || row.fence != lease.fence);
    }

    pub(super) fn rows(&self) -> Vec<LeaseRow> {
        self.leases.values().cloned().collect()
    }

    pub(super) fn keep_schedules(&mut self, lease: &Lease, rows: &[ScheduleRow]) -> Result<()> {
        self.check(lease, rows.iter().map(|row| row.rule_id))?;
        self.schedules.extend(rows.iter().map(|row| (row.rule_id, stored::schedule(row))));
        Ok(())
    }

    pub(super) fn schedules(&self) -> Vec<ScheduleRow> {
        self.schedules.values().cloned().collect()
    }

    pub(super) fn queued(&self) -> Vec<QueuedRow> {
        self.queue.values().cloned().collect()
    }

    /// The id of the run that was queued under that one.
    pub(super) fn became(&self, id: i64) -> i64 {
        self.became.get(&id).copied().unwrap_or(id)
    }

    /// A rule was deleted.
    pub(super) fn forget(&mut self, rule: i64) {
        self.schedules.remove(&rule);
        self.queue.retain(|_, queued| queued.rule_id != rule);
    }
}

impl State {
    pub(super) fn publish_under(
        &mut self,
        lease: &Lease,
        run: &NewRun,
        segments: &[NewSegment],
        settled: &Settled,
    ) -> Result<Published> {
        self.leases.check(lease, segments.iter().map(|segment| segment.rule_id))?;
        let queued: Vec<i64> = settled
            .queued
            .iter()
            .copied()
            .filter(|id| self.leases.queue.contains_key(id))
            .collect();
        let published = self.publish_run(run, segments, queued.iter().copied().min())?;
        let Published::Run(id) = published else { return Ok(published) };
        let rules = &self.rules;
        let schedules = settled.schedules.iter().filter(|row| rules.contains_key(&row.rule_id));
        self.leases.keep_schedules(lease, &schedules.cloned().collect::<Vec<_>>())?;
        for queued in queued {
            self.leases.queue.remove(&queued);
            if queued != id {
                self.leases.became.insert(queued, id);
            }
        }
        self.leases.release(lease);
        Ok(published)
    }

    pub(super) fn enqueue(&mut self, rule_id: i64, at: DateTime<Utc>) -> i64 {
        let waiting = self.leases.queue.values().rev().find(|queued| queued.rule_id == rule_id);
        let leased = self.leases.leases.get(&rule_id).map(|row| row.taken_at);
        if let Some(waiting) = waiting.filter(|row| leased.is_none_or(|at| at < row.requested_at)) {
            return waiting.run_id;
        }
        self.last_run += 1;
        let row = QueuedRow { run_id: self.last_run, rule_id, requested_at: stored::micros(at) };
        self.leases.queue.insert(row.run_id, row);
        self.last_run
    }
}
