//! A run under way: rules evaluated at one `as_of`, their ancestors first.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use roaring::RoaringBitmap;
use tracing::Instrument;

use crate::catalog::SegmentRow;
use crate::dependency::Reused;
use crate::error::{Code, Error, Problem, Result};
use crate::model::{BoundModel, Key};
use crate::predicate::{BoundRule, Predicate, bind_rule};
use crate::rule::Operation;

use super::column_types::column_types;
use super::evaluate::{RunSources, Scanned};
use super::members::Members;
use super::population::Population;
use super::profile::Since;
use super::ranks::Cutoffs;
use super::refresh::{Asked, stage_span};
use super::reuse::{Basis, Bound, How, Plan, States};
use super::rule_store::{Parsed, Rules};
use super::rules::cycle_problem;
use super::stages::Stages;
use super::texts::Texts;
use super::upkeep::Guards;
use super::{Evaluation, Refresh, Run, RunEvent, RunFailure, RunSkip, Shared};

/// A rule that has its members in this run.
pub(super) struct Done {
    pub(super) parsed: Arc<Parsed>,
    pub(super) members: Arc<RoaringBitmap>,
    pub(super) unmatched: u64,
    pub(super) sql: String,
    pub(super) column_types: BTreeMap<String, String>,
    /// The segments that were used beyond those that the rule names.
    pub(super) reused: Vec<Reused>,
    pub(super) basis: Option<Basis>,
    pub(super) cutoffs: Cutoffs,
}

/// A run under way.
pub(super) struct Work {
    pub(super) shared: Arc<Shared>,
    pub(super) rules: Arc<Rules>,
    pub(super) model: Arc<BoundModel>,
    pub(super) as_of: DateTime<Utc>,
    pub(super) sources: RunSources,
    pub(super) population: Arc<Population>,
    pub(super) done: BTreeMap<i64, Done>,
    /// In the order of evaluation.
    pub(super) order: Vec<i64>,
    pub(super) failed: Vec<RunFailure>,
    pub(super) skipped: Vec<RunSkip>,
    pub(super) scanned: Scanned,
    pub(super) plans: BTreeMap<i64, Plan>,
    /// What the tables were like before any of them was read.
    pub(super) states: States,
    /// The segments that there were before, by rule.
    pub(super) segments: BTreeMap<i64, SegmentRow>,
    /// Their members, of those that have been read.
    pub(super) before: Members,
    /// What is known of earlier runs, if there is a store.
    pub(super) since: Option<Since>,
    /// What rules say, as far as it was said beforehand.
    pub(super) texts: Texts,
    pub(super) stages: Stages,
    pub(super) guards: Guards,
    pub(super) total: usize,
}

