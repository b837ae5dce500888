//! A catalog that lasts as long as the process: for tests, notebooks and hosts that keep nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::memory_leases::Leases;
use super::{
    Catalog, Lease, LeaseRow, Leased, NewLease, NewMembers, NewRun, NewSegment, Page, Published,
    QueuedRow, RuleChange, RuleRow, RuleSet, RuleText, RuleVersion, RunRow, ScheduleRow,
    SegmentRow, Settled, StoredMembers, VersionRow, stored,
};
use crate::error::{Code, Error, Result};
use crate::model::{KeyColumn, KeyType};

mod upkeep;

/// A catalog in memory.
///
/// ```
/// use segmentry::{Catalog, MemoryCatalog};
/// let catalog = MemoryCatalog::new();
/// assert_eq!(catalog.rules().unwrap().next_id, 1);
/// ```
#[derive(Debug, Default)]
pub struct MemoryCatalog(Mutex<State>);

/// Everything that is kept. Bitmaps are shared, so that a copy to work on is cheap.
#[derive(Clone, Debug, Default)]
pub(super) struct State {
    revision: i64,
    last_rule: i64,
    pub(super) rules: BTreeMap<i64, RuleRow>,
    history: BTreeMap<i64, Vec<RuleVersion>>,
    last_segment: i64,
    /// By rule.
    segments: BTreeMap<i64, SegmentRow>,
    /// By rule.
    versions: BTreeMap<i64, Vec<VersionRow>>,
    last_members: i64,
    /// Each as its bitmaps, the whole one first.
    members: BTreeMap<i64, Vec<Arc<Vec<u8>>>>,
    pub(super) last_run: i64,
    /// Ascending by id.
    pub(super) runs: Vec<RunRow>,
    keys: Option<KeyColumn>,
    pub(super) leases: Leases,
    /// Ordinals, in the order in which they were forgotten.
    forgotten: Vec<u32>,
    /// By rule.
    max_changes: BTreeMap<i64, f64>,
}

impl MemoryCatalog {
    /// An empty catalog.
    #[must_use]
    pub fn new() -> Self {
        MemoryCatalog::default()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        // A state is only ever replaced whole, so one that a panicking thread left is sound.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes a copy, which becomes the state if all went well.
    pub(super) fn change<T>(&self, work: impl FnOnce(&mut State) -> Result<T>) -> Result<T> {
        let mut state = self.state();
        let mut copy = state.clone();
        let answer = work(&mut copy)?;
        *state = copy;
        Ok(answer)
    }
}

impl State {
    fn apply(&mut self, change: &RuleChange, at: DateTime<Utc>) -> Result<()> {
        match change {
            RuleChange::Insert { id, text } => {
                self.insert(*id, stored::wording(text.clone()), at)?
            }
            RuleChange::Update { id, text } => {
                self.update(*id, stored::wording(text.clone()), at)?
            }
            RuleChange::Delete { id } => self.delete(*id, at)?,
        }
        self.revision += 1;
        Ok(())
    }

    fn insert(&mut self, id: i64, text: RuleText, at: DateTime<Utc>) -> Result<()> {
        if id <= self.last_rule {
            return Err(internal(format!("the rule id {id} was given before")));
        }
        self.check_name(id, &text.rule_name)?;
        self.last_rule = id;
        self.remember(id, 1, at, Some(text.clone()));
        let row = RuleRow { id, version: 1, created_at: Some(at), updated_at: Some(at), text };
        self.rules.insert(id, row);
        Ok(())
    }

    fn update(&mut self, id: i64, text: RuleText, at: DateTime<Utc>) -> Result<()> {
        let old = self.rules.get(&id).ok_or_else(|| no_rule(id))?;
        if old.text.rule_name != text.rule_name {
            self.check_name(id, &text.rule_name)?;
        }
        let row = self.rules.get_mut(&id).ok_or_else(|| no_rule(id))?;
        row.version += 1;
        row.updated_at = Some(at);
        row.text = text.clone();
        let version = row.version;
        self.remember(id, version, at, Some(text));
        Ok(())
    }

    fn delete(&mut self, id: i64, at: DateTime<Utc>) -> Result<()> {
        let row = self.rules.remove(&id).ok_or_else(|| no_rule(id))?;
        self.segments.remove(&id);
        self.max_changes.remove(&id);
        for version in self.versions.remove(&id).unwrap_or_default() {
            self.members.remove(&version.members_id);
        }
        self.leases.forget(id);
        self.remember(id, row.version + 1, at, None);
        Ok(())
    }

    fn check_name(&self, id: i64, name: &str) -> Result<()> {
        let taken = |rule: &&RuleRow| rule.id != id && rule.text.rule_name == name;
        match self.rules.values().find(taken) {
            Some(rule) => Err(Error::new(
                Code::DuplicateName,
                format!("rule {} is called {name:?} already", rule.id),
            )),
            None => Ok(()),
        }
    }

