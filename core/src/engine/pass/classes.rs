//! Classes of events: those that pass the same filters. Filters are not asked of every event but
//! of one for all that have the same codes in the columns that decide.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{cast, take_record_batch};
use arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use datafusion::physical_plan::PhysicalExpr;

use super::whole::{Whole, whole};

/// Events that can be looked at column by column.
pub(super) trait Look {
    fn rows(&self) -> usize;

    /// A column's values as whole numbers.
    fn whole(&self, column: usize) -> Result<Whole>;

    /// The codes of a column of texts or truths; `false` where there are too many values.
    fn words(&self, column: usize, words: &mut Words, codes: &mut [u32]) -> Result<bool>;

    /// The events as a batch: all of them, or these.
    fn batch(&self, rows: Option<&UInt32Array>) -> Result<RecordBatch>;
}

impl Look for RecordBatch {
    fn rows(&self) -> usize {
        self.num_rows()
    }

    fn whole(&self, column: usize) -> Result<Whole> {
        let array = self.column(column);
        let plain = crate::plan::plain_type(array.data_type());
        match plain == *array.data_type() {
            true => whole(array),
            false => whole(&cast(array, &plain)?),
        }
    }

    fn words(&self, column: usize, words: &mut Words, codes: &mut [u32]) -> Result<bool> {
        words.code(self.column(column), codes, &mut |_| ())
    }

    fn batch(&self, rows: Option<&UInt32Array>) -> Result<RecordBatch> {
        match rows {
            None => Ok(self.clone()),
            Some(rows) => Ok(take_record_batch(self, rows)?),
        }
    }
}

/// The class of events that pass no filter.
pub(super) const NONE: u16 = u16::MAX;

/// More values of one column than this are not told apart by codes.
const MANY_WORDS: usize = 1 << 15;

/// The classes of a table, shared by its workers: the filters that each passes, as bits.
#[derive(Default)]
pub(super) struct Registry(Mutex<Known>);

#[derive(Default)]
struct Known {
    numbers: HashMap<Box<[u64]>, u16>,
    classes: Vec<Box<[u64]>>,
}

impl Registry {
    fn class(&self, passes: Box<[u64]>) -> Result<u16> {
        if passes.iter().all(|word| *word == 0) {
            return Ok(NONE);
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = known.numbers.get(&passes) {
            return Ok(*number);
        }
        let number = match u16::try_from(known.classes.len()) {
            Ok(number) if number != NONE => number,
            _ => return Err(super::unfit("events pass filters in too many combinations")),
        };
        known.classes.push(passes.clone());
        known.numbers.insert(passes, number);
        Ok(number)
    }

    /// The filters that classes pass, from a class on.
    pub(super) fn classes_from(&self, first: usize) -> Vec<Box<[u64]>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.classes.get(first..).unwrap_or_default().to_vec()
    }
}

/// How one column, or one filter that no codes decide, is coded.
#[derive(Clone)]
enum Coder {
    /// By the cuts between which a value lies, or at which.
    Cuts { column: usize, cuts: Vec<i64> },
    /// Not at all: what looked at it is asked of every event.
    Nothing,
    /// By the value itself.
    Words { column: usize, words: Words },
    /// By the filter's own outcome for every event.
    Truth { filter: usize },
}

/// A filter, and the coders that decide it.
#[derive(Clone)]
pub(super) struct Filter {
    pub(super) expr: Option<Arc<dyn PhysicalExpr>>,
    /// Places of coded columns; nothing where every event is asked.
    pub(super) by: Option<Vec<usize>>,
}

/// A coded column: its place in the batches, and the cuts.
#[derive(Clone)]
pub(super) struct CodedColumn {
    pub(super) column: usize,
    pub(super) cuts: Option<Vec<i64>>,
}

/// Gives every event its class; one for each worker.
pub(super) struct Classes {
    registry: Arc<Registry>,
    filters: Vec<Filter>,
    coders: Vec<Coder>,
    /// For each coder but the first: the code of a pair of codes.
    pairs: Vec<HashMap<(u32, u32), u32, Spread>>,
    /// The class of each code, once one event with it has been asked.
    class_of: Vec<Option<u16>>,
    codes: Vec<u32>,
    next: Vec<u32>,
}

pub(super) type Spread = std::hash::BuildHasherDefault<Folding>;

/// A hasher of small numbers.
#[derive(Default)]
pub(super) struct Folding(u64);