impl Work {
    /// Evaluates what is asked for; what there was to wait for, it was waited for.
    pub(super) async fn evaluate(
        shared: Arc<Shared>,
        request: Refresh,
        asked: &Asked,
    ) -> Result<(Work, Run)> {
        let mut stages = Stages::begin(Arc::clone(&shared.clock));
        shared.reopen_sources().await?;
        let Asked { rules, needed, wanted } = asked.clone();
        let guards = shared.guards(&request.accepted, &rules, &wanted).await?;
        let model = shared.bound_for_run()?;
        let graph = Arc::clone(rules.graph());
        let order: Vec<i64> = graph.order().into_iter().filter(|id| needed.contains(id)).collect();
        let bound: Bound = order
            .iter()
            .filter_map(|id| rules.get(*id))
            .map(|parsed| (parsed.row.id, bind(parsed, &rules, &model)))
            .collect();
        let bound = Arc::new(bound);
        let as_of = request.as_of.unwrap_or(stages.started);
        let how = How {
            as_of: as_of.timestamp_micros(),
            reuse: !request.no_reuse,
            together: request.evaluation != Evaluation::Separate,
        };
        stages.done("bind");

        // The one waits for files, the other for nothing.
        let columns = user_columns(&bound, &model);
        shared.board.stage("population", &Scanned::new());
        let (reuse, population) = async {
            let users = tracing::info_span!("source", table = model.table);
            tokio::try_join!(
                shared.plan_reuse(&rules, &graph, &bound, &model, how),
                shared.population(&model, &columns).instrument(users),
            )
        }
        .instrument(stage_span("population"))
        .await?;
        let population = Arc::new(population);
        stages.done("population");

        let scanned = Scanned::from([(model.table.clone(), population.users.len())]);
        shared.board.rows(&scanned);
        let before = reuse.loaded.clone();
        let sources = RunSources {
            users: Some(Arc::clone(&population.table) as _),
            members: reuse.loaded,
            ranks: reuse.ranks,
            listener: request.progress.on(&shared.board),
            ..RunSources::of(&shared, &model)
        };
        let mut work = Work {
            shared,
            rules,
            model,
            as_of,
            sources,
            population,
            done: BTreeMap::new(),
            order: Vec::new(),
            failed: Vec::new(),
            skipped: Vec::new(),
            scanned,
            plans: reuse.plans,
            states: reuse.states,
            since: None,
            segments: reuse.segments,
            before,
            texts: Texts::new(),
            stages,
            guards,
            total: needed.len(),
        };
        work.tell(&RunEvent::Started { rules: needed.len() });
        work.fail_cycles(&graph.cycles(), &needed);
        work.share(&bound, request.evaluation, !request.not_incremental).await;
        work.say(&bound).await;
        work.enter("rules");
        let span = stage_span("rules");
        // Not by id: an update or an import lets a rule need one of a higher id.
        for id in reuse.order {
            if let Some(bound) = bound.get(&id) {
                work.one(id, bound).instrument(span.clone()).await;
            }
            // A rule of sets never waits, and what never waits can't be stopped.
            tokio::task::yield_now().await;
        }
        // What needs a rule on a cycle is in no order; what it needs is not there.
        for id in needed {
            work.skip_unordered(id);
        }
        // Disabled ancestors served this run; what they have published stays.
        let published = asked.published();
        work.order.retain(|id| published.contains(id));
        work.stages.done("rules");
        let run = Run {
            id: 0,
            as_of,
            segments: Vec::new(),
            failed: Vec::new(),
            skipped: Vec::new(),
            scanned: std::mem::take(&mut work.scanned),
            users_evaluated: work.users_evaluated(),
            rules_incremental: work.rules_incremental(),
            rules_planned: work.sources.planned,
            seconds: 0.0,
            stages: BTreeMap::new(),
        };
        Ok((work, run))
    }

    pub(super) fn tell(&self, event: &RunEvent) {
        self.sources.listener.tell(event);
    }

    /// Says that a stage begins.
    pub(super) fn enter(&self, stage: &'static str) {
        self.shared.board.stage(stage, &self.scanned);
    }

    fn name(&self, id: i64) -> String {
        self.rules.known.names.get(&id).cloned().unwrap_or_default()
    }

    fn through(&self) -> usize {
        self.done.len() + self.failed.len() + self.skipped.len()
    }

    pub(super) fn fail(&mut self, id: i64, problems: &[Problem]) {
        let reason = problems.first().map_or_else(String::new, ToString::to_string);
        // A reason may quote what somebody's data say.
        let code = problems.first().map(|problem| problem.code.as_str());
        tracing::warn!(rule = id, code, "rule failed");
        let problems = problems
            .iter()
            .map(|problem| serde_json::to_value(problem).unwrap_or_default())
            .collect();
        let rule_name = self.name(id);
        self.failed.push(RunFailure { rule_id: id, rule_name: rule_name.clone(), problems });
        let (done, of) = (self.through(), self.total);
        self.tell(&RunEvent::Failed { rule_id: id, rule_name, reason, done, of });
    }

    fn fail_cycles(&mut self, cycles: &[Vec<i64>], needed: &BTreeSet<i64>) {
        for cycle in cycles {
            let problem = cycle_problem(cycle, &self.rules.known);
            for id in cycle.iter().filter(|id| needed.contains(id)) {
                self.fail(*id, std::slice::from_ref(&problem));
            }
        }
    }

    pub(super) fn skip(&mut self, id: i64, missing: &[i64]) {
        let names: Vec<String> =
            missing.iter().map(|id| format!("{:?} ({id})", self.name(*id))).collect();
        let reason = format!("it needs {}, which has no members in this run", names.join(", "));
        let rule_name = self.name(id);
        let skip = RunSkip { rule_id: id, rule_name: rule_name.clone(), reason: reason.clone() };
        self.skipped.push(skip);
        let (done, of) = (self.through(), self.total);
        self.tell(&RunEvent::Failed { rule_id: id, rule_name, reason, done, of });
    }

