//! The verbs on rules: nothing is stored that does not bind.

use serde::Serialize;
use serde_json::Value;

use crate::catalog::{RuleChange, RuleVersion};
use crate::document::Document;
use crate::error::{Code, Error, Problem, Result};
use crate::predicate::{KnownRules, bind_rule};
use crate::rule::{Partly, Rule, RuleParser, RuleRef, references};

use super::rule_store::{Rules, entry_of, place_of, settle, text_of};
use super::segments::{Listed, paged};
use super::{RuleEntry, SegmentEngine};

impl From<i64> for RuleRef {
    fn from(id: i64) -> Self {
        RuleRef::Id(id)
    }
}

impl From<&str> for RuleRef {
    fn from(name: &str) -> Self {
        RuleRef::Name(name.to_owned())
    }
}

impl From<String> for RuleRef {
    fn from(name: String) -> Self {
        RuleRef::Name(name)
    }
}

/// How often a change is tried again when others keep changing rules in between.
const TRIES: usize = 100;

impl SegmentEngine {
    /// Everything that is wrong with a rule document; empty when it could be created.
    ///
    /// # Errors
    /// Errors of the catalog and of the model, not of the rule.
    pub async fn validate<'a>(&self, rule: impl Into<Document<'a>>) -> Result<Vec<Problem>> {
        let read = RuleParser::parse_partly(rule);
        if read.rule.is_none() {
            return Ok(read.problems);
        }
        let rules = self.shared.rules().await?;
        if read.problems.is_empty() {
            // What is wrong with the model is no problem of the rule.
            self.shared.bound_model()?;
        }
        match self.check_rule(&read, None, &rules) {
            Ok(_) => Ok(Vec::new()),
            Err(error) => Ok(error.into_problems()),
        }
    }

    /// Stores a new rule and answers its id. Its segment is computed by a refresh.
    ///
    /// # Errors
    /// All of the rule's problems; nothing is stored then.
    pub async fn create_rule<'a>(&self, rule: impl Into<Document<'a>>) -> Result<i64> {
        let read = RuleParser::parse_partly(rule);
        for _ in 0..TRIES {
            let rules = self.shared.rules().await?;
            let id = rules.next_id;
            let rule = self.check_rule(&read, None, &rules)?;
            let change = RuleChange::Insert { id, text: text_of(&rule) };
            if self.change(rules.revision, vec![change]).await? {
                return Ok(id);
            }
        }
        Err(contended())
    }

    /// Gives a rule a new wording. Its segment stays as it is until it is refreshed. Answers which
    /// rules need this one, whose segments the next refresh may change as well.
    ///
    /// # Errors
    /// All of the new wording's problems, [`Code::NotFound`].
    pub async fn update_rule<'a>(
        &self,
        rule: impl Into<RuleRef>,
        document: impl Into<Document<'a>>,
    ) -> Result<Updated> {
        self.update(rule.into(), None, document.into()).await
    }

    /// The same, if the rule's version is still `version`.
    ///
    /// # Errors
    /// As for [`SegmentEngine::update_rule`], and [`Code::StaleVersion`].
    pub async fn update_rule_at<'a>(
        &self,
        rule: impl Into<RuleRef>,
        version: i64,
        document: impl Into<Document<'a>>,
    ) -> Result<Updated> {
        self.update(rule.into(), Some(version), document.into()).await
    }

    async fn update(
        &self,
        which: RuleRef,
        version: Option<i64>,
        document: Document<'_>,
    ) -> Result<Updated> {
        let read = RuleParser::parse_partly(document);
        for _ in 0..TRIES {
            let rules = self.shared.rules().await?;
            let row = &rules.find(&which)?.row;
            if version.is_some_and(|version| version != row.version) {
                let message = format!(
                    "the rule {:?} is at version {}; read it again",
                    row.text.rule_name, row.version
                );
                return Err(Error::new(Code::StaleVersion, message));
            }
            let id = row.id;
            let rule = self.check_rule(&read, Some(id), &rules)?;
            let change = RuleChange::Update { id, text: text_of(&rule) };
            if self.change(rules.revision, vec![change]).await? {
                return Ok(updated(id, &rules));
            }
        }
        Err(contended())
    }

    /// Removes a rule with its segment; its history stays.
    ///
    /// # Errors
    /// [`Code::RuleInUse`] naming the rules that need it, [`Code::NotFound`].
    pub async fn delete_rule(&self, rule: impl Into<RuleRef>) -> Result<()> {
        let which = rule.into();
        for _ in 0..TRIES {
            let rules = self.shared.rules().await?;
            let row = &rules.find(&which)?.row;
            let (id, name) = (row.id, &row.text.rule_name);
            let dependents: Vec<String> = rules
                .graph()
                .dependents(id)
                .into_iter()
                .filter(|dependent| *dependent != id)
                .map(|id| format!("{:?} ({id})", rules.known.names.get(&id).map_or("", |n| n)))
                .collect();
            if !dependents.is_empty() {
                let needed = dependents.join(", ");
                let message = format!("the rule {name:?} is needed by {needed}");
                return Err(Error::new(Code::RuleInUse, message));
            }
            if self.change(rules.revision, vec![RuleChange::Delete { id }]).await? {
                return Ok(());
            }
        }
        Err(contended())
    }

    /// One rule.
    ///
    /// # Errors
    /// [`Code::NotFound`].
    pub async fn rule(&self, rule: impl Into<RuleRef>) -> Result<RuleEntry> {
        let rules = self.shared.rules().await?;
        rules.find(&rule.into()).map(|parsed| entry_of(parsed))
    }

    /// Rules by id: page `page` (from 1) of `per_page`, of those whose name contains `search` in
    /// any case.
    ///
    /// # Errors
    /// [`Code::BadValue`] for a page or size below 1; errors of the catalog.
    pub async fn rules(
        &self,
        page: usize,
        per_page: usize,
        search: Option<&str>,
    ) -> Result<Listed<RuleEntry>> {
        let rules = self.shared.rules().await?;
        let wanted = search.map(str::to_lowercase);
        let found: Vec<_> = rules
            .rules
            .iter()
            .filter(|parsed| {
                let name = parsed.row.text.rule_name.to_lowercase();
                wanted.as_ref().is_none_or(|wanted| name.contains(wanted))
            })
            .collect();
        let (offset, limit) = paged(page, per_page)?;
        let items = found.iter().skip(offset).take(limit).map(|parsed| entry_of(parsed));
        Ok(Listed::new(items.collect(), found.len(), page, per_page))
    }

    /// Every wording that a rule had, oldest first; the rule may be deleted by now.
    ///
    /// # Errors
    /// [`Code::NotFound`] if there never was a rule of that id.
    pub async fn rule_history(&self, id: i64) -> Result<Vec<RuleVersion>> {
        let history = self.shared.catalog(move |catalog| catalog.rule_history(id)).await?;
        match history.is_empty() {
            true => Err(Error::new(Code::NotFound, format!("no rule has the id {id}"))),
            false => Ok(history),
        }
    }

    /// Creates or, by name, updates many rules: all of them or none. They may refer to one
    /// another. Answers their ids in the order of the documents.
    ///
    /// # Errors
    /// All problems of all documents, their paths beginning with the document's index.
    pub async fn import_rules<'a, D: Into<Document<'a>>>(
        &self,
        documents: impl IntoIterator<Item = D>,
    ) -> Result<Vec<i64>> {
        let read: Vec<Partly> = documents.into_iter().map(RuleParser::parse_partly).collect();
        for _ in 0..TRIES {
            let rules = self.shared.rules().await?;
            let (ids, changes) = self.changes_of(&read, &rules)?;
            if changes.is_empty() || self.change(rules.revision, changes).await? {
                return Ok(ids);
            }
        }
        Err(contended())
    }

    fn changes_of(&self, read: &[Partly], rules: &Rules) -> Result<(Vec<i64>, Vec<RuleChange>)> {
        let mut known = rules.known.clone();
        let mut next = rules.next_id;
        let malformed = read.iter().map(|read| read.problems.clone()).enumerate();
        let mut problems: Vec<Problem> =
            malformed.flat_map(|(index, problems)| under(index, problems)).collect();
        let well_formed = problems.is_empty();
        let parsed: Vec<&Rule> = read.iter().filter_map(|read| read.rule.as_ref()).collect();
        if parsed.len() < read.len() {
            // What the others refer to may be in what could not be read.
            return Err(Error::of(problems));
        }
        let mut ids = Vec::with_capacity(parsed.len());
        for (index, rule) in parsed.iter().enumerate() {
            let name = RuleRef::Name(rule.rule_name.clone());
            let id = known.resolve(&name).unwrap_or_else(|| {
                next += 1;
                next - 1
            });
            if ids.contains(&id) && !rule.rule_name.is_empty() {
                let message = format!("the name {:?} comes twice", rule.rule_name);
                let path = format!("/{index}/rule_name");
                problems.push(Problem::new(Code::DuplicateName, path, message));
            }
            known.add(id, &rule.rule_name);
            ids.push(id);
        }
        let model = match self.shared.bound_model() {
            Ok(model) => model,
            Err(error) if well_formed => return Err(error),
            Err(_) => return Err(Error::of(problems)),
        };
        let mut changes = Vec::with_capacity(parsed.len());
        let mut wordings = Vec::with_capacity(parsed.len());
        for (index, ((rule, id), read)) in parsed.iter().zip(&ids).zip(read).enumerate() {
            let mut rule = (*rule).clone();
            settle(&mut rule, &known);
            if let Err(found) = bind_rule(&rule, &model, &known) {
                problems.extend(under(index, read.add_places(found)));
            }
            let text = text_of(&rule);
            changes.push(match rules.get(*id) {
                Some(_) => RuleChange::Update { id: *id, text },
                None => RuleChange::Insert { id: *id, text },
            });
            wordings.push((*id, rule));
        }
        if problems.is_empty() {
            for (id, problem) in cycles(rules, &known, &wordings) {
                let index = ids.iter().position(|known| *known == id).unwrap_or_default();
                problems.extend(under(index, vec![problem]));
            }
        }
        if problems.is_empty() { Ok((ids, changes)) } else { Err(Error::of(problems)) }
    }

    /// The documents of all rules by id, as `import_rules` takes them.
    ///
    /// # Errors
    /// Errors of the catalog.
    pub async fn export_rules(&self) -> Result<Vec<Value>> {
        let rules = self.shared.rules().await?;
        // Other rules are named: the catalog they are brought to gives ids of its own.
        let by_name = |parsed: &Rule| {
            let mut rule = parsed.clone();
            super::rule_store::rename(&mut rule, &rules.known);
            rule.to_json()
        };
        let documents = rules.rules.iter().map(|parsed| match &parsed.rule {
            Ok(rule) => by_name(rule),
            Err(_) => entry_of(parsed).document,
        });
        Ok(documents.collect())
    }

    /// A rule that can be stored under `id`, or as a new one; else everything that is wrong with
    /// it, with its form and with what it says.
    fn check_rule(&self, read: &Partly, id: Option<i64>, rules: &Rules) -> Result<Rule> {
        let mut problems = read.problems.clone();
        let Some(rule) = &read.rule else { return Err(Error::of(problems)) };
        match self.check_sound(rule.clone(), id, rules) {
            Ok(rule) if problems.is_empty() => return Ok(rule),
            Err(error) if problems.is_empty() && error.kind() != crate::Kind::Invalid => {
                return Err(error);
            }
            // Without tables it can't be said what a rule means, but its form is wrong anyway.
            Err(error) if error.kind() == crate::Kind::Invalid => {
                problems.extend(read.add_places(error.into_problems()));
            }
            Ok(_) | Err(_) => {}
        }
        Err(Error::of(problems))
    }

    /// A rule with names settled and everything bound.
    fn check_sound(&self, mut rule: Rule, id: Option<i64>, rules: &Rules) -> Result<Rule> {
        let name = RuleRef::Name(rule.rule_name.clone());
        let mut problems = Vec::new();
        if rules.known.resolve(&name).is_some_and(|other| Some(other) != id) {
            let message = format!("there is a rule named {:?}", rule.rule_name);
            problems.push(Problem::new(Code::DuplicateName, "/rule_name", message));
        }
        settle(&mut rule, &rules.known);
        let model = self.shared.bound_model()?;
        if let Err(found) = bind_rule(&rule, &model, &rules.known) {
            problems.extend(found);
        }
        if let Some(id) = id
            && problems.is_empty()
        {
            let found = cycles(rules, &rules.known, &[(id, rule.clone())]);
            problems.extend(found.into_iter().map(|(_, problem)| problem));
        }
        if problems.is_empty() { Ok(rule) } else { Err(Error::of(problems)) }
    }

    async fn change(&self, revision: i64, changes: Vec<RuleChange>) -> Result<bool> {
        let now = self.shared.clock.now();
        let work =
            move |catalog: &dyn crate::Catalog| catalog.change_rules(revision, &changes, now);
        self.shared.catalog(work).await
    }
}

