//! The cheapest way to answer a rule: which segments say what part of it says, and what is left.
//!
//! Under `and`, a segment is of use if the rule is provably within it (or within its complement):
//! whatever it implies need not be looked at again. Under `or`, if it is provably within the rule:
//! whatever implies it need not be looked at. A segment that equals some conditions is the case
//! where both hold at once, so that one search finds equal parts, containing segments,
//! intersections, unions and differences.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::predicate::Predicate;
use crate::predicate::canonical::{Form, Shape};

use super::choice::{Choice, after, balance};
use super::cost::{Sizes, use_cost};
use super::implies::Prover;
use super::parts::{Kind, Part, Taken, group};

/// How many groups within a rule's own are searched.
const GROUPS: usize = 8;

/// A rule whose segment may be at hand.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) form: Form,
    pub(crate) complement: Form,
    /// How many users its segment held last.
    pub(crate) rows: Option<u64>,
    /// Whether it would be loaded rather than computed in the same run.
    pub(crate) stored: bool,
}

/// A segment that can be used for a part of a rule.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) rule: i64,
    /// Whether those outside of it are meant.
    pub(crate) negated: bool,
    /// The places in the document that it answers.
    pub(crate) at: Vec<String>,
    /// Whether it is just what stands there, rather than something that contains it.
    pub(crate) equal: bool,
    /// Whether it stands in for alternatives rather than for conditions that all have to hold.
    pub(crate) union: bool,
    pub(crate) chosen: bool,
    pub(crate) reason: String,
}

/// How a rule is answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Whether the users have to be in all of the following, rather than in any.
    pub(crate) all: bool,
    /// Segments and (`true`) complements of segments.
    pub(crate) segments: Vec<(i64, bool)>,
    /// What is left to evaluate, and where it stands.
    pub(crate) rest: Option<Predicate>,
    pub(crate) rest_at: Vec<String>,
    pub(crate) found: Vec<Found>,
}

impl Answer {
    /// From nothing yet.
    fn empty(root: &Part) -> Answer {
        let all = !matches!(root.kind, Kind::Any(_));
        let (segments, rest_at, found) = (Vec::new(), Vec::new(), Vec::new());
        Answer { all, segments, rest: None, rest_at, found }
    }

    /// The rule from what it says itself: its operands' segments, and all of its conditions.
    pub(crate) fn plain(root: &Part) -> Answer {
        let all = !matches!(root.kind, Kind::Any(_));
        let parts = match &root.kind {
            Kind::All(parts) | Kind::Any(parts) => parts.as_slice(),
            _ => std::slice::from_ref(root),
        };
        let mut segments = Vec::new();
        let mut rest = Vec::new();
        let mut rest_at = Vec::new();
        for part in parts {
            match part.kind {
                Kind::Member { rule, negated } => segments.push((rule, negated)),
                _ => {
                    rest.push(part.predicate());
                    rest_at.extend(part.at.iter().cloned());
                }
            }
        }
        let rest = (!rest.is_empty())
            .then(|| if all { Predicate::all(rest) } else { Predicate::any(rest) });
        Answer { all, segments, rest, rest_at, found: Vec::new() }
    }

    /// The rules whose segments it takes.
    pub(crate) fn sources(&self) -> BTreeSet<i64> {
        let mut rules: BTreeSet<i64> = self.segments.iter().map(|(rule, _)| *rule).collect();
        rules.extend(self.rest.iter().flat_map(Predicate::segments));
        rules
    }
}

/// The rules that a rule may be answered from.
#[derive(Debug, Default)]
pub(crate) struct Library {
    pub(crate) prover: Prover,
    pub(crate) candidates: BTreeMap<i64, Candidate>,
    by_form: HashMap<Form, Vec<i64>>,
}

/// What is asked about one rule.
pub(crate) struct Question<'a> {
    pub(crate) rule: Option<i64>,
    pub(crate) taken: &'a Taken,
    pub(crate) sizes: &'a Sizes,
    /// Whether the rule may be computed after another one.
    pub(crate) allowed: &'a dyn Fn(i64) -> bool,
}

/// A candidate that is of use to a group, with the parts that it answers.
pub(super) struct Usable {
    pub(super) rule: i64,
    pub(super) negated: bool,
    pub(super) covers: Vec<usize>,
    pub(super) equal: bool,
}

