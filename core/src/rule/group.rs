//! Conditions wherever they stand: a list, a group or a single condition becomes a [`Group`].

use crate::document::{Fields, Json, MAX_CONDITIONS, MAX_LEVELS, Path, describe};
use crate::error::{Code, Problem};

use super::condition::{read_condition, read_segments, read_sequence};
use super::{At, Combinator, Disabled, Group, Node};

/// What a condition may be at this place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Of users: every kind of condition.
    Users,
    /// Of events, in `where`: their columns.
    Events,
}

/// The reading of one document's conditions: what was counted, and what is wrong.
pub(crate) struct Reading<'p> {
    pub(crate) problems: &'p mut Vec<Problem>,
    conditions: usize,
    groups: usize,
}

impl<'p> Reading<'p> {
    pub(crate) fn new(problems: &'p mut Vec<Problem>) -> Self {
        Reading { problems, conditions: 0, groups: 0 }
    }

    fn limit(&mut self, path: &Path<'_>, what: &str) {
        self.problems.push(Problem::new(
            Code::LimitExceeded,
            path.to_string(),
            format!("the limit of {what} is passed"),
        ));
    }

    /// The element that passes the limit of conditions, if the list alone holds too many: seen
    /// before any of them is read.
    fn too_many(&self, items: &[Json]) -> Option<usize> {
        let left = MAX_CONDITIONS.saturating_sub(self.conditions);
        if items.len() <= left {
            return None;
        }
        let is_group = |item: &Json| {
            let given = |name| item.get(name).is_some_and(|value| *value != Json::Null);
            given("rules") || given("combinator")
        };
        let conditions = items.iter().enumerate().filter(|(_, item)| !is_group(item));
        conditions.map(|(index, _)| index).nth(left)
    }

    /// Counts one more; false, with one problem, when there are too many.
    fn count(&mut self, group: bool, path: &Path<'_>) -> bool {
        let counter = if group { &mut self.groups } else { &mut self.conditions };
        *counter += 1;
        let count = *counter;
        if count == MAX_CONDITIONS + 1 {
            let what = if group { "groups" } else { "conditions" };
            self.limit(path, &format!("{MAX_CONDITIONS} {what}"));
        }
        count <= MAX_CONDITIONS
    }
}

/// Reads a list, a group or a single condition. What is wrong in it is left out, so that the rest
/// can be looked at as well; a document with problems is never evaluated. `level` is that of the root: 1 at a rule's own
/// conditions; the root of a `where` or `among` is as deep as a group in its condition's place.
pub(crate) fn read_conditions(
    json: &Json,
    path: &Path<'_>,
    scope: Scope,
    level: usize,
    reading: &mut Reading<'_>,
) -> Option<Group> {
    if level > MAX_LEVELS {
        reading.limit(path, &format!("{MAX_LEVELS} levels of conditions"));
        return None;
    }
    let at = At(path.to_string());
    match json {
        Json::Array(items) => {
            if !reading.count(true, path) {
                return None;
            }
            let mut group = read_nodes(items, path, scope, level + 1, reading)?;
            group.at = at;
            Some(group)
        }
        Json::Object(_) => match read_node(json, path, scope, level, reading)? {
            Node::Group(group) => Some(group),
            node => Some(Group { combinator: Combinator::And, not: false, rules: vec![node], at }),
        },
        other => {
            let found = describe(other);
            let message = format!("expected a list, a group or a condition, found {found}");
            reading.problems.push(Problem::new(Code::Malformed, path.to_string(), message));
            None
        }
    }
}

/// Reads the members of a list. Strings between them are combinators, `and` binding tighter.
fn read_nodes(
    items: &[Json],
    path: &Path<'_>,
    scope: Scope,
    level: usize,
    reading: &mut Reading<'_>,
) -> Option<Group> {
    let group = |combinator, rules| Group { combinator, not: false, rules, at: At::default() };
    if !items.iter().any(|item| matches!(item, Json::String(_))) {
        if let Some(index) = reading.too_many(items) {
            reading.limit(&path.index(index), &format!("{MAX_CONDITIONS} conditions"));
            // Said once: whatever follows is not counted any more.
            reading.conditions = MAX_CONDITIONS + 1;
            return None;
        }
        let mut rules = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            rules.extend(read_node(item, &path.index(index), scope, level, reading));
            if reading.conditions > MAX_CONDITIONS || reading.groups > MAX_CONDITIONS {
                return None;
            }
        }
        return Some(group(Combinator::And, rules));
    }
    let mut alternatives: Vec<Vec<Node>> = vec![Vec::new()];
    for (index, item) in items.iter().enumerate() {
        let place = path.index(index);
        match (index % 2, item) {
            (0, Json::Object(_)) => {
                let node = read_node(item, &place, scope, level, reading);
                if let Some(nodes) = alternatives.last_mut() {
                    nodes.extend(node);
                }
            }
            (1, Json::String(word))
                if word.eq_ignore_ascii_case("and") && index + 1 < items.len() => {}
            (1, Json::String(word))
                if word.eq_ignore_ascii_case("or") && index + 1 < items.len() =>
            {
                alternatives.push(Vec::new());
            }
            (_, other) => {
                let expected = match index % 2 {
                    0 => "a condition or a group",
                    _ => "\"and\" or \"or\" between two conditions",
                };
                let message = format!("expected {expected}, found {}", describe(other));
                reading.problems.push(Problem::new(Code::Malformed, place.to_string(), message));
            }
        }
        if reading.conditions > MAX_CONDITIONS || reading.groups > MAX_CONDITIONS {
            return None;
        }
    }
    if alternatives.len() == 1 {
        return alternatives.pop().map(|nodes| group(Combinator::And, nodes));
    }
    let rules = alternatives.into_iter().map(|mut nodes| match nodes.len() {
        1 => nodes.pop().unwrap_or(Node::Group(group(Combinator::And, Vec::new()))),
        _ => {
            let mut inner = group(Combinator::And, nodes);
            inner.at = At(path.to_string());
            Node::Group(inner)
        }
    });
    Some(group(Combinator::Or, rules.collect()))
}

