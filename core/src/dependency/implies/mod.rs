//! Whether everyone whom one form takes in is taken in by another.
//!
//! The answer is never wrong when it is yes. It may be no because there is no proof within the
//! steps allowed: it follows the structure of both forms, splits few alternatives into cases, and
//! knows what one value of a user says about another ([`leaf`], [`measure`]).

mod leaf;
mod measure;

use std::sync::Arc;

use datafusion::common::HashMap;

use crate::predicate::canonical::subject::Subject;
use crate::predicate::canonical::{Form, Forms, Leaf, Shape};

/// How many pairs of forms one question may look at.
const STEPS: u32 = 4_000;

/// Up to how many leaves a form may have for its alternatives to be taken as cases.
const SPLIT_WEIGHT: u32 = 32;

/// Up to how many alternatives, one within another, are taken as cases.
const SPLIT_DEPTH: u32 = 2;

/// Forms, and what has been found out about pairs of them.
#[derive(Debug, Default)]
pub(crate) struct Prover {
    pub(crate) forms: Forms,
    known: HashMap<(Form, Form), bool>,
    steps: u32,
    depth: u32,
}

impl Prover {
    /// Whether `narrow` is within `wide`, as far as that can be proved.
    pub(crate) fn implies(&mut self, narrow: Form, wide: Form) -> bool {
        (self.steps, self.depth) = (STEPS, 0);
        self.proves(narrow, wide)
    }

    fn proves(&mut self, narrow: Form, wide: Form) -> bool {
        if narrow == wide {
            return true;
        }
        match (self.forms.shape(narrow), self.forms.shape(wide)) {
            (Shape::Const(false), _) | (_, Shape::Const(true)) => return true,
            (Shape::Const(true), _) | (_, Shape::Const(false)) => return false,
            _ => {}
        }
        if self.steps == 0 || !self.forms.may_imply(narrow, wide) {
            return false;
        }
        self.steps -= 1;
        if let (Shape::Leaf(leaf), Shape::Leaf(wanted)) =
            (self.forms.shape(narrow), self.forms.shape(wide))
        {
            // Quicker to find out than to look up.
            let (leaf, wanted) = (Arc::clone(leaf), Arc::clone(wanted));
            return self.leaf_implies(&leaf, &wanted) || self.among_implies(&leaf, wide);
        }
        if let Some(known) = self.known.get(&(narrow, wide)) {
            return *known;
        }
        let proved = self.by_structure(narrow, wide);
        // A no for want of steps or of depth says nothing about the next time.
        if proved || (self.steps > 0 && self.depth == 0) {
            self.known.insert((narrow, wide), proved);
        }
        proved
    }

    fn by_structure(&mut self, narrow: Form, wide: Form) -> bool {
        match (self.forms.shape(narrow).clone(), self.forms.shape(wide).clone()) {
            (_, Shape::And(all)) => {
                // What is quickly found not to hold comes first.
                let quick = |prover: &Self, part: &Form| prover.is_of_a_column(*part);
                all.iter().all(|part| !quick(self, part) || self.proves(narrow, *part))
                    && all.iter().all(|part| quick(self, part) || self.proves(narrow, *part))
            }
            (Shape::Or(any), _) => any.iter().all(|case| self.proves(*case, wide)),
            (Shape::Leaf(leaf), Shape::Or(any)) => {
                any.iter().any(|part| self.proves(narrow, *part))
                    || self.among_implies(&leaf, wide)
                    || self.by_elimination(narrow, &any)
            }
            (Shape::And(all), Shape::Leaf(_)) => {
                all.iter().any(|part| self.proves(*part, wide)) || self.by_cases(&all, wide)
            }
            (Shape::And(all), Shape::Or(any)) => {
                all.iter().any(|part| self.proves(*part, wide))
                    || any.iter().any(|part| self.proves(narrow, *part))
                    || self.by_cases(&all, wide)
                    || self.by_elimination(narrow, &any)
            }
            (Shape::Leaf(_), Shape::Leaf(_)) | (Shape::Const(_), _) | (_, Shape::Const(_)) => false,
        }
    }

    fn is_of_a_column(&self, form: Form) -> bool {
        match self.forms.shape(form) {
            Shape::Leaf(leaf) => {
                matches!(self.forms.subject(leaf.subject).as_ref(), Subject::Column(_))
            }
            _ => false,
        }
    }

    /// The first of a rank are among those of whom they are the first.
    fn among_implies(&mut self, leaf: &Leaf, wide: Form) -> bool {
        match self.forms.subject(leaf.subject).as_ref() {
            Subject::Rank { among: Some(among), .. } if leaf::is_yes(leaf) => {
                let among = *among;
                self.proves(among, wide)
            }
            _ => false,
        }
    }

    /// One `Or` among the parts is taken apart: every case of it has to do.
    fn by_cases(&mut self, all: &[Form], wide: Form) -> bool {
        if !self.may_split(all) {
            return false;
        }
        let mut alternatives = all.iter().filter_map(|part| match self.forms.shape(*part) {
            Shape::Or(any) if any.len() <= 8 => Some((*part, Arc::clone(any))),
            _ => None,
        });
        let Some((part, any)) = alternatives.next() else { return false };
        let others: Vec<Form> = all.iter().copied().filter(|other| *other != part).collect();
        self.deeper(|prover| {
            any.iter().all(|case| {
                let mut parts = others.clone();
                parts.push(*case);
                let narrowed = prover.forms.all(parts);
                prover.proves(narrowed, wide)
            })
        })
    }

    /// Whoever is not in the first of some parts has to be in the others.
    fn by_elimination(&mut self, narrow: Form, any: &[Form]) -> bool {
        let mut parts = any.iter().copied();
        let Some(first) = parts.find(|part| self.forms.may_meet(*part, narrow)) else {
            return false;
        };
        let rest: Vec<Form> = any.iter().copied().filter(|part| *part != first).collect();
        if !self.may_split(&[narrow]) || !self.may_split(any) {
            return false;
        }
        self.deeper(|prover| {
            let not_first = prover.forms.not(first);
            let narrowed = prover.forms.all(vec![narrow, not_first]);
            let rest = prover.forms.any(rest);
            prover.proves(narrowed, rest)
        })
    }

    fn may_split(&self, parts: &[Form]) -> bool {
        let weight: u32 =
            parts.iter().fold(0, |sum, part| self.forms.weight(*part).saturating_add(sum));
        self.depth < SPLIT_DEPTH && weight <= SPLIT_WEIGHT && self.steps > 0
    }

    fn deeper(&mut self, work: impl FnOnce(&mut Self) -> bool) -> bool {
        self.depth += 1;
        let proved = work(self);
        self.depth -= 1;
        proved
    }
}
