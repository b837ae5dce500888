//! Arrow IPC out and in, and columns of keys.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ::arrow::array::{Array, ArrayRef, RecordBatch};
use ::arrow::buffer::Buffer;
use ::arrow::compute::cast;
use ::arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use ::arrow::error::ArrowError;
use ::arrow::ipc::convert::fb_to_schema;
use ::arrow::ipc::reader::{FileDecoder, StreamDecoder, read_footer_length};
use ::arrow::ipc::writer::StreamWriter;
use ::arrow::ipc::{Block, root_as_footer};
use napi::Env;
use napi::bindgen_prelude::{BigInt64Array, Either, PromiseRaw, Uint8Array};
use napi_derive::napi;
use segmentry::{Code, Error, KeyColumn, Result};

use crate::call::{Call, begin};
use crate::errors::words;

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

/// What ends an IPC stream.
const END: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];

type Decoded = std::result::Result<(SchemaRef, Vec<RecordBatch>), ArrowError>;

/// The rows of an IPC stream or file; at least one batch, so that there is a schema.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<RecordBatch>> {
    let (schema, mut batches) = decoded(bytes, true)?;
    if batches.is_empty() {
        batches.push(RecordBatch::new_empty(schema));
    }
    Ok(batches)
}

/// The columns of an IPC stream or file.
pub(crate) fn schema_of(bytes: &[u8]) -> Result<SchemaRef> {
    Ok(decoded(bytes, false)?.0)
}

/// Decodes take stretches of the bytes as they are. What reads from a stream would allocate as much as
/// damaged bytes ask for, which the process does not outlive; that it panics at some is caught.
fn decoded(bytes: &[u8], rows: bool) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let unreadable = |why: &dyn Display| {
        let message = format!("these bytes are no Arrow IPC stream or file: {why}");
        Error::new(Code::UnreadableSource, message)
    };
    let decode = || {
        let bytes = Buffer::from(bytes);
        if bytes.starts_with(b"ARROW1") { of_file(&bytes, rows) } else { of_stream(bytes, rows) }
    };
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(unreadable(&error).caused_by(error)),
        Err(panic) => Err(unreadable(&words(panic.as_ref()))),
    }
}

fn of_stream(mut left: Buffer, rows: bool) -> Decoded {
    let (mut decoder, mut batches) = (StreamDecoder::new(), Vec::new());
    while rows || decoder.schema().is_none() {
        match decoder.decode(&mut left)? {
            Some(batch) => batches.push(batch),
            None => break,
        }
    }
    if decoder.schema().is_none() {
        // A message without a body that is the last one is noticed when another begins.
        decoder.decode(&mut Buffer::from(END.as_slice()))?;
    }
    if rows {
        decoder.finish()?;
    }
    let missing = || ArrowError::IpcError("there is no schema".to_owned());
    Ok((decoder.schema().ok_or_else(missing)?, batches))
}

fn of_file(bytes: &Buffer, rows: bool) -> Decoded {
    let broken = |what: String| ArrowError::IpcError(what);
    let (before, trailer) = bytes
        .split_last_chunk::<10>()
        .ok_or_else(|| broken("the file is shorter than its trailer".to_owned()))?;
    let length = read_footer_length(*trailer)?;
    let from = before.len().checked_sub(length);
    let footer = from.and_then(|from| before.get(from..));
    let footer = footer.ok_or_else(|| broken("the footer is longer than the file".to_owned()))?;
    let footer = root_as_footer(footer).map_err(|error| broken(error.to_string()))?;
    let schema = footer.schema().ok_or_else(|| broken("there is no schema".to_owned()))?;
    let schema = Arc::new(fb_to_schema(schema));
    let mut batches = Vec::new();
    if !rows {
        return Ok((schema, batches));
    }
    let mut decoder = FileDecoder::new(Arc::clone(&schema), footer.version());
    let part = |block: &Block| {
        let place = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
        let length = place(block.bodyLength()).saturating_add(place(block.metaDataLength().into()));
        bytes.slice_with_length(place(block.offset()), length)
    };
    for block in footer.dictionaries().iter().flatten() {
        decoder.read_dictionary(block, &part(block))?;
    }
    for block in footer.recordBatches().iter().flatten() {
        batches.extend(decoder.read_record_batch(block, &part(block))?);
    }
    Ok((schema, batches))
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
