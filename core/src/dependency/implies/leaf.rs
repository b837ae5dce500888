//! What the outcome of one subject says about another's.

use std::sync::Arc;

use crate::predicate::canonical::set::{Point, Set, beginning_with, common_prefix};
use crate::predicate::canonical::subject::{Question, Subject, SubjectId};
use crate::predicate::canonical::{Leaf, folded_texts};
use crate::predicate::fold;
use crate::rule::{RankSize, compile};

use super::Prover;
use super::measure::within_span;

/// Up to how many values are tried one by one.
const SINGLES: usize = 1_000;

/// Outcomes that a subject may have, and whether it may have none.
type Outlook = (Set, bool);

/// Whether a leaf takes in exactly those for whom a question is answered with yes.
pub(super) fn is_yes(leaf: &Leaf) -> bool {
    !leaf.missing && leaf.outcomes == Set::ints(1, 1)
}

impl Prover {
    /// What the one says of the other's subject, or whoever is not in the other of the one's.
    pub(super) fn leaf_implies(&mut self, narrow: &Leaf, wide: &Leaf) -> bool {
        if narrow.subject == wide.subject {
            return (wide.missing || !narrow.missing) && narrow.outcomes.is_subset(&wide.outcomes);
        }
        if self.are_apart(narrow.subject, wide.subject) {
            return false;
        }
        self.leaf_says(narrow, wide) || {
            let (outside, beyond) = (self.complement(wide), self.complement(narrow));
            self.leaf_says(&outside, &beyond)
        }
    }

    /// Whether two subjects are found at once to say nothing about each other.
    fn are_apart(&self, one: SubjectId, other: SubjectId) -> bool {
        match (self.forms.subject(one).as_ref(), self.forms.subject(other).as_ref()) {
            (Subject::Metric(one), Subject::Metric(other)) => {
                !within_span(&one.span, &other.span) && !within_span(&other.span, &one.span)
            }
            (Subject::Column(_), Subject::Column(_)) => true,
            _ => !self.forms.are_related(one, other),
        }
    }

    fn leaf_says(&mut self, narrow: &Leaf, wide: &Leaf) -> bool {
        let Some((outcomes, missing)) = self.outlook(narrow, wide.subject) else { return false };
        let possible = outcomes.intersect(&self.forms.subject(wide.subject).domain());
        (wide.missing || !missing) && possible.is_subset(&wide.outcomes)
    }

    fn complement(&self, leaf: &Leaf) -> Leaf {
        let about = self.forms.subject(leaf.subject);
        Leaf {
            subject: leaf.subject,
            outcomes: leaf.outcomes.complement().intersect(&about.domain()),
            missing: !leaf.missing && !about.is_never_missing(),
        }
    }

    /// What the users of `leaf` have of another subject; nothing is known if nothing is answered.
    fn outlook(&mut self, leaf: &Leaf, subject: SubjectId) -> Option<Outlook> {
        if leaf.subject == subject {
            return Some((leaf.outcomes.clone(), leaf.missing));
        }
        let from = Arc::clone(self.forms.subject(leaf.subject));
        let to = Arc::clone(self.forms.subject(subject));
        match (from.as_ref(), to.as_ref()) {
            (Subject::Metric(known), Subject::Metric(wanted)) => {
                return self.measure_outlook(known, leaf, wanted);
            }
            (Subject::Sequence(steps, span), Subject::Metric(wanted)) if is_yes(leaf) => {
                return self.steps_outlook(steps, span, wanted);
            }
            (Subject::Test { of: known, test }, Subject::Test { of: wanted, test: question }) => {
                let (known, wanted) = (*known, *wanted);
                if let Some(outlook) = self.test_outlook(leaf, (known, test), (wanted, question)) {
                    return Some(outlook);
                }
            }
            (_, Subject::Test { of, test }) => {
                let (texts, missing) = self.outlook(leaf, *of)?;
                return Some((answers(test, &texts), missing));
            }
            (_, Subject::Folded(of)) => {
                let (texts, missing) = self.outlook(leaf, *of)?;
                return Some((folded(&texts), missing));
            }
            (Subject::Rank { .. }, Subject::Rank { .. })
            | (Subject::Sequence(..), Subject::Sequence(..)) => {
                let forth = self.question_implies(&from, &to);
                return yes_or_no(leaf, forth, || self.question_implies(&to, &from));
            }
            _ => {}
        }
        self.through_presence(leaf, &from, subject)
    }

    /// A question that has an answer is about something that is there.
    fn through_presence(
        &mut self,
        leaf: &Leaf,
        from: &Subject,
        subject: SubjectId,
    ) -> Option<Outlook> {
        let bases = match from {
            Subject::Rank { value, .. } if is_yes(leaf) => vec![*value],
            Subject::Rank { .. } => Vec::new(),
            _ if leaf.missing => Vec::new(),
            from => from.bases(),
        };
        bases.into_iter().find_map(|base| {
            let outcomes = self.forms.subject(base).domain();
            self.outlook(&Leaf { subject: base, outcomes, missing: false }, subject)
        })
    }

