//! Of the segments that are of use to a group of conditions, those that save more than they cost.

use std::collections::BTreeSet;

use super::cost::use_cost;
use super::finder::{Candidate, Found, Library, Question, Usable};
use super::parts::{Kind, Part};

/// The choice of segments for one group, as far as it has come.
pub(super) struct Choice<'a> {
    library: &'a Library,
    question: &'a Question<'a>,
    parts: &'a [Part],
    usable: &'a [Usable],
    /// Whether the parts all have to hold.
    all: bool,
    /// Whether the group is the rule's own, whose segments are combined as bitmaps.
    top: bool,
    /// The parts that no chosen segment answers.
    open: BTreeSet<usize>,
    /// Which of the usable were chosen.
    taken: BTreeSet<usize>,
    pub(super) segments: Vec<(i64, bool)>,
    pub(super) found: Vec<Found>,
}

impl<'a> Choice<'a> {
    pub(super) fn of(
        library: &'a Library,
        question: &'a Question<'a>,
        parts: &'a [Part],
        usable: &'a [Usable],
        (all, top): (bool, bool),
    ) -> Choice<'a> {
        // A membership at the top is no work: the sets are combined as they are.
        let work = |part: &Part| !(top && matches!(part.kind, Kind::Member { .. }));
        let open = parts.iter().enumerate().filter(|(_, part)| work(part));
        let open = open.map(|(index, _)| index).collect();
        let (taken, segments, found) = (BTreeSet::new(), Vec::new(), Vec::new());
        Choice { library, question, parts, usable, all, top, open, taken, segments, found }
    }

    /// Chooses what saves most, until nothing saves more than it costs.
    pub(super) fn made(mut self) -> Self {
        while let Some(index) = self.best() {
            self.take(index);
        }
        if self.all && self.top {
            self.narrow();
        }
        let usable = self.usable;
        for (index, one) in usable.iter().enumerate() {
            if !self.taken.contains(&index) {
                let reason = self.why_not(one);
                self.found.push(self.found(one, false, reason));
            }
        }
        self
    }

    /// The parts that are left to evaluate; memberships at the top are segments as they stand.
    pub(super) fn left(&mut self) -> Vec<Part> {
        let mut left = Vec::new();
        for (index, part) in self.parts.iter().enumerate() {
            match part.kind {
                Kind::Member { rule, negated } if self.top => self.segments.push((rule, negated)),
                _ if self.open.contains(&index) => left.push(part.clone()),
                _ => {}
            }
        }
        left
    }

    fn candidate(&self, one: &Usable) -> Option<&'a Candidate> {
        self.library.candidates.get(&one.rule)
    }

    fn is_allowed(&self, one: &Usable) -> bool {
        let stored = self.candidate(one).is_some_and(|candidate| candidate.stored);
        stored || (self.question.allowed)(one.rule)
    }

    fn answers_something(&self, one: &Usable) -> bool {
        one.covers.iter().any(|part| self.open.contains(part))
    }

    /// What taking a segment saves, and what it costs.
    fn balance(&self, one: &Usable) -> (f64, f64) {
        let sizes = self.question.sizes;
        let cost = |open: &mut dyn Iterator<Item = &usize>| {
            let parts: Vec<&Part> = open.filter_map(|index| self.parts.get(*index)).collect();
            sizes.cost(&parts)
        };
        let now = cost(&mut self.open.iter());
        let after = cost(&mut self.open.iter().filter(|part| !one.covers.contains(part)));
        let using = self.candidate(one).map_or(0.0, |c| use_cost(c, sizes, !self.top));
        (now - after, using)
    }

    /// The segment that saves most beyond its cost; of equals the first, so that the choice is the
    /// same every time.
    fn best(&self) -> Option<usize> {
        let mut best: Option<(f64, usize)> = None;
        for (index, one) in self.usable.iter().enumerate() {
            let possible = !self.taken.contains(&index) && self.answers_something(one);
            if !possible || !self.is_allowed(one) {
                continue;
            }
            let (saved, cost) = self.balance(one);
            if saved > cost && best.is_none_or(|(most, _)| saved - cost > most) {
                best = Some((saved - cost, index));
            }
        }
        best.map(|(_, index)| index)
    }

    fn take(&mut self, index: usize) {
        let Some(one) = self.usable.get(index) else { return };
        let (saved, cost) = self.balance(one);
        self.found.push(self.found(one, true, balance(saved, cost)));
        self.taken.insert(index);
        self.segments.push((one.rule, one.negated));
        self.open.retain(|part| !one.covers.contains(part));
    }

    /// Of the segments that only contain the rule, takes the smallest, if looking at its members
    /// alone saves work.
    fn narrow(&mut self) {
        let parts = self.parts;
        let left: Vec<&Part> = self.open.iter().filter_map(|index| parts.get(*index)).collect();
        let only_contains = |index: &usize, one: &Usable| {
            !self.taken.contains(index)
                && !one.negated
                && !self.answers_something(one)
                && self.is_allowed(one)
        };
        let known = self.usable.iter().enumerate().filter(|(index, one)| only_contains(index, one));
        let sized = known.filter_map(|(index, one)| Some((self.candidate(one)?.rows?, index, one)));
        let Some((rows, index, one)) = sized.min_by_key(|(rows, index, _)| (*rows, *index)) else {
            return;
        };
        let saved = self.question.sizes.saved_by_narrowing(&left, rows);
        let sizes = self.question.sizes;
        if saved > self.candidate(one).map_or(f64::MAX, |c| use_cost(c, sizes, false)) {
            let reason =
                format!("holds everyone of the rule: only its {rows} members are looked at");
            self.found.push(self.found(one, true, reason));
            self.taken.insert(index);
            self.segments.push((one.rule, false));
        }
    }

    fn why_not(&self, one: &Usable) -> String {
        if !self.is_allowed(one) {
            return after(one.rule);
        }
        if one.covers.is_empty() {
            return match self.candidate(one).and_then(|candidate| candidate.rows) {
                None => "contains the rule, but how many it holds is not known yet".to_owned(),
                Some(rows) => format!(
                    "contains the rule, but looking at its {rows} members alone saves less than it \
                     costs"
                ),
            };
        }
        if !self.answers_something(one) {
            return "what it answers is answered already".to_owned();
        }
        let (saved, cost) = self.balance(one);
        balance(saved, cost)
    }

    fn found(&self, one: &Usable, chosen: bool, reason: String) -> Found {
        let at = one.covers.iter().filter_map(|index| self.parts.get(*index));
        Found {
            rule: one.rule,
            negated: one.negated,
            at: at.flat_map(|part| part.at.iter().cloned()).collect(),
            equal: one.equal,
            union: !self.all,
            chosen,
            reason,
        }
    }
}

pub(super) fn after(rule: i64) -> String {
    format!("rule {rule} is itself computed from this one")
}

pub(super) fn balance(saved: f64, cost: f64) -> String {
    format!("saves the work of about {} rows and costs that of {}", saved.round(), cost.round())
}
