//! Which members of a run come from segments: what the finder chose for every rule, in which order
//! the rules are computed then, and which stored segments still hold.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use petgraph::acyclic::Acyclic;
use petgraph::data::Build;
use petgraph::graph::{DiGraph, NodeIndex};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use crate::catalog::{Page, SegmentRow};
use crate::dependency::{Answer, Library, Question, Reader, RuleGraph, Sizes, Taken, Wholes};
use crate::error::{Code, Error, Problem, Result};
use crate::model::BoundModel;
use crate::predicate::{BoundRule, Predicate};

use super::cutoffs::stored_cutoffs;
use super::members::Members;
use super::ranks::{Cutoffs, Ranks};
use super::rule_store::Rules;
use super::work::bind;
use super::{Shared, read};

/// The rules of a run, bound or not.
pub(super) type Bound = BTreeMap<i64, Result<BoundRule, Vec<Problem>>>;

/// What tables are like at one moment, where that is known.
pub(super) type States = BTreeMap<String, Option<String>>;

/// How a rule of the run is answered.
#[derive(Debug)]
pub(super) struct Plan {
    /// From segments, as the finder chose.
    pub(super) answer: Answer,
    /// From the rule's own operands alone.
    pub(super) plain: Answer,
    pub(super) basis: Basis,
    /// The rule's ranks by what they say, with the names of what they mean.
    pub(super) ranks: BTreeMap<String, String>,
}

/// What a segment's members are the answer to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Basis {
    /// Equal for rules that mean the same at the run's `as_of`.
    meaning: String,
    /// Whether it would be another at another `as_of`.
    timed: bool,
    /// The tables that it was computed from with their states, if all of those are known and none
    /// changed meanwhile.
    #[serde(default)]
    sources: Option<BTreeMap<String, String>>,
    /// The name of the run, if the profile store may know it.
    #[serde(default)]
    mark: Option<String>,
    #[serde(skip)]
    tables: BTreeSet<String>,
}

/// The name of the run that a segment is from.
pub(super) fn mark_of(segment: &SegmentRow) -> Option<String> {
    serde_json::from_str::<Option<Basis>>(segment.basis.as_deref()?).ok()??.mark
}

impl Basis {
    /// The basis as it is stored, given the states before and after the evaluation, and the run's
    /// name.
    pub(super) fn settled(&self, before: &States, after: &States, mark: Option<&String>) -> Basis {
        let state = |table: &String| {
            let before = before.get(table)?.clone()?;
            (after.get(table)?.as_ref() == Some(&before)).then(|| (table.clone(), before))
        };
        let sources = self.tables.iter().map(state).collect();
        Basis { sources, mark: mark.cloned(), ..self.clone() }
    }

    /// Whether the tables are known to be as they were.
    fn still_holds(&self, now: &States) -> bool {
        let same = |(table, state): (&String, &String)| {
            now.get(table).is_some_and(|now| now.as_ref() == Some(state))
        };
        self.sources.as_ref().is_some_and(|sources| sources.iter().all(same))
    }
}

/// What was decided about a run before it evaluates anything.
pub(super) struct Reuse {
    pub(super) plans: BTreeMap<i64, Plan>,
    /// Every rule after those that it needs or is answered from.
    pub(super) order: Vec<i64>,
    /// Stored segments that are used.
    pub(super) loaded: Members,
    /// With where their ranks end.
    pub(super) ranks: Ranks,
    pub(super) states: States,
    /// All segments that there are.
    pub(super) segments: BTreeMap<i64, SegmentRow>,
}

/// What the finder is asked about.
struct Task {
    model: Arc<BoundModel>,
    /// The rules of the run and those that stored segments are of, with all that these need.
    bound: Arc<Bound>,
    outside: Bound,
    graph: Arc<RuleGraph>,
    rows: BTreeMap<i64, u64>,
    stored: BTreeMap<i64, Basis>,
    sizes: Sizes,
    how: How,
}

/// What a run asks of the search.
#[derive(Clone, Copy)]
pub(super) struct How {
    /// Microseconds since 1970.
    pub(super) as_of: i64,
    pub(super) reuse: bool,
    /// Whether rules are worked out in one pass as far as possible.
    pub(super) together: bool,
}

/// Among so many rules looking for answers takes no time to speak of.
const FEW: usize = 256;

/// How many users there may be where that is not known.
const GUESSED_USERS: u64 = 1_000_000;

impl Shared {
    /// What the tables of a model are like now.
    pub(super) fn states(&self, model: &BoundModel) -> States {
        let sources = read(&self.sources);
        let names = model.events.iter().map(|events| &events.table).chain([&model.table]);
        names
            .map(|name| (name.clone(), sources.get(name).and_then(|source| source.state())))
            .collect()
    }

