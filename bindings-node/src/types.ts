// What verbs answer: plain objects with the names of the engine's own, in camel case. Instants are `Date`s.

import type { Keys } from "./keys.js";
import type { Problem } from "./errors.js";
import type { Row } from "./rows.js";

/** A document of the rule language, as JSON says it. An integer that a number does not hold is a bigint. */
export type Document = Record<string, any>;

/** One page of a long list. */
export interface Page<T> {
  items: T[];
  /** How many entries there are on all pages. */
  total: number;
  /** Which page this is, from 1. */
  page: number;
  pages: number;
}

/** A stored rule. */
export interface Rule {
  id: number;
  /** 1 for the first wording, one more with each change. */
  version: number;
  createdAt: Date | null;
  updatedAt: Date | null;
  /** Its document, which can be sent back as it is. */
  document: Document;
}

/** One wording that a rule has or had. */
export interface RuleVersion {
  version: number;
  /** Since when. */
  at: Date;
  /** The wording; nothing marks the deletion. */
  document: Document | null;
}

/** What an update of a rule touches. */
export interface Updated {
  /** Rules whose segments may change because they need the one that was updated. */
  affects: { ruleId: number; ruleName: string }[];
}

/** A segment that can answer a rule or a part of it. */
export interface Reused {
  ruleId: number;
  /** JSON Pointers to the parts of the rule that it answers. */
  covers: string[];
  how: "equal" | "contains";
  operation: string;
  /** Whether the cost favours it. */
  chosen: boolean;
  reason: string;
}

/** What the dependency finder found. */
export interface Dependencies {
  dependsOn: number[];
  operation?: string | null;
  /** JSON Pointers to the parts that are left to be evaluated. */
  evaluated: string[];
  /** All that is usable, chosen or not. */
  reused: Reused[];
  /** The rules that it needs, in the order in which a run evaluates them. */
  order: number[];
}

/** A segment that a run published. */
export interface RunSegment {
  ruleId: number;
  segmentName: string;
  rowCount: number;
  entered: number;
  exited: number;
  /** Keys of `include` and `exclude` that no user has. */
  unmatched: number;
  reused: Reused[];
  sql: string;
}

/** One refresh of one or more rules at one `asOf`. */
export interface Run {
  id: number;
  asOf: Date;
  /** In the order of evaluation. */
  segments: RunSegment[];
  /** Rules that failed, each by itself. */
  failed: { ruleId: number; ruleName: string; problems: Problem[] }[];
  /** Rules that were not evaluated because one that they need failed. */
  skipped: { ruleId: number; ruleName: string; reason: string }[];
  /** Rows of each source that were read. */
  scanned: Record<string, number>;
  usersEvaluated: number;
  rulesIncremental: number;
  rulesPlanned: number;
  seconds: number;
  /** The same seconds by stage. */
  stages: Record<string, number>;
}

/** What a run tells while it goes on. */
export type RunEvent =
  | { event: "started"; rules: number }
  | { event: "evaluated"; ruleId: number; ruleName: string; rowCount: number; done: number; of: number }
  | { event: "failed"; ruleId: number; ruleName: string; reason: string; done: number; of: number }
  | RunProgress
  | { event: "published"; runId: number };

/** The run has moved on within a stage that all rules have together. */
export interface RunProgress {
  event: "progress";
  stage: "read" | "store" | "evaluate";
  /** The table that is read or stored. */
  table?: string;
  done: number;
  of: number;
}

/** One version of a segment. */
export interface SegmentVersion {
  version: number;
  ruleVersion: number;
  asOf: Date;
  runId: number;
  rowCount: number;
  entered: number;
  exited: number;
}

/** A current segment in a list; `engine.segment` loads its members. */
export interface SegmentEntry {
  id: number;
  ruleId: number;
  segmentName: string;
  description: string | null;
  tableName: string;
  rowCount: number;
  sqlQuery: string | null;
  lastRefreshedAt: Date | null;
  /** The version that is current; nothing of a segment of the original platform, which kept no members. */
  current: SegmentVersion | null;
}

/** Who came and who went between two versions. */
export interface Changes {
  entered: Keys;
  exited: Keys;
}

/** What a run has changed in one segment. */
export interface SegmentChange extends Changes {
  runId: number;
  ruleId: number;
  version: number;
  asOf: Date;
  /** The version that it is compared with, 0 for the first; nothing if that is gone: `entered` is everyone then. */
  since: number | null;
}

/** Changes of segments, by run and rule. */
export interface Feed {
  changes: SegmentChange[];
  /** The last run that was looked at: the feed goes on from here. */
  upTo: number;
}

/** What conditions would give; nothing is stored. */
export interface Preview {
  count: number;
  of: number;
  sql: string;
  /** Under a topmost `and` how many users are left after each condition, else how many each takes by itself. */
  steps: { path: string; text: string; count: number }[];
  /** Up to 100 of the users. */
  sample: Row[];
}

/** A condition or a group of an `Explanation`. */
export interface Explained {
  path: string;
  /** `and`, `or`, `not and`, `not or`, the name of an operation, `segment`, or `condition`. */
  kind: string;
  text: string;
  holds: boolean;
  /** What the user has; absent for groups and where there is no value. */
  value?: any;
  needed?: string;
  cutoff?: any;
  /** The window as instants, half-open; an open edge is `null`. */
  window?: { start: Date | null; end: Date | null };
  parts?: Explained[];
}

