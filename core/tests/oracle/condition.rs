//! Conditions on a user: attributes, traits, events, segments, ranks, buckets and sequences.

use std::cmp::Ordering;
use std::rc::Rc;

use xxhash_rust::xxh64::xxh64;

use super::data::Data;
use super::events::Aggregate;
use super::json::Json;
use super::number::Exact;
use super::rule::Rules;
use super::sequence::Sequence;
use super::test::{Clock, Test, operator};
use super::tree::Node;
use super::value::{Kind, Value};
use super::window::Bounds;
use super::{OracleError, UserKey, failed};

/// What a rule gives its conditions: its zone, its dates, its name, and the other rules.
pub struct Scope<'a> {
    pub rules: &'a Rules<'a>,
    pub clock: Clock,
    pub dates: Bounds,
    pub rule_name: &'a str,
}

/// Who of the users, by row.
pub type Chosen = Rc<Vec<bool>>;

#[derive(Debug)]
pub enum Leaf {
    Field(Box<FieldTest>),
    Segment { chosen: Vec<Chosen>, negative: bool },
    Rank { chosen: Vec<bool> },
    Sequence(Sequence),
}

/// One condition on a value of the user.
#[derive(Debug)]
pub struct FieldTest {
    field: Field,
    other: Option<Field>,
    test: Test,
}

/// What a user has one value of.
#[derive(Debug)]
pub enum Field {
    Column(String),
    Aggregate(Aggregate),
    Point { latitude: String, longitude: String },
    Bucket { salt: String },
}

impl<'a> Scope<'a> {
    pub fn data(&self) -> &'a Data {
        self.rules.data
    }

    /// Reads conditions; `None` when all of them are disabled.
    pub fn tree(&self, json: &Json) -> Result<Option<Node<Leaf>>, OracleError> {
        Node::parse(json, &mut |json| self.leaf(json))
    }

    /// Who of all users the conditions hold of.
    pub fn choose(&self, node: &Node<Leaf>) -> Result<Vec<bool>, OracleError> {
        (0..self.data().keys.len())
            .map(|user| node.holds(&|leaf| leaf.holds(self.data(), user)))
            .collect()
    }

    fn leaf(&self, json: &Json) -> Result<Leaf, OracleError> {
        if json.get("sequence").is_some() {
            return Ok(Leaf::Sequence(Sequence::parse(json, self)?));
        }
        if json.get("events").is_none() && json.text_of("field")? == Some("segment") {
            return self.segment(json);
        }
        let field = self.subject(json)?;
        let name = operator(json.text_of("operator")?.unwrap_or_default());
        if name == "top" || name == "bottom" {
            return self.rank(json, &field, name == "top");
        }
        let other = match json.text_of("valueSource")? {
            Some("field") => Some(self.field(json.text_of("value")?.unwrap_or_default(), None)?),
            _ => None,
        };
        let other_kind = other.as_ref().map(|other| other.kind(self.data()));
        let kind = field.kind(self.data());
        let test = Test::parse(json, &kind, other_kind.as_ref(), self.clock)?;
        Ok(Leaf::Field(Box::new(FieldTest { field, other, test })))
    }

    /// What the condition is about.
    pub fn subject(&self, json: &Json) -> Result<Field, OracleError> {
        if json.get("events").is_some() {
            return Ok(Field::Aggregate(Aggregate::parse(json, None, self)?));
        }
        match json.text_of("field")? {
            Some("bucket") => {
                let salt = json.text_of("salt")?.unwrap_or(self.rule_name).to_owned();
                Ok(Field::Bucket { salt })
            }
            Some(name) => self.field(name, Some(json)),
            None => failed("missing_member", "a condition without a field"),
        }
    }

    /// A column of users or a trait; `narrowed` is the condition on it.
    fn field(&self, name: &str, narrowed: Option<&Json>) -> Result<Field, OracleError> {
        let users = &self.data().users;
        if users.kind(name).is_some() {
            return Ok(Field::Column(name.to_owned()));
        }
        if let Some((table, column)) = name.split_once('.')
            && (table == "users" || table == self.data().model.users.table)
            && users.kind(column).is_some()
        {
            return Ok(Field::Column(column.to_owned()));
        }
        let Some((_, json)) = self.data().model.traits.iter().find(|(known, _)| known == name)
        else {
            return failed("unknown_field", format!("no field {name:?}"));
        };
        if json.get("events").is_some() {
            return Ok(Field::Aggregate(Aggregate::parse(json, narrowed, self)?));
        }
        let part = |member: &str| -> Result<String, OracleError> {
            let column = json.text_of(member)?.unwrap_or_default();
            match users.kind(column) {
                Some(kind) if kind.is_number() => Ok(column.to_owned()),
                _ => failed("missing_column", format!("{member} {column:?} is no number")),
            }
        };
        Ok(Field::Point { latitude: part("latitude")?, longitude: part("longitude")? })
    }

    fn segment(&self, json: &Json) -> Result<Leaf, OracleError> {
        let negative = match operator(json.text_of("operator")?.unwrap_or_default()).as_str() {
            "in" | "=" => false,
            "notin" | "!=" => true,
            other => return failed("bad_operator", format!("{other:?} on segments")),
        };
        let Some(value) = json.get("value") else {
            return failed("missing_member", "a condition on segments without a value");
        };
        let named = match value {
            Json::List(items) => items.as_slice(),
            single => std::slice::from_ref(single),
        };
        let mut chosen = Vec::new();
        for name in named {
            chosen.push(self.rules.members_of(self.rules.id_of(name)?)?);
        }
        Ok(Leaf::Segment { chosen, negative })
    }

    fn rank(&self, json: &Json, field: &Field, top: bool) -> Result<Leaf, OracleError> {
        if !field.kind(self.data()).is_ordered() {
            return failed("bad_operator", "a rank of what has no order");
        }
        let among = match json.get("among") {
            Some(among) => self.tree(among)?,
            None => None,
        };
        let among = among.unwrap_or(Node::All(Vec::new()));
        let admitted = self.choose(&among)?;
        let mut ranked = Vec::new();
        for (user, key) in self.data().keys.iter().enumerate() {
            let value = field.value(self.data(), user)?;
            if let (true, Some(value)) = (admitted[user], value) {
                ranked.push((value, key, user));
            }
        }
        ranked.sort_by(|one, other| {
            let order = one.0.order(&other.0);
            let order = if top { order.reverse() } else { order };
            order.then_with(|| one.1.cmp(other.1))
        });
        let count = size_of_rank(json, ranked.len())?;
        let mut chosen = vec![false; self.data().keys.len()];
        for (_, _, user) in ranked.into_iter().take(count) {
            chosen[user] = true;
        }
        Ok(Leaf::Rank { chosen })
    }
}

