//! What planted conditions are made of: the fields of a random world with values that they hold.

use serde_json::{Map, Value, json};

use crate::generate::{Case, Random};
use crate::oracle::json::Json;
use crate::oracle::table::{Cell, ColumnType, Table, TimeUnit};
use crate::oracle::time::{DAY, date_of_days};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Number,
    Text,
    Date,
    Stamp,
    List,
}

/// A column of users or events.
#[derive(Clone, Debug)]
pub struct Field {
    pub name: String,
    pub kind: Kind,
    /// Values that are there, as literals, ascending and each once.
    pub samples: Vec<Value>,
    /// Whether the type has nothing below zero.
    pub unsigned: bool,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub name: String,
    pub fields: Vec<Field>,
}

/// The world of a case, its rules and their conditions.
#[derive(Debug)]
pub struct Ground {
    pub as_of: i64,
    pub keys: Vec<Value>,
    pub users: Vec<Field>,
    pub entries: Vec<Entry>,
    /// Aggregates of the model by name.
    pub traits: Vec<(String, Value)>,
    pub rules: Vec<(i64, Value)>,
    pub bases: Vec<Base>,
}

/// Conditions of a rule, with what says how they are read.
#[derive(Clone, Debug)]
pub struct Base {
    pub node: Value,
    pub shell: Map<String, Value>,
}

impl Ground {
    pub fn new(case: &Case) -> Ground {
        let model: Value = serde_json::from_str(&case.world.model_json).unwrap();
        let table_of = |name: &str| {
            case.world.tables.iter().find(|table| table.name == name).expect("the model's table")
        };
        let users = table_of(model["users"]["table"].as_str().unwrap_or("users"));
        let key = model["users"]["key"].as_str().unwrap();
        let mut fields = fields(users, case.as_of_micros, &[key, "lat", "lon"]);
        fields
            .iter_mut()
            .filter(|f| f.name == "segment")
            .for_each(|f| f.name.insert_str(0, "users."));
        let entries = model["events"].as_object().into_iter().flatten().map(|(name, entry)| {
            let table = table_of(entry["table"].as_str().unwrap_or(name));
            let own = ["user", "time"].map(|member| entry[member].as_str().unwrap());
            Entry { name: name.clone(), fields: self::fields(table, case.as_of_micros, &own) }
        });
        let traits = model["traits"].as_object().into_iter().flatten();
        let traits = traits.filter(|(_, one)| one.get("events").is_some());
        let rules: Vec<(i64, Value)> =
            case.rules.iter().map(|(id, text)| (*id, salted(text))).collect();
        Ground {
            as_of: case.as_of_micros,
            keys: keys(users, key),
            users: fields,
            entries: entries.collect(),
            traits: traits.map(|(name, one)| (name.clone(), one.clone())).collect(),
            bases: rules.iter().filter_map(|(_, rule)| base(rule)).collect(),
            rules,
        }
    }

    /// A field of the users that has some values and is of one of these kinds.
    pub fn user(&self, random: &mut Random, kinds: &[Kind]) -> Option<Field> {
        pick(random, &self.users, kinds)
    }

    /// The same of events, with the entry.
    pub fn event(&self, random: &mut Random, kinds: &[Kind]) -> Option<(String, Field)> {
        let entry = random.pick(&self.entries);
        Some((entry.name.clone(), pick(random, &entry.fields, kinds)?))
    }

    pub fn fields_of(&self, entry: &str) -> &[Field] {
        self.entries.iter().find(|one| one.name == entry).map_or(&[], |one| &one.fields)
    }

    pub fn base(&self, random: &mut Random) -> Option<Base> {
        (!self.bases.is_empty()).then(|| random.pick(&self.bases).clone())
    }
}

fn keys(users: &Table, key: &str) -> Vec<Value> {
    let column = users.column(key).expect("the key is a column");
    column.cells.iter().filter_map(|cell| literal(cell, &column.ty)).collect()
}

pub fn pick(random: &mut Random, from: &[Field], kinds: &[Kind]) -> Option<Field> {
    let from: Vec<&Field> =
        from.iter().filter(|f| kinds.contains(&f.kind) && f.samples.len() > 1).collect();
    (!from.is_empty()).then(|| (*random.pick(&from)).clone())
}

fn fields(table: &Table, as_of: i64, without: &[&str]) -> Vec<Field> {
    let columns = table.columns.iter().filter(|column| !without.contains(&column.name.as_str()));
    columns
        .map(|column| {
            let mut cells: Vec<&Cell> =
                column.cells.iter().filter(|cell| **cell != Cell::Null).collect();
            cells.sort_by(|one, other| order(one, other));
            let mut samples: Vec<Value> =
                cells.into_iter().filter_map(|cell| literal(cell, &column.ty)).collect();
            samples.dedup();
            let kind = kind_of(&column.ty);
            if kind == Kind::Stamp && samples.len() < 4 {
                samples = (0..6).rev().map(|back| json!(utc(as_of - back * 40 * DAY))).collect();
            }
            let unsigned = matches!(column.ty, ColumnType::Int { signed: false, .. });
            Field { name: column.name.clone(), kind, samples, unsigned }
        })
        .collect()
}

