//! Rules between the catalog's columns and the language's tree.

use std::sync::{Arc, OnceLock};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;
use serde_json::Value;

use crate::catalog::{RuleRow, RuleSet, RuleText, RuleVersion};
use crate::dependency::RuleGraph;
use crate::document::{Json, read_value};
use crate::error::{Code, Error, Problem, Result};
use crate::predicate::KnownRules;
use crate::rule::{
    Group, Node, Operand, Places, Rule, RuleParser, RuleRef, Subject, key_json, references,
};

use super::{RuleDocument, Shared, read, write};

/// A stored rule.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RuleEntry {
    /// Its id.
    pub id: i64,
    /// 1 for the first wording, one more with each change.
    pub version: i64,
    /// When it was created, if that is known.
    #[serde(with = "crate::document::instant::option")]
    pub created_at: Option<DateTime<Utc>>,
    /// When it was last changed.
    #[serde(with = "crate::document::instant::option")]
    pub updated_at: Option<DateTime<Utc>>,
    /// Its document as it is stored, with `id`, `created_at` and `updated_at`; it can be sent
    /// back as it is.
    pub document: Value,
}

/// A stored rule as the parser found it.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) row: RuleRow,
    pub(crate) rule: Result<Rule, Error>,
}

/// All stored rules, parsed.
#[derive(Debug, Default)]
pub(crate) struct Rules {
    pub(crate) revision: i64,
    pub(crate) next_id: i64,
    /// Ascending by id.
    pub(crate) rules: Vec<Arc<Parsed>>,
    pub(crate) known: KnownRules,
    graph: OnceLock<Arc<RuleGraph>>,
}

impl Rules {
    /// The rules of a catalog, given those that were there before.
    fn of(set: RuleSet, before: Option<&Rules>) -> Rules {
        let mut rules = Rules { revision: set.revision, next_id: set.next_id, ..Rules::default() };
        for row in set.rules {
            rules.known.add(row.id, &row.text.rule_name);
            let parsed = match before.and_then(|b| b.get(row.id)).filter(|known| known.row == row) {
                Some(known) => Arc::clone(known),
                None => Arc::new(Parsed { rule: rule_of(&row.text), row }),
            };
            rules.rules.push(parsed);
        }
        rules
    }

    pub(crate) fn get(&self, id: i64) -> Option<&Arc<Parsed>> {
        let at = self.rules.binary_search_by_key(&id, |parsed| parsed.row.id).ok()?;
        self.rules.get(at)
    }

    pub(crate) fn find(&self, rule: &RuleRef) -> Result<&Arc<Parsed>> {
        let missing = || {
            let problem = self.known.unknown(rule, String::new());
            Error::from(Problem { code: Code::NotFound, ..problem })
        };
        self.known.resolve(rule).and_then(|id| self.get(id)).ok_or_else(missing)
    }

    /// A stored rule with its id, or the rule of a document, with how its places are told.
    pub(crate) fn read(&self, rule: RuleDocument<'_>) -> Result<(Option<i64>, Rule, Places)> {
        match rule {
            RuleDocument::Stored(which) => {
                let parsed = self.find(&which)?;
                Ok((Some(parsed.row.id), parsed.rule.clone()?, Places::Stored))
            }
            RuleDocument::Document(document) => {
                let (rule, places) = RuleParser::read_conditions(document)?;
                Ok((None, rule, places))
            }
        }
    }

    /// Which rule needs which, by the wordings that can be read.
    pub(crate) fn graph(&self) -> &Arc<RuleGraph> {
        self.graph.get_or_init(|| {
            let needs = self.rules.iter().map(|parsed| (parsed.row.id, self.needs(parsed)));
            Arc::new(RuleGraph::new(needs))
        })
    }

    /// The rules that a rule refers to and that exist.
    pub(crate) fn needs(&self, parsed: &Parsed) -> Vec<i64> {
        match &parsed.rule {
            Ok(rule) => {
                references(rule).into_iter().filter_map(|r| self.known.resolve(r)).collect()
            }
            Err(_) => Vec::new(),
        }
    }
}

