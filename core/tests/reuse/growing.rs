//! Rules that say again, in part, what earlier rules of a set say.

use serde_json::{Map, Value, json};

use super::contained;
use super::equals::reworded;
use super::ground::{Base, base};
use super::planting::{Planter, and, not, or, rule, with};

/// A rule that is to be added.
pub struct Draft {
    pub kind: &'static str,
    pub rule: Value,
    /// The rule whose segment is meant to be of use; `Newest` is the one added just before.
    pub source: Source,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    None,
    Rule(i64),
    Newest,
}

impl Planter<'_> {
    /// A rule that its conditions alone make, so that its segment is just what they say.
    fn plain(&mut self) -> Option<(i64, Base)> {
        let alone = |rule: &Value| {
            ["depends_on", "include", "exclude"].iter().all(|name| {
                rule.get(*name).is_none_or(|given| given.is_null() || *given == json!([]))
            })
        };
        let rules = self.ground.rules.iter().filter(|(_, rule)| alone(rule));
        let rules: Vec<(i64, Base)> =
            rules.filter_map(|(id, rule)| Some((*id, base(rule)?))).collect();
        (!rules.is_empty()).then(|| self.random.pick(&rules).clone())
    }

    /// One rule, or two of which the second is the planted one.
    pub fn drafts(&mut self) -> Option<Vec<Draft>> {
        let one = |kind, source, rule| Some(vec![Draft { kind, rule, source }]);
        let (id, Base { node, shell }) = self.plain()?;
        let source = Source::Rule(id);
        let (said, leaf) = (reworded(self, &node), self.leaf()?);
        match self.random.range(0, 11) {
            0 => one("equal", source, rule(said, &shell)),
            1 | 2 => one("equal and more", source, rule(and(vec![leaf, said]), &shell)),
            3 => one("equal or more", source, rule(or(vec![said, leaf]), &shell)),
            4 => one("all but equal", source, rule(and(vec![not(said), leaf]), &shell)),
            5 => one("equal within a group", source, {
                let inner = and(vec![said, self.leaf()?]);
                rule(and(vec![leaf, or(vec![inner, self.leaf()?])]), &shell)
            }),
            6 | 7 => self.contained(),
            8 => self.two(&shell, id, said),
            9 => self.operands(source, said, &shell),
            10 => one("hand-picked", source, self.picked(rule(and(vec![said, leaf]), &shell))),
            _ => {
                let fresh = self.base()?;
                one("fresh", Source::None, rule(fresh.node, &fresh.shell))
            }
        }
    }

    /// A wide rule and one within it that says more.
    fn contained(&mut self) -> Option<Vec<Draft>> {
        let (_, make) = self.random.pick(contained::KINDS);
        let (narrow, wide) = make(self)?;
        let narrow = match self.random.percent(50) {
            true => narrow,
            false => with(&narrow, json!({"conditions": and_more(&narrow, self.leaf()?)?})),
        };
        Some(vec![
            Draft { kind: "wide", rule: wide, source: Source::None },
            Draft { kind: "contained", rule: narrow, source: Source::Newest },
        ])
    }

    /// Conditions of two rules of one zone and of the same dates.
    fn two(&mut self, shell: &Map<String, Value>, id: i64, said: Value) -> Option<Vec<Draft>> {
        let (_, other) = self.plain()?;
        if other.shell != *shell {
            return None;
        }
        let both = vec![said, reworded(self, &other.node)];
        let (kind, node) = match self.random.percent(50) {
            true => ("two united", or(both)),
            false => ("two intersected", and(both)),
        };
        Some(vec![Draft { kind, rule: rule(node, shell), source: Source::Rule(id) }])
    }

    fn operands(
        &mut self,
        source: Source,
        said: Value,
        shell: &Map<String, Value>,
    ) -> Option<Vec<Draft>> {
        let count = self.random.size((1, 2));
        let mut ids: Vec<i64> =
            (0..count).map(|_| self.random.pick(&self.ground.rules).0).collect();
        ids.dedup();
        let operation = *self.random.pick(&["INTERSECTION", "UNION", "DIFFERENCE"]);
        let leaf = self.leaf()?;
        let node = if operation == "INTERSECTION" { and(vec![said, leaf]) } else { said };
        let more = json!({"depends_on": ids, "operation": operation});
        let rule = self.picked(with(&rule(node, shell), more));
        Some(vec![Draft { kind: "among operands", rule, source }])
    }

    fn picked(&mut self, mut rule: Value) -> Value {
        for member in ["include", "exclude"] {
            if self.random.percent(50) {
                let count = self.random.size((1, 3));
                let keys: Vec<Value> =
                    (0..count).map(|_| self.random.pick(&self.ground.keys).clone()).collect();
                rule[member] = json!(keys);
            }
        }
        rule
    }
}

/// The conditions of a rule and one more.
fn and_more(rule: &Value, leaf: Value) -> Option<Value> {
    let mut conditions = rule.get("conditions")?.as_array()?.clone();
    conditions.push(leaf);
    Some(json!(conditions))
}
