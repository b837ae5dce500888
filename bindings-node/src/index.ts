// Segmentry, an embeddable audience-segmentation engine: what the package exports.

export type { Conditions, Key, RuleDocument, RuleRef } from "./arguments.js";
export type { Stoppable } from "./calls.js";
export { SegmentEngine, type EngineOptions } from "./engine.js";
export {
  BusyError,
  CancelledError,
  ConflictError,
  DataError,
  InternalError,
  InvalidError,
  NotFoundError,
  SegmentryError,
  type Kind,
  type Problem,
} from "./errors.js";
export { exactly, type Instant } from "./instants.js";
export { Keys } from "./keys.js";
export {
  AudienceModel,
  DependencyFinder,
  MemoryCatalog,
  RuleGraph,
  RuleParser,
  SqliteCatalog,
  type Inferred,
  type NumberedRules,
  type Tables,
} from "./parts.js";
export { PendingRows, Rows, type Row, type Value } from "./rows.js";
export { Scheduler } from "./scheduler.js";
export { Segment, type ExportFormat, type MembersOptions } from "./segment.js";
export type { ArrowData, ArrowTable } from "./tables.js";
export type * from "./types.js";
export type { Paging, Searching } from "./verbs/base.js";
export type { AsOf, Dialect } from "./verbs/questions.js";
export type { RefreshOptions, SchedulerOptions, SegmentOptions } from "./verbs/runs.js";
export type { ArrowOptions, FileOptions, SqliteOptions } from "./verbs/sources.js";
export type { VacuumOptions } from "./verbs/upkeep.js";
