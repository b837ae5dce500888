//! Rows in memory, and rows as plain values.

use ::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use ::arrow::buffer::NullBuffer;
use ::arrow::datatypes::{DataType, SchemaRef};
use ::arrow::error::ArrowError;
use ::arrow::util::display::{ArrayFormatter, FormatOptions};
use napi::Env;
use napi::bindgen_prelude::{PromiseRaw, Uint8Array};
use napi_derive::napi;
use segmentry::{Code, Error, Result};
use serde::Serialize;

use crate::arrow::ipc;
use crate::call::{Call, begin};
use crate::errors::json;

/// Rows, without copying what they are slices of.
#[napi]
pub struct Rows {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

impl Rows {
    pub(crate) fn new(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Rows { schema, batches }
    }

    pub(crate) fn of(batch: RecordBatch) -> Self {
        Rows { schema: batch.schema(), batches: vec![batch] }
    }

    fn count(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}

#[napi]
impl Rows {
    #[napi(getter, catch_unwind)]
    pub fn length(&self) -> napi::Result<i64> {
        Ok(i64::try_from(self.count()).unwrap_or(i64::MAX))
    }

    /// The names of the columns.
    #[napi(catch_unwind)]
    pub fn columns(&self) -> napi::Result<Vec<String>> {
        Ok(self.schema.fields().iter().map(|field| field.name().clone()).collect())
    }

    /// Some of the rows, from a place on.
    #[napi(catch_unwind)]
    pub fn some(&self, at: i64, most: i64) -> napi::Result<Rows> {
        let place = |number| usize::try_from(number).unwrap_or(0);
        let (mut skip, mut left) = (place(at), place(most));
        let mut some = Vec::new();
        for batch in &self.batches {
            let from = skip.min(batch.num_rows());
            let count = left.min(batch.num_rows() - from);
            if count > 0 {
                some.push(batch.slice(from, count));
            }
            skip -= from;
            left -= count;
        }
        Ok(Rows { schema: SchemaRef::clone(&self.schema), batches: some })
    }

    /// The rows as an IPC stream.
    #[napi(catch_unwind)]
    pub fn ipc<'env>(
        &self,
        env: &'env Env,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, Uint8Array>> {
        let (schema, batches) = (SchemaRef::clone(&self.schema), self.batches.clone());
        begin(env, call, async move { ipc(&schema, &batches) })
    }

    /// The rows as plain values, see `objects`.
    #[napi(catch_unwind)]
    pub fn objects<'env>(
        &self,
        env: &'env Env,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, String>> {
        let (schema, batches) = (SchemaRef::clone(&self.schema), self.batches.clone());
        begin(env, call, async move { objects(&schema, &batches) })
    }
}

/// What JavaScript makes of a column's values.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// They are what JSON says.
    Plain,
    /// Texts of integers that a number would not hold.
    Bigint,
    /// Numbers, and texts of those that JSON has no word for.
    Number,
    /// Texts of instants.
    Instant,
}

/// How a column's values are written.
#[derive(Clone, Copy)]
enum How {
    Bare,
    Float,
    Text,
    List,
}

fn kind(of: &DataType) -> (Kind, How) {
    match of {
        DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32 => (Kind::Plain, How::Bare),
        DataType::Int64 | DataType::UInt64 => (Kind::Bigint, How::Text),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => (Kind::Number, How::Float),
        DataType::Timestamp(_, Some(_)) => (Kind::Instant, How::Text),
        DataType::Dictionary(_, values) => kind(values),
        DataType::List(item) | DataType::LargeList(item) | DataType::FixedSizeList(item, _) => {
            (kind(item.data_type()).0, How::List)
        }
        // Decimals keep their digits, dates and times without a zone are no instants.
        _ => (Kind::Plain, How::Text),
    }
}

#[derive(Serialize)]
struct Column<'a> {
    name: &'a str,
    kind: Kind,
}

/// Rows as JSON: `{columns: [{name, kind}], rows: [[value, ...], ...]}`.
pub(crate) fn objects(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<String> {
    let columns: Vec<Column<'_>> = (schema.fields().iter())
        .map(|field| Column { name: field.name(), kind: kind(field.data_type()).0 })
        .collect();
    let mut text = format!("{{\"columns\":{},\"rows\":[", json(&columns)?);
    let unwritten = |error: ArrowError| {
        let message = format!("rows can't be written as values: {error}");
        Error::new(Code::Internal, message).caused_by(error)
    };
    let mut first = true;
    for batch in batches {
        let columns: std::result::Result<Vec<_>, _> =
            batch.columns().iter().map(|column| Values::of(column.as_ref())).collect();
        let columns = columns.map_err(unwritten)?;
        for at in 0..batch.num_rows() {
            text.push_str(if std::mem::take(&mut first) { "[" } else { ",[" });
            for (place, column) in columns.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                column.write(at, &mut text).map_err(unwritten)?;
            }
            text.push(']');
        }
    }
    text.push_str("]}");
    Ok(text)
}

/// A column whose values are written one by one.
struct Values<'a> {
    array: &'a dyn Array,
    nulls: Option<NullBuffer>,
    formatter: ArrayFormatter<'a>,
    how: How,
}

impl<'a> Values<'a> {
    fn of(array: &'a dyn Array) -> std::result::Result<Self, ArrowError> {
        let formatter = ArrayFormatter::try_new(array, &FORMAT)?;
        let how = kind(array.data_type()).1;
        Ok(Values { array, nulls: array.logical_nulls(), formatter, how })
    }

    fn write(&self, at: usize, to: &mut String) -> std::result::Result<(), ArrowError> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(at)) {
            to.push_str("null");
            return Ok(());
        }
        if let How::List = self.how {
            return list(&item(self.array, at), to);
        }
        let value = self.formatter.value(at).try_to_string()?;
        match self.how {
            How::Bare => to.push_str(&value),
            How::Float => match value.parse::<f64>() {
                Ok(number) if number.is_finite() => to.push_str(&value),
                Ok(number) if number.is_nan() => to.push_str("\"NaN\""),
                Ok(number) if number < 0.0 => to.push_str("\"-Infinity\""),
                _ => to.push_str("\"Infinity\""),
            },
            // Texts can't fail to be written.
            _ => to.push_str(&serde_json::to_string(&value).unwrap_or_default()),
        }
        Ok(())
    }
}

static FORMAT: FormatOptions<'static> = FormatOptions::new().with_display_error(false);

fn list(items: &ArrayRef, to: &mut String) -> std::result::Result<(), ArrowError> {
    let values = Values::of(items.as_ref())?;
    to.push('[');
    for at in 0..items.len() {
        if at > 0 {
            to.push(',');
        }
        values.write(at, to)?;
    }
    to.push(']');
    Ok(())
}

fn item(lists: &dyn Array, at: usize) -> ArrayRef {
    match lists.data_type() {
        DataType::List(_) => lists.as_list::<i32>().value(at),
        DataType::LargeList(_) => lists.as_list::<i64>().value(at),
        _ => lists.as_fixed_size_list().value(at),
    }
}
