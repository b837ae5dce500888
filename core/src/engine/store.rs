//! What the profile store is like, and how it is made smaller.

use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::DataType;
use arrow::util::display::array_value_to_string;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::error::{Code, Result};
use crate::source::literal;
use crate::store::{Manifest, ProfileStore, SeenCursor, TableEntry};

use super::profile::joined;
use super::{SegmentEngine, Shared, read};

/// What a profile store holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoreStatus {
    /// Its folder.
    pub folder: PathBuf,
    /// The size of all its files, those included that are of no use any more.
    pub bytes: u64,
    /// Events in all tables.
    pub rows: u64,
    /// Grows with everything that is written.
    pub generation: u64,
    /// The tables of events, by name.
    pub tables: Vec<StoredTableInfo>,
    /// What is wrong with its files, as far as their beginnings and lengths tell; what they hold is
    /// checked when it is read. Whatever is damaged is made anew by the next refresh that needs it.
    pub damaged: Vec<String>,
}

/// A table of events in a profile store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredTableInfo {
    /// Its name.
    pub table: String,
    /// Events; those of nobody and those without a time are not stored.
    pub rows: u64,
    /// Files that hold them: at least one for each 65,536 users who have any.
    pub parts: u64,
    /// The size of its files, texts included.
    pub bytes: u64,
    /// The columns that are stored, the time first; the user's is not.
    pub columns: Vec<String>,
    /// The generation in which its youngest events came.
    pub generation: u64,
    /// When a run last saw to it that the store had all events of the source.
    #[serde(with = "crate::document::instant")]
    pub read_at: DateTime<Utc>,
    /// Whether it still has them.
    pub freshness: Freshness,
    /// How far its cursor has come, if it is read by one.
    pub cursor: Option<StoredCursor>,
}

/// Whether a stored table is as its source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Freshness {
    /// Nothing in the source has changed.
    Current,
    /// The source has changed; the next refresh adds what is new, or reads it anew.
    Behind,
    /// The source is not registered, or it does not tell without being read.
    Unknown,
}

/// How far the cursor of a stored table has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredCursor {
    /// The ever-growing column.
    pub column: String,
    /// Its greatest value, as text.
    pub value: String,
}

impl SegmentEngine {
    /// What the profile store holds and how fresh that is; nothing without a store. No source is
    /// read for it.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use arrow::array::{Int64Array, RecordBatch, TimestampMicrosecondArray};
    /// # use segmentry::{Freshness, Refresh, SegmentEngine};
    /// # #[tokio::main]
    /// # async fn main() -> segmentry::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let batch = |columns: Vec<(&str, arrow::array::ArrayRef)>| RecordBatch::try_from_iter(columns).unwrap();
    /// # let ids = Arc::new(Int64Array::from(vec![1, 2]));
    /// # let users = batch(vec![("user_id", ids.clone())]);
    /// # let times = Arc::new(TimestampMicrosecondArray::from(vec![5, 6]));
    /// # let payments = batch(vec![("user_id", ids), ("paid_at", times)]);
    /// let engine = SegmentEngine::builder().store(folder.path().join("store")).build().await?;
    /// # engine.add_arrow("users", vec![users])?;
    /// # engine.add_arrow("payments", vec![payments])?;
    /// # engine.create_rule(r#"{"rule_name": "Paid", "conditions": [{"events": "payments", "operator": ">", "value": 0}]}"#).await?;
    /// engine.refresh(Refresh::all()).await?;
    /// let status = engine.store_status().await?.unwrap();
    /// assert_eq!((status.rows, status.tables[0].freshness), (2, Freshness::Current));
    /// println!("{} bytes", status.bytes);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Code::UnusableStore`] if its folder can't be read.
    pub async fn store_status(&self) -> Result<Option<StoreStatus>> {
        let Some(store) = self.shared.store.clone() else { return Ok(None) };
        let shared = Arc::clone(&self.shared);
        let status = tokio::task::spawn_blocking(move || shared.status(&store).map(Some)).await;
        joined(status)?
    }

