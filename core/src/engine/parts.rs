//! Parts of rules whose members are worked out before the rules themselves, for all rules of a run
//! at once: what is asked of events by the shared pass, what is asked of users by one reading of
//! them. A rule is then a combination of sets.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono_tz::Tz;
use roaring::RoaringBitmap;

use crate::error::Result;
use crate::plan::{Collector, PassPlan, PlanSources};
use crate::predicate::Predicate;

use super::evaluate::{RunSources, Scanned, data_error};
use super::pass;

/// The parts that are known by what they say, with the names of their members: below every rule's
/// id.
#[derive(Default)]
pub(super) struct Parts(HashMap<String, i64>);

/// What a part says; two parts that say the same have the same members in one run.
pub(super) fn part(predicate: &Predicate, zone: Tz) -> String {
    format!("{zone} {predicate:?}")
}

/// The same for some users only.
fn partly(part: &str) -> String {
    format!("partly {part}")
}

impl Parts {
    pub(super) fn name(&self, part: &str) -> Option<i64> {
        self.0.get(part).copied()
    }
}

impl RunSources {
    /// Keeps the members of a part under a name of its own.
    pub(super) fn know(&mut self, part: String, members: RoaringBitmap) -> i64 {
        let name = -1 - i64::try_from(self.parts.0.len()).unwrap_or(i64::MAX - 1);
        self.parts.0.insert(part, name);
        self.members.insert(name, Arc::new(members));
        name
    }

    /// The members of a predicate that consists of sets only, out of all users.
    pub(super) fn combined(
        &self,
        predicate: &Predicate,
        users: &RoaringBitmap,
    ) -> Option<RoaringBitmap> {
        let members = match predicate {
            Predicate::Const(true) => users.clone(),
            Predicate::Const(false) => RoaringBitmap::new(),
            Predicate::Not(inner) => users - self.combined(inner, users)?,
            Predicate::And(parts) => {
                let mut parts = parts.iter().map(|part| self.combined(part, users));
                let first = parts.next()??;
                parts.try_fold(first, |all, part| Some(all & part?))?
            }
            Predicate::Or(parts) => {
                let mut parts = parts.iter().map(|part| self.combined(part, users));
                parts.try_fold(RoaringBitmap::new(), |any, part| Some(any | part?))?
            }
            Predicate::Segments(rules) => {
                let mut sets = rules.iter().map(|rule| self.members.get(rule));
                sets.try_fold(RoaringBitmap::new(), |any, set| Some(any | set?.as_ref()))? & users
            }
            _ => return None,
        };
        Some(members)
    }

    /// The predicate with every part that is known replaced by its members.
    pub(super) fn with_parts(&self, predicate: &Predicate, zone: Tz) -> Predicate {
        let each = |parts: &[Predicate]| -> Vec<Predicate> {
            parts.iter().map(|part| self.with_parts(part, zone)).collect()
        };
        match predicate {
            Predicate::And(parts) => Predicate::all(each(parts)),
            Predicate::Or(parts) => Predicate::any(each(parts)),
            Predicate::Not(inner) => self.with_parts(inner, zone).not(),
            leaf => match self.known_part(&part(leaf, zone)) {
                Some(name) => Predicate::Segments(BTreeSet::from([name])),
                None => leaf.clone(),
            },
        }
    }

    /// The name of a part for the rule at hand.
    fn known_part(&self, part: &str) -> Option<i64> {
        let partly = self.partly.then(|| self.parts.name(&partly(part))).flatten();
        partly.or_else(|| self.parts.name(part))
    }

    /// The plan of what predicates, each with its zone, ask of events, and the places in it of
    /// their parts.
    pub(super) fn collected(
        &self,
        predicates: &[(&Predicate, Tz)],
        as_of: i64,
    ) -> (PassPlan, HashMap<String, usize>) {
        let mut places = HashMap::new();
        let mut collector = Collector::new(&self.model, self as &dyn PlanSources, as_of);
        for (predicate, zone) in predicates {
            predicate.walk(&mut |node| {
                if let Ok(Some(place)) = collector.add(node, *zone) {
                    places.insert(part(node, *zone), place);
                }
            });
        }
        (collector.finish(), places)
    }

    /// Works out what these predicates ask of events, of all users or of some.
    pub(super) async fn share_events(
        &mut self,
        predicates: &[(&Predicate, Tz)],
        only: Option<&RoaringBitmap>,
        as_of: i64,
        scanned: &mut Scanned,
    ) -> Result<()> {
        let (plan, places) = self.collected(predicates, as_of);
        if plan.atoms == 0 {
            return Ok(());
        }
        let members = pass::run(self, plan, only, scanned).await;
        let members = members.map_err(|error| data_error(error, None))?;
        for (part, place) in places {
            if let Some(Some(members)) = members.get(place) {
                let part = if only.is_some() { partly(&part) } else { part };
                self.know(part, members.clone());
            }
        }
        Ok(())
    }
}
