//! [`RuleParser`]: a rule document read member by member, every problem at once.

use crate::document::{self, Document, Fields, Json, Path, describe};
use crate::error::{Code, Error, Problem, Result};
use crate::model::{nearest_zone, parse_zone};

use super::date::{check_order, read_moment};
use super::group::{Reading, Scope, read_conditions};
use super::text::TextPlaces;
use super::value::{each, key_of, nfc, rule_ref_of};
use super::{Group, Operation, Rule, RuleRef, Schedule};

/// Every member of a rule; the last three are accepted and ignored.
pub(crate) const RULE_MEMBERS: [&str; 15] = [
    "rule_name",
    "description",
    "conditions",
    "schedule",
    "timezone",
    "start_date",
    "end_date",
    "depends_on",
    "operation",
    "include",
    "exclude",
    "enabled",
    "id",
    "created_at",
    "updated_at",
];

/// More bytes than any name of 200 characters has, however it is composed: a character is made of
/// at most four, of four bytes each.
const MAX_NAME_BYTES: usize = 200 * 4 * 4;

/// Reads rule documents.
#[derive(Clone, Copy, Debug, Default)]
pub struct RuleParser;

impl RuleParser {
    /// Reads a rule document.
    ///
    /// ```
    /// use segmentry::{Operation, RuleParser, RuleRef};
    /// let rule = RuleParser::parse(r#"{
    ///     "rule_name": "Metro travellers",
    ///     "conditions": [{"field": "city_tier", "operator": "in", "value": "1, 2"}],
    ///     "depends_on": [3],
    ///     "operation": "INTERSECTION"
    /// }"#)?;
    /// assert_eq!(rule.depends_on, [RuleRef::Id(3)]);
    /// assert_eq!(rule.operation, Some(Operation::Intersection));
    /// // What is written back is the same tree in the spelling that is stored.
    /// let written = rule.to_json();
    /// assert_eq!(written["conditions"][0]["value"], serde_json::json!(["1", "2"]));
    /// assert_eq!(RuleParser::parse(&written)?, rule);
    /// # Ok::<(), segmentry::Error>(())
    /// ```
    ///
    /// # Errors
    /// All of the document's problems, each with code, place and hint. What needs the host's data
    /// to be judged (names of fields, types of values) is not judged here.
    pub fn parse<'a>(document: impl Into<Document<'a>>) -> Result<Rule> {
        Self::parse_partly(document).into_result()
    }

    pub(crate) fn parse_json(json: &Json) -> Result<Rule> {
        let mut problems = Vec::new();
        match read_members(json, true, &mut problems) {
            Some(rule) if problems.is_empty() => Ok(rule),
            _ => Err(Error::of(problems)),
        }
    }

    /// Reads as much of a rule as there is to read, so that what is well formed in it can be
    /// checked against a model and all problems are told at once.
    pub(crate) fn parse_partly<'a>(document: impl Into<Document<'a>>) -> Partly {
        let mut problems = Vec::new();
        let json = match document::read(document.into().as_str()) {
            Ok(json) => json,
            Err(problem) => {
                return Partly { json: Json::Null, rule: None, problems: vec![problem] };
            }
        };
        let rule = read_members(&json, true, &mut problems);
        let mut read = Partly { json, rule, problems };
        let problems = std::mem::take(&mut read.problems);
        read.problems = problems.into_iter().map(|problem| read.place(problem)).collect();
        read
    }

    /// Reads conditions alone: a list, a group, one condition, an object with the members of a rule,
    /// of which a name is not required, or the text form. A document begins with a bracket or a
    /// brace; anything that begins with a letter, a quoted name or a parenthesis is text.
    ///
    /// # Errors
    /// All of the document's problems.
    pub fn parse_conditions<'a>(document: impl Into<Document<'a>>) -> Result<Rule> {
        Self::read_conditions(document).map(|(rule, _)| rule)
    }

    /// The same, with what tells where in the document a problem of their meaning stands.
    pub(crate) fn read_conditions<'a>(document: impl Into<Document<'a>>) -> Result<(Rule, Places)> {
        let document = document.into();
        let text = document.as_str().trim_start();
        let begins_text =
            |first: char| first.is_alphabetic() || matches!(first, '_' | '`' | '"' | '(');
        if text.starts_with(begins_text) {
            let (rule, places) = Self::read_text(document.as_str())?;
            return Ok((rule, Places::Text(places)));
        }
        Self::read_json_conditions(text)
    }

    fn read_json_conditions(text: &str) -> Result<(Rule, Places)> {
        let wrapped;
        let (text, start) = match text.starts_with('[') {
            true => {
                wrapped = format!("{{\"conditions\":{text}}}");
                (wrapped.as_str(), true)
            }
            false => (text, false),
        };
        let strip = |mut problem: Problem| {
            if start {
                problem.path = problem.path.trim_start_matches("/conditions").to_owned();
            }
            problem
        };
        let json = document::read(text).map_err(|problem| Error::from(strip(problem)))?;
        let json = match json {
            Json::Object(members) if start => {
                let mut members = members.into_iter();
                match (members.next(), members.next()) {
                    (Some((_, list)), None) => list,
                    _ => return Err(Error::new(Code::Malformed, "the text is not one JSON value")),
                }
            }
            json => json,
        };
        let is_rule = matches!(&json, Json::Object(members)
            if members.iter().any(|(name, _)| RULE_MEMBERS.contains(&name.as_str()) && name != "id"));
        let mut problems = Vec::new();
        let rule = if is_rule {
            read_members(&json, false, &mut problems)
        } else {
            let mut reading = Reading::new(&mut problems);
            let group = read_conditions(&json, &Path::ROOT, Scope::Users, 1, &mut reading);
            group.map(|conditions| Rule { conditions: Some(conditions), ..unnamed() })
        };
        let places = Places::Document(json);
        match rule {
            Some(rule) if problems.is_empty() => Ok((rule, places)),
            _ => Err(places.error(problems)),
        }
    }

    /// The JSON Schema (2020-12) of a rule document, for editors and forms.
    ///
    /// It knows shapes and spellings; what depends on the host's data it can't know.
    #[must_use]
    pub fn schema() -> serde_json::Value {
        super::schema::rule_schema()
    }
}

