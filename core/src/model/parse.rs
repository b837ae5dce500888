//! The model's document, read with every problem at once, and written back.

use serde_json::Value;

use crate::document::{self, Document, Fields, Json, Path, describe};
use crate::error::{Code, Error, Problem, Result};
use crate::rule::{Reading, read_metric};

use super::{AudienceModel, Events, Trait, Users, nearest_zone, parse_zone};

/// The original platform's schema.
const DEFAULT: &str = r#"{
  "users":  { "table": "users", "key": "user_id" },
  "events": {
    "credit_card_transactions": { "user": "user_id", "time": "transaction_date" },
    "upi_transactions":         { "user": "user_id", "time": "transaction_date" }
  },
  "traits": {
    "total_spend":       { "aggregate": "sum",   "field": "amount", "events": ["credit_card_transactions", "upi_transactions"] },
    "transaction_count": { "aggregate": "count", "events": ["credit_card_transactions", "upi_transactions"] }
  }
}"#;

/// Names that the language has taken.
const RESERVED: [&str; 2] = ["segment", "bucket"];

impl Default for AudienceModel {
    /// The model of the original platform's schema: `users`, `credit_card_transactions` and
    /// `upi_transactions`, with the traits `total_spend` and `transaction_count`, in UTC.
    fn default() -> Self {
        AudienceModel::parse(DEFAULT).unwrap_or_else(|_| AudienceModel {
            users: Users { table: "users".to_owned(), key: "user_id".to_owned() },
            events: Vec::new(),
            traits: Vec::new(),
            timezone: chrono_tz::Tz::UTC,
        })
    }
}

impl AudienceModel {
    /// Reads a model document.
    ///
    /// # Errors
    /// All problems that show without the host's tables. Whether tables, columns and types are
    /// there is checked when the model is first used.
    pub fn parse<'a>(document: impl Into<Document<'a>>) -> Result<AudienceModel> {
        let document = document.into();
        let json = document::read(document.as_str()).map_err(Error::from)?;
        let mut problems = Vec::new();
        match read_model(&json, &mut problems) {
            Some(model) if problems.is_empty() => Ok(model),
            _ => Err(Error::of(problems)),
        }
    }

    /// The model's document.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let object = |members: Vec<(&str, Json)>| {
            Json::Object(members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())
        };
        let text = |text: &String| Json::String(text.clone());
        let events = self.events.iter().map(|(name, e)| {
            let members =
                vec![("table", text(&e.table)), ("user", text(&e.user)), ("time", text(&e.time))];
            (name.clone(), object(members))
        });
        let traits = self.traits.iter().map(|(name, t)| {
            let json = match t {
                Trait::Aggregate(metric) => metric.to_json(),
                Trait::Point { latitude, longitude } => {
                    object(vec![("latitude", text(latitude)), ("longitude", text(longitude))])
                }
            };
            (name.clone(), json)
        });
        let users = vec![("table", text(&self.users.table)), ("key", text(&self.users.key))];
        object(vec![
            ("users", object(users)),
            ("events", Json::Object(events.collect())),
            ("traits", Json::Object(traits.collect())),
            ("timezone", Json::from(self.timezone.name())),
        ])
        .to_value()
    }
}

fn read_model(json: &Json, problems: &mut Vec<Problem>) -> Option<AudienceModel> {
    let mut fields = Fields::of(json, &Path::ROOT, problems)?;
    fields.known(&["users", "events", "traits", "timezone"]);
    let timezone = match fields.string("timezone") {
        None => chrono_tz::Tz::UTC,
        Some(name) => parse_zone(name).unwrap_or_else(|| {
            let found = describe(&Json::from(name));
            let message = format!("expected an IANA zone name, found {found}");
            let mut problem = Problem::new(Code::BadTimezone, "/timezone", message);
            problem.hint = nearest_zone(name).map(|near| format!("did you mean {near:?}?"));
            fields.problem(problem);
            chrono_tz::Tz::UTC
        }),
    };
    let users = match fields.get("users") {
        None => {
            fields.missing("users");
            None
        }
        Some(users) => read_users(users, fields.problems),
    };
    let path = Path::ROOT.member("events");
    let events = entries(json, "events", problems)
        .iter()
        .filter_map(|(name, entry)| {
            read_events(name, entry, &path.member(name), problems).map(|e| (name.clone(), e))
        })
        .collect();
    let path = Path::ROOT.member("traits");
    let traits = entries(json, "traits", problems)
        .iter()
        .filter_map(|(name, entry)| {
            read_trait(name, entry, &path.member(name), problems).map(|t| (name.clone(), t))
        })
        .collect();
    Some(AudienceModel { users: users?, events, traits, timezone })
}

/// The members of an optional object of named entries.
fn entries<'a>(json: &'a Json, name: &str, problems: &mut Vec<Problem>) -> &'a [(String, Json)] {
    match json.get(name) {
        None | Some(Json::Null) => &[],
        Some(Json::Object(members)) => members,
        Some(other) => {
            let message = format!("expected an object, found {}", describe(other));
            let place = Path::ROOT.member(name).to_string();
            problems.push(Problem::new(Code::Malformed, place, message));
            &[]
        }
    }
}

fn read_users(json: &Json, problems: &mut Vec<Problem>) -> Option<Users> {
    let path = Path::ROOT.member("users");
    let mut fields = Fields::of(json, &path, problems)?;
    fields.known(&["table", "key"]);
    let table = fields.string("table").unwrap_or("users").to_owned();
    let key = fields.required_string("key")?.to_owned();
    Some(Users { table, key })
}

fn read_events(
    name: &str,
    json: &Json,
    path: &Path<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Events> {
    let mut fields = Fields::of(json, path, problems)?;
    fields.known(&["table", "user", "time"]);
    let table = fields.string("table").unwrap_or(name).to_owned();
    let (user, time) = (fields.required_string("user"), fields.required_string("time"));
    Some(Events { table, user: user?.to_owned(), time: time?.to_owned() })
}

fn read_trait(
    name: &str,
    json: &Json,
    path: &Path<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Trait> {
    if RESERVED.contains(&name) || name.trim().is_empty() {
        let message = format!("{name:?} can't be the name of a trait");
        problems.push(Problem::new(Code::BadName, path.to_string(), message));
    }
    let mut fields = Fields::of(json, path, problems)?;
    if fields.get("latitude").is_some() || fields.get("longitude").is_some() {
        fields.known(&["latitude", "longitude"]);
        let latitude = fields.required_string("latitude").map(str::to_owned);
        let longitude = fields.required_string("longitude").map(str::to_owned);
        return Some(Trait::Point { latitude: latitude?, longitude: longitude? });
    }
    fields.known(&["aggregate", "field", "events", "where", "window"]);
    let mut reading = Reading::new(problems);
    read_metric(json, path, 1, &mut reading).map(Trait::Aggregate)
}
