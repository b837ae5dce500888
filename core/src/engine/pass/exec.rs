//! The shared pass as a DataFusion operator: scans of event tables in, masks of atoms out.
//!
//! Workers read partitions of the tables as they become free and sort events by the blocks of their
//! users; then they take blocks, one after the other, and work out all atoms of each. A batch is one
//! block: `atom` (UInt32), `block` (UInt32) and `members` (Binary, 8,192 bytes of 65,536 bits, the
//! lowest first).

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{BinaryBuilder, RecordBatch, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::runtime::JoinSet;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{
    Boundedness, ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, Partitioning,
    PhysicalExpr, PlanProperties,
};
use futures::TryStreamExt;
use tokio::sync::mpsc::Sender;

use roaring::RoaringBitmap;

use crate::plan::{PassPlan, Reading};

use super::attributes::Attributes;
use super::block::{Clustered, GROUPS, Prepared, Scratch, evaluate};
use super::chunks::{BLOCK, Chunks};
use super::decode::{Decoder, Ordinals, TableWork};
use super::lanes::LANES;
use super::stored::{Reader, StoredWork, Users};
use super::texts::Texts;

/// The operator. Its children are scans of those tables of the plan that are not stored.
pub(crate) struct SharedPassExec {
    pass: Arc<Pass>,
    inputs: Vec<Arc<dyn ExecutionPlan>>,
    properties: Arc<PlanProperties>,
}

/// What all workers share.
pub(super) struct Pass {
    pub(super) plan: PassPlan,
    pub(super) tables: Vec<Arc<TableWork>>,
    /// Where the events of each table come from.
    pub(super) events: Vec<Events>,
    pub(super) texts: Arc<Texts>,
    pub(super) attributes: Arc<Attributes>,
    /// The users that are asked about, if not all are; only where all tables are stored.
    pub(super) only: Option<RoaringBitmap>,
    pub(super) ordinals: Ordinals,
    /// How many ordinals there are.
    pub(super) users: u32,
    pub(super) workers: usize,
}

/// Where a table's events come from.
pub(super) enum Events {
    /// The child of that number.
    Scan(usize),
    Stored(Arc<StoredWork>),
}

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("atom", DataType::UInt32, false),
        Field::new("block", DataType::UInt32, false),
        Field::new("members", DataType::Binary, false),
    ]))
}

impl SharedPassExec {
    pub(super) fn new(pass: Pass, inputs: Vec<Arc<dyn ExecutionPlan>>) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema()),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        SharedPassExec { pass: Arc::new(pass), inputs, properties: Arc::new(properties) }
    }

    /// The atoms that could not be worked out because a value that they read does not fit. To be
    /// asked once all batches have come.
    pub(super) fn unfit(&self) -> BTreeSet<usize> {
        self.pass.unfit()
    }
}

impl Pass {
    fn unfit(&self) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        let kept = self.plan.kept.iter().enumerate();
        let unfit = kept.filter(|(place, _)| self.attributes.unfit(*place));
        let mut unfit: BTreeSet<usize> = unfit.map(|(place, _)| place).collect();
        for stream in &self.plan.streams {
            let bad = |measure: usize, extreme: bool| {
                let slots = stream.measures.get(measure).and_then(|m| m.slots.as_ref());
                let values = slots.into_iter().flatten().zip(&stream.members);
                values.into_iter().any(|(slot, (table, _))| {
                    let table = self.tables.get(*table);
                    table.and_then(|table| table.seen.get(*slot)).is_some_and(|seen| {
                        seen.unfit.load(Ordering::Relaxed)
                            || (extreme && seen.at_end.load(Ordering::Relaxed))
                    })
                })
            };
            for metric in &stream.metrics {
                let bad = match metric.reading {
                    Reading::Total(measure) | Reading::End(measure) => bad(measure, false),
                    Reading::Ratio(sum, _, _) => bad(sum, false),
                    Reading::Extreme(measure) => bad(measure, true),
                };
                if bad {
                    found.extend(metric.atoms.iter().map(|(atom, _)| *atom));
                    unfit.extend(metric.kept);
                }
            }
        }
        for (compare, atom) in &self.plan.compares {
            if unfit.contains(&compare.left) || unfit.contains(&compare.right) {
                found.insert(*atom);
            }
        }
        found
    }

    fn blocks(&self) -> usize {
        self.users.div_ceil(BLOCK) as usize
    }
}

/// The chunks of all workers, by table; none of a stored table.
type Read = Vec<Mutex<Vec<Chunks>>>;

