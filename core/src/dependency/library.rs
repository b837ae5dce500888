//! Rules made ready for the finder: bound rules in, parts and forms out.

use std::collections::BTreeMap;

use crate::model::BoundModel;
use crate::predicate::BoundRule;
use crate::predicate::canonical::Form;
use crate::predicate::canonical::subject::Subject;

use super::finder::Library;
use super::parts::{Taken, Taker, setting};

/// Segments whose rules are longer than this are not looked into by those that name them: chains
/// of rules would make forms as long as all of their rules together.
const WEIGHT: u32 = 512;

/// The rules taken so far, and whether each means something else at another `as_of`.
pub(crate) type Wholes = BTreeMap<i64, (Form, bool)>;

/// Takes rules one after another, each after those that it needs.
pub(crate) struct Reader<'a> {
    pub(crate) model: &'a BoundModel,
    /// Microseconds since 1970.
    pub(crate) as_of: i64,
    wholes: &'a mut Wholes,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(model: &'a BoundModel, as_of: i64, wholes: &'a mut Wholes) -> Self {
        Reader { model, as_of, wholes }
    }

    /// Takes a rule; under an id, others may name it afterwards.
    pub(crate) fn take(
        &mut self,
        library: &mut Library,
        id: Option<i64>,
        rule: &BoundRule,
    ) -> Taken {
        let forms = &mut library.prover.forms;
        let mut known: BTreeMap<i64, Form> = BTreeMap::new();
        for id in rule.ancestors() {
            let Some((form, _)) = self.wholes.get(&id) else { continue };
            let form = match forms.weight(*form) <= WEIGHT {
                true => *form,
                // Its name says what it says, so that another wording is another form.
                false => forms.holds(Subject::Member(id, forms.digest(*form))),
            };
            known.insert(id, form);
        }
        let segment = |id: i64| known.get(&id).copied();
        let taker = Taker {
            forms: &mut library.prover.forms,
            key: &self.model.key,
            setting: setting(self.as_of, rule.zone, &segment),
        };
        let mut taken = crate::stack::deep(|| taker.take(rule));
        let timed = |id: &i64| self.wholes.get(id).is_none_or(|(_, timed)| *timed);
        taken.timed |= rule.ancestors().iter().any(timed);
        if let Some(id) = id {
            self.wholes.insert(id, (taken.whole, taken.timed));
        }
        taken
    }
}
