//! Binding: names become columns and metrics, values become units, every problem at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono_tz::Tz;

use crate::document::Path;
use crate::error::{Code, Problem};
use crate::model::{BoundEvents, BoundModel, BoundTrait, Column, FieldType, Key, KeyType};
use crate::rule::{
    Condition, Group, Metric, Node, Operand, Operation, Operator, Rule, RuleRef, Sequence, Subject,
    Window,
};

use super::field::Found;
use super::known::KnownRules;
use super::test::{Tester, operators_of};
use super::traced::Traced;
use super::window::resolve;
use super::{Atom, BoundSequence, BoundStep, Predicate, Source, Test, Value};

/// A rule whose every name and value is settled.
#[derive(Clone, Debug)]
pub(crate) struct BoundRule {
    /// The rule's own conditions, or `None` where they are no operand.
    pub(crate) conditions: Option<Predicate>,
    /// The same, each condition by itself with its place in the document.
    pub(crate) traced: Option<Traced>,
    /// The rules whose segments are operands, in order.
    pub(crate) depends_on: Vec<i64>,
    pub(crate) operation: Option<Operation>,
    pub(crate) include: Vec<Key>,
    pub(crate) exclude: Vec<Key>,
    /// The zone of the rule's dates and windows.
    pub(crate) zone: Tz,
}

impl BoundRule {
    /// The rules that must be evaluated before this one.
    pub(crate) fn ancestors(&self) -> BTreeSet<i64> {
        let mut rules: BTreeSet<i64> = self.depends_on.iter().copied().collect();
        rules.extend(self.conditions.iter().flat_map(Predicate::segments));
        rules
    }
}

/// Where a field is looked for.
pub(super) enum Scope<'a> {
    Users,
    Events(&'a BoundEvents),
}

/// The binding of one rule.
pub(crate) struct Binding<'a> {
    pub(super) model: &'a BoundModel,
    rules: &'a KnownRules,
    zone: Tz,
    pub(super) rule_window: Option<Window>,
    salt: Option<&'a str>,
    problems: Vec<Problem>,
}

/// Binds a rule; the error holds every problem. A rule without a name is conditions alone.
pub(crate) fn bind_rule(
    rule: &Rule,
    model: &BoundModel,
    rules: &KnownRules,
) -> Result<BoundRule, Vec<Problem>> {
    let zone = rule.timezone.unwrap_or(model.zone);
    let dates = (rule.start_date, rule.end_date);
    let rule_window =
        (dates != (None, None)).then_some(Window::Range { start: dates.0, end: dates.1 });
    let salt = (!rule.rule_name.is_empty()).then_some(rule.rule_name.as_str());
    let mut binding = Binding { model, rules, zone, rule_window, salt, problems: Vec::new() };
    if let Some(window) = rule_window {
        let span = resolve(window, i64::MAX, zone);
        if span.start >= span.end {
            let message = "the rule starts after its end";
            binding.push(Problem::new(Code::BadDate, "/start_date", message));
        }
    }
    let conditions = match &rule.conditions {
        // With other operands, conditions that say nothing are no operand.
        Some(group)
            if !rule.depends_on.is_empty() && (group.rules.is_empty() || group.is_disabled()) =>
        {
            None
        }
        Some(group) => Some(binding.traced(group, &Scope::Users)),
        None => None,
    };
    let place = Path::ROOT.member("depends_on");
    let mut depends_on = Vec::new();
    for (index, other) in rule.depends_on.iter().enumerate() {
        depends_on.extend(binding.rule(other, place.index(index).to_string()));
    }
    let include = binding.keys(&rule.include, "include");
    let exclude = binding.keys(&rule.exclude, "exclude");
    let traced = match conditions {
        None => None,
        Some(None) => return Err(binding.problems),
        Some(Some(traced)) => Some(traced),
    };
    if !binding.problems.is_empty() {
        return Err(binding.problems);
    }
    let operation = rule.operation;
    let conditions = traced.as_ref().map(Traced::predicate);
    Ok(BoundRule { conditions, traced, depends_on, operation, include, exclude, zone })
}

