//! The profile store: events of the sources clustered by user, in blocks, in a folder.
//!
//! A cache, and never needed for correctness: what is missing, stale or damaged is read from the
//! sources again. Of a table it holds the columns that rules have asked for. Its files:
//!
//! - `store.json` says what there is (manifest.rs), and is replaced whole;
//! - `…-b<block>.part` has the events of one block (part.rs), `…-b<block>-g<group>.part` those of
//!   its users from a group on; later events come in further parts, until they are merged;
//! - `….users` has what users were like when they were last read (runs.rs);
//! - `….words` has the texts of a column (words.rs), which parts know by number;
//! - `lock` is held by the process that writes.
//!
//! Files are written once under names that no other file had. What a manifest names is there; what
//! it doesn't name is removed by the next writer.

mod manifest;
mod part;
mod runs;
mod table;
mod words;

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::Result;

pub(crate) use manifest::{
    ColumnEntry, Manifest, PartEntry, Population, Seen, SeenFile, TableEntry,
};
pub(crate) use part::{Column, Part};
pub(crate) use runs::{Base, Runs, UserStates};
pub(crate) use table::{StoredColumn, StoredTable};
pub(crate) use words::Words;

use manifest::unwritable;

/// A store in a folder.
#[derive(Debug)]
pub(crate) struct ProfileStore {
    folder: PathBuf,
    /// What was opened, by the names of files: they are never written again.
    open: Mutex<Opened>,
}

#[derive(Debug, Default)]
struct Opened {
    parts: HashMap<String, Arc<Part>>,
    words: HashMap<String, Arc<Words>>,
}

/// The right to write, given back when dropped.
#[derive(Debug)]
pub(crate) struct Writing {
    _lock: File,
}

impl ProfileStore {
    /// A store in that folder, which is made if it is not there.
    ///
    /// # Errors
    /// [`Code::UnusableStore`](crate::Code::UnusableStore) where that can't be done.
    pub(crate) fn open(folder: &Path) -> Result<ProfileStore> {
        std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, error))?;
        Ok(ProfileStore { folder: folder.to_owned(), open: Mutex::default() })
    }

    /// Waits until no other process writes.
    pub(crate) fn writing(&self) -> Result<Writing> {
        let path = self.folder.join("lock");
        let lock = File::create(path).map_err(|error| unwritable(&self.folder, error))?;
        lock.lock().map_err(|error| unwritable(&self.folder, error))?;
        Ok(Writing { _lock: lock })
    }

    pub(crate) fn manifest(&self) -> Result<Manifest> {
        Manifest::open(&self.folder)
    }

    /// Makes a manifest the one in force, and removes what it does not name.
    pub(crate) fn commit(&self, manifest: &Manifest, _: &Writing) -> Result<()> {
        manifest.save(&self.folder)?;
        let named: BTreeSet<&str> = manifest.files().collect();
        let mut open = self.opened();
        open.parts.retain(|name, _| named.contains(name.as_str()));
        open.words.retain(|name, _| named.contains(name.as_str()));
        drop(open);
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return Ok(()) };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let ours = [".part", ".words", ".users", ".partial"]
                .iter()
                .any(|ending| name.ends_with(ending));
            // One that can't be removed now is a leftover for the next writer.
            if ours && !named.contains(name.as_str()) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
        Ok(())
    }

    /// Forgets everything.
    pub(crate) fn discard(&self) -> Result<()> {
        let writing = self.writing()?;
        let generation = self.manifest()?.generation + 1;
        self.commit(&Manifest::empty(generation), &writing)
    }

    /// A table as a manifest has it, its files open.
    ///
    /// # Errors
    /// [`Code::Damaged`](crate::Code::Damaged) where a file is not what it was.
    pub(crate) fn table(&self, entry: &TableEntry) -> Result<StoredTable> {
        let mut columns = Vec::with_capacity(entry.columns.len());
        for column in &entry.columns {
            let words = match &column.words {
                Some((file, _)) => Some(self.words(file)?),
                None => None,
            };
            columns.push(StoredColumn { name: column.name.clone(), words });
        }
        let mut blocks = Vec::with_capacity(entry.parts.len());
        for parts in &entry.parts {
            let parts = parts.iter().map(|part| Ok((self.part(&part.file)?, part.generation)));
            blocks.push(parts.collect::<Result<Vec<_>>>()?);
        }
        Ok(StoredTable { columns, blocks })
    }

    fn opened(&self) -> MutexGuard<'_, Opened> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn part(&self, file: &str) -> Result<Arc<Part>> {
        if let Some(part) = self.opened().parts.get(file) {
            return Ok(Arc::clone(part));
        }
        let part = Arc::new(Part::open(&self.folder.join(file))?);
        self.opened().parts.insert(file.to_owned(), Arc::clone(&part));
        Ok(part)
    }

    pub(crate) fn words(&self, file: &str) -> Result<Arc<Words>> {
        if let Some(words) = self.opened().words.get(file) {
            return Ok(Arc::clone(words));
        }
        let words = Arc::new(Words::open(&self.folder.join(file))?);
        self.opened().words.insert(file.to_owned(), Arc::clone(&words));
        Ok(words)
    }

    /// Writes the part of a block: `places` of users, ascending, where the events of each end, and
    /// the columns of the events in that order.
    pub(crate) fn write_part(
        &self,
        name: String,
        generation: u64,
        places: &[u16],
        ends: &[u32],
        columns: &[Column],
    ) -> Result<PartEntry> {
        let bytes = part::encode(places, ends, columns)?;
        self.write(&name, &bytes)?;
        let rows = ends.last().copied().unwrap_or(0) as usize;
        Ok(PartEntry { file: name, rows, bytes: bytes.len() as u64, generation })
    }

    pub(crate) fn write_words(&self, name: String, words: &Words) -> Result<(String, usize)> {
        self.write(&name, &words.encode())?;
        Ok((name, words.len()))
    }

    /// What users were like; nothing known if there is no file, or a damaged one.
    pub(crate) fn users(&self, runs: &Runs) -> Option<UserStates> {
        let file = runs.users.as_ref()?;
        UserStates::open(&self.folder.join(file)).ok()
    }

    pub(crate) fn write_users(&self, name: String, users: &UserStates) -> Result<String> {
        self.write(&name, &users.encode())?;
        Ok(name)
    }

    /// Writes a file under a name that no other file has.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        part::write_file(&self.folder.join(name), bytes)
            .map_err(|error| unwritable(&self.folder, error))
    }
}