impl Library {
    pub(crate) fn add(&mut self, rule: i64, whole: Form, rows: Option<u64>, stored: bool) {
        let complement = self.prover.forms.not(whole);
        self.candidates.insert(rule, Candidate { form: whole, complement, rows, stored });
        self.by_form.entry(whole).or_default().push(rule);
    }

    /// The cheapest way to answer a rule.
    pub(crate) fn answer(&mut self, question: &Question<'_>) -> Answer {
        crate::stack::deep(|| self.answered(question))
    }

    /// From a rule that says the same, if there is one; else the rule from what it says itself.
    pub(crate) fn answer_whole(&self, question: &Question<'_>) -> Answer {
        let mut answer = Answer::empty(&question.taken.root);
        match self.by_equal_rule(question, &mut answer) {
            true => answer,
            false => Answer { found: answer.found, ..Answer::plain(&question.taken.root) },
        }
    }

    fn answered(&mut self, question: &Question<'_>) -> Answer {
        let root = &question.taken.root;
        let mut answer = Answer::empty(root);
        let all = answer.all;
        if self.by_equal_rule(question, &mut answer) {
            return answer;
        }
        let parts = match &root.kind {
            Kind::All(parts) | Kind::Any(parts) => parts.clone(),
            _ => vec![root.clone()],
        };
        if let Shape::Const(everyone) = self.prover.forms.shape(root.form) {
            answer.rest = Some(Predicate::Const(*everyone));
            return answer;
        }
        let (segments, left) = self.by_parts(question, &parts, (all, true), &mut answer.found);
        answer.segments = segments;
        let mut groups = GROUPS;
        let left: Vec<Part> = left
            .into_iter()
            .map(|part| self.within(question, part, &mut groups, &mut answer.found))
            .collect();
        if !left.is_empty() {
            let rest = group(&mut self.prover.forms, left, all);
            answer.rest = Some(rest.predicate());
            answer.rest_at = rest.at;
        }
        answer
    }

    /// Whether another rule, or an earlier run of the same, says just the same.
    fn by_equal_rule(&self, question: &Question<'_>, answer: &mut Answer) -> bool {
        let whole = question.taken.whole;
        if matches!(self.prover.forms.shape(whole), Shape::Const(_)) {
            return false;
        }
        let mut chosen = false;
        let equal = self.by_form.get(&whole).into_iter().flatten();
        for rule in equal {
            let Some(candidate) = self.candidates.get(rule) else { continue };
            let own = question.rule == Some(*rule);
            if own && !candidate.stored {
                continue;
            }
            let mut found = Found {
                rule: *rule,
                negated: false,
                at: question.taken.root.at.clone(),
                equal: true,
                union: false,
                chosen: false,
                reason: String::new(),
            };
            let saved = question.sizes.cost(&[&question.taken.root]);
            let cost = use_cost(candidate, question.sizes, false);
            found.reason = if chosen {
                "another segment says the same".to_owned()
            } else if !candidate.stored && !(question.allowed)(*rule) {
                after(*rule)
            } else if cost > saved {
                balance(saved, cost)
            } else {
                found.chosen = true;
                chosen = true;
                answer.segments.push((*rule, false));
                match own {
                    true => "its own last segment still holds: nothing has changed".to_owned(),
                    false => balance(saved, cost),
                }
            };
            answer.found.push(found);
        }
        answer.all |= chosen;
        chosen
    }