fn kind_of(ty: &ColumnType) -> Kind {
    match ty {
        ColumnType::Bool => Kind::Bool,
        ColumnType::Text => Kind::Text,
        ColumnType::Date => Kind::Date,
        ColumnType::Stamp { .. } => Kind::Stamp,
        ColumnType::List(_) => Kind::List,
        _ => Kind::Number,
    }
}

fn order(one: &Cell, other: &Cell) -> std::cmp::Ordering {
    match (one, other) {
        (Cell::Int(a), Cell::Int(b)) | (Cell::Decimal(a), Cell::Decimal(b)) => a.cmp(b),
        (Cell::Float(a), Cell::Float(b)) => a.total_cmp(b),
        (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
        (Cell::Date(a), Cell::Date(b)) => a.cmp(b),
        (Cell::Stamp(a), Cell::Stamp(b)) => a.cmp(b),
        (Cell::Bool(a), Cell::Bool(b)) => a.cmp(b),
        _ => std::cmp::Ordering::Equal,
    }
}

fn literal(cell: &Cell, ty: &ColumnType) -> Option<Value> {
    Some(match (cell, ty) {
        (Cell::Bool(value), _) => json!(value),
        // As text where a value of JSON would lose digits.
        (Cell::Int(value), _) => {
            i64::try_from(*value).map_or_else(|_| json!(value.to_string()), |value| json!(value))
        }
        (Cell::Float(value), _) if value.is_finite() => json!(value),
        (Cell::Decimal(units), ColumnType::Decimal { scale, .. }) => {
            json!(format!("{units}e-{scale}"))
        }
        (Cell::Text(value), _) => json!(value),
        (Cell::Date(days), _) => json!(date_of_days(*days).to_string()),
        (Cell::Stamp(at), ColumnType::Stamp { unit, .. }) => json!(utc(match unit {
            TimeUnit::Second => at * 1_000_000,
            TimeUnit::Millisecond => at * 1_000,
            TimeUnit::Microsecond => *at,
            TimeUnit::Nanosecond => at.div_euclid(1_000),
        })),
        _ => return None,
    })
}

pub fn utc(micros: i64) -> String {
    let at = chrono::DateTime::from_timestamp_micros(micros).unwrap();
    at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// A document as a value of `serde_json`; a number that would lose digits there becomes text.
fn plain(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => json!(value),
        Json::Number(digits) => {
            let number = serde_json::from_str(digits).ok();
            let number = number.map(|number: Value| (number.to_string(), number));
            match number {
                Some((written, number)) if written == *digits => number,
                _ => json!(digits),
            }
        }
        Json::Text(text) => json!(text),
        Json::List(items) => items.iter().map(plain).collect(),
        Json::Object(members) => {
            members.iter().map(|(name, value)| (name.clone(), plain(value))).collect()
        }
    }
}

/// A rule whose buckets keep their salt when the rule is given another name.
pub fn salted(text: &str) -> Value {
    fn walk(value: &mut Value, salt: &str) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| walk(item, salt)),
            Value::Object(members) => {
                if members.get("field").is_some_and(|field| field == "bucket") {
                    members.entry("salt").or_insert_with(|| json!(salt));
                }
                members.values_mut().for_each(|member| walk(member, salt));
            }
            _ => {}
        }
    }
    let mut rule = plain(&Json::parse(text).unwrap());
    let name = rule["rule_name"].as_str().unwrap().to_owned();
    walk(&mut rule, &name);
    rule
}

/// The conditions of a rule, unless they are switched off as a whole: then they are no condition
/// that anything could be made of.
pub fn base(rule: &Value) -> Option<Base> {
    let conditions = rule.get("conditions").filter(|conditions| !conditions.is_null())?;
    let parsed = segmentry::RuleParser::parse(rule.to_string().as_str()).unwrap();
    if parsed.conditions.is_none_or(|group| group.is_disabled() || group.rules.is_empty()) {
        return None;
    }
    let node = match conditions {
        Value::Array(items) if items.iter().any(Value::is_string) => json!({"rules": items}),
        Value::Array(items) => json!({"combinator": "and", "rules": items}),
        other => other.clone(),
    };
    let members = ["timezone", "start_date", "end_date"];
    let shell =
        members.iter().filter_map(|name| Some(((*name).to_owned(), rule.get(*name)?.clone())));
    Some(Base { node, shell: shell.collect() })
}
