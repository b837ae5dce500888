//! Predicates in canonical form: equal meaning, as far as the form sees it, is equality.
//!
//! A [`Forms`] holds every form once. A form is a constant, a leaf or an `And` or `Or` of forms.
//! There is no `Not`: a leaf says which outcomes of its subject it takes in, and whether it takes
//! in those who have none, so that its complement is a leaf as well. Within `And` and `Or`
//! everything is flattened, leaves on one subject are one leaf, and the parts are in the order of
//! their digests. A window is a span of instants, a trait is its aggregate, a segment is its
//! rule's own form; so a form is about one `as_of`, and means the same in every process.

mod about;
mod read;
pub(crate) mod set;
pub(crate) mod subject;

use std::hash::Hash;
use std::sync::{Arc, LazyLock};

use xxhash_rust::xxh3::Xxh3;

use about::About;
use datafusion::common::{HashMap, HashSet};
pub(crate) use read::{Setting, folded_texts};
use set::Set;
use subject::{Subject, SubjectId};

/// A predicate in canonical form, a place in a [`Forms`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Form(u32);

/// What a form is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    Const(bool),
    /// At least two, none of them a constant or an `And`.
    And(Arc<[Form]>),
    /// At least two, none of them a constant or an `Or`.
    Or(Arc<[Form]>),
    Leaf(Arc<Leaf>),
}

/// The users whose outcome is one of these, and (`missing`) those who have none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Leaf {
    pub(crate) subject: SubjectId,
    pub(crate) outcomes: Set,
    pub(crate) missing: bool,
}

/// All forms of one `as_of`, each once.
#[derive(Debug, Default)]
pub(crate) struct Forms {
    shapes: Vec<Shape>,
    digests: Vec<u128>,
    /// How many leaves the form has when it is written out.
    weights: Vec<u32>,
    abouts: Vec<About>,
    complements: Vec<Option<Form>>,
    known: HashMap<Shape, Form>,
    subjects: Vec<Arc<Subject>>,
    subject_digests: Vec<u128>,
    subject_abouts: Vec<About>,
    known_subjects: HashMap<Arc<Subject>, SubjectId>,
}

impl Forms {
    pub(crate) fn shape(&self, form: Form) -> &Shape {
        // Forms are made by this type alone and never go.
        self.shapes.get(form.0 as usize).unwrap_or(&Shape::Const(false))
    }

    /// A name of the form that is the same in every process.
    pub(crate) fn digest(&self, form: Form) -> u128 {
        self.digests.get(form.0 as usize).copied().unwrap_or_default()
    }

    pub(crate) fn weight(&self, form: Form) -> u32 {
        self.weights.get(form.0 as usize).copied().unwrap_or(u32::MAX)
    }

    pub(crate) fn subject(&self, id: SubjectId) -> &Arc<Subject> {
        // As for forms.
        static NONE: LazyLock<Arc<Subject>> = LazyLock::new(|| Arc::new(Subject::Member(0, 0)));
        self.subjects.get(id.0 as usize).unwrap_or(&NONE)
    }

    pub(crate) fn subject_digest(&self, id: SubjectId) -> u128 {
        self.subject_digests.get(id.0 as usize).copied().unwrap_or_default()
    }

    /// Whether it is worth trying to prove that `narrow` is within `wide`.
    pub(crate) fn may_imply(&self, narrow: Form, wide: Form) -> bool {
        self.about(wide).needed & !self.about(narrow).all == 0
    }

    /// Whether two forms may be about something that both are about.
    pub(crate) fn may_meet(&self, one: Form, other: Form) -> bool {
        self.about(one).all & self.about(other).all != 0
    }

    /// The same of subjects.
    pub(crate) fn are_related(&self, one: SubjectId, other: SubjectId) -> bool {
        self.about_subject(one).all & self.about_subject(other).all != 0
    }

    fn about(&self, form: Form) -> About {
        self.abouts.get(form.0 as usize).copied().unwrap_or_default()
    }

    fn about_subject(&self, id: SubjectId) -> About {
        self.subject_abouts.get(id.0 as usize).copied().unwrap_or_default()
    }

    /// The parts of an `And`, or the form itself.
    pub(crate) fn conjuncts(&self, form: Form) -> Vec<Form> {
        match self.shape(form) {
            Shape::And(parts) => parts.to_vec(),
            Shape::Const(true) => Vec::new(),
            _ => vec![form],
        }
    }

