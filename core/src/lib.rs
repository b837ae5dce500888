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
mod segment;
mod source;
mod stack;
mod store;

pub use catalog::{
    Catalog, MemoryCatalog, NewMembers, NewRun, NewSegment, Page, Published, RuleChange, RuleRow,
    RuleSet, RuleText, RuleVersion, RunRow, SegmentRow, SqliteCatalog, StoredMembers, VersionRow,
};
pub use clock::{Clock, ManualClock, SystemClock};
pub use dependency::{
    Dependencies, DependencyFinder, How, Lineage, LineageEdge, LineageKind, LineageNode, Reused,
    RuleGraph, RuleLibrary,
};
pub use document::{
    Document, MAX_BYTES, MAX_CONDITIONS, MAX_LEVELS, MAX_VALUES, Number, NumberError,
};
pub use engine::{
    AffectedRule, EngineBuilder, EngineStatus, Evaluation, Explained, ExplainedWindow, Explanation,
    FailingRule, FieldInfo, Freshness, Listed, Overlap, OverlapPair, OverlapSegment, Preview,
    PreviewStep, Refresh, RuleDocument, RuleEntry, Run, RunEvent, RunFailure, RunSegment, RunSkip,
    RunStage, RunUnderWay, SegmentEngine, StoreStatus, StoredCursor, StoredTableInfo, Summary,
    Updated,
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
