//! A rule taken apart along its document: what may be answered by a segment, and what it costs.

use std::collections::BTreeMap;

use chrono_tz::Tz;

use crate::document::Path;
use crate::model::Column;
use crate::predicate::canonical::{Form, Forms, Setting};
use crate::predicate::{
    BoundRule, Metric, Predicate, Source, Test, TextTest, Traced, Value, key_in,
};
use crate::rule::{Combinator, Operation};

/// A part of a rule with no `Not` above its conditions.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The places in the document that it stands for, JSON Pointers.
    pub(crate) at: Vec<String>,
    pub(crate) form: Form,
    pub(crate) kind: Kind,
    pub(crate) load: Load,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    All(Vec<Part>),
    Any(Vec<Part>),
    /// Membership of a rule's segment, or of none.
    Member {
        rule: i64,
        negated: bool,
    },
    One(Box<Predicate>),
}

/// What evaluating a part takes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Load {
    /// The streams of events that have to be read.
    pub(crate) streams: Vec<Stream>,
    /// The work for one user, in rows of events.
    pub(crate) per_user: f64,
}

/// Events that are read in one pass: metrics of the same stream cost one reading.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Stream {
    pub(crate) tables: Vec<String>,
    /// Names filters and windows.
    key: u128,
}

/// A rule as the finder sees it.
#[derive(Debug)]
pub(crate) struct Taken {
    /// Operands and conditions, without the hand-picked users.
    pub(crate) root: Part,
    /// The whole rule, hand-picked users included.
    pub(crate) whole: Form,
    /// Whether the rule means something else at another `as_of`.
    pub(crate) timed: bool,
    /// The rule's ranks by what they say, with the digests of what they mean.
    pub(crate) ranks: BTreeMap<String, u128>,
}

/// The work of one test for one user, against that of reading and adding up one event.
const SIMPLE: f64 = 0.02;
const LOOKING_INTO_TEXT: f64 = 0.1;

/// The work of looking one user up in a segment.
pub(crate) const LOOKUP: f64 = 0.2;

pub(crate) struct Taker<'a> {
    pub(crate) forms: &'a mut Forms,
    pub(crate) key: &'a Column,
    pub(crate) setting: Setting<'a>,
}

