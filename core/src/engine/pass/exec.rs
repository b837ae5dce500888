//! The shared pass as a DataFusion operator: scans of event tables in, masks of atoms out.
//!
//! Workers read partitions of the tables as they become free and sort events by the blocks of their
//! users (read.rs); then they take blocks, one after the other, and work out all atoms of each
//! (work.rs). A batch has the users of one block, or some of them (masks.rs).

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{
    Boundedness, ChildrenPropertiesMode, EmissionType, ReplaceChildrenOptions,
};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
};
use roaring::RoaringBitmap;

use crate::plan::{PassPlan, Reading};

use super::super::progress::Meter;
use super::attributes::Attributes;
use super::chunks::BLOCK;
use super::decode::{Ordinals, TableWork};
use super::masks::schema;
use super::read::read;
use super::stored::StoredWork;
use super::texts::Texts;
use super::work::evaluate_all;

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
    /// A stage for each scan, of its partitions, and the last of blocks.
    pub(super) meter: Arc<Meter>,
}

/// What a worker of either half gave.
pub(super) fn joined<T>(task: std::result::Result<Result<T>, tokio::task::JoinError>) -> Result<T> {
    task.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))?
}

/// Where a table's events come from.
pub(super) enum Events {
    /// The child of that number.
    Scan(usize),
    Stored(Arc<StoredWork>),
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

    pub(super) fn blocks(&self) -> usize {
        self.users.div_ceil(BLOCK) as usize
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
            evaluate_all(&pass, events, &context, &out).await
        });
        Ok(builder.build())
    }
}