/// Where a rule refers to the rule `needed`, a JSON Pointer.
pub(crate) fn place_of(rule: &Rule, needed: i64, known: &KnownRules) -> Option<String> {
    fn of_group(group: &Group, is_it: &dyn Fn(&RuleRef) -> bool) -> Option<String> {
        group.rules.iter().find_map(|node| match node {
            Node::Group(inner) => of_group(inner, is_it),
            Node::Segments(condition) => {
                let index = condition.rules.iter().position(is_it)?;
                let value = format!("{}/value", condition.at.as_str());
                Some(if condition.rules.len() == 1 { value } else { format!("{value}/{index}") })
            }
            Node::Condition(condition) => match &condition.operand {
                Operand::Rank { among: Some(among), .. } => of_group(among, is_it),
                _ => None,
            },
            Node::Sequence(_) | Node::Disabled(_) => None,
        })
    }
    let is_it = |reference: &RuleRef| known.resolve(reference) == Some(needed);
    let operand = rule.depends_on.iter().position(is_it);
    operand
        .map(|index| format!("/depends_on/{index}"))
        .or_else(|| of_group(rule.conditions.as_ref()?, &is_it))
}

/// Changes every reference to another rule, wherever it stands.
fn each_reference(rule: &mut Rule, change: &dyn Fn(&mut RuleRef)) {
    rule.depends_on.iter_mut().for_each(change);
    each_node(rule, &mut |node| {
        if let Node::Segments(condition) = node {
            condition.rules.iter_mut().for_each(change);
        }
    });
}

/// Visits every node of a rule's conditions.
fn each_node(rule: &mut Rule, visit: &mut dyn FnMut(&mut Node)) {
    fn of_group(group: &mut Group, visit: &mut dyn FnMut(&mut Node)) {
        for node in &mut group.rules {
            visit(node);
            match node {
                Node::Group(inner) => of_group(inner, visit),
                Node::Condition(condition) => {
                    if let Operand::Rank { among: Some(among), .. } = &mut condition.operand {
                        of_group(among, visit);
                    }
                }
                Node::Segments(_) | Node::Sequence(_) | Node::Disabled(_) => {}
            }
        }
    }
    rule.conditions.iter_mut().for_each(|group| of_group(group, visit));
}

/// Replaces names of rules by ids, so that renaming breaks nothing, and gives buckets without a
/// salt the rule's name, if it has one, so that they stay when it is renamed.
pub(crate) fn settle(rule: &mut Rule, known: &KnownRules) {
    each_reference(rule, &|reference| {
        if let Some(id) = known.resolve(reference) {
            *reference = RuleRef::Id(id);
        }
    });
    let name = rule.rule_name.clone();
    if name.is_empty() {
        return;
    }
    each_node(rule, &mut |node| {
        if let Node::Condition(condition) = node
            && let Subject::Bucket { salt } = &mut condition.subject
        {
            salt.get_or_insert_with(|| name.clone());
        }
    });
}

/// Replaces ids of rules by names, for a catalog that has other ids.
pub(crate) fn rename(rule: &mut Rule, known: &KnownRules) {
    each_reference(rule, &|reference| {
        if let RuleRef::Id(id) = reference
            && let Some(name) = known.names.get(id)
        {
            *reference = RuleRef::Name(name.clone());
        }
    });
}

/// A rule as the catalog's columns.
pub(crate) fn text_of(rule: &Rule) -> RuleText {
    let list = |items: Vec<Json>| (!items.is_empty()).then(|| Json::Array(items).to_text());
    RuleText {
        rule_name: rule.rule_name.clone(),
        description: rule.description.clone(),
        conditions: rule.conditions.as_ref().map(|group| group.to_json().to_text()),
        schedule: rule.schedule.as_ref().map(ToString::to_string),
        timezone: rule.timezone.map(|zone| zone.name().to_owned()),
        start_date: rule.start_date.map(|date| date.to_string()),
        end_date: rule.end_date.map(|date| date.to_string()),
        depends_on: list(rule.depends_on.iter().map(RuleRef::to_json).collect()),
        operation: rule.operation.map(|operation| operation.as_str().to_owned()),
        include: list(rule.include.iter().map(key_json).collect()),
        exclude: list(rule.exclude.iter().map(key_json).collect()),
        enabled: rule.enabled,
    }
}

