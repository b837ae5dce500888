//! Which rules of a run have to be worked out only for some users: those for whom anything that
//! the rule hangs on has changed since the run that its segment is from. The rest keep their bit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use roaring::RoaringBitmap;
use xxhash_rust::xxh3::xxh3_128;

use crate::catalog::SegmentRow;
use crate::error::{Code, Error, Result};
use crate::model::BoundModel;
use crate::plan::{Flavor, Planner};
use crate::predicate::{BoundRule, Predicate, Span};
use crate::store::{Base, ProfileStore, Read, Runs, UserStates, Version};

use super::super::evaluate::RunSources;
use super::super::members::Members;
use super::super::population::Population;
use super::super::reuse::{Bound, mark_of};
use super::dirty;
use super::users::hashes;
use super::{StoredTables, Tables};

/// What a run knows of those before it, and will be remembered by.
pub(in crate::engine) struct Since {
    /// The number that this run is remembered by.
    run: u64,
    /// The number of the last run when this one began.
    last: u64,
    users: UserStates,
    wordings: BTreeMap<i64, String>,
    /// A name that no other run has, of whatever catalog; the segments that it publishes have it.
    pub(in crate::engine) mark: String,
    /// The tables that rules ask about, of those rules that ask about stored ones only.
    read: BTreeMap<i64, Vec<Read>>,
    /// When tables were as their sources are.
    read_at: BTreeMap<Tables, i64>,
    /// The users that have to be looked at, and the rules that need no more, with their members so
    /// far.
    pub(in crate::engine) dirty: RoaringBitmap,
    pub(in crate::engine) rules: Members,
}

/// A digest of all that a rule says.
fn wording(model: &str, rule: &BoundRule) -> String {
    format!("{:032x}", xxh3_128(format!("{model} {rule:?}").as_bytes()))
}

/// What decides about the users of a run.
pub(in crate::engine) struct Asked<'a> {
    pub(in crate::engine) sources: &'a RunSources,
    pub(in crate::engine) model: &'a BoundModel,
    pub(in crate::engine) bound: &'a Bound,
    pub(in crate::engine) population: &'a Arc<Population>,
    /// Microseconds since 1970.
    pub(in crate::engine) as_of: i64,
    pub(in crate::engine) segments: &'a BTreeMap<i64, SegmentRow>,
    /// The members of those that have been read already.
    pub(in crate::engine) before: &'a Members,
    pub(in crate::engine) tables: &'a StoredTables,
}

