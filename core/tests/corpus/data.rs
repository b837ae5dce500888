//! Tables of `data.json`.

use chrono::{NaiveDate, NaiveDateTime};

use crate::oracle::json::Json;
use crate::oracle::table::{Cell, Column, ColumnType, Table, TimeUnit};
use crate::oracle::time::days_of_date;

pub fn tables(data: &Json) -> Vec<Table> {
    data.members().unwrap().iter().map(|(name, table)| read_table(name, table)).collect()
}

fn read_table(name: &str, table: &Json) -> Table {
    let rows: Vec<&[Json]> =
        table.get("rows").unwrap().list().unwrap().iter().map(|row| row.list().unwrap()).collect();
    let columns = table.get("columns").unwrap().list().unwrap();
    assert!(rows.iter().all(|row| row.len() == columns.len()), "a row of another length in {name}");
    let columns = columns.iter().enumerate().map(|(at, column)| {
        let ty = read_type(column.text_of("type").unwrap().unwrap());
        let cells = rows.iter().map(|row| cell(&row[at], &ty)).collect();
        Column::new(column.text_of("name").unwrap().unwrap(), ty, cells)
    });
    Table::new(name, columns.collect())
}

/// What stands between the brackets of `word(..)`, `word[..]` or `word<..>`.
fn inside<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    text.strip_prefix(word)?.strip_prefix(['(', '[', '<'])?.strip_suffix([')', ']', '>'])
}

pub fn read_type(text: &str) -> ColumnType {
    let int = |bits, signed| ColumnType::Int { bits, signed };
    match text {
        "bool" => ColumnType::Bool,
        "int8" => int(8, true),
        "int16" => int(16, true),
        "int32" => int(32, true),
        "int64" => int(64, true),
        "uint8" => int(8, false),
        "uint16" => int(16, false),
        "uint32" => int(32, false),
        "uint64" => int(64, false),
        "float32" => ColumnType::Float32,
        "float64" => ColumnType::Float64,
        "string" => ColumnType::Text,
        "date" => ColumnType::Date,
        other => {
            if let Some(item) = inside(other, "list") {
                return ColumnType::List(Box::new(read_type(item)));
            }
            let decimal = inside(other, "decimal");
            let (before, after) = match decimal.or_else(|| inside(other, "timestamp")) {
                None => panic!("{other} is no type"),
                Some(inside) => match inside.split_once(',') {
                    None => (inside, None),
                    Some((before, after)) => (before.trim(), Some(after.trim())),
                },
            };
            if decimal.is_some() {
                let scale = after.map_or(0, |scale| scale.parse().unwrap());
                return ColumnType::Decimal { precision: before.parse().unwrap(), scale };
            }
            let unit = match before {
                "s" => TimeUnit::Second,
                "ms" => TimeUnit::Millisecond,
                "us" => TimeUnit::Microsecond,
                "ns" => TimeUnit::Nanosecond,
                _ => panic!("{other} has no unit"),
            };
            ColumnType::Stamp { unit, zone: after.map(str::to_owned) }
        }
    }
}

fn cell(json: &Json, ty: &ColumnType) -> Cell {
    match (json, ty) {
        (Json::Null, _) => Cell::Null,
        (Json::Bool(value), ColumnType::Bool) => Cell::Bool(*value),
        (Json::Number(digits), ColumnType::Int { .. }) => Cell::Int(digits.parse().unwrap()),
        // as text: NaN, inf, -inf
        (Json::Number(text) | Json::Text(text), ColumnType::Float32 | ColumnType::Float64) => {
            Cell::Float(text.parse().unwrap())
        }
        (Json::Text(text), ColumnType::Decimal { scale, .. }) => {
            let (whole, part) = text.split_once('.').unwrap_or((text, ""));
            let places = usize::try_from(*scale).unwrap();
            assert!(part.len() <= places, "{text} has more than {places} digits after the point");
            Cell::Decimal(format!("{whole}{part:0<places$}").parse().unwrap())
        }
        (Json::Text(text), ColumnType::Text) => Cell::Text(text.clone()),
        (Json::Text(text), ColumnType::Date) => {
            Cell::Date(days_of_date(NaiveDate::parse_from_str(text, "%Y-%m-%d").unwrap()))
        }
        (Json::Text(text), ColumnType::Stamp { unit, zone }) => {
            let time = match zone {
                Some(_) => chrono::DateTime::parse_from_rfc3339(text).unwrap().to_utc(),
                None => {
                    NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").unwrap().and_utc()
                }
            };
            Cell::Stamp(match unit {
                TimeUnit::Second => time.timestamp(),
                TimeUnit::Millisecond => time.timestamp_millis(),
                TimeUnit::Microsecond => time.timestamp_micros(),
                TimeUnit::Nanosecond => time.timestamp_nanos_opt().unwrap(),
            })
        }
        (Json::List(items), ColumnType::List(item)) => {
            Cell::List(items.iter().map(|one| cell(one, item)).collect())
        }
        (other, ty) => panic!("{other:?} in a column of {ty:?}"),
    }
}
