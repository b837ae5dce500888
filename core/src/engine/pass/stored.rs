//! Events of the store made into records, a few groups of users at a time: they lie there by user,
//! so that nothing has to be sorted.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array,
    RecordBatch, StringViewArray, TimestampMicrosecondArray, UInt32Array, make_array,
    new_null_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type, Schema, SchemaRef};
use datafusion::common::{Result, internal_err};
use datafusion::physical_plan::PhysicalExpr;

use crate::plan::{external, plain_type, unordered};
use crate::store::{Part, StoredTable, Words as Texts};

use super::block::Clustered;
use super::buckets::{Buckets, OUTSIDE};
use super::chunks::Head;
use super::classes::{Classes, Look, NONE, Words};
use super::decode::TableWork;
use super::lanes::LANES;
use super::texts::Numbers;
use super::whole::{Whole, whole};

/// Where a value comes from.
pub(super) enum From {
    /// A column as it is stored.
    Column(usize),
    /// Something that is made of these columns.
    Expr(Arc<dyn PhysicalExpr>, BTreeSet<usize>),
}

/// A stored table, and what is asked of it.
pub(super) struct StoredWork {
    pub(super) table: Arc<StoredTable>,
    pub(super) work: Arc<TableWork>,
    /// The columns that expressions know, and for each the stored one.
    pub(super) schema: SchemaRef,
    pub(super) columns: Vec<Option<usize>>,
    pub(super) time: usize,
    pub(super) values: Vec<From>,
}

/// Which users of a block are asked about.
#[derive(Clone, Copy)]
pub(super) enum Users<'a> {
    All,
    /// Their places, ascending; the first 64 make the first group.
    Only(&'a [u16]),
}

/// If fewer users of a window than one in so many are asked about, each is read by itself.
pub(super) const SPARSE: usize = 12;

impl StoredWork {
    /// The times of users' events as far as windows hold them. A user's events are in the order of
    /// time, so that those before all windows come first, and those after all last.
    fn in_windows(
        &self,
        part: &Part,
        owners: &mut Vec<(u16, Range<usize>)>,
        buffer: &mut Vec<u8>,
    ) -> Result<Vec<i64>> {
        let ranges: Vec<Range<usize>> = owners.iter().map(|(_, rows)| rows.clone()).collect();
        let mut all = Vec::with_capacity(ranges.iter().map(Range::len).sum());
        for ranges in read_in_one(&ranges) {
            part.picked(self.time, ranges, buffer, &mut all).map_err(external)?;
        }
        let (first, end) = match (self.work.bounds.first(), self.work.bounds.last()) {
            (Some(first), Some(end)) => (if self.work.open { i64::MIN } else { *first }, *end),
            // Without windows nothing counts.
            _ => (i64::MAX, i64::MIN),
        };
        let mut times = Vec::with_capacity(all.len());
        let mut rest = all.as_slice();
        owners.retain_mut(|(_, rows)| {
            let Some((own, after)) = rest.split_at_checked(rows.len()) else { return false };
            rest = after;
            let from = own.partition_point(|time| *time < first);
            let to = own.partition_point(|time| *time < end).max(from);
            times.extend_from_slice(own.get(from..to).unwrap_or_default());
            *rows = rows.start + from..rows.start + to;
            rows.start < rows.end
        });
        Ok(times)
    }
}

/// One worker's reader of a table.
pub(super) struct Reader {
    stored: Arc<StoredWork>,
    classes: Classes,
    buckets: Buckets,
    class: Vec<u16>,
    bucket: Vec<u16>,
    /// Of the values that are texts.
    numbers: Vec<Numbers>,
}

/// Some events of a part.
struct Rows<'a> {
    stored: &'a StoredWork,
    /// For each stored column that is needed its values and which are there.
    columns: Vec<Option<Whole>>,
    count: usize,
}

impl Reader {
    pub(super) fn new(stored: Arc<StoredWork>) -> Self {
        let work = &stored.work;
        let classes = Classes::new(Arc::clone(&work.registry), work.filters.clone(), &work.coded);
        let buckets = Buckets::new(&work.bounds, work.open);
        let numbers = stored.values.iter().map(|_| Numbers::default()).collect();
        Reader { stored, classes, buckets, class: Vec::new(), bucket: Vec::new(), numbers }
    }