/// The catalog's columns as a document; JSON columns that can't be read are the error.
fn document_of(text: &RuleText) -> Result<Json, Problem> {
    let mut members: Vec<(String, Json)> =
        vec![("rule_name".into(), text.rule_name.as_str().into())];
    let plain = [
        ("description", &text.description),
        ("schedule", &text.schedule),
        ("timezone", &text.timezone),
        ("start_date", &text.start_date),
        ("end_date", &text.end_date),
        ("operation", &text.operation),
    ];
    for (name, value) in plain {
        members.extend(value.as_ref().map(|value| (name.to_owned(), value.as_str().into())));
    }
    let json = [
        ("conditions", &text.conditions),
        ("depends_on", &text.depends_on),
        ("include", &text.include),
        ("exclude", &text.exclude),
    ];
    for (name, value) in json {
        if let Some(value) = value {
            members.push((name.to_owned(), read_value(value, &format!("/{name}"))?));
        }
    }
    members.push(("enabled".to_owned(), Json::Bool(text.enabled)));
    Ok(Json::Object(members))
}

impl RuleVersion {
    /// The wording as a document; `None` marks the deletion.
    ///
    /// # Errors
    /// [`Code::Malformed`](crate::Code::Malformed) for a column that another program wrote and that
    /// is no JSON.
    pub fn document(&self) -> Result<Option<Value>> {
        let document = self.text.as_ref().map(document_of).transpose();
        Ok(document.map_err(Error::from)?.map(|document| document.to_value()))
    }
}

/// The catalog's columns as a rule.
pub(crate) fn rule_of(text: &RuleText) -> Result<Rule> {
    RuleParser::parse_json(&document_of(text).map_err(Error::from)?)
}

/// A stored rule with its document.
pub(crate) fn entry_of(parsed: &Parsed) -> RuleEntry {
    let row = &parsed.row;
    let document = match &parsed.rule {
        Ok(rule) => rule.document(),
        // What can't be read as a rule is shown as far as it can be read as columns.
        Err(_) => document_of(&row.text).unwrap_or_else(|_| {
            let name = ("rule_name".to_owned(), Json::from(row.text.rule_name.as_str()));
            let raw = row.text.conditions.clone().map(Json::String);
            Json::Object(vec![name, ("conditions".to_owned(), raw.unwrap_or(Json::Null))])
        }),
    };
    let mut document = document.to_value();
    if let Value::Object(members) = &mut document {
        let at = |at: Option<DateTime<Utc>>| match at {
            Some(at) => Value::from(at.to_rfc3339_opts(SecondsFormat::Micros, true)),
            None => Value::Null,
        };
        members.insert("id".to_owned(), Value::from(row.id));
        members.insert("created_at".to_owned(), at(row.created_at));
        members.insert("updated_at".to_owned(), at(row.updated_at));
    }
    RuleEntry {
        id: row.id,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
        document,
    }
}

impl Shared {
    /// All stored rules. They are read again when one has changed, and each wording is parsed once.
    pub(crate) async fn rules(&self) -> Result<Arc<Rules>> {
        let known = read(&self.rules).clone();
        let rules = self.catalog(move |catalog| match known {
            Some(known) if known.revision == catalog.revision()? => Ok(known),
            known => Ok(Arc::new(Rules::of(catalog.rules()?, known.as_deref()))),
        });
        let rules = rules.await?;
        *write(&self.rules) = Some(Arc::clone(&rules));
        Ok(rules)
    }
}
