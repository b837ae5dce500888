// Runs: asked for, followed, cancelled, kept over a restart.

import assert from "node:assert/strict";
import test from "node:test";
import { eventsOf, folder, METRO, platform, refused } from "./helper.mjs";

/** A rule whose run takes a while: 400 metrics of all payments. */
function slow(name = "Slow") {
  const one = (at) => ({
    events: ["upi_transactions", "credit_card_transactions"],
    aggregate: "count_distinct",
    field: "merchant",
    where: [{ field: "amount", operator: ">", value: at }],
    operator: ">=",
    value: 3,
  });
  return { rule_name: name, conditions: { combinator: "or", rules: Array.from({ length: 400 }, (_, at) => one(at)) } };
}

const state = async (call, id) => (await call("GET", `/runs/${id}`)).body.state;

async function until(what, seconds = 60) {
  for (const end = Date.now() + seconds * 1_000; Date.now() < end; await new Promise((done) => setTimeout(done, 20))) {
    const found = await what();
    if (found) return found;
  }
  throw new Error("it did not come");
}

test("runs", async (context) => {
  const { app, call, contract, engine, jobs } = await platform(context);
  const address = await app.listen({ port: 0, host: "127.0.0.1" });
  const { rule_id: rule } = (await call("POST", "/rules", METRO)).body;
  const { rule_id: long } = (await call("POST", "/rules", slow())).body;

  await context.test("one that is asked for is followed to its report", async () => {
    const asked = await call("POST", `/rules/${rule}/trigger`);
    assert.equal(asked.status, 202);
    assert.equal(asked.body.message, "Rule trigger has been scheduled");
    assert.equal(asked.headers.location, `/api/runs/${asked.body.run_id}`);
    const response = await fetch(`${address}${asked.headers.location}/events`);
    assert.match(response.headers.get("content-type"), /^text\/event-stream/);
    const events = eventsOf(await response.text());
    assert.equal(events[0].event, "state");
    assert.ok(events.some(({ event, data }) => event === "run" && data.event === "evaluated" && data.rule_id === rule));
    const last = events.at(-1);
    assert.equal(last.event, "published");
    assert.equal(last.data.segments[0].rule_id, rule);
    // The same report under the catalog's id, and under the one that was given when it was asked for.
    assert.deepEqual((await call("GET", `/runs/${last.data.id}`)).body, last.data);
    assert.deepEqual((await call("GET", `/runs/${asked.body.run_id}`)).body, last.data);
    assert.equal(last.data.id, (await engine.runs({ perPage: 1 })).items[0].id);
  });

  await context.test("one that is over tells its outcome at once", async () => {
    const { headers, text } = await call("GET", "/runs/1/events");
    assert.match(headers["content-type"], /^text\/event-stream/);
    assert.deepEqual(eventsOf(text).map(({ event }) => event), ["published"]);
    refused(await call("DELETE", "/runs/1"), 409, "run_is_over");
  });

  await context.test("one under way is cancelled and publishes nothing", async () => {
    const before = (await engine.runs()).total;
    const { run_id } = (await call("POST", `/rules/${long}/trigger`)).body;
    const following = fetch(`${address}/api/runs/${run_id}/events`).then((response) => response.text());
    await until(async () => (await state(call, run_id)) === "running");
    const listed = (await call("GET", "/runs")).body.asked;
    assert.ok(listed.some(({ id, state: now }) => id === run_id && now === "running"));
    const cancelled = await call("DELETE", `/runs/${run_id}`);
    assert.equal(cancelled.status, 200);
    assert.equal(await state(call, run_id), "cancelled");
    assert.equal(eventsOf(await following).at(-1).event, "cancelled");
    assert.equal((await engine.runs()).total, before);
    refused(await call("DELETE", `/runs/${run_id}`), 409, "run_is_over");
    await assert.rejects(engine.segment(long), { kind: "not_found" });
  });

  await context.test("one that waits is cancelled before it begins, and asking twice waits once", async () => {
    const running = (await call("POST", `/rules/${long}/trigger`)).body.run_id;
    const waiting = (await call("POST", `/rules/${rule}/trigger`)).body.run_id;
    assert.equal((await call("POST", `/rules/${rule}/trigger`)).body.run_id, waiting);
    assert.equal(await state(call, waiting), "queued");
    assert.equal((await call("DELETE", `/runs/${waiting}`)).status, 200);
    assert.equal(await state(call, waiting), "cancelled");
    assert.equal((await call("DELETE", `/runs/${running}`)).status, 200);
    assert.equal(jobs.get(waiting).started_at, null);
  });

  await context.test("whoever goes away while following stops nothing", async () => {
    const { run_id } = (await call("POST", `/rules/${long}/trigger`)).body;
    const controller = new AbortController();
    const response = await fetch(`${address}/api/runs/${run_id}/events`, { signal: controller.signal });
    await response.body.getReader().read();
    controller.abort();
    assert.ok(["queued", "running"].includes(await state(call, run_id)));
    await call("DELETE", `/runs/${run_id}`);
  });

  await context.test("a run that fails says why", async () => {
    const { rule_id } = (await call("POST", "/rules", { ...METRO, rule_name: "Gone" })).body;
    const blocking = (await call("POST", `/rules/${long}/trigger`)).body.run_id;
    const { run_id } = (await call("POST", `/rules/${rule_id}/trigger`)).body;
    assert.equal((await call("DELETE", `/rules/${rule_id}`)).status, 204);
    await call("DELETE", `/runs/${blocking}`);
    await until(async () => (await state(call, run_id)) === "failed");
    assert.equal((await call("GET", `/runs/${run_id}`)).body.error.code, "not_found");
    assert.equal(eventsOf((await call("GET", `/runs/${run_id}/events`)).text).at(-1).event, "failed");
  });

  await context.test("what is due, what is next, and what is going on", async () => {
    const due = (await call("GET", "/due")).body;
    assert.ok(due.next.length > 5);
    assert.deepEqual(due.next.map(({ next_run }) => next_run), due.next.map(({ next_run }) => next_run).toSorted());
    const status = (await call("GET", "/status")).body;
    assert.equal(status.running, null);
    assert.ok(status.published >= 1);
    assert.equal(status.scheduler.started, false);
  });

  await context.test("pages and ids that cannot be", async () => {
    refused(await call("GET", "/runs?page=0"), 422, "bad_value", "/query/page");
    const { body } = await call("GET", "/runs?per_page=1&page=2");
    assert.equal(body.items.length, 1);
    assert.equal(body.items[0].segments[0].sql, undefined);
    for (const id of ["999", "1000009999", "x", "0"]) {
      for (const [method, rest] of [["GET", ""], ["GET", "/events"], ["DELETE", ""]]) refused(await call(method, `/runs/${id}${rest}`), 404, "not_found");
    }
  });

  await context.test("every operation was called", () => assert.deepEqual(contract.unseen("runs"), []));
});

