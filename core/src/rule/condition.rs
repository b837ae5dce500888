//! One condition: its subject, its operator and what it is tested against.

use crate::document::{Fields, Json, Path, describe};
use crate::error::{Code, Problem, nearest};

use super::group::{Reading, Scope, read_conditions};
use super::operand::read_operand;
use super::value::{each, rule_ref_of};
use super::window::read_duration;
use super::{
    AGGREGATES, Aggregate, At, Condition, Group, Metric, OPERATORS, Operand, Operator,
    SegmentCondition, Sequence, Step, Subject, Window,
};

const MEMBERS: [&str; 15] = [
    "field",
    "operator",
    "value",
    "valueSource",
    "caseSensitive",
    "where",
    "window",
    "events",
    "aggregate",
    "among",
    "salt",
    "id",
    "path",
    "disabled",
    "muted",
];

/// Reads a condition on a field, an aggregate of events or the bucket.
pub(crate) fn read_condition(
    json: &Json,
    path: &Path<'_>,
    scope: Scope,
    level: usize,
    reading: &mut Reading<'_>,
) -> Option<Condition> {
    let before = reading.problems.len();
    let mut fields = Fields::of(json, path, reading.problems)?;
    fields.known(&MEMBERS);
    fields.flag("disabled", false);
    fields.flag("muted", false);
    let case_sensitive = fields.flag("caseSensitive", true);
    let operator = read_operator(&mut fields, scope);
    let subject = read_subject(json, path, scope, level, reading);
    let operand = operator.and_then(|op| read_operand(op, json, path, level, reading));
    let subject = subject?;
    if let Some(operator) = operator {
        check_members(&subject, operator, json, path, reading.problems);
    }
    let at = At(path.to_string());
    match (operator, operand) {
        (Some(operator), Some(operand)) if reading.problems.len() == before => {
            Some(Condition { subject, operator, operand, case_sensitive, at })
        }
        // Its names can still be looked up; `notNull` goes with every type.
        _ => Some(Condition {
            subject,
            operator: Operator::NotNull,
            operand: Operand::None,
            case_sensitive: true,
            at,
        }),
    }
}

/// The operator member; `where` knows fewer.
fn read_operator(fields: &mut Fields<'_, '_>, scope: Scope) -> Option<Operator> {
    let text = fields.required_string("operator")?;
    let Some(operator) = Operator::parse(text) else {
        let found = describe(&Json::from(text));
        let problem = Problem::new(
            Code::BadOperator,
            fields.path.member("operator").to_string(),
            format!("{found} is no operator"),
        );
        fields.problem(problem.nearest(text, OPERATORS.iter().map(|(_, name)| *name)));
        return None;
    };
    let of_users = matches!(
        operator,
        Operator::Top | Operator::Bottom | Operator::Within | Operator::NotWithin
    );
    if scope == Scope::Events && of_users {
        let message = format!("{operator} is about users and can't stand in \"where\"");
        fields.fault(Code::BadOperator, "operator", message);
        return None;
    }
    Some(operator)
}

fn read_subject(
    json: &Json,
    path: &Path<'_>,
    scope: Scope,
    level: usize,
    reading: &mut Reading<'_>,
) -> Option<Subject> {
    let mut fields = Fields::of(json, path, reading.problems)?;
    if fields.get("events").is_some() || fields.get("aggregate").is_some() {
        return read_metric(json, path, level, reading).map(Subject::Events);
    }
    let name = fields.required_string("field")?;
    if name == "bucket" && scope == Scope::Users {
        let salt = fields.string("salt").map(str::to_owned);
        return Some(Subject::Bucket { salt });
    }
    let name = name.to_owned();
    let filter = read_filter(json, path, level, reading);
    let window = read_window(json, path, reading.problems);
    Some(Subject::Field { name, filter, window })
}

