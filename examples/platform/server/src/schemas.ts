// The shapes of what the API takes and answers, for checks, types and the OpenAPI document.

import { Type, type TSchema } from "typebox";

const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Instant = Type.Unsafe<Date | string>({ type: "string", format: "date-time", description: "RFC 3339, to the microsecond" });
const Id = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });
/** What a rule document, a condition or a value is, says the rule language. */
const Anything = (description: string) => Type.Unknown({ description });

export const Key = Type.Union([Type.Integer(), Type.String()], { description: "A user's key; a string beyond 2^53" });
export const Params = Type.Object({ id: Id });
export const KeyParams = Type.Object({ key: Type.String({ minLength: 1, maxLength: 1_000 }) });
export const IdKeyParams = Type.Object({ id: Id, key: Type.String({ minLength: 1, maxLength: 1_000 }) });

export const Paging = Type.Object({
  page: Type.Integer({ minimum: 1, maximum: 1_000_000_000, default: 1 }),
  per_page: Type.Integer({ minimum: 1, maximum: 100, default: 10 }),
});
export const Searching = Type.Object({
  ...Paging.properties,
  search: Type.Optional(Type.String({ maxLength: 200, description: "Only those whose name contains this, in any case" })),
});
export const AsOf = Type.Object({ as_of: Type.Optional(Type.String({ maxLength: 64, description: "RFC 3339 with an offset; now if not said" })) });

export const page = <T extends TSchema>(item: T) =>
  Type.Object({ items: Type.Array(item), total: Type.Integer(), page: Type.Integer(), pages: Type.Integer() });
export const items = <T extends TSchema>(item: T) => Type.Object({ items: Type.Array(item) });

export const Problem = Type.Object({
  code: Type.String(),
  path: Type.String({ description: "A JSON Pointer into the document; line and column in a text" }),
  message: Type.String(),
  hint: Type.Optional(Type.String()),
});
export const ErrorAnswer = Type.Object(
  {
    error: Type.Object({
      code: Type.String(),
      message: Type.String(),
      path: Type.Optional(Type.String()),
      hint: Type.Optional(Type.String()),
      problems: Type.Optional(Type.Array(Problem)),
    }),
  },
  { description: "What went wrong, and what to do about it" },
);
export const Message = Type.Object({ message: Type.String() });

/** A body whose words the engine checks, with a pointer to every fault. */
export const RuleDocument = Type.Unsafe<Record<string, unknown>>({
  type: "object",
  description: "A rule document of the rule language; `id`, `created_at`, `updated_at`, `version`, `next_run` and `status` are ignored",
  required: ["rule_name"],
  properties: {
    rule_name: { type: "string" },
    description: { type: ["string", "null"] },
    conditions: { description: "A list, a group or a single condition" },
    schedule: { type: ["string", "null"], description: "Five-field cron, or @daily and the like" },
    timezone: { type: ["string", "null"] },
    start_date: { type: ["string", "null"] },
    end_date: { type: ["string", "null"] },
    depends_on: { description: "Ids or names of rules" },
    operation: { enum: ["INTERSECTION", "UNION", "DIFFERENCE", null] },
    include: { type: "array" },
    exclude: { type: "array" },
    enabled: { type: "boolean" },
  },
  additionalProperties: true,
  examples: [{ rule_name: "Metro", conditions: [{ field: "city_tier", operator: "=", value: 1 }] }],
});
export const RuleChanges = Type.Unsafe<Record<string, unknown>>({
  type: "object",
  description: "Members of the rule document that are to change; null takes one away",
  additionalProperties: true,
  examples: [{ enabled: false }, { schedule: "@daily" }],
});
export const ConditionsBody = Type.Unsafe<unknown>({
  description: "A rule document, `{\"conditions\": …}`, a list, a group or a condition, or `{\"text\": …}` in the text form",
  examples: [{ conditions: [{ field: "city_tier", operator: "=", value: 1 }] }, { text: "city_tier = 1" }],
});
export const TextBody = Type.Unsafe<Record<string, unknown>>({
  type: "object",
  description: "Either `conditions`, which come back as `text`, or `text`, which comes back as `conditions`",
  properties: { conditions: {}, text: { type: "string" } },
  examples: [{ text: "city_tier in (1, 2)" }],
});
export const SegmentsBody = Type.Object(
  {
    segments: Type.Optional(Type.Array(Id, { description: "Ids of segments" })),
    rules: Type.Optional(Type.Array(Id, { description: "Ids of their rules instead" })),
  },
  { additionalProperties: false },
);
export const ScheduleBody = Type.Object(
  {
    schedule: Type.String({ maxLength: 200 }),
    timezone: Type.Optional(nullable(Type.String({ maxLength: 100 }))),
    n: Type.Optional(Type.Integer({ minimum: 1, maximum: 50, default: 5 })),
  },
  { additionalProperties: false },
);