    /// The events of some groups of a block.
    pub(super) fn window(
        &mut self,
        block: usize,
        users: Users<'_>,
        groups: Range<usize>,
    ) -> Result<Clustered> {
        let stored = Arc::clone(&self.stored);
        let stride = stored.values.len() + 1;
        let parts = stored.table.blocks.get(block).map(Vec::as_slice).unwrap_or_default();
        let mut chunks = Vec::with_capacity(parts.len());
        for (part, _) in parts {
            let owners = owners(part, users, &groups);
            if !owners.is_empty() {
                chunks.push(self.records(part, owners)?);
            }
        }
        if chunks.len() > 1 {
            return Ok(Clustered::of(&chunks, stride, groups));
        }
        Ok(Clustered::sorted(chunks.pop().unwrap_or_default(), stride, groups))
    }

    /// The records of users' events: by their numbers among those asked about.
    fn records(&mut self, part: &Part, mut owners: Vec<(u16, Range<usize>)>) -> Result<Vec<u64>> {
        let stored = Arc::clone(&self.stored);
        let rows = Rows::read(&stored, part, &mut owners)?;
        let times = rows.columns.get(stored.time).and_then(Option::as_ref);
        let Some(times) = times else { return internal_err!("a stored table without times") };
        self.bucket.clear();
        self.buckets.of(times, &mut self.bucket);
        self.classes.of(&rows, &mut self.class)?;
        let mut values = Vec::with_capacity(stored.values.len());
        let numbers = self.numbers.iter_mut().zip(&stored.work.texts);
        let froms = stored.values.iter().zip(&stored.work.seen).zip(numbers);
        for ((from, seen), (numbers, texts)) in froms {
            let value = match (from, texts) {
                (From::Column(column), None) => rows.stored_column(*column)?.clone(),
                (From::Column(column), Some(texts)) => {
                    let column = (rows.stored_column(*column)?, rows.words_of(*column)?);
                    numbers.of_stored(column, texts)?
                }
                (From::Expr(expr, columns), texts) => {
                    let batch = rows.columns(columns)?;
                    let array = expr.evaluate(&batch)?.into_array(batch.num_rows())?;
                    match texts {
                        None => whole(&array)?,
                        Some(texts) => numbers.of(&array, texts)?,
                    }
                }
            };
            seen.note(&value);
            values.push(value);
        }
        let mut records = Vec::with_capacity(rows.count * (values.len() + 1));
        let mut first = 0;
        for (user, range) in &owners {
            let here = first..first + range.len();
            first = here.end;
            let buckets = self.bucket.get(here.clone()).unwrap_or_default();
            let classes = self.class.get(here.clone()).unwrap_or_default();
            let events = Events { user: *user, first: here.start, buckets, classes };
            match values.as_slice() {
                // Most rules ask for one field, which is always there.
                [one] if one.valid.is_none() => {
                    let numbers = one.values.get(here).unwrap_or_default();
                    let events = events.heads().zip(numbers);
                    records.extend(
                        events
                            .filter_map(|((_, head), number)| {
                                head.map(|head| [head.with(0).0, number.cast_unsigned()])
                            })
                            .flatten(),
                    );
                }
                values => {
                    for (row, head) in events.heads() {
                        let Some(mut head) = head else { continue };
                        for (slot, value) in values.iter().enumerate() {
                            if value.is_valid(row) {
                                head = head.with(slot);
                            }
                        }
                        records.push(head.0);
                        let numbers = values.iter().filter_map(|value| value.values.get(row));
                        records.extend(numbers.map(|number| number.cast_unsigned()));
                    }
                }
            }
        }
        Ok(records)
    }
}

/// The events of one user, sorted out.
struct Events<'a> {
    user: u16,
    /// The row of the first.
    first: usize,
    buckets: &'a [u16],
    classes: &'a [u16],
}

impl Events<'_> {
    /// Each row, and the head of its record if any stream takes it.
    fn heads(&self) -> impl Iterator<Item = (usize, Option<Head>)> {
        let sorted = self.buckets.iter().zip(self.classes);
        sorted.zip(self.first..).map(|((bucket, class), row)| {
            let taken = *bucket != OUTSIDE && *class != NONE;
            (row, taken.then(|| Head::new(u32::from(self.user), *bucket, *class)))
        })
    }
}