/// What is wrong with the aggregates that the model's traits are made of.
pub(crate) fn check_model(model: &BoundModel) -> Vec<Problem> {
    let rules = KnownRules::default();
    let mut binding = Binding {
        model,
        rules: &rules,
        zone: model.zone,
        rule_window: None,
        salt: None,
        problems: Vec::new(),
    };
    for (name, entry) in &model.traits {
        if let BoundTrait::Aggregate(metric) = entry {
            let traits = Path::ROOT.member("traits");
            binding.metric(metric, (None, None), &traits.member(name).to_string());
        }
    }
    // It is the model that names the column, and the table that lacks it.
    let as_data = |problem: Problem| match problem.code {
        Code::UnknownField => Problem { code: Code::MissingColumn, ..problem },
        _ => problem,
    };
    binding.problems.into_iter().map(as_data).collect()
}

/// The type of a trait that is an aggregate.
pub(crate) fn trait_type(model: &BoundModel, name: &str) -> crate::Result<FieldType> {
    let rules = KnownRules::default();
    let mut binding = Binding {
        model,
        rules: &rules,
        zone: model.zone,
        rule_window: None,
        salt: None,
        problems: Vec::new(),
    };
    let found = match model.traits.get(name) {
        Some(BoundTrait::Aggregate(metric)) => binding.metric(metric, (None, None), ""),
        _ => None,
    };
    found.map(|metric| metric.ty.clone()).ok_or_else(|| crate::Error::of(binding.problems))
}

