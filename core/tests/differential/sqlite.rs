//! The generated SQL in SQLite, as far as SQLite can hold a case's columns and say its rules.

use rusqlite::config::DbConfig;
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, params_from_iter};

use super::others::{Answer, Asked};
use crate::generate::Case;
use crate::oracle::UserKey;
use crate::oracle::table::{Cell, Column, ColumnType, Table, TimeUnit};

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What SQLite answers to each query over the case's tables and segments.
pub fn ask(case: &Case, asked: &Asked<'_>) -> Vec<Answer> {
    let connection = Connection::open_in_memory().unwrap();
    // A column that is not there must be an error, not a string of its name.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false).unwrap();
    connection.execute_batch("BEGIN").unwrap();
    case.world.tables.iter().for_each(|table| fill(&connection, table));
    for (id, members) in asked.segments {
        let name = format!("segment_output_{id}");
        let key = quoted(&asked.key);
        connection.execute_batch(&format!("CREATE TABLE {name} ({key})")).unwrap();
        let mut insert = connection.prepare(&format!("INSERT INTO {name} VALUES (?)")).unwrap();
        for member in members.iter() {
            let value = match member {
                UserKey::Int(key) => Value::Integer(*key),
                UserKey::Text(key) => Value::Text(key.clone()),
            };
            insert.execute([value]).unwrap();
        }
    }
    asked.queries.iter().map(|sql| run(&connection, sql).map_err(|e| e.to_string())).collect()
}

fn run(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<UserKey>> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        Ok(match row.get_ref(0)? {
            ValueRef::Integer(key) => UserKey::Int(key),
            ValueRef::Text(key) => UserKey::Text(String::from_utf8(key.to_vec()).unwrap()),
            other => panic!("{other:?} is no key"),
        })
    })?;
    rows.collect()
}

/// Makes the table of the columns that SQLite can hold.
fn fill(connection: &Connection, table: &Table) {
    let columns: Vec<(&Column, &str)> =
        table.columns.iter().filter_map(|c| declared(&c.ty).map(|ty| (c, ty))).collect();
    let declarations: Vec<String> =
        columns.iter().map(|(column, ty)| format!("{} {ty}", quoted(&column.name))).collect();
    let (name, declarations) = (quoted(&table.name), declarations.join(", "));
    connection.execute_batch(&format!("CREATE TABLE {name} ({declarations})")).unwrap();
    let places = vec!["?"; columns.len()].join(", ");
    let insert = format!("INSERT INTO {name} VALUES ({places})");
    let mut insert = connection.prepare(&insert).unwrap();
    for row in 0..table.rows() {
        let cells = columns.iter().map(|(column, _)| value(&column.ty, &column.cells[row]));
        insert.execute(params_from_iter(cells)).unwrap();
    }
}

/// The declared type of a column; none where SQLite has no type for its values.
fn declared(ty: &ColumnType) -> Option<&'static str> {
    match ty {
        ColumnType::Bool => Some("BOOLEAN"),
        ColumnType::Int { bits: 64, signed: false } => None,
        ColumnType::Int { .. } => Some("INTEGER"),
        ColumnType::Float32 | ColumnType::Float64 => Some("REAL"),
        ColumnType::Text | ColumnType::Date | ColumnType::Stamp { .. } => Some("TEXT"),
        ColumnType::Decimal { .. } | ColumnType::List(_) => None,
    }
}

/// Dates and times are text, the latter to the microsecond, below which they are rounded down.
fn value(ty: &ColumnType, cell: &Cell) -> Value {
    match (ty, cell) {
        (_, Cell::Null) => Value::Null,
        (_, Cell::Bool(value)) => Value::Integer((*value).into()),
        (_, Cell::Int(value)) => Value::Integer(i64::try_from(*value).unwrap()),
        // SQLite itself stores a NaN as NULL.
        (_, Cell::Float(value)) => Value::Real(*value),
        (_, Cell::Text(text)) => Value::Text(text.clone()),
        (_, Cell::Date(days)) => {
            let at = super::instant(i64::from(*days) * 86_400_000_000);
            Value::Text(at.format("%Y-%m-%d").to_string())
        }
        (ColumnType::Stamp { unit, .. }, Cell::Stamp(at)) => {
            let micros = match unit {
                TimeUnit::Second => at * 1_000_000,
                TimeUnit::Millisecond => at * 1_000,
                TimeUnit::Microsecond => *at,
                TimeUnit::Nanosecond => at.div_euclid(1_000),
            };
            Value::Text(super::instant(micros).format("%Y-%m-%d %H:%M:%S%.6f").to_string())
        }
        other => panic!("SQLite holds no {other:?}"),
    }
}
