//! What is remembered of earlier runs, so that a later one evaluates only users for whom something
//! has changed since.

use std::collections::BTreeMap;
use std::path::Path;

use roaring::RoaringBitmap;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::error::{Code, Error, Result};

/// Runs that were remembered, and what rules were like in them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Runs {
    /// The number of the last run that was remembered; 0 before the first.
    pub(crate) count: u64,
    /// The file of what users were like.
    pub(crate) users: Option<String>,
    pub(crate) rules: BTreeMap<i64, Base>,
}

/// The run that a rule's current segment is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Base {
    /// The run's number here.
    pub(crate) run: u64,
    /// Of all that the rule says, the model included.
    pub(crate) wording: String,
    /// Microseconds since 1970.
    pub(crate) as_of: i64,
    /// The version of the segment.
    pub(crate) version: Version,
    /// The versions of the segments that the rule asks for.
    pub(crate) segments: BTreeMap<i64, Version>,
    /// The tables of events that the rule asks about.
    pub(crate) read: Vec<Read>,
}

/// A version of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) version: i64,
    /// The catalog's number of the run.
    pub(crate) run: i64,
    /// The run's own name: another catalog may have another version of these numbers.
    pub(crate) mark: String,
}

/// A table of events as a run read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Read {
    pub(crate) table: String,
    pub(crate) user: String,
    pub(crate) time: String,
    /// The generation of the store.
    pub(crate) generation: u64,
}

const MAGIC: &[u8; 8] = b"SGUSER01";

/// What users were like when they were last read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct UserStates {
    /// For each column and ordinal a hash of the value; 0 of those who were no users.
    pub(crate) columns: BTreeMap<String, Vec<u64>>,
    /// For each ordinal the number of the run that found it changed last.
    pub(crate) changed: Vec<u64>,
}

fn damaged(what: impl std::fmt::Display) -> Error {
    Error::new(Code::Damaged, format!("the profile store's file of users: {what}"))
}

impl UserStates {
    /// Takes in what a column is like in a run: a hash for each ordinal, 0 of those who are no
    /// users. Whoever differs has changed in that run; a column that was not known says nothing.
    pub(crate) fn note(&mut self, run: u64, column: &str, hashes: Vec<u64>) {
        self.changed.resize(hashes.len().max(self.changed.len()), run);
        if let Some(known) = self.columns.get(column) {
            let before = known.iter().copied().chain(std::iter::repeat(0));
            for ((changed, hash), before) in self.changed.iter_mut().zip(&hashes).zip(before) {
                if *hash != before {
                    *changed = run;
                }
            }
        }
        self.columns.insert(column.to_owned(), hashes);
    }

    /// Who has changed since a run.
    pub(crate) fn changed_since(&self, run: u64) -> RoaringBitmap {
        let found = (0u32..).zip(&self.changed).filter(|(_, changed)| **changed > run);
        found.map(|(user, _)| user).collect()
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        let mut put = |name: &str, values: &[u64]| {
            body.extend((name.len() as u64).to_le_bytes());
            body.extend(name.as_bytes());
            body.extend((values.len() as u64).to_le_bytes());
            body.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        };
        put("", &self.changed);
        self.columns.iter().for_each(|(name, hashes)| put(name, hashes));
        let mut bytes = MAGIC.to_vec();
        bytes.extend(xxh3_64(&body).to_le_bytes());
        bytes.extend(body);
        bytes
    }

    pub(super) fn open(path: &Path) -> Result<UserStates> {
        let bytes = std::fs::read(path).map_err(damaged)?;
        let cut = || damaged("it is cut off");
        let (magic, rest) = bytes.split_first_chunk::<8>().ok_or_else(cut)?;
        let (sum, mut body) = rest.split_first_chunk::<8>().ok_or_else(cut)?;
        if magic != MAGIC || u64::from_le_bytes(*sum) != xxh3_64(body) {
            return Err(damaged("it does not have the checksum that it had"));
        }
        let number = |body: &mut &[u8]| -> Result<usize> {
            let (number, rest) = body.split_first_chunk::<8>().ok_or_else(cut)?;
            *body = rest;
            usize::try_from(u64::from_le_bytes(*number)).map_err(damaged)
        };
        let mut states = UserStates::default();
        let mut first = true;
        while !body.is_empty() {
            let length = number(&mut body)?;
            let (name, rest) = body.split_at_checked(length).ok_or_else(cut)?;
            body = rest;
            let length = number(&mut body)?.checked_mul(8).ok_or_else(cut)?;
            let (values, rest) = body.split_at_checked(length).ok_or_else(cut)?;
            body = rest;
            let values = values.as_chunks::<8>().0.iter().map(|value| u64::from_le_bytes(*value));
            let values: Vec<u64> = values.collect();
            if std::mem::take(&mut first) {
                states.changed = values;
            } else {
                let name = std::str::from_utf8(name).map_err(damaged)?;
                states.columns.insert(name.to_owned(), values);
            }
        }
        Ok(states)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_kept_with_their_run() {
        let mut states = UserStates::default();
        states.note(1, "tier", vec![5, 6, 7]);
        states.note(1, "city", vec![1, 1, 1]);
        assert_eq!(states.changed_since(1).len(), 0);
        // One has changed, one is no user any more, one is new.
        states.note(2, "tier", vec![5, 9, 0, 4]);
        assert_eq!(states.changed_since(1).iter().collect::<Vec<_>>(), [1, 2, 3]);
        states.note(3, "city", vec![2, 1, 0, 8]);
        assert_eq!(states.changed_since(2).iter().collect::<Vec<_>>(), [0, 2, 3]);
        assert_eq!(states.changed_since(0).len(), 4);

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        std::fs::write(&path, states.encode()).unwrap();
        assert_eq!(UserStates::open(&path).unwrap(), states);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[40] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(UserStates::open(&path).unwrap_err().code(), Code::Damaged);
    }
}