/// An aggregate of events as it stands in a condition or a trait.
pub(crate) fn read_metric(
    json: &Json,
    path: &Path<'_>,
    level: usize,
    reading: &mut Reading<'_>,
) -> Option<Metric> {
    let mut fields = Fields::of(json, path, reading.problems)?;
    let aggregate = read_aggregate(&mut fields);
    let field = fields.string("field").map(str::to_owned);
    let needs_none = aggregate.is_some_and(Aggregate::is_days_since);
    match (aggregate, &field) {
        (Some(aggregate), Some(_)) if needs_none => {
            let message =
                format!("{} has no \"field\": it is about the event's time", aggregate.as_str());
            fields.fault(Code::UnknownMember, "field", message);
        }
        (Some(Aggregate::Count), _) | (None, _) | (_, Some(_)) => {}
        (Some(_), None) if needs_none => {}
        (Some(_), None) => fields.missing("field"),
    }
    let events = read_event_names(&mut fields);
    let filter = read_filter(json, path, level, reading);
    let window = read_window(json, path, reading.problems);
    Some(Metric { events: events?, aggregate: aggregate?, field, filter, window })
}

/// The aggregate member, `count` without it.
pub(crate) fn read_aggregate(fields: &mut Fields<'_, '_>) -> Option<Aggregate> {
    if fields.get("aggregate").is_none() {
        return Some(Aggregate::Count);
    }
    let text = fields.string("aggregate")?;
    let found = AGGREGATES.iter().find(|(_, name)| name.eq_ignore_ascii_case(text));
    if found.is_none() {
        let known = AGGREGATES.iter().map(|(_, name)| *name);
        let problem = Problem::new(
            Code::BadValue,
            fields.path.member("aggregate").to_string(),
            format!("{} is no aggregate", describe(&Json::from(text))),
        );
        fields.problem(problem.nearest(text, known));
    }
    found.map(|(aggregate, _)| *aggregate)
}

/// One name of an event table, or a list of them; a name twice counts once.
pub(crate) fn read_event_names(fields: &mut Fields<'_, '_>) -> Option<Vec<String>> {
    let path = fields.path.member("events");
    let names: Vec<(usize, &Json)> = match fields.get("events") {
        Some(Json::Array(items)) => items.iter().enumerate().collect(),
        Some(one @ Json::String(_)) => vec![(usize::MAX, one)],
        Some(other) => {
            fields.wrong("events", "the name of an event table or a list of names", other);
            return None;
        }
        None => {
            fields.missing("events");
            return None;
        }
    };
    if names.is_empty() {
        fields.fault(Code::BadValue, "events", "expected at least one event table");
        return None;
    }
    if names.len() > 1_000 {
        fields.fault(Code::LimitExceeded, "events", "the limit of 1,000 event tables is passed");
        return None;
    }
    let mut found = Vec::new();
    let mut sound = true;
    for (index, json) in names {
        match json {
            Json::String(name) if !found.contains(name) => found.push(name.clone()),
            Json::String(_) => {}
            other => {
                let place = path.index(index).to_string();
                let message = format!("expected an event table's name, found {}", describe(other));
                fields.problem(Problem::new(Code::Malformed, place, message));
                sound = false;
            }
        }
    }
    sound.then_some(found)
}

fn read_filter(
    json: &Json,
    path: &Path<'_>,
    level: usize,
    reading: &mut Reading<'_>,
) -> Option<Group> {
    let filter = json.get("where").filter(|value| **value != Json::Null)?;
    read_conditions(filter, &path.member("where"), Scope::Events, level, reading)
}

fn read_window(json: &Json, path: &Path<'_>, problems: &mut Vec<Problem>) -> Option<Window> {
    let window = json.get("window").filter(|value| **value != Json::Null)?;
    Window::read(window, &path.member("window"), problems)
}

/// Members that are known, but not beside this subject or operator.
fn check_members(
    subject: &Subject,
    operator: Operator,
    json: &Json,
    path: &Path<'_>,
    problems: &mut Vec<Problem>,
) {
    let Some(mut fields) = Fields::of(json, path, problems) else { return };
    let rank = matches!(operator, Operator::Top | Operator::Bottom);
    if !rank && fields.get("among").is_some() {
        fields.fault(Code::UnknownMember, "among", "\"among\" goes with top and bottom");
    }
    let bucket = matches!(subject, Subject::Bucket { .. });
    if !bucket && fields.get("salt").is_some() {
        fields.fault(Code::UnknownMember, "salt", "\"salt\" goes with the field \"bucket\"");
    }
    for name in ["where", "window"] {
        if bucket && fields.get(name).is_some() {
            fields.fault(Code::UnknownMember, name, format!("a bucket has no {name:?}"));
        }
    }
}

