// Runs: history, reports, progress as server-sent events, cancelling; and what is going on and due.

import { Readable } from "node:stream";
import { notFound, Refusal } from "../errors.js";
import { FIRST_ASKED, isOver, keptOf, type Job } from "../jobs.js";
import { writeJson } from "../json.js";
import * as S from "../schemas.js";
import { snake } from "../shapes.js";
import { errors, type App, type Context } from "./context.js";

const tags = ["runs"];
/** How many runs that published nothing are shown, and how many firings to come. */
const SHOWN = 50;
/** So often, in milliseconds, something is sent, lest somebody between takes the connection for dead. */
const HEARTBEAT = 15_000;

const message = (event: string, data: unknown) => `event: ${event}\ndata: ${writeJson(data)}\n\n`;

export function runRoutes(app: App, { engine, jobs, lookups }: Context): void {
  app.get(
    "/runs",
    { schema: { tags, summary: "Past runs, newest first", querystring: S.Paging, response: { 200: S.Runs, ...errors(422) } } },
    async ({ query }) => {
      const { items, ...page } = await engine.runs({ page: query.page, perPage: query.per_page });
      // The SQL is in the report of the run.
      const brief = items.map((run) => ({ ...run, state: "published", segments: run.segments.map(({ sql: _, ...segment }) => segment) }));
      return { ...page, items: snake(brief), asked: jobs.unpublished().slice(0, SHOWN).map(keptOf) } as never;
    },
  );

  const report = async (id: number) => {
    if (id < FIRST_ASKED) return { ...snake(await engine.run(id)), state: "published" };
    const job = jobs.get(id);
    if (!job) throw notFound(`no run has the id ${id}`);
    return job.run_id === null ? keptOf(job) : { ...snake(await engine.run(job.run_id)), state: "published" };
  };

  app.get(
    "/runs/:id",
    { schema: { tags, summary: "A run's report, or how far it is", params: S.Params, response: { 200: S.AnyRun, ...errors(404) } } },
    async ({ params }) => report(params.id),
  );

  /** What a run tells, and at last its outcome under the name of its state. */
  async function* told(id: number, signal: AbortSignal): AsyncGenerator<string> {
    const job: Job | undefined = id < FIRST_ASKED ? undefined : jobs.get(id);
    if (job) {
      yield message("state", keptOf(job));
      for await (const event of jobs.follow(id, signal)) yield message(event.event === "progress" ? "progress" : "run", snake(event));
      if (!isOver(job)) return;
    }
    const outcome = await report(id);
    yield message(outcome.state, outcome);
  }

  app.get(
    "/runs/:id/events",
    {
      schema: {
        tags,
        summary: "A run's progress as server-sent events",
        description:
          "`state` says how the run stands; `run` and `progress` are events of the engine; the last is named `published`, `failed` or " +
          "`cancelled` and holds what `GET /runs/:id` answers. Then the stream ends.",
        params: S.Params,
        response: { 200: S.media("Server-sent events", undefined, "text/event-stream"), ...errors(404) },
      },
    },
    async ({ params }, reply) => {
      await report(params.id);
      const controller = new AbortController();
      const stream = Readable.from(withHeartbeat(told(params.id, controller.signal)), { objectMode: false });
      reply.raw.once("close", () => controller.abort());
      reply.type("text/event-stream; charset=utf-8").header("cache-control", "no-store").header("x-accel-buffering", "no");
      return reply.send(stream as never);
    },
  );

  app.delete(
    "/runs/:id",
    { schema: { tags, summary: "Cancel a run; it publishes nothing", params: S.Params, response: { 200: S.Asked, ...errors(401, 404, 409) } } },
    async ({ params }) => {
      await report(params.id);
      const cancelled = params.id >= FIRST_ASKED && (await jobs.cancel(params.id));
      if (!cancelled) throw new Refusal(409, "run_is_over", "the run is over and can't be cancelled");
      return { message: "Run has been cancelled", run_id: params.id };
    },
  );

  app.get("/due", { schema: { tags, summary: "Rules that are due, and what is next", response: { 200: S.Due } } }, async () => {
    const [due, { rules }] = await Promise.all([engine.due(), lookups.standing()]);
    const next = rules.filter(({ nextRun, enabled }) => nextRun && enabled).sort((a, b) => Number(a.nextRun) - Number(b.nextRun));
    return {
      items: snake(due),
      next: next.slice(0, SHOWN).map(({ ruleId, ruleName, schedule, nextRun }) => snake({ ruleId, ruleName, schedule, nextRun })),
    };
  });

  app.get(
    "/status",
    { schema: { tags, summary: "What the engine and the scheduler are doing, and which rules fail", response: { 200: S.Status } } },
    async () => {
      const [engineStatus, { rules: _, ...schedulerStatus }] = await Promise.all([engine.status(), lookups.standing()]);
      const asked = jobs.unpublished().slice(0, SHOWN).map(keptOf);
      return { ...snake(engineStatus), asked, scheduler: snake(schedulerStatus) };
    },
  );
}

async function* withHeartbeat(messages: AsyncGenerator<string>): AsyncGenerator<string> {
  try {
    let next = messages.next();
    for (;;) {
      let timer: NodeJS.Timeout | undefined;
      const pause = new Promise<"pause">((resolve) => (timer = setTimeout(resolve, HEARTBEAT, "pause")));
      const first = await Promise.race([next, pause]);
      clearTimeout(timer);
      if (first === "pause") {
        yield ": still here\n\n";
        continue;
      }
      if (first.done) return;
      yield first.value;
      next = messages.next();
    }
  } finally {
    await messages.return(undefined);
  }
}