    pub(crate) fn intern(&mut self, subject: Subject) -> SubjectId {
        if let Some(id) = self.known_subjects.get(&subject) {
            return *id;
        }
        let id = SubjectId(u32::try_from(self.subjects.len()).unwrap_or(u32::MAX));
        self.subject_digests.push(subject.digest(self));
        self.subject_abouts.push(About::of_subject(&subject, self));
        let subject = Arc::new(subject);
        self.subjects.push(Arc::clone(&subject));
        self.known_subjects.insert(subject, id);
        id
    }

    fn add(&mut self, shape: Shape) -> Form {
        if let Some(form) = self.known.get(&shape) {
            return *form;
        }
        let mut out = Xxh3::new();
        let mut weight = 0u32;
        match &shape {
            Shape::Const(value) => (0u8, value).hash(&mut out),
            Shape::And(parts) | Shape::Or(parts) => {
                (1u8, matches!(shape, Shape::And(_)), parts.len()).hash(&mut out);
                for part in parts.iter() {
                    self.digest(*part).hash(&mut out);
                    weight = weight.saturating_add(self.weight(*part));
                }
            }
            Shape::Leaf(leaf) => {
                (2u8, self.subject_digest(leaf.subject), &leaf.outcomes, leaf.missing)
                    .hash(&mut out);
                weight = 1;
            }
        }
        let form = Form(u32::try_from(self.shapes.len()).unwrap_or(u32::MAX));
        self.digests.push(out.digest128());
        self.abouts.push(About::of_shape(&shape, self));
        self.weights.push(weight);
        self.complements.push(None);
        self.shapes.push(shape.clone());
        self.known.insert(shape, form);
        form
    }

    pub(crate) fn constant(&mut self, value: bool) -> Form {
        self.add(Shape::Const(value))
    }

    /// The users whose outcome is one of `outcomes`, with those who have none if `missing`.
    pub(crate) fn leaf(&mut self, subject: SubjectId, outcomes: Set, missing: bool) -> Form {
        let about = self.subject(subject);
        let (domain, never_missing) = (about.domain(), about.is_never_missing());
        let outcomes = outcomes.intersect(&domain);
        let missing = missing && !never_missing;
        let full = outcomes == domain;
        if outcomes.is_empty() && !missing {
            return self.constant(false);
        }
        if full && (missing || never_missing) {
            return self.constant(true);
        }
        // "There is an outcome" is said of what the question is about, not of the question.
        let bases = match (full, outcomes.is_empty()) {
            (true, _) | (_, true) => about.bases(),
            _ => Vec::new(),
        };
        if !bases.is_empty() {
            let present: Vec<Form> = bases.into_iter().map(|base| self.present(base)).collect();
            let all = self.all(present);
            return if full { all } else { self.not(all) };
        }
        self.add(Shape::Leaf(Arc::new(Leaf { subject, outcomes, missing })))
    }

    /// Who has an outcome.
    pub(crate) fn present(&mut self, subject: SubjectId) -> Form {
        let domain = self.subject(subject).domain();
        self.leaf(subject, domain, false)
    }

    /// The complement.
    pub(crate) fn not(&mut self, form: Form) -> Form {
        if let Some(Some(complement)) = self.complements.get(form.0 as usize) {
            return *complement;
        }
        let complement = match self.shape(form).clone() {
            Shape::Const(value) => self.constant(!value),
            Shape::Leaf(leaf) => self.leaf(leaf.subject, leaf.outcomes.complement(), !leaf.missing),
            Shape::And(parts) => {
                let parts = self.each_complement(&parts);
                self.add(Shape::Or(parts.into()))
            }
            Shape::Or(parts) => {
                let parts = self.each_complement(&parts);
                self.add(Shape::And(parts.into()))
            }
        };
        for (one, other) in [(form, complement), (complement, form)] {
            if let Some(place) = self.complements.get_mut(one.0 as usize) {
                *place = Some(other);
            }
        }
        complement
    }

    /// Any of them. `Or` is the complement of an `And`, so that the two are canonical alike.
    pub(crate) fn any(&mut self, parts: Vec<Form>) -> Form {
        let parts = parts.into_iter().map(|part| self.not(part)).collect();
        let none = self.all(parts);
        self.not(none)
    }

