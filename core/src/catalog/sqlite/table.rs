//! Reading and writing rows of tables that another program may have made.

use chrono::{DateTime, Utc};
use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Params, Row, params_from_iter};

use super::fault::Fault;
use crate::catalog::stored;

/// A column as `PRAGMA table_info` describes it.
pub(super) struct Column {
    pub(super) name: String,
    declared: String,
    not_null: bool,
    has_default: bool,
    is_key: bool,
}

/// A table whose columns are not all ours.
pub(super) struct Table {
    name: &'static str,
    pub(super) columns: Vec<Column>,
}

impl Table {
    /// The table as it is now; without columns if there is none.
    pub(super) fn of(connection: &Connection, name: &'static str) -> Result<Self, Fault> {
        let sql = "SELECT name, type, \"notnull\", dflt_value IS NOT NULL, pk
                   FROM pragma_table_info(?1)";
        let columns = all(connection, sql, [name], |row| {
            Ok(Column {
                name: row.get(0)?,
                declared: row.get::<_, String>(1)?.to_ascii_uppercase(),
                not_null: row.get(2)?,
                has_default: row.get(3)?,
                is_key: row.get::<_, i64>(4)? > 0,
            })
        })?;
        Ok(Table { name, columns })
    }

    /// The column of that name, in any case, as SQLite compares names.
    pub(super) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// Inserts a row. Columns of others that must have a value get an empty one.
    pub(super) fn insert(
        &self,
        connection: &Connection,
        row: Vec<(&str, Value)>,
        at: &str,
    ) -> Result<(), Fault> {
        let known =
            |column: &Column| row.iter().any(|(name, _)| column.name.eq_ignore_ascii_case(name));
        let others: Vec<(&str, Value)> = self
            .columns
            .iter()
            .filter(|column| column.not_null && !column.has_default && !column.is_key)
            .filter(|column| !known(column))
            .map(|column| (column.name.as_str(), column.empty(at)))
            .collect();
        let row: Vec<(&str, Value)> =
            row.into_iter().map(|value| self.allowed(value)).chain(others).collect();
        let names: Vec<String> = row.iter().map(|(name, _)| quoted(name)).collect();
        let marks = vec!["?"; row.len()].join(", ");
        let sql = format!("INSERT INTO {} ({}) VALUES ({marks})", self.name, names.join(", "));
        let values = params_from_iter(row.into_iter().map(|(_, value)| value));
        connection.prepare_cached(&sql)?.execute(values)?;
        Ok(())
    }

    /// Sets columns of the row with that id.
    pub(super) fn update(
        &self,
        connection: &Connection,
        id: i64,
        row: Vec<(&str, Value)>,
    ) -> Result<(), Fault> {
        let sets: Vec<String> =
            row.iter().map(|(name, _)| format!("{} = ?", quoted(name))).collect();
        let sql = format!("UPDATE {} SET {} WHERE id = ?", self.name, sets.join(", "));
        let values = row.into_iter().map(|value| self.allowed(value).1).chain([id.into()]);
        connection.prepare_cached(&sql)?.execute(params_from_iter(values))?;
        Ok(())
    }

    /// The empty text, which reads as nothing, where the original forbids NULL.
    fn allowed<'a>(&self, (name, value): (&'a str, Value)) -> (&'a str, Value) {
        let forbidden = value == Value::Null && self.column(name).is_some_and(|c| c.not_null);
        (name, if forbidden { Value::Text(String::new()) } else { value })
    }
}

impl Column {
    /// A value that the program whose column it is should be able to read.
    fn empty(&self, at: &str) -> Value {
        let declared = |parts: &[&str]| parts.iter().any(|part| self.declared.contains(part));
        if declared(&["DATE", "TIME"]) {
            Value::Text(at.to_owned())
        } else if declared(&["INT", "REAL", "FLOA", "DOUB", "NUM", "DEC", "BOOL"]) {
            Value::Integer(0)
        } else {
            Value::Text(String::new())
        }
    }
}

/// The name as an SQL identifier.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// All rows of a query.
pub(super) fn all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// The first row of a query, if it has any.
pub(super) fn first<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}

/// The single number that a query gives.
pub(super) fn number(
    connection: &Connection,
    sql: &str,
    params: impl Params,
) -> Result<i64, Fault> {
    Ok(connection.prepare_cached(sql)?.query_row(params, |row| row.get(0))?)
}

/// Whatever another program stored, as text.
pub(super) fn text(row: &Row<'_>, column: usize) -> Result<Option<String>, Fault> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            Some(String::from_utf8_lossy(bytes).into_owned())
        }
    })
}

/// An instant, where one can be made out.
pub(super) fn instant(row: &Row<'_>, column: usize) -> Result<Option<DateTime<Utc>>, Fault> {
    Ok(text(row, column)?.and_then(|text| stored::instant(&text)))
}

/// An instant in a table of our own.
pub(super) fn own_instant(row: &Row<'_>, column: usize) -> Result<DateTime<Utc>, Fault> {
    instant(row, column)?.ok_or_else(|| {
        let name = row.as_ref().column_name(column).unwrap_or("a column").to_owned();
        Fault::damaged(format!("{name} holds no instant"))
    })
}

/// The checksum of a blob, as the integer that SQLite keeps.
pub(super) fn checksum(bytes: &[u8]) -> i64 {
    xxhash_rust::xxh3::xxh3_64(bytes).cast_signed()
}

/// The checksum of a blob that means something only after the one with the checksum `before`.
pub(super) fn checksum_after(bytes: &[u8], before: i64) -> i64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(bytes, before.cast_unsigned()).cast_signed()
}