pub(super) fn is_off(json: &Json) -> bool {
    let on = Json::Bool(true);
    json.get("disabled") == Some(&on) || json.get("muted") == Some(&on)
}

fn read_node(
    json: &Json,
    path: &Path<'_>,
    scope: Scope,
    level: usize,
    reading: &mut Reading<'_>,
) -> Option<Node> {
    let Json::Object(members) = json else {
        let found = describe(json);
        let message = format!("expected a condition or a group, found {found}");
        reading.problems.push(Problem::new(Code::Malformed, path.to_string(), message));
        return None;
    };
    if is_off(json) {
        // What is switched off may be half written: it counts, and is otherwise left alone.
        return reading.count(false, path).then(|| Node::Disabled(Disabled(json.clone())));
    }
    let has = |name| json.get(name).is_some_and(|value| *value != Json::Null);
    if has("rules") || has("combinator") {
        return read_group(members, path, scope, level, reading).map(Node::Group);
    }
    if !reading.count(false, path) {
        return None;
    }
    if scope == Scope::Events && ["events", "aggregate", "sequence"].into_iter().any(has) {
        reading.problems.push(Problem::new(
            Code::Malformed,
            path.to_string(),
            "a condition in \"where\" is about a column of the event: \"field\", \"operator\" and \"value\"",
        ));
        return None;
    }
    if has("sequence") {
        return read_sequence(json, path, level, reading).map(|s| Node::Sequence(Box::new(s)));
    }
    if scope == Scope::Users && json.get("field") == Some(&Json::from("segment")) && !has("events")
    {
        return read_segments(json, path, reading).map(Node::Segments);
    }
    if has("events") || has("aggregate") || has("field") {
        return read_condition(json, path, scope, level, reading)
            .map(|c| Node::Condition(Box::new(c)));
    }
    Fields::new(members, path, reading.problems).known(&[
        "field",
        "events",
        "sequence",
        "rules",
        "combinator",
        "operator",
        "value",
    ]);
    reading.problems.push(Problem::new(
        Code::MissingMember,
        path.to_string(),
        "a condition has \"field\", \"events\" or \"sequence\"; a group has \"rules\"",
    ));
    None
}

fn read_group(
    members: &[(String, Json)],
    path: &Path<'_>,
    scope: Scope,
    level: usize,
    reading: &mut Reading<'_>,
) -> Option<Group> {
    if level > MAX_LEVELS {
        reading.limit(path, &format!("{MAX_LEVELS} levels of conditions"));
        return None;
    }
    if !reading.count(true, path) {
        return None;
    }
    let before = reading.problems.len();
    let mut fields = Fields::new(members, path, reading.problems);
    fields.known(&["combinator", "not", "rules", "id", "path", "disabled", "muted"]);
    fields.flag("disabled", false);
    fields.flag("muted", false);
    let not = fields.flag("not", false);
    let combinator = match fields.string("combinator") {
        Some(word) if word.eq_ignore_ascii_case("and") => Some(Combinator::And),
        Some(word) if word.eq_ignore_ascii_case("or") => Some(Combinator::Or),
        Some(word) => {
            let problem = Problem::new(
                Code::BadValue,
                path.member("combinator").to_string(),
                format!("expected \"and\" or \"or\", found {}", describe(&Json::from(word))),
            );
            fields.problem(problem.nearest(word, ["and", "or"]));
            None
        }
        None => None,
    };
    let items = match fields.get("rules") {
        Some(Json::Array(items)) => items,
        Some(other) => {
            fields.wrong("rules", "a list of conditions", other);
            return None;
        }
        None => {
            fields.missing("rules");
            return None;
        }
    };
    let independent = items.iter().any(|item| matches!(item, Json::String(_)));
    if combinator.is_none() && !independent && reading.problems.len() == before && items.len() > 1 {
        let mut fields = Fields::new(members, path, reading.problems);
        fields.missing("combinator");
    }
    if combinator.is_some() && independent {
        reading.problems.push(Problem::new(
            Code::Malformed,
            path.member("combinator").to_string(),
            "a group has either one \"combinator\" or combinators between its conditions",
        ));
    }
    let place = path.member("rules");
    let inner = read_nodes(items, &place, scope, level + 1, reading)?;
    Some(Group {
        combinator: combinator.unwrap_or(inner.combinator),
        not,
        rules: inner.rules,
        at: At(path.to_string()),
    })
}
