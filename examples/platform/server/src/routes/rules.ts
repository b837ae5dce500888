// Rules: list, read, write, delete, duplicate, trigger, and what the form asks while one is written.

import type { FastifyRequest } from "fastify";
import type { Rule } from "segmentry";
import { badValue, Refusal } from "../errors.js";
import * as S from "../schemas.js";
import { documentOf, ruleShape, snake } from "../shapes.js";
import { errors, type App, type Context } from "./context.js";

const tags = ["rules"];

/** The version that a change was made from, out of `If-Match`; nothing if any will do. */
function expected(request: FastifyRequest): number | undefined {
  const header = request.headers["if-match"];
  if (header === undefined || header.trim() === "*") return undefined;
  const found = /^\s*(?:W\/)?"?(\d{1,15})"?\s*$/.exec(header);
  if (!found) throw new Refusal(412, "stale_version", `If-Match has to be a rule's version, not ${header}`);
  return Number(found[1]);
}

export function ruleRoutes(app: App, { engine, jobs, lookups }: Context): void {
  const shown = async (rule: Rule) => {
    const { schedule, enabled } = rule.document;
    if (!schedule) return ruleShape(rule, { next_run: null, status: null });
    const [standing, firings] = await Promise.all([lookups.standing(), enabled === false ? [] : engine.nextRuns(rule.id, 1)]);
    const status = standing.rules.find(({ ruleId }) => ruleId === rule.id);
    return ruleShape(rule, { next_run: firings[0] ?? null, status: snake(status ?? null) });
  };

  app.get(
    "/rules",
    { schema: { tags, summary: "A page of rules", querystring: S.Searching, response: { 200: S.page(S.Rule), ...errors(422) } } },
    async ({ query }) => {
      const { items, ...page } = await engine.rules({ page: query.page, perPage: query.per_page, search: query.search });
      return { ...page, items: await Promise.all(items.map(shown)) };
    },
  );

  app.post(
    "/rules",
    { schema: { tags, summary: "Create a rule", body: S.RuleDocument, response: { 201: S.Created, ...errors(400, 401, 413, 415, 422) } } },
    async ({ body }, reply) => {
      const rule_id = await engine.createRule(documentOf(body));
      lookups.forget();
      return reply.status(201).header("location", `/api/rules/${rule_id}`).send({ message: "Rule created successfully", rule_id });
    },
  );

  app.get(
    "/rules/:id",
    { schema: { tags, summary: "A rule; its version is the ETag", params: S.Params, response: { 200: S.Rule, ...errors(404) } } },
    async ({ params }, reply) => {
      const rule = await engine.rule(params.id);
      reply.header("etag", `"${rule.version}"`);
      return await shown(rule);
    },
  );

  const changed = { 200: S.Affects, ...errors(400, 401, 404, 409, 412, 413, 415, 422) };
  const change = async (id: number, document: object, ifVersion: number | undefined) => {
    const { affects } = snake(await engine.updateRule(id, document, { ifVersion }));
    lookups.forget();
    const { version } = await engine.rule(id);
    return { message: "Rule updated successfully", affects, version };
  };

  app.put(
    "/rules/:id",
    { schema: { tags, summary: "Give a rule a new wording; If-Match takes its version", params: S.Params, body: S.RuleDocument, response: changed } },
    async (request) => change(request.params.id, documentOf(request.body), expected(request)),
  );

  app.patch(
    "/rules/:id",
    { schema: { tags, summary: "Change members of a rule: enable it, reschedule it", params: S.Params, body: S.RuleChanges, response: changed } },
    async (request) => {
      const { params, body } = request;
      if (typeof body !== "object" || body === null || Array.isArray(body)) throw badValue("", "changes are an object with members of a rule");
      const { document, version } = await engine.rule(params.id);
      // Nobody else's change between reading and writing is lost.
      return change(params.id, { ...document, ...documentOf(body) }, expected(request) ?? version);
    },
  );

  app.delete(
    "/rules/:id",
    { schema: { tags, summary: "Delete a rule that no other needs", params: S.Params, response: { 204: S.Nothing, ...errors(401, 404, 409) } } },
    async ({ params }, reply) => {
      await engine.deleteRule(params.id);
      lookups.forget();
      return reply.status(204).send(null);
    },
  );

  app.post(
    "/rules/:id/duplicate",
    { schema: { tags, summary: "Create a disabled copy of a rule", params: S.Params, response: { 201: S.Created, ...errors(401, 404, 422) } } },
    async ({ params }, reply) => {
      const { document } = await engine.rule(params.id);
      const rule_id = await engine.createRule({ ...document, rule_name: await freeName(String(document.rule_name)), enabled: false });
      lookups.forget();
      return reply.status(201).send({ message: "Rule created successfully", rule_id });
    },
  );

  /** "Name (copy)", or the first "Name (copy 2)", … that no rule has. */
  const freeName = async (name: string) => {
    const base = name.replace(/ \(copy(?: \d+)?\)$/, "").slice(0, 185);
    for (let copy = 1; ; copy++) {
      const free = `${base} (copy${copy === 1 ? "" : ` ${copy}`})`;
      const { items } = await engine.rules({ search: free, perPage: 100 });
      if (!items.some((rule) => rule.document.rule_name === free)) return free;
    }
  };

  app.post(
    "/rules/:id/trigger",
    { schema: { tags, summary: "Ask for a run of a rule now", params: S.Params, response: { 202: S.Asked, ...errors(401, 404) } } },
    async ({ params }, reply) => {
      await engine.rule(params.id);
      const { id } = jobs.ask(params.id);
      const headers = { location: `/api/runs/${id}` };
      return reply.status(202).headers(headers).send({ message: "Rule trigger has been scheduled", run_id: id });
    },
  );

  app.get(
    "/rules/:id/history",
    { schema: { tags, summary: "Every wording that a rule had", params: S.Params, response: { 200: S.items(S.Wording), ...errors(404) } } },
    async ({ params }) => ({ items: snake(await engine.ruleHistory(params.id)) }),
  );

  app.get(
    "/rules/:id/dependencies",
    { schema: { tags, summary: "What a rule needs and what can answer it", params: S.Params, response: { 200: S.Dependencies, ...errors(404, 422) } } },
    async ({ params }) => snake(await engine.dependencies(params.id)),
  );
}
