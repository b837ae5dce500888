//! Batches of a table's events made into records of their users' blocks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use datafusion::common::Result;
use datafusion::physical_plan::PhysicalExpr;

use crate::segment::NO_ORDINAL;

use super::buckets::{Buckets, OUTSIDE};
use super::chunks::{BLOCK, Chunks, Head};
use super::classes::{Classes, CodedColumn, Filter, Look, NONE, Registry};
use super::texts::{Numbers, Texts};
use super::whole::{Whole, whole};

/// Gives the ordinals of a column of keys; [`NOBODY`] for those that no user has.
pub(crate) type Ordinals = Arc<dyn Fn(&ArrayRef, &mut Vec<u32>) -> Result<()> + Send + Sync>;

/// The ordinal of no user.
pub(crate) const NOBODY: u32 = NO_ORDINAL;

/// If fewer events of a batch than one in so many are taken, they are picked out of it first.
const FEW: usize = 2;

/// What all workers of a table know.
pub(super) struct TableWork {
    pub(super) user: Arc<dyn PhysicalExpr>,
    /// The place of the time's column in the batches.
    pub(super) time: usize,
    pub(super) values: Vec<Arc<dyn PhysicalExpr>>,
    /// Of each value that is a text, all texts.
    pub(super) texts: Vec<Option<Arc<Texts>>>,
    pub(super) filters: Vec<Filter>,
    pub(super) coded: Vec<CodedColumn>,
    pub(super) bounds: Vec<i64>,
    pub(super) open: bool,
    pub(super) registry: Arc<Registry>,
    pub(super) seen: Vec<Seen>,
}

/// What is known of a value once all events are read.
#[derive(Default)]
pub(super) struct Seen {
    /// The greatest magnitude.
    pub(super) most: AtomicU64,
    /// One did not fit 64 bits.
    pub(super) unfit: AtomicBool,
    /// One was an end of the 64-bit range, which stands for no value among extremes.
    pub(super) at_end: AtomicBool,
}

/// One worker's decoder of a table.
pub(super) struct Decoder {
    table: Arc<TableWork>,
    classes: Classes,
    ordinals: Ordinals,
    buckets: Buckets,
    bucket: Vec<u16>,
    class: Vec<u16>,
    users: Vec<u32>,
    /// Of the values that are texts.
    numbers: Vec<Numbers>,
}

impl Decoder {
    pub(super) fn new(table: Arc<TableWork>, ordinals: Ordinals) -> Self {
        let registry = Arc::clone(&table.registry);
        let classes = Classes::new(registry, table.filters.clone(), &table.coded);
        let buckets = Buckets::new(&table.bounds, table.open);
        let (bucket, class, users) = (Vec::new(), Vec::new(), Vec::new());
        let numbers = table.values.iter().map(|_| Numbers::default()).collect();
        Decoder { table, classes, ordinals, buckets, bucket, class, users, numbers }
    }

    /// Adds a batch's events to the blocks of their users.
    pub(super) fn take(&mut self, batch: &RecordBatch, out: &mut Chunks) -> Result<()> {
        let table = Arc::clone(&self.table);
        self.bucket.clear();
        self.buckets.of(&batch.whole(table.time)?, &mut self.bucket);
        if self.bucket.iter().all(|bucket| *bucket == OUTSIDE) {
            return Ok(());
        }
        self.classes.of(batch, &mut self.class)?;
        let Some(few) = self.few() else { return self.records(batch, out) };
        if few.is_empty() {
            return Ok(());
        }
        let taken = few.values().iter().map(|row| *row as usize);
        self.bucket = taken.clone().filter_map(|row| self.bucket.get(row).copied()).collect();
        self.class = taken.filter_map(|row| self.class.get(row).copied()).collect();
        self.records(&take_record_batch(batch, &few)?, out)
    }

    /// The events that any stream takes, if these are so few that the others are better left out
    /// before anything else is done with them.
    fn few(&self) -> Option<UInt32Array> {
        let sorted = self.bucket.iter().zip(&self.class);
        let taken = |(bucket, class): (&u16, &u16)| *bucket != OUTSIDE && *class != NONE;
        let count = sorted.clone().filter(|event| taken(*event)).count();
        (count * FEW < self.bucket.len()).then(|| {
            let rows = sorted.zip(0u32..).filter(|(event, _)| taken(*event));
            rows.map(|(_, row)| row).collect::<Vec<u32>>().into()
        })
    }

    /// Makes records of events whose buckets and classes are known.
    fn records(&mut self, batch: &RecordBatch, out: &mut Chunks) -> Result<()> {
        let table = Arc::clone(&self.table);
        (self.ordinals)(&column(&table.user, batch)?, &mut self.users)?;
        let mut values = Vec::with_capacity(table.values.len());
        let numbers = self.numbers.iter_mut().zip(&table.texts);
        for ((expr, seen), (numbers, texts)) in table.values.iter().zip(&table.seen).zip(numbers) {
            let array = column(expr, batch)?;
            let value = match texts {
                None => whole(&array)?,
                Some(texts) => numbers.of(&array, texts)?,
            };
            seen.note(&value);
            values.push(value);
        }
        let rows = self.bucket.iter().zip(&self.class).zip(&self.users).enumerate();
        for (row, ((bucket, class), user)) in rows {
            if *bucket == OUTSIDE || *class == NONE || *user == NOBODY {
                continue;
            }
            let mut head = Head::new(*user, *bucket, *class);
            for (slot, value) in values.iter().enumerate() {
                if value.is_valid(row) {
                    head = head.with(slot);
                }
            }
            let Some(room) = out.room((*user / BLOCK) as usize)? else { continue };
            room.push(head.0);
            let numbers = values.iter().filter_map(|value| value.values.get(row));
            room.extend(numbers.map(|number| number.cast_unsigned()));
        }
        Ok(())
    }
}

impl Seen {
    pub(super) fn note(&self, value: &Whole) {
        if value.unfit {
            self.unfit.store(true, Ordering::Relaxed);
        }
        let mut most = 0;
        let mut at_end = false;
        for (row, number) in value.values.iter().enumerate() {
            let here = value.is_valid(row);
            most = most.max(if here { number.unsigned_abs() } else { 0 });
            at_end |= here && (*number == i64::MIN || *number == i64::MAX);
        }
        self.most.fetch_max(most, Ordering::Relaxed);
        if at_end {
            self.at_end.store(true, Ordering::Relaxed);
        }
    }
}

fn column(expr: &Arc<dyn PhysicalExpr>, batch: &RecordBatch) -> Result<ArrayRef> {
    expr.evaluate(batch)?.into_array(batch.num_rows())
}
