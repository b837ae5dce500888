//! What is put away while memory is short: bytes in a temporary file of the session's disk
//! manager, which counts them against its own limit and removes the file once nobody reads it.

use std::fs::File;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::common::{DataFusionError, Result};
use datafusion::execution::disk_manager::DiskManager;
use datafusion::execution::{SpillFile, SpillWriter};

/// A file that is being written.
pub(in crate::engine) struct Spill {
    /// Only so that other threads may know of it; one writes.
    writer: Mutex<Box<dyn SpillWriter>>,
    written: Arc<Spilled>,
    /// How many bytes were written.
    end: u64,
}

/// What was written, to be read at any place. The file is there as long as this is.
pub(in crate::engine) struct Spilled {
    file: File,
    _temporary: Arc<dyn SpillFile>,
}

/// A fault of the disk is one of memory to whoever runs out of it.
fn full(what: impl std::fmt::Display) -> DataFusionError {
    DataFusionError::ResourcesExhausted(format!(
        "memory is short, and what does not fit can't be put on disk: {what}"
    ))
}

impl Spill {
    /// A new file, if the disk manager gives out any.
    pub(in crate::engine) fn create(disk: &Arc<DiskManager>) -> Result<Self> {
        let temporary = disk.create_tmp_file("what a run puts away")?;
        let Some(path) = temporary.path() else {
            return Err(full("its temporary files are none of this machine"));
        };
        let file = File::open(path).map_err(full)?;
        let writer = Mutex::new(temporary.open_writer()?);
        let written = Arc::new(Spilled { file, _temporary: temporary });
        Ok(Spill { writer, written, end: 0 })
    }

    /// Adds bytes, and answers where they begin.
    pub(in crate::engine) fn append(&mut self, bytes: &[u8]) -> Result<u64> {
        let writer = self.writer.get_mut().unwrap_or_else(PoisonError::into_inner);
        writer.write_all(bytes).map_err(full)?;
        let start = self.end;
        self.end += bytes.len() as u64;
        Ok(start)
    }

    pub(in crate::engine) fn written(&self) -> &Arc<Spilled> {
        &self.written
    }
}

impl Spilled {
    /// Fills `bytes` with what was written from a place on.
    pub(in crate::engine) fn read(&self, start: u64, bytes: &mut [u8]) -> Result<()> {
        self.file.read_exact_at(bytes, start).map_err(full)
    }
}
