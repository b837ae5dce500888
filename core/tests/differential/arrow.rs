//! The oracle's tables as Arrow record batches.

use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit as ArrowUnit};

use crate::oracle::table::{Cell, Column, ColumnType, Table, TimeUnit};

pub fn data_type(ty: &ColumnType) -> DataType {
    match ty {
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Int { bits: 8, signed: true } => DataType::Int8,
        ColumnType::Int { bits: 16, signed: true } => DataType::Int16,
        ColumnType::Int { bits: 32, signed: true } => DataType::Int32,
        ColumnType::Int { signed: true, .. } => DataType::Int64,
        ColumnType::Int { bits: 8, .. } => DataType::UInt8,
        ColumnType::Int { bits: 16, .. } => DataType::UInt16,
        ColumnType::Int { bits: 32, .. } => DataType::UInt32,
        ColumnType::Int { .. } => DataType::UInt64,
        ColumnType::Float32 => DataType::Float32,
        ColumnType::Float64 => DataType::Float64,
        ColumnType::Decimal { precision, scale } => DataType::Decimal128(*precision, *scale),
        ColumnType::Text => DataType::Utf8,
        ColumnType::Date => DataType::Date32,
        ColumnType::Stamp { unit, zone } => {
            let unit = match unit {
                TimeUnit::Second => ArrowUnit::Second,
                TimeUnit::Millisecond => ArrowUnit::Millisecond,
                TimeUnit::Microsecond => ArrowUnit::Microsecond,
                TimeUnit::Nanosecond => ArrowUnit::Nanosecond,
            };
            DataType::Timestamp(unit, zone.as_deref().map(Into::into))
        }
        ColumnType::List(element) => {
            DataType::List(Arc::new(Field::new_list_field(data_type(element), true)))
        }
    }
}

fn int(cell: &Cell) -> Option<i128> {
    match cell {
        Cell::Int(value) | Cell::Decimal(value) => Some(*value),
        Cell::Stamp(value) => Some(i128::from(*value)),
        Cell::Date(value) => Some(i128::from(*value)),
        _ => None,
    }
}

macro_rules! ints {
    ($array:ty, $native:ty, $cells:expr) => {
        Arc::new(<$array>::from_iter(
            $cells.iter().map(|cell| int(cell).map(|value| <$native>::try_from(value).unwrap())),
        ))
    };
}

fn float(cell: &Cell) -> Option<f64> {
    match cell {
        Cell::Float(value) => Some(*value),
        _ => None,
    }
}

pub fn array(ty: &ColumnType, cells: &[Cell]) -> ArrayRef {
    let arrow = data_type(ty);
    match ty {
        ColumnType::Bool => {
            Arc::new(BooleanArray::from_iter(cells.iter().map(|cell| match cell {
                Cell::Bool(value) => Some(*value),
                _ => None,
            })))
        }
        ColumnType::Int { .. } => match arrow {
            DataType::Int8 => ints!(Int8Array, i8, cells),
            DataType::Int16 => ints!(Int16Array, i16, cells),
            DataType::Int32 => ints!(Int32Array, i32, cells),
            DataType::Int64 => ints!(Int64Array, i64, cells),
            DataType::UInt8 => ints!(UInt8Array, u8, cells),
            DataType::UInt16 => ints!(UInt16Array, u16, cells),
            DataType::UInt32 => ints!(UInt32Array, u32, cells),
            _ => ints!(UInt64Array, u64, cells),
        },
        ColumnType::Float32 => Arc::new(Float32Array::from_iter(
            cells.iter().map(|cell| float(cell).map(|value| value as f32)),
        )),
        ColumnType::Float64 => Arc::new(Float64Array::from_iter(cells.iter().map(float))),
        ColumnType::Decimal { precision, scale } => Arc::new(
            Decimal128Array::from_iter(cells.iter().map(int))
                .with_precision_and_scale(*precision, *scale)
                .unwrap(),
        ),
        ColumnType::Text => Arc::new(StringArray::from_iter(cells.iter().map(|cell| match cell {
            Cell::Text(text) => Some(text.as_str()),
            _ => None,
        }))),
        ColumnType::Date => ints!(Date32Array, i32, cells),
        ColumnType::Stamp { unit, zone } => {
            let zone = zone.clone();
            macro_rules! stamps {
                ($array:ty) => {
                    Arc::new(
                        <$array>::from_iter(
                            cells.iter().map(|c| int(c).map(|v| i64::try_from(v).unwrap())),
                        )
                        .with_timezone_opt(zone),
                    )
                };
            }
            match unit {
                TimeUnit::Second => stamps!(TimestampSecondArray),
                TimeUnit::Millisecond => stamps!(TimestampMillisecondArray),
                TimeUnit::Microsecond => stamps!(TimestampMicrosecondArray),
                TimeUnit::Nanosecond => stamps!(TimestampNanosecondArray),
            }
        }
        ColumnType::List(element) => list(element, cells),
    }
}

fn list(element: &ColumnType, cells: &[Cell]) -> ArrayRef {
    let mut flat = Vec::new();
    let mut lengths = Vec::new();
    let mut valid = Vec::new();
    for cell in cells {
        match cell {
            Cell::List(items) => {
                flat.extend(items.iter().cloned());
                lengths.push(items.len());
                valid.push(true);
            }
            _ => {
                lengths.push(0);
                valid.push(false);
            }
        }
    }
    let offsets = arrow::buffer::OffsetBuffer::from_lengths(lengths);
    let field = Arc::new(Field::new_list_field(data_type(element), true));
    let nulls = Some(arrow::buffer::NullBuffer::from(valid));
    Arc::new(ListArray::new(field, offsets, array(element, &flat), nulls))
}

/// The table in batches of at most `rows` rows, at least one.
pub fn batches(table: &Table, rows: usize) -> Vec<RecordBatch> {
    let field = |column: &Column| Field::new(&column.name, data_type(&column.ty), true);
    let schema = Arc::new(Schema::new(table.columns.iter().map(field).collect::<Vec<_>>()));
    let columns: Vec<ArrayRef> =
        table.columns.iter().map(|column| array(&column.ty, &column.cells)).collect();
    let whole = RecordBatch::try_new(schema, columns).unwrap();
    let starts = (0..whole.num_rows().max(1)).step_by(rows.max(1));
    starts.map(|at| whole.slice(at, rows.min(whole.num_rows() - at))).collect()
}
