//! The profile store: events of the sources clustered by user, in blocks, in a folder.
//!
//! A cache, and never needed for correctness: what is missing, stale or damaged is read from the
//! sources again. Of a table it holds the columns that rules have asked for. Its files:
//!
//! - `store.json` says what there is (manifest.rs), and is replaced whole;
//! - `….part` has the events of one block, or of some of its users (part.rs); later events come in
//!   further parts, until there are many and they are merged (merge.rs);
//! - `….users` has what users were like when they were last read (runs.rs);
//! - `….words` has the texts of a column (words.rs), which parts know by number;
//! - `lock` is held by the process that writes.
//!
//! Files are written once under names that no other file had, not even one of a store that was in
//! this folder before. What a manifest names is there; what it doesn't name is removed by the next
//! writer.

mod manifest;
mod merge;
mod part;
mod runs;
mod table;
mod words;

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Code, Error, Result};

pub(crate) use manifest::{
    ColumnEntry, Manifest, PartEntry, Population, Seen, SeenCursor, SeenFile, TableEntry,
};
pub(crate) use merge::{due, memory};
pub(crate) use part::{Block, Column, Part};
pub(crate) use runs::{Base, Read, Runs, UserStates, Version};
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
        // Somebody may have removed it.
        std::fs::create_dir_all(&self.folder).map_err(|error| unwritable(&self.folder, error))?;
        let path = self.folder.join("lock");
        let lock = File::create(path).map_err(|error| unwritable(&self.folder, error))?;
        lock.lock().map_err(|error| unwritable(&self.folder, error))?;
        Ok(Writing { _lock: lock })
    }

    pub(crate) fn manifest(&self) -> Result<Manifest> {
        Manifest::open(&self.folder)
    }

    /// The manifest, if there is one.
    ///
    /// # Errors
    /// [`Code::Damaged`](crate::Code::Damaged) if it is not what was written.
    pub(crate) fn manifest_as_it_is(&self) -> Result<Option<Manifest>> {
        Manifest::read(&self.folder)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// How names of files begin that are written in a generation; no other file has had it.
    pub(crate) fn prefix(&self, generation: u64) -> String {
        use std::hash::{BuildHasher, Hasher, RandomState};
        format!("g{generation}-{:016x}", RandomState::new().build_hasher().finish())
    }

    /// The bytes of all of its files, leftovers included.
    pub(crate) fn bytes(&self) -> u64 {
        self.ours().filter_map(|entry| entry.metadata().ok()).map(|about| about.len()).sum()
    }

    /// The bytes of one file; nothing if it is not there.
    pub(crate) fn bytes_of(&self, file: &str) -> Option<u64> {
        std::fs::metadata(self.folder.join(file)).ok().map(|about| about.len())
    }

    /// The files of the folder that are a store's.
    fn ours(&self) -> impl Iterator<Item = std::fs::DirEntry> {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries.filter(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let endings = [".part", ".words", ".users", ".partial", "store.json"];
            endings.iter().any(|ending| name.ends_with(ending))
        })
    }

    /// Makes a manifest the one in force, and removes what it does not name.
    pub(crate) fn commit(&self, manifest: &Manifest, _: &Writing) -> Result<()> {
        manifest.save(&self.folder)?;
        let named: BTreeSet<&str> = manifest.files().collect();
        let mut open = self.opened();
        open.parts.retain(|name, _| named.contains(name.as_str()));
        open.words.retain(|name, _| named.contains(name.as_str()));
        drop(open);
        for entry in self.ours() {
            // One that can't be removed now is a leftover for the next writer.
            if !named.contains(entry.file_name().to_string_lossy().as_ref()) {
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

    /// Writes the part of a block that has events.
    pub(crate) fn write_part(&self, name: String, block: &Block) -> Result<PartEntry> {
        let bytes = part::encode(block)?;
        self.write(&name, &bytes)?;
        let generation = block.written.iter().max().copied().unwrap_or(0);
        Ok(PartEntry { file: name, rows: block.rows(), bytes: bytes.len() as u64, generation })
    }

    /// Merges parts of one block into one, with the columns at some places only, the time's first.
    pub(crate) fn merge(
        &self,
        name: String,
        parts: &[PartEntry],
        columns: &[usize],
    ) -> Result<PartEntry> {
        let parts = parts.iter().map(|part| self.part(&part.file)).collect::<Result<Vec<_>>>()?;
        self.write_part(name, &merge::merged(&parts, columns)?)
    }

    /// Reads all of a part, so that damage is noticed.
    pub(crate) fn verify(&self, part: &PartEntry) -> Result<()> {
        let read = Part::open(&self.folder.join(&part.file))?;
        read.verify()?;
        counted(&part.file, read.rows(), part.rows)
    }

    pub(crate) fn verify_words(&self, file: &str, count: usize) -> Result<()> {
        counted(file, Words::open(&self.folder.join(file))?.len(), count)
    }

    pub(crate) fn verify_users(&self, file: &str) -> Result<()> {
        UserStates::open(&self.folder.join(file)).map(drop)
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

/// A file holds as many things as the manifest says.
fn counted(file: &str, found: usize, expected: usize) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    let message = format!("the profile store's file {file}: it holds {found} of {expected}");
    Err(Error::new(Code::Damaged, message))
}
