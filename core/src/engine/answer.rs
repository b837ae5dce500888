//! A rule's members as the finder's answer has them: bitmaps combined, and what is left evaluated.

use chrono_tz::Tz;
use roaring::RoaringBitmap;

use crate::dependency::{Answer, NARROW, Reused};
use crate::error::{Code, Error, Result};

use super::reuse::Plan;
use super::work::Work;

impl Work {
    /// The members of a rule but for its hand-picked users, and the segments that were used. A
    /// segment that was chosen and is not there, because its rule failed or its bitmap is damaged,
    /// is done without.
    pub(super) async fn answered(
        &mut self,
        plan: Option<&Plan>,
        as_of: i64,
        zone: Tz,
    ) -> Result<(RoaringBitmap, Vec<Reused>)> {
        let plan = plan.ok_or_else(|| Error::new(Code::Internal, "a rule without a plan"))?;
        let there = |rule: &i64| self.sources.members.contains_key(rule);
        if plan.answer.sources().iter().all(there) {
            let chosen = plan.answer.found.iter().filter(|found| found.chosen);
            let reused = chosen.map(|found| found.reused()).collect();
            return Ok((self.combined(&plan.answer, as_of, zone).await?, reused));
        }
        Ok((self.combined(&plan.plain, as_of, zone).await?, Vec::new()))
    }

    async fn combined(&mut self, answer: &Answer, as_of: i64, zone: Tz) -> Result<RoaringBitmap> {
        let known = self.known(answer);
        let Some(rest) = &answer.rest else { return Ok(known.unwrap_or_default()) };
        let users = self.population.users.len() as f64;
        let few = |known: &&RoaringBitmap| known.len() as f64 <= users * NARROW;
        let among = known.as_ref().filter(few).filter(|_| answer.all);
        let (population, scanned) = (&self.population, &mut self.scanned);
        let evaluated =
            self.sources.members_of(rest, population, among, (as_of, zone), scanned).await?;
        Ok(match known {
            None => evaluated,
            Some(known) if answer.all => known & evaluated,
            Some(known) => known | evaluated,
        })
    }

    /// The segments of an answer, combined.
    fn known(&self, answer: &Answer) -> Option<RoaringBitmap> {
        let users = &self.population.users;
        let sets = answer.segments.iter().filter_map(|(rule, negated)| {
            let members = self.sources.members.get(rule)?;
            Some(if *negated { users - members.as_ref() } else { members.as_ref().clone() })
        });
        sets.reduce(|one, two| if answer.all { one & two } else { one | two })
    }
}