/// Reads a condition on membership: `in` or `=` any, `notIn` or `!=` none.
pub(crate) fn read_segments(
    json: &Json,
    path: &Path<'_>,
    reading: &mut Reading<'_>,
) -> Option<SegmentCondition> {
    let mut fields = Fields::of(json, path, reading.problems)?;
    fields.known(&["field", "operator", "value", "valueSource", "id", "path", "disabled", "muted"]);
    if fields.string("valueSource").is_some_and(|source| source != "value") {
        fields.fault(Code::BadValue, "valueSource", "a segment is named by a value");
    }
    let operator = fields.required_string("operator").map(|text| (text, Operator::parse(text)));
    let negated = match operator {
        Some((_, Some(Operator::In | Operator::Equal))) => Some(false),
        Some((_, Some(Operator::NotIn | Operator::NotEqual))) => Some(true),
        Some((text, _)) => {
            let hint = nearest(text, ["in", "notIn"]).map(|n| format!("did you mean {n:?}?"));
            let mut problem = Problem::new(
                Code::BadOperator,
                path.member("operator").to_string(),
                format!(
                    "expected in or notIn beside \"segment\", found {}",
                    describe(&Json::from(text))
                ),
            );
            problem.hint = hint;
            fields.problem(problem);
            None
        }
        None => None,
    };
    let place = path.member("value");
    let rules = match fields.get("value") {
        None => {
            fields.missing("value");
            None
        }
        Some(Json::Array(items)) => each(items, &place, fields.problems, rule_ref_of),
        Some(one) => rule_ref_of(one, &place, fields.problems).map(|rule| vec![rule]),
    };
    Some(SegmentCondition { negated: negated?, rules: rules?, at: At(path.to_string()) })
}

/// Reads a sequence of 2 to 10 steps.
pub(crate) fn read_sequence(
    json: &Json,
    path: &Path<'_>,
    level: usize,
    reading: &mut Reading<'_>,
) -> Option<Sequence> {
    let mut fields = Fields::of(json, path, reading.problems)?;
    let known =
        ["sequence", "window", "operator", "valueSource", "id", "path", "disabled", "muted"];
    fields.known(&known);
    if fields.string("valueSource").is_some_and(|source| source != "value") {
        fields.fault(Code::BadValue, "valueSource", "a sequence is not compared with a field");
    }
    let did = match fields.string("operator") {
        None => true,
        Some(word) if word.eq_ignore_ascii_case("did") => true,
        Some(word) if word.eq_ignore_ascii_case("didNot") => false,
        Some(word) => {
            let problem = Problem::new(
                Code::BadOperator,
                path.member("operator").to_string(),
                format!("expected did or didNot, found {}", describe(&Json::from(word))),
            );
            fields.problem(problem.nearest(word, ["did", "didNot"]));
            true
        }
    };
    let items = match fields.get("sequence") {
        Some(Json::Array(items)) if (2..=10).contains(&items.len()) => items.as_slice(),
        Some(_) => {
            fields.fault(Code::BadValue, "sequence", "expected a list of 2 to 10 steps");
            &[]
        }
        None => &[],
    };
    let place = path.member("sequence");
    let mut steps = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        steps.extend(read_step(item, index, &place.index(index), level, reading));
    }
    let window = read_window(json, path, reading.problems);
    Some(Sequence { steps, window, did, at: At(path.to_string()) })
}

fn read_step(
    json: &Json,
    index: usize,
    path: &Path<'_>,
    level: usize,
    reading: &mut Reading<'_>,
) -> Option<Step> {
    let mut fields = Fields::of(json, path, reading.problems)?;
    fields.known(&["events", "where", "within"]);
    let events = read_event_names(&mut fields);
    if index == 0 && fields.get("within").is_some() {
        fields.fault(Code::BadValue, "within", "the first step has no step before it");
    }
    let within = read_duration(&mut fields, "within", false);
    let filter = read_filter(json, path, level, reading);
    Some(Step { events: events?, filter, within, at: At(path.to_string()) })
}