impl Binding<'_> {
    /// Adds a problem, unless the same was found already: a condition over several event tables
    /// is bound once for each.
    pub(super) fn push(&mut self, problem: Problem) {
        if !self.problems.iter().rev().take(50).any(|known| *known == problem) {
            self.problems.push(problem);
        }
    }

    fn rule(&mut self, rule: &RuleRef, place: String) -> Option<i64> {
        let found = self.rules.resolve(rule);
        if found.is_none() {
            self.push(self.rules.unknown(rule, place));
        }
        found
    }

    /// Hand-picked keys, brought to the population's type.
    fn keys(&mut self, keys: &[Key], member: &str) -> Vec<Key> {
        let place = Path::ROOT.member(member);
        let mut found = Vec::with_capacity(keys.len());
        for (index, key) in keys.iter().enumerate() {
            let fitting = match (self.model.key_type, key) {
                (KeyType::Int, Key::Text(text)) => text.trim().parse().ok().map(Key::Int),
                (KeyType::Int, Key::Int(_)) | (KeyType::Text, Key::Text(_)) => Some(key.clone()),
                (KeyType::Text, Key::Int(_)) => None,
            };
            match fitting {
                Some(key) => found.push(key),
                None if self.problems.len() > 1_000 => return found,
                None => {
                    let expected = match self.model.key_type {
                        KeyType::Int => "an integer",
                        KeyType::Text => "a string",
                    };
                    let message = format!("the users' keys are {expected} each, found {key}");
                    let place = place.index(index).to_string();
                    self.push(Problem::new(Code::TypeMismatch, place, message));
                }
            }
        }
        found
    }

    pub(super) fn group(&mut self, group: &Group, scope: &Scope<'_>) -> Option<Predicate> {
        self.traced(group, scope).map(|traced| traced.predicate())
    }

    fn traced(&mut self, group: &Group, scope: &Scope<'_>) -> Option<Traced> {
        let mut parts = Vec::with_capacity(group.rules.len());
        let mut sound = true;
        for node in &group.rules {
            match node {
                Node::Disabled(_) => {}
                Node::Group(inner) if inner.is_disabled() => {}
                Node::Group(inner) => match self.traced(inner, scope) {
                    Some(part) => parts.push(part),
                    None => sound = false,
                },
                node => match self.node(node, scope) {
                    Some(predicate) => {
                        parts.push(Traced::One {
                            at: node.at().to_owned(),
                            predicate: predicate.into(),
                        });
                    }
                    None => sound = false,
                },
            }
        }
        if !sound {
            return None;
        }
        // Conditions that are all switched off leave no group behind, whatever it says.
        if parts.is_empty() && group.is_disabled() {
            let at = group.at.as_str().to_owned();
            return Some(Traced::One { at, predicate: Predicate::Const(true).into() });
        }
        Some(Traced::Group { combinator: group.combinator, not: group.not, parts })
    }

    /// One condition.
    fn node(&mut self, node: &Node, scope: &Scope<'_>) -> Option<Predicate> {
        match node {
            Node::Group(_) | Node::Disabled(_) => None,
            Node::Condition(condition) => self.condition(condition, scope),
            Node::Segments(condition) => {
                let at = Path::at(condition.at.as_str());
                let place = at.member("value");
                let mut ids = BTreeSet::new();
                let mut sound = true;
                for (index, rule) in condition.rules.iter().enumerate() {
                    let place = match condition.rules.len() {
                        1 => place.to_string(),
                        _ => place.index(index).to_string(),
                    };
                    match self.rule(rule, place) {
                        Some(id) => ids.insert(id),
                        None => {
                            sound = false;
                            continue;
                        }
                    };
                }
                if !sound {
                    return None;
                }
                let any = match ids.is_empty() {
                    true => Predicate::Const(false),
                    false => Predicate::Segments(ids),
                };
                Some(if condition.negated { any.not() } else { any })
            }
            Node::Sequence(sequence) => self.sequence(sequence),
        }
    }

    fn sequence(&mut self, sequence: &Sequence) -> Option<Predicate> {
        self.check_window(sequence.window, sequence.at.as_str(), "window");
        let mut steps = Vec::with_capacity(sequence.steps.len());
        for step in &sequence.steps {
            let Some(tables) = self.event_tables(&step.events, step.at.as_str()) else { continue };
            let mut sources = Vec::with_capacity(tables.len());
            for events in &tables {
                let filter = match &step.filter {
                    Some(filter) => self.filter(filter, events),
                    None => Some(Predicate::Const(true)),
                };
                sources.extend(filter.map(|filter| Source {
                    table: events.table.clone(),
                    user: events.user.clone(),
                    time: events.time.clone(),
                    field: None,
                    filter,
                }));
            }
            if sources.len() == tables.len() {
                steps.push(BoundStep { sources, within: step.within });
            }
        }
        if steps.len() != sequence.steps.len() {
            return None;
        }
        let window = sequence.window.or(self.rule_window);
        let windows = window.into_iter().filter(|window| *window != Window::All).collect();
        let did = Predicate::Sequence(Arc::new(BoundSequence { steps, windows }));
        Some(if sequence.did { did } else { did.not() })
    }

    /// Reports a window whose start is after its end; which of the two is later may depend on the
    /// zone.
    pub(super) fn check_window(&mut self, window: Option<Window>, at: &str, member: &str) {
        if let Some(window @ Window::Range { .. }) = window {
            let span = resolve(window, i64::MAX, self.zone);
            if span.start >= span.end {
                let place = Path::at(at).member(member).to_string();
                let message = "the window's start is after its end";
                self.push(Problem::new(Code::BadDate, place, message));
            }
        }
    }

    fn condition(&mut self, condition: &Condition, scope: &Scope<'_>) -> Option<Predicate> {
        // First of all, so that what is wrong in it is told whatever else is.
        let among = match &condition.operand {
            Operand::Rank { among: Some(group), .. } => Some(self.group(group, &Scope::Users)),
            _ => None,
        };
        if let Operand::Window(window) = condition.operand {
            self.check_window(Some(window), condition.at.as_str(), "value");
        }
        if let Subject::Events(Metric { window, .. }) | Subject::Field { window, .. } =
            &condition.subject
        {
            self.check_window(*window, condition.at.as_str(), "window");
        }
        let (subject, name) = match &condition.subject {
            Subject::Bucket { salt } => {
                let salt = salt.as_deref().or(self.salt).map(str::to_owned);
                let Some(salt) = salt else {
                    let message = "a bucket outside a rule needs a \"salt\"";
                    let place = condition.at.as_str();
                    self.push(Problem::new(Code::MissingMember, place, message));
                    return None;
                };
                (Found::Value(Value::Bucket { salt }), "bucket".to_owned())
            }
            Subject::Events(metric) => {
                let name = metric.aggregate.as_str().to_owned();
                let bound = self.metric(metric, (None, None), condition.at.as_str())?;
                (Found::Value(Value::Metric(bound)), name)
            }
            Subject::Field { name, .. } => (self.field_of(condition, name, scope)?, name.clone()),
        };
        match subject {
            Found::Value(value) => self.tested(condition, value, among, &name, scope),
            Found::Point(latitude, longitude) => self.placed(condition, latitude, longitude, &name),
        }
    }

    /// A condition on one value.
    fn tested(
        &mut self,
        condition: &Condition,
        value: Value,
        among: Option<Option<Predicate>>,
        name: &str,
        scope: &Scope<'_>,
    ) -> Option<Predicate> {
        let ty = value.ty();
        if let Operand::Field(other) = &condition.operand {
            return self.compared(condition, value, other, scope);
        }
        let shown: String = name.chars().take(60).collect();
        let mut problems = Vec::new();
        let mut tester =
            Tester { condition, zone: self.zone, name: &shown, problems: &mut problems };
        let test = tester.test(&ty);
        problems.into_iter().for_each(|problem| self.push(problem));
        let test = test?;
        if let Operand::Rank { size, .. } = &condition.operand {
            let among = match among {
                Some(predicate) => Some(Box::new(predicate?)),
                None => None,
            };
            let top = condition.operator == Operator::Top;
            return Some(Predicate::Rank { value, top, size: *size, among });
        }
        Some(match condition.operator {
            Operator::Null => {
                Predicate::Atom(Atom { value, test: Test::Present, negated: false }).not()
            }
            Operator::NotNull => Predicate::Atom(Atom { value, test, negated: false }),
            operator => Predicate::Atom(Atom { value, test, negated: operator.positive().1 }),
        })
    }

    /// A condition on a position.
    fn placed(
        &mut self,
        condition: &Condition,
        latitude: Column,
        longitude: Column,
        name: &str,
    ) -> Option<Predicate> {
        let (operator, negated) = condition.operator.positive();
        match (&condition.operand, operator) {
            (Operand::Place(place), _) => {
                let place = place.clone();
                Some(Predicate::Within { latitude, longitude, place, negated })
            }
            (_, Operator::Null) => {
                let known = Predicate::Positioned { latitude, longitude };
                Some(if negated { known } else { known.not() })
            }
            _ => {
                let known = operators_of(&FieldType::Point).iter().map(|o| o.as_str());
                let known = known.collect::<Vec<_>>().join(" ");
                let message = format!(
                    "{} does not go with {name}, a point; expected one of {known}",
                    condition.operator
                );
                let place = Path::at(condition.at.as_str()).member("operator").to_string();
                self.push(Problem::new(Code::BadOperator, place, message));
                None
            }
        }
    }

    /// One field against another.
    fn compared(
        &mut self,
        condition: &Condition,
        left: Value,
        other: &str,
        scope: &Scope<'_>,
    ) -> Option<Predicate> {
        let at = Path::at(condition.at.as_str());
        let place = at.member("value").to_string();
        let right = match self.field(other, (None, None), place.clone(), "", scope)? {
            Found::Value(value) => value,
            Found::Point(..) => {
                self.push(Problem::new(Code::TypeMismatch, place, "a point has no order"));
                return None;
            }
        };
        let (a, b) = (left.ty(), right.ty());
        let scalar = !matches!(a, FieldType::List(_) | FieldType::Point);
        if !((a.is_number() && b.is_number()) || (a == b && scalar)) {
            let message = format!("{} can't be compared with {other}, {}", a.one(), b.one());
            self.push(Problem::new(Code::TypeMismatch, place, message));
            return None;
        }
        let equality = matches!(condition.operator, Operator::Equal | Operator::NotEqual);
        if condition.operator.looks_into() && a != FieldType::String {
            let (operator, one) = (condition.operator, a.one());
            let message = format!("{operator} between fields goes with strings, not with {one}");
            self.push(Problem::new(Code::BadOperator, at.member("operator").to_string(), message));
            return None;
        }
        if a == FieldType::Boolean && !equality {
            let message = format!("{} does not go with booleans", condition.operator);
            self.push(Problem::new(Code::BadOperator, at.member("operator").to_string(), message));
            return None;
        }
        if !condition.case_sensitive && a != FieldType::String {
            let place = at.member("caseSensitive").to_string();
            let message = format!("caseSensitive goes with strings, not with {}", a.one());
            self.push(Problem::new(Code::TypeMismatch, place, message));
            return None;
        }
        let (operator, fold) = (condition.operator, !condition.case_sensitive);
        Some(Predicate::Compare { left, operator, right, fold })
    }
}
