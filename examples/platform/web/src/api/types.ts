// The shapes that pages work with.
import type { Json } from "../lib/json";
import type { Problem } from "./client";

export type Document = { [member: string]: Json };

export interface Page<T> { items: T[]; total: number; page: number; pages: number }

export interface Rule {
  id: number;
  version: number;
  rule_name: string;
  description?: string | null;
  schedule?: string | null;
  timezone?: string | null;
  enabled?: boolean;
  depends_on?: number[] | null;
  operation?: string | null;
  conditions?: Json;
  created_at?: string | null;
  updated_at?: string | null;
  next_run?: string | null;
}

export interface Version { version: number; rule_version: number; as_of: string; run_id: number; row_count: number; entered: number; exited: number }

export interface Line { rule_id: number; segment_id: number; segment_name: string; points: Version[] }

export interface SegmentEntry {
  id: number;
  rule_id: number;
  segment_name: string;
  description?: string | null;
  table_name: string;
  row_count: number;
  sql_query?: string | null;
  last_refreshed_at: string | null;
  current?: Version | null;
  depends_on?: number[] | null;
  /** The last sizes, oldest first. */
  sizes?: { as_of: string; row_count: number }[];
}

export interface Segment extends SegmentEntry { rule: { id: number; rule_name: string } }

export interface Sample { columns: string[]; data: Json[][] }

export interface Changes { since: number; version: number; entered: (number | string)[]; exited: (number | string)[]; entered_count: number; exited_count: number }

export interface Lineage {
  rule_id: number;
  nodes: { rule_id: number; rule_name: string; row_count: number | null; as_of: string | null; enabled: boolean; segment_id?: number | null }[];
  edges: { from: number; to: number; kind: "operand" | "condition" | "reused"; reason: string }[];
}

export interface Explained {
  path: string;
  kind: string;
  text: string;
  holds: boolean;
  value?: Json;
  needed?: string;
  cutoff?: Json;
  window?: { start: string | null; end: string | null };
  parts?: Explained[];
}

export interface Explanation { key: number | string; as_of: string; member: boolean; included: boolean; excluded: boolean; root: Explained | null }

export interface Reused { rule_id: number; covers: string[]; how: string; operation?: string; chosen: boolean; reason: string }

export interface RunSegment { rule_id: number; segment_name: string; row_count: number; entered: number; exited: number; unmatched: number; reused: Reused[]; sql?: string }

export interface Run {
  id: number;
  as_of: string;
  state?: string;
  started_at?: string | null;
  segments: RunSegment[];
  failed: { rule_id: number; rule_name: string; problems: Problem[] }[];
  skipped: { rule_id: number; rule_name: string; reason: string }[];
  scanned: Record<string, number>;
  users_evaluated: number;
  seconds: number;
  stages: Record<string, number>;
}

/** A run that was asked for and has published nothing: waiting, under way, failed or cancelled. */
export interface AskedRun {
  id: number;
  state: "queued" | "running" | "published" | "failed" | "cancelled";
  rules: number[];
  asked_at: string;
  started_at: string | null;
  ended_at: string | null;
  run_id: number | null;
  error: (Problem & { problems?: Problem[] }) | null;
}

export interface Runs extends Page<Run> { asked: AskedRun[] }

export interface Summary {
  total_users: number;
  total_transactions: number;
  total_spend: string | number | null;
  total_rules: number;
  total_segments: number;
  last_run?: Run | null;
}

export interface Field { name: string; table: string | null; type: string; operators: string[]; values: string[] | null }

export interface Preview { count: number; of: number; sql?: string; steps: { path: string; text: string; count: number }[]; sample: { [column: string]: Json }[] }

export interface Dependencies { depends_on: number[]; operation?: string | null; evaluated: string[]; reused: Reused[]; order: number[] }

export interface Overlap {
  segments: { rule_id: number; segment_name: string; row_count: number }[];
  pairs: { first: number; second: number; count: number; jaccard: number }[];
}

export interface Wording { version: number; at: string; document: Document | null }
