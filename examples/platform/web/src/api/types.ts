// The shapes that pages work with.
import type { Json } from "../lib/json";
import type { Problem } from "./client";
import type { paths } from "./schema";

/** What a GET of the OpenAPI document answers. */
type Answer<P extends keyof paths> = paths[P] extends { get: { responses: { 200: { content: { "application/json": infer A } } } } } ? A : never;
/** What a POST of it answers. */
type Posted<P extends keyof paths> = paths[P] extends { post: { responses: { 200: { content: { "application/json": infer A } } } } } ? A : never;

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

export type Version = Answer<"/api/segments/{id}/versions">["items"][number];

export type Line = Answer<"/api/analytics/sizes">["items"][number];

export type SegmentEntry = Answer<"/api/segments">["items"][number];

export type Segment = Answer<"/api/segments/{id}">;

export interface Sample { columns: string[]; data: Json[][] }

export type Changes = Answer<"/api/segments/{id}/changes">;

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

export type Field = Answer<"/api/fields"> extends { items: (infer F)[] } | (infer F)[] ? F : never;

export interface Preview { count: number; of: number; sql?: string; steps: { path: string; text: string; count: number }[]; sample: { [column: string]: Json }[] }

export type Dependencies = Posted<"/api/rules/dependencies">;

export type Overlap = Omit<Posted<"/api/segments/overlap">, "segments"> & { segments: { rule_id: number; segment_name: string; row_count: number }[] };

export interface Wording { version: number; at: string; document: Document | null }
