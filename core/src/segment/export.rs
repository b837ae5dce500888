//! A segment as a file: Parquet, CSV, Arrow or a Roaring bitmap.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
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
        let batch = self.key_batch().await?;
        let write = move || match bytes {
            Some(bytes) => place(&target, |file| Ok(file.write_all(&bytes)?)),
            None => place(&target, |file| write_batch(file, &batch, format)),
        };
        tokio::task::spawn_blocking(write).await.map_err(|error| {
            Error::new(Code::Internal, "the export was stopped").caused_by(error)
        })?
    }

    /// The keys as a batch of one column.
    async fn key_batch(&self) -> Result<RecordBatch> {
        let name = self.shared.key_name().await;
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

/// Writes beside the target, syncs, and renames: a reader sees the old file or the new one.
fn place(target: &Path, write: impl FnOnce(&mut BufWriter<File>) -> Written) -> Result<()> {
    let refused = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::new(Code::Io, format!("{} can't be written: {error}", target.display()))
    };
    let name = target.file_name().ok_or_else(|| refused("it names no file".into()))?;
    let mut beside = name.to_owned();
    beside.push(".part");
    let part: PathBuf = target.with_file_name(beside);
    let result = (|| -> Written {
        let mut file = BufWriter::new(File::create(&part)?);
        write(&mut file)?;
        file.into_inner()?.sync_all()?;
        std::fs::rename(&part, target)?;
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(())
    })();
    if result.is_err() {
        let _ = std::fs::remove_file(&part);
    }
    result.map_err(refused)
}