    /// Makes the profile store as small and as fast as it can be, and answers what it holds then;
    /// nothing without a store. All that came one by one is merged, all of it checked and left out
    /// where it is damaged, and columns and tables that no rule asks about any more are dropped (of a
    /// table with a cursor, columns stay), as is what runs of deleted rules have left. Refreshes go on meanwhile, on what they have opened.
    /// It is never needed: a refresh merges what has come to be many parts.
    ///
    /// ```
    /// # use segmentry::SegmentEngine;
    /// # #[tokio::main]
    /// # async fn main() -> segmentry::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// let engine = SegmentEngine::builder().store(folder.path().join("store")).build().await?;
    /// assert!(engine.compact().await?.unwrap().tables.is_empty());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Code::UnusableStore`] if its folder can't be written; [`Code::OutOfMemory`] if the memory
    /// limit does not allow to merge a block, and then nothing is changed; errors of the catalog.
    pub async fn compact(&self) -> Result<Option<StoreStatus>> {
        let Some(store) = self.shared.store.clone() else { return Ok(None) };
        self.shared.compact(&store).await?;
        self.store_status().await
    }
}

impl Shared {
    fn status(&self, store: &ProfileStore) -> Result<StoreStatus> {
        let (manifest, damaged) = looked_at(store)?;
        let mut tables: Vec<StoredTableInfo> =
            manifest.tables.iter().map(|entry| self.info(store, entry)).collect();
        tables.sort_by(|one, other| one.table.cmp(&other.table));
        Ok(StoreStatus {
            folder: store.folder().to_owned(),
            bytes: store.bytes(),
            rows: tables.iter().map(|table| table.rows).sum(),
            generation: manifest.generation,
            tables,
            damaged,
        })
    }

    fn info(&self, store: &ProfileStore, entry: &TableEntry) -> StoredTableInfo {
        let parts = || entry.parts.iter().flatten();
        let words = entry.columns.iter().filter_map(|column| column.words.as_ref());
        let words = words.filter_map(|(file, _)| store.bytes_of(file));
        let rows: usize = parts().map(|part| part.rows).sum();
        StoredTableInfo {
            table: entry.table.clone(),
            rows: u64::try_from(rows).unwrap_or(u64::MAX),
            parts: u64::try_from(parts().count()).unwrap_or(u64::MAX),
            bytes: parts().map(|part| part.bytes).chain(words).sum(),
            columns: entry.columns.iter().map(|column| column.name.clone()).collect(),
            generation: parts().map(|part| part.generation).max().unwrap_or(entry.since),
            read_at: DateTime::from_timestamp_micros(entry.read_at).unwrap_or_default(),
            freshness: self.freshness(entry),
            cursor: entry.seen.cursor.as_ref().and_then(shown),
        }
    }

    fn freshness(&self, entry: &TableEntry) -> Freshness {
        let source = read(&self.sources).get(&entry.table).cloned();
        let now = source.and_then(|source| source.state());
        match (&entry.seen.state, now) {
            (_, None) => Freshness::Unknown,
            (seen, now) if *seen == now => Freshness::Current,
            _ => Freshness::Behind,
        }
    }
}

/// So often a store is looked at again that somebody writes meanwhile.
const LOOKS: usize = 10;

/// The manifest of a store, and what is wrong with its files.
fn looked_at(store: &ProfileStore) -> Result<(Manifest, Vec<String>)> {
    let mut looks = 1;
    loop {
        let (manifest, mut damaged) = match store.manifest_as_it_is() {
            Ok(manifest) => (manifest.unwrap_or_default(), Vec::new()),
            Err(error) if error.code() == Code::Damaged => {
                (Manifest::default(), vec![error.to_string()])
            }
            Err(error) => return Err(error),
        };
        damaged.extend(wrong_files(store, &manifest));
        // What is missing may have been replaced meanwhile.
        let same = store.manifest()?.generation == manifest.generation;
        if damaged.is_empty() || same || looks == LOOKS {
            return Ok((manifest, damaged));
        }
        looks += 1;
    }
}

/// What is wrong with the files of a store.
fn wrong_files(store: &ProfileStore, manifest: &Manifest) -> Vec<String> {
    let tables = manifest.tables.iter().map(|entry| store.table(entry).map(drop));
    let users = manifest.runs.users.iter().map(|file| store.verify_users(file));
    tables.chain(users).filter_map(Result::err).map(|error| error.to_string()).collect()
}

/// A cursor for people; nothing of a table without rows.
fn shown(cursor: &SeenCursor) -> Option<StoredCursor> {
    let (_, last) = cursor.ends?;
    let as_type = || -> Option<String> {
        let data_type: DataType = cursor.data_type.parse().ok()?;
        let array = literal(&data_type, last)?.to_array().ok()?;
        array_value_to_string(&array, 0).ok()
    };
    let value = as_type().unwrap_or_else(|| last.to_string());
    Some(StoredCursor { column: cursor.column.clone(), value })
}
