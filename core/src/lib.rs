#![doc = include_str!("../../README.md")]
#![doc = include_str!("../ARCHITECTURE.md")]

mod clock;
mod document;
mod error;

pub(crate) mod catalog;
mod dependency;
mod engine;
mod model;
mod plan;
mod predicate;
mod rule;
mod schedule;
mod segment;
mod source;
mod stack;
mod store;

pub use catalog::{
    Catalog, CatalogUpkeep, Check, Damage, Dropped, Erased, Lease, LeaseRow, Leased, MemoryCatalog,
    NewLease, NewMembers, NewRun, NewSegment, Owner, Page, Published, QueuedRow, RuleChange,
    RuleRow, RuleSet, RuleText, RuleVersion, RunRow, ScheduleRow, SegmentRow, Settled,
    SqliteCatalog, StoredMembers, VersionRow,
};
pub use clock::{Clock, ManualClock, Sleep, SystemClock};
pub use dependency::{
    Dependencies, DependencyFinder, How, Lineage, LineageEdge, LineageKind, LineageNode, Reused,
    RuleGraph, RuleLibrary,
};
pub use document::{
    Document, MAX_BYTES, MAX_CONDITIONS, MAX_LEVELS, MAX_VALUES, Number, NumberError,
};
pub use engine::{
    AffectedRule, DueRule, EngineBuilder, EngineStatus, Evaluation, Explained, ExplainedWindow,
    Explanation, FailingRule, Feed, FieldInfo, Forgotten, Freshness, Listed, Misfire, Overlap,
    OverlapPair, OverlapSegment, PickedBy, Preview, PreviewStep, QueuedRun, Refresh, Retention,
    RuleDocument, RuleEntry, RuleStatus, Run, RunEvent, RunFailure, RunSegment, RunSkip, RunStage,
    RunUnderWay, ScheduledRun, Scheduler, SchedulerOptions, SchedulerStatus, SegmentChange,
    SegmentEngine, Stop, StoreStatus, StoredCursor, StoredTableInfo, Summary, Updated, Vacuumed,
};
pub use error::{Code, Error, Kind, Problem, Result};
pub use model::{
    AudienceModel, Events, FieldType, Inferred, Key, KeyColumn, KeyType, Table, Trait, Users,
};
pub use plan::Dialect;
pub use rule::{
    Aggregate, At, Calendar, Combinator, Condition, Disabled, Duration, Group, Metric, Moment,
    Node, Operand, Operation, Operator, Period, Place, Radius, RankSize, Rule, RuleParser, RuleRef,
    Scalar, Schedule, SegmentCondition, Sequence, Step, Subject, Unit, Window,
};
pub use segment::{Changes, ExportFormat, Segment};
pub use source::{FileOptions, SourceInfo, SourceKind, SqliteOptions, TableOptions};
