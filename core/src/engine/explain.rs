//! Explain: why one user is in a segment, or why not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value as JsonValue;

use crate::catalog::SegmentRow;
use crate::document::Json;
use crate::error::{Code, Error, Result};
use crate::model::{BoundModel, Key, KeyType};
use crate::plan::{Cutoff, Flavor};
use crate::predicate::{BoundRule, Predicate, Test, Traced, Value, bind_rule, span_of_windows};
use crate::rule::{Combinator, Group, Node, Operation, Rule};

use super::cutoffs::{OneUser, cutoffs_of};
use super::evaluate::{RunSources, Scanned};
use super::rule_store::{Rules, settle};
use super::{RuleDocument, SegmentEngine};

/// Why one user is in a segment, or why not.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The user.
    pub key: Key,
    /// The instant that it is about.
    #[serde(with = "crate::document::instant")]
    pub as_of: DateTime<Utc>,
    /// Whether the user belongs, hand-picked users included.
    pub member: bool,
    /// Whether the user is in the rule's `include`.
    pub included: bool,
    /// Whether the user is in the rule's `exclude`, which comes last.
    pub excluded: bool,
    /// The rule's operands and conditions.
    pub root: Explained,
}

/// A condition or a group of an [`Explanation`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Explained {
    /// Its place, a JSON Pointer; of a text, into the document that says the same. Empty for the
    /// operands of a rule together.
    pub path: String,
    /// What it is: `and`, `or`, `not and`, `not or`, the name of an operation, `segment`, or
    /// `condition`.
    pub kind: String,
    /// The condition as it is stored; empty for groups.
    pub text: String,
    /// Whether it holds of the user.
    pub holds: bool,
    /// What the user has: `None` for groups, `null` where there is no value. A position is
    /// `[latitude, longitude]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<JsonValue>,
    /// What is needed, operator and value, as in `>= 10000`; of two fields, the value of the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needed: Option<String>,
    /// Of a rank, what the last user within it has; `None` where there is room for one more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cutoff: Option<JsonValue>,
    /// The first instant that counts, and the first that does not any more, of the events or
    /// dates in question; `None` where nothing bounds them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<ExplainedWindow>,
    /// The members of a group.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Explained>,
}

/// A window as instants, half-open; an edge that is open is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExplainedWindow {
    /// The first instant that counts.
    #[serde(with = "crate::document::instant::option")]
    pub start: Option<DateTime<Utc>>,
    /// The first instant that does not count any more.
    #[serde(with = "crate::document::instant::option")]
    pub end: Option<DateTime<Utc>>,
}

