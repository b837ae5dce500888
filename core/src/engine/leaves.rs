//! The conditions of an explanation one by one: which of them hold of one user, and what the user has.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray};
use chrono::DateTime;

use crate::document::Json;
use crate::error::{Code, Error, Result};
use crate::plan::Flavor;
use crate::predicate::{BoundRule, Predicate, Test, Traced, Value, span_of_windows};
use crate::rule::{Combinator, Group, Node, Operation, Rule};

use super::cutoffs::OneUser;
use super::evaluate::{RunSources, Scanned};
use super::explain::{Explained, ExplainedWindow};

/// The conditions of a rule one by one, with what was found out about each.
pub(super) struct Leaves {
    nodes: BTreeMap<String, Node>,
    /// Operands as `/depends_on/0`, and conditions by their places, in order.
    asked: Vec<Leaf>,
}

struct Leaf {
    at: String,
    predicate: Predicate,
    holds: bool,
    values: Vec<Json>,
    cutoff: Option<Json>,
    window: Option<ExplainedWindow>,
}

impl Leaves {
    pub(super) fn of(rule: &Rule, bound: &BoundRule) -> Leaves {
        let mut nodes = BTreeMap::new();
        if let Some(group) = &rule.conditions {
            by_place(group, &mut nodes);
        }
        let mut found: Vec<(String, Predicate)> = bound
            .depends_on
            .iter()
            .enumerate()
            .map(|(at, id)| {
                (format!("/depends_on/{at}"), Predicate::Segments(BTreeSet::from([*id])))
            })
            .collect();
        if let Some(traced) = &bound.traced {
            leaves_of(traced, &mut found);
        }
        let leaf = |(at, predicate)| Leaf {
            at,
            predicate,
            holds: false,
            values: Vec::new(),
            cutoff: None,
            window: None,
        };
        Leaves { nodes, asked: found.into_iter().map(leaf).collect() }
    }

    /// Looks the user's values up.
    pub(super) async fn ask(
        &mut self,
        sources: &mut RunSources,
        one: &mut OneUser<'_>,
        as_of: i64,
        zone: chrono_tz::Tz,
    ) -> Result<()> {
        let mut scanned = Scanned::new();
        let mut settled = Vec::with_capacity(self.asked.len());
        for leaf in &mut self.asked {
            let predicate = &leaf.predicate;
            settled.push(sources.settled_for(predicate, one, as_of, zone, &mut scanned).await?);
            if let rank @ Predicate::Rank { .. } = plain(predicate) {
                leaf.cutoff = one.last.get(&rank.said()).cloned();
            }
        }
        let values: Vec<Vec<Value>> =
            self.asked.iter().zip(&settled).map(|(leaf, now)| shown_values(leaf, now)).collect();
        sources.only = Some(one.key.clone());
        let predicates: Vec<&Predicate> = settled.iter().collect();
        let flat: Vec<&Value> = values.iter().flatten().collect();
        let planner = sources.planner(as_of, zone, Flavor::Engine);
        let (plan, shown) = planner.explained(&predicates, &flat)?;
        let mut rows = Vec::new();
        sources
            .run(plan, &mut scanned, |batch| {
                rows.extend((0..batch.num_rows()).map(|row| batch.slice(row, 1)));
                Ok(())
            })
            .await?;
        let Some(row) = rows.first() else {
            return Err(Error::new(Code::NotFound, format!("no user has the key {}", one.key)));
        };
        let internal = super::evaluate::internal;
        let mut shown = shown.into_iter();
        for (index, (leaf, values)) in self.asked.iter_mut().zip(&values).enumerate() {
            let truth = row.column(index + 1).as_boolean();
            leaf.holds = truth.is_valid(0) && truth.value(0);
            for shown in shown.by_ref().take(values.len()) {
                leaf.values.push(shown.json(row.columns(), 0).map_err(internal)?);
            }
            leaf.window = window_of(&leaf.predicate, as_of, zone);
        }
        Ok(())
    }

    /// The operands and conditions as one tree.
    pub(super) fn root(&self, bound: &BoundRule) -> Explained {
        let own = bound.traced.as_ref().map(|traced| self.tree(traced));
        let Some(operation) = bound.operation else {
            return own.unwrap_or_else(|| group(String::new(), "or".to_owned(), Vec::new(), false));
        };
        let operands = self.asked.iter().filter(|leaf| leaf.at.starts_with("/depends_on/"));
        let mut parts: Vec<Explained> = operands.map(|leaf| self.leaf(leaf)).collect();
        parts.extend(own);
        let mut each = parts.iter().map(|part| part.holds);
        let holds = match operation {
            Operation::Intersection => each.all(|holds| holds),
            Operation::Union => each.any(|holds| holds),
            Operation::Difference => each.next().unwrap_or(false) && !each.any(|holds| holds),
        };
        group(String::new(), operation.as_str().to_owned(), parts, holds)
    }