    /// The candidates that are of use to a group, and which of its parts they answer.
    fn usable(&mut self, rule: Option<i64>, parts: &[Part], whole: Form, all: bool) -> Vec<Usable> {
        let mut found = Vec::new();
        let candidates: Vec<(i64, Form, Form)> = self
            .candidates
            .iter()
            .filter(|(id, _)| rule != Some(**id))
            .map(|(id, candidate)| (*id, candidate.form, candidate.complement))
            .collect();
        for (id, form, complement) in candidates {
            if matches!(self.prover.forms.shape(form), Shape::Const(_)) {
                continue;
            }
            for (form, negated) in [(form, false), (complement, true)] {
                if !self.fits(whole, form, all) {
                    continue;
                }
                // Whoever is outside of a segment is seldom worth knowing by itself.
                let covers = if negated {
                    let covers = self.covers(id, parts, form, all);
                    if covers.is_empty() || !self.holds(whole, form, all) {
                        continue;
                    }
                    covers
                } else {
                    if !self.holds(whole, form, all) {
                        continue;
                    }
                    self.covers(id, parts, form, all)
                };
                let operand =
                    |part: &Part| matches!(part.kind, Kind::Member { rule, .. } if rule == id);
                if covers.is_empty() && (!all || parts.iter().any(operand)) {
                    continue;
                }
                let equal = self.is_equal(parts, &covers, form, all);
                found.push(Usable { rule: id, negated, covers, equal });
            }
        }
        found
    }

    fn fits(&mut self, whole: Form, form: Form, all: bool) -> bool {
        let (narrow, wide) = if all { (whole, form) } else { (form, whole) };
        self.prover.forms.may_imply(narrow, wide)
    }

    fn holds(&mut self, whole: Form, form: Form, all: bool) -> bool {
        let (narrow, wide) = if all { (whole, form) } else { (form, whole) };
        self.prover.implies(narrow, wide)
    }

    /// The parts that go without saying once the segment is taken, but for its own membership.
    fn covers(&mut self, id: i64, parts: &[Part], form: Form, all: bool) -> Vec<usize> {
        let mut covers = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            if matches!(part.kind, Kind::Member { rule, .. } if rule == id) {
                continue;
            }
            let (narrow, wide) = if all { (form, part.form) } else { (part.form, form) };
            if self.prover.forms.may_imply(narrow, wide) && self.prover.implies(narrow, wide) {
                covers.push(index);
            }
        }
        covers
    }

    fn is_equal(&mut self, parts: &[Part], covers: &[usize], form: Form, all: bool) -> bool {
        if covers.is_empty() {
            return false;
        }
        let covered: Vec<Form> =
            covers.iter().filter_map(|index| parts.get(*index)).map(|part| part.form).collect();
        let forms = &mut self.prover.forms;
        let covered = if all { forms.all(covered) } else { forms.any(covered) };
        let (narrow, wide) = if all { (covered, form) } else { (form, covered) };
        covered == form || self.prover.implies(narrow, wide)
    }

    /// Chooses segments for a group; gives them with the parts that are left.
    fn by_parts(
        &mut self,
        question: &Question<'_>,
        parts: &[Part],
        (all, top): (bool, bool),
        found: &mut Vec<Found>,
    ) -> (Vec<(i64, bool)>, Vec<Part>) {
        let children: Vec<Form> = parts.iter().map(|part| part.form).collect();
        let forms = &mut self.prover.forms;
        let whole = if all { forms.all(children) } else { forms.any(children) };
        let mut usable = self.usable(question.rule, parts, whole, all);
        // Only a whole rule's members can be looked at alone.
        usable.retain(|one| top || !one.covers.is_empty());
        let mut choice = Choice::of(self, question, parts, &usable, (all, top)).made();
        let left = choice.left();
        found.append(&mut choice.found);
        (choice.segments, left)
    }

    /// Replaces what segments answer within a part that is a group itself.
    fn within(
        &mut self,
        question: &Question<'_>,
        part: Part,
        groups: &mut usize,
        found: &mut Vec<Found>,
    ) -> Part {
        let (parts, all) = match &part.kind {
            Kind::All(parts) => (parts, true),
            Kind::Any(parts) => (parts, false),
            _ => return part,
        };
        if *groups == 0 {
            return part;
        }
        *groups -= 1;
        let (segments, left) = self.by_parts(question, parts, (all, false), found);
        let mut kept: Vec<Part> =
            left.into_iter().map(|part| self.within(question, part, groups, found)).collect();
        for (rule, negated) in segments {
            let Some(candidate) = self.candidates.get(&rule) else { continue };
            let form = if negated { candidate.complement } else { candidate.form };
            let load = super::parts::Load { streams: Vec::new(), per_user: super::parts::LOOKUP };
            kept.push(Part { at: Vec::new(), form, kind: Kind::Member { rule, negated }, load });
        }
        group(&mut self.prover.forms, kept, all)
    }
}
