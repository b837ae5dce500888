//! The tables of a world, read once: users by key, and every user's events.

use std::collections::HashMap;

use chrono_tz::Tz;

use super::model::{EventEntry, Model};
use super::table::{Cell, Column, ColumnType, Table};
use super::value::{Kind, Value};
use super::{OracleError, UserKey, failed, time};

#[derive(Debug)]
pub struct Data {
    pub model: Model,
    pub zone: Tz,
    pub keys: Vec<UserKey>,
    pub users: Columns,
    pub streams: HashMap<String, Stream>,
}

/// The columns of one table by name.
#[derive(Debug)]
pub struct Columns {
    by_name: HashMap<String, (Kind, Vec<Option<Value>>)>,
    /// Digits after the point that a sum of the column keeps.
    scales: HashMap<String, u32>,
}

/// The events of one entry of the model.
#[derive(Debug)]
pub struct Stream {
    pub columns: Columns,
    /// For each user, the rows of the events that count for it, with their instants.
    pub of_user: Vec<Vec<(usize, i64)>>,
}

impl Data {
    pub fn read(model: &str, tables: &[Table]) -> Result<Data, OracleError> {
        let model = Model::parse(model)?;
        let zone = time::zone(&model.timezone)?;
        let users = find(tables, &model.users.table)?;
        let mut keys = Vec::new();
        let mut row_of = HashMap::new();
        for (row, cell) in column(users, &model.key)?.cells.iter().enumerate() {
            let key = match cell {
                Cell::Int(key) => match i64::try_from(*key) {
                    Ok(key) => UserKey::Int(key),
                    Err(_) => return failed("bad_key", format!("the key {key} is too wide")),
                },
                Cell::Text(key) => UserKey::Text(key.clone()),
                other => return failed("bad_key", format!("a user's key is {other:?}")),
            };
            if row_of.insert(key.clone(), row).is_some() {
                return failed("bad_key", format!("two users have the key {key:?}"));
            }
            keys.push(key);
        }
        let text_keys = matches!(column(users, &model.key)?.ty, ColumnType::Text);
        let mut streams = HashMap::new();
        for event in &model.events {
            let table = find(tables, &event.entry.table)?;
            let stream = Stream::read(table, event, zone, &row_of, text_keys)?;
            streams.insert(event.entry.name.clone(), stream);
        }
        let users = Columns::read(users, zone)?;
        Ok(Data { model, zone, keys, users, streams })
    }
}

impl Columns {
    fn read(table: &Table, zone: Tz) -> Result<Columns, OracleError> {
        let mut by_name = HashMap::new();
        let mut scales = HashMap::new();
        for column in &table.columns {
            let scale = match column.ty {
                ColumnType::Decimal { scale, .. } => u32::try_from(scale).unwrap_or(0),
                ColumnType::Float32 | ColumnType::Float64 => 9,
                _ => 0,
            };
            scales.insert(column.name.clone(), scale);
            let values: Result<Vec<_>, _> =
                column.cells.iter().map(|cell| Value::of_cell(cell, &column.ty, zone)).collect();
            by_name.insert(column.name.clone(), (Kind::of(&column.ty), values?));
        }
        Ok(Columns { by_name, scales })
    }

    pub fn kind(&self, name: &str) -> Option<&Kind> {
        self.by_name.get(name).map(|(kind, _)| kind)
    }

    pub fn values(&self, name: &str) -> impl Iterator<Item = &Value> {
        self.by_name[name].1.iter().flatten()
    }

    pub fn scale(&self, name: &str) -> u32 {
        self.scales[name]
    }

    /// The value in a column that is known to exist.
    pub fn value(&self, name: &str, row: usize) -> Option<&Value> {
        self.by_name[name].1[row].as_ref()
    }
}

impl Stream {
    fn read(
        table: &Table,
        event: &EventEntry,
        zone: Tz,
        row_of: &HashMap<UserKey, usize>,
        text_keys: bool,
    ) -> Result<Stream, OracleError> {
        let user = column(table, &event.user)?;
        let time_kind = Kind::of(&column(table, &event.time)?.ty);
        if !matches!(time_kind, Kind::Date | Kind::Stamp) {
            return failed("column_type_changed", format!("{} is no time", event.time));
        }
        if matches!(user.ty, ColumnType::Text) != text_keys {
            return failed("bad_key", format!("{} does not fit the users' key", event.user));
        }
        let columns = Columns::read(table, zone)?;
        let mut of_user = vec![Vec::new(); row_of.len()];
        for (row, cell) in user.cells.iter().enumerate() {
            let known = user_key(cell).and_then(|key| row_of.get(&key));
            let time = columns.value(&event.time, row);
            if let (Some(known), Some(time)) = (known, time) {
                of_user[*known].push((row, time.instant(zone)));
            }
        }
        Ok(Stream { columns, of_user })
    }
}

/// The key that an event names: a float only when it is an integer.
fn user_key(cell: &Cell) -> Option<UserKey> {
    match cell {
        Cell::Int(key) => i64::try_from(*key).ok().map(UserKey::Int),
        Cell::Float(key) if key.fract() == 0.0 && key.abs() <= 2f64.powi(63) => {
            i64::try_from(*key as i128).ok().map(UserKey::Int)
        }
        Cell::Text(key) => Some(UserKey::Text(key.clone())),
        _ => None,
    }
}

fn find<'a>(tables: &'a [Table], name: &str) -> Result<&'a Table, OracleError> {
    match tables.iter().find(|table| table.name == name) {
        Some(table) => Ok(table),
        None => failed("missing_table", format!("no table {name:?}")),
    }
}

fn column<'a>(table: &'a Table, name: &str) -> Result<&'a Column, OracleError> {
    match table.column(name) {
        Some(column) => Ok(column),
        None => failed("missing_column", format!("no column {name:?} in {:?}", table.name)),
    }
}
