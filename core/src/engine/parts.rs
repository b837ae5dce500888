//! Parts of rules whose members are worked out before the rules themselves, for all rules of a run
//! at once: what is asked of events by the shared pass, what is asked of users by one reading of
//! them. A rule is then a combination of sets.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono_tz::Tz;
use roaring::RoaringBitmap;

use crate::error::{Code, Error, Result};
use crate::plan::{Collector, PassPlan, PlanSources};
use crate::predicate::Predicate;

use super::evaluate::{RunSources, Scanned, data_error};
use super::sets::Sets;
use super::{Shared, pass};

/// The parts that are known by what they say, and their members.
pub(super) struct Parts {
    /// The names of their members: below every rule's id.
    names: HashMap<String, i64>,
    /// Where the members of each name are, from the name -1 down.
    places: Vec<Place>,
    /// Those that were worked out one by one, then those of each pass.
    sets: Vec<Sets>,
}

/// Which sets, and the number among them.
#[derive(Clone, Copy)]
struct Place(usize, usize);

/// What a part says; two parts that say the same have the same members in one run.
pub(super) fn part(predicate: &Predicate, zone: Tz) -> String {
    format!("{zone} {predicate:?}")
}

/// The same for some users only.
fn partly(part: &str) -> String {
    format!("partly {part}")
}

impl Parts {
    /// None so far.
    pub(super) fn new(shared: &Shared) -> Self {
        let sets = vec![Sets::new(&shared.runtime, 0)];
        Parts { names: HashMap::new(), places: Vec::new(), sets }
    }

    pub(super) fn name(&self, part: &str) -> Option<i64> {
        self.names.get(part).copied()
    }

    fn keep(&mut self, part: String, place: Place) -> i64 {
        self.places.push(place);
        let name = i64::try_from(self.places.len()).map_or(i64::MIN, |count| -count);
        self.names.insert(part, name);
        name
    }

    /// The members of a name.
    fn members(&self, name: i64) -> Result<Option<Arc<RoaringBitmap>>> {
        let at = usize::try_from(-1 - i128::from(name)).ok();
        let Some(Place(sets, number)) = at.and_then(|at| self.places.get(at)) else {
            return Ok(None);
        };
        let members = self.sets.get(*sets).map_or(Ok(None), |sets| sets.get(*number));
        members.map_err(|error| data_error(error, None))
    }
}

impl RunSources {
    /// Keeps the members of a part under a name of its own.
    pub(super) async fn know(&mut self, part: String, members: RoaringBitmap) -> Result<i64> {
        let Some(sets) = self.parts.sets.first_mut() else {
            return Err(Error::new(Code::Internal, "there is nowhere to keep members"));
        };
        let number = sets.push(members).await.map_err(|error| data_error(error, None))?;
        Ok(self.parts.keep(part, Place(0, number)))
    }

    /// The members that a rule, or a part, has in this run.
    pub(super) fn set(&self, name: i64) -> Result<Option<Arc<RoaringBitmap>>> {
        match self.members.get(&name) {
            Some(members) => Ok(Some(Arc::clone(members))),
            None => self.parts.members(name),
        }
    }

    /// The members of a predicate that consists of sets only, out of all users.
    pub(super) fn combined(
        &self,
        predicate: &Predicate,
        users: &RoaringBitmap,
    ) -> Result<Option<RoaringBitmap>> {
        let mut found: Option<RoaringBitmap> = None;
        match predicate {
            Predicate::Const(true) => found = Some(users.clone()),
            Predicate::Const(false) => found = Some(RoaringBitmap::new()),
            Predicate::Not(inner) => {
                found = self.combined(inner, users)?.map(|inner| users - inner);
            }
            Predicate::And(parts) | Predicate::Or(parts) => {
                let all = matches!(predicate, Predicate::And(_));
                for part in parts {
                    let Some(part) = self.combined(part, users)? else { return Ok(None) };
                    found = Some(match found {
                        None => part,
                        Some(found) if all => found & part,
                        Some(found) => found | part,
                    });
                }
                if !all {
                    found.get_or_insert_default();
                }
            }
            Predicate::Segments(rules) => {
                let mut any = RoaringBitmap::new();
                for rule in rules {
                    let Some(members) = self.set(*rule)? else { return Ok(None) };
                    any |= members.as_ref();
                }
                found = Some(any & users);
            }
            _ => {}
        }
        Ok(found)
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
        let found = pass::run(self, plan, only, scanned).await;
        let pass::Found { sets, unfit } = found.map_err(|error| data_error(error, None))?;
        self.parts.sets.push(sets);
        let sets = self.parts.sets.len() - 1;
        for (part, place) in places {
            if !unfit.contains(&place) {
                let part = if only.is_some() { partly(&part) } else { part };
                self.parts.keep(part, Place(sets, place));
            }
        }
        Ok(())
    }
}