/// The users of some groups who have events in a part: their numbers, and the rows of each.
fn owners(part: &Part, users: Users<'_>, groups: &Range<usize>) -> Vec<(u16, Range<usize>)> {
    let (places, ends) = part.users();
    let rows = |at: usize| {
        let start = at.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0);
        start as usize..ends.get(at).copied().unwrap_or(start) as usize
    };
    match users {
        Users::All => {
            let end = groups.end * LANES;
            let first = places.partition_point(|place| usize::from(*place) < groups.start * LANES);
            let last = places.partition_point(|place| usize::from(*place) < end);
            let of = places.get(first..last).unwrap_or_default();
            of.iter().zip(first..).map(|(place, at)| (*place, rows(at))).collect()
        }
        Users::Only(asked) => {
            let window = groups.start * LANES..(groups.end * LANES).min(asked.len());
            let numbered = asked.get(window.clone()).unwrap_or_default().iter().zip(window);
            let found = numbered.filter_map(|(place, number)| {
                let at = places.binary_search(place).ok()?;
                Some((u16::try_from(number).ok()?, rows(at)))
            });
            found.collect()
        }
    }
}

/// Ranges of rows that are read in one: all of them, where reading over what is not asked for is
/// cheaper than many small reads, else those without a gap between them.
fn read_in_one(ranges: &[Range<usize>]) -> Vec<&[Range<usize>]> {
    let (Some(first), Some(last)) = (ranges.first(), ranges.last()) else { return Vec::new() };
    let count: usize = ranges.iter().map(Range::len).sum();
    if last.end - first.start < count * SPARSE {
        return vec![ranges];
    }
    ranges.chunk_by(|one, next| one.end == next.start).collect()
}

impl<'a> Rows<'a> {
    /// Reads users' events, of which windows may leave out the first and the last of each user:
    /// `owners` has those that are left.
    fn read(
        stored: &'a StoredWork,
        part: &Part,
        owners: &mut Vec<(u16, Range<usize>)>,
    ) -> Result<Rows<'a>> {
        let mut buffer = Vec::new();
        let times = stored.in_windows(part, owners, &mut buffer)?;
        let ranges: Vec<Range<usize>> = owners.iter().map(|(_, rows)| rows.clone()).collect();
        let (together, count) = (read_in_one(&ranges), times.len());
        let mut columns: Vec<Option<Whole>> = vec![None; stored.table.columns.len()];
        for column in stored.columns.iter().flatten().filter(|column| **column != stored.time) {
            let Some(place) = columns.get_mut(*column).filter(|place| place.is_none()) else {
                continue;
            };
            let mut values = Vec::with_capacity(count);
            let mut valid: Option<Vec<bool>> = None;
            for ranges in &together {
                part.picked(*column, ranges, &mut buffer, &mut values).map_err(external)?;
            }
            let mut before = 0;
            for rows in &ranges {
                let here = part.valid(*column, rows.clone(), &mut buffer).map_err(external)?;
                let Some(here) = here else { break };
                let valid = valid.get_or_insert_default();
                valid.resize(before, true);
                valid.extend(here);
                before += rows.len();
            }
            let valid = valid.map(NullBuffer::from);
            *place = Some(Whole { values: values.into(), valid, unfit: false });
        }
        if let Some(place) = columns.get_mut(stored.time) {
            *place = Some(Whole { values: times.into(), valid: None, unfit: false });
        }
        Ok(Rows { stored, columns, count })
    }

    fn stored_column(&self, column: usize) -> Result<&Whole> {
        match self.columns.get(column) {
            Some(Some(whole)) => Ok(whole),
            _ => internal_err!("the stored column {column} was not read"),
        }
    }

    fn words_of(&self, column: usize) -> Result<&Texts> {
        match self.stored.table.columns.get(column).and_then(|column| column.words.as_deref()) {
            Some(words) => Ok(words),
            None => internal_err!("the stored column {column} has no texts"),
        }
    }

    /// The events as a batch in which only these columns are what they are.
    fn columns(&self, columns: &BTreeSet<usize>) -> Result<RecordBatch> {
        self.batch_of(|column| match columns.contains(&column) {
            true => self.array(column, None),
            false => Ok(new_null_array(self.stored.schema.field(column).data_type(), self.count)),
        })
    }

    fn batch_of(&self, column: impl Fn(usize) -> Result<ArrayRef>) -> Result<RecordBatch> {
        let columns = (0..self.stored.schema.fields().len()).map(column);
        let fields = self.stored.schema.fields().iter();
        // What was left out is null here, whatever its own column allows.
        let fields: Vec<_> = fields.map(|f| f.as_ref().clone().with_nullable(true)).collect();
        let schema = Arc::new(Schema::new(fields));
        Ok(RecordBatch::try_new(schema, columns.collect::<Result<Vec<_>>>()?)?)
    }

    fn stored_place(&self, column: usize) -> Result<usize> {
        match self.stored.columns.get(column) {
            Some(Some(place)) => Ok(*place),
            _ => internal_err!("the column {column} is not stored"),
        }
    }

    /// A column as Arrow has it.
    fn array(&self, column: usize, rows: Option<&UInt32Array>) -> Result<ArrayRef> {
        let data_type = self.stored.schema.field(column).data_type();
        let count = rows.map_or(self.count, Array::len);
        let Some(Some(place)) = self.stored.columns.get(column) else {
            // The user's, which nothing looks at.
            return Ok(new_null_array(data_type, count));
        };
        let whole = self.stored_column(*place)?;
        let texts = self.stored.table.columns.get(*place).and_then(|c| c.words.as_deref());
        let numbers: ArrayRef =
            Arc::new(Int64Array::new(whole.values.clone(), whole.valid.clone()));
        let numbers = match rows {
            None => numbers,
            Some(rows) => take(&numbers, rows, None)?,
        };
        restored(&numbers, data_type, texts)
    }
}