    /// How much there is to read, where `known` users have keys.
    pub(super) fn sizes(
        &self,
        model: &BoundModel,
        rows: &BTreeMap<i64, u64>,
        known: usize,
    ) -> Sizes {
        let sources = read(&self.sources);
        let count = |name: &String| sources.get(name).and_then(|source| source.rows);
        let known = u64::try_from(known).unwrap_or(0);
        let users = count(&model.table).unwrap_or(known);
        let users = users.max(rows.values().copied().max().unwrap_or(0));
        // Before the first run nobody has counted them.
        let users = if users == 0 { GUESSED_USERS } else { users };
        let tables = model.events.iter().map(|events| &events.table);
        let events = tables.filter_map(|name| Some((name.clone(), count(name)?))).collect();
        // Each rule reads the events that it needs by itself, so that nothing is read anyway.
        Sizes { users, events, anyway: BTreeSet::new() }
    }

    /// All segments by rule. The original may have left several rows of one: the newest is the one.
    pub(super) async fn segment_rows(&self) -> Result<BTreeMap<i64, SegmentRow>> {
        let all = Page { search: None, offset: 0, limit: i64::MAX };
        let (rows, _) = self.catalog(move |catalog| catalog.segments(&all)).await?;
        Ok(rows.into_iter().map(|row| (row.rule_id, row)).collect())
    }

    /// Decides how every rule of a run is answered: those that are `bound`.
    pub(super) async fn plan_reuse(
        &self,
        rules: &Rules,
        graph: &Arc<RuleGraph>,
        bound: &Arc<Bound>,
        model: &Arc<BoundModel>,
        how: How,
    ) -> Result<Reuse> {
        let states = self.states(model);
        let known = self.dictionary().len();
        let segments = self.segment_rows().await?;
        let mut rows = BTreeMap::new();
        let mut stored = BTreeMap::new();
        for segment in segments.values().filter(|_| how.reuse) {
            rows.insert(segment.rule_id, u64::try_from(segment.row_count).unwrap_or(0));
            let basis = segment.basis.as_deref().and_then(|text| serde_json::from_str(text).ok());
            let (Some(basis), Some(version)) = (basis, &segment.current) else { continue };
            let basis: Basis = basis;
            let about_now = !basis.timed || version.as_of.timestamp_micros() == how.as_of;
            if about_now && basis.still_holds(&states) {
                stored.insert(segment.rule_id, basis);
            }
        }
        let others = graph.with_ancestors(stored.keys().copied()).into_iter();
        let outside: Bound = others
            .filter(|id| !bound.contains_key(id))
            .filter_map(|id| Some((id, bind(rules.get(id)?, rules, model))))
            .collect();
        let task = Task {
            model: Arc::clone(model),
            bound: Arc::clone(bound),
            outside,
            graph: Arc::clone(graph),
            sizes: self.sizes(model, &rows, known),
            rows,
            stored,
            how,
        };
        let chosen = tokio::task::spawn_blocking(move || task.choose()).await.map_err(|error| {
            Error::new(Code::Internal, "the search for dependencies was stopped").caused_by(error)
        })?;
        // Where one is damaged the rules are evaluated instead.
        let loaded = self.bitmaps(chosen.load.iter().filter_map(|id| segments.get(id))).await?;
        let mut cutoffs = Cutoffs::new();
        for segment in loaded.keys().filter_map(|id| segments.get(id)) {
            cutoffs.extend(stored_cutoffs(segment));
        }
        let ranks = Ranks::with(cutoffs);
        Ok(Reuse { plans: chosen.plans, order: chosen.order, loaded, ranks, states, segments })
    }
}

struct Chosen {
    plans: BTreeMap<i64, Plan>,
    order: Vec<i64>,
    load: BTreeSet<i64>,
}

impl Task {
    fn choose(self) -> Chosen {
        let (mut library, taken) = self.library();
        let run: BTreeSet<i64> = self.bound.keys().copied().collect();
        let mut waits = Order::new(&run, &self.graph);
        let mut plans = BTreeMap::new();
        let mut load = BTreeSet::new();
        let seniority = Seniority::of(&taken, &library);
        for (id, taken) in taken.iter().filter(|(id, _)| run.contains(id)) {
            let allowed =
                |other: i64| seniority.is_before(other, *id) && waits.may_follow(*id, other);
            let question =
                Question { rule: Some(*id), taken, sizes: &self.sizes, allowed: &allowed };
            let answer = match self.searches(*id, &library) {
                true => library.answer(&question),
                false => library.answer_whole(&question),
            };
            for other in answer.sources() {
                match library.candidates.get(&other) {
                    Some(candidate) if candidate.stored => drop(load.insert(other)),
                    _ => waits.follow(*id, other),
                }
            }
            let ranks = taken.ranks.iter();
            let plan = Plan {
                answer,
                plain: Answer::plain(&taken.root),
                basis: self.basis(*id, taken, &library),
                ranks: ranks
                    .map(|(says, digest)| (says.clone(), meaning_of(*digest, &self.model)))
                    .collect(),
            };
            plans.insert(*id, plan);
        }
        Chosen { plans, order: waits.order(&run), load }
    }

