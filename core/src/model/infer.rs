//! A model for tables that nobody described: proposed from names and types, with the reasons.

use std::collections::BTreeMap;

use arrow::datatypes::{Schema, SchemaRef};

use crate::rule::{Aggregate, Metric};

use super::{AudienceModel, Events, FieldType, Trait, Users};

/// A registered table, for [`AudienceModel::infer`].
#[derive(Clone, Debug)]
pub struct Table {
    /// The name it is registered under.
    pub name: String,
    /// Its columns.
    pub schema: SchemaRef,
}

/// A proposed model.
#[derive(Clone, Debug)]
pub struct Inferred {
    /// The model; `None` if no table can be the users.
    pub model: Option<AudienceModel>,
    /// Why each table was taken as what it was, or left out: one sentence each.
    pub reasons: Vec<String>,
}

/// Names that tables of users go by, the likeliest first.
const USER_TABLES: [&str; 12] = [
    "user",
    "customer",
    "client",
    "member",
    "account",
    "person",
    "people",
    "contact",
    "subscriber",
    "profile",
    "shopper",
    "patient",
];
/// Parts of the names of time columns, the likeliest first.
const TIME_NAMES: [&str; 9] =
    ["timestamp", "event_time", "time", "occurred", "date", "created", "_at", "when", "day"];
/// Parts of the names of columns that hold money.
const MONEY_NAMES: [&str; 7] = ["amount", "total", "price", "value", "revenue", "spend", "cost"];

fn singular(name: &str) -> String {
    let lower = name.to_lowercase();
    match lower.strip_suffix("ies") {
        Some(stem) => format!("{stem}y"),
        None => lower.strip_suffix('s').map_or(lower.clone(), str::to_owned),
    }
}

fn type_of(schema: &Schema, name: &str) -> Option<FieldType> {
    FieldType::of(schema.field_with_name(name).ok()?.data_type())
}

fn names(schema: &Schema) -> impl Iterator<Item = &str> {
    schema.fields().iter().map(|field| field.name().as_str())
}

fn column_like<'a>(schema: &'a Schema, wanted: &[String]) -> Option<&'a str> {
    wanted.iter().find_map(|want| names(schema).find(|name| name.eq_ignore_ascii_case(want)))
}

fn can_be_key(schema: &Schema, name: &str) -> bool {
    matches!(type_of(schema, name), Some(FieldType::Integer | FieldType::String))
}

/// The key column of a table of users, if it has one.
fn key_of(table: &Table) -> Option<&str> {
    let one = singular(&table.name);
    let wanted = [
        format!("{one}_id"),
        format!("{one}id"),
        "user_id".to_owned(),
        "customer_id".to_owned(),
        "id".to_owned(),
        "uuid".to_owned(),
        format!("{one}_key"),
        "key".to_owned(),
        "email".to_owned(),
    ];
    column_like(&table.schema, &wanted).filter(|name| can_be_key(&table.schema, name))
}

/// The users table and its key: by name, else the table whose key most others refer to.
fn find_users(tables: &[Table]) -> Option<(&Table, &str, String)> {
    for known in USER_TABLES {
        for table in tables.iter().filter(|t| singular(&t.name) == known) {
            if let Some(key) = key_of(table) {
                let reason = format!(
                    "{:?} holds the users: that is its name, and {key:?} looks like their key",
                    table.name
                );
                return Some((table, key, reason));
            }
        }
    }
    let references = |table: &Table, key: &str| {
        let wanted = user_columns(table, key);
        let others = tables.iter().filter(|other| other.name != table.name);
        others.filter(|other| column_like(&other.schema, &wanted).is_some()).count()
    };
    let candidates = tables.iter().filter_map(|table| {
        let key = key_of(table)?;
        Some((references(table, key), table, key))
    });
    let (count, table, key) = candidates
        .max_by_key(|(count, table, _)| (*count, std::cmp::Reverse(table.name.as_str())))?;
    if count == 0 && tables.len() > 1 {
        return None;
    }
    let reason =
        format!("{:?} holds the users: {count} other tables refer to its key {key:?}", table.name);
    Some((table, key, reason))
}

/// Names that a column of events has if it holds the users' key.
fn user_columns(users: &Table, key: &str) -> Vec<String> {
    let one = singular(&users.name);
    let mut wanted = Vec::new();
    if !key.eq_ignore_ascii_case("id") && !key.eq_ignore_ascii_case("uuid") {
        wanted.push(key.to_owned());
    }
    wanted.extend([format!("{one}_id"), format!("{one}id"), format!("{one}_uuid"), one.clone()]);
    wanted.extend(["user_id", "customer_id"].map(str::to_owned));
    wanted
}

fn time_of(schema: &Schema) -> Option<&str> {
    let temporal =
        |name: &&str| matches!(type_of(schema, name), Some(FieldType::Date | FieldType::Timestamp));
    TIME_NAMES
        .iter()
        .find_map(|part| names(schema).filter(temporal).find(|n| n.to_lowercase().contains(part)))
        .or_else(|| names(schema).find(temporal))
}

