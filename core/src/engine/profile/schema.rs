//! The columns of files that never change, kept in the store: CSV files would have to be read whole
//! for them by every process.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use crate::source::Known;

use super::super::Shared;

/// A schema in Arrow's stream format.
pub(super) fn bytes_of(schema: &Schema) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    StreamWriter::try_new(&mut bytes, schema).ok()?.finish().ok()?;
    Some(bytes)
}

fn schema_of(bytes: &[u8]) -> Option<SchemaRef> {
    StreamReader::try_new(bytes, None).ok().map(|reader| reader.schema())
}

impl Shared {
    /// What the store knows of the files of a table.
    pub(in crate::engine) fn known_files(&self, table: &str) -> Option<Known> {
        let manifest = self.store.as_ref()?.manifest().ok()?;
        let known = manifest.tables.into_iter().filter(|entry| entry.table == table);
        known
            .filter_map(|entry| {
                let schema = schema_of(entry.schema.as_deref()?)?;
                let files = entry.seen.files.into_iter();
                let files = files.map(|file| (file.path, file.size, file.changed)).collect();
                Some(Known { schema: Arc::clone(&schema), files })
            })
            .next()
    }
}