impl Taker<'_> {
    pub(crate) fn take(mut self, rule: &BoundRule) -> Taken {
        let place = Path::ROOT.member("depends_on");
        let mut operands: Vec<Part> = Vec::new();
        for (index, other) in rule.depends_on.iter().enumerate() {
            let negated = rule.operation == Some(Operation::Difference) && index > 0;
            operands.push(self.member(*other, negated, place.index(index).to_string()));
        }
        if let Some(traced) = &rule.traced {
            let negated = rule.operation == Some(Operation::Difference) && !operands.is_empty();
            operands.push(self.traced(traced, negated));
        }
        let root = self.group(operands, rule.operation != Some(Operation::Union));
        let include = self.forms.read(&key_in(self.key, &rule.include), &mut self.setting);
        let exclude = self.forms.read(&key_in(self.key, &rule.exclude), &mut self.setting);
        let included = self.forms.any(vec![root.form, include]);
        let allowed = self.forms.not(exclude);
        let whole = self.forms.all(vec![included, allowed]);
        let ranks = rule.conditions.as_ref().map_or_else(Vec::new, Predicate::ranks);
        let ranks = ranks.into_iter().map(|rank| {
            let form = self.forms.read(rank, &mut self.setting);
            (rank.said(), self.forms.digest(form))
        });
        let ranks = ranks.collect();
        Taken { root, whole, timed: self.setting.timed, ranks }
    }

    fn traced(&mut self, traced: &Traced, negated: bool) -> Part {
        match traced {
            Traced::Group { combinator, not, parts } => {
                let negated = negated != *not;
                let parts = parts.iter().map(|part| self.traced(part, negated)).collect();
                self.group(parts, (*combinator == Combinator::And) != negated)
            }
            Traced::One { at, predicate } => self.one(predicate, negated, at),
        }
    }

    fn one(&mut self, predicate: &Predicate, negated: bool, at: &str) -> Part {
        match predicate {
            Predicate::Not(inner) => self.one(inner, !negated, at),
            Predicate::Segments(rules) => {
                let parts =
                    rules.iter().map(|rule| self.member(*rule, negated, at.to_owned())).collect();
                let mut part = self.group(parts, negated);
                part.at = vec![at.to_owned()];
                part
            }
            predicate => {
                let load = self.load(predicate);
                let predicate = match negated {
                    true => predicate.clone().not(),
                    false => predicate.clone(),
                };
                let form = self.forms.read(&predicate, &mut self.setting);
                Part { at: vec![at.to_owned()], form, kind: Kind::One(predicate.into()), load }
            }
        }
    }

    fn member(&mut self, rule: i64, negated: bool, at: String) -> Part {
        let predicate = Predicate::Segments([rule].into());
        let form = self.forms.read(&predicate, &mut self.setting);
        let form = if negated { self.forms.not(form) } else { form };
        let load = Load { streams: Vec::new(), per_user: LOOKUP };
        Part { at: vec![at], form, kind: Kind::Member { rule, negated }, load }
    }

    fn group(&mut self, parts: Vec<Part>, all: bool) -> Part {
        group(self.forms, parts, all)
    }

    fn load(&mut self, predicate: &Predicate) -> Load {
        let mut load = Load::default();
        let mut metrics: Vec<&Metric> = Vec::new();
        let mut sequences = Vec::new();
        predicate.walk(&mut |node| {
            load.per_user += match node {
                Predicate::And(_) | Predicate::Or(_) | Predicate::Not(_) => 0.0,
                Predicate::Atom(atom) => match &atom.test {
                    Test::Text { test: TextTest::In(_) | TextTest::Range(..), .. } => SIMPLE,
                    Test::Text { .. } | Test::Has { .. } => LOOKING_INTO_TEXT,
                    _ => SIMPLE,
                },
                Predicate::Segments(rules) => LOOKUP * rules.len() as f64,
                Predicate::Rank { .. } => 1.0,
                Predicate::Within { .. } => LOOKING_INTO_TEXT,
                Predicate::Sequence(sequence) => {
                    sequences.push(sequence);
                    SIMPLE
                }
                _ => SIMPLE,
            };
            metrics.extend(node.values_here().into_iter().filter_map(|value| match value {
                Value::Metric(metric) => Some(metric.as_ref()),
                _ => None,
            }));
        });
        for metric in metrics {
            let stream = self.stream(&metric.sources, &metric.windows);
            load.streams.push(stream);
        }
        for sequence in sequences {
            for step in &sequence.steps {
                let stream = self.stream(&step.sources, &sequence.windows);
                load.streams.push(stream);
            }
        }
        load.streams.sort();
        load.streams.dedup();
        load
    }

    fn stream(&mut self, sources: &[Source], windows: &[crate::rule::Window]) -> Stream {
        use std::hash::Hash;
        let mut out = xxhash_rust::xxh3::Xxh3::new();
        self.setting.events(windows).hash(&mut out);
        for source in sources {
            let filter = self.forms.read(&source.filter, &mut self.setting);
            (&source.table, &source.user.name, &source.time.name).hash(&mut out);
            self.forms.digest(filter).hash(&mut out);
        }
        let mut tables: Vec<String> = sources.iter().map(|source| source.table.clone()).collect();
        tables.sort();
        Stream { tables, key: out.digest128() }
    }
}

/// Parts joined: groups of the same kind become one, and a group of one part is that part.
pub(crate) fn group(forms: &mut Forms, parts: Vec<Part>, all: bool) -> Part {
    let mut flat: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts {
        match part.kind {
            Kind::All(inner) if all => flat.extend(inner),
            Kind::Any(inner) if !all => flat.extend(inner),
            _ => flat.push(part),
        }
    }
    if flat.len() == 1
        && let Some(part) = flat.pop()
    {
        return part;
    }
    let children: Vec<Form> = flat.iter().map(|part| part.form).collect();
    let form = if all { forms.all(children) } else { forms.any(children) };
    let mut load = Load::default();
    for part in &flat {
        load.streams.extend(part.load.streams.iter().cloned());
        load.per_user += part.load.per_user;
    }
    load.streams.sort();
    load.streams.dedup();
    let at = flat.iter().flat_map(|part| part.at.iter().cloned()).collect();
    let kind = match (flat.is_empty(), all) {
        (true, _) => Kind::One(Predicate::Const(all).into()),
        (false, true) => Kind::All(flat),
        (false, false) => Kind::Any(flat),
    };
    Part { at, form, kind, load }
}

impl Part {
    /// The part as it is evaluated.
    pub(crate) fn predicate(&self) -> Predicate {
        match &self.kind {
            Kind::All(parts) => Predicate::all(parts.iter().map(Part::predicate)),
            Kind::Any(parts) => Predicate::any(parts.iter().map(Part::predicate)),
            Kind::Member { rule, negated } => {
                let member = Predicate::Segments([*rule].into());
                if *negated { member.not() } else { member }
            }
            Kind::One(predicate) => predicate.as_ref().clone(),
        }
    }
}

/// The setting of a rule: its zone at the run's `as_of`.
pub(crate) fn setting<'a>(
    as_of: i64,
    zone: Tz,
    segment: &'a dyn Fn(i64) -> Option<Form>,
) -> Setting<'a> {
    Setting { as_of, zone, segment, timed: false }
}
