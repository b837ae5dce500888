//! The model bound to the tables as they are: every table, column and type checked.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use chrono_tz::Tz;

use crate::document::Path;
use crate::error::{Code, Problem};
use crate::rule::{Metric, nfc};

use super::{AudienceModel, FieldType, KeyType, Trait};

/// A column of a registered table that the language can use.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Column {
    pub(crate) table: String,
    pub(crate) name: String,
    pub(crate) data_type: DataType,
    pub(crate) ty: FieldType,
    /// Whether no value is below zero: the type has none, or the field's metadata declares it.
    pub(crate) non_negative: bool,
}

/// The key of Arrow field metadata whose value `true` declares that a column of numbers has none
/// below zero.
pub(crate) const NON_NEGATIVE: &str = "segmentry.non_negative";

/// An event table whose columns are known.
#[derive(Clone, Debug)]
pub(crate) struct BoundEvents {
    /// The name that rules use.
    pub(crate) name: String,
    pub(crate) table: String,
    pub(crate) user: Column,
    pub(crate) time: Column,
    pub(crate) schema: SchemaRef,
}

/// A trait whose columns are known; an aggregate's are checked with the rules that use it.
#[derive(Clone, Debug)]
pub(crate) enum BoundTrait {
    Aggregate(Metric),
    Point { latitude: Column, longitude: Column },
}

/// The model with its tables.
#[derive(Clone, Debug)]
pub(crate) struct BoundModel {
    pub(crate) table: String,
    pub(crate) key: Column,
    pub(crate) key_type: KeyType,
    pub(crate) schema: SchemaRef,
    pub(crate) events: Vec<BoundEvents>,
    pub(crate) traits: BTreeMap<String, BoundTrait>,
    pub(crate) zone: Tz,
}

/// Looks a column up by its exact name, else by one that only Unicode's normal form tells from it.
pub(crate) fn column(table: &str, schema: &Schema, name: &str) -> Option<Result<Column, DataType>> {
    let exact = schema.field_with_name(name).ok();
    let named = || schema.fields().iter().map(|field| (field.name().as_str(), field.as_ref()));
    let field = exact.or_else(|| same_name(named(), name))?;
    let data_type = field.data_type().clone();
    Some(match FieldType::of(&data_type) {
        Some(ty) => {
            let declared = field.metadata().get(NON_NEGATIVE).is_some_and(|value| value == "true");
            let non_negative = declared || data_type.is_unsigned_integer();
            Ok(Column {
                table: table.to_owned(),
                name: field.name().clone(),
                data_type,
                ty,
                non_negative,
            })
        }
        None => Err(data_type),
    })
}

/// What has a name of the same letters, however they are composed, if it is the only one.
pub(crate) fn same_name<'a, T>(
    known: impl IntoIterator<Item = (&'a str, T)>,
    name: &str,
) -> Option<T> {
    let wanted = nfc(name);
    let mut found = known.into_iter().filter(|(known, _)| nfc(known) == wanted);
    let (_, first) = found.next()?;
    found.next().is_none().then_some(first)
}

/// What is being bound: the tables that are registered, and what is wrong.
struct Binder<'a> {
    tables: &'a BTreeMap<String, SchemaRef>,
    problems: Vec<Problem>,
}

impl AudienceModel {
    /// Binds the model to the registered tables; the error holds every problem.
    pub(crate) fn bind(
        &self,
        tables: &BTreeMap<String, SchemaRef>,
    ) -> Result<BoundModel, Vec<Problem>> {
        let mut binder = Binder { tables, problems: Vec::new() };
        let users = binder.users(self);
        let key_type = users.as_ref().map(|(_, _, key_type)| *key_type);
        let path = Path::ROOT.member("events");
        let mut events = Vec::new();
        for (name, entry) in &self.events {
            events.extend(binder.events(name, entry, key_type, &path.member(name)));
        }
        let mut traits = BTreeMap::new();
        for (name, entry) in &self.traits {
            let bound = binder.entry(name, entry, self, users.as_ref().map(|u| &u.0));
            traits.extend(bound.map(|bound| (name.clone(), bound)));
        }
        match users {
            Some((schema, key, key_type)) if binder.problems.is_empty() => Ok(BoundModel {
                table: self.users.table.clone(),
                key,
                key_type,
                schema,
                events,
                traits,
                zone: self.timezone,
            }),
            _ => Err(binder.problems),
        }
    }
}

