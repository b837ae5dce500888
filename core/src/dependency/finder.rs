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
    /// Whether hand-picked users are seen to already.
    pub(crate) whole: bool,
    pub(crate) found: Vec<Found>,
}

impl Answer {
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
        Answer { all, segments, rest, rest_at, whole: false, found: Vec::new() }
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
struct Usable {
    rule: i64,
    negated: bool,
    covers: Vec<usize>,
    equal: bool,
}

impl Library {
    pub(crate) fn add(&mut self, rule: i64, whole: Form, rows: Option<u64>, stored: bool) {
        let complement = self.prover.forms.not(whole);
        self.candidates.insert(rule, Candidate { form: whole, complement, rows, stored });
        self.by_form.entry(whole).or_default().push(rule);
    }

    /// The cheapest way to answer a rule.
    pub(crate) fn answer(&mut self, question: &Question<'_>) -> Answer {
        let root = &question.taken.root;
        let all = !matches!(root.kind, Kind::Any(_));
        let mut answer = Answer {
            all,
            segments: Vec::new(),
            rest: None,
            rest_at: Vec::new(),
            whole: false,
            found: Vec::new(),
        };
        if self.by_equal_rule(question, &mut answer) {
            return answer;
        }
        let parts = match &root.kind {
            Kind::All(parts) | Kind::Any(parts) => parts.clone(),
            _ => vec![root.clone()],
        };
        if matches!(self.prover.forms.shape(root.form), Shape::Const(_)) {
            answer.rest = Some(root.predicate());
            answer.rest_at.clone_from(&root.at);
            return answer;
        }
        let (segments, left) = self.by_parts(question, &parts, all, true, &mut answer.found);
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
            found.reason = if answer.whole {
                "another segment says the same".to_owned()
            } else if !candidate.stored && !(question.allowed)(*rule) {
                after(*rule)
            } else if cost > saved {
                balance(saved, cost)
            } else {
                found.chosen = true;
                answer.whole = true;
                answer.segments.push((*rule, false));
                match own {
                    true => "its own last segment still holds: nothing has changed".to_owned(),
                    false => balance(saved, cost),
                }
            };
            answer.found.push(found);
        }
        answer.all |= answer.whole;
        answer.whole
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

    /// Chooses segments for a group by what each saves, most first; gives them with the parts
    /// that are left.
    fn by_parts(
        &mut self,
        question: &Question<'_>,
        parts: &[Part],
        all: bool,
        top: bool,
        found: &mut Vec<Found>,
    ) -> (Vec<(i64, bool)>, Vec<Part>) {
        let children: Vec<Form> = parts.iter().map(|part| part.form).collect();
        let forms = &mut self.prover.forms;
        let whole = if all { forms.all(children) } else { forms.any(children) };
        let mut usable = self.usable(question.rule, parts, whole, all);
        usable.retain(|one| top || !one.covers.is_empty());
        let member = |part: &Part| matches!(part.kind, Kind::Member { .. });
        // A membership at the top is no work: the sets are combined as they are.
        let mut open: BTreeSet<usize> = parts
            .iter()
            .enumerate()
            .filter(|(_, part)| !(top && member(part)))
            .map(|(index, _)| index)
            .collect();
        let mut chosen: Vec<(i64, bool)> = Vec::new();
        let sizes = question.sizes;
        let cost_of = |open: &BTreeSet<usize>| {
            let parts: Vec<&Part> = open.iter().filter_map(|index| parts.get(*index)).collect();
            sizes.cost(&parts)
        };
        let mut taken: BTreeSet<usize> = BTreeSet::new();
        loop {
            let now = cost_of(&open);
            let mut best: Option<(f64, usize)> = None;
            for (index, one) in usable.iter().enumerate() {
                if taken.contains(&index) || !one.covers.iter().any(|part| open.contains(part)) {
                    continue;
                }
                let Some(gain) = self.gain(question, one, &open, now, &cost_of, top) else {
                    continue;
                };
                // Of equals the first, so that the choice is the same every time.
                if gain > 0.0 && best.is_none_or(|(most, _)| gain > most) {
                    best = Some((gain, index));
                }
            }
            let Some((_, index)) = best else { break };
            let Some(one) = usable.get(index) else { break };
            taken.insert(index);
            chosen.push((one.rule, one.negated));
            let saved =
                now - cost_of(&open.iter().copied().filter(|p| !one.covers.contains(p)).collect());
            let cost = self.candidates.get(&one.rule).map_or(0.0, |c| use_cost(c, sizes, !top));
            open.retain(|part| !one.covers.contains(part));
            found.push(one.found(parts, all, true, balance(saved, cost)));
        }
        if all && top {
            self.narrow(question, &usable, parts, &open, &mut taken, &mut chosen, found);
        }
        for (index, one) in usable.iter().enumerate().filter(|(index, _)| !taken.contains(index)) {
            let _ = index;
            let reason = self.why_not(question, one, &open, &cost_of, top);
            found.push(one.found(parts, all, false, reason));
        }
        let mut left = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            match &part.kind {
                Kind::Member { rule, negated } if top => chosen.push((*rule, *negated)),
                _ if open.contains(&index) => left.push(part.clone()),
                _ => {}
            }
        }
        (chosen, left)
    }

