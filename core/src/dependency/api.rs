//! [`DependencyFinder`]: the stage by itself, without an engine or a catalog.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Result};
use crate::model::{AudienceModel, BoundModel, Table};
use crate::predicate::{BoundRule, KnownRules, bind_rule};
use crate::rule::{Rule, references};

use super::RuleGraph;
use super::cost::Sizes;
use super::finder::{Library, Question};
use super::found::Dependencies;
use super::library::{Reader, Wholes};
use super::parts::Taken;

/// Finds which rules need which, and which segments already say what a rule says.
///
/// Comparison is by meaning: `age >= 18` and `not (age < 18 or age is null)` are one, a window of
/// 30 days lies within one of 60, and a sum of amounts that are known not to be negative grows
/// with its window.
///
/// ```
/// # use std::sync::Arc;
/// # use arrow::datatypes::{DataType, Field, Schema};
/// use segmentry::{AudienceModel, DependencyFinder, RuleParser, Table};
/// let model = AudienceModel::parse(r#"{"users": {"table": "people", "key": "id"}}"#)?;
/// let schema = Arc::new(Schema::new(vec![
///     Field::new("id", DataType::Int64, false),
///     Field::new("age", DataType::Int64, true),
///     Field::new("country", DataType::Utf8, true),
/// ]));
/// let finder = DependencyFinder::new(&model, &[Table { name: "people".into(), schema }])?;
///
/// let parse = |name: &str, conditions: &str| {
///     RuleParser::parse(format!(r#"{{"rule_name": "{name}", "conditions": {conditions}}}"#).as_str())
/// };
/// let adults = parse("Adults", r#"[{"field": "age", "operator": ">=", "value": 18}]"#)?;
/// let rule = parse("Adult Indians", r#"[
///     {"field": "country", "operator": "=", "value": "IN"},
///     {"combinator": "and", "not": true, "rules": [
///         {"combinator": "or", "rules": [
///             {"field": "age", "operator": "<", "value": 18},
///             {"field": "age", "operator": "null"}]}]}
/// ]"#)?;
/// let found = finder.find(&rule, &[(1, adults)])?;
/// assert_eq!(found.depends_on, [1]);
/// assert_eq!(found.evaluated, ["/conditions/0"]);
/// # Ok::<(), segmentry::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct DependencyFinder {
    model: BoundModel,
    as_of: i64,
    sizes: Sizes,
}

/// Rules that [`DependencyFinder::read`] has made ready; finding among them again is quick.
#[derive(Debug)]
pub struct RuleLibrary {
    finder: DependencyFinder,
    names: KnownRules,
    graph: RuleGraph,
    library: Mutex<Read>,
}

#[derive(Debug)]
struct Read {
    library: Library,
    wholes: Wholes,
}

impl DependencyFinder {
    /// A finder for rules over that model and those tables, at the present instant, for a million
    /// users with ten events each.
    ///
    /// # Errors
    /// What is wrong with the model or missing among the tables.
    pub fn new(model: &AudienceModel, tables: &[Table]) -> Result<Self> {
        let schemas = tables.iter().map(|table| (table.name.clone(), table.schema.clone()));
        let model = model.bind(&schemas.collect()).map_err(Error::of)?;
        let sizes = Sizes { users: 1_000_000, ..Sizes::default() };
        Ok(DependencyFinder { model, as_of: SystemClock.now().timestamp_micros(), sizes })
    }

    /// The same finder about another instant, from which windows are counted back.
    #[must_use]
    pub fn as_of(mut self, as_of: DateTime<Utc>) -> Self {
        self.as_of = as_of.timestamp_micros();
        self
    }

    /// Which rules need which; names that are not among them are passed over.
    #[must_use]
    pub fn graph(&self, rules: &[(i64, Rule)]) -> RuleGraph {
        let names = names_of(rules);
        graph_of(rules, &names)
    }

    /// What segments of `rules` can answer `rule`, as if all were refreshed together.
    ///
    /// # Errors
    /// All problems of the rules.
    pub fn find(&self, rule: &Rule, rules: &[(i64, Rule)]) -> Result<Dependencies> {
        self.read(rules)?.find(rule)
    }

    /// Whether whoever is in `narrow` is provably in `wide`. Yes is never wrong; no may be for want
    /// of a proof. `rules` are those that the two refer to.
    ///
    /// # Errors
    /// All problems of the rules.
    pub fn implies(&self, narrow: &Rule, wide: &Rule, rules: &[(i64, Rule)]) -> Result<bool> {
        self.read(rules)?.implies(narrow, wide)
    }