/// How the places of a rule's parts are told.
pub(crate) enum Places {
    /// By pointers into the document as it is stored.
    Stored,
    /// By pointers that lead somewhere in this one.
    Document(Json),
    /// By line and column.
    Text(TextPlaces),
}

impl Places {
    /// The error that these problems are, told so.
    pub(crate) fn error(&self, problems: Vec<Problem>) -> Error {
        Error::of(match self {
            Places::Stored => problems,
            Places::Document(json) => {
                problems.into_iter().map(|problem| leading(json, problem)).collect()
            }
            Places::Text(text) => text.of(problems),
        })
    }
}

/// The problem with a pointer that leads somewhere: the elements of a list that is written as text
/// have no places of their own.
fn leading(json: &Json, mut problem: Problem) -> Problem {
    let end = document::end_of(json, &problem.path);
    problem.path.truncate(end);
    problem
}

/// A rule as far as it could be read; it may be evaluated only if there are no problems.
#[derive(Clone, Debug)]
pub(crate) struct Partly {
    json: Json,
    pub(crate) rule: Option<Rule>,
    pub(crate) problems: Vec<Problem>,
}

impl Partly {
    fn into_result(self) -> Result<Rule> {
        match self.rule {
            Some(rule) if self.problems.is_empty() => Ok(rule),
            _ => Err(Error::of(self.problems)),
        }
    }

    fn place(&self, problem: Problem) -> Problem {
        leading(&self.json, problem)
    }

    /// The problems of what the rule says, with such pointers, but for those that its form has
    /// already: dates in the wrong order show in both.
    pub(crate) fn add_places(&self, problems: Vec<Problem>) -> Vec<Problem> {
        let told = |new: &Problem| {
            self.problems.iter().any(|old| old.code == new.code && old.path == new.path)
        };
        let placed = problems.into_iter().map(|problem| self.place(problem));
        placed.filter(|problem| !told(problem)).collect()
    }
}

pub(super) fn unnamed() -> Rule {
    Rule {
        rule_name: String::new(),
        description: None,
        conditions: None,
        schedule: None,
        timezone: None,
        start_date: None,
        end_date: None,
        depends_on: Vec::new(),
        operation: None,
        include: Vec::new(),
        exclude: Vec::new(),
        enabled: true,
    }
}

fn read_members(json: &Json, named: bool, problems: &mut Vec<Problem>) -> Option<Rule> {
    let mut fields = Fields::of(json, &Path::ROOT, problems)?;
    fields.known(&RULE_MEMBERS);
    let rule_name = match named || fields.get("rule_name").is_some() {
        true => read_name(&mut fields),
        false => None,
    };
    let description = fields.string("description").map(str::to_owned);
    let schedule = read_schedule(&mut fields);
    let timezone = read_timezone(&mut fields);
    let start_date = read_moment(&mut fields, "start_date");
    let end_date = read_moment(&mut fields, "end_date");
    check_order(start_date, end_date, &Path::ROOT.member("start_date"), fields.problems);
    let enabled = fields.flag("enabled", true);
    let depends_on = read_depends_on(&mut fields);
    let operation = read_operation(&mut fields, depends_on.as_deref());
    let include = read_keys(&mut fields, "include");
    let exclude = read_keys(&mut fields, "exclude");
    let conditions = fields.get("conditions");
    if conditions.is_none() && depends_on.as_ref().is_some_and(Vec::is_empty) {
        fields.missing("conditions");
    }
    let conditions: Option<Group> = conditions.and_then(|json| {
        let mut reading = Reading::new(problems);
        let path = Path::ROOT.member("conditions");
        read_conditions(json, &path, Scope::Users, 1, &mut reading)
    });
    Some(Rule {
        rule_name: rule_name.unwrap_or_default(),
        description,
        conditions,
        schedule,
        timezone,
        start_date,
        end_date,
        depends_on: depends_on.unwrap_or_default(),
        operation,
        include: include.unwrap_or_default(),
        exclude: exclude.unwrap_or_default(),
        enabled,
    })
}

