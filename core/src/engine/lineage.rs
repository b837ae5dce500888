//! The verbs `dependencies` and `lineage`: what a rule is, or could be, computed from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::catalog::SegmentRow;
use crate::dependency::{
    Dependencies, How, Library, Lineage, LineageEdge, LineageKind, LineageNode, Question, Reader,
    Reused, RuleGraph, Sizes, Wholes,
};
use crate::error::{Code, Error, Result};
use crate::model::BoundModel;
use crate::predicate::{BoundRule, bind_rule};
use crate::rule::{Group, Node, Operand, Rule, RuleRef};

use super::reuse::Seniority;
use super::rule_store::{Rules, settle};
use super::work::bind;
use super::{RuleDocument, SegmentEngine};

impl SegmentEngine {
    /// What the segments of other rules can answer of a rule, stored or not, in a run as of now
    /// that refreshes all rules that are enabled. Nothing is stored, and the rule's own
    /// `depends_on` stays what it is.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    /// # use segmentry::{AudienceModel, MemoryCatalog, RuleDocument, SegmentEngine};
    /// # #[tokio::main]
    /// # async fn main() -> segmentry::Result<()> {
    /// # let column = |values: Vec<i64>| Arc::new(Int64Array::from(values)) as ArrayRef;
    /// # let people = RecordBatch::try_from_iter([
    /// #     ("id", column((1..=1000).collect())), ("age", column((1..=1000).map(|i| i % 90).collect())),
    /// #     ("tier", column((1..=1000).map(|i| i % 3).collect())),
    /// # ]).unwrap();
    /// # let model = AudienceModel::parse(r#"{"users": {"table": "people", "key": "id"}}"#)?;
    /// # let engine = SegmentEngine::builder().catalog(MemoryCatalog::new()).model(model).build().await?;
    /// # engine.add_arrow("people", vec![people])?;
    /// let adults = engine.create_rule(r#"{
    ///     "rule_name": "Adults",
    ///     "conditions": [{"field": "age", "operator": ">=", "value": 18}]
    /// }"#).await?;
    /// let rule = serde_json::json!([
    ///     {"field": "tier", "operator": "=", "value": 1},
    ///     {"not": true, "rules": [{"combinator": "or", "rules": [
    ///         {"field": "age", "operator": "<", "value": 18},
    ///         {"field": "age", "operator": "null"}]}]}
    /// ]);
    /// let found = engine.dependencies(&rule).await?;
    /// assert_eq!(found.reused[0].rule_id, adults);
    /// assert_eq!(found.evaluated, ["/0"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// All problems of the rule, those of a text by line and column; errors of the model and of the
    /// catalog.
    pub async fn dependencies<'a>(
        &self,
        rule: impl Into<RuleDocument<'a>>,
    ) -> Result<Dependencies> {
        self.shared.reopen_sources().await?;
        let rules = self.shared.rules().await?;
        let (stored, mut rule, places) = rules.read(rule.into())?;
        let named = || rules.known.resolve(&RuleRef::Name(rule.rule_name.clone()));
        let id = stored.or_else(named);
        settle(&mut rule, &rules.known);
        let model = self.shared.bound_model()?;
        let bound = bind_rule(&rule, &model, &rules.known).map_err(|found| places.error(found))?;
        let rows: BTreeMap<i64, u64> = self
            .shared
            .segment_rows()
            .await?
            .iter()
            .map(|(id, row)| (*id, u64::try_from(row.row_count).unwrap_or(0)))
            .collect();
        let search = Search {
            sizes: self.shared.sizes(&model, &rows, self.shared.dictionary().len()),
            as_of: self.shared.clock.now().timestamp_micros(),
            graph: Arc::clone(rules.graph()),
            rules,
            model,
            rows,
            id,
            bound,
        };
        tokio::task::spawn_blocking(move || search.dependencies()).await.map_err(|error| {
            Error::new(Code::Internal, "the search for dependencies was stopped").caused_by(error)
        })
    }

    /// A rule with everything that its segment comes from and everything that comes from it: by
    /// the rules' present wordings, and by what the last refreshes reused.
    ///
    /// # Errors
    /// [`Code::NotFound`]; errors of the catalog.
    pub async fn lineage(&self, rule: impl Into<RuleRef>) -> Result<Lineage> {
        let rules = self.shared.rules().await?;
        let id = rules.find(&rule.into())?.row.id;
        let segments = self.shared.segment_rows().await?;
        let mut edges = Vec::new();
        for parsed in &rules.rules {
            let to = parsed.row.id;
            if let Ok(rule) = &parsed.rule {
                named(rule, to, &rules, &mut edges);
            }
            let reused = segments.get(&to).and_then(|row| row.reused.as_deref());
            let reused: Vec<Reused> =
                reused.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
            let others = reused.iter().filter(|reused| reused.rule_id != to);
            edges.extend(others.filter(|r| rules.get(r.rule_id).is_some()).map(|r| reuse(r, to)));
        }
        let graph = RuleGraph::new(edges.iter().map(|edge| (edge.to, vec![edge.from])));
        let mut shown = graph.with_ancestors([id]);
        shown.extend(graph.affected(id));
        shown.insert(id);
        edges.retain(|edge| shown.contains(&edge.from) && shown.contains(&edge.to));
        let nodes = shown.into_iter().filter_map(|id| node(&rules, segments.get(&id), id));
        Ok(Lineage { rule_id: id, nodes: nodes.collect(), edges })
    }
}