test("what was asked for is done after a restart", async (context) => {
  const dataDir = await folder();
  const first = await platform(context, { DATA_DIR: dataDir });
  const { rule_id } = (await first.call("POST", "/rules", slow())).body;
  const { run_id } = (await first.call("POST", `/rules/${rule_id}/trigger`)).body;
  await until(async () => (await state(first.call, run_id)) === "running");
  const summary = (await first.call("GET", "/analytics/summary")).body;
  await first.close();

  const second = await platform(context, { DATA_DIR: dataDir });
  assert.equal(await state(second.call, run_id), "queued");
  assert.deepEqual((await second.call("GET", "/analytics/summary")).body, summary);
  second.jobs.start();
  await until(async () => (await state(second.call, run_id)) === "published");
  assert.equal((await second.call("GET", `/runs/${run_id}`)).body.segments.at(-1).rule_id, rule_id);
  // Ids that were given are not given again.
  assert.equal((await second.call("POST", "/rules/1/trigger")).body.run_id, run_id + 1);
});

test("the scheduler runs what is due", async (context) => {
  const { call, scheduler } = await platform(context);
  const { rule_id } = (await call("POST", "/rules", { ...METRO, schedule: "* * * * *" })).body;
  scheduler.start();
  const found = await until(async () => (await call("GET", "/segments?search=Metro&per_page=100")).body.items.find((one) => one.rule_id === rule_id), 90);
  assert.ok(found.row_count > 0);
  assert.equal((await call("GET", "/status")).body.scheduler.started, true);
});
