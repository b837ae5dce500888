// Segments: list, facts, sample, lineage, versions, who came and went, download, why a user is in, and what they share.

import { randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Keys, SegmentEntry, Value } from "segmentry";
import { badValue } from "../errors.js";
import * as S from "../schemas.js";
import { snake } from "../shapes.js";
import { errors, type App, type Context } from "./context.js";

const tags = ["segments"];
/** How many sizes a list shows of each segment. */
const SIZES = 30;
const FIRST_COLUMNS = ["user_id", "name", "email"];
const MEDIA = {
  csv: "text/csv; charset=utf-8",
  parquet: "application/vnd.apache.parquet",
  arrow: "application/vnd.apache.arrow.file",
  bitmap: "application/octet-stream",
};

const some = (keys: Keys, limit: number) => Array.from({ length: Math.min(keys.length, limit) }, (_, at) => keys.at(at)!);

export function segmentRoutes(app: App, context: Context): void {
  const { engine, lookups } = context;

  const listed = async (entry: SegmentEntry) => {
    const [rule, versions] = await Promise.all([engine.rule(entry.ruleId), lookups.versions(entry)]);
    return {
      ...snake(entry),
      rule: { id: rule.id, rule_name: rule.document.rule_name },
      depends_on: rule.document.depends_on ?? [],
      sizes: versions.slice(-SIZES).map(({ asOf, rowCount }) => ({ as_of: asOf, row_count: rowCount })),
    };
  };

  app.get(
    "/segments",
    { schema: { tags, summary: "A page of segments", querystring: S.Searching, response: { 200: S.page(S.SegmentEntry), ...errors(422) } } },
    async ({ query }) => {
      const { items, ...page } = await engine.segments({ page: query.page, perPage: query.per_page, search: query.search });
      return { ...page, items: await Promise.all(items.map(listed)) };
    },
  );

  app.get(
    "/segments/:id",
    { schema: { tags, summary: "A segment", params: S.Params, response: { 200: S.Segment, ...errors(404) } } },
    async ({ params }) => {
      const segment = await lookups.segment(params.id);
      const rule = await engine.rule(segment.ruleId);
      const { id, segmentName, description, tableName, rowCount, sqlQuery, lastRefreshedAt, asOf, version, ruleId } = segment;
      return {
        ...snake({ id, ruleId, segmentName, description, tableName, rowCount, sqlQuery, lastRefreshedAt, asOf, version }),
        rule: { id: rule.id, rule_name: rule.document.rule_name },
        depends_on: rule.document.depends_on ?? [],
      };
    },
  );

  app.get(
    "/segments/:id/sample_data",
    {
      schema: {
        tags,
        summary: "Some of a segment's users, with what is known of them",
        params: S.Params,
        querystring: S.SampleQuery,
        response: { 200: S.Sample, ...errors(404, 422) },
      },
    },
    async ({ params, query }) => {
      const segment = await lookups.segment(params.id);
      const columns = await userColumns(context);
      const rows = await segment.sample(query.n, columns);
      return { columns, data: rows.map((row) => columns.map((column): Value => row[column] ?? null)) };
    },
  );

  app.get(
    "/segments/:id/lineage",
    {
      schema: {
        tags,
        summary: "Where a segment comes from and what comes from it",
        params: S.Params,
        querystring: S.LineageQuery,
        response: { 200: S.LineageOrText, ...errors(404, 422) },
      },
    },
    async ({ params, query }, reply) => {
      const rule = await lookups.ruleOf(params.id);
      if (query.format !== "json") return reply.type("text/plain; charset=utf-8").send(await engine.lineage(rule, query.format));
      const { ruleId, nodes, edges } = await engine.lineage(rule);
      const segments = await lookups.segmentsOfRules(nodes.map((node) => node.ruleId));
      return snake({ ruleId, edges, nodes: nodes.map((node) => ({ ...node, segmentId: segments.get(node.ruleId) ?? null })) });
    },
  );

  app.get(
    "/segments/:id/versions",
    { schema: { tags, summary: "Every version of a segment, oldest first", params: S.Params, response: { 200: S.items(S.Version), ...errors(404) } } },
    async ({ params }) => ({ items: snake(await (await lookups.segment(params.id)).versions()) }),
  );

  app.get(
    "/segments/:id/changes",
    {
      schema: {
        tags,
        summary: "Who entered and who left since a version",
        params: S.Params,
        querystring: S.ChangesQuery,
        response: { 200: S.Changes, ...errors(404, 422) },
      },
    },
    async ({ params, query }) => {
      const segment = await lookups.segment(params.id);
      const versions = query.since === undefined ? await segment.versions() : [];
      const since = query.since ?? versions.at(-2)?.version;
      // Of a first version everybody has entered.
      if (since === undefined) {
        const keys = await segment.keys();
        return { since: 0, version: segment.version, entered: some(keys, query.limit), exited: [], entered_count: keys.length, exited_count: 0 } as never;
      }
      const { entered, exited } = await segment.changes(since);
      return {
        since,
        version: segment.version,
        entered: some(entered, query.limit),
        exited: some(exited, query.limit),
        entered_count: entered.length,
        exited_count: exited.length,
      } as never;
    },
  );

  app.get(
    "/segments/:id/export",
    {
      schema: {
        tags,
        summary: "The keys of a segment's users as a file",
        params: S.Params,
        querystring: S.ExportQuery,
        response: { 200: S.media("The file", "binary", ...Object.values(MEDIA)), ...errors(404, 422) },
      },
    },
    async ({ params, query }, reply) => {
      const segment = await lookups.segment(params.id);
      const file = join(tmpdir(), `segmentry-${randomUUID()}`);
      await segment.export(file, query.format);
      const name = `${segment.tableName}_v${segment.version}.${query.format === "bitmap" ? "bin" : query.format}`;
      reply
        .type(MEDIA[query.format])
        .header("content-disposition", `attachment; filename="${name}"`)
        .header("content-length", (await stat(file)).size);
      const stream = createReadStream(file);
      // An open file is readable after its name is gone, so that nothing is left behind whatever becomes of the answer.
      stream.once("open", () => void rm(file, { force: true }));
      return reply.send(stream as never);
    },
  );

  app.get(
    "/segments/:id/explain/:key",
    {
      schema: {
        tags,
        summary: "Why a user is in a segment, or why not",
        params: S.IdKeyParams,
        response: { 200: S.Explanation, ...errors(404, 422) },
      },
    },
    async ({ params }) => {
      const rule = await lookups.ruleOf(params.id);
      return snake(await engine.explain(rule, await lookups.key(params.key)));
    },
  );

  app.post(
    "/segments/overlap",
    {
      config: { reads: true },
      schema: {
        tags,
        summary: "How many users each pair of 2 to 200 segments shares",
        body: S.SegmentsBody,
        response: { 200: S.Overlap, ...errors(400, 404, 422) },
      },
    },
    async ({ body }) => {
      const { segments, rules } = body;
      if ((segments === undefined) === (rules === undefined)) throw badValue("", "send either segments or rules");
      const wanted = rules ?? (await Promise.all(segments!.map((id) => lookups.ruleOf(id))));
      const overlap = snake(await engine.overlap(wanted));
      const ids = await lookups.segmentsOfRules(wanted);
      for (const segment of overlap.segments) segment.segment_id = ids.get(segment.rule_id) ?? null;
      return overlap;
    },
  );

  app.get(
    "/users/:key/segments",
    { schema: { tags: ["users"], summary: "The segments that hold a user", params: S.KeyParams, response: { 200: S.UserSegments, ...errors(404, 422) } } },
    async ({ params }) => {
      const key = await lookups.key(params.key);
      return { key, segments: await engine.segmentsOf(key) } as never;
    },
  );
}

/** The columns of the users, those that say who somebody is first. */
async function userColumns({ engine }: Context): Promise<string[]> {
  const { table, key } = (await engine.model()).users;
  const source = (await engine.sources()).find(({ name }) => name === table);
  const columns = source?.schema.map(({ name }) => name) ?? [key];
  const first = [key, ...FIRST_COLUMNS].filter((name, at, all) => columns.includes(name) && all.indexOf(name) === at);
  return [...first, ...columns.filter((name) => !first.includes(name))];
}