impl std::hash::Hasher for Folding {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_u128(&mut self, value: u128) {
        self.write_u64(value as u64);
        self.write_u64((value >> 64) as u64);
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(23) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Classes {
    pub(super) fn new(
        registry: Arc<Registry>,
        filters: Vec<Filter>,
        coded: &[CodedColumn],
    ) -> Self {
        let column = |coded: &CodedColumn| match &coded.cuts {
            Some(cuts) => Coder::Cuts { column: coded.column, cuts: cuts.clone() },
            None => Coder::Words { column: coded.column, words: Words::default() },
        };
        let mut coders: Vec<Coder> = coded.iter().map(column).collect();
        for (filter, asked) in filters.iter().enumerate() {
            if asked.by.is_none() && asked.expr.is_some() {
                coders.push(Coder::Truth { filter });
            }
        }
        Classes {
            registry,
            filters,
            coders,
            pairs: Vec::new(),
            class_of: Vec::new(),
            codes: Vec::new(),
            next: Vec::new(),
        }
    }

    /// The class of each event of a batch.
    pub(super) fn of(&mut self, batch: &impl Look, classes: &mut Vec<u16>) -> Result<()> {
        while let Some(crowded) = self.code(batch)? {
            self.ask_each(crowded);
        }
        self.ask_new(batch)?;
        classes.clear();
        let class = |code: &u32| self.class_of.get(*code as usize).copied().flatten();
        classes.extend(self.codes.iter().map(|code| class(code).unwrap_or(NONE)));
        Ok(())
    }

    /// Codes every event; answers a column that has too many values, if one has.
    fn code(&mut self, batch: &impl Look) -> Result<Option<usize>> {
        self.codes.clear();
        self.codes.resize(batch.rows(), 0);
        self.pairs.resize(self.coders.len().saturating_sub(1), HashMap::default());
        let mut coders = self.coders.iter_mut().enumerate();
        if let Some((_, first)) = coders.next()
            && !first.code(batch, &self.filters, &mut self.codes)?
        {
            return Ok(Some(0));
        }
        for ((place, coder), pairs) in coders.zip(&mut self.pairs) {
            self.next.clear();
            self.next.resize(batch.rows(), 0);
            if !coder.code(batch, &self.filters, &mut self.next)? {
                return Ok(Some(place));
            }
            for (code, next) in self.codes.iter_mut().zip(&self.next) {
                let new = u32::try_from(pairs.len()).unwrap_or(u32::MAX);
                *code = *pairs.entry((*code, *next)).or_insert(new);
            }
        }
        Ok(None)
    }

    /// Filters on a column with many values are asked of every event from here on.
    fn ask_each(&mut self, crowded: usize) {
        for (number, filter) in self.filters.iter_mut().enumerate() {
            // Places of coded columns are those of their coders.
            if filter.by.as_ref().is_some_and(|by| by.contains(&crowded)) {
                filter.by = None;
                self.coders.push(Coder::Truth { filter: number });
            }
        }
        if let Some(coder) = self.coders.get_mut(crowded) {
            // It keeps its place, and tells nothing apart.
            *coder = Coder::Nothing;
        }
        self.pairs.clear();
        self.class_of.clear();
    }

    /// Asks all filters of one event for each code that has no class yet.
    fn ask_new(&mut self, batch: &impl Look) -> Result<()> {
        let mut rows = Vec::new();
        let mut new = Vec::new();
        for (row, code) in (0u32..).zip(&self.codes) {
            let code = *code as usize;
            if code >= self.class_of.len() {
                self.class_of.resize(code + 1, None);
            }
            if let Some(class) = self.class_of.get_mut(code)
                && class.is_none()
            {
                // So that it is asked once.
                *class = Some(NONE);
                rows.push(row);
                new.push(code);
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let asked = batch.batch(Some(&UInt32Array::from(rows)))?;
        let words = self.filters.len().div_ceil(64).max(1);
        let mut passes = vec![vec![0u64; words]; new.len()];
        for (number, filter) in self.filters.iter().enumerate() {
            let truths = truths(filter, &asked)?;
            for (passes, truth) in passes.iter_mut().zip(truths.iter()) {
                if let Some(word) = passes.get_mut(number / 64).filter(|_| truth == Some(true)) {
                    *word |= 1 << (number % 64);
                }
            }
        }
        for (code, passes) in new.into_iter().zip(passes) {
            let class = self.registry.class(passes.into())?;
            if let Some(known) = self.class_of.get_mut(code) {
                *known = Some(class);
            }
        }
        Ok(())
    }
}

/// Which events of a batch pass a filter.
fn truths(filter: &Filter, batch: &RecordBatch) -> Result<BooleanArray> {
    let Some(expr) = &filter.expr else {
        return Ok(BooleanArray::from(vec![true; batch.num_rows()]));
    };
    let truths = expr.evaluate(batch)?.into_array(batch.num_rows())?;
    match truths.data_type() {
        DataType::Boolean => Ok(truths.as_boolean().clone()),
        other => exec_err!("a filter gave {other}"),
    }
}

impl Coder {
    /// Codes every event; `false` where there are too many values.
    fn code(&mut self, events: &impl Look, filters: &[Filter], codes: &mut [u32]) -> Result<bool> {
        match self {
            Coder::Nothing => {}
            Coder::Cuts { column, cuts } => cut(&events.whole(*column)?, cuts, codes),
            Coder::Words { column, words } => return events.words(*column, words, codes),
            Coder::Truth { filter } => {
                let Some(filter) = filters.get(*filter) else { return Ok(true) };
                let truths = truths(filter, &events.batch(None)?)?;
                for (code, truth) in codes.iter_mut().zip(truths.iter()) {
                    *code = u32::from(truth == Some(true));
                }
            }
        }
        Ok(true)
    }
}

/// Codes numbers by the cuts: missing, below a cut, at a cut.
fn cut(values: &Whole, cuts: &[i64], codes: &mut [u32]) {
    for (row, (code, value)) in codes.iter_mut().zip(values.values.iter()).enumerate() {
        if values.is_valid(row) {
            let below = cuts.partition_point(|cut| cut < value);
            let at = cuts.get(below) == Some(value);
            *code = u32::try_from(1 + 2 * below + usize::from(at)).unwrap_or(u32::MAX);
        }
    }
}

/// The codes of texts and truths, from 1 in the order of their first coming; 0 is missing.
#[derive(Clone, Default)]
pub(super) struct Words {
    known: HashMap<Box<[u8]>, u32>,
    /// The code of a text by what its view holds: of short texts for good, of others within one
    /// batch only, whose buffers they lie in.
    views: HashMap<u128, u32, Spread>,
    long_views: HashMap<u128, u32, Spread>,
}

impl Words {
    /// Codes a column, and tells of each text that has no code so far, in the order of the codes;
    /// `false` where there are too many to tell apart by codes.
    pub(super) fn code(
        &mut self,
        array: &ArrayRef,
        codes: &mut [u32],
        new: &mut impl FnMut(&str),
    ) -> Result<bool> {
        match array.data_type() {
            DataType::Boolean => {
                for (code, truth) in codes.iter_mut().zip(array.as_boolean().iter()) {
                    *code = truth.map_or(0, |truth| 1 + u32::from(truth));
                }
            }
            DataType::Dictionary(_, _) => {
                let keyed = array.as_any_dictionary();
                let mut values = vec![0; keyed.values().len()];
                self.code(keyed.values(), &mut values, new)?;
                let keys = keyed.normalized_keys();
                for (row, (code, key)) in codes.iter_mut().zip(keys).enumerate() {
                    let value = values.get(key).copied().unwrap_or(0);
                    *code = if array.is_valid(row) { value } else { 0 };
                }
            }
            DataType::Utf8View => self.code_views(array, codes, new),
            _ => self.code_views(&cast(array, &DataType::Utf8View)?, codes, new),
        }
        Ok(self.known.len() <= MANY_WORDS)
    }

    fn code_views(&mut self, array: &ArrayRef, codes: &mut [u32], new: &mut impl FnMut(&str)) {
        let texts = array.as_string_view();
        self.long_views.clear();
        for (row, (code, view)) in codes.iter_mut().zip(texts.views()).enumerate() {
            if texts.is_null(row) {
                continue;
            }
            // The lowest 32 bits are the length; a view of up to 12 bytes holds the text itself.
            let short = *view as u32 <= 12;
            let views = if short { &mut self.views } else { &mut self.long_views };
            *code = match views.get(view) {
                Some(code) => *code,
                None => {
                    let text: &str = texts.value(row);
                    let next = u32::try_from(self.known.len() + 1).unwrap_or(u32::MAX);
                    let code = *self.known.entry(text.as_bytes().into()).or_insert_with(|| {
                        new(text);
                        next
                    });
                    views.insert(*view, code);
                    code
                }
            };
        }
    }
}