impl Asked<'_> {
    /// What has changed since earlier runs; nothing is kept from them unless `incremental`.
    pub(in crate::engine) async fn since(
        &self,
        store: &ProfileStore,
        incremental: bool,
    ) -> Result<Since> {
        let manifest = store.manifest()?;
        let runs = manifest.runs;
        let run = runs.count + 1;
        let mut users = store.users(&runs).unwrap_or_default();
        let known: BTreeSet<String> = users.columns.keys().cloned().collect();
        let (count, population) =
            (self.sources.shared.dictionary().len(), Arc::clone(self.population));
        let hashed = tokio::task::spawn_blocking(move || hashes(&population, count)).await;
        let hashed = hashed.map_err(|error| {
            Error::new(Code::Internal, "hashing users was stopped").caused_by(error)
        })?;
        for (column, hashes) in hashed? {
            users.note(run, &column, hashes);
        }
        let model = format!("{:?}", self.model);
        let rules = self.bound.iter().filter_map(|(id, rule)| Some((*id, rule.as_ref().ok()?)));
        let rules: BTreeMap<i64, &BoundRule> = rules.collect();
        let wordings: BTreeMap<i64, String> =
            rules.iter().map(|(id, rule)| (*id, wording(&model, rule))).collect();
        let read = rules.iter().filter_map(|(id, rule)| Some((*id, self.read(rule)?)));
        let tables = self.tables.0.iter();
        let mut since = Since {
            run,
            last: runs.count,
            users,
            wordings,
            mark: store.prefix(run),
            read: read.collect(),
            read_at: tables.map(|(table, stored)| (table.clone(), stored.read_at)).collect(),
            dirty: RoaringBitmap::new(),
            rules: BTreeMap::new(),
        };
        if incremental {
            self.choose(&rules, &runs, &known, &mut since).await?;
        }
        Ok(since)
    }

    async fn choose(
        &self,
        rules: &BTreeMap<i64, &BoundRule>,
        runs: &Runs,
        known: &BTreeSet<String>,
        since: &mut Since,
    ) -> Result<()> {
        let mut chosen: BTreeMap<i64, &Base> = BTreeMap::new();
        for (id, rule) in rules {
            let Some(base) = runs.rules.get(id) else { continue };
            if since.wordings.get(id) == Some(&base.wording)
                && self.is_current(*id, &base.version)
                && base.segments.iter().all(|(id, version)| self.is_current(*id, version))
                && self.hangs_on_known(rule, base, known)
                && self.moved(rule, base).is_some()
            {
                chosen.insert(*id, base);
            }
        }
        // What hangs on a segment that is worked out anew may change for anyone.
        loop {
            let lost = chosen.keys().copied().find(|id| {
                let needs = rules.get(id).map(|rule| rule.ancestors()).unwrap_or_default();
                needs.iter().any(|needed| !chosen.contains_key(needed))
            });
            let Some(lost) = lost else { break };
            chosen.remove(&lost);
        }
        let mut tables: BTreeMap<Tables, (u64, Vec<Span>)> = BTreeMap::new();
        let mut oldest = u64::MAX;
        for (id, base) in &chosen {
            oldest = oldest.min(base.run);
            let Some(rule) = rules.get(id) else { continue };
            for table in self.tables_of(rule) {
                let then = generation(base, &table).unwrap_or(0);
                let (generation, spans) = tables.entry(table).or_insert((then, Vec::new()));
                *generation = then.min(*generation);
                spans.extend(self.moved(rule, base).unwrap_or_default());
            }
        }
        if chosen.is_empty() {
            return Ok(());
        }
        since.dirty = since.users.changed_since(oldest);
        let threads = self.sources.shared.config.target_partitions();
        for (table, (generation, spans)) in tables {
            let Some(stored) = self.tables.get(&table) else { continue };
            let bounds = self.planner().merged_bounds(&stored.time, &spans);
            let everyone = &self.population.users;
            let found = dirty::users(&stored.table, generation, &bounds, everyone, threads).await?;
            let Some(found) = found else { return Ok(()) };
            since.dirty |= found;
        }
        since.rules = self.members_so_far(chosen.keys()).await?;
        // A segment that can't be read takes those that hang on it with it.
        if chosen.keys().any(|id| !since.rules.contains_key(id)) {
            since.rules.clear();
        }
        Ok(())
    }

    fn planner(&self) -> Planner<'_> {
        self.sources.planner(self.as_of, chrono_tz::Tz::UTC, Flavor::Engine)
    }

    /// Whether a rule's current segment is that version.
    fn is_current(&self, rule: i64, then: &Version) -> bool {
        let segment = self.segments.get(&rule);
        let current = segment.and_then(|segment| segment.current.as_ref());
        current.is_some_and(|now| (now.version, now.run_id) == (then.version, then.run))
            && segment.and_then(mark_of).as_ref() == Some(&then.mark)
    }

    async fn members_so_far(&self, rules: impl Iterator<Item = &i64> + Clone) -> Result<Members> {
        let unread = rules.clone().filter(|id| !self.before.contains_key(id));
        let segments = unread.filter_map(|id| self.segments.get(id));
        let mut found = self.sources.shared.bitmaps(segments).await?;
        found.extend(rules.filter_map(|id| Some((*id, Arc::clone(self.before.get(id)?)))));
        Ok(found)
    }

    /// The tables that a rule asks about, as they are read; nothing if one is not stored.
    fn read(&self, rule: &BoundRule) -> Option<Vec<Read>> {
        let read = |table: Tables| {
            let generation = self.tables.get(&table)?.generation;
            let Tables { table, user, time } = table;
            Some(Read { table, user, time, generation })
        };
        self.tables_of(rule).into_iter().map(read).collect()
    }

    /// Whether the store knows what the rule hangs on since its base.
    fn hangs_on_known(&self, rule: &BoundRule, base: &Base, known: &BTreeSet<String>) -> bool {
        let predicates = rule.conditions.iter();
        let mut columns = predicates.flat_map(Predicate::columns);
        let users = known.contains(&self.model.key.name);
        users
            && columns
                .all(|column| column.table != self.model.table || known.contains(&column.name))
            && self.tables_of(rule).iter().all(|table| {
                let stored = self.tables.get(table);
                let then = generation(base, table);
                stored.zip(then).is_some_and(|(stored, then)| stored.since <= then)
            })
    }

    /// The event tables that a rule reads.
    fn tables_of(&self, rule: &BoundRule) -> BTreeSet<Tables> {
        let mut found = BTreeSet::new();
        if let Some(predicate) = &rule.conditions {
            for metric in predicate.metrics() {
                found.extend(metric.sources.iter().map(Tables::of));
            }
            predicate.walk(&mut |node| {
                if let Predicate::Sequence(sequence) = node {
                    let sources = sequence.steps.iter().flat_map(|step| &step.sources);
                    found.extend(sources.map(Tables::of));
                }
            });
        }
        found
    }

    /// Where events count otherwise than in a rule's base.
    fn moved(&self, rule: &BoundRule, base: &Base) -> Option<Vec<Span>> {
        let planner = self.sources.planner(self.as_of, rule.zone, Flavor::Engine);
        match &rule.conditions {
            Some(predicate) => planner.moved(predicate, base.as_of),
            None => Some(Vec::new()),
        }
    }
}

