// Audiences inside a web backend: `PORT=3000 node examples/express.mjs users.csv payments.csv`

import express from "express";
import { SegmentEngine, SegmentryError } from "segmentry";

const STATUS = { invalid: 422, not_found: 404, conflict: 409, data: 422, busy: 503, cancelled: 499, internal: 500 };

/** A router with rules, segments and runs of an engine. */
export function audiences(engine) {
  const api = express.Router();
  // A run is stopped if whoever asked for it goes away.
  const signalOf = (request, response) => {
    const controller = new AbortController();
    response.on("close", () => response.writableEnded || controller.abort());
    return controller.signal;
  };
  const named = (request) => (/^\d+$/.test(request.params.id) ? Number(request.params.id) : request.params.id);
  // Keys are bigints, which JSON has no word for.
  const send = (response, value) =>
    response.type("json").send(JSON.stringify(value, (_, found) => (typeof found === "bigint" ? String(found) : found)));

  api.use(express.json({ limit: "64mb" }));
  api.get("/rules", async ({ query }, response) =>
    send(response, await engine.rules({ page: Number(query.page ?? 1), perPage: Number(query.per_page ?? 10), search: query.search })));
  api.post("/rules", async (request, response) => send(response.status(201), { id: await engine.createRule(request.body) }));
  api.post("/rules/validate", async (request, response) => send(response, await engine.validate(request.body)));
  api.post("/rules/preview", async (request, response) => send(response, await engine.preview(request.body)));
  api.get("/rules/:id", async (request, response) => send(response, await engine.rule(named(request))));
  api.put("/rules/:id", async (request, response) => send(response, await engine.updateRule(named(request), request.body)));
  api.delete("/rules/:id", async (request, response) => response.status(204).end(await engine.deleteRule(named(request))));
  api.post("/rules/:id/trigger", async (request, response) => send(response.status(202), { runId: await engine.trigger(named(request)) }));
  api.post("/rules/:id/refresh", async (request, response) =>
    send(response, await engine.refresh([named(request)], { signal: signalOf(request, response) })));
  api.get("/segments/:id", async (request, response) => send(response, await engine.segment(named(request))));
  api.get("/segments/:id/sample", async (request, response) =>
    send(response, await (await engine.segment(named(request))).sample(Number(request.query.n ?? 100))));
  api.use((error, request, response, next) => {
    if (!(error instanceof SegmentryError)) return next(error);
    send(response.status(STATUS[error.kind]), { error });
  });
  return api;
}

if (process.argv[1]?.endsWith("express.mjs")) {
  const engine = await SegmentEngine.open({ catalog: process.env.CATALOG ?? "audience.db" });
  const [users, payments] = process.argv.slice(2);
  await engine.addCsv("users", users);
  await engine.addCsv("payments", payments);
  engine.scheduler().start();
  const server = express().use("/api", audiences(engine)).listen(Number(process.env.PORT ?? 3000), () => console.log(`listening on ${server.address().port}`));
}