impl Look for Rows<'_> {
    fn rows(&self) -> usize {
        self.count
    }

    fn whole(&self, column: usize) -> Result<Whole> {
        Ok(self.stored_column(self.stored_place(column)?)?.clone())
    }

    fn words(&self, column: usize, _: &mut Words, codes: &mut [u32]) -> Result<bool> {
        let whole = self.stored_column(self.stored_place(column)?)?;
        for (row, (code, number)) in codes.iter_mut().zip(whole.values.iter()).enumerate() {
            if whole.is_valid(row) {
                *code = u32::try_from(number + 1).unwrap_or(u32::MAX);
            }
        }
        Ok(true)
    }

    fn batch(&self, rows: Option<&UInt32Array>) -> Result<RecordBatch> {
        self.batch_of(|column| self.array(column, rows))
    }
}

/// Stored numbers as a column of their type.
fn restored(numbers: &ArrayRef, data_type: &DataType, texts: Option<&Texts>) -> Result<ArrayRef> {
    let numbers: &Int64Array = numbers.as_primitive::<Int64Type>();
    if let Some(texts) = texts {
        let texts: StringViewArray =
            numbers.iter().map(|number| number.and_then(|number| texts.text(number))).collect();
        return Ok(cast(&texts, data_type)?);
    }
    let plain: ArrayRef = match plain_type(data_type) {
        DataType::Boolean => {
            Arc::new(numbers.iter().map(|n| n.map(|n| n != 0)).collect::<BooleanArray>())
        }
        DataType::Float64 => {
            let doubles: Float64Array = numbers.unary::<_, Float64Type>(unordered);
            Arc::new(doubles)
        }
        DataType::Decimal128(precision, scale) => {
            let digits: Decimal128Array = numbers.unary::<_, Decimal128Type>(i128::from);
            Arc::new(digits.with_precision_and_scale(precision, scale)?)
        }
        DataType::Date32 => {
            let days = numbers.iter().map(|n| n.and_then(|n| i32::try_from(n).ok()));
            Arc::new(days.collect::<Date32Array>())
        }
        DataType::Timestamp(unit, zone) => {
            let own = DataType::Timestamp(unit, zone);
            let times: TimestampMicrosecondArray = numbers.reinterpret_cast();
            make_array(times.into_data().into_builder().data_type(own).build()?)
        }
        other => cast(numbers, &other)?,
    };
    Ok(if plain.data_type() == data_type { plain } else { cast(&plain, data_type)? })
}
