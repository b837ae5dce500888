//! Ranks of a rule, selected before its plan is made: a rank looks at the whole population, whatever
//! stands beside it. What was selected takes the rank's place as a set of members.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono_tz::Tz;
use roaring::RoaringBitmap;

use crate::error::Result;
use crate::model::Key;
use crate::plan::{Cutoff, Flavor, RankColumns, Ranked, first_of};
use crate::predicate::{Predicate, Value};
use crate::segment::key_column;

use super::evaluate::{RunSources, Scanned, data_error};

/// Where ranks end, by the names of what they mean.
pub(super) type Cutoffs = BTreeMap<String, Cutoff>;

/// Ranks by what they say, each as what took its place.
pub(super) type Settled = HashMap<String, Predicate>;

/// The ranks of a run.
#[derive(Default)]
pub(super) struct Ranks {
    /// Those selected so far by what they say, each with the name of its members: below every
    /// rule's id.
    selected: HashMap<String, (i64, Cutoff)>,
    /// Where those end that some rule of the run has, evaluated now or in a stored segment that
    /// still holds.
    kept: Cutoffs,
}

impl Ranks {
    /// The ranks of a run that has these from stored segments.
    pub(super) fn with(kept: Cutoffs) -> Ranks {
        Ranks { selected: HashMap::new(), kept }
    }

    pub(super) fn cutoff(&self, rank: &Predicate, as_of: i64, zone: Tz) -> Option<&Cutoff> {
        self.selected.get(&what(&rank.said(), as_of, zone)).map(|(_, cutoff)| cutoff)
    }

    /// Where the ranks of a rule end, given what each says and the name of what it means. It may
    /// be unknown of a rule that was answered from segments.
    pub(super) fn cutoffs(
        &mut self,
        ranks: &BTreeMap<String, String>,
        as_of: i64,
        zone: Tz,
    ) -> Cutoffs {
        let mut found = Cutoffs::new();
        for (says, name) in ranks {
            if let Some((_, cutoff)) = self.selected.get(&what(says, as_of, zone)) {
                self.kept.insert(name.clone(), cutoff.clone());
            }
            found.extend(self.kept.get(name).map(|cutoff| (name.clone(), cutoff.clone())));
        }
        found
    }
}

/// What a rank says, when and where.
fn what(says: &str, as_of: i64, zone: Tz) -> String {
    format!("{as_of} {zone} {says}")
}

/// The predicate with every rank in it replaced by what took its place.
pub(super) fn without_ranks(predicate: &Predicate, settled: &Settled) -> Predicate {
    let each = |parts: &[Predicate]| -> Vec<Predicate> {
        parts.iter().map(|part| without_ranks(part, settled)).collect()
    };
    match predicate {
        Predicate::And(parts) => Predicate::all(each(parts)),
        Predicate::Or(parts) => Predicate::any(each(parts)),
        Predicate::Not(inner) => without_ranks(inner, settled).not(),
        Predicate::Rank { .. } => {
            settled.get(&predicate.said()).cloned().unwrap_or_else(|| predicate.clone())
        }
        other => other.clone(),
    }
}

impl RunSources {
    /// The predicate with every rank in it, and every part that is known, replaced by the members
    /// that it has.
    pub(super) async fn selected(
        &mut self,
        predicate: &Predicate,
        as_of: i64,
        zone: Tz,
        scanned: &mut Scanned,
    ) -> Result<Predicate> {
        let mut settled = Settled::new();
        for rank in predicate.ranks() {
            let name = self.select(rank, &settled, as_of, zone, scanned).await?;
            settled.insert(rank.said(), Predicate::Segments(BTreeSet::from([name])));
        }
        Ok(self.with_parts(&without_ranks(predicate, &settled), zone))
    }

    /// Selects a rank whose inner ranks are settled, unless that was done before; the name of its
    /// members.
    async fn select(
        &mut self,
        rank: &Predicate,
        settled: &Settled,
        as_of: i64,
        zone: Tz,
        scanned: &mut Scanned,
    ) -> Result<i64> {
        let what = what(&rank.said(), as_of, zone);
        if let Some((name, _)) = self.ranks.selected.get(&what) {
            return Ok(*name);
        }
        let mut members = RoaringBitmap::new();
        let mut cutoff = Cutoff::Everyone;
        if let Predicate::Rank { value, top, size, among } = rank {
            let among = among.as_ref().map(|among| without_ranks(among, settled));
            // Everyone is looked at, also where the rule at hand is about few.
            let (few, only) = (self.among.take(), self.only.take());
            let mut users = Vec::new();
            let ranked = self
                .ranked(value, among.as_ref(), as_of, zone, scanned, |value, key, ordinal| {
                    users.extend(ordinal.map(|ordinal| (value, key, ordinal)));
                })
                .await;
            (self.among, self.only) = (few, only);
            ranked?;
            let (first, end) = first_of(users, *top, *size);
            members.extend(first);
            cutoff = end;
        }
        let name = self.know(format!("rank {what}"), members).await?;
        self.ranks.selected.insert(what, (name, cutoff));
        Ok(name)
    }

    /// Hands over the users who can be ranked: their values, keys and, if they have one, ordinals.
    pub(super) async fn ranked(
        &self,
        value: &Value,
        among: Option<&Predicate>,
        as_of: i64,
        zone: Tz,
        scanned: &mut Scanned,
        mut take: impl FnMut(Ranked, Key, Option<u32>),
    ) -> Result<RankColumns> {
        let (plan, columns) = self.planner(as_of, zone, Flavor::Engine).ranked(value, among)?;
        let dictionary = Arc::clone(&self.shared);
        self.run(plan, scanned, |batch| {
            let Some((keys, rest)) = batch.columns().split_first() else { return Ok(()) };
            let keys = key_column(keys)?;
            let ordinals = dictionary.dictionary().ordinals(&keys);
            let values = columns.values(rest).map_err(|error| data_error(error, None))?;
            for (row, (value, ordinal)) in values.into_iter().zip(ordinals).enumerate() {
                if let (Some(value), Some(key)) = (value, keys.get(row)) {
                    take(value, key, ordinal);
                }
            }
            Ok(())
        })
        .await?;
        Ok(columns)
    }
}