fn node(rules: &Rules, segment: Option<&SegmentRow>, id: i64) -> Option<LineageNode> {
    let row = &rules.get(id)?.row;
    Some(LineageNode {
        rule_id: id,
        rule_name: row.text.rule_name.clone(),
        row_count: segment.map(|segment| u64::try_from(segment.row_count).unwrap_or(0)),
        as_of: segment.and_then(|segment| segment.current.as_ref()).map(|version| version.as_of),
        enabled: row.text.enabled,
    })
}

/// The segments that a rule names, and where.
fn named(rule: &Rule, to: i64, rules: &Rules, edges: &mut Vec<LineageEdge>) {
    let operation = rule.operation.map_or("", |operation| operation.as_str());
    for (index, other) in rule.depends_on.iter().enumerate() {
        if let Some(from) = rules.known.resolve(other) {
            let reason = format!("{operation}, operand {}", index + 1);
            edges.push(LineageEdge { from, to, kind: LineageKind::Operand, reason });
        }
    }
    if let Some(group) = &rule.conditions {
        in_conditions(group, "", to, rules, edges);
    }
}

fn in_conditions(group: &Group, what: &str, to: i64, rules: &Rules, edges: &mut Vec<LineageEdge>) {
    for node in &group.rules {
        match node {
            Node::Group(inner) => in_conditions(inner, what, to, rules, edges),
            Node::Segments(condition) => {
                let operator = if condition.negated { "notIn" } else { "in" };
                for from in condition.rules.iter().filter_map(|rule| rules.known.resolve(rule)) {
                    let reason = format!("{what}segment {operator}, {}", condition.at.as_str());
                    edges.push(LineageEdge { from, to, kind: LineageKind::Condition, reason });
                }
            }
            Node::Condition(condition) => {
                if let Operand::Rank { among: Some(among), .. } = &condition.operand {
                    in_conditions(among, "among: ", to, rules, edges);
                }
            }
            Node::Sequence(_) | Node::Disabled(_) => {}
        }
    }
}

fn reuse(reused: &Reused, to: i64) -> LineageEdge {
    let places = reused.covers.join(" ");
    let reason = match (reused.how, places.is_empty()) {
        (How::Equal, _) => format!("reused: equal to {places}"),
        (How::Contains, false) => format!("reused: answers {places}"),
        (How::Contains, true) => "reused: contains it".to_owned(),
    };
    LineageEdge { from: reused.rule_id, to, kind: LineageKind::Reused, reason }
}

/// What is asked of the finder about one rule.
struct Search {
    rules: Arc<Rules>,
    graph: Arc<RuleGraph>,
    model: Arc<BoundModel>,
    as_of: i64,
    rows: BTreeMap<i64, u64>,
    sizes: Sizes,
    id: Option<i64>,
    bound: BoundRule,
}

impl Search {
    fn dependencies(self) -> Dependencies {
        let later: BTreeSet<i64> = self.id.map(|id| self.graph.affected(id)).unwrap_or_default();
        let needed = self.graph.with_ancestors(self.bound.ancestors());
        let mut library = Library::default();
        let mut wholes = Wholes::new();
        let mut reader = Reader::new(&self.model, self.as_of, &mut wholes);
        let mut known = Vec::new();
        for id in self.graph.order() {
            let Some(parsed) = self.rules.get(id) else { continue };
            // Disabled rules are taken for the sake of those that need them.
            let enabled = parsed.row.text.enabled || needed.contains(&id);
            if !enabled && self.graph.dependents(id).is_empty() {
                continue;
            }
            let Ok(bound) = bind(parsed, &self.rules, &self.model) else { continue };
            let taken = reader.take(&mut library, Some(id), &bound);
            if enabled {
                library.add(id, taken.whole, self.rows.get(&id).copied(), false);
            }
            known.push((id, taken));
        }
        let taken = reader.take(&mut library, None, &self.bound);
        let seniority = Seniority::of(&known, &library);
        let allowed = |rule: i64| {
            !later.contains(&rule) && self.id.is_none_or(|id| seniority.is_before(rule, id))
        };
        let question =
            Question { rule: self.id, taken: &taken, sizes: &self.sizes, allowed: &allowed };
        let answer = library.answer(&question);
        let before: BTreeSet<i64> =
            answer.sources().into_iter().chain(self.bound.ancestors()).collect();
        answer.dependencies(self.graph.order_of(before, self.id))
    }
}