impl AudienceModel {
    /// Proposes a model for any set of tables.
    ///
    /// Users are the table that is named so, else the one that most others refer to; every other
    /// table with a column of the users' key and a date or timestamp holds events. Each event
    /// table gives a trait that counts and, where a number is named like money, one that adds up.
    /// The zone is UTC. Tables are looked at by names and types only; nothing is read.
    #[must_use]
    pub fn infer(tables: &[Table]) -> Inferred {
        let mut reasons = Vec::new();
        let Some((users, key, reason)) = find_users(tables) else {
            reasons.push(
                "no table can be the users: none is named users, customers or the like, and none \
                 has a key that another table refers to"
                    .to_owned(),
            );
            return Inferred { model: None, reasons };
        };
        reasons.push(reason);
        let wanted = user_columns(users, key);
        let key_type = type_of(&users.schema, key);
        let mut events = Vec::new();
        let mut traits = BTreeMap::new();
        for table in tables.iter().filter(|table| table.name != users.name) {
            match event_table(table, &wanted, key_type.as_ref()) {
                Ok(entry) => {
                    reasons.push(format!(
                        "{:?} holds events: {:?} refers to the users and {:?} says when",
                        table.name, entry.user, entry.time
                    ));
                    propose_traits(table, &entry, &users.schema, &mut traits, &mut reasons);
                    events.push((table.name.clone(), entry));
                }
                Err(reason) => reasons.push(format!("{:?} is left out: {reason}", table.name)),
            }
        }
        let model = AudienceModel {
            users: Users { table: users.name.clone(), key: key.to_owned() },
            events,
            traits: traits.into_iter().collect(),
            timezone: chrono_tz::Tz::UTC,
        };
        Inferred { model: Some(model), reasons }
    }
}

fn event_table(
    table: &Table,
    wanted: &[String],
    key_type: Option<&FieldType>,
) -> Result<Events, String> {
    let Some(user) = column_like(&table.schema, wanted) else {
        return Err(format!("no column is named like the users' key ({})", wanted.join(", ")));
    };
    let fits = match (type_of(&table.schema, user), key_type) {
        (Some(FieldType::Integer | FieldType::Float), Some(FieldType::Integer)) => true,
        (found, wanted) => found.as_ref() == wanted,
    };
    if !fits {
        return Err(format!("{user:?} has another type than the users' key"));
    }
    let Some(time) = time_of(&table.schema) else {
        return Err("no column is a date or a timestamp".to_owned());
    };
    Ok(Events { table: table.name.clone(), user: user.to_owned(), time: time.to_owned() })
}

fn propose_traits(
    table: &Table,
    entry: &Events,
    users: &Schema,
    traits: &mut BTreeMap<String, Trait>,
    reasons: &mut Vec<String>,
) {
    let mut propose = |name: String, aggregate, field: Option<&str>, why: String| {
        if users.field_with_name(&name).is_ok() || traits.contains_key(&name) {
            return;
        }
        reasons.push(format!("the trait {name:?} {why}"));
        let metric = Metric {
            events: vec![table.name.clone()],
            aggregate,
            field: field.map(str::to_owned),
            filter: None,
            window: None,
        };
        traits.insert(name, Trait::Aggregate(metric));
    };
    let why = format!("counts the events of {:?}", table.name);
    propose(format!("{}_count", table.name), Aggregate::Count, None, why);
    let money = |name: &&str| {
        let lower = name.to_lowercase();
        let number = type_of(&table.schema, name).is_some_and(|ty| ty.is_number());
        number && *name != entry.user && MONEY_NAMES.iter().any(|part| lower.contains(part))
    };
    for name in names(&table.schema).filter(money) {
        let why = format!("adds up {:?} of {:?}, a number named like money", name, table.name);
        propose(format!("{}_{name}", table.name), Aggregate::Sum, Some(name), why);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::{DataType, Field, TimeUnit};

    use super::*;

    fn table(name: &str, columns: &[(&str, DataType)]) -> Table {
        let fields: Vec<Field> =
            columns.iter().map(|(n, t)| Field::new(*n, t.clone(), true)).collect();
        Table { name: name.to_owned(), schema: Arc::new(Schema::new(fields)) }
    }

    #[test]
    fn customers_and_their_purchases() {
        let time = DataType::Timestamp(TimeUnit::Microsecond, None);
        let inferred = AudienceModel::infer(&[
            table(
                "purchases",
                &[
                    ("line_id", DataType::Int64),
                    ("customer_id", DataType::Int64),
                    ("purchased_at", time),
                    ("amount", DataType::Decimal128(10, 2)),
                ],
            ),
            table("customers", &[("customer_id", DataType::Int64), ("first", DataType::Date32)]),
            table("countries", &[("code", DataType::Utf8)]),
        ]);
        let model = inferred.model.unwrap();
        assert_eq!(model.users, Users { table: "customers".into(), key: "customer_id".into() });
        assert_eq!(model.events[0].1.time, "purchased_at");
        let traits: Vec<&str> = model.traits.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(traits, ["purchases_amount", "purchases_count"]);
        assert_eq!(inferred.reasons.len(), 5);
        assert!(inferred.reasons.iter().any(|r| r.contains("countries") && r.contains("left out")));
    }

    #[test]
    fn no_users_is_said() {
        let inferred = AudienceModel::infer(&[
            table("a", &[("x", DataType::Int64)]),
            table("b", &[("y", DataType::Int64)]),
        ]);
        assert!(inferred.model.is_none());
        assert_eq!(inferred.reasons.len(), 1);
    }
}
