// Signals and progress: a verb that is stopped lets go of everything and publishes nothing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { CancelledError, SegmentEngine, SegmentryError } from "segmentry";
import { slowEngine, smallEngine, until } from "./support.mjs";

const ABORTS = Number(process.env.SEGMENTRY_ABORTS ?? 40);

test("a signal that was aborted beforehand, for every verb that takes one", async () => {
  const engine = await smallEngine();
  const segment = await engine.segment("Metro");
  const keys = await segment.keys();
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  const before = JSON.stringify(await engine.exportRules());
  const calls = [
    engine.refresh(undefined, { signal }), engine.rules({ signal }), engine.createRule({ rule_name: "A", conditions: [] }, { signal }),
    engine.deleteRule(1, { signal }), engine.segment(1, { signal }), engine.preview([], { signal }), engine.explain(1, 1, { signal }),
    engine.sql("select 1", { signal }).toArray(), segment.members([], { signal }).toArrow(), segment.sample(1, [], { signal }),
    segment.keys({ signal }), segment.toArrow({ signal }), keys.toArrow({ signal }), engine.check({ signal }),
    engine.vacuum({ keepVersions: 1, signal }), SegmentEngine.open({ catalog: ":memory:", signal }), engine.scheduler().runDue({ signal }),
  ];
  for (const outcome of await Promise.allSettled(calls)) {
    assert.equal(outcome.status, "rejected");
    const error = outcome.reason;
    assert.ok(error instanceof CancelledError && error instanceof SegmentryError);
    assert.deepEqual([error.kind, error.code, error.cause], ["cancelled", "cancelled", reason]);
  }
  assert.equal(JSON.stringify(await engine.exportRules()), before);
  assert.equal((await engine.runs()).total, 1);
});

test("an abort during a run stops it within a second, and nothing is published", async () => {
  const engine = await slowEngine({ rules: 900 });
  const controller = new AbortController();
  const refresh = engine.refresh(undefined, { signal: controller.signal });
  await until(async () => (await engine.status()).running !== null);
  const from = performance.now();
  controller.abort();
  const error = await refresh.catch((found) => found);
  assert.ok(performance.now() - from < 1000, `${performance.now() - from} ms`);
  assert.deepEqual([error.code, error.cause.name], ["cancelled", "AbortError"]);
  const status = await engine.status();
  assert.deepEqual([status.running, status.stopped, (await engine.runs()).total], [null, 1, 0]);
  // It goes on working.
  assert.equal((await engine.refresh(1)).segments[0].rowCount, 20_000);
});

test("a timeout's signal", async () => {
  const engine = await slowEngine({ rules: 900 });
  const error = await engine.refresh(undefined, { signal: AbortSignal.timeout(50) }).catch((found) => found);
  assert.deepEqual([error.code, error.cause.name], ["cancelled", "TimeoutError"]);
});

test("an abort while waiting for another run", async () => {
  const engine = await slowEngine({ rules: 400 });
  const other = engine.refresh();
  await until(async () => (await engine.status()).running !== null);
  const waiting = engine.refresh(1, { signal: AbortSignal.timeout(20) });
  await assert.rejects(waiting, CancelledError);
  assert.equal((await other).segments.length, 401);
});

test("aborts at random moments: published whole or not at all", async () => {
  const engine = await slowEngine({ rules: 40, events: 100_000, threads: 2 });
  const from = performance.now();
  await engine.refresh(undefined, { incremental: false, reuse: false });
  const usual = performance.now() - from;
  let [stopped, published] = [0, 1];
  for (let at = 0; at < ABORTS; at += 1) {
    const controller = new AbortController();
    const asOf = new Date(Date.UTC(2025, 5, 1) + at * 1000);
    const refresh = engine.refresh(undefined, { asOf, incremental: false, reuse: false, signal: controller.signal });
    setTimeout(() => controller.abort(), Math.random() * usual * 1.2);
    const outcome = await refresh.catch((error) => error);
    if (outcome instanceof Error) {
      assert.ok(outcome instanceof CancelledError, outcome);
      stopped += 1;
    } else {
      assert.equal(outcome.segments.length, 41);
      published += 1;
    }
    assert.equal((await engine.status()).running, null);
  }
  // A run whose publication was under way when it was stopped is there, whole.
  const { total, items } = await engine.runs({ perPage: 1000 });
  assert.ok(total >= published && total <= published + stopped, `${total} of ${published} and ${stopped}`);
  assert.ok(items.every((run) => run.segments.length === 41));
  assert.ok(stopped > 0);
  assert.equal((await engine.check()).isSound, true);
});

test("a signal is let go of when the call is over", async () => {
  const engine = await smallEngine();
  const controller = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = controller.signal;
  controller.signal.addEventListener = (...all) => (listeners++, addEventListener.apply(controller.signal, all));
  controller.signal.removeEventListener = (...all) => (listeners--, removeEventListener.apply(controller.signal, all));
  for (let at = 0; at < 50; at += 1) await engine.rules({ signal: controller.signal });
  await engine.rule(7, { signal: controller.signal }).catch(() => undefined);
  assert.equal(listeners, 0);
  controller.abort();
});

test("progress is told in order, whole, and before the call is settled", async () => {
  const engine = await slowEngine({ rules: 700 });
  const events = [];
  const run = await engine.refresh(undefined, { onProgress: (event) => events.push(event) });
  assert.deepEqual([events[0], events.at(-1)], [{ event: "started", rules: 701 }, { event: "published", runId: run.id }]);
  const evaluated = events.filter((event) => event.event === "evaluated");
  assert.deepEqual(evaluated.map((event) => event.done), Array.from({ length: 701 }, (_, at) => at + 1));
  assert.ok(events.some((event) => event.event === "progress" && event.stage === "read" && event.table === "payments"));
});

test("what a listener throws stops the run and is what the call fails with", async () => {
  const engine = await slowEngine({ rules: 300 });
  const mine = new Error("mine");
  const thrower = (event) => {
    if (event.event === "progress") throw mine;
  };
  await assert.rejects(engine.refresh(undefined, { onProgress: thrower }), (error) => error === mine);
  assert.deepEqual([(await engine.status()).running, (await engine.runs()).total], [null, 0]);
});