fn read_name(fields: &mut Fields<'_, '_>) -> Option<String> {
    let name = fields.required_string("rule_name")?;
    if name.len() > MAX_NAME_BYTES {
        fields.fault(Code::BadName, "rule_name", "a name has at most 200 characters");
        return None;
    }
    let name = nfc(name);
    let length = name.chars().count();
    let wrong = if name.trim().is_empty() {
        Some("a name has at least one visible character".to_owned())
    } else if length > 200 {
        Some(format!("a name has at most 200 characters, found {length}"))
    } else if name.chars().any(char::is_control) {
        Some("a name has no control characters".to_owned())
    } else {
        None
    };
    match wrong {
        Some(message) => {
            fields.fault(Code::BadName, "rule_name", message);
            None
        }
        None => Some(name),
    }
}

fn read_schedule(fields: &mut Fields<'_, '_>) -> Option<Schedule> {
    let text = fields.string("schedule")?;
    match Schedule::parse(text) {
        Ok(schedule) => Some(schedule),
        Err(message) => {
            fields.fault(Code::BadSchedule, "schedule", message);
            None
        }
    }
}

fn read_timezone(fields: &mut Fields<'_, '_>) -> Option<chrono_tz::Tz> {
    let name = fields.string("timezone")?;
    let zone = parse_zone(name);
    if zone.is_none() {
        let found = describe(&Json::from(name));
        let place = fields.path.member("timezone").to_string();
        let mut problem = Problem::new(
            Code::BadTimezone,
            place,
            format!("expected an IANA zone name, found {found}"),
        );
        problem.hint = nearest_zone(name).map(|near| format!("did you mean {near:?}?"));
        fields.problem(problem);
    }
    zone
}

fn read_depends_on(fields: &mut Fields<'_, '_>) -> Option<Vec<RuleRef>> {
    let path = fields.path.member("depends_on");
    let parsed;
    let items = match fields.get("depends_on") {
        None => return Some(Vec::new()),
        Some(Json::Array(items)) => items.as_slice(),
        // The original's column is TEXT.
        Some(Json::String(text)) => match document::read_value(text, &path.to_string()) {
            Ok(Json::Array(items)) => {
                parsed = items;
                parsed.as_slice()
            }
            Ok(_) => {
                let message = "expected a list of rules, or the text of a JSON list";
                fields.fault(Code::Malformed, "depends_on", message);
                return None;
            }
            Err(problem) => {
                fields.problem(problem);
                return None;
            }
        },
        Some(other) => {
            fields.wrong("depends_on", "a list of rules", other);
            return None;
        }
    };
    if items.len() > document::MAX_CONDITIONS {
        fields.fault(Code::LimitExceeded, "depends_on", "the limit of 10,000 rules is passed");
        return None;
    }
    each(items, &path, fields.problems, rule_ref_of)
}

fn read_operation(
    fields: &mut Fields<'_, '_>,
    depends_on: Option<&[RuleRef]>,
) -> Option<Operation> {
    let alone = depends_on.is_some_and(<[RuleRef]>::is_empty);
    let Some(word) = fields.string("operation") else {
        if !alone && depends_on.is_some() && fields.get("operation").is_none() {
            fields.missing("operation");
        }
        return None;
    };
    let known = [Operation::Intersection, Operation::Union, Operation::Difference];
    let found = known.into_iter().find(|known| known.as_str().eq_ignore_ascii_case(word.trim()));
    if found.is_none() {
        let problem = Problem::new(
            Code::BadValue,
            fields.path.member("operation").to_string(),
            format!(
                "expected INTERSECTION, UNION or DIFFERENCE, found {}",
                describe(&Json::from(word))
            ),
        );
        fields.problem(problem.nearest(word, known.map(Operation::as_str)));
    } else if alone {
        fields.fault(Code::MissingMember, "operation", "an operation needs \"depends_on\"");
    }
    found
}

fn read_keys(fields: &mut Fields<'_, '_>, name: &str) -> Option<Vec<crate::model::Key>> {
    match fields.get(name) {
        None => Some(Vec::new()),
        Some(Json::Array(items)) => each(items, &fields.path.member(name), fields.problems, key_of),
        Some(other) => {
            fields.wrong(name, "a list of user keys", other);
            None
        }
    }
}