    /// Makes rules ready to find in many times.
    ///
    /// # Errors
    /// All problems of the rules, their paths beginning with the rule's index. Rules on a cycle are
    /// left out.
    pub fn read(&self, rules: &[(i64, Rule)]) -> Result<RuleLibrary> {
        let names = names_of(rules);
        let graph = graph_of(rules, &names);
        let mut problems = Vec::new();
        let mut bound = BTreeMap::new();
        for (index, (id, rule)) in rules.iter().enumerate() {
            match bind_rule(rule, &self.model, &names) {
                Ok(rule) => drop(bound.insert(*id, rule)),
                Err(found) => problems.extend(found.into_iter().map(|problem| crate::Problem {
                    path: format!("/{index}{}", problem.path),
                    ..problem
                })),
            }
        }
        if !problems.is_empty() {
            return Err(Error::of(problems));
        }
        let mut library = Library::default();
        let mut wholes = Wholes::new();
        let mut reader = Reader::new(&self.model, self.as_of, &mut wholes);
        for id in graph.order() {
            if let Some(rule) = bound.get(&id) {
                let taken = reader.take(&mut library, Some(id), rule);
                library.add(id, taken.whole, None, false);
            }
        }
        let library = Mutex::new(Read { library, wholes });
        Ok(RuleLibrary { finder: self.clone(), names, graph, library })
    }
}

impl RuleLibrary {
    /// What segments of the rules can answer `rule`, which may be one of them by its name.
    ///
    /// # Errors
    /// All problems of the rule.
    pub fn find(&self, rule: &Rule) -> Result<Dependencies> {
        let finder = &self.finder;
        let id = self.names.resolve(&crate::rule::RuleRef::Name(rule.rule_name.clone()));
        let mut read = self.locked();
        let (bound, taken) = self.take(&mut read, rule)?;
        let later = id.map(|id| self.graph.affected(id)).unwrap_or_default();
        let allowed = |rule: i64| !later.contains(&rule);
        let answer = read.library.answer(&Question {
            rule: id,
            taken: &taken,
            sizes: &finder.sizes,
            allowed: &allowed,
        });
        let before = bound.ancestors().into_iter().chain(answer.sources());
        Ok(answer.dependencies(self.graph.order_of(before, id)))
    }

    /// Whether whoever is in `narrow` is provably in `wide`.
    ///
    /// # Errors
    /// All problems of the rules.
    pub fn implies(&self, narrow: &Rule, wide: &Rule) -> Result<bool> {
        let mut read = self.locked();
        let narrow = self.take(&mut read, narrow)?.1.whole;
        let wide = self.take(&mut read, wide)?.1.whole;
        Ok(crate::stack::deep(|| read.library.prover.implies(narrow, wide)))
    }

    /// Whether two rules are one in canonical form: if so, they have the same members.
    ///
    /// # Errors
    /// All problems of the rules.
    pub fn is_same(&self, one: &Rule, other: &Rule) -> Result<bool> {
        let mut read = self.locked();
        Ok(self.take(&mut read, one)?.1.whole == self.take(&mut read, other)?.1.whole)
    }

    /// Which of the rules need which.
    #[must_use]
    pub fn graph(&self) -> &RuleGraph {
        &self.graph
    }

    /// What a panicking thread left is as good as before: forms are only ever added.
    fn locked(&self) -> MutexGuard<'_, Read> {
        self.library.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Binds a rule and takes it apart, without adding it to those that others may name.
    fn take(&self, read: &mut Read, rule: &Rule) -> Result<(BoundRule, Taken)> {
        let DependencyFinder { model, as_of, .. } = &self.finder;
        let bound = bind_rule(rule, model, &self.names).map_err(Error::of)?;
        let Read { library, wholes } = read;
        let taken = Reader::new(model, *as_of, wholes).take(library, None, &bound);
        Ok((bound, taken))
    }
}

fn names_of(rules: &[(i64, Rule)]) -> KnownRules {
    let mut names = KnownRules::default();
    rules.iter().for_each(|(id, rule)| names.add(*id, &rule.rule_name));
    names
}

fn graph_of(rules: &[(i64, Rule)], names: &KnownRules) -> RuleGraph {
    RuleGraph::new(rules.iter().map(|(id, rule)| {
        (*id, references(rule).into_iter().filter_map(|other| names.resolve(other)).collect())
    }))
}