impl<'a> Binder<'a> {
    fn table(&mut self, name: &str, path: String) -> Option<&'a SchemaRef> {
        let found = self.tables.get(name);
        if found.is_none() {
            let message = match self.tables.is_empty() {
                true => format!("the table {name:?} is not registered; none is"),
                false => format!("the table {name:?} is not registered"),
            };
            let problem = Problem::new(Code::MissingTable, path, message);
            self.problems.push(problem.nearest(name, self.tables.keys().map(String::as_str)));
        }
        found
    }

    fn column(&mut self, table: &str, schema: &Schema, name: &str, path: String) -> Option<Column> {
        match column(table, schema, name) {
            Some(Ok(column)) => Some(column),
            Some(Err(data_type)) => {
                let message =
                    format!("the column {table}.{name} of type {data_type} can't be used");
                self.problems.push(Problem::new(Code::Unsupported, path, message));
                None
            }
            None => {
                let message = format!("the table {table:?} has no column {name:?}");
                let names = schema.fields().iter().map(|f| f.name().as_str());
                self.problems
                    .push(Problem::new(Code::MissingColumn, path, message).nearest(name, names));
                None
            }
        }
    }

    fn users(&mut self, model: &AudienceModel) -> Option<(SchemaRef, Column, KeyType)> {
        let path = Path::ROOT.member("users");
        let table = &model.users.table;
        let schema = self.table(table, path.member("table").to_string())?;
        let place = path.member("key").to_string();
        let key = self.column(table, schema, &model.users.key, place.clone())?;
        let key_type = match key.ty {
            FieldType::Integer => KeyType::Int,
            FieldType::String => KeyType::Text,
            ref other => {
                let message = format!(
                    "the key {table}.{} is a {other}; a key is an integer or a string",
                    model.users.key
                );
                self.problems.push(Problem::new(Code::BadKey, place, message));
                return None;
            }
        };
        Some((schema.clone(), key, key_type))
    }

    fn events(
        &mut self,
        name: &str,
        entry: &super::Events,
        key_type: Option<KeyType>,
        path: &Path<'_>,
    ) -> Option<BoundEvents> {
        let schema = self.table(&entry.table, path.member("table").to_string())?;
        let place = path.member("user").to_string();
        let user = self.column(&entry.table, schema, &entry.user, place.clone());
        if let (Some(user), Some(key_type)) = (&user, key_type) {
            let fits = match key_type {
                KeyType::Int => matches!(user.ty, FieldType::Integer | FieldType::Float),
                KeyType::Text => user.ty == FieldType::String,
            };
            if !fits {
                let keys = match key_type {
                    KeyType::Int => "integers",
                    KeyType::Text => "strings",
                };
                let message = format!(
                    "the column {}.{} is a {}, but the users' keys are {keys}",
                    entry.table, entry.user, user.ty
                );
                self.problems.push(Problem::new(Code::BadKey, place, message));
            }
        }
        let place = path.member("time").to_string();
        let time = self.column(&entry.table, schema, &entry.time, place.clone());
        if let Some(time) = &time
            && !matches!(time.ty, FieldType::Date | FieldType::Timestamp)
        {
            let message = format!(
                "the column {}.{} is a {}; the time of an event is a date or a timestamp",
                entry.table, entry.time, time.ty
            );
            self.problems.push(Problem::new(Code::TypeMismatch, place, message));
        }
        Some(BoundEvents {
            name: name.to_owned(),
            table: entry.table.clone(),
            user: user?,
            time: time?,
            schema: schema.clone(),
        })
    }

    fn entry(
        &mut self,
        name: &str,
        entry: &Trait,
        model: &AudienceModel,
        users: Option<&SchemaRef>,
    ) -> Option<BoundTrait> {
        let traits = Path::ROOT.member("traits");
        let path = traits.member(name);
        let schema = users?;
        if schema.field_with_name(name).is_ok() {
            let message = format!("the table {:?} has a column of that name", model.users.table);
            self.problems.push(Problem::new(Code::BadName, path.to_string(), message));
        }
        match entry {
            Trait::Aggregate(metric) => Some(BoundTrait::Aggregate(metric.clone())),
            Trait::Point { latitude, longitude } => {
                let latitude = self.degrees(model, schema, latitude, &path.member("latitude"));
                let longitude = self.degrees(model, schema, longitude, &path.member("longitude"));
                Some(BoundTrait::Point { latitude: latitude?, longitude: longitude? })
            }
        }
    }

    fn degrees(
        &mut self,
        model: &AudienceModel,
        schema: &Schema,
        name: &str,
        path: &Path<'_>,
    ) -> Option<Column> {
        let column = self.column(&model.users.table, schema, name, path.to_string())?;
        if !column.ty.is_number() {
            let message = format!("the column {name:?} is a {}; expected degrees", column.ty);
            self.problems.push(Problem::new(Code::TypeMismatch, path.to_string(), message));
            return None;
        }
        Some(column)
    }
}