    fn remember(&mut self, id: i64, version: i64, at: DateTime<Utc>, text: Option<RuleText>) {
        self.history.entry(id).or_default().push(RuleVersion { version, at, text });
    }

    fn current(&self, rule_id: i64) -> Option<&VersionRow> {
        self.versions.get(&rule_id).and_then(|versions| versions.last())
    }

    fn is_stale(&self, segment: &NewSegment) -> bool {
        let rule = self.rules.get(&segment.rule_id).map(|rule| rule.version);
        let since = self.current(segment.rule_id).map_or(0, |current| current.version);
        let forgotten = length(self.forgotten.len());
        rule != Some(segment.rule_version)
            || since != segment.since_version
            || forgotten != segment.forgotten
    }

    /// Publishes a run, under an id that was given before or a new one.
    pub(super) fn publish_run(
        &mut self,
        run: &NewRun,
        segments: &[NewSegment],
        id: Option<i64>,
    ) -> Result<Published> {
        let mut rules = BTreeSet::new();
        if let Some(twice) = segments.iter().find(|segment| !rules.insert(segment.rule_id)) {
            return Err(internal(format!("rule {} is in one run twice", twice.rule_id)));
        }
        let stale: BTreeSet<i64> = segments
            .iter()
            .filter(|segment| self.is_stale(segment))
            .map(|segment| segment.rule_id)
            .collect();
        if !stale.is_empty() {
            return Ok(Published::Stale(stale.into_iter().collect()));
        }
        let id = id.unwrap_or(self.last_run + 1);
        self.last_run = self.last_run.max(id);
        let run = stored::run(run);
        segments.iter().try_for_each(|segment| self.publish(&run, id, segment))?;
        let place = self.runs.partition_point(|before| before.id < id);
        self.runs.insert(place, RunRow { id, run });
        Ok(Published::Run(id))
    }

    fn publish(&mut self, run: &NewRun, run_id: i64, new: &NewSegment) -> Result<()> {
        let members_id = self.keep_members(new)?;
        let differences = self.members.get(&members_id).into_iter().flatten().skip(1);
        let version = VersionRow {
            version: new.since_version + 1,
            rule_version: new.rule_version,
            as_of: run.as_of,
            run_id,
            row_count: new.row_count,
            entered: new.entered,
            exited: new.exited,
            members_id,
            differences: length(differences.clone().count()),
            difference_bytes: differences.map(|bytes| length(bytes.len())).sum(),
        };
        self.versions.entry(new.rule_id).or_default().push(version.clone());
        let id = match self.segments.get(&new.rule_id) {
            Some(segment) => segment.id,
            None => {
                self.last_segment += 1;
                self.last_segment
            }
        };
        let row = SegmentRow {
            id,
            rule_id: new.rule_id,
            segment_name: new.segment_name.clone(),
            description: new.description.clone().filter(|text| !text.is_empty()),
            table_name: format!("segment_output_{}", new.rule_id),
            row_count: new.row_count,
            sql_query: Some(new.sql_query.clone()),
            last_refreshed_at: Some(run.finished_at),
            current: Some(version),
            column_types: Some(new.column_types.clone()),
            reused: Some(new.reused.clone()),
            basis: Some(new.basis.clone()),
            cutoffs: Some(new.cutoffs.clone()),
        };
        self.segments.insert(new.rule_id, row);
        Ok(())
    }

    fn keep_members(&mut self, new: &NewSegment) -> Result<i64> {
        let current = self.current(new.rule_id).map(|current| current.members_id);
        let current = current.ok_or_else(|| stored::no_members(new.rule_id));
        let bitmaps = match &new.members {
            NewMembers::Unchanged => return current,
            NewMembers::Whole(whole) => vec![Arc::new(whole.clone())],
            NewMembers::Difference(difference) => {
                let before = self.members.get(&current?).cloned().unwrap_or_default();
                before.into_iter().chain([Arc::new(difference.clone())]).collect()
            }
        };
        self.last_members += 1;
        self.members.insert(self.last_members, bitmaps);
        Ok(self.last_members)
    }
}

impl Catalog for MemoryCatalog {
    fn location(&self) -> String {
        ":memory:".to_owned()
    }

    fn revision(&self) -> Result<i64> {
        Ok(self.state().revision)
    }

    fn rules(&self) -> Result<RuleSet> {
        let state = self.state();
        Ok(RuleSet {
            revision: state.revision,
            next_id: state.last_rule.saturating_add(1),
            rules: state.rules.values().cloned().collect(),
        })
    }

    fn change_rules(
        &self,
        revision: i64,
        changes: &[RuleChange],
        at: DateTime<Utc>,
    ) -> Result<bool> {
        self.change(|state| {
            if state.revision != revision {
                return Ok(false);
            }
            changes.iter().try_for_each(|change| state.apply(change, stored::micros(at)))?;
            Ok(true)
        })
    }

    fn rule_history(&self, id: i64) -> Result<Vec<RuleVersion>> {
        Ok(self.state().history.get(&id).cloned().unwrap_or_default())
    }