    /// All of them.
    pub(crate) fn all(&mut self, parts: Vec<Form>) -> Form {
        let mut leaves: HashMap<SubjectId, (Set, bool)> = HashMap::new();
        let mut kept: Vec<Form> = Vec::new();
        let mut pending = parts;
        while let Some(part) = pending.pop() {
            match self.shape(part).clone() {
                Shape::Const(true) => {}
                Shape::Const(false) => return part,
                Shape::And(inner) => pending.extend(inner.iter()),
                Shape::Or(_) => kept.push(part),
                Shape::Leaf(leaf) => match leaves.remove(&leaf.subject) {
                    None => {
                        leaves.insert(leaf.subject, (leaf.outcomes.clone(), leaf.missing));
                    }
                    Some((outcomes, missing)) => {
                        let both = outcomes.intersect(&leaf.outcomes);
                        // Said anew: it may be nobody, or a presence of something else.
                        let merged = self.leaf(leaf.subject, both, missing && leaf.missing);
                        match self.shape(merged) {
                            Shape::Leaf(merged) if merged.subject == leaf.subject => {
                                let (outcomes, missing) = (merged.outcomes.clone(), merged.missing);
                                leaves.insert(leaf.subject, (outcomes, missing));
                            }
                            _ => pending.push(merged),
                        }
                    }
                },
            }
        }
        self.drop_presences(&mut leaves);
        for (subject, (outcomes, missing)) in leaves {
            kept.push(self.leaf(subject, outcomes, missing));
        }
        let kept = self.in_order(kept);
        if self.contradict(&kept) {
            return self.constant(false);
        }
        match kept.as_slice() {
            [] => self.constant(true),
            [one] => *one,
            _ => self.add(Shape::And(kept.into())),
        }
    }

    /// That a value is there goes without saying where a question about it has an answer.
    fn drop_presences(&self, leaves: &mut HashMap<SubjectId, (Set, bool)>) {
        let mut answered: Vec<SubjectId> = Vec::new();
        for (subject, (_, missing)) in leaves.iter() {
            let about = self.subject(*subject);
            if !missing {
                answered.extend(about.bases());
            }
        }
        while let Some(subject) = answered.pop() {
            answered.extend(self.subject(subject).bases());
            if let Some((outcomes, false)) = leaves.get(&subject)
                && *outcomes == self.subject(subject).domain()
            {
                leaves.remove(&subject);
            }
        }
    }

    /// Whether an `Or` stands beside all that it excludes.
    fn contradict(&mut self, parts: &[Form]) -> bool {
        let any: Vec<Form> =
            parts.iter().copied().filter(|p| matches!(self.shape(*p), Shape::Or(_))).collect();
        let parts: HashSet<Form> = parts.iter().copied().collect();
        any.into_iter().any(|part| {
            let complement = self.not(part);
            match self.shape(complement) {
                Shape::And(none) => none.iter().all(|form| parts.contains(form)),
                _ => false,
            }
        })
    }

    fn each_complement(&mut self, parts: &[Form]) -> Vec<Form> {
        let complements = parts.iter().map(|part| self.not(*part)).collect();
        self.in_order(complements)
    }

    fn in_order(&self, mut parts: Vec<Form>) -> Vec<Form> {
        parts.sort_by_key(|part| self.digest(*part));
        parts.dedup();
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Column, FieldType};
    use arrow::datatypes::DataType;
    use set::Point;

    fn column(forms: &mut Forms, name: &str) -> SubjectId {
        let column = Column {
            table: "users".into(),
            name: name.into(),
            data_type: DataType::Int64,
            ty: FieldType::Integer,
            non_negative: false,
        };
        forms.intern(Subject::Column(column))
    }

    #[test]
    fn and_or_and_not_are_canonical() {
        let mut forms = Forms::default();
        let (x, y) = (column(&mut forms, "x"), column(&mut forms, "y"));
        let at_least = |forms: &mut Forms, subject, low| {
            forms.leaf(subject, Set::at_least(Point::Int(low)), false)
        };
        let (a, b) = (at_least(&mut forms, x, 3), at_least(&mut forms, y, 1));
        let more = at_least(&mut forms, x, 5);
        // The narrower of two on one subject.
        assert_eq!(forms.all(vec![a, more]), more);
        assert_eq!(forms.any(vec![a, more]), a);
        // De Morgan.
        let both = forms.all(vec![a, b]);
        let (not_a, not_b) = (forms.not(a), forms.not(b));
        let neither = forms.any(vec![not_b, not_a]);
        assert_eq!(forms.not(both), neither);
        assert_eq!(forms.not(neither), both);
        // Nobody and everyone.
        let nobody = forms.constant(false);
        assert_eq!(forms.all(vec![both, neither]), nobody);
        let everyone = forms.constant(true);
        assert_eq!(forms.any(vec![neither, both]), everyone);
        // The order in which parts are said is nothing.
        assert_eq!(forms.all(vec![b, a]), both);
        // Those who have no value are in the complement.
        assert!(matches!(forms.shape(not_a), Shape::Leaf(leaf) if leaf.missing));
    }
}
