//! Rows and keys: in and out by the Arrow C stream, without copying.

use std::sync::Arc;

use ::arrow::array::{Array, ArrayRef, RecordBatch, StructArray};
use ::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyList};
use pyo3_arrow::ffi::{ArrayIterator, to_stream_pycapsule};
use pyo3_arrow::input::AnyRecordBatch;
use pyo3_arrow::{PyArray, PySchema};
use segmentry::{Code, Error, Key, KeyColumn, Result};

use crate::errors::{guarded, plain, raised};

/// Batches as a capsule that holds an Arrow stream.
fn stream<'py>(
    py: Python<'py>,
    schema: &SchemaRef,
    batches: Vec<RecordBatch>,
    requested: Option<Bound<'py, PyCapsule>>,
) -> PyResult<Bound<'py, PyCapsule>> {
    let field = Field::new_struct("", schema.fields().clone(), false)
        .with_metadata(schema.metadata().clone());
    let arrays =
        batches.into_iter().map(|batch| Ok(Arc::new(StructArray::from(batch)) as ArrayRef));
    let reader = Box::new(ArrayIterator::new(arrays, Arc::new(field)));
    Ok(to_stream_pycapsule(py, reader, requested)?)
}

/// Rows in memory.
#[pyclass(frozen, module = "segmentry._native")]
pub(crate) struct Rows {
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
}

#[pymethods]
impl Rows {
    fn __len__(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// The names of the columns.
    fn columns(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// The values of each column, as Python has them.
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyList>>> {
        let columns = self.schema.fields().iter().enumerate();
        let values = columns.map(|(at, field)| {
            let all = PyList::empty(py);
            for batch in &self.batches {
                let column = PyArray::new(Arc::clone(batch.column(at)), Arc::clone(field));
                all.call_method1("extend", (guarded(py, || list(py, column))?,))?;
            }
            Ok(all)
        });
        values.collect()
    }

    /// The rows as an Arrow C stream, any number of times.
    #[pyo3(signature = (requested_schema=None))]
    pub(crate) fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        stream(py, &self.schema, self.batches.clone(), requested_schema)
    }
}

/// An array as a list.
fn list<'py>(py: Python<'py>, column: PyArray) -> PyResult<Bound<'py, PyAny>> {
    let kind = column.field().data_type();
    if !is_python(kind) {
        let message = format!("Python has no values of the type {kind}: cast it in the query");
        return Err(raised(py, &Error::new(Code::Unsupported, message)));
    }
    Bound::new(py, column)?.call_method0("to_pylist")
}

/// Whether pyo3-arrow has Python values for a type; of the others it panics.
fn is_python(kind: &DataType) -> bool {
    match kind {
        DataType::Interval(_)
        | DataType::ListView(_)
        | DataType::LargeListView(_)
        | DataType::Map(..)
        | DataType::RunEndEncoded(..) => false,
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            is_python(field.data_type())
        }
        DataType::Struct(fields) => fields.iter().all(|field| is_python(field.data_type())),
        DataType::Union(fields, _) => fields.iter().all(|(_, field)| is_python(field.data_type())),
        DataType::Dictionary(_, values) => is_python(values),
        _ => true,
    }
}

/// Keys of users, ascending.
#[pyclass(frozen, module = "segmentry._native")]
pub(crate) struct Keys {
    name: String,
    keys: KeyColumn,
}

impl Keys {
    /// Keys with the name that their column has.
    pub(crate) fn new(name: String, keys: KeyColumn) -> Self {
        Keys { name, keys }
    }

    fn batch(&self) -> Result<RecordBatch> {
        let keys = self.keys.to_array();
        let field = Field::new(&self.name, keys.data_type().clone(), false);
        RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![keys])
            .map_err(|error| Error::new(Code::Internal, "keys are no column").caused_by(error))
    }
}

#[pymethods]
impl Keys {
    fn __len__(&self) -> usize {
        self.keys.len()
    }

    /// The keys as a list.
    fn to_pylist<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        match &self.keys {
            KeyColumn::Int(keys) => PyList::new(py, keys.values().iter()),
            KeyColumn::Text(keys) => PyList::new(py, (0..keys.len()).map(|at| keys.value(at))),
        }
    }

    /// The key at a place.
    fn get<'py>(&self, py: Python<'py>, at: usize) -> PyResult<Option<Bound<'py, PyAny>>> {
        let key = self.keys.get(at);
        key.map(|key| match key {
            Key::Int(key) => Ok(key.into_pyobject(py)?.into_any()),
            Key::Text(key) => Ok(key.into_pyobject(py)?.into_any()),
        })
        .transpose()
    }

    /// The keys as an Arrow C stream of one column, any number of times.
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyCapsule>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        let batch = self.batch().map_err(|error| raised(py, &error))?;
        stream(py, &batch.schema(), vec![batch], requested_schema)
    }
}

/// Reads whatever exports an Arrow stream or batch; at least one batch, so that there is a schema.
pub(crate) fn read(data: &Bound<'_, PyAny>) -> PyResult<Vec<RecordBatch>> {
    let py = data.py();
    let reader = guarded(py, || any(data)?.into_reader())?;
    plain(py, move || {
        let schema = reader.schema();
        let batches: std::result::Result<Vec<RecordBatch>, _> = reader.collect();
        let mut batches = batches.map_err(|error| {
            let message = format!("the Arrow stream can't be read: {error}");
            Error::new(Code::UnreadableSource, message).caused_by(error)
        })?;
        if batches.is_empty() {
            batches.push(RecordBatch::new_empty(schema));
        }
        Ok(batches)
    })
}

/// The schema of whatever has one.
pub(crate) fn schema_of(data: &Bound<'_, PyAny>) -> PyResult<SchemaRef> {
    guarded(data.py(), || match data.hasattr("__arrow_c_schema__")? {
        true => Ok(data.extract::<PySchema>()?.into_inner()),
        false => any(data)?.schema(),
    })
}

fn any(data: &Bound<'_, PyAny>) -> PyResult<AnyRecordBatch> {
    if data.hasattr("__arrow_c_stream__")? || data.hasattr("__arrow_c_array__")? {
        return data.extract::<AnyRecordBatch>();
    }
    let found = data.get_type().name()?;
    Err(PyTypeError::new_err(format!(
        "expected rows with __arrow_c_stream__, as DataFrames of pandas and polars, tables of pyarrow \
         and relations of duckdb have it; found {found}"
    )))
}
