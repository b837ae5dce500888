//! Ranks of a rule, selected before its plan is made: a rank looks at the whole population, whatever
//! stands beside it. What was selected takes the rank's place as a set of members.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono_tz::Tz;
use futures::future::BoxFuture;
use roaring::RoaringBitmap;

use crate::error::Result;
use crate::model::Key;
use crate::plan::{Flavor, Ranked, first_of};
use crate::predicate::Predicate;
use crate::segment::key_column;

use super::evaluate::{RunSources, Scanned, data_error};
use super::parts::part;

impl RunSources {
    /// The predicate with every rank in it, and every part that is known, replaced by the members
    /// that it has.
    pub(super) fn selected<'a>(
        &'a mut self,
        predicate: &'a Predicate,
        as_of: i64,
        zone: Tz,
        scanned: &'a mut Scanned,
    ) -> BoxFuture<'a, Result<Predicate>> {
        Box::pin(async move {
            Ok(match predicate {
                Predicate::And(parts) | Predicate::Or(parts) => {
                    let mut selected = Vec::with_capacity(parts.len());
                    for part in parts {
                        selected.push(self.selected(part, as_of, zone, scanned).await?);
                    }
                    match predicate {
                        Predicate::And(_) => Predicate::all(selected),
                        _ => Predicate::any(selected),
                    }
                }
                Predicate::Not(inner) => self.selected(inner, as_of, zone, scanned).await?.not(),
                Predicate::Rank { .. } => self.rank(predicate, as_of, zone, scanned).await?,
                leaf => match self.known_part(&part(leaf, zone)) {
                    Some(name) => Predicate::Segments(BTreeSet::from([name])),
                    None => leaf.clone(),
                },
            })
        })
    }

    async fn rank(
        &mut self,
        rank: &Predicate,
        as_of: i64,
        zone: Tz,
        scanned: &mut Scanned,
    ) -> Result<Predicate> {
        let Predicate::Rank { value, top, size, among } = rank else { return Ok(rank.clone()) };
        let what = format!("{as_of} {zone} {rank:?}");
        if let Some(name) = self.parts.name(&what) {
            return Ok(Predicate::Segments(BTreeSet::from([name])));
        }
        let among = match among {
            Some(among) => Some(self.selected(among, as_of, zone, scanned).await?),
            None => None,
        };
        // Everyone is looked at, also where the rule at hand is about few.
        let (few, only) = (self.among.take(), self.only.take());
        let users = self.values(value, among.as_ref(), as_of, zone, scanned).await;
        (self.among, self.only) = (few, only);
        let members: RoaringBitmap = first_of(users?, *top, *size).collect();
        let name = self.know(what, members);
        Ok(Predicate::Segments(BTreeSet::from([name])))
    }

    /// The users of the population who can be ranked, with their values, keys and ordinals.
    async fn values(
        &self,
        value: &crate::predicate::Value,
        among: Option<&Predicate>,
        as_of: i64,
        zone: Tz,
        scanned: &mut Scanned,
    ) -> Result<Vec<(Ranked, Key, u32)>> {
        let (plan, columns) = self.planner(as_of, zone, Flavor::Engine).ranked(value, among)?;
        let mut users = Vec::new();
        let dictionary = Arc::clone(&self.shared);
        self.run(plan, scanned, |batch| {
            let Some((keys, rest)) = batch.columns().split_first() else { return Ok(()) };
            let keys = key_column(keys)?;
            let ordinals = dictionary.dictionary().ordinals(&keys);
            let values = columns.values(rest).map_err(|error| data_error(error, None))?;
            for (row, (value, ordinal)) in values.into_iter().zip(ordinals).enumerate() {
                if let (Some(value), Some(ordinal), Some(key)) = (value, ordinal, keys.get(row)) {
                    users.push((value, key, ordinal));
                }
            }
            Ok(())
        })
        .await?;
        Ok(users)
    }
}