    /// What taking a segment saves beyond what it costs, if it can be taken.
    fn gain(
        &self,
        question: &Question<'_>,
        one: &Usable,
        open: &BTreeSet<usize>,
        now: f64,
        cost_of: &dyn Fn(&BTreeSet<usize>) -> f64,
        top: bool,
    ) -> Option<f64> {
        let candidate = self.candidates.get(&one.rule)?;
        if !candidate.stored && !(question.allowed)(one.rule) {
            return None;
        }
        let after = open.iter().copied().filter(|part| !one.covers.contains(part)).collect();
        Some(now - cost_of(&after) - use_cost(candidate, question.sizes, !top))
    }

    /// Of the segments that only contain the rule, the smallest, if looking at its members alone
    /// saves work.
    #[allow(clippy::too_many_arguments)] // the state of one choice
    fn narrow(
        &self,
        question: &Question<'_>,
        usable: &[Usable],
        parts: &[Part],
        open: &BTreeSet<usize>,
        taken: &mut BTreeSet<usize>,
        chosen: &mut Vec<(i64, bool)>,
        found: &mut Vec<Found>,
    ) {
        let left: Vec<&Part> = open.iter().filter_map(|index| parts.get(*index)).collect();
        let known = usable.iter().enumerate().filter(|(index, one)| {
            !taken.contains(index) && !one.negated && !one.covers.iter().any(|p| open.contains(p))
        });
        let rows = |one: &Usable| self.candidates.get(&one.rule).and_then(|c| c.rows);
        let smallest = known
            .filter_map(|(index, one)| Some((rows(one)?, index, one)))
            .min_by_key(|(rows, index, _)| (*rows, *index));
        let Some((rows, index, one)) = smallest else { return };
        let Some(candidate) = self.candidates.get(&one.rule) else { return };
        if !candidate.stored && !(question.allowed)(one.rule) {
            return;
        }
        let saved = question.sizes.saved_by_narrowing(&left, rows);
        let cost = use_cost(candidate, question.sizes, false);
        if saved > cost {
            taken.insert(index);
            chosen.push((one.rule, false));
            let reason =
                format!("holds everyone of the rule: only its {rows} members are looked at");
            found.push(one.found(parts, true, true, reason));
        }
    }

    fn why_not(
        &self,
        question: &Question<'_>,
        one: &Usable,
        open: &BTreeSet<usize>,
        cost_of: &dyn Fn(&BTreeSet<usize>) -> f64,
        top: bool,
    ) -> String {
        let Some(candidate) = self.candidates.get(&one.rule) else { return String::new() };
        if !candidate.stored && !(question.allowed)(one.rule) {
            return after(one.rule);
        }
        if one.covers.is_empty() {
            return match candidate.rows {
                None => "contains the rule, but how many it holds is not known yet".to_owned(),
                Some(rows) => {
                    format!(
                        "contains the rule, but looking at its {rows} members alone saves less \
                             than it costs"
                    )
                }
            };
        }
        if !one.covers.iter().any(|part| open.contains(part)) {
            return "what it answers is answered already".to_owned();
        }
        let now = cost_of(open);
        let after = open.iter().copied().filter(|part| !one.covers.contains(part)).collect();
        balance(now - cost_of(&after), use_cost(candidate, question.sizes, !top))
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
        let (segments, left) = self.by_parts(question, parts, all, false, found);
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

impl Usable {
    fn found(&self, parts: &[Part], all: bool, chosen: bool, reason: String) -> Found {
        let at = self.covers.iter().filter_map(|index| parts.get(*index));
        Found {
            rule: self.rule,
            negated: self.negated,
            at: at.flat_map(|part| part.at.iter().cloned()).collect(),
            equal: self.equal,
            union: !all,
            chosen,
            reason,
        }
    }
}

fn after(rule: i64) -> String {
    format!("rule {rule} is itself computed from this one")
}

fn balance(saved: f64, cost: f64) -> String {
    format!("saves the work of about {} rows and costs that of {}", saved.round(), cost.round())
}