/// The generation in which a table was read for a rule's base.
fn generation(base: &Base, table: &Tables) -> Option<u64> {
    let of = |read: &&Read| {
        (&read.table, &read.user, &read.time) == (&table.table, &table.user, &table.time)
    };
    base.read.iter().find(of).map(|read| read.generation)
}

impl Since {
    /// Remembers this run: the versions that it published, each with the segments that its rule
    /// asks for.
    pub(in crate::engine) fn remember(
        self,
        store: &Arc<ProfileStore>,
        as_of: i64,
        published: &BTreeMap<i64, Version>,
        needs: &BTreeMap<i64, BTreeSet<i64>>,
    ) -> Result<()> {
        let writing = store.writing()?;
        let mut manifest = store.manifest()?;
        if manifest.runs.count != self.last {
            // Another process was faster; what it found is not known here.
            return Ok(());
        }
        manifest.generation += 1;
        let name = format!("{}.users", store.prefix(manifest.generation));
        for entry in &mut manifest.tables {
            if let Some(at) = self.read_at.get(&Tables::of_entry(entry)) {
                entry.read_at = entry.read_at.max(*at);
            }
        }
        let runs = &mut manifest.runs;
        runs.users = Some(store.write_users(name, &self.users)?);
        runs.count = self.run;
        for (id, version) in published {
            let segments = needs.get(id).into_iter().flatten();
            let segments = segments.map(|id| Some((*id, published.get(id)?.clone())));
            let (Some(segments), Some(wording), Some(read)) =
                (segments.collect::<Option<_>>(), self.wordings.get(id), self.read.get(id))
            else {
                runs.rules.remove(id);
                continue;
            };
            runs.rules.insert(
                *id,
                Base {
                    run: self.run,
                    wording: wording.clone(),
                    as_of,
                    version: version.clone(),
                    segments,
                    read: read.clone(),
                },
            );
        }
        store.commit(&manifest, &writing)
    }
}
