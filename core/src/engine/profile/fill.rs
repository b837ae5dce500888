//! Events of a scan become records, which become parts of the store (write.rs).

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::Result as DfResult;
use datafusion::physical_plan::PhysicalExpr;
use xxhash_rust::xxh3::Xxh3;

use crate::plan::{external, plain_type};
use crate::segment::{key_column, key_hashes};
use crate::store::Words;

use super::super::pass::chunks::{BLOCK, Chunks};
use super::super::pass::decode::{NOBODY, Ordinals};
use super::super::pass::whole::whole;
use super::cursor::{Met, Watch};

/// So many columns of a table can be stored: a bit of the head of a record says whether each is
/// there.
pub(super) const MAX_COLUMNS: usize = 48;

/// More keys that no user has than this are not remembered one by one.
pub(super) const MANY_STRANGERS: usize = 1 << 20;

/// Whether columns of a type can be stored, and whether as texts.
pub(super) fn stored_as_words(data_type: &DataType) -> Option<bool> {
    match plain_type(data_type) {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Some(true),
        DataType::Boolean
        | DataType::Decimal128(_, _)
        | DataType::Float64
        | DataType::Date32
        | DataType::Timestamp(_, _) => Some(false),
        integer if integer.is_integer() => Some(false),
        _ => None,
    }
}

/// What the workers that fill one table share.
pub(super) struct Filling {
    pub(super) user: Arc<dyn PhysicalExpr>,
    /// The places of the columns in the batches, the time's first.
    pub(super) columns: Vec<usize>,
    /// The texts of each column that has such, which grow.
    pub(super) words: Vec<Option<Mutex<Words>>>,
    pub(super) ordinals: Ordinals,
    /// A value did not fit 64 bits: the table can't be stored.
    pub(super) unfit: AtomicBool,
    pub(super) strangers: Mutex<HashSet<u64>>,
    pub(super) cursor: Option<Watch>,
}

/// One worker.
pub(super) struct Filler {
    shared: Arc<Filling>,
    /// For each column, the numbers of texts that this worker has met.
    known: Vec<HashMap<Box<str>, i64>>,
    users: Vec<u32>,
    /// Of the cursor.
    met: Met,
}

/// A column of a batch: whole numbers, and which are there.
struct Read {
    values: Vec<i64>,
    there: Vec<bool>,
}

impl Filler {
    pub(super) fn new(shared: Arc<Filling>) -> Self {
        let known = vec![HashMap::new(); shared.columns.len()];
        Filler { shared, known, users: Vec::new(), met: Met::default() }
    }

    /// What was met of the cursor.
    pub(super) fn met(self) -> Met {
        self.met
    }

    /// Adds a batch's events to the blocks of their users. A record is a head, which has the
    /// user's place in its lowest 16 bits and above them a bit for each column that is there, and
    /// the columns.
    pub(super) fn take(&mut self, batch: &RecordBatch, out: &mut Chunks) -> DfResult<()> {
        let shared = Arc::clone(&self.shared);
        let keys = shared.user.evaluate(batch)?.into_array(batch.num_rows())?;
        (shared.ordinals)(&keys, &mut self.users)?;
        self.note_strangers(&keys)?;
        let mut columns = Vec::with_capacity(shared.columns.len());
        for (number, place) in shared.columns.iter().enumerate() {
            let Some(array) = batch.columns().get(*place) else { continue };
            columns.push(self.column(number, array)?);
        }
        let hash = |row: usize| row_hash(&keys, &columns, row);
        let cursor = shared.cursor.as_ref();
        let new = cursor.map(|watch| watch.look(batch, hash, &mut self.met)).transpose()?;
        let new = new.flatten();
        let is_new = |row: usize| new.as_ref().is_none_or(|new| new.get(row) == Some(&true));
        let Some((times, _)) = columns.split_first() else { return Ok(()) };
        for (row, (user, timed)) in self.users.iter().zip(&times.there).enumerate() {
            // An event without a time never counts.
            if *user == NOBODY || !timed || !is_new(row) {
                continue;
            }
            let mut head = u64::from(user & (BLOCK - 1));
            for (number, column) in columns.iter().enumerate() {
                let there = column.there.get(row) == Some(&true);
                head |= u64::from(there) << (16 + number);
            }
            let Some(room) = out.room((*user / BLOCK) as usize)? else { continue };
            room.push(head);
            let values = columns.iter().filter_map(|column| column.values.get(row));
            room.extend(values.map(|value| value.cast_unsigned()));
        }
        Ok(())
    }

    fn note_strangers(&self, keys: &ArrayRef) -> DfResult<()> {
        if !self.users.contains(&NOBODY) {
            return Ok(());
        }
        let hashes = key_hashes(&key_column(keys).map_err(external)?);
        let mut strangers = self.shared.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        let unknown = self.users.iter().zip(hashes).filter(|(user, _)| **user == NOBODY);
        strangers.extend(unknown.filter_map(|(_, hash)| hash));
        Ok(())
    }

    fn column(&mut self, number: usize, array: &ArrayRef) -> DfResult<Read> {
        if let Some(Some(words)) = self.shared.words.get(number) {
            let texts = cast(array, &DataType::Utf8View)?;
            let texts = texts.as_string_view();
            let known = self.known.get_mut(number);
            let mut local = HashMap::new();
            let known = known.unwrap_or(&mut local);
            let values = texts.iter().map(|text| {
                let Some(text) = text else { return 0 };
                if let Some(number) = known.get(text) {
                    return *number;
                }
                let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
                let number = i64::from(words.number(text));
                known.insert(text.into(), number);
                number
            });
            let values = values.collect();
            let there = (0..texts.len()).map(|row| texts.is_valid(row)).collect();
            return Ok(Read { values, there });
        }
        if array.data_type() == &DataType::Boolean {
            let truths = array.as_boolean();
            return Ok(Read {
                values: truths.iter().map(|truth| i64::from(truth == Some(true))).collect(),
                there: truths.iter().map(|truth| truth.is_some()).collect(),
            });
        }
        let plain = plain_type(array.data_type());
        let array =
            if plain == *array.data_type() { Arc::clone(array) } else { cast(array, &plain)? };
        let whole = whole(&array)?;
        if whole.unfit {
            self.shared.unfit.store(true, Ordering::Relaxed);
        }
        let there = (0..array.len()).map(|row| whole.is_valid(row)).collect();
        Ok(Read { values: whole.values.to_vec(), there })
    }
}

/// A hash of all that is stored of a row, the user's key included; rows that have the same are
/// interchangeable.
fn row_hash(keys: &ArrayRef, columns: &[Read], row: usize) -> DfResult<u64> {
    let key = key_column(&keys.slice(row, 1)).map_err(external)?;
    let key = key_hashes(&key).into_iter().flatten().next();
    let mut hasher = Xxh3::new();
    hasher.update(&key.unwrap_or(0).to_le_bytes());
    for column in columns {
        let there = column.there.get(row) == Some(&true);
        let value = column.values.get(row).filter(|_| there).copied().unwrap_or(0);
        hasher.update(&[u8::from(there)]);
        hasher.update(&value.to_le_bytes());
    }
    Ok(hasher.digest())
}