/// What an update of a rule touches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Updated {
    /// The rules that need the updated one, at any distance, ascending by id.
    pub affects: Vec<AffectedRule>,
}

/// A rule whose segment may change because one that it needs was updated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AffectedRule {
    /// The rule.
    pub rule_id: i64,
    /// Its name, which is its segment's.
    pub rule_name: String,
}

fn updated(id: i64, rules: &Rules) -> Updated {
    let affects = rules.graph().affected(id).into_iter().filter_map(|rule_id| {
        let rule_name = rules.known.names.get(&rule_id)?.clone();
        Some(AffectedRule { rule_id, rule_name })
    });
    Updated { affects: affects.collect() }
}

fn contended() -> Error {
    Error::new(Code::Busy, "other changes of rules kept coming in between")
}

fn under(index: usize, problems: Vec<Problem>) -> impl Iterator<Item = Problem> {
    problems.into_iter().map(move |problem| {
        let path = format!("/{index}{}", problem.path);
        Problem { path, ..problem }
    })
}

/// Cycles that the new wordings would make, each with every rule on it, at the place where one of
/// the new wordings takes part in it.
fn cycles(rules: &Rules, known: &KnownRules, wordings: &[(i64, Rule)]) -> Vec<(i64, Problem)> {
    let changed = |id: i64| wordings.iter().any(|(changed, _)| *changed == id);
    let old = rules.rules.iter().filter(|parsed| !changed(parsed.row.id));
    let old = old.map(|parsed| (parsed.row.id, rules.needs(parsed)));
    let new = wordings.iter().map(|(id, rule)| {
        (*id, references(rule).into_iter().filter_map(|r| known.resolve(r)).collect())
    });
    let graph = crate::dependency::RuleGraph::new(old.chain(new));
    let mut found = Vec::new();
    for cycle in graph.cycles() {
        let next = cycle.iter().cycle().skip(1);
        let step = cycle.iter().zip(next).find(|(id, _)| changed(**id));
        let Some((id, needed)) = step else { continue };
        let mut problem = cycle_problem(&cycle, known);
        let rule = wordings.iter().find(|(changed, _)| changed == id).map(|(_, rule)| rule);
        if let Some(place) = rule.and_then(|rule| place_of(rule, *needed, known)) {
            problem.path = place;
        }
        found.push((*id, problem));
    }
    found
}

/// The problem of one cycle.
pub(super) fn cycle_problem(cycle: &[i64], known: &KnownRules) -> Problem {
    let name = |id: &i64| format!("{:?}", known.names.get(id).map_or("", |name| name));
    let mut names: Vec<String> = cycle.iter().map(name).collect();
    names.extend(cycle.first().map(name));
    let message = format!("rules need one another in a circle: {}", names.join(" needs "));
    Problem::new(Code::DependencyCycle, "/depends_on", message)
        .hint("take one of these references out")
}
