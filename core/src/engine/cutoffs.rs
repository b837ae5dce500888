//! The ranks of one user: by where a rank ended when the segment was computed, so that nobody else's
//! data is read, and only where that is not known by selecting it anew.

use std::collections::{BTreeMap, HashMap};

use chrono_tz::Tz;

use crate::catalog::SegmentRow;
use crate::dependency::{Library, Reader, Wholes};
use crate::document::Json;
use crate::error::Result;
use crate::model::{BoundModel, Key};
use crate::plan::{Cutoff, Ranked, rank_order};
use crate::predicate::{BoundRule, Predicate};

use super::evaluate::{RunSources, Scanned};
use super::ranks::{Cutoffs, Settled, without_ranks};
use super::reuse::meaning_of;
use super::rule_store::Rules;
use super::work::bind;

/// Where ranks end, by what they say.
pub(super) type Kept = BTreeMap<String, Cutoff>;

/// Whether it is known where all ranks of a rule end.
pub(super) fn knows(kept: &Kept, bound: &BoundRule) -> bool {
    let mut ranks = bound.conditions.iter().flat_map(Predicate::ranks);
    ranks.all(|rank| kept.contains_key(&rank.said()))
}

/// What is known and found out about the ranks of one user.
pub(super) struct OneUser<'a> {
    pub(super) key: &'a Key,
    /// Where ranks ended in the segment that is explained.
    pub(super) kept: Kept,
    /// The ranks looked at so far, as constants.
    pub(super) settled: Settled,
    /// What the last user within each has, by what they say.
    pub(super) last: HashMap<String, Json>,
}

/// The cutoffs that are stored with a segment. What can't be read is not used.
pub(super) fn stored_cutoffs(segment: &SegmentRow) -> Cutoffs {
    let text = segment.cutoffs.as_deref();
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// The stored cutoffs of a rule by what its ranks say, if the segment is about that instant: of
/// those ranks only that mean now what they meant when the segment was computed. A rank that was reworded, a column of another type, a
/// segment in `among` that says something else have other names.
pub(super) fn cutoffs_of(
    segment: &SegmentRow,
    bound: &BoundRule,
    rules: &Rules,
    model: &BoundModel,
    as_of: i64,
) -> Kept {
    let about = segment.current.as_ref().map(|now| now.as_of.timestamp_micros());
    let stored = stored_cutoffs(segment);
    if stored.is_empty() || about != Some(as_of) {
        return BTreeMap::new();
    }
    let mut library = Library::default();
    let mut wholes = Wholes::new();
    let mut reader = Reader::new(model, as_of, &mut wholes);
    let graph = rules.graph();
    let needed = graph.with_ancestors(bound.ancestors());
    for id in graph.order().into_iter().filter(|id| needed.contains(id)) {
        if let Some(Ok(other)) = rules.get(id).map(|parsed| bind(parsed, rules, model)) {
            reader.take(&mut library, Some(id), &other);
        }
    }
    let taken = reader.take(&mut library, None, bound);
    let kept = taken.ranks.into_iter().filter_map(|(says, digest)| {
        stored.get(&meaning_of(digest, model)).map(|cutoff| (says, cutoff.clone()))
    });
    kept.collect()
}

impl<'a> OneUser<'a> {
    pub(super) fn new(key: &'a Key, kept: Kept) -> OneUser<'a> {
        OneUser { key, kept, settled: Settled::new(), last: HashMap::new() }
    }
}

impl RunSources {
    /// The predicate with every rank in it replaced by whether it holds of the user.
    pub(super) async fn settled_for(
        &mut self,
        predicate: &Predicate,
        one: &mut OneUser<'_>,
        as_of: i64,
        zone: Tz,
        scanned: &mut Scanned,
    ) -> Result<Predicate> {
        for rank in predicate.ranks() {
            let says = rank.said();
            if one.settled.contains_key(&says) {
                continue;
            }
            let cutoff = match one.kept.get(&says) {
                Some(cutoff) => cutoff.clone(),
                None => {
                    self.selected(rank, as_of, zone, scanned).await?;
                    self.ranks.cutoff(rank, as_of, zone).cloned().unwrap_or(Cutoff::Everyone)
                }
            };
            let holds = self.is_within(rank, &cutoff, one, as_of, zone, scanned).await?;
            one.settled.insert(says, Predicate::Const(holds));
        }
        Ok(without_ranks(predicate, &one.settled))
    }

    /// Whether the user comes before the end of a rank, or is it.
    async fn is_within(
        &mut self,
        rank: &Predicate,
        cutoff: &Cutoff,
        one: &mut OneUser<'_>,
        as_of: i64,
        zone: Tz,
        scanned: &mut Scanned,
    ) -> Result<bool> {
        let Predicate::Rank { value, top, among, .. } = rank else { return Ok(false) };
        let among = among.as_ref().map(|among| without_ranks(among, &one.settled));
        let mut own: Option<Ranked> = None;
        self.only = Some(one.key.clone());
        let take = |value, _, _| own = Some(value);
        let columns = self.ranked(value, among.as_ref(), as_of, zone, scanned, take).await;
        self.only = None;
        let columns = columns?;
        let Cutoff::Last { value: last, user } = cutoff else { return Ok(own.is_some()) };
        one.last.insert(rank.said(), columns.json(last));
        let last_key = self.shared.dictionary().keys(std::iter::once(*user))?.get(0);
        Ok(own.zip(last_key).is_some_and(|(own, last_key)| {
            rank_order(*top, (&own, one.key), (last, &last_key)).is_le()
        }))
    }
}
