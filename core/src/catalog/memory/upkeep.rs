//! Keeping house in memory.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use super::{MemoryCatalog, State, length, no_rule};
use crate::catalog::{CatalogUpkeep, Check, Dropped, Erased, StoredMembers, VersionRow, stored};
use crate::error::{Code, Error, Result};
use crate::model::{Key, KeyColumn};
use crate::segment::{bitmap, bytes_of, combined};

impl State {
    fn drop_versions(&mut self, rule_id: i64, before: i64) -> Result<Dropped> {
        let Some(versions) = self.versions.get_mut(&rule_id) else { return Ok(Dropped::default()) };
        let current = versions.last().map_or(0, |version| version.version);
        let stays = versions.partition_point(|version| version.version < before.min(current));
        let dropped: BTreeSet<i64> = versions.drain(..stays).map(|v| v.members_id).collect();
        let kept: BTreeSet<i64> = versions.iter().map(|v| v.members_id).collect();
        if let Some(first) = kept.first() {
            self.make_whole(*first, &kept)?;
        }
        let gone: Vec<&i64> = dropped.difference(&kept).collect();
        gone.iter().for_each(|id| drop(self.members.remove(id)));
        self.settle(rule_id);
        Ok(Dropped { versions: counted(stays), bitmaps: counted(gone.len()) })
    }

    /// Makes members whole, and all that lean on them lean on that.
    fn make_whole(&mut self, first: i64, kept: &BTreeSet<i64>) -> Result<()> {
        let bitmaps = self.members.get(&first).cloned().unwrap_or_default();
        let [whole, differences @ ..] = bitmaps.as_slice() else { return Ok(()) };
        if differences.is_empty() {
            return Ok(());
        }
        let stored = StoredMembers {
            whole: whole.to_vec(),
            differences: differences.iter().map(|bytes| bytes.to_vec()).collect(),
        };
        let whole = Arc::new(bytes_of(&combined(&stored)?)?);
        for id in kept {
            let Some(of_version) = self.members.get_mut(id) else { continue };
            let same = |(one, other): (&Arc<Vec<u8>>, &Arc<Vec<u8>>)| Arc::ptr_eq(one, other);
            if of_version.len() >= bitmaps.len() && of_version.iter().zip(&bitmaps).all(same) {
                of_version.splice(..bitmaps.len(), [Arc::clone(&whole)]);
            }
        }
        Ok(())
    }

    /// Counts anew as how many differences each version of a rule is kept.
    fn settle(&mut self, rule_id: i64) {
        for version in self.versions.get_mut(&rule_id).into_iter().flatten() {
            let bitmaps = self.members.get(&version.members_id);
            let differences = bitmaps.into_iter().flatten().skip(1);
            version.differences = length(differences.clone().count());
            version.difference_bytes = differences.map(|bytes| length(bytes.len())).sum();
        }
        let current = self.current(rule_id).cloned();
        if let Some(segment) = self.segments.get_mut(&rule_id) {
            segment.current = current;
        }
    }

    fn drop_runs(&mut self, before: i64) -> u64 {
        let versions = self.versions.values().flatten();
        let named: BTreeSet<i64> = versions.map(|version| version.run_id).collect();
        let there = self.runs.len();
        self.runs.retain(|run| run.id >= before || named.contains(&run.id));
        counted(there - self.runs.len())
    }
}

/// A bitmap without a user.
struct Without {
    _before: Arc<Vec<u8>>,
    now: Arc<Vec<u8>>,
    had: bool,
}

/// Forgetting.
impl State {
    fn forget(&mut self, key: &Key) -> Result<Erased> {
        let Some(keys) = &self.keys else { return Ok(Erased::default()) };
        let Some(place) = stored::places(keys, key).next() else { return Ok(Erased::default()) };
        let ordinal = u32::try_from(place).unwrap_or(u32::MAX);
        self.keys = Some(stored::without(keys, std::iter::once(ordinal)));
        self.forgotten.push(ordinal);
        let had = self.without(ordinal)?;
        let mut erased = Erased { known: true, ..Erased::default() };
        let rules: Vec<i64> = self.versions.keys().copied().collect();
        for rule in rules {
            let versions = self.correct(rule, &had);
            erased.versions += versions;
            erased.segments += u64::from(versions > 0);
            self.settle(rule);
            if let Some(segment) = self.segments.get_mut(&rule) {
                segment.row_count = segment.current.as_ref().map_or(0, |v| v.row_count);
                segment.basis = Some("null".to_owned());
                segment.cutoffs = Some("{}".to_owned());
            }
        }
        Ok(erased)
    }