export const Rule = Type.Object(
  {
    id: Id,
    rule_name: Type.String(),
    description: nullable(Type.String()),
    conditions: Type.Optional(Anything("A list or a group, see the rule language")),
    schedule: nullable(Type.String()),
    timezone: nullable(Type.String()),
    start_date: nullable(Type.String()),
    end_date: nullable(Type.String()),
    depends_on: Type.Array(Id),
    operation: nullable(Type.String()),
    include: Type.Optional(Type.Array(Key)),
    exclude: Type.Optional(Type.Array(Key)),
    enabled: Type.Boolean(),
    version: Type.Integer({ description: "Send it as If-Match with a change" }),
    created_at: nullable(Instant),
    updated_at: nullable(Instant),
    next_run: Type.Optional(nullable(Instant)),
    status: Type.Optional(Anything("How a rule with a schedule stands: due, running, failing; null without one")),
  },
  { additionalProperties: true },
);
export const Wording = Type.Object({ version: Type.Integer(), at: Instant, document: Anything("Null marks the deletion") });
export const Created = Type.Object({ message: Type.String(), rule_id: Id });
export const Affects = Type.Object({
  message: Type.String(),
  affects: Type.Array(Type.Object({ rule_id: Id, rule_name: Type.String() })),
  version: Type.Integer(),
});
export const Asked = Type.Object({ message: Type.String(), run_id: Id });

export const Version = Type.Object({
  version: Type.Integer(),
  rule_version: Type.Integer(),
  as_of: Instant,
  run_id: Id,
  row_count: Type.Integer(),
  entered: Type.Integer(),
  exited: Type.Integer(),
});
const Size = Type.Object({ as_of: Instant, row_count: Type.Integer() });
const segment = {
  id: Id,
  rule_id: Id,
  segment_name: Type.String(),
  description: nullable(Type.String()),
  table_name: Type.String(),
  row_count: Type.Integer(),
  sql_query: nullable(Type.String()),
  last_refreshed_at: nullable(Instant),
  rule: Type.Object({ id: Id, rule_name: Type.String() }),
  depends_on: Type.Array(Id),
};
export const SegmentEntry = Type.Object({
  ...segment,
  current: nullable(Version),
  sizes: Type.Array(Size, { description: "The last sizes, oldest first" }),
});
export const Segment = Type.Object({ ...segment, as_of: Instant, version: Type.Integer() });
export const SampleQuery = Type.Object({ n: Type.Integer({ minimum: 1, maximum: 1_000, default: 100 }) });
export const Sample = Type.Object({ columns: Type.Array(Type.String()), data: Type.Array(Type.Array(Type.Unknown())) });
export const LineageQuery = Type.Object({
  format: Type.Union([Type.Literal("json"), Type.Literal("mermaid"), Type.Literal("dot")], { default: "json" }),
});
export const Lineage = Type.Object({
  rule_id: Id,
  nodes: Type.Array(
    Type.Object({
      rule_id: Id,
      rule_name: Type.String(),
      row_count: nullable(Type.Integer()),
      as_of: nullable(Instant),
      enabled: Type.Boolean(),
      segment_id: nullable(Id),
    }),
  ),
  edges: Type.Array(Type.Object({ from: Id, to: Id, kind: Type.String(), reason: Type.String() })),
});
export const ChangesQuery = Type.Object({
  since: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000_000, description: "A version; the one before the current if not said" })),
  limit: Type.Integer({ minimum: 0, maximum: 100_000, default: 1_000, description: "How many keys to list of each" }),
});
export const Changes = Type.Object({
  since: Type.Integer(),
  version: Type.Integer(),
  entered: Type.Array(Key),
  exited: Type.Array(Key),
  entered_count: Type.Integer(),
  exited_count: Type.Integer(),
});
export const ExportQuery = Type.Object({
  format: Type.Union([Type.Literal("csv"), Type.Literal("parquet"), Type.Literal("arrow"), Type.Literal("bitmap")], { default: "csv" }),
});
export const Explanation = Type.Object({
  key: Key,
  as_of: Instant,
  member: Type.Boolean(),
  included: Type.Boolean(),
  excluded: Type.Boolean(),
  root: Anything("The conditions as a tree: path, kind, text, holds, value, needed, window, parts"),
});
export const Overlap = Type.Object({
  segments: Type.Array(Type.Object({ rule_id: Id, segment_id: nullable(Id), segment_name: Type.String(), row_count: Type.Integer() })),
  pairs: Type.Array(Type.Object({ first: Id, second: Id, count: Type.Integer(), jaccard: Type.Number() }), {
    description: "first and second are ids of rules",
  }),
});

