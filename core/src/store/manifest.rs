//! What a store consists of: one small file that is replaced whole. Files that it does not name are
//! leftovers.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Code, Error, Result};

use super::runs::Runs;

/// The number of the format; stores of another are made anew.
const FORMAT: u32 = 1;

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
    pub(crate) state: String,
    /// Its files with their sizes and times of change in nanoseconds, if it consists of files.
    pub(crate) files: Vec<SeenFile>,
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
        let path = folder.join(NAME);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Manifest::empty(0));
            }
            Err(error) => return Err(unwritable(folder, error)),
        };
        // A store is a cache: what can't be understood is made anew.
        let manifest: Option<Manifest> = serde_json::from_slice(&text).ok();
        let manifest = manifest.filter(|manifest| manifest.format == FORMAT);
        Ok(manifest.unwrap_or_else(|| Manifest::empty(0)))
    }

    pub(super) fn save(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_vec(self).map_err(|error| unwritable(folder, error))?;
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

/// The folder can't be worked with.
pub(super) fn unwritable(folder: &Path, error: impl std::fmt::Display) -> Error {
    let message = format!("the profile store {} can't be used: {error}", folder.display());
    Error::new(Code::UnusableStore, message)
}