/// Reads every table that is not stored.
async fn read(
    pass: &Arc<Pass>,
    inputs: &[Arc<dyn ExecutionPlan>],
    context: &Arc<TaskContext>,
) -> Result<Read> {
    let mut found = Vec::with_capacity(pass.tables.len());
    for (work, events) in pass.tables.iter().zip(&pass.events) {
        let input = match events {
            Events::Scan(child) => inputs.get(*child),
            Events::Stored(_) => None,
        };
        let Some(input) = input else {
            found.push(Mutex::default());
            continue;
        };
        let next = Arc::new(AtomicUsize::new(0));
        let partitions = input.output_partitioning().partition_count();
        let mut workers = JoinSet::new();
        for _ in 0..pass.workers.clamp(1, partitions.max(1)) {
            let (pass, work, input) = (Arc::clone(pass), Arc::clone(work), Arc::clone(input));
            let (next, context) = (Arc::clone(&next), Arc::clone(context));
            workers.spawn(async move {
                let memory = MemoryConsumer::new("shared pass").register(context.memory_pool());
                let mut chunks = Chunks::new(work.values.len(), pass.blocks(), memory);
                let mut decoder = Decoder::new(work, Arc::clone(&pass.ordinals));
                loop {
                    let partition = next.fetch_add(1, Ordering::Relaxed);
                    if partition >= partitions {
                        return Ok::<_, DataFusionError>(chunks);
                    }
                    let mut batches = input.execute(partition, Arc::clone(&context))?;
                    while let Some(batch) = batches.try_next().await? {
                        decoder.take(&batch, &mut chunks)?;
                        // A table in memory never waits, and what never waits can't be stopped.
                        tokio::task::yield_now().await;
                    }
                }
            });
        }
        let mut chunks = Vec::new();
        while let Some(worker) = workers.join_next().await {
            chunks.push(joined(worker)?);
        }
        found.push(Mutex::new(chunks));
    }
    Ok(found)
}

fn joined<T>(task: std::result::Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    task.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))?
}

/// Works out every block.
async fn evaluate_all(
    pass: &Arc<Pass>,
    read: Read,
    out: &Sender<Result<RecordBatch>>,
) -> Result<()> {
    let read = Arc::new(read);
    let next = Arc::new(AtomicUsize::new(0));
    let mut workers = JoinSet::new();
    for _ in 0..pass.workers.clamp(1, pass.blocks().max(1)) {
        let (pass, read, next) = (Arc::clone(pass), Arc::clone(&read), Arc::clone(&next));
        let out = out.clone();
        workers.spawn(async move {
            let mut worker = Worker::new(&pass);
            loop {
                let block = next.fetch_add(1, Ordering::Relaxed);
                if block >= pass.blocks() {
                    return Ok::<_, DataFusionError>(());
                }
                let Some(masks) = worker.block(&read, block).await? else { continue };
                if out.send(Ok(batch_of(&pass, block, &masks)?)).await.is_err() {
                    return Ok(());
                }
                tokio::task::yield_now().await;
            }
        });
    }
    while let Some(worker) = workers.join_next().await {
        joined(worker)?;
    }
    Ok(())
}

/// One worker of the second half.
struct Worker<'a> {
    pass: &'a Pass,
    prepared: Prepared<'a>,
    scratch: Scratch,
    /// Of the tables that are stored.
    readers: Vec<Option<Reader>>,
}

/// So many groups of stored events are worked on at once: they should stay in the processor's
/// cache.
const WINDOW: usize = 16;

/// A block's masks, group by group; for only some users, the places of those.
struct Masks {
    masks: Vec<u64>,
    places: Option<Vec<u16>>,
}

impl<'a> Worker<'a> {
    fn new(pass: &'a Pass) -> Self {
        let readers = pass.events.iter().map(|events| match events {
            Events::Scan(_) => None,
            Events::Stored(stored) => Some(Reader::new(Arc::clone(stored))),
        });
        Worker {
            pass,
            prepared: Prepared::new(&pass.plan, &pass.tables),
            scratch: Scratch::default(),
            readers: readers.collect(),
        }
    }