impl SegmentEngine {
    /// Why a user is in a segment, or why not: the rule's conditions with what the user has. For a
    /// stored rule it is about the instant of its segment, for a document about now; other
    /// segments are as they were last published.
    ///
    /// Only this user's rows are asked for, as they are now. Where they have changed since the
    /// segment was computed, the answer is what it would be with them as they are now. A rank of a
    /// stored segment ends where it ended when that was computed: the answer is whether the user,
    /// with what there is now, would have come before its last member of then. Where that is not
    /// known (of a document, of a rank that was reworded since, of a rule that was answered from a
    /// segment in which that rank does not stand), the rank is selected anew over all users.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    /// # use segmentry::{AudienceModel, MemoryCatalog, Refresh, SegmentEngine};
    /// # #[tokio::main]
    /// # async fn main() -> segmentry::Result<()> {
    /// # let column = |values: Vec<i64>| Arc::new(Int64Array::from(values)) as ArrayRef;
    /// # let people = RecordBatch::try_from_iter([
    /// #     ("id", column(vec![1, 2, 3])), ("points", column(vec![70, 90, 80])),
    /// # ]).unwrap();
    /// # let model = AudienceModel::parse(r#"{"users": {"table": "people", "key": "id"}}"#)?;
    /// # let engine = SegmentEngine::builder().catalog(MemoryCatalog::new()).model(model).build().await?;
    /// # engine.add_arrow("people", vec![people])?;
    /// let rule = engine.create_rule(r#"{
    ///     "rule_name": "Best two",
    ///     "conditions": [{"field": "points", "operator": "top", "value": {"count": 2}}]
    /// }"#).await?;
    /// engine.refresh(Refresh::rules([rule])).await?;
    ///
    /// let explained = engine.explain(rule, 1).await?;
    /// let rank = &explained.root.parts[0];
    /// assert!(!explained.member && !rank.holds);
    /// // The user has 70 points; the last of the two has 80.
    /// assert_eq!((&rank.value, &rank.cutoff), (&Some(70.into()), &Some(80.into())));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Code::NotFound`] if no user has the key; all problems of a document, those of a text by
    /// line and column; errors of the data.
    pub async fn explain<'a>(
        &self,
        rule: impl Into<RuleDocument<'a>>,
        key: impl Into<Key>,
    ) -> Result<Explanation> {
        let rule = rule.into();
        let mut as_of = self.shared.clock.now();
        if let RuleDocument::Stored(which) = &rule {
            let id = self.shared.rules().await?.find(which)?.row.id;
            let row = self.shared.catalog(move |catalog| catalog.segment(id)).await?;
            as_of = row.and_then(|row| row.current).map_or(as_of, |version| version.as_of);
        }
        self.explain_as_of(rule, key, as_of).await
    }

    /// The same about another instant. Ranks of a stored rule are selected anew unless it is the
    /// instant of its segment.
    ///
    /// # Errors
    /// As for [`SegmentEngine::explain`].
    pub async fn explain_as_of<'a>(
        &self,
        rule: impl Into<RuleDocument<'a>>,
        key: impl Into<Key>,
        as_of: DateTime<Utc>,
    ) -> Result<Explanation> {
        self.shared.reopen_sources().await?;
        let rules = self.shared.rules().await?;
        let (stored, mut rule, places) = rules.read(rule.into())?;
        if !rule.rule_name.is_empty() {
            settle(&mut rule, &rules.known);
        }
        let model = self.shared.bound_model()?;
        let bound = bind_rule(&rule, &model, &rules.known).map_err(|found| places.error(found))?;
        let key = match (key.into(), model.key_type) {
            (Key::Text(text), KeyType::Int) => {
                text.trim().parse().map_or(Key::Text(text), Key::Int)
            }
            (key, _) => key,
        };
        let mut sources = RunSources::of(&self.shared, &model);
        self.shared.learn_keys().await?;
        for ancestor in bound.ancestors() {
            let segment = self.shared.load(ancestor, None, None).await?;
            sources.members.insert(ancestor, segment.members);
        }
        let mut leaves = Leaves::of(&rule, &bound);
        let kept = self.kept_cutoffs(stored, &bound, &rules, &model, as_of).await?;
        let mut one = OneUser::new(&key, kept);
        if !one.knows(bound.conditions.iter().flat_map(Predicate::ranks)) {
            // A selection tells users apart by their ordinals: all have to have one.
            self.shared.population(&model, &BTreeSet::new()).await?;
        }
        leaves.ask(&mut sources, &mut one, as_of.timestamp_micros(), bound.zone).await?;
        let root = leaves.root(&bound);
        let picked = |keys: &[Key]| keys.contains(&key);
        let (included, excluded) = (picked(&bound.include), picked(&bound.exclude));
        let member = (root.holds || included) && !excluded;
        Ok(Explanation { key, as_of, member, included, excluded, root })
    }

    /// Where the ranks of a stored rule end, by what they say, if its segment is about that instant.
    async fn kept_cutoffs(
        &self,
        stored: Option<i64>,
        bound: &BoundRule,
        rules: &Rules,
        model: &BoundModel,
        as_of: DateTime<Utc>,
    ) -> Result<BTreeMap<String, Cutoff>> {
        let Some(id) = stored else { return Ok(BTreeMap::new()) };
        let as_of = as_of.timestamp_micros();
        let about = |segment: &SegmentRow| {
            segment.current.as_ref().is_some_and(|now| now.as_of.timestamp_micros() == as_of)
        };
        let segment = self.shared.catalog(move |catalog| catalog.segment(id)).await?;
        let kept = segment.filter(about).map(|row| cutoffs_of(&row, bound, rules, model, as_of));
        Ok(kept.unwrap_or_default())
    }
}

/// The conditions of a rule one by one, with what was found out about each.
struct Leaves {
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
    fn of(rule: &Rule, bound: &BoundRule) -> Leaves {
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
    async fn ask(
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
    fn root(&self, bound: &BoundRule) -> Explained {
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

impl RunSources {
    /// The tables as they are registered, and no segment yet.
    pub(super) fn of(
        shared: &Arc<super::Shared>,
        model: &Arc<crate::model::BoundModel>,
    ) -> RunSources {
        RunSources {
            shared: Arc::clone(shared),
            model: Arc::clone(model),
            users: None,
            members: BTreeMap::new(),
            ranks: super::ranks::Ranks::default(),
            parts: super::parts::Parts::default(),
            among: None,
            only: None,
            stored: super::profile::StoredTables::default(),
            partly: false,
            planned: 0,
        }
    }
}