    /// From one test to another of the same value, or of its folding.
    fn test_outlook(
        &mut self,
        leaf: &Leaf,
        (known, test): (SubjectId, &Question),
        (wanted, question): (SubjectId, &Question),
    ) -> Option<Outlook> {
        let plain = match self.forms.subject(wanted).as_ref() {
            Subject::Folded(of) => Some(*of),
            _ => None,
        };
        if known == wanted {
            let forth = stronger(test, question);
            let outlook = yes_or_no(leaf, forth, || stronger(question, test));
            return outlook.map(|(outcomes, _)| (outcomes, leaf.missing));
        }
        if plain == Some(known) {
            let folded = folded_question(test)?;
            let holds = leaf.outcomes == Set::ints(1, 1) && stronger(&folded, question);
            return holds.then(|| (Set::ints(1, 1), leaf.missing));
        }
        None
    }

    /// Whether a yes to one rank or sequence is a yes to another.
    fn question_implies(&mut self, narrow: &Subject, wide: &Subject) -> bool {
        match (narrow, wide) {
            (
                Subject::Rank { value, top, size, among },
                Subject::Rank { value: value2, top: top2, size: size2, among: among2 },
            ) => {
                let smaller = match (size, size2) {
                    (RankSize::Count(one), RankSize::Count(two)) => one <= two,
                    (RankSize::Percent(one), RankSize::Percent(two)) => one <= two,
                    _ => false,
                };
                smaller && (value, top, among) == (value2, top2, among2)
            }
            (Subject::Sequence(steps, span), Subject::Sequence(steps2, span2)) => {
                // The first steps of a chain are a chain.
                let fits = steps2.len() <= steps.len() && within_span(span, span2);
                fits && steps.iter().zip(steps2).all(|(step, step2)| {
                    let soon = match (step.within, step2.within) {
                        (_, None) => true,
                        (Some(one), Some(two)) => one.is_shorter(two),
                        (None, Some(_)) => false,
                    };
                    soon && self.events_within(&step.events, &step2.events)
                })
            }
            _ => false,
        }
    }
}

/// What the answer to one question says about another that is missing where it is.
fn yes_or_no(leaf: &Leaf, forth: bool, back: impl FnOnce() -> bool) -> Option<Outlook> {
    if leaf.outcomes == Set::ints(1, 1) && forth {
        return Some((Set::ints(1, 1), leaf.missing));
    }
    (leaf.outcomes == Set::ints(0, 0) && back()).then(|| (Set::ints(0, 0), leaf.missing))
}

/// Whether a yes to one question about a value is a yes to another about the same.
fn stronger(test: &Question, than: &Question) -> bool {
    match (test, than) {
        (Question::Contains(a) | Question::Ends(a), Question::Contains(b)) => a.contains(b),
        (Question::Ends(a), Question::Ends(b)) => a.ends_with(b),
        (Question::Has(a), Question::Has(b)) => a.is_subset(b),
        (
            Question::Circle { latitude, longitude, metres },
            Question::Circle { latitude: latitude2, longitude: longitude2, metres: metres2 },
        ) => {
            (latitude, longitude) == (latitude2, longitude2)
                && f64::from_bits(*metres) <= f64::from_bits(*metres2)
        }
        _ => test == than,
    }
}

/// The question that the folded text answers with yes where the plain one does.
fn folded_question(test: &Question) -> Option<Question> {
    Some(match test {
        Question::Contains(text) => Question::Contains(fold(text)),
        Question::Ends(text) => Question::Ends(fold(text)),
        Question::Has(elements) => Question::Has(folded_texts(elements.singles(SINGLES)?)),
        _ => return None,
    })
}

/// The folded forms of texts.
fn folded(texts: &Set) -> Set {
    match texts.singles(SINGLES) {
        Some(points) => folded_texts(points),
        // Folding goes letter by letter, so a beginning stays a beginning.
        None => beginning_with(&fold(&common_prefix(texts))),
    }
}

/// The answers that a question may have about these texts.
fn answers(test: &Question, texts: &Set) -> Set {
    let one_by_one = texts.singles(SINGLES).and_then(|points| asked(test, points));
    one_by_one.unwrap_or_else(|| match test {
        Question::Contains(text) if common_prefix(texts).contains(text) => Set::ints(1, 1),
        _ => Set::ints(0, 1),
    })
}

/// The answers about some texts; nothing if the question is not one about text.
fn asked(test: &Question, points: Vec<&Point>) -> Option<Set> {
    let pattern = match test {
        Question::Matches { pattern, folded } => Some(compile(pattern, !folded).ok()?),
        _ => None,
    };
    let ask = |text: &str| match (test, &pattern) {
        (Question::Contains(part), _) => Some(text.contains(part)),
        (Question::Ends(part), _) => Some(text.ends_with(part)),
        (Question::Matches { .. }, Some(pattern)) => Some(pattern.is_match(text)),
        _ => None,
    };
    let answers = points.into_iter().map(|point| match point {
        Point::Text(text) => ask(text).map(|yes| Point::Int(i128::from(yes))),
        _ => None,
    });
    answers.collect::<Option<Vec<Point>>>().map(Set::points)
}
