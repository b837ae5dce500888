//! Comparisons: metrics' values are kept for each lane of a group, and compared once all streams
//! have been worked out; those of columns of users are looked up.

use std::sync::Arc;

use crate::plan::{Comparable, PassCompare, PassKept, PassMetric, PassPlan};

use super::attributes::Attributes;
use super::chunks::BLOCK;
use super::lanes::{LANES, Row, lanes_where};
use super::slow::{self, Found};
use super::texts::Learnt;

/// What one worker keeps of a group.
#[derive(Default)]
pub(super) struct Compares {
    kept: Vec<Kept>,
    users: Users,
}

/// The users of a block that are asked about, and what is known of them.
#[derive(Default)]
struct Users {
    attributes: Option<Arc<Attributes>>,
    /// The block's first ordinal.
    first: u32,
    /// The places of some users only.
    places: Option<Vec<u16>>,
}

/// A value of each lane.
#[derive(Clone)]
struct Kept {
    values: Row,
    /// Of averages, by what the values are divided.
    counts: Row,
    there: u64,
    /// Larger numbers, where 64 bits might not do.
    wide: Option<Vec<Found>>,
}

impl Default for Kept {
    fn default() -> Self {
        Kept { values: [0; LANES], counts: [1; LANES], there: 0, wide: None }
    }
}

impl Compares {
    /// Makes ready for groups of a block.
    pub(super) fn begin(
        &mut self,
        attributes: &Arc<Attributes>,
        block: usize,
        places: Option<&[u16]>,
    ) {
        let first = u32::try_from(block).unwrap_or(u32::MAX).saturating_mul(BLOCK);
        let places = places.map(<[u16]>::to_vec);
        self.users = Users { attributes: Some(Arc::clone(attributes)), first, places };
    }

    /// Keeps a metric's values.
    pub(super) fn keep(&mut self, place: Option<usize>, values: &Row, there: u64) {
        if let Some(kept) = self.at(place) {
            *kept = Kept { values: *values, there, ..Kept::default() };
        }
    }

    /// Keeps averages by their sums and counts.
    pub(super) fn keep_ratios(&mut self, place: Option<usize>, sums: &Row, counts: &Row) {
        if let Some(kept) = self.at(place) {
            let there = super::lanes::present(counts, 0);
            *kept = Kept { values: *sums, counts: *counts, there, wide: None };
        }
    }

    /// Keeps values that were worked out one by one.
    pub(super) fn keep_found(&mut self, place: Option<usize>, found: &[Found]) {
        if let Some(kept) = self.at(place) {
            *kept = Kept { wide: Some(found.to_vec()), ..Kept::default() };
        }
    }

    /// Keeps what metrics are for users without events.
    pub(super) fn keep_nothing(&mut self, metrics: &[PassMetric]) {
        for metric in metrics {
            if let Some(kept) = self.at(metric.kept) {
                let there =
                    if slow::empty(metric.reading) == Found::Missing { 0 } else { u64::MAX };
                *kept = Kept { there, ..Kept::default() };
            }
        }
    }

    fn at(&mut self, place: Option<usize>) -> Option<&mut Kept> {
        let place = place?;
        if place >= self.kept.len() {
            self.kept.resize(place + 1, Kept::default());
        }
        self.kept.get_mut(place)
    }

    /// The masks of all comparisons of a group.
    pub(super) fn evaluate(
        &mut self,
        plan: &PassPlan,
        group: usize,
        texts: &Learnt,
        mut put: impl FnMut(usize, u64),
    ) {
        for (place, _) in plan.kept.iter().enumerate().filter(|(_, kept)| kept.column.is_some()) {
            let users = std::mem::take(&mut self.users);
            if let Some(kept) = self.at(Some(place)) {
                kept.wide = None;
                kept.there = users.look_up(place, group, &mut kept.values);
            }
            self.users = users;
        }
        for (compare, atom) in &plan.compares {
            let side = |place: usize| Some((plan.kept.get(place)?, self.kept.get(place)?));
            let (Some(left), Some(right)) = (side(compare.left), side(compare.right)) else {
                continue;
            };
            put(*atom, mask(compare, left, right, texts));
        }
    }
}

impl Users {
    /// The values of a column for the users of a group, and the lanes that have one.
    fn look_up(&self, place: usize, group: usize, values: &mut Row) -> u64 {
        let Some(attributes) = &self.attributes else { return 0 };
        let first = group * LANES;
        let mut there = 0;
        for (lane, value) in values.iter_mut().enumerate() {
            let user = match &self.places {
                None => u16::try_from(first + lane).ok(),
                Some(places) => places.get(first + lane).copied(),
            };
            let user = user.map(|user| self.first.saturating_add(user.into()));
            let found = user.and_then(|user| attributes.value(place, user));
            there |= u64::from(found.is_some()) << lane;
            *value = found.unwrap_or(0);
        }
        there
    }
}

/// A value with what it stands for.
type Side<'a> = (&'a PassKept, &'a Kept);

/// The lanes in which a comparison holds.
fn mask(compare: &PassCompare, left: Side<'_>, right: Side<'_>, texts: &Learnt) -> u64 {
    let plain = left.1.wide.is_none() && right.1.wide.is_none();
    if plain && left.0.is_like(right.0) {
        let there = left.1.there & right.1.there;
        return there
            & lanes_where(&left.1.values, &right.1.values, |a, b| compare.order(a.cmp(&b)));
    }
    (0..LANES).fold(0, |mask, lane| {
        let holds = match (value(left, lane, texts), value(right, lane, texts)) {
            (Some(left), Some(right)) => compare.holds(left, right),
            _ => false,
        };
        mask | u64::from(holds) << lane
    })
}

/// The value of a lane, if it has one.
fn value<'a>((kept, values): Side<'_>, lane: usize, texts: &'a Learnt) -> Option<Comparable<'a>> {
    let text = |number| texts.text(number);
    match &values.wide {
        Some(wide) => match wide.get(lane)? {
            Found::Missing => None,
            Found::Number(number) => Some(kept.comparable(*number, 1, text)),
            Found::Text(number) => Some(kept.comparable((*number).into(), 1, text)),
            Found::Ratio(sum, _, count) => Some(kept.comparable(*sum, *count, text)),
        },
        None if values.there >> lane & 1 == 0 => None,
        None => {
            let (number, count) = (values.values.get(lane)?, values.counts.get(lane)?);
            Some(kept.comparable((*number).into(), *count, text))
        }
    }
}
