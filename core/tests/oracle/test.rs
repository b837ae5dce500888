//! The operators of attributes and results: what a condition asks of one value.

use std::cmp::Ordering;

use chrono_tz::Tz;
use regex::{Regex, RegexBuilder};

use super::json::Json;
use super::number::Exact;
use super::place::Area;
use super::text::{fold, split_list};
use super::time::{Moment, days_of_date, parse_date};
use super::value::{Kind, Value};
use super::window::Bounds;
use super::{OracleError, failed};

/// The zone and the instant that a rule is evaluated in.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    pub zone: Tz,
    pub as_of: i64,
}

#[derive(Debug)]
pub struct Test {
    question: Question,
    /// The opposite operator: true where the question is false of a value that is there.
    negative: bool,
    folded: bool,
    clock: Clock,
}

#[derive(Debug)]
enum Question {
    Null,
    Equal(Operand),
    Less(Operand),
    LessOrEqual(Operand),
    Between(Operand, Operand),
    In(Vec<Operand>),
    Contains(Operand),
    Begins(Operand),
    Ends(Operand),
    Matches(Regex),
    HoldsItem(Operand),
    During(Bounds),
    Within(Area),
}

#[derive(Debug)]
enum Operand {
    Value(Value),
    /// A whole day of a timestamp: first instant, first instant after.
    Day(i64, i64),
    /// The value of another field.
    Field,
}

/// The operator as it is stored, from any spelling that is accepted.
pub fn operator(spelling: &str) -> String {
    let plain: String = spelling
        .chars()
        .filter(|letter| !matches!(letter, ' ' | '_' | '-'))
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    match plain.as_str() {
        "==" => "=",
        "<>" => "!=",
        "isnull" => "null",
        "isnotnull" => "notnull",
        other => other,
    }
    .to_owned()
}

impl Test {
    /// `other` is the kind of the field that `value` names, when it names one.
    pub fn parse(
        json: &Json,
        kind: &Kind,
        other: Option<&Kind>,
        clock: Clock,
    ) -> Result<Test, OracleError> {
        let Some(spelling) = json.text_of("operator")? else {
            return failed("missing_member", "a condition without an operator");
        };
        let folded = json.get("caseSensitive") == Some(&Json::Bool(false));
        let texts = match kind {
            Kind::List(item) => **item == Kind::Text,
            kind => *kind == Kind::Text,
        };
        if folded && !texts {
            return failed("bad_value", "caseSensitive is for strings");
        }
        let name = operator(spelling);
        let base = Operator { json, kind, other, folded, clock };
        // the positive operator that this one is, or is the opposite of
        let (question, negative) = match name.as_str() {
            "null" => (Question::Null, false),
            "notnull" => (Question::Null, true),
            "=" => (Question::Equal(base.one()?), false),
            "!=" => (Question::Equal(base.one()?), true),
            "<" => (Question::Less(base.ordered()?), false),
            "<=" => (Question::LessOrEqual(base.ordered()?), false),
            ">" => (Question::LessOrEqual(base.ordered()?), true),
            ">=" => (Question::Less(base.ordered()?), true),
            "between" => (base.between()?, false),
            "notbetween" => (base.between()?, true),
            "in" => (Question::In(base.many()?), false),
            "notin" => (Question::In(base.many()?), true),
            "contains" => (base.contains()?, false),
            "doesnotcontain" => (base.contains()?, true),
            "beginswith" => (Question::Begins(base.string()?), false),
            "doesnotbeginwith" => (Question::Begins(base.string()?), true),
            "endswith" => (Question::Ends(base.string()?), false),
            "doesnotendwith" => (Question::Ends(base.string()?), true),
            "matches" => (base.matches()?, false),
            "doesnotmatch" => (base.matches()?, true),
            "during" => (base.during()?, false),
            "notduring" => (base.during()?, true),
            "within" => (base.within()?, false),
            "notwithin" => (base.within()?, true),
            other => return failed("bad_operator", format!("{other:?} is no operator")),
        };
        Ok(Test { question, negative, folded, clock })
    }

    /// Whether the condition is true of the value. `other` is the other field's value.
    pub fn holds(&self, value: Option<&Value>, other: Option<&Value>) -> bool {
        if let Question::Null = self.question {
            return value.is_none() != self.negative;
        }
        // a missing value makes every other condition false, negative ones included
        let Some(value) = value else { return false };
        if self.needs_field() && other.is_none() {
            return false;
        }
        let value = self.shown(value);
        let other = other.map(|other| self.shown(other));
        self.positive(&value, other.as_ref()) != self.negative
    }

