//! The model document: which table holds the users, which hold events, and the named traits.

use super::json::Json;
use super::{OracleError, failed};

const DEFAULT: &str = r#"{
    "users": { "table": "users", "key": "user_id" },
    "events": {
        "credit_card_transactions": { "user": "user_id", "time": "transaction_date" },
        "upi_transactions": { "user": "user_id", "time": "transaction_date" }
    },
    "traits": {
        "total_spend": {
            "aggregate": "sum", "field": "amount",
            "events": ["credit_card_transactions", "upi_transactions"]
        },
        "transaction_count": {
            "aggregate": "count", "events": ["credit_card_transactions", "upi_transactions"]
        }
    }
}"#;

#[derive(Debug)]
pub struct Model {
    pub users: Entry,
    pub key: String,
    pub events: Vec<EventEntry>,
    /// Traits keep their document, which is read where it is used.
    pub traits: Vec<(String, Json)>,
    pub timezone: String,
}

#[derive(Debug)]
pub struct Entry {
    pub name: String,
    pub table: String,
}

#[derive(Debug)]
pub struct EventEntry {
    pub entry: Entry,
    pub user: String,
    pub time: String,
}

impl Model {
    pub fn parse(text: &str) -> Result<Model, OracleError> {
        let model = Json::parse(if text.trim().is_empty() { DEFAULT } else { text })?;
        let Some(users) = model.get("users") else {
            return failed("missing_member", "a model without users");
        };
        let mut events = Vec::new();
        for (name, event) in members_of(&model, "events")? {
            events.push(EventEntry {
                entry: entry(name, event)?,
                user: required(event, "user")?,
                time: required(event, "time")?,
            });
        }
        Ok(Model {
            users: entry("users", users)?,
            key: required(users, "key")?,
            events,
            traits: members_of(&model, "traits")?.to_vec(),
            timezone: model.text_of("timezone")?.unwrap_or("UTC").to_owned(),
        })
    }
}

fn members_of<'a>(model: &'a Json, name: &str) -> Result<&'a [(String, Json)], OracleError> {
    model.get(name).map_or(Ok(&[]), Json::members)
}

fn entry(name: &str, json: &Json) -> Result<Entry, OracleError> {
    let table = json.text_of("table")?.unwrap_or(name).to_owned();
    Ok(Entry { name: name.to_owned(), table })
}

fn required(json: &Json, name: &str) -> Result<String, OracleError> {
    match json.text_of(name)? {
        Some(text) => Ok(text.to_owned()),
        None => failed("missing_member", format!("{name:?} is missing")),
    }
}
