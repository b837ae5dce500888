//! What the rules of a run say, as SQL for people. Of many rules this takes longer than evaluating
//! them together, so that several threads do it.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use crate::model::{BoundModel, Key};
use crate::predicate::{BoundRule, Predicate};
use crate::rule::Operation;

use super::refresh::Work;
use super::reuse::Bound;

/// Fewer rules than this are each said when they are evaluated.
const FEW: usize = 16;

/// So many rules are said before the task gives others a turn.
const AT_ONCE: usize = 256;

/// Bytes of a thread's stack: enough for most rules, see [`deep`](crate::stack::deep).
const STACK: usize = 8 << 20;

impl Work {
    /// Says every rule that is bound, if they are many.
    pub(super) async fn say(&mut self, bound: &Bound) {
        let rules = bound.iter().filter_map(|(id, rule)| Some((*id, rule.as_ref().ok()?)));
        let rules: Vec<(i64, &BoundRule)> = rules.collect();
        if rules.len() < FEW {
            return;
        }
        let threads = self.shared.config.target_partitions().max(1);
        for rules in rules.chunks(AT_ONCE) {
            let said: Vec<_> = thread::scope(|scope| {
                let work = &*self;
                let started = rules.chunks(rules.len().div_ceil(threads)).map(|rules| {
                    let say = move || -> Vec<(i64, String)> {
                        rules.iter().map(|(id, rule)| (*id, work.text(rule))).collect()
                    };
                    thread::Builder::new().stack_size(STACK).spawn_scoped(scope, say)
                });
                // A thread that could not be started leaves its rules to when they are evaluated.
                let started: Vec<_> = started.flatten().collect();
                started.into_iter().flat_map(thread::ScopedJoinHandle::join).flatten().collect()
            });
            self.texts.extend(said);
            tokio::task::yield_now().await;
        }
    }

    /// A rule as SQL.
    pub(super) fn text(&self, rule: &BoundRule) -> String {
        let as_of = self.as_of.timestamp_micros();
        self.sources.sql_of(&whole(rule, &self.model), as_of, rule.zone)
    }
}

/// The SQL of rules by their ids.
pub(super) type Texts = BTreeMap<i64, String>;

/// The rule as one predicate, operands and hand-picked users included.
pub(super) fn whole(bound: &BoundRule, model: &BoundModel) -> Predicate {
    let operands = bound.depends_on.iter().map(|id| Predicate::Segments(BTreeSet::from([*id])));
    let mut operands = operands.chain(bound.conditions.clone());
    let combined = match bound.operation {
        None | Some(Operation::Intersection) => Predicate::all(operands),
        Some(Operation::Union) => Predicate::any(operands),
        Some(Operation::Difference) => {
            let first = operands.next().unwrap_or(Predicate::Const(false));
            Predicate::all([first, Predicate::any(operands).not()])
        }
    };
    let picked = |keys: &[Key]| crate::predicate::key_in(&model.key, keys);
    let included = Predicate::any([combined, picked(&bound.include)]);
    Predicate::all([included, picked(&bound.exclude).not()])
}