    fn needs_field(&self) -> bool {
        matches!(
            self.question,
            Question::Equal(Operand::Field)
                | Question::Less(Operand::Field)
                | Question::LessOrEqual(Operand::Field)
                | Question::Contains(Operand::Field)
                | Question::Begins(Operand::Field)
                | Question::Ends(Operand::Field)
        )
    }

    /// The value as it is compared: strings folded where case does not matter.
    fn shown(&self, value: &Value) -> Value {
        match value {
            Value::Text(text) if self.folded => Value::Text(fold(text)),
            value => value.clone(),
        }
    }

    fn positive(&self, value: &Value, other: Option<&Value>) -> bool {
        let text = || match value {
            Value::Text(text) => text.as_str(),
            value => panic!("{value:?} is no string"),
        };
        let needle = |operand: &Operand| match (operand, other) {
            (Operand::Value(Value::Text(text)), _) => text.clone(),
            (Operand::Field, Some(Value::Text(text))) => text.clone(),
            (operand, _) => panic!("{operand:?} is no string"),
        };
        match &self.question {
            Question::Null => panic!("asked before"),
            Question::Equal(operand) => operand.place_of(value, other) == Ordering::Equal,
            Question::Less(operand) => operand.place_of(value, other) == Ordering::Less,
            Question::LessOrEqual(operand) => operand.place_of(value, other) != Ordering::Greater,
            Question::Between(low, high) => {
                low.place_of(value, None) != Ordering::Less
                    && high.place_of(value, None) != Ordering::Greater
            }
            Question::In(operands) => {
                operands.iter().any(|operand| operand.place_of(value, None) == Ordering::Equal)
            }
            Question::Contains(operand) => text().contains(&needle(operand)),
            Question::Begins(operand) => text().starts_with(&needle(operand)),
            Question::Ends(operand) => text().ends_with(&needle(operand)),
            Question::Matches(regex) => regex.is_match(text()),
            Question::HoldsItem(operand) => match value {
                Value::List(items) => items
                    .iter()
                    .any(|item| operand.place_of(&self.shown(item), None) == Ordering::Equal),
                value => panic!("{value:?} is no list"),
            },
            Question::During(bounds) => bounds.contain(value.instant(self.clock.zone)),
            Question::Within(area) => match value {
                Value::Point(latitude, longitude) => area.holds(*latitude, *longitude),
                value => panic!("{value:?} is no point"),
            },
        }
    }
}

impl Operand {
    /// Whether the value lies before the operand, at it (inside, for a day), or after it.
    fn place_of(&self, value: &Value, other: Option<&Value>) -> Ordering {
        match (self, value) {
            (Operand::Value(operand), value) => value.order(operand),
            (Operand::Day(start, _), Value::Stamp(at)) if at < start => Ordering::Less,
            (Operand::Day(_, end), Value::Stamp(at)) if at >= end => Ordering::Greater,
            (Operand::Day(..), _) => Ordering::Equal,
            (Operand::Field, value) => value.order(other.expect("the other field has a value")),
        }
    }

    fn start(&self) -> Value {
        match self {
            Operand::Value(value) => value.clone(),
            Operand::Day(start, _) => Value::Stamp(*start),
            Operand::Field => panic!("a field in a range"),
        }
    }

    fn end(&self) -> Value {
        match self {
            Operand::Day(_, end) => Value::Stamp(*end - 1),
            operand => operand.start(),
        }
    }
}

/// One condition while its operand is read.
struct Operator<'a> {
    json: &'a Json,
    kind: &'a Kind,
    other: Option<&'a Kind>,
    folded: bool,
    clock: Clock,
}