    /// Takes the user out of every bitmap, and says whose members the user was one of.
    fn without(&mut self, ordinal: u32) -> Result<BTreeSet<i64>> {
        // By where the bytes are, which are kept until the end so that no others come there.
        let mut done: HashMap<*const Vec<u8>, Without> = HashMap::new();
        let mut had = BTreeSet::new();
        for (id, bitmaps) in &mut self.members {
            let mut is_member = false;
            for bytes in bitmaps {
                let known = match done.entry(Arc::as_ptr(bytes)) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => {
                        let mut users = bitmap(bytes)?;
                        let had = users.remove(ordinal);
                        let before = Arc::clone(bytes);
                        let now = if had { Arc::new(bytes_of(&users)?) } else { before.clone() };
                        new.insert(Without { _before: before, now, had })
                    }
                };
                is_member ^= known.had;
                *bytes = Arc::clone(&known.now);
            }
            if is_member {
                had.insert(*id);
            }
        }
        Ok(had)
    }

    /// Counts the versions of a rule's segment anew, and how many had the user.
    fn correct(&mut self, rule: i64, had: &BTreeSet<i64>) -> u64 {
        let mut found = 0;
        let mut before: Option<(i64, bool)> = None;
        for version in self.versions.get_mut(&rule).into_iter().flatten() {
            let has = had.contains(&version.members_id);
            let had_before = match before {
                _ if version.version == 1 => Some(false),
                Some((number, had)) if number + 1 == version.version => Some(had),
                _ => None,
            };
            before = Some((version.version, has));
            version.row_count -= i64::from(has);
            version.entered -= i64::from(has && had_before == Some(false));
            version.exited -= i64::from(!has && had_before == Some(true));
            version.entered = version.entered.clamp(0, version.row_count.max(0));
            version.exited = version.exited.max(0);
            found += u64::from(has);
        }
        found
    }
}

fn counted(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl CatalogUpkeep for MemoryCatalog {
    fn check(&self) -> Result<Check> {
        let mut check = Check::default();
        check.saw("keys", self.state().keys.as_ref().map_or(0, KeyColumn::len));
        Ok(check)
    }

    fn drop_versions(&self, rule_id: i64, before: i64) -> Result<Dropped> {
        self.change(|state| state.drop_versions(rule_id, before))
    }

    fn drop_runs(&self, before: i64) -> Result<u64> {
        self.change(|state| Ok(state.drop_runs(before)))
    }

    fn shrink(&self) -> Result<u64> {
        Ok(0)
    }

    fn bytes(&self) -> u64 {
        0
    }

    fn backup(&self, _: &Path) -> Result<u64> {
        Err(Error::new(Code::Unsupported, "a catalog in memory has no file to copy"))
    }

    fn forget(&self, key: &Key) -> Result<Erased> {
        self.change(|state| state.forget(key))
    }

    fn forgotten(&self, from: usize) -> Result<Vec<u32>> {
        Ok(self.state().forgotten.get(from..).unwrap_or_default().to_vec())
    }

    fn versions_after(&self, run_id: i64, runs: i64) -> Result<Vec<(i64, VersionRow)>> {
        let state = self.state();
        let mut by_run: BTreeMap<i64, Vec<(i64, VersionRow)>> = BTreeMap::new();
        for (rule, versions) in &state.versions {
            for version in versions.iter().filter(|version| version.run_id > run_id) {
                by_run.entry(version.run_id).or_default().push((*rule, version.clone()));
            }
        }
        let runs = usize::try_from(runs).unwrap_or(0);
        Ok(by_run.into_values().take(runs).flatten().collect())
    }

    fn max_changes(&self) -> Result<BTreeMap<i64, f64>> {
        Ok(self.state().max_changes.clone())
    }

    fn set_max_change(&self, rule_id: i64, fraction: Option<f64>) -> Result<()> {
        self.change(|state| {
            if !state.rules.contains_key(&rule_id) {
                return Err(no_rule(rule_id));
            }
            match fraction {
                Some(fraction) => drop(state.max_changes.insert(rule_id, fraction)),
                None => drop(state.max_changes.remove(&rule_id)),
            }
            Ok(())
        })
    }
}
