//! A segment as a file: Parquet, CSV, Arrow or a Roaring bitmap.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema};
use datafusion::parquet::arrow::ArrowWriter;

use crate::error::{Code, Error, Result};

use super::{Segment, bytes_of};

/// How a segment is written to a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExportFormat {
    /// One column of keys.
    #[default]
    Parquet,
    /// A header and one key a line.
    Csv,
    /// An Arrow IPC file.
    Arrow,
    /// A portable Roaring bitmap of ordinals, which mean something beside this catalog only.
    Bitmap,
}

impl FromStr for ExportFormat {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "parquet" => Ok(ExportFormat::Parquet),
            "csv" => Ok(ExportFormat::Csv),
            "arrow" => Ok(ExportFormat::Arrow),
            "bitmap" => Ok(ExportFormat::Bitmap),
            _ => {
                let shown: String = text.chars().take(40).collect();
                let message =
                    format!("{shown:?} is no format; known are parquet, csv, arrow, bitmap");
                Err(Error::new(Code::BadValue, message))
            }
        }
    }
}

impl Segment {
    /// Writes the members' keys, ascending, to a file under the name of the key column. The file
    /// appears whole or not at all, and survives a power cut once this returns.
    ///
    /// # Errors
    /// [`Code::Io`] with the path if the file can't be written.
    pub async fn export(&self, path: impl AsRef<Path>, format: ExportFormat) -> Result<()> {
        let target = path.as_ref().to_owned();
        let bytes = match format {
            ExportFormat::Bitmap => Some(bytes_of(&self.members)?),
            _ => None,
        };
        let batch = self.key_batch()?;
        let write = move || match bytes {
            Some(bytes) => place(&target, |file| Ok(file.write_all(&bytes)?)),
            None => place(&target, |file| write_batch(file, &batch, format)),
        };
        tokio::task::spawn_blocking(write).await.map_err(|error| {
            Error::new(Code::Internal, "the export was stopped").caused_by(error)
        })?
    }

    /// The members' keys, ascending, as a batch of one column under the name of the key column.
    ///
    /// # Errors
    /// [`Code::Damaged`] if a member has no key.
    pub fn key_batch(&self) -> Result<RecordBatch> {
        let name = self.shared.key_name();
        let keys = self.keys()?.to_array();
        let field = Field::new(name, keys.data_type().clone(), false);
        RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![keys])
            .map_err(|error| Error::new(Code::Internal, "keys are no column").caused_by(error))
    }
}

type Written = std::result::Result<(), Box<dyn std::error::Error + Send + Sync>>;

fn write_batch(file: &mut BufWriter<File>, batch: &RecordBatch, format: ExportFormat) -> Written {
    match format {
        ExportFormat::Csv => Ok(arrow::csv::Writer::new(file).write(batch)?),
        ExportFormat::Arrow => {
            let mut writer = arrow::ipc::writer::FileWriter::try_new(file, &batch.schema())?;
            writer.write(batch)?;
            Ok(writer.finish()?)
        }
        ExportFormat::Parquet | ExportFormat::Bitmap => {
            let mut writer = ArrowWriter::try_new(file, batch.schema(), None)?;
            writer.write(batch)?;
            writer.close()?;
            Ok(())
        }
    }
}

/// Writes beside the target, syncs, and renames: a reader sees the old file or the new one. What is
/// beside it has a name of its own, so that two who export to one place don't write to one file.
fn place(target: &Path, write: impl FnOnce(&mut BufWriter<File>) -> Written) -> Result<()> {
    let placed = || -> Written {
        let name = target.file_name().ok_or("it names no file")?;
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        let mut beside = tempfile::Builder::new();
        beside.prefix(name).suffix(".part");
        // As any new file has them; a temporary one would be its owner's alone.
        #[cfg(unix)]
        beside.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let beside = beside.tempfile_in(folder)?;
        let mut file = BufWriter::new(beside.reopen()?);
        write(&mut file)?;
        file.into_inner()?.sync_all()?;
        beside.persist(target)?;
        Ok(File::open(folder)?.sync_all()?)
    };
    placed().map_err(|error| {
        Error::new(Code::Io, format!("{} can't be written: {error}", target.display()))
    })
}
