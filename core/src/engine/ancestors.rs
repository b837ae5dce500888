//! The segments that a rule asks for where there is no run to compute them: published ones as they
//! are, and those of disabled rules, which nothing keeps up to date, worked out for the occasion.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::AsArray;
use chrono_tz::Tz;
use roaring::RoaringBitmap;

use crate::catalog::Catalog;
use crate::error::{Error, Problem, Result};
use crate::model::{BoundModel, Key};
use crate::plan::Flavor;
use crate::predicate::{BoundRule, Predicate};

use super::cutoffs::{Kept, OneUser};
use super::evaluate::{RunSources, Scanned};
use super::members::{Members, read};
use super::population::Population;
use super::refresh::bind;
use super::rule_store::Rules;
use super::segments::no_segment;
use super::texts::whole;

/// The rules that a rule needs.
#[derive(Default)]
pub(super) struct Ancestors {
    /// Those whose segments are taken as they were last published.
    pub(super) published: BTreeSet<i64>,
    /// Those that are disabled, each after those that it needs.
    pub(super) disabled: Vec<(i64, BoundRule)>,
}

impl Ancestors {
    /// # Errors
    /// What is wrong with a disabled rule, which then can't be worked out.
    pub(super) fn of(bound: &BoundRule, rules: &Rules, model: &BoundModel) -> Result<Ancestors> {
        let mut published = BTreeSet::new();
        let mut disabled: BTreeMap<i64, BoundRule> = BTreeMap::new();
        let mut pending: Vec<i64> = bound.ancestors().into_iter().collect();
        while let Some(id) = pending.pop() {
            match (rules.get(id), disabled.entry(id)) {
                (Some(parsed), Entry::Vacant(place)) if !parsed.row.text.enabled => {
                    let found = bind(parsed, rules, model);
                    let found =
                        found.map_err(|found| of_rule(&parsed.row.text.rule_name, found))?;
                    pending.extend(found.ancestors());
                    place.insert(found);
                }
                (_, Entry::Vacant(_)) => drop(published.insert(id)),
                (_, Entry::Occupied(_)) => {}
            }
        }
        if disabled.is_empty() {
            return Ok(Ancestors { published, disabled: Vec::new() });
        }
        let order = rules.graph().order().into_iter();
        let ordered = order.filter_map(|id| Some((id, disabled.remove(&id)?))).collect();
        // Those on a cycle have no order; they are what they were before there was one.
        published.extend(disabled.into_keys());
        Ok(Ancestors { published, disabled: ordered })
    }

    /// What is asked of users by those that have to be worked out.
    pub(super) fn predicates(&self) -> impl Iterator<Item = &Predicate> {
        self.disabled.iter().filter_map(|(_, bound)| bound.conditions.as_ref())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.published.is_empty() && self.disabled.is_empty()
    }

    /// All of them.
    pub(super) fn ids(&self) -> impl Iterator<Item = i64> {
        self.published.iter().copied().chain(self.disabled.iter().map(|(id, _)| *id))
    }
}

/// Problems of another rule than the one at hand.
fn of_rule(name: &str, problems: Vec<Problem>) -> Error {
    let named = problems.into_iter().map(|problem| {
        let message = format!("rule {name:?}: {}", problem.message);
        Problem { message, ..problem }
    });
    Error::of(named.collect())
}

/// The members of a rule's current segment.
fn current(catalog: &dyn Catalog, rule: i64) -> Result<RoaringBitmap> {
    let version = catalog.segment(rule)?.and_then(|row| row.current);
    read(catalog, rule, &version.ok_or_else(|| no_segment(rule))?)
}

impl RunSources {
    /// Takes the ancestors' members out of all users.
    pub(super) async fn take_ancestors(
        &mut self,
        ancestors: &Ancestors,
        population: &Population,
        as_of: i64,
        scanned: &mut Scanned,
    ) -> Result<()> {
        let published = ancestors.published.clone();
        let members = self.shared.catalog(move |catalog| {
            let each = published.into_iter().map(|id| Ok((id, Arc::new(current(catalog, id)?))));
            each.collect::<Result<Members>>()
        });
        let members = members.await?;
        self.members.extend(members);
        for (id, bound) in &ancestors.disabled {
            let (whole, instant) = (whole(bound, &self.model), (as_of, bound.zone));
            let members = self.members_of(&whole, population, None, instant, scanned).await?;
            self.members.insert(*id, Arc::new(members));
        }
        Ok(())
    }

    /// Finds out of which ancestors one user is a member, given where the ranks of each disabled one
    /// end.
    pub(super) async fn ask_ancestors(
        &mut self,
        ancestors: &Ancestors,
        kept: Vec<Kept>,
        key: &Key,
        as_of: i64,
        scanned: &mut Scanned,
    ) -> Result<()> {
        if ancestors.is_empty() {
            return Ok(());
        }
        let ordinal = self.shared.dictionary().ordinal(key);
        let published = ancestors.published.clone();
        let told = self.shared.catalog(move |catalog| {
            let each = published.into_iter().map(|id| {
                let members = current(catalog, id)?;
                Ok((id, ordinal.is_some_and(|ordinal| members.contains(ordinal))))
            });
            each.collect::<Result<BTreeMap<i64, bool>>>()
        });
        self.told = told.await?;
        for ((id, bound), kept) in ancestors.disabled.iter().zip(kept) {
            let mut one = OneUser::new(key, kept);
            let whole = whole(bound, &self.model);
            let settled = self.settled_for(&whole, &mut one, as_of, bound.zone, scanned).await?;
            let holds = self.holds(&settled, key, (as_of, bound.zone), scanned).await?;
            self.told.insert(*id, holds);
        }
        Ok(())
    }

    /// Whether a predicate without ranks holds of one user.
    async fn holds(
        &mut self,
        predicate: &Predicate,
        key: &Key,
        (as_of, zone): (i64, Tz),
        scanned: &mut Scanned,
    ) -> Result<bool> {
        self.only = Some(key.clone());
        let plan = self.planner(as_of, zone, Flavor::Engine).truths(&[predicate])?;
        let mut holds = false;
        let told = self.run(plan, scanned, |batch| {
            holds |= batch.column(1).as_boolean().true_count() > 0;
            Ok(())
        });
        let told = told.await;
        self.only = None;
        told.map(|()| holds)
    }
}