    fn tree(&self, traced: &Traced) -> Explained {
        match traced {
            Traced::One { at, .. } => {
                let leaf = self.asked.iter().find(|leaf| leaf.at == *at);
                leaf.map_or_else(
                    || group(at.clone(), "and".to_owned(), Vec::new(), true),
                    |leaf| self.leaf(leaf),
                )
            }
            Traced::Group { combinator, not, parts } => {
                let parts: Vec<Explained> = parts.iter().map(|part| self.tree(part)).collect();
                let (name, joined) = match combinator {
                    Combinator::And => ("and", parts.iter().all(|part| part.holds)),
                    Combinator::Or => ("or", parts.iter().any(|part| part.holds)),
                };
                let kind = if *not { format!("not {name}") } else { name.to_owned() };
                let first = parts.first().map_or("", |part| part.path.as_str());
                let path = first.rfind('/').and_then(|at| first.get(..at)).unwrap_or("");
                group(
                    path.strip_suffix("/rules").unwrap_or(path).to_owned(),
                    kind,
                    parts,
                    joined != *not,
                )
            }
        }
    }

    fn leaf(&self, leaf: &Leaf) -> Explained {
        let node = self.nodes.get(&leaf.at);
        let json = node.map(node_json);
        let member = |name: &str| json.as_ref().and_then(|json| json.get(name));
        let operator = member("operator").map_or_else(String::new, said);
        let wanted = match leaf.values.get(1) {
            Some(other) if member("valueSource").is_some() => said(other),
            _ => member("value").map_or_else(String::new, said),
        };
        let segment = matches!(node, None | Some(Node::Segments(_)));
        let value = match (leaf.values.as_slice(), member("valueSource").is_some()) {
            ([], _) => None,
            ([one], _) | ([one, _], true) => Some(one.to_value()),
            (several, _) => Some(several.iter().map(Json::to_value).collect()),
        };
        Explained {
            path: leaf.at.clone(),
            kind: if segment { "segment" } else { "condition" }.to_owned(),
            text: json.as_ref().map_or_else(String::new, Json::to_text),
            holds: leaf.holds,
            value,
            needed: node.map(|_| format!("{operator} {wanted}").trim().to_owned()),
            cutoff: leaf.cutoff.as_ref().map(Json::to_value),
            window: leaf.window,
            parts: Vec::new(),
        }
    }
}

fn group(path: String, kind: String, parts: Vec<Explained>, holds: bool) -> Explained {
    let (text, value, needed, cutoff, window) = (String::new(), None, None, None, None);
    Explained { path, kind, text, holds, value, needed, cutoff, window, parts }
}

fn by_place(group: &Group, nodes: &mut BTreeMap<String, Node>) {
    for node in &group.rules {
        match node {
            Node::Group(inner) => by_place(inner, nodes),
            node => drop(nodes.insert(node.at().to_owned(), node.clone())),
        }
    }
}

fn leaves_of(traced: &Traced, found: &mut Vec<(String, Predicate)>) {
    match traced {
        Traced::Group { parts, .. } => parts.iter().for_each(|part| leaves_of(part, found)),
        Traced::One { at, predicate } => found.push((at.clone(), predicate.as_ref().clone())),
    }
}

/// A text by itself, anything else as JSON.
fn said(json: &Json) -> String {
    match json {
        Json::String(text) => text.clone(),
        other => other.to_text(),
    }
}

/// The condition alone, as it is stored.
fn node_json(node: &Node) -> Json {
    let alone = Group {
        combinator: Combinator::And,
        not: false,
        rules: vec![node.clone()],
        at: crate::rule::At::default(),
    };
    match alone.to_json() {
        Json::Array(mut items) if items.len() == 1 => items.pop().unwrap_or(Json::Null),
        other => other,
    }
}

/// The predicate, or what it is the complement of.
fn plain(predicate: &Predicate) -> &Predicate {
    match predicate {
        Predicate::Not(inner) => inner.as_ref(),
        other => other,
    }
}

/// The values that are shown of a leaf: those that it tests itself, and a position's two.
fn shown_values(leaf: &Leaf, settled: &Predicate) -> Vec<Value> {
    // A rank is settled, but its value is shown all the same.
    let mut values: Vec<Value> = match plain(&leaf.predicate) {
        Predicate::Rank { value, .. } => vec![value.clone()],
        _ => Vec::new(),
    };
    settled.walk(&mut |node| match node {
        Predicate::Within { latitude, longitude, .. }
        | Predicate::Positioned { latitude, longitude } => {
            values.push(Value::Column(latitude.clone()));
            values.push(Value::Column(longitude.clone()));
        }
        node => values.extend(node.values_here().into_iter().cloned()),
    });
    values
}

/// The instants that a leaf's events or dates are taken from.
fn window_of(predicate: &Predicate, as_of: i64, zone: chrono_tz::Tz) -> Option<ExplainedWindow> {
    let mut found = None;
    predicate.walk(&mut |node| {
        let span = match node {
            Predicate::Sequence(sequence) => Some(span_of_windows(&sequence.windows, as_of, zone)),
            Predicate::Atom(atom) => match (&atom.test, &atom.value) {
                (Test::During(window), _) => Some(crate::predicate::resolve(*window, as_of, zone)),
                (_, Value::Metric(metric)) => Some(span_of_windows(&metric.windows, as_of, zone)),
                _ => None,
            },
            node => node.values_here().into_iter().find_map(|value| match value {
                Value::Metric(metric) => Some(span_of_windows(&metric.windows, as_of, zone)),
                _ => None,
            }),
        };
        found = found.or(span);
    });
    let edge =
        |at: i64, open: i64| (at != open).then(|| DateTime::from_timestamp_micros(at)).flatten();
    found.map(|span| ExplainedWindow {
        start: edge(span.start, i64::MIN),
        end: edge(span.end, i64::MAX),
    })
}
