// What the rule form asks while a rule is written; nothing of it is stored.

import { badValue } from "../errors.js";
import * as S from "../schemas.js";
import { documentOf, snake } from "../shapes.js";
import { errors, type App, type Context } from "./context.js";

const tags = ["form"];
const config = { reads: true };
const wrong = errors(400, 413, 415, 422);

/** Conditions in whichever way they were sent. */
function conditionsOf(body: unknown): object | string {
  if (typeof body === "string") return body;
  if (typeof body !== "object" || body === null) throw badValue("", "send conditions, a rule, or {\"text\": …}");
  if ("text" in body && !("conditions" in body)) {
    if (typeof body.text !== "string") throw badValue("/text", "has to be a string");
    return body.text;
  }
  return documentOf(body);
}

export function formRoutes(app: App, { engine, lookups }: Context): void {
  app.post(
    "/rules/validate",
    {
      config,
      schema: { tags, summary: "Everything that is wrong with a rule", body: S.RuleDocument, response: { 200: S.Problems, ...wrong } },
    },
    async ({ body }) => {
      const problems = await engine.validate(documentOf(body));
      return { valid: problems.length === 0, problems };
    },
  );

  app.post(
    "/rules/preview",
    {
      config,
      schema: {
        tags,
        summary: "How many users conditions take, step by step, and some of them",
        querystring: S.AsOf,
        body: S.ConditionsBody,
        response: { 200: S.Preview, ...wrong },
      },
    },
    async ({ body, query }, reply) => {
      const preview = await engine.preview(conditionsOf(body), { asOf: query.as_of, signal: signalOf(reply.raw) });
      return snake(preview);
    },
  );

  app.post(
    "/rules/dependencies",
    {
      config,
      schema: { tags, summary: "Which segments could answer a rule, and why", body: S.RuleDocument, response: { 200: S.Dependencies, ...wrong } },
    },
    async ({ body }) => snake(await engine.dependencies(documentOf(body))),
  );

  app.post(
    "/rules/text",
    { config, schema: { tags, summary: "Conditions to text, or text to conditions", body: S.TextBody, response: { 200: S.TextBody, ...wrong } } },
    async ({ body }) => {
      if (typeof body !== "object" || body === null || Array.isArray(body)) throw badValue("", "send {\"conditions\": …} or {\"text\": …}");
      if ("text" in body === "conditions" in body) throw badValue("", "send one of conditions and text");
      if ("conditions" in body) {
        if (typeof body.conditions !== "object" || body.conditions === null) throw badValue("/conditions", "has to be a list or an object");
        return { text: await engine.toText(body.conditions) };
      }
      if (typeof body.text !== "string") throw badValue("/text", "has to be a string");
      return { conditions: await engine.parseText(body.text) };
    },
  );

  app.post(
    "/schedules/next",
    {
      config,
      schema: { tags, summary: "When a schedule fires next", body: S.ScheduleBody, response: { 200: S.Firings, ...wrong } },
    },
    async ({ body }) => ({ next: await lookups.firings(body.schedule, body.timezone, body.n ?? 5) }),
  );

  app.get("/fields", { schema: { tags, summary: "What conditions can be about", response: { 200: S.items(S.Field) } } }, async () => ({
    items: snake(await lookups.fields()),
  }));
}

/** Ends what is asked for when whoever asked has gone. */
function signalOf(response: import("node:http").ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once("close", () => response.writableFinished || controller.abort());
  return controller.signal;
}
