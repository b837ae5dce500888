//! From a [`Rule`] back to its document, in the spelling that is stored.

use serde_json::Value;

use crate::document::{Json, Number};
use crate::model::Key;

use super::{
    Aggregate, Combinator, Condition, Disabled, Group, Metric, Node, Operand, Place, RankSize,
    Rule, RuleRef, SegmentCondition, Sequence, Subject,
};

/// Members in order, leaving out what is absent.
#[derive(Default)]
struct Members(Vec<(String, Json)>);

impl Members {
    fn put(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.0.push((name.to_owned(), value.into()));
        self
    }

    fn maybe(self, name: &str, value: Option<impl Into<Json>>) -> Self {
        match value {
            Some(value) => self.put(name, value),
            None => self,
        }
    }

    fn done(self) -> Json {
        Json::Object(self.0)
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Json::String(text)
    }
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Json::Bool(value)
    }
}

impl Rule {
    /// The rule's document; members that it does not have are left out. A number that neither a
    /// 64-bit integer nor a double holds exactly is a string, which reads as the same number.
    #[must_use]
    pub fn to_json(&self) -> Value {
        self.document().to_value()
    }

    /// The same as JSON text, numbers to the last digit.
    #[must_use]
    pub fn to_json_text(&self) -> String {
        self.document().to_text()
    }

    pub(crate) fn document(&self) -> Json {
        let list = |items: Vec<Json>| (!items.is_empty()).then_some(Json::Array(items));
        Members::default()
            .put("rule_name", self.rule_name.clone())
            .maybe("description", self.description.clone())
            .maybe("conditions", self.conditions.as_ref().map(Group::to_json))
            .maybe("schedule", self.schedule.as_ref().map(ToString::to_string))
            .maybe("timezone", self.timezone.map(|zone| zone.name().to_owned()))
            .maybe("start_date", self.start_date.map(|date| date.to_string()))
            .maybe("end_date", self.end_date.map(|date| date.to_string()))
            .maybe("depends_on", list(self.depends_on.iter().map(RuleRef::to_json).collect()))
            .maybe("operation", self.operation.map(|operation| operation.as_str().to_owned()))
            .maybe("include", list(self.include.iter().map(key_json).collect()))
            .maybe("exclude", list(self.exclude.iter().map(key_json).collect()))
            .put("enabled", self.enabled)
            .done()
    }
}

pub(crate) fn key_json(key: &Key) -> Json {
    match key {
        Key::Int(key) => Json::from(*key),
        Key::Text(key) => Json::String(key.clone()),
    }
}

impl RuleRef {
    pub(crate) fn to_json(&self) -> Json {
        match self {
            RuleRef::Id(id) => Json::from(*id),
            RuleRef::Name(name) => Json::String(name.clone()),
        }
    }
}

impl Group {
    /// A list where that says it all, else the group in full.
    pub(crate) fn to_json(&self) -> Json {
        if self.combinator == Combinator::And && !self.not {
            return self.nodes();
        }
        self.in_full()
    }

    fn nodes(&self) -> Json {
        Json::Array(self.rules.iter().map(Node::to_json).collect())
    }

    fn in_full(&self) -> Json {
        let combinator = match self.combinator {
            Combinator::And => "and",
            Combinator::Or => "or",
        };
        Members::default()
            .put("combinator", combinator)
            .put("not", self.not)
            .put("rules", self.nodes())
            .done()
    }
}

impl Node {
    fn to_json(&self) -> Json {
        match self {
            Node::Group(group) => group.in_full(),
            Node::Condition(condition) => condition.to_json(),
            Node::Segments(condition) => condition.to_json(),
            Node::Sequence(sequence) => sequence.to_json(),
            Node::Disabled(Disabled(json)) => json.clone(),
        }
    }
}

impl Metric {
    fn put_into(&self, members: Members) -> Members {
        members
            .put("events", names(&self.events))
            .put("aggregate", self.aggregate.as_str())
            .maybe("field", self.field.clone())
            .maybe("where", self.filter.as_ref().map(Group::to_json))
            .maybe("window", self.window.map(super::Window::to_json))
    }