/** Why one user is in a segment, or why not. */
export interface Explanation {
  key: bigint | string;
  asOf: Date;
  member: boolean;
  included: boolean;
  excluded: boolean;
  root: Explained;
}

/** What segments share, pair by pair. */
export interface Overlap {
  segments: { ruleId: number; segmentName: string; rowCount: number }[];
  pairs: { first: number; second: number; count: number; jaccard: number }[];
}

/** Where a rule's segment comes from, and what comes from it. */
export interface Lineage {
  ruleId: number;
  nodes: { ruleId: number; ruleName: string; rowCount: number | null; asOf: Date | null; enabled: boolean }[];
  /** From the rule whose segment is used to the one that uses it. */
  edges: { from: number; to: number; kind: "operand" | "condition" | "reused"; reason: string }[];
}

/** A field that conditions can be about. */
export interface FieldInfo {
  name: string;
  /** The table that it is a column of; nothing for traits and the language's own fields. */
  table: string | null;
  type: string;
  operators: string[];
  /** The values that it has, if it is a string with at most a hundred. */
  values: string[] | null;
}

/** A registered table. */
export interface SourceInfo {
  name: string;
  kind: "parquet" | "csv" | "arrow" | "sqlite" | "table";
  location: string | null;
  /** Columns with their Arrow types. */
  schema: { name: string; type: string; nullable: boolean }[];
  rows: number | null;
  cursor: string | null;
  appendOnly: boolean;
  readAt: Date | null;
}

/** Figures of the data as it is and of what was computed from it. */
export interface Summary {
  totalUsers: number;
  totalTransactions: number;
  /** The sum of the trait `total_spend` with all of its digits; nothing where the model has none. */
  totalSpend: string | null;
  totalRules: number;
  totalSegments: number;
  lastRun: Run | null;
}

/** Something that is damaged, and how to mend it. */
export interface Damage {
  code: string;
  what: string;
  place: string;
  message: string;
  hint: string;
}

/** What a check looked at, and what of it is damaged. */
export interface Check {
  lookedAt: Record<string, number>;
  damaged: Damage[];
  /** Whether nothing is damaged. */
  isSound: boolean;
}

/** What a vacuum has dropped. */
export interface Vacuumed {
  versions: number;
  bitmaps: number;
  runs: number;
  bytesBefore: number;
  bytesAfter: number;
  damaged: Damage[];
}

/** What `forget` has done. */
export interface Forgotten {
  known: boolean;
  segments: number;
  versions: number;
  /** Wordings that have the key in `include` or `exclude`. */
  pickedBy: { ruleId: number; ruleName: string; version: number; current: boolean; paths: string[] }[];
}

/** A table in the profile store. */
export interface StoredTableInfo {
  table: string;
  rows: number;
  parts: number;
  bytes: number;
  columns: string[];
  generation: number;
  readAt: Date;
  freshness: "current" | "behind" | "unknown";
  cursor: { column: string; value: string } | null;
}

/** Size, rows and freshness of the profile store. */
export interface StoreStatus {
  folder: string;
  bytes: number;
  rows: number;
  generation: number;
  tables: StoredTableInfo[];
  damaged: string[];
}

/** A rule that is due. */
export interface DueRule {
  ruleId: number;
  ruleName: string;
  schedule: string;
  firing: Date;
  missed: number;
  failures: number;
}

/** How a rule with a schedule stands. */
export interface RuleStatus {
  ruleId: number;
  ruleName: string;
  enabled: boolean;
  schedule: string;
  broken: boolean;
  dueSince: Date | null;
  late: boolean;
  runningBy: string | null;
  runningSince: Date | null;
  nextRun: Date | null;
  refreshed: Date | null;
  missed: number;
  missedAt: Date | null;
  failures: number;
  reason: string | null;
  retryAt: Date | null;
}

/** What a scheduler does, and how all rules with a schedule stand. */
export interface SchedulerStatus {
  started: boolean;
  lastTurn: Date | null;
  error: string | null;
  /** Its run that is under way. */
  run: { since: Date; rules: number[]; done: number; of: number } | null;
  /** Runs that were asked for. */
  queued: { runId: number; ruleId: number; requestedAt: Date }[];
  rules: RuleStatus[];
}

/** What an engine is doing, and how its runs have ended since it was made. */
export interface EngineStatus {
  running: RunUnderWay | null;
  waiting: number;
  published: number;
  failed: number;
  stopped: number;
  lastPublishedAt: Date | null;
  lastError: { code: string; at: Date; message: string } | null;
  /** Rules that failed or were skipped when they were last asked for. */
  failing: { ruleId: number; ruleName: string; reason: string; since: Date; last: Date; times: number }[];
}

/** A run that is not over. */
export interface RunUnderWay {
  startedAt: Date;
  stage: string;
  stageSince: Date;
  /** What of the stage was told of last. */
  progress: RunProgress | null;
  rulesDone: number;
  rules: number;
  rows: Record<string, number>;
}