    /// The masks of a block; nothing if nobody in it is asked about.
    async fn block(&mut self, read: &Read, block: usize) -> Result<Option<Masks>> {
        let places = self.pass.only.as_ref().map(|only| places(only, block));
        if places.as_ref().is_some_and(Vec::is_empty) {
            return Ok(None);
        }
        let groups = places.as_ref().map_or(GROUPS, |places| places.len().div_ceil(LANES));
        let mut tables: Vec<Clustered> = Vec::with_capacity(read.len());
        for (chunks, work) in read.iter().zip(&self.pass.tables) {
            let mut workers = chunks.lock().unwrap_or_else(PoisonError::into_inner);
            let chunks: Vec<Vec<u64>> =
                workers.iter_mut().flat_map(|chunks| chunks.take(block)).collect();
            drop(workers);
            tables.push(Clustered::of(&chunks, work.values.len() + 1, 0..GROUPS));
        }
        let mut masks = vec![0u64; self.pass.plan.atoms * GROUPS];
        let compares = &mut self.scratch.kinds.compares;
        compares.begin(&self.pass.attributes, block, places.as_deref());
        let stored = self.readers.iter().any(Option::is_some);
        let window = if stored { WINDOW } else { GROUPS };
        for first in (0..groups).step_by(window) {
            let groups = first..(first + window).min(groups);
            for (table, reader) in tables.iter_mut().zip(&mut self.readers) {
                let Some(reader) = reader else { continue };
                let users = places.as_deref().map_or(Users::All, Users::Only);
                *table = reader.window(block, users, groups.clone())?;
            }
            self.scratch.kinds.texts.learn(&self.pass.texts)?;
            evaluate(&self.prepared, &tables, groups, &mut self.scratch, &mut masks);
            if first % (window * 16) == 0 {
                tokio::task::yield_now().await;
            }
        }
        Ok(Some(Masks { masks, places }))
    }
}

/// The places of a block's users in a set, ascending.
fn places(users: &RoaringBitmap, block: usize) -> Vec<u16> {
    let first = u32::try_from(block).unwrap_or(u32::MAX).saturating_mul(BLOCK);
    let of_block = users.range(first..=first.saturating_add(BLOCK - 1));
    of_block.map(|user| (user & (BLOCK - 1)) as u16).collect()
}

/// The atoms of a block as a batch.
fn batch_of(pass: &Pass, block: usize, masks: &Masks) -> Result<RecordBatch> {
    let count = pass.plan.atoms;
    let mut members = BinaryBuilder::with_capacity(count, count * GROUPS * 8);
    let mut bytes = Vec::with_capacity(GROUPS * 8);
    for mask in masks.masks.chunks_exact(GROUPS) {
        bytes.clear();
        match &masks.places {
            None => bytes.extend(mask.iter().flat_map(|word| word.to_le_bytes())),
            Some(places) => spread(mask, places, &mut bytes),
        }
        members.append_value(&bytes);
    }
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let columns: Vec<arrow::array::ArrayRef> = vec![
        Arc::new(UInt32Array::from_iter_values((0..count).map(number))),
        Arc::new(UInt32Array::from(vec![number(block); count])),
        Arc::new(members.finish()),
    ];
    Ok(RecordBatch::try_new(schema(), columns)?)
}

/// Puts the bits of some users in their places of a block.
fn spread(mask: &[u64], places: &[u16], bytes: &mut Vec<u8>) {
    bytes.resize(GROUPS * 8, 0);
    for (word, places) in mask.iter().zip(places.chunks(LANES)) {
        let mut word = *word;
        while word != 0 {
            if let Some(place) = places.get(word.trailing_zeros() as usize)
                && let Some(byte) = bytes.get_mut(usize::from(place / 8))
            {
                *byte |= 1 << (place % 8);
            }
            word &= word - 1;
        }
    }
}

impl fmt::Debug for SharedPassExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_as(DisplayFormatType::Default, f)
    }
}

impl DisplayAs for SharedPassExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (plan, metrics) = (&self.pass.plan, |s: &crate::plan::PassStream| s.metrics.len());
        write!(
            f,
            "SharedPassExec: atoms={}, metrics={}, streams={}, buckets={}",
            plan.atoms,
            plan.streams.iter().map(metrics).sum::<usize>(),
            plan.streams.len(),
            plan.buckets
        )
    }
}

impl ExecutionPlan for SharedPassExec {
    fn name(&self) -> &'static str {
        "SharedPassExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if children.len() != self.inputs.len() {
            return internal_err!("a shared pass has {} children", self.inputs.len());
        }
        let (pass, properties) = (Arc::clone(&self.pass), Arc::clone(&self.properties));
        Ok(Arc::new(SharedPassExec { pass, inputs: children, properties }))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("a shared pass has one partition, not {}", partition + 1);
        }
        let mut builder = RecordBatchReceiverStreamBuilder::new(schema(), self.pass.workers);
        let (pass, inputs, out) = (Arc::clone(&self.pass), self.inputs.clone(), builder.tx());
        builder.spawn(async move {
            let events = read(&pass, &inputs, &context).await?;
            evaluate_all(&pass, events, &out).await
        });
        Ok(builder.build())
    }
}
