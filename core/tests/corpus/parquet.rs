//! Data that several cases share: a folder of Parquet files, each a table.

use std::path::{Path, PathBuf};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Int32Type, Int64Type, TimeUnit as ArrowUnit,
    TimestampMicrosecondType,
};
use datafusion::prelude::{ParquetReadOptions, SessionContext};

use crate::oracle::table::{Cell, Column, ColumnType, Table, TimeUnit};

/// Names of tables and their files.
pub fn files(folder: &Path) -> Vec<(String, PathBuf)> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<(String, PathBuf)> = paths
        .filter(|path| path.extension().is_some_and(|ending| ending == "parquet"))
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path))
        .collect();
    files.sort();
    files
}

/// The tables for the oracle.
pub async fn tables(folder: &Path) -> Vec<Table> {
    let mut tables = Vec::new();
    for (name, file) in files(folder) {
        let context = SessionContext::new();
        let path = file.to_string_lossy().into_owned();
        let frame = context.read_parquet(path, ParquetReadOptions::default()).await.unwrap();
        let schema = frame.schema().as_arrow().clone();
        let batches = frame.collect().await.unwrap();
        let columns = schema.fields().iter().enumerate().map(|(at, field)| {
            let cells = batches.iter().flat_map(|batch| cells(batch.column(at))).collect();
            Column::new(field.name(), column_type(field.data_type()), cells)
        });
        tables.push(Table::new(&name, columns.collect()));
    }
    tables
}

fn column_type(ty: &DataType) -> ColumnType {
    match ty {
        DataType::Int32 => ColumnType::Int { bits: 32, signed: true },
        DataType::Int64 => ColumnType::Int { bits: 64, signed: true },
        DataType::Date32 => ColumnType::Date,
        DataType::Decimal128(precision, scale) => {
            ColumnType::Decimal { precision: *precision, scale: *scale }
        }
        DataType::Timestamp(ArrowUnit::Microsecond, zone) => ColumnType::Stamp {
            unit: TimeUnit::Microsecond,
            zone: zone.as_ref().map(|zone| zone.to_string()),
        },
        other => panic!("no cells of {other}"),
    }
}

fn cells(array: &ArrayRef) -> Vec<Cell> {
    fn each<T>(values: impl Iterator<Item = Option<T>>, cell: fn(T) -> Cell) -> Vec<Cell> {
        values.map(|value| value.map_or(Cell::Null, cell)).collect()
    }
    match array.data_type() {
        DataType::Int32 => each(array.as_primitive::<Int32Type>().iter(), |v| Cell::Int(v.into())),
        DataType::Int64 => each(array.as_primitive::<Int64Type>().iter(), |v| Cell::Int(v.into())),
        DataType::Date32 => each(array.as_primitive::<Date32Type>().iter(), Cell::Date),
        DataType::Decimal128(..) => {
            each(array.as_primitive::<Decimal128Type>().iter(), Cell::Decimal)
        }
        _ => each(array.as_primitive::<TimestampMicrosecondType>().iter(), Cell::Stamp),
    }
}
