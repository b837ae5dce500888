//! Whole rules: dates and zone, operands, hand-picked users, and the rules that they depend on.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use unicode_normalization::UnicodeNormalization;

use super::condition::{Chosen, Scope};
use super::data::Data;
use super::json::Json;
use super::test::{Clock, operator};
use super::tree::is_empty;
use super::value::Value;
use super::window::Bounds;
use super::{OracleError, UserKey, failed, time};

pub struct Rules<'a> {
    pub data: &'a Data,
    rules: Vec<Rule>,
    as_of: i64,
    done: RefCell<HashMap<i64, Chosen>>,
    /// The rules being evaluated, each for the one before it.
    path: RefCell<Vec<i64>>,
}

struct Rule {
    id: i64,
    name: String,
    json: Json,
}

impl<'a> Rules<'a> {
    pub fn read(
        data: &'a Data,
        texts: &[(i64, String)],
        as_of: i64,
    ) -> Result<Rules<'a>, OracleError> {
        let mut rules: Vec<Rule> = Vec::new();
        for (id, text) in texts {
            let json = Json::parse(text)?;
            let Some(name) = json.text_of("rule_name")? else {
                return failed("missing_member", "a rule without a name");
            };
            let name: String = name.nfc().collect();
            if rules.iter().any(|rule| rule.name == name) {
                return failed("duplicate_name", format!("two rules are called {name:?}"));
            }
            rules.push(Rule { id: *id, name, json });
        }
        Ok(Rules { data, rules, as_of, done: RefCell::default(), path: RefCell::default() })
    }

    /// A number is an id, a string a name.
    pub fn id_of(&self, reference: &Json) -> Result<i64, OracleError> {
        let found = self.rules.iter().find(|rule| match reference {
            Json::Number(id) => id.parse() == Ok(rule.id),
            Json::Text(name) => name.nfc().eq(rule.name.chars()),
            _ => false,
        });
        match found {
            Some(rule) => Ok(rule.id),
            None => failed("unknown_rule", format!("no rule {reference:?}")),
        }
    }

    /// Who belongs to a rule's segment, evaluated once however many rules need it.
    pub fn members_of(&self, id: i64) -> Result<Chosen, OracleError> {
        if let Some(done) = self.done.borrow().get(&id) {
            return Ok(Rc::clone(done));
        }
        if self.path.borrow().contains(&id) {
            let path = self.path.borrow();
            return failed("dependency_cycle", format!("{path:?} comes back to {id}"));
        }
        let Some(rule) = self.rules.iter().find(|rule| rule.id == id) else {
            return failed("unknown_rule", format!("no rule {id}"));
        };
        self.path.borrow_mut().push(id);
        let chosen = Rc::new(self.evaluate(rule)?);
        self.path.borrow_mut().pop();
        self.done.borrow_mut().insert(id, Rc::clone(&chosen));
        Ok(chosen)
    }

    fn scope<'s>(&'s self, rule: &'s Rule) -> Result<Scope<'s>, OracleError> {
        let json = &rule.json;
        let zone = match json.text_of("timezone")? {
            Some(name) => time::zone(name)?,
            None => self.data.zone,
        };
        let dates = Bounds::dates(json.text_of("start_date")?, json.text_of("end_date")?, zone)?;
        let clock = Clock { zone, as_of: self.as_of };
        Ok(Scope { rules: self, clock, dates, rule_name: &rule.name })
    }

    /// What the condition's field is worth for every user, under the first rule's dates and zone.
    pub fn values(&self, condition: &Json) -> Result<Vec<Option<Value>>, OracleError> {
        let scope = self.scope(&self.rules[0])?;
        let field = scope.subject(condition)?;
        (0..self.data.keys.len()).map(|user| field.value(self.data, user)).collect()
    }

    fn evaluate(&self, rule: &Rule) -> Result<Vec<bool>, OracleError> {
        let (json, scope) = (&rule.json, self.scope(rule)?);
        let mut operands: Vec<Chosen> = Vec::new();
        for reference in references(json)? {
            operands.push(self.members_of(self.id_of(&reference)?)?);
        }
        let dependent = !operands.is_empty();
        match json.get("conditions") {
            None if dependent => {}
            None => return failed("missing_member", "neither conditions nor depends_on"),
            Some(conditions) if dependent && is_empty(conditions) => {}
            Some(conditions) => match scope.tree(conditions)? {
                Some(tree) => operands.push(Rc::new(scope.choose(&tree)?)),
                None if dependent => {}
                None => operands.push(Rc::new(vec![true; self.data.keys.len()])),
            },
        }
        let mut chosen = match (json.text_of("operation")?, dependent) {
            (None, false) => operands[0].as_ref().clone(),
            (Some(operation), true) => combine(&operator(operation), &operands)?,
            (None, true) => return failed("missing_member", "depends_on without an operation"),
            (Some(_), false) => return failed("bad_value", "an operation without depends_on"),
        };
        self.pick(json.get("include"), true, &mut chosen)?;
        self.pick(json.get("exclude"), false, &mut chosen)?;
        Ok(chosen)
    }

    /// Puts the named users in, or takes them out. A key that no user has changes nothing.
    fn pick(
        &self,
        keys: Option<&Json>,
        inside: bool,
        chosen: &mut [bool],
    ) -> Result<(), OracleError> {
        let Some(keys) = keys else { return Ok(()) };
        for key in keys.list()? {
            let key = match key {
                Json::Number(text) => text.parse().ok().map(UserKey::Int),
                Json::Text(text) => Some(UserKey::Text(text.clone())),
                other => return failed("type_mismatch", format!("{other:?} is no key")),
            };
            for (user, known) in self.data.keys.iter().enumerate() {
                if key.as_ref() == Some(known) {
                    chosen[user] = inside;
                }
            }
        }
        Ok(())
    }
}

/// The rules in `depends_on`, which may be the text of a JSON list.
fn references(json: &Json) -> Result<Vec<Json>, OracleError> {
    Ok(match json.get("depends_on") {
        None => Vec::new(),
        Some(Json::Text(text)) => Json::parse(text)?.list()?.to_vec(),
        Some(list) => list.list()?.to_vec(),
    })
}

fn combine(operation: &str, operands: &[Chosen]) -> Result<Vec<bool>, OracleError> {
    let of_user = |user: usize| -> Result<bool, OracleError> {
        let mut inside = operands.iter().map(|operand| operand[user]);
        Ok(match operation {
            "intersection" => inside.all(|held| held),
            "union" => inside.any(|held| held),
            "difference" => inside.next() == Some(true) && !inside.any(|held| held),
            other => return failed("bad_value", format!("{other:?} is no operation")),
        })
    };
    (0..operands[0].len()).map(of_user).collect()
}
