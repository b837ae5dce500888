//! The dictionary that gives every user key a dense ordinal, as one process knows it.
//!
//! The catalog's is the truth and only grows; this is its image in memory, brought up to date
//! before use. Ordinals are never reused, so a bitmap means the same users forever. Where a user
//! was forgotten there is no key.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, LargeStringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Int64Type};
use roaring::RoaringBitmap;
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::error::{Code, Error, Result};
use crate::model::{Key, KeyColumn, KeyType};

/// A hasher of one integer: multiplication spreads, and the high half is folded down.
#[derive(Default)]
struct IntHasher(u64);

impl Hasher for IntHasher {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0 ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_i64(&mut self, value: i64) {
        self.write_u64(value.cast_unsigned());
    }
}

/// Keys with their ordinals, both ways.
#[derive(Debug, Default)]
pub(crate) struct Dictionary {
    known: Option<Known>,
    /// The ordinals that no key has any more.
    gone: RoaringBitmap,
    /// How many of those that the catalog has forgotten this knows of.
    forgotten: usize,
}

#[derive(Debug)]
enum Known {
    Int { keys: Vec<i64>, ordinals: IntOrdinals },
    Text { keys: Vec<Arc<str>>, ordinals: HashMap<Arc<str>, u32> },
}

/// Ordinals by integer keys.
#[derive(Debug)]
enum IntOrdinals {
    /// Of keys that lie close together: at each key's distance from the first its ordinal, or
    /// [`NO_ORDINAL`]. Looking up is one read of memory.
    Dense {
        first: i64,
        slots: Vec<u32>,
    },
    Sparse(HashMap<i64, u32, BuildHasherDefault<IntHasher>>),
}

/// No key's ordinal.
pub(crate) const NO_ORDINAL: u32 = u32::MAX;

/// Keys are close together if there is one for so many places between them.
const DENSITY: usize = 8;

impl IntOrdinals {
    fn of(keys: &[i64], gone: &RoaringBitmap) -> Self {
        let known = || {
            let numbered = keys.iter().zip(0u32..);
            numbered.filter(|(_, ordinal)| gone.is_empty() || !gone.contains(*ordinal))
        };
        let first = known().map(|(key, _)| *key).min().unwrap_or(0);
        let last = known().map(|(key, _)| *key).max().unwrap_or(0);
        let places = last.checked_sub(first).and_then(|width| usize::try_from(width).ok());
        let dense = places.filter(|places| *places < keys.len().saturating_mul(DENSITY));
        let Some(places) = dense else {
            return IntOrdinals::Sparse(known().map(|(key, ordinal)| (*key, ordinal)).collect());
        };
        let mut slots = vec![NO_ORDINAL; places + 1];
        for (key, ordinal) in known() {
            if let Some(slot) = slots.get_mut(place(*key, first)) {
                *slot = ordinal;
            }
        }
        IntOrdinals::Dense { first, slots }
    }

    #[inline]
    fn get(&self, key: i64) -> Option<u32> {
        match self {
            IntOrdinals::Dense { first, slots } => {
                slots.get(place(key, *first)).copied().filter(|ordinal| *ordinal != NO_ORDINAL)
            }
            IntOrdinals::Sparse(ordinals) => ordinals.get(&key).copied(),
        }
    }

    /// Takes a key in; `false` if it lies outside of the places that there are.
    fn insert(&mut self, key: i64, ordinal: u32) -> bool {
        match self {
            IntOrdinals::Dense { first, slots } => match slots.get_mut(place(key, *first)) {
                Some(slot) => {
                    *slot = ordinal;
                    true
                }
                None => false,
            },
            IntOrdinals::Sparse(ordinals) => {
                ordinals.insert(key, ordinal);
                true
            }
        }
    }
}

impl IntOrdinals {
    /// Takes a key out, if it has that ordinal: it may have another by now.
    fn remove(&mut self, key: i64, ordinal: u32) {
        match self {
            IntOrdinals::Dense { first, slots } => {
                let slot = slots.get_mut(place(key, *first)).filter(|slot| **slot == ordinal);
                if let Some(slot) = slot {
                    *slot = NO_ORDINAL;
                }
            }
            IntOrdinals::Sparse(ordinals) => {
                if ordinals.get(&key) == Some(&ordinal) {
                    ordinals.remove(&key);
                }
            }
        }
    }
}

/// A key's distance from the first; beyond all slots for a smaller one.
#[inline]
fn place(key: i64, first: i64) -> usize {
    match key.checked_sub(first) {
        Some(distance) => usize::try_from(distance).unwrap_or(usize::MAX),
        None => usize::MAX,
    }
}