const Reused = Type.Object({
  rule_id: Id,
  covers: Type.Array(Type.String()),
  how: Type.String(),
  operation: Type.String(),
  chosen: Type.Boolean(),
  reason: Type.String(),
});
export const Dependencies = Type.Object({
  depends_on: Type.Array(Id),
  operation: Type.Optional(nullable(Type.String())),
  evaluated: Type.Array(Type.String()),
  reused: Type.Array(Reused),
  order: Type.Array(Id),
});
export const Preview = Type.Object({
  count: Type.Integer(),
  of: Type.Integer(),
  sql: Type.String(),
  steps: Type.Array(Type.Object({ path: Type.String(), text: Type.String(), count: Type.Integer() })),
  sample: Type.Array(Type.Record(Type.String(), Type.Unknown())),
});
export const Field = Type.Object({
  name: Type.String(),
  table: nullable(Type.String()),
  type: Type.String(),
  operators: Type.Array(Type.String()),
  values: nullable(Type.Array(Type.String())),
});

const Failed = Type.Object({ rule_id: Id, rule_name: Type.String(), problems: Type.Array(Problem) });
const report = {
  as_of: Instant,
  segments: Type.Array(
    Type.Object({
      rule_id: Id,
      segment_name: Type.String(),
      row_count: Type.Integer(),
      entered: Type.Integer(),
      exited: Type.Integer(),
      unmatched: Type.Integer(),
      reused: Type.Array(Reused),
      sql: Type.Optional(Type.String()),
    }),
  ),
  failed: Type.Array(Failed),
  skipped: Type.Array(Type.Object({ rule_id: Id, rule_name: Type.String(), reason: Type.String() })),
  scanned: Type.Record(Type.String(), Type.Integer()),
  users_evaluated: Type.Integer(),
  rules_incremental: Type.Integer(),
  rules_planned: Type.Integer(),
  seconds: Type.Number(),
  stages: Type.Record(Type.String(), Type.Number()),
};
export const PublishedRun = Type.Object({ id: Id, state: Type.Literal("published"), ...report });
export const AskedRun = Type.Object({
  id: Id,
  state: Type.Union(["queued", "running", "published", "failed", "cancelled"].map((state) => Type.Literal(state))),
  rules: Type.Array(Id),
  asked_at: Instant,
  started_at: nullable(Instant),
  ended_at: nullable(Instant),
  run_id: nullable(Id),
  error: nullable(ErrorAnswer.properties.error),
});
export const AnyRun = Type.Union([PublishedRun, AskedRun]);
export const Runs = Type.Object({
  ...page(PublishedRun).properties,
  asked: Type.Array(AskedRun, { description: "Runs that were asked for and have published nothing: waiting, under way, failed or cancelled" }),
});
export const Summary = Type.Object({
  total_users: Type.Integer(),
  total_transactions: Type.Integer(),
  total_spend: nullable(Type.String()),
  total_rules: Type.Integer(),
  total_segments: Type.Integer(),
  last_run: nullable(Type.Object({ id: Id, ...report })),
});
export const Sizes = items(
  Type.Object({ rule_id: Id, segment_id: Id, segment_name: Type.String(), points: Type.Array(Version) }),
);
export const Due = Type.Object({
  items: Type.Array(
    Type.Object({
      rule_id: Id,
      rule_name: Type.String(),
      schedule: Type.String(),
      firing: Instant,
      missed: Type.Integer(),
      failures: Type.Integer(),
    }),
  ),
  next: Type.Array(Type.Object({ rule_id: Id, rule_name: Type.String(), schedule: Type.String(), next_run: Instant }), {
    description: "The next firings, soonest first",
  }),
});
export const Status = Type.Object(
  { running: Type.Unknown(), asked: Type.Array(AskedRun), scheduler: Type.Unknown() },
  { additionalProperties: true },
);
export const Problems = Type.Object({ valid: Type.Boolean(), problems: Type.Array(Problem) });
export const Firings = Type.Object({ next: Type.Array(Instant) });
export const UserSegments = Type.Object({ key: Key, segments: Type.Array(Type.String()) });
export const Nothing = Type.Null({ description: "Nothing" });

/** An answer that is no JSON, under each of some types. */
export const media = (description: string, format: string | undefined, ...types: string[]) => ({
  description,
  content: Object.fromEntries(types.map((type) => [type.replace(/;.*$/, ""), { schema: { type: "string", ...(format ? { format } : {}) } }])),
});
export const LineageOrText = {
  description: "Nodes and edges, or a text to be drawn",
  content: { "application/json": { schema: Lineage }, "text/plain": { schema: { type: "string" } } },
};
