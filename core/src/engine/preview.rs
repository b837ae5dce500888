//! Preview: how many users a rule would take, and how many are left after each condition.

use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, RecordBatch};
use arrow::compute::and;
use chrono::{DateTime, Utc};
use roaring::RoaringBitmap;
use serde::Serialize;

use crate::document::Document;
use crate::error::{Error, Result};
use crate::model::BoundModel;
use crate::plan::Flavor;
use crate::predicate::{KnownRules, Predicate, bind_rule};
use crate::rule::{Combinator, Group, Node, Rule, RuleParser};
use crate::segment::{key_column, spread};

use super::ancestors::Ancestors;
use super::evaluate::{RunSources, Scanned, internal};
use super::work::whole;
use super::{SegmentEngine, rule_store::settle};

/// What a rule would give; nothing is stored. As JSON it has no sample, which is Arrow.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Preview {
    /// How many users it takes.
    pub count: u64,
    /// Of how many.
    pub of: u64,
    /// Up to 100 of them as rows of the users table, in the order of their keys.
    #[serde(skip)]
    pub sample: RecordBatch,
    /// The rule as SQL, for people.
    pub sql: String,
    /// One step for each condition of the topmost group, in order.
    pub steps: Vec<PreviewStep>,
}

/// One condition of a preview.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PreviewStep {
    /// Its place, a JSON Pointer; of a text, into the document that says the same.
    pub path: String,
    /// The condition as it is stored.
    pub text: String,
    /// Under a topmost `and`: how many users are left after this and all before it. Elsewhere: how
    /// many it takes by itself.
    pub count: u64,
}

/// How many members a preview shows.
const SAMPLE: usize = 100;

impl SegmentEngine {
    /// Evaluates conditions (a list, a group, one condition or a whole rule) without storing
    /// anything, as of now. Segments that they name are taken as they were last published, those of
    /// disabled rules as a refresh would compute them.
    ///
    /// # Errors
    /// All problems of the document, those of a text by line and column; errors of the data.
    pub async fn preview<'a>(&self, conditions: impl Into<Document<'a>>) -> Result<Preview> {
        let now = self.shared.clock.now();
        self.preview_as_of(conditions, now).await
    }

    /// The same as of another instant.
    ///
    /// # Errors
    /// As for [`SegmentEngine::preview`].
    pub async fn preview_as_of<'a>(
        &self,
        conditions: impl Into<Document<'a>>,
        as_of: DateTime<Utc>,
    ) -> Result<Preview> {
        let (mut rule, places) = RuleParser::read_conditions(conditions)?;
        self.shared.reopen_sources().await?;
        let rules = self.shared.rules().await?;
        let model = self.shared.bound_model()?;
        if !rule.rule_name.is_empty() {
            settle(&mut rule, &rules.known);
        }
        let bound = bind_rule(&rule, &model, &rules.known).map_err(|found| places.error(found))?;
        let mut sources = RunSources::of(&self.shared, &model);
        let ancestors = Ancestors::of(&bound, &rules, &model)?;
        let everything = whole(&bound, &model);
        let steps = steps_of(&rule, &model, &rules.known)?;
        let mut columns: std::collections::BTreeSet<String> = std::collections::BTreeSet::new();
        let steps_of = steps.iter().map(|step| &step.predicate);
        for predicate in steps_of.chain([&everything]).chain(ancestors.predicates()) {
            let own = predicate.columns().into_iter().filter(|c| c.table == model.table);
            columns.extend(own.map(|column| column.name.clone()));
        }
        let population = self.shared.population(&model, &columns).await?;
        sources.users = Some(Arc::clone(&population.table) as _);

        let as_of = as_of.timestamp_micros();
        let predicates: Vec<&Predicate> =
            std::iter::once(&everything).chain(steps.iter().map(|step| &step.predicate)).collect();
        let mut scanned = Scanned::new();
        sources.take_ancestors(&ancestors, &population, as_of, &mut scanned).await?;
        let mut selected = Vec::with_capacity(predicates.len());
        for predicate in &predicates {
            selected.push(sources.selected(predicate, as_of, bound.zone, &mut scanned).await?);
        }
        let selected: Vec<&Predicate> = selected.iter().collect();
        let planner = sources.planner(as_of, bound.zone, Flavor::Engine);
        let plan = planner.truths(&selected)?;
        let cumulative = is_cumulative(&rule);
        let mut counts = vec![0u64; predicates.len()];
        let mut members = RoaringBitmap::new();
        sources
            .run(plan, &mut scanned, |batch| {
                let ordinals = self.shared.dictionary().ordinals(&key_column(batch.column(0))?);
                let mut left: Option<BooleanArray> = None;
                for (index, count) in counts.iter_mut().enumerate() {
                    let mut truths = batch.column(index + 1).as_boolean().clone();
                    if index == 0 {
                        let rows = ordinals.iter().zip(truths.iter());
                        let held = rows.filter(|(_, truth)| *truth == Some(true));
                        members.extend(held.filter_map(|(ordinal, _)| *ordinal));
                    } else if cumulative {
                        let before = left.take().unwrap_or_else(|| truths.clone());
                        truths = and(&before, &truths).map_err(|e| internal(e.into()))?;
                        left = Some(truths.clone());
                    }
                    *count += u64::try_from(truths.true_count()).unwrap_or(0);
                }
                Ok(())
            })
            .await?;
        let steps = steps.into_iter().zip(counts.iter().skip(1));
        let steps = steps.map(|(step, count)| PreviewStep {
            path: step.path,
            text: step.text,
            count: *count,
        });
        Ok(Preview {
            count: members.len(),
            of: population.users.len(),
            sample: self.shared.rows_of(&spread(&members, SAMPLE), None).await?,
            sql: sources.sql_of(&everything, as_of, bound.zone),
            steps: steps.collect(),
        })
    }
}

/// A condition of the topmost group by itself.
struct Step {
    path: String,
    text: String,
    predicate: Predicate,
}

/// Whether the conditions of the topmost group narrow the audience one after another.
fn is_cumulative(rule: &Rule) -> bool {
    let narrows = |group: &Group| group.combinator == Combinator::And && !group.not;
    rule.operation.is_none() && rule.conditions.as_ref().is_some_and(narrows)
}

/// The conditions of the topmost group.
fn steps_of(rule: &Rule, model: &BoundModel, known: &KnownRules) -> Result<Vec<Step>> {
    let Some(group) = &rule.conditions else { return Ok(Vec::new()) };
    // The whole conditions are not copied for each of them.
    let shell = Rule { conditions: None, ..rule.clone() };
    let mut steps: Vec<Step> = Vec::new();
    for node in group.rules.iter().filter(|node| !matches!(node, Node::Disabled(_))) {
        let alone = Group {
            combinator: Combinator::And,
            not: false,
            rules: vec![node.clone()],
            at: group.at.clone(),
        };
        let text = match node {
            Node::Group(inner) if inner.is_disabled() => continue,
            _ => alone.to_json().to_text(),
        };
        let text = text.trim_start_matches('[').trim_end_matches(']').to_owned();
        let single = Rule {
            conditions: Some(alone),
            depends_on: Vec::new(),
            operation: None,
            include: Vec::new(),
            exclude: Vec::new(),
            ..shell.clone()
        };
        let bound = bind_rule(&single, model, known).map_err(Error::of)?;
        let predicate = bound.conditions.unwrap_or(Predicate::Const(true));
        steps.push(Step { path: node.at().to_owned(), text, predicate });
    }
    Ok(steps)
}