    /// Whether it is worth looking for segments that a rule lies within, or that answer parts of it.
    /// Of a rule that is worked out with many others in one pass it is not: comparing it with each
    /// of them takes longer.
    fn searches(&self, id: i64, library: &Library) -> bool {
        let mut apart = false;
        if let Some(conditions) = self.rule(id).and_then(|rule| rule.conditions.as_ref()) {
            conditions.walk(&mut |node| {
                apart |= matches!(node, Predicate::Rank { .. } | Predicate::Sequence(_));
            });
        }
        !self.how.together || apart || library.candidates.len() <= FEW
    }

    fn rule(&self, id: i64) -> Option<&BoundRule> {
        let bound = self.bound.get(&id).or_else(|| self.outside.get(&id));
        bound.and_then(|bound| bound.as_ref().ok())
    }

    /// Every rule taken apart, those in order that may be answered from others.
    fn library(&self) -> (Library, Vec<(i64, Taken)>) {
        let mut library = Library::default();
        let mut wholes = Wholes::new();
        let mut reader = Reader::new(&self.model, self.how.as_of, &mut wholes);
        let mut found = Vec::new();
        for id in self.graph.order() {
            let Some(rule) = self.rule(id) else { continue };
            let taken = reader.take(&mut library, Some(id), rule);
            let meaning = self.meaning(&taken, &library);
            let holds = self.stored.get(&id).is_some_and(|basis| basis.meaning == meaning);
            if self.how.reuse && (holds || self.bound.contains_key(&id)) {
                library.add(id, taken.whole, self.rows.get(&id).copied(), holds);
            }
            found.push((id, taken));
        }
        (library, found)
    }

    fn meaning(&self, taken: &Taken, library: &Library) -> String {
        meaning_of(library.prover.forms.digest(taken.whole), &self.model)
    }

    fn basis(&self, id: i64, taken: &Taken, library: &Library) -> Basis {
        let mut tables = BTreeSet::from([self.model.table.clone()]);
        for rule in self.graph.with_ancestors([id]) {
            let predicates = self.rule(rule).and_then(|rule| rule.conditions.as_ref());
            let columns = predicates.into_iter().flat_map(Predicate::columns);
            tables.extend(columns.map(|column| column.table.clone()));
        }
        let meaning = self.meaning(taken, library);
        Basis { meaning, timed: taken.timed, sources: None, mark: None, tables }
    }
}

/// A text that two rules, or parts of rules, share in whatever process if they mean the same, given
/// the digest of the form.
pub(super) fn meaning_of(form: u128, model: &BoundModel) -> String {
    let (table, key) = (&model.table, &model.key.name);
    let all = format!("1 {form:032x} {} {table} {key} {}", table.len(), model.zone);
    format!("{:032x}", xxh3_128(all.as_bytes()))
}

/// Which of two rules that say as much, such as a rule and its complement, is the one that the
/// other may be answered from: the first.
pub(super) struct Seniority(BTreeMap<i64, (u32, usize)>);

impl Seniority {
    pub(super) fn of(taken: &[(i64, Taken)], library: &Library) -> Seniority {
        let weight = |taken: &Taken| library.prover.forms.weight(taken.whole);
        let places = taken.iter().enumerate();
        Seniority(places.map(|(place, (id, taken))| (*id, (weight(taken), place))).collect())
    }

    pub(super) fn is_before(&self, one: i64, other: i64) -> bool {
        match (self.0.get(&one), self.0.get(&other)) {
            (Some((weight, place)), Some((other_weight, other_place))) => {
                weight != other_weight || place < other_place
            }
            _ => true,
        }
    }
}

/// Which rules of a run come after which: those that they need, and those that they are answered
/// from as long as that makes no cycle.
struct Order {
    graph: Acyclic<DiGraph<i64, ()>>,
    places: BTreeMap<i64, NodeIndex>,
}

impl Order {
    fn new(run: &BTreeSet<i64>, needs: &RuleGraph) -> Order {
        let mut graph = Acyclic::<DiGraph<i64, ()>>::new();
        let mut places = BTreeMap::new();
        for id in run {
            places.insert(*id, graph.add_node(*id));
        }
        let mut order = Order { graph, places };
        for id in run {
            needs.needs(*id).into_iter().for_each(|needed| order.follow(*id, needed));
        }
        order
    }

    fn may_follow(&self, rule: i64, other: i64) -> bool {
        match (self.places.get(&other), self.places.get(&rule)) {
            (Some(first), Some(then)) => self.graph.is_valid_edge(*first, *then),
            _ => false,
        }
    }

    fn follow(&mut self, rule: i64, other: i64) {
        if let (Some(first), Some(then)) = (self.places.get(&other), self.places.get(&rule)) {
            // A cycle was asked for beforehand; those of the rules themselves are not in the run.
            let _ = self.graph.try_update_edge(*first, *then, ());
        }
    }

    fn order(&self, run: &BTreeSet<i64>) -> Vec<i64> {
        let graph = self.graph.inner();
        let needs = self.places.iter().map(|(id, place)| {
            let before = graph.neighbors_directed(*place, petgraph::Direction::Incoming);
            (*id, before.filter_map(|place| graph.node_weight(place).copied()).collect())
        });
        let mut order = RuleGraph::new(needs).order();
        order.retain(|id| run.contains(id));
        order
    }
}