/// A column of keys from a table, brought to the two types that keys have.
pub(crate) fn key_column(array: &ArrayRef) -> Result<KeyColumn> {
    let unfit = |error| {
        let message = format!("keys of type {} can't be read: {error}", array.data_type());
        Error::new(Code::BadKey, message)
    };
    let text = matches!(
        array.data_type(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Dictionary(_, _)
    );
    let wanted = if text { DataType::LargeUtf8 } else { DataType::Int64 };
    // A cast that does not fit gives null, which the caller refuses as a key.
    let keys = cast(array, &wanted).map_err(unfit)?;
    Ok(match text {
        true => KeyColumn::Text(keys.as_string::<i64>().clone()),
        false => KeyColumn::Int(keys.as_primitive::<Int64Type>().clone()),
    })
}

/// A hash of each key; none for nulls.
pub(crate) fn key_hashes(keys: &KeyColumn) -> Vec<Option<u64>> {
    match keys {
        KeyColumn::Int(keys) => {
            keys.iter().map(|key| key.map(|key| xxh3_64(&key.to_le_bytes()))).collect()
        }
        KeyColumn::Text(keys) => {
            keys.iter().map(|key| key.map(|key| xxh3_64(key.as_bytes()))).collect()
        }
    }
}

impl Dictionary {
    /// How many keys there are; the next gets this ordinal.
    pub(crate) fn len(&self) -> usize {
        match &self.known {
            None => 0,
            Some(Known::Int { keys, .. }) => keys.len(),
            Some(Known::Text { keys, .. }) => keys.len(),
        }
    }

    pub(crate) fn key_type(&self) -> Option<KeyType> {
        self.known.as_ref().map(|known| match known {
            Known::Int { .. } => KeyType::Int,
            Known::Text { .. } => KeyType::Text,
        })
    }

    /// Adds keys after those there are.
    pub(crate) fn extend(&mut self, added: &KeyColumn) {
        let gone = &mut self.gone;
        let known = self.known.get_or_insert_with(|| match added.key_type() {
            KeyType::Int => Known::Int { keys: Vec::new(), ordinals: IntOrdinals::of(&[], gone) },
            KeyType::Text => Known::Text { keys: Vec::new(), ordinals: HashMap::default() },
        });
        let next = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        match (known, added) {
            (Known::Int { keys, ordinals }, KeyColumn::Int(added)) => {
                // Whether keys lie close together is seen anew once there are twice as many.
                let many = added.len() > keys.len();
                keys.reserve(added.len());
                let mut fits = !many;
                for (row, key) in added.values().iter().enumerate() {
                    let ordinal = next(keys.len());
                    if added.is_null(row) {
                        gone.insert(ordinal);
                    } else {
                        fits = fits && ordinals.insert(*key, ordinal);
                    }
                    keys.push(*key);
                }
                if !fits {
                    *ordinals = IntOrdinals::of(keys, gone);
                }
            }
            (Known::Text { keys, ordinals }, KeyColumn::Text(added)) => {
                for key in added {
                    let ordinal = next(keys.len());
                    let text: Arc<str> = Arc::from(key.unwrap_or_default());
                    match key {
                        Some(_) => drop(ordinals.insert(Arc::clone(&text), ordinal)),
                        None => drop(gone.insert(ordinal)),
                    }
                    keys.push(text);
                }
            }
            // The catalog refuses keys of another kind, so that there are none to add.
            _ => {}
        }
    }

    /// How many users that the catalog has forgotten this knows of.
    pub(crate) fn forgotten(&self) -> usize {
        self.forgotten
    }

    /// The ordinals that no key has any more.
    pub(crate) fn gone(&self) -> &RoaringBitmap {
        &self.gone
    }

    /// Forgets the keys of these ordinals, which the catalog has forgotten after the first `from`.
    pub(crate) fn forget(&mut self, from: usize, forgotten: &[u32]) {
        for ordinal in forgotten {
            let place = usize::try_from(*ordinal).unwrap_or(usize::MAX);
            match &mut self.known {
                Some(Known::Int { keys, ordinals }) => {
                    if let Some(key) = keys.get_mut(place) {
                        ordinals.remove(*key, *ordinal);
                        *key = 0;
                        self.gone.insert(*ordinal);
                    }
                }
                Some(Known::Text { keys, ordinals }) => {
                    if let Some(key) = keys.get_mut(place) {
                        if ordinals.get(key) == Some(ordinal) {
                            ordinals.remove(key);
                        }
                        *key = Arc::from("");
                        self.gone.insert(*ordinal);
                    }
                }
                None => {}
            }
        }
        self.forgotten = self.forgotten.max(from + forgotten.len());
    }

    /// The ordinal of each key; `None` for nulls and keys that are not known.
    pub(crate) fn ordinals(&self, keys: &KeyColumn) -> Vec<Option<u32>> {
        match (&self.known, keys) {
            (Some(Known::Int { ordinals, .. }), KeyColumn::Int(keys)) => {
                keys.iter().map(|key| ordinals.get(key?)).collect()
            }
            (Some(Known::Text { ordinals, .. }), KeyColumn::Text(keys)) => {
                keys.iter().map(|key| ordinals.get(key?).copied()).collect()
            }
            _ => vec![None; keys.len()],
        }
    }

    /// A digest of the first so many keys, the same for the same keys in every process.
    pub(crate) fn digest(&self, count: usize) -> u64 {
        let mut hasher = Xxh3::new();
        let gone = self.gone.iter().filter(|ordinal| (*ordinal as usize) < count);
        gone.for_each(|ordinal| hasher.update(&ordinal.to_le_bytes()));
        match &self.known {
            None => {}
            Some(Known::Int { keys, .. }) => {
                keys.iter().take(count).for_each(|key| hasher.update(&key.to_le_bytes()));
            }
            Some(Known::Text { keys, .. }) => keys.iter().take(count).for_each(|key| {
                hasher.update(&(key.len() as u64).to_le_bytes());
                hasher.update(key.as_bytes());
            }),
        }
        hasher.digest()
    }

    /// The hashes of the keys from a place on, as [`key_hashes`] has them.
    pub(crate) fn hashes_from(&self, first: usize) -> Vec<u64> {
        match &self.known {
            None => Vec::new(),
            Some(Known::Int { keys, .. }) => {
                keys.iter().skip(first).map(|key| xxh3_64(&key.to_le_bytes())).collect()
            }
            Some(Known::Text { keys, .. }) => {
                keys.iter().skip(first).map(|key| xxh3_64(key.as_bytes())).collect()
            }
        }
    }

    /// Adds the ordinal of each key to `out`; [`NO_ORDINAL`] for nulls and keys that are not known.
    pub(crate) fn ordinals_into(&self, keys: &KeyColumn, out: &mut Vec<u32>) {
        match (&self.known, keys) {
            (Some(Known::Int { ordinals, .. }), KeyColumn::Int(keys)) if keys.null_count() == 0 => {
                let found = keys.values().iter();
                out.extend(found.map(|key| ordinals.get(*key).unwrap_or(NO_ORDINAL)));
            }
            _ => out.extend(self.ordinals(keys).into_iter().map(|o| o.unwrap_or(NO_ORDINAL))),
        }
    }

    pub(crate) fn ordinal(&self, key: &Key) -> Option<u32> {
        match (&self.known, key) {
            (Some(Known::Int { ordinals, .. }), Key::Int(key)) => ordinals.get(*key),
            (Some(Known::Text { ordinals, .. }), Key::Text(key)) => {
                ordinals.get(key.as_str()).copied()
            }
            _ => None,
        }
    }

    /// The keys of these ordinals, ascending by key; unknown ordinals are an error, and those of
    /// users who are forgotten are passed over.
    pub(crate) fn keys(&self, ordinals: impl Iterator<Item = u32>) -> Result<KeyColumn> {
        let ordinals = ordinals.filter(|ordinal| !self.gone.contains(*ordinal));
        let index = |ordinal: u32| usize::try_from(ordinal).unwrap_or(usize::MAX);
        let lost = |ordinal| {
            let message = format!("a segment has the ordinal {ordinal}, which no key has");
            Error::new(Code::Damaged, message)
        };
        match &self.known {
            Some(Known::Int { keys, .. }) => {
                let found = ordinals.map(|o| keys.get(index(o)).copied().ok_or_else(|| lost(o)));
                let mut found = found.collect::<Result<Vec<i64>>>()?;
                found.sort_unstable();
                Ok(KeyColumn::Int(Int64Array::from(found)))
            }
            Some(Known::Text { keys, .. }) => {
                let key = |o| keys.get(index(o)).map(AsRef::as_ref).ok_or_else(|| lost(o));
                let mut found = ordinals.map(key).collect::<Result<Vec<&str>>>()?;
                found.sort_unstable();
                Ok(KeyColumn::Text(LargeStringArray::from_iter_values(found)))
            }
            None => match { ordinals }.next() {
                Some(ordinal) => Err(lost(ordinal)),
                None => Ok(KeyColumn::empty(KeyType::Int)),
            },
        }
    }
}