fn size_of_rank(json: &Json, ranked: usize) -> Result<usize, OracleError> {
    let part = |name: &str| match json.get("value").and_then(|value| value.get(name)) {
        Some(Json::Number(text)) => Exact::parse(text).map(Some),
        Some(Json::Text(text)) => Exact::parse(text.trim()).map(Some),
        None => Ok(None),
        Some(other) => failed("bad_value", format!("{other:?} is no size")),
    };
    let size = match (part("percent")?, part("count")?) {
        (Some(percent), None) => {
            if percent.sign() != Ordering::Greater || percent > Exact::int(100) {
                return failed("bad_value", "a percent above 0 and at most 100");
            }
            percent.times(&Exact::fraction(ranked, 100)).ceiling()
        }
        (None, Some(count)) => count.ceiling(),
        _ => return failed("bad_value", "a rank takes a percent or a count"),
    };
    Ok(usize::try_from(size).unwrap_or(usize::MAX))
}

impl Leaf {
    fn holds(&self, data: &Data, user: usize) -> Result<bool, OracleError> {
        Ok(match self {
            Leaf::Field(condition) => {
                let FieldTest { field, other, test } = condition.as_ref();
                let value = field.value(data, user)?;
                let other = match other {
                    Some(other) => other.value(data, user)?,
                    None => None,
                };
                test.holds(value.as_ref(), other.as_ref())
            }
            Leaf::Segment { chosen, negative } => {
                chosen.iter().any(|members| members[user]) != *negative
            }
            Leaf::Rank { chosen } => chosen[user],
            Leaf::Sequence(sequence) => sequence.holds(data, user)?,
        })
    }
}

impl Field {
    fn kind(&self, data: &Data) -> Kind {
        match self {
            Field::Column(name) => data.users.kind(name).expect("known").clone(),
            Field::Aggregate(aggregate) => aggregate.kind(),
            Field::Point { .. } => Kind::Point,
            Field::Bucket { .. } => Kind::Exact,
        }
    }

    pub fn value(&self, data: &Data, user: usize) -> Result<Option<Value>, OracleError> {
        Ok(match self {
            Field::Column(name) => data.users.value(name, user).cloned(),
            Field::Aggregate(aggregate) => aggregate.value(data, user)?,
            Field::Point { latitude, longitude } => {
                let degrees = |name, limit: f64| {
                    match data.users.value(name, user)? {
                        Value::Float(value) => Some(*value),
                        Value::Exact(value) => Some(value.nearest_double()),
                        _ => None,
                    }
                    .filter(|value: &f64| value.abs() <= limit)
                };
                let (latitude, longitude) = (degrees(latitude, 90.0), degrees(longitude, 180.0));
                latitude
                    .zip(longitude)
                    .map(|(latitude, longitude)| Value::Point(latitude, longitude))
            }
            Field::Bucket { salt } => {
                let key = match &data.keys[user] {
                    UserKey::Int(key) => key.to_string(),
                    UserKey::Text(key) => key.clone(),
                };
                let hash = xxh64(format!("{salt}:{key}").as_bytes(), 0);
                Some(Value::Exact(Exact::int(i128::from(hash % 100))))
            }
        })
    }
}