impl Operator<'_> {
    fn value(&self) -> Result<&Json, OracleError> {
        match self.json.get("value") {
            Some(value) => Ok(value),
            None => failed("missing_member", "a condition without a value"),
        }
    }

    fn one(&self) -> Result<Operand, OracleError> {
        match self.other {
            None => self.literal(self.value()?, self.kind),
            Some(other) if self.kind.comparable(other) => Ok(Operand::Field),
            Some(other) => failed("type_mismatch", format!("{:?} against {other:?}", self.kind)),
        }
    }

    fn ordered(&self) -> Result<Operand, OracleError> {
        if !self.kind.is_ordered() {
            return failed("bad_operator", format!("{:?} has no order", self.kind));
        }
        self.one()
    }

    fn string(&self) -> Result<Operand, OracleError> {
        if *self.kind != Kind::Text {
            return failed("bad_operator", format!("{:?} is no string", self.kind));
        }
        self.one()
    }

    fn contains(&self) -> Result<Question, OracleError> {
        match self.kind {
            Kind::List(item) => Ok(Question::HoldsItem(self.literal(self.value()?, item)?)),
            _ => Ok(Question::Contains(self.string()?)),
        }
    }

    /// The values of a list, or of a string that is split at its commas.
    fn many(&self) -> Result<Vec<Operand>, OracleError> {
        match self.value()? {
            Json::List(items) => items.iter().map(|item| self.literal(item, self.kind)).collect(),
            Json::Text(text) => split_list(text)
                .into_iter()
                .map(|item| match (item.as_str(), self.kind) {
                    ("true", Kind::Bool) => Ok(Operand::Value(Value::Bool(true))),
                    ("false", Kind::Bool) => Ok(Operand::Value(Value::Bool(false))),
                    _ => self.literal(&Json::Text(item), self.kind),
                })
                .collect(),
            single => Ok(vec![self.literal(single, self.kind)?]),
        }
    }

    fn between(&self) -> Result<Question, OracleError> {
        if !self.kind.is_ordered() {
            return failed("bad_operator", format!("{:?} has no order", self.kind));
        }
        let mut bounds = self.many()?;
        let (Some(high), Some(low), 0) = (bounds.pop(), bounds.pop(), bounds.len()) else {
            return failed("bad_value", "a range has two bounds");
        };
        if low.start().order(&high.end()) == Ordering::Greater {
            return failed("bad_value", "low above high");
        }
        Ok(Question::Between(low, high))
    }

    fn matches(&self) -> Result<Question, OracleError> {
        if *self.kind != Kind::Text {
            return failed("bad_operator", format!("{:?} is no string", self.kind));
        }
        // the letters of the pattern decide about case, so nothing is folded here
        match RegexBuilder::new(self.value()?.text()?).case_insensitive(self.folded).build() {
            Ok(regex) => Ok(Question::Matches(regex)),
            Err(error) => failed("bad_value", error.to_string()),
        }
    }

    fn during(&self) -> Result<Question, OracleError> {
        if !matches!(self.kind, Kind::Date | Kind::Stamp) {
            return failed("bad_operator", format!("{:?} is no time", self.kind));
        }
        Ok(Question::During(Bounds::parse(self.value()?, self.clock.zone, self.clock.as_of)?))
    }

    fn within(&self) -> Result<Question, OracleError> {
        if *self.kind != Kind::Point {
            return failed("bad_operator", format!("{:?} is no point", self.kind));
        }
        Ok(Question::Within(Area::parse(self.value()?)?))
    }

    /// A value of the document as one of the field's kind.
    fn literal(&self, json: &Json, kind: &Kind) -> Result<Operand, OracleError> {
        let zone = self.clock.zone;
        let value = match (kind, json) {
            (Kind::Bool, Json::Bool(value)) => Value::Bool(*value),
            (Kind::Exact, Json::Number(text)) => Value::Exact(Exact::parse(text)?),
            (Kind::Exact, Json::Text(text)) => Value::Exact(Exact::parse(text.trim())?),
            (Kind::Float, Json::Number(text)) => double(text)?,
            (Kind::Float, Json::Text(text)) => double(text.trim())?,
            (Kind::Text, Json::Text(text)) if self.folded => Value::Text(fold(text)),
            (Kind::Text, Json::Text(text)) => Value::Text(text.clone()),
            (Kind::Date, Json::Text(text)) => match parse_date(text) {
                Some(date) => Value::Date(days_of_date(date)),
                None => return failed("bad_date", format!("{text:?} is no date")),
            },
            (Kind::Stamp, Json::Text(text)) => match Moment::parse(text, zone)? {
                Moment::Instant(micros) => Value::Stamp(micros),
                day => return Ok(Operand::Day(day.start(zone), day.end(zone))),
            },
            (kind, json) => return failed("type_mismatch", format!("{json:?} for {kind:?}")),
        };
        Ok(Operand::Value(value))
    }
}

/// The double nearest to a number as JSON writes it.
fn double(text: &str) -> Result<Value, OracleError> {
    Exact::parse(text)?;
    let nearest = text.parse::<f64>().ok().and_then(Value::float);
    nearest.map_or_else(|| failed("bad_value", format!("{text:?} is past every double")), Ok)
}
