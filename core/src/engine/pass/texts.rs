//! Texts as numbers, the same for all tables and workers of a pass, so that equal texts are equal
//! numbers; and what tests say of them, asked once for each text.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::{Result, exec_err};
use datafusion::execution::memory_pool::MemoryReservation;
use datafusion::physical_plan::PhysicalExpr;

use super::classes::Words;
use super::lanes::Row;
use super::whole::Whole;

/// More texts than this are not kept: metrics of them are worked out by plans of their own.
const MANY_TEXTS: usize = 1 << 21;

/// What a text takes besides its bytes, about.
const OVERHEAD: usize = 96;

/// The number of what has none.
const UNKNOWN: u32 = u32::MAX;

/// All texts that values have.
pub(super) struct Texts {
    known: Mutex<Known>,
    /// There were more than [`MANY_TEXTS`].
    full: AtomicBool,
    /// On a batch of one column.
    tests: Vec<Arc<dyn PhysicalExpr>>,
}

struct Known {
    numbers: HashMap<Arc<str>, u32>,
    texts: Vec<Arc<str>>,
    memory: MemoryReservation,
}

/// The batches that tests are asked of.
pub(super) fn schema() -> Schema {
    Schema::new(vec![Field::new("text", DataType::Utf8, true)])
}

impl Texts {
    pub(super) fn new(tests: Vec<Arc<dyn PhysicalExpr>>, memory: MemoryReservation) -> Self {
        let (numbers, texts) = (HashMap::new(), Vec::new());
        let known = Mutex::new(Known { numbers, texts, memory });
        Texts { known, full: AtomicBool::new(false), tests }
    }

    /// The number of a text; [`UNKNOWN`] where there are too many.
    fn number(&self, text: &str) -> Result<u32> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = known.numbers.get(text) {
            return Ok(*number);
        }
        let number = match u32::try_from(known.texts.len()) {
            Ok(number) if known.texts.len() < MANY_TEXTS => number,
            _ => {
                self.full.store(true, Ordering::Relaxed);
                return Ok(UNKNOWN);
            }
        };
        known.memory.try_grow(text.len() + OVERHEAD)?;
        let text: Arc<str> = text.into();
        known.texts.push(Arc::clone(&text));
        known.numbers.insert(text, number);
        Ok(number)
    }
}

/// One worker's numbers of the texts of a column, by the numbers that its source gives them.
#[derive(Default)]
pub(super) struct Numbers {
    words: Words,
    codes: Vec<u32>,
    numbers: Vec<u32>,
}

impl Numbers {
    /// A column's texts as numbers.
    pub(super) fn of(&mut self, array: &ArrayRef, texts: &Texts) -> Result<Whole> {
        if texts.full.load(Ordering::Relaxed) {
            return Ok(whole(vec![UNKNOWN; array.len()], None));
        }
        self.codes.clear();
        self.codes.resize(array.len(), 0);
        let numbers = &mut self.numbers;
        let mut fault = None;
        self.words.code(array, &mut self.codes, &mut |text| {
            let number = texts.number(text);
            numbers.push(number.unwrap_or_else(|error| {
                fault = Some(error);
                UNKNOWN
            }));
        })?;
        if let Some(fault) = fault {
            return Err(fault);
        }
        // Codes begin with 1; 0 is no text.
        let number = |code: &u32| numbers.get((*code as usize).wrapping_sub(1)).copied();
        let values = self.codes.iter().map(|code| number(code).unwrap_or(0));
        let valid = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        Ok(whole(values.collect(), valid))
    }

    /// Texts that their column's store knows by numbers.
    pub(super) fn of_stored(
        &mut self,
        (stored, words): (&Whole, &crate::store::Words),
        texts: &Texts,
    ) -> Result<Whole> {
        self.numbers.resize(words.len(), UNKNOWN);
        let mut values = Vec::with_capacity(stored.values.len());
        for (row, own) in stored.values.iter().enumerate() {
            let place = usize::try_from(*own).ok().and_then(|own| self.numbers.get_mut(own));
            let (Some(place), true) = (place, stored.is_valid(row)) else {
                values.push(0);
                continue;
            };
            if *place == UNKNOWN {
                *place = texts.number(words.text(*own).unwrap_or_default())?;
            }
            values.push(*place);
        }
        Ok(whole(values, stored.valid.clone()))
    }
}

fn whole(numbers: Vec<u32>, valid: Option<arrow::buffer::NullBuffer>) -> Whole {
    let unfit = numbers.contains(&UNKNOWN);
    let values: Vec<i64> = numbers.into_iter().map(i64::from).collect();
    Whole { values: values.into(), valid, unfit }
}

/// What one worker knows of the texts.
#[derive(Default)]
pub(super) struct Learnt {
    texts: Vec<Arc<str>>,
    /// For each test what it says of each text.
    truths: Vec<Vec<bool>>,
}

impl Learnt {
    /// Learns of the texts that have come up since.
    pub(super) fn learn(&mut self, all: &Texts) -> Result<()> {
        let new: Vec<Arc<str>> = {
            let known = all.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.texts.get(self.texts.len()..).unwrap_or_default().to_vec()
        };
        if new.is_empty() {
            return Ok(());
        }
        let column = StringArray::from_iter_values(&new);
        let batch = RecordBatch::try_new(Arc::new(schema()), vec![Arc::new(column)])?;
        self.truths.resize(all.tests.len(), Vec::new());
        for (test, truths) in all.tests.iter().zip(&mut self.truths) {
            let found = test.evaluate(&batch)?.into_array(batch.num_rows())?;
            match found.data_type() {
                DataType::Boolean => {
                    truths.extend(found.as_boolean().iter().map(|truth| truth == Some(true)));
                }
                other => return exec_err!("a test of texts gave {other}"),
            }
        }
        self.texts.extend(new);
        Ok(())
    }

    /// Whether the text of a number passes a test.
    pub(super) fn passes(&self, test: usize, number: i64) -> bool {
        let truths = self.truths.get(test);
        let truth = truths.and_then(|truths| truths.get(usize::try_from(number).ok()?));
        truth.copied().unwrap_or(false)
    }

    /// The lanes, of these, whose text passes a test.
    pub(super) fn passing(&self, test: usize, numbers: &Row, lanes: u64) -> u64 {
        let numbers = numbers.iter().enumerate();
        let passing = |mask, (lane, number): (usize, &i64)| {
            mask | u64::from(self.passes(test, *number)) << lane
        };
        numbers.fold(0, passing) & lanes
    }

    /// The text of a number.
    pub(super) fn text(&self, number: i64) -> &str {
        let text = usize::try_from(number).ok().and_then(|number| self.texts.get(number));
        text.map_or("", AsRef::as_ref)
    }
}