    fn key_type(&self) -> Result<Option<KeyType>> {
        Ok(self.state().keys.as_ref().map(KeyColumn::key_type))
    }

    fn keys(&self, from: u32) -> Result<Option<KeyColumn>> {
        let keys = self.state().keys.clone();
        let from = from as usize;
        Ok(keys.filter(|keys| from < keys.len()).map(|keys| stored::slice(&keys, from..keys.len())))
    }

    fn append_keys(&self, count: u32, keys: &KeyColumn) -> Result<bool> {
        let mut state = self.state();
        let old = state.keys.clone().unwrap_or_else(|| KeyColumn::empty(keys.key_type()));
        stored::check_key_type(old.key_type(), keys.key_type())?;
        let there = old.len();
        if there > count as usize {
            return Ok(false);
        }
        if there < count as usize {
            return Err(internal(format!("{count} keys were expected, {there} are there")));
        }
        stored::check_key_count(there, keys.len())?;
        if !keys.is_empty() {
            state.keys = Some(stored::join(&old, keys)?);
        }
        Ok(true)
    }

    fn publish(&self, run: &NewRun, segments: &[NewSegment]) -> Result<Published> {
        self.change(|state| state.publish_run(run, segments, None))
    }

    fn lease(&self, wanted: &NewLease) -> Result<Leased> {
        self.change(|state| Ok(state.leases.lease(wanted)))
    }

    fn renew(&self, lease: &Lease, at: DateTime<Utc>) -> Result<bool> {
        self.change(|state| Ok(state.leases.renew(lease, at)))
    }

    fn release(&self, lease: &Lease) -> Result<()> {
        self.change(|state| {
            state.leases.release(lease);
            Ok(())
        })
    }

    fn leases(&self) -> Result<Vec<LeaseRow>> {
        Ok(self.state().leases.rows())
    }

    fn publish_under(
        &self,
        lease: &Lease,
        run: &NewRun,
        segments: &[NewSegment],
        settled: &Settled,
    ) -> Result<Published> {
        self.change(|state| state.publish_under(lease, run, segments, settled))
    }

    fn keep_schedules(&self, lease: &Lease, schedules: &[ScheduleRow]) -> Result<()> {
        self.change(|state| state.leases.keep_schedules(lease, schedules))
    }

    fn schedules(&self) -> Result<Vec<ScheduleRow>> {
        Ok(self.state().leases.schedules())
    }

    fn enqueue(&self, rule_id: i64, at: DateTime<Utc>) -> Result<i64> {
        self.change(|state| Ok(state.enqueue(rule_id, at)))
    }

    fn queued(&self) -> Result<Vec<QueuedRow>> {
        Ok(self.state().leases.queued())
    }

    fn runs(&self, page: &Page) -> Result<(Vec<RunRow>, i64)> {
        let state = self.state();
        Ok((part(state.runs.iter().rev(), page), length(state.runs.len())))
    }

    fn run(&self, id: i64) -> Result<Option<RunRow>> {
        let state = self.state();
        let id = state.leases.became(id);
        Ok(state.runs.iter().find(|run| run.id == id).cloned())
    }

    fn segments(&self, page: &Page) -> Result<(Vec<SegmentRow>, i64)> {
        let state = self.state();
        let wanted = page.search.as_deref().unwrap_or_default().to_ascii_lowercase();
        let mut found: Vec<&SegmentRow> = state
            .segments
            .values()
            .filter(|segment| segment.segment_name.to_ascii_lowercase().contains(&wanted))
            .collect();
        found.sort_by_key(|segment| segment.id);
        let count = length(found.len());
        Ok((part(found.into_iter(), page), count))
    }

    fn segment(&self, rule_id: i64) -> Result<Option<SegmentRow>> {
        Ok(self.state().segments.get(&rule_id).cloned())
    }

    fn versions(&self, rule_id: i64) -> Result<Vec<VersionRow>> {
        Ok(self.state().versions.get(&rule_id).cloned().unwrap_or_default())
    }

    fn members(&self, members_id: i64) -> Result<StoredMembers> {
        let bitmaps = self.state().members.get(&members_id).cloned();
        let mut bitmaps = bitmaps.unwrap_or_default().into_iter().map(Arc::unwrap_or_clone);
        let whole = bitmaps.next().ok_or_else(|| {
            Error::new(Code::NotFound, format!("there are no members {members_id} any more"))
        })?;
        Ok(StoredMembers { whole, differences: bitmaps.collect() })
    }
}

fn part<'a, T: Clone + 'a>(rows: impl Iterator<Item = &'a T>, page: &Page) -> Vec<T> {
    let size = |number: i64| usize::try_from(number.max(0)).unwrap_or(usize::MAX);
    rows.skip(size(page.offset)).take(size(page.limit)).cloned().collect()
}

fn length(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn no_rule(id: i64) -> Error {
    Error::new(Code::NotFound, format!("there is no rule {id}"))
}

fn internal(message: String) -> Error {
    Error::new(Code::Internal, message)
}
