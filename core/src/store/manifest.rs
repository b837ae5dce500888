//! What a store consists of: one small file that is replaced whole. Files that it does not name are
//! leftovers.

use std::path::Path;

use serde::{Deserialize, Serialize};

use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Code, Error, Result};

use super::runs::Runs;

/// The number of the format; stores of another are made anew.
const FORMAT: u32 = 2;

const NAME: &str = "store.json";

/// All that is in a store.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Manifest {
    format: u32,
    /// Grows with everything that is written; names of files have it.
    pub(crate) generation: u64,
    pub(crate) tables: Vec<TableEntry>,
    /// What is remembered of earlier runs.
    #[serde(default)]
    pub(crate) runs: Runs,
}

/// A table of events.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TableEntry {
    pub(crate) table: String,
    /// The names of the columns of keys and times.
    pub(crate) user: String,
    pub(crate) time: String,
    pub(crate) columns: Vec<ColumnEntry>,
    pub(crate) seen: Seen,
    pub(crate) population: Population,
    /// For each block the parts, the oldest first.
    pub(crate) parts: Vec<Vec<PartEntry>>,
    /// Hashes of keys that no user had, and events with such were left out.
    pub(crate) strangers: Vec<u64>,
    /// The generation in which its oldest part was written: what is older was from another table.
    pub(crate) since: u64,
    /// When the source was as it is here, in microseconds since 1970.
    pub(crate) read_at: i64,
    /// The columns that the files have together, as Arrow's stream format has them, if the files
    /// never change.
    pub(crate) schema: Option<Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ColumnEntry {
    pub(crate) name: String,
    /// The Arrow type that it was read as.
    pub(crate) data_type: String,
    /// The file of its texts, and how many there are.
    pub(crate) words: Option<(String, usize)>,
}

/// What a source was like when it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// As a text that stays the same while it does not change, where that is known.
    pub(crate) state: Option<String>,
    /// Its files with their sizes and times of change in nanoseconds, if it consists of files.
    pub(crate) files: Vec<SeenFile>,
    /// How far its cursor had come, if it has one.
    pub(crate) cursor: Option<SeenCursor>,
}

/// The values of an ever-growing column, as whole numbers in its own unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeenCursor {
    pub(crate) column: String,
    pub(crate) data_type: String,
    /// The smallest and the greatest; nothing of a table without rows.
    pub(crate) ends: Option<(i64, i64)>,
    /// Hashes of the rows that have the greatest.
    pub(crate) ties: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct SeenFile {
    pub(crate) path: String,
    pub(crate) size: u64,
    pub(crate) changed: u128,
}

/// Whose ordinals the parts have: the first so many keys of a dictionary, and a digest of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Population {
    pub(crate) keys: usize,
    pub(crate) digest: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PartEntry {
    pub(crate) file: String,
    pub(crate) rows: usize,
    pub(crate) bytes: u64,
    pub(crate) generation: u64,
}

impl Manifest {
    /// Nothing, in a generation.
    pub(super) fn empty(generation: u64) -> Manifest {
        Manifest { format: FORMAT, generation, ..Manifest::default() }
    }

    /// The manifest of a folder; an empty one if there is none, or none of this format.
    pub(super) fn open(folder: &Path) -> Result<Manifest> {
        match Manifest::read(folder) {
            Ok(manifest) => Ok(manifest.unwrap_or_else(|| Manifest::empty(0))),
            // A store is a cache: what can't be understood is made anew.
            Err(error) if error.code() == Code::Damaged => Ok(Manifest::empty(0)),
            Err(error) => Err(error),
        }
    }

    /// The same, where it matters whether there is one.
    ///
    /// # Errors
    /// [`Code::Damaged`] if it is not what was written, or of another format.
    pub(super) fn read(folder: &Path) -> Result<Option<Manifest>> {
        let text = match std::fs::read(folder.join(NAME)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unwritable(folder, error)),
        };
        let damaged = |what: &str| {
            let message = format!("the profile store's file {NAME}: {what}");
            Error::new(Code::Damaged, message)
        };
        let mut lines = text.split_inclusive(|byte| *byte == b'\n');
        let (Some(body), Some(sum), None) = (lines.next(), lines.next(), lines.next()) else {
            return Err(damaged("it is cut off"));
        };
        if sum != sum_of(body).as_bytes() {
            return Err(damaged("it does not have the checksum that it had"));
        }
        let manifest: Manifest =
            serde_json::from_slice(body).map_err(|error| damaged(&error.to_string()))?;
        match manifest.format {
            FORMAT => Ok(Some(manifest)),
            other => Err(damaged(&format!("it is of format {other}, not {FORMAT}"))),
        }
    }

    pub(super) fn save(&self, folder: &Path) -> Result<()> {
        let mut text = serde_json::to_vec(self).map_err(|error| unwritable(folder, error))?;
        text.push(b'\n');
        let sum = sum_of(&text);
        text.extend(sum.as_bytes());
        super::part::write_file(&folder.join(NAME), &text)
            .map_err(|error| unwritable(folder, error))
    }

    /// The names of all files that belong to it.
    pub(super) fn files(&self) -> impl Iterator<Item = &str> {
        let parts = self.tables.iter().flat_map(|table| table.parts.iter().flatten());
        let words = self.tables.iter().flat_map(|table| &table.columns);
        let words = words.filter_map(|column| column.words.as_ref());
        let words = words.map(|(file, _)| file.as_str());
        let parts = parts.map(|part| part.file.as_str());
        parts.chain(words).chain(self.runs.users.as_deref()).chain([NAME])
    }
}

/// The second line of the file, which tells whether the first is what was written.
fn sum_of(body: &[u8]) -> String {
    format!("\"{:016x}\"\n", xxh3_64(body))
}

/// The folder can't be worked with.
pub(super) fn unwritable(folder: &Path, error: impl std::fmt::Display) -> Error {
    let message = format!("the profile store {} can't be used: {error}", folder.display());
    Error::new(Code::UnusableStore, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_that_is_not_what_was_written_is_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Manifest::read(folder.path()).unwrap().is_none());
        Manifest::empty(120).save(folder.path()).unwrap();
        assert_eq!(Manifest::open(folder.path()).unwrap().generation, 120);
        let path = folder.path().join(NAME);
        let good = std::fs::read(&path).unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            assert_eq!(Manifest::read(folder.path()).unwrap_err().code(), Code::Damaged, "{at}");
            std::fs::write(&path, &good[..at]).unwrap();
            assert_eq!(Manifest::open(folder.path()).unwrap().generation, 0);
        }
    }
}
