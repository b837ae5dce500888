//! Arrow IPC out and in, and columns of keys.

use std::io::Cursor;
use std::sync::Arc;

use ::arrow::array::{Array, ArrayRef, RecordBatch};
use ::arrow::compute::cast;
use ::arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use ::arrow::error::ArrowError;
use ::arrow::ipc::reader::{FileReader, StreamReader};
use ::arrow::ipc::writer::StreamWriter;
use napi::Env;
use napi::bindgen_prelude::{BigInt64Array, Either, PromiseRaw, Uint8Array};
use napi_derive::napi;
use segmentry::{Code, Error, KeyColumn, Result};

use crate::call::{Call, begin};

/// Rows of a message: what reads a stream has them one message at a time.
const MESSAGE: usize = 65_536;

/// Rows as an uncompressed IPC stream.
pub(crate) fn ipc(schema: &SchemaRef, batches: &[RecordBatch]) -> Result<Uint8Array> {
    written(schema, batches).map(Uint8Array::new).map_err(|error| {
        Error::new(Code::Internal, format!("rows can't be written as Arrow: {error}"))
            .caused_by(error)
    })
}

fn written(
    schema: &SchemaRef,
    batches: &[RecordBatch],
) -> std::result::Result<Vec<u8>, ArrowError> {
    let fields: Fields = schema.fields().iter().map(readable_field).collect();
    let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
    let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
    for batch in batches {
        for at in (0..batch.num_rows()).step_by(MESSAGE) {
            let part = batch.slice(at, MESSAGE.min(batch.num_rows() - at));
            let columns = part.columns().iter().zip(schema.fields());
            let columns = columns.map(|(column, field)| cast(column, field.data_type()));
            let columns: Vec<ArrayRef> = columns.collect::<std::result::Result<_, _>>()?;
            let options =
                ::arrow::array::RecordBatchOptions::new().with_row_count(Some(part.num_rows()));
            let part = RecordBatch::try_new_with_options(Arc::clone(&schema), columns, &options)?;
            writer.write(&part)?;
        }
    }
    writer.into_inner()
}

/// The same field without views, which apache-arrow does not read.
fn readable_field(field: &FieldRef) -> FieldRef {
    let readable = readable(field.data_type());
    if readable == *field.data_type() {
        return Arc::clone(field);
    }
    Arc::new(field.as_ref().clone().with_data_type(readable))
}

fn readable(found: &DataType) -> DataType {
    match found {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::List(item) => DataType::List(readable_field(item)),
        DataType::LargeList(item) => DataType::LargeList(readable_field(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(readable_field(item), *size),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(readable_field).collect()),
        other => other.clone(),
    }
}

/// The rows of an IPC stream or file; at least one batch, so that there is a schema.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<RecordBatch>> {
    let (schema, batches) = if bytes.starts_with(b"ARROW1") {
        let reader = FileReader::try_new(Cursor::new(bytes), None).map_err(unreadable)?;
        (reader.schema(), reader.collect::<std::result::Result<Vec<_>, _>>())
    } else {
        let reader = StreamReader::try_new(bytes, None).map_err(unreadable)?;
        (reader.schema(), reader.collect())
    };
    let mut batches = batches.map_err(unreadable)?;
    if batches.is_empty() {
        batches.push(RecordBatch::new_empty(schema));
    }
    Ok(batches)
}

/// The columns of an IPC stream or file.
pub(crate) fn schema_of(bytes: &[u8]) -> Result<SchemaRef> {
    if bytes.starts_with(b"ARROW1") {
        return FileReader::try_new(Cursor::new(bytes), None)
            .map(|reader| reader.schema())
            .map_err(unreadable);
    }
    StreamReader::try_new(bytes, None).map(|reader| reader.schema()).map_err(unreadable)
}

fn unreadable(error: ArrowError) -> Error {
    let message = format!("these bytes are no Arrow IPC stream or file: {error}");
    Error::new(Code::UnreadableSource, message).caused_by(error)
}

/// Keys of users, ascending.
#[napi]
pub struct Keys {
    name: String,
    keys: Arc<KeyColumn>,
}

impl Keys {
    /// Keys with the name that their column has.
    pub(crate) fn new(name: String, keys: KeyColumn) -> Self {
        Keys { name, keys: Arc::new(keys) }
    }
}

#[napi]
impl Keys {
    #[napi(getter, catch_unwind)]
    pub fn length(&self) -> napi::Result<i64> {
        Ok(i64::try_from(self.keys.len()).unwrap_or(i64::MAX))
    }

    /// Some of the keys, from a place on.
    #[napi(catch_unwind)]
    pub fn some(&self, at: u32, most: u32) -> napi::Result<Either<BigInt64Array, Vec<String>>> {
        let place = |number| usize::try_from(number).unwrap_or(usize::MAX);
        let from = place(at).min(self.keys.len());
        let count = place(most).min(self.keys.len() - from);
        Ok(match self.keys.as_ref() {
            KeyColumn::Int(keys) => {
                Either::A(BigInt64Array::new(keys.slice(from, count).values().to_vec()))
            }
            KeyColumn::Text(keys) => {
                let some = (from..from + count).map(|at| keys.value(at).to_owned());
                Either::B(some.collect())
            }
        })
    }

    /// The keys as an IPC stream of one column.
    #[napi(catch_unwind)]
    pub fn ipc<'env>(
        &self,
        env: &'env Env,
        call: Option<&Call>,
    ) -> napi::Result<PromiseRaw<'env, Uint8Array>> {
        let (name, keys) = (self.name.clone(), Arc::clone(&self.keys));
        begin(env, call, async move {
            let keys = keys.to_array();
            let field = Field::new(name, keys.data_type().clone(), false);
            let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![keys]);
            let batch = batch.map_err(|error| {
                Error::new(Code::Internal, "keys are no column").caused_by(error)
            })?;
            ipc(&batch.schema(), &[batch])
        })
    }
}