    pub(crate) fn to_json(&self) -> Json {
        self.put_into(Members::default()).done()
    }
}

fn names(events: &[String]) -> Json {
    match events {
        [one] => Json::String(one.clone()),
        several => Json::Array(several.iter().cloned().map(Json::String).collect()),
    }
}

impl Condition {
    fn to_json(&self) -> Json {
        let members = match &self.subject {
            Subject::Field { name, filter, window } => Members::default()
                .put("field", name.clone())
                .maybe("where", filter.as_ref().map(Group::to_json))
                .maybe("window", window.map(super::Window::to_json)),
            Subject::Events(metric) => metric.put_into(Members::default()),
            Subject::Bucket { salt } => {
                Members::default().put("field", "bucket").maybe("salt", salt.clone())
            }
        };
        let members = members.put("operator", self.operator.as_str());
        let members = match &self.operand {
            Operand::None => members,
            Operand::One(value) => members.put("value", value.to_json()),
            Operand::Pair(low, high) => {
                members.put("value", Json::Array(vec![low.to_json(), high.to_json()]))
            }
            Operand::List(values) => {
                members.put("value", Json::Array(values.iter().map(|v| v.to_json()).collect()))
            }
            Operand::Field(name) => members.put("valueSource", "field").put("value", name.clone()),
            Operand::Window(window) => members.put("value", window.to_json()),
            Operand::Place(place) => members.put("value", place.to_json()),
            Operand::Rank { size, among } => members
                .put("value", rank_json(*size))
                .maybe("among", among.as_ref().map(Group::to_json)),
        };
        match self.case_sensitive {
            true => members.done(),
            false => members.put("caseSensitive", false).done(),
        }
    }
}

fn rank_json(size: RankSize) -> Json {
    match size {
        RankSize::Count(count) => {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            Members::default().put("count", count).done()
        }
        RankSize::Percent(percent) => {
            Members::default().put("percent", Json::Number(percent)).done()
        }
    }
}

/// A double as the shortest decimal that reads back as it.
pub(super) fn double(value: f64) -> Json {
    format!("{value:e}").parse::<Number>().map_or(Json::Null, Json::Number)
}

impl Place {
    pub(super) fn to_json(&self) -> Json {
        match self {
            Place::Circle { latitude, longitude, radius } => Members::default()
                .put("lat", double(*latitude))
                .put("lon", double(*longitude))
                .put("radius", format!("{} {}", radius.length, radius.unit))
                .done(),
            Place::Polygon(ring) => {
                let points =
                    ring.iter().map(|(lon, lat)| Json::Array(vec![double(*lon), double(*lat)]));
                Members::default().put("polygon", Json::Array(points.collect())).done()
            }
        }
    }
}

impl SegmentCondition {
    fn to_json(&self) -> Json {
        let value = match self.rules.as_slice() {
            [one] => one.to_json(),
            several => Json::Array(several.iter().map(RuleRef::to_json).collect()),
        };
        Members::default()
            .put("field", "segment")
            .put("operator", if self.negated { "notIn" } else { "in" })
            .put("value", value)
            .done()
    }
}

impl Sequence {
    fn to_json(&self) -> Json {
        let steps = self.steps.iter().map(|step| {
            Members::default()
                .put("events", names(&step.events))
                .maybe("where", step.filter.as_ref().map(Group::to_json))
                .maybe("within", step.within.map(|within| within.to_string()))
                .done()
        });
        Members::default()
            .put("sequence", Json::Array(steps.collect()))
            .maybe("window", self.window.map(super::Window::to_json))
            .put("operator", if self.did { "did" } else { "didNot" })
            .done()
    }
}

impl From<Aggregate> for Json {
    fn from(aggregate: Aggregate) -> Self {
        Json::from(aggregate.as_str())
    }
}