    fn skip_unordered(&mut self, id: i64) {
        let settled = self.done.contains_key(&id)
            || self.failed.iter().any(|failed| failed.rule_id == id)
            || self.skipped.iter().any(|skipped| skipped.rule_id == id);
        if !settled {
            self.skip(id, &self.missing(id));
        }
    }

    /// The rules that a rule needs and that have no members in this run.
    pub(super) fn missing(&self, id: i64) -> Vec<i64> {
        let needs = self.rules.get(id).map(|parsed| self.rules.needs(parsed)).unwrap_or_default();
        needs.into_iter().filter(|needed| !self.done.contains_key(needed)).collect()
    }

    /// Evaluates one rule; whatever goes wrong is its own.
    async fn one(&mut self, id: i64, bound: &Result<BoundRule, Vec<Problem>>) {
        let bound = match bound {
            Ok(bound) => bound,
            Err(problems) => {
                let problems = self.why_unbound(id, problems.clone()).await;
                return self.fail(id, &problems);
            }
        };
        let missing: Vec<i64> = bound
            .ancestors()
            .into_iter()
            .filter(|needed| !self.done.contains_key(needed))
            .collect();
        if !missing.is_empty() {
            return self.skip(id, &missing);
        }
        match self.members(id, bound).await {
            Ok(done) => {
                self.sources.members.insert(id, Arc::clone(&done.members));
                let event = RunEvent::Evaluated {
                    rule_id: id,
                    rule_name: self.name(id),
                    row_count: done.members.len(),
                    done: self.through() + 1,
                    of: self.total,
                };
                self.done.insert(id, done);
                self.order.push(id);
                self.tell(&event);
            }
            Err(error) => self.fail(id, error.problems()),
        }
    }

    async fn members(&mut self, id: i64, bound: &BoundRule) -> Result<Done> {
        let Some(parsed) = self.rules.get(id).cloned() else {
            return Err(Error::new(Code::Internal, format!("rule {id} is gone")));
        };
        let column_types = column_types(bound, &self.model);
        self.refuse_changed_types(&parsed, &column_types)?;
        let as_of = self.as_of.timestamp_micros();
        let plan = self.plans.remove(&id);
        self.sources.partly = self.keeps(id);
        let (mut members, reused) = self.answered(plan.as_ref(), as_of, bound.zone).await?;
        let (included, missed) = self.matched(&bound.include);
        let (excluded, also_missed) = self.matched(&bound.exclude);
        members |= included;
        members -= excluded;
        members = self.kept(id, members);
        self.refuse_implausible(id, members.len())?;
        let sql = self.texts.remove(&id).unwrap_or_else(|| self.text(bound));
        let unmatched = missed + also_missed;
        let ranks = plan.as_ref().map(|plan| &plan.ranks);
        let cutoffs = ranks.map(|ranks| self.sources.ranks.cutoffs(ranks, as_of, bound.zone));
        let cutoffs = cutoffs.unwrap_or_default();
        let basis = plan.map(|plan| plan.basis);
        let members = Arc::new(members);
        Ok(Done { parsed, members, unmatched, sql, column_types, reused, basis, cutoffs })
    }

    /// The users of those keys, and how many distinct keys no user has.
    fn matched(&self, keys: &[Key]) -> (RoaringBitmap, u64) {
        let dictionary = self.shared.dictionary();
        let keys: BTreeSet<&Key> = keys.iter().collect();
        let found: RoaringBitmap = keys.iter().filter_map(|key| dictionary.ordinal(key)).collect();
        let found = found & &self.population.users;
        let unmatched = u64::try_from(keys.len()).unwrap_or(0).saturating_sub(found.len());
        (found, unmatched)
    }
}

pub(super) fn bind(
    parsed: &Parsed,
    rules: &Rules,
    model: &BoundModel,
) -> Result<BoundRule, Vec<Problem>> {
    match &parsed.rule {
        Ok(rule) => bind_rule(rule, model, &rules.known),
        Err(error) => Err(error.problems().to_vec()),
    }
}

/// The columns of the users table that the rules test.
fn user_columns(bound: &Bound, model: &BoundModel) -> BTreeSet<String> {
    let predicates = bound.values().flatten().filter_map(|rule| rule.conditions.as_ref());
    let columns = predicates.flat_map(Predicate::columns);
    columns.filter(|column| column.table == model.table).map(|column| column.name.clone()).collect()
}

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
