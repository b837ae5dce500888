// A good citizen: workers, exits with work under way, panics, memory, copies of the package, and the event loop.

import assert from "node:assert/strict";
import { cpSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { folderFor, runNode } from "./support.mjs";

const WORKERS = Number(process.env.SEGMENTRY_WORKERS ?? 200);
const PANICS = Number(process.env.SEGMENTRY_PANICS ?? 1000);
const REFRESHES = Number(process.env.SEGMENTRY_REFRESHES ?? 400);
const PACKAGE = fileURLToPath(new URL("..", import.meta.url));
const SUPPORT = new URL("support.mjs", import.meta.url).href;

const supported = `import { slowEngine, smallEngine, until, USERS, METRO } from ${JSON.stringify(SUPPORT)};\n`;

/** Runs a module and expects it to end well. */
async function well(code, options) {
  const ran = await runNode(supported + code, options);
  assert.deepEqual([ran.status, ran.signal], [0, null], ran.stderr.slice(-3000));
  return ran;
}

test(`${WORKERS} workers, started and ended`, { timeout: 300_000 }, async () => {
  // One in three ends by itself, one in the middle of a run, one with a scheduler and a listener at work.
  const worker = `${supported}
    import { workerData } from "node:worker_threads";
    const engine = await slowEngine({ users: 2000, events: 20_000, rules: 20, threads: 2 });
    if (workerData % 3 === 0) {
      await engine.refresh();
      if ((await engine.segment("Everybody")).rowCount !== 2000) throw new Error("members are missing");
    } else if (workerData % 3 === 1) {
      engine.refresh(undefined, { reuse: false }).then(() => undefined, () => undefined);
      setTimeout(() => process.exit(0), Math.random() * 20);
    } else {
      engine.scheduler().start();
      await engine.trigger("Everybody");
      engine.refresh(undefined, { onProgress: () => process.exit(0) }).catch(() => undefined);
    }`;
  const { stdout } = await well(`
    import { Worker } from "node:worker_threads";
    import { pathToFileURL } from "node:url";
    const source = new URL("data:text/javascript," + encodeURIComponent(${JSON.stringify(worker)}));
    const codes = {};
    let next = 0;
    const one = () => new Promise((resolve, reject) => {
      const worker = new Worker(source, { workerData: next++ });
      worker.on("error", reject);
      worker.on("exit", resolve);
    });
    await Promise.all(Array.from({ length: 4 }, async () => {
      while (next < ${WORKERS}) { const code = await one(); codes[code] = (codes[code] ?? 0) + 1; }
    }));
    // The main thread has its own use of the package afterwards.
    const engine = await smallEngine();
    console.log(JSON.stringify(codes), (await engine.segment("Metro")).rowCount);
  `);
  assert.equal(stdout.trim(), `{"0":${WORKERS}} 2`);
});

test("workers that are terminated in the middle of runs", { timeout: 120_000 }, async () => {
  const worker = `${supported}
    import { parentPort } from "node:worker_threads";
    const engine = await slowEngine({ users: 5000, events: 100_000, rules: 50, threads: 2 });
    const refresh = engine.refresh(undefined, { onProgress: () => undefined });
    parentPort.postMessage("under way");
    await refresh;`;
  await well(`
    import { Worker } from "node:worker_threads";
    const source = new URL("data:text/javascript," + encodeURIComponent(${JSON.stringify(worker)}));
    const engine = await smallEngine();
    for (let at = 0; at < 20; at += 1) {
      const worker = new Worker(source);
      await new Promise((resolve, reject) => { worker.on("message", resolve); worker.on("error", reject); });
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 50));
      await worker.terminate();
      if ((await engine.refresh()).failed.length) throw new Error("failed");
    }
  `);
});

const LEAVING = {
  "process.exit in the middle of a run": `
    const engine = await slowEngine({ rules: 900 });
    engine.refresh(undefined, { onProgress: (event) => event.event === "progress" && process.exit(0) });`,
  "process.exit right after a call": `
    const engine = await smallEngine();
    engine.refresh(); engine.check(); engine.sql("select * from users").toArrow();
    process.exit(0);`,
  "nothing left to do but what is under way": `
    const engine = await slowEngine({ rules: 100 });
    engine.refresh().then((run) => { if (run.segments.length !== 101) process.exit(7); console.log("done"); });`,
  "a started scheduler that was let go of": `
    const engine = await smallEngine();
    await engine.updateRule("Metro", { ...METRO, schedule: "* * * * *" });
    engine.scheduler({ poll: 0.01 }).unref().start();
    await engine.trigger("Metro");`,
  "a scheduler that is stopped": `
    const engine = await smallEngine();
    const scheduler = engine.scheduler();
    scheduler.start();
    setTimeout(() => scheduler.stop(), 20);`,
  "many calls, none awaited": `
    const engine = await smallEngine();
    for (let at = 0; at < 200; at += 1) engine.segment("Metro").then((segment) => segment.keys()).then((keys) => keys.toArrow());`,
};

for (const [name, code] of Object.entries(LEAVING)) {
  test(`leaving with ${name}`, async () => {
    for (let at = 0; at < 3; at += 1) {
      const ran = await well(code);
      assert.equal(ran.stderr, "");
      if (name.startsWith("nothing left")) assert.equal(ran.stdout, "done\n");
    }
  });
}

test("an error that nobody catches ends the process as such, in the middle of a run", async () => {
  const ran = await runNode(`${supported}
    const engine = await slowEngine({ rules: 900 });
    engine.refresh().catch(() => undefined);
    await until(async () => (await engine.status()).running !== null);
    throw new Error("mine");`);
  assert.deepEqual([ran.status, ran.signal], [1, null]);
  assert.match(ran.stderr, /Error: mine/);
});

test(`${PANICS} panics are errors and nothing dies`, { timeout: 120_000 }, async () => {
  const code = `
    import { createRequire } from "node:module";
    import { InternalError, RuleParser } from "segmentry";
    const require = createRequire(${JSON.stringify(SUPPORT)});
    const native = require("../native.js");
    const { run, at } = require("../dist/calls.js");
    const engine = await smallEngine();
    const hooks = [async () => at(() => native.panicPlainly()), () => run(() => native.panicInATask()), () => run(() => native.panicInARun(engine.native))];
    for (let place = 0; place < ${PANICS}; place += 1) {
      const error = await hooks[place % 3]().then(() => { throw new Error("no panic"); }, (found) => found);
      if (!(error instanceof InternalError) || !/a panic of the tests/.test(error.message) || error.hint === undefined) throw error;
    }
    if ((await engine.status()).running !== null || (await engine.runs()).total !== 1) throw new Error("a run that panicked is there");
    const { failed } = await engine.refresh();
    if (failed.length || !(await engine.check()).isSound || (await engine.segment("Metro")).rowCount !== 2) throw new Error("harmed");
    console.log("alive");`;
  const ran = await well(code, { env: { SEGMENTRY_TEST_HOOKS: "1" } });
  assert.equal(ran.stdout, "alive\n");
  const refused = await runNode(`${supported}
    import { createRequire } from "node:module";
    createRequire(${JSON.stringify(SUPPORT)})("../native.js").panicPlainly();`);
  assert.match(refused.stderr, /SEGMENTRY_TEST_HOOKS/);
});

test(`memory is flat over ${REFRESHES} refreshes`, { timeout: 1_800_000 }, async () => {
  const { stdout } = await well(`
    import { tableFromArrays } from "apache-arrow";
    const engine = await smallEngine();
    const resident = async () => { for (let at = 0; at < 3; at += 1) { gc(); await new Promise((resolve) => setTimeout(resolve, 50)); } return process.memoryUsage.rss(); };
    const once = async (at) => {
      await engine.addArrow("users", tableFromArrays({ user_id: BigInt64Array.of(1n, 2n, 3n), city_tier: Int32Array.of(1, at % 3, 1) }));
      await engine.refresh(undefined, { onProgress: () => undefined, signal: new AbortController().signal });
      const segment = await engine.segment("Metro");
      await segment.toArrow(); await segment.sample(1); (await segment.keys()).toArray();
      await engine.rule(77).catch(() => undefined);
      if (at % 50 === 0) await engine.vacuum({ keepVersions: 1, runs: 1 });
      if (at % 10 === 0) gc();
    };
    for (let at = 0; at < ${REFRESHES} / 2; at += 1) await once(at);
    const before = await resident();
    for (let at = 0; at < ${REFRESHES} / 2; at += 1) await once(at);
    console.log(before, await resident());
  `, { args: ["--expose-gc"] });
  const [before, after] = stdout.trim().split(" ").map((bytes) => Number(bytes) / 2 ** 20);
  assert.ok(after - before < 10, `${before.toFixed(0)} MiB became ${after.toFixed(0)}`);
});

test("nobody holds a listener or a signal once its call is over", async () => {
  const { stdout } = await well(`
    const engine = await smallEngine();
    let collected = 0;
    const registry = new FinalizationRegistry(() => (collected += 1));
    for (let at = 0; at < 50; at += 1) {
      const [onProgress, controller] = [() => at, new AbortController()];
      registry.register(onProgress);
      registry.register(controller.signal);
      await engine.refresh(undefined, { onProgress, signal: controller.signal });
      await engine.rule(77, { signal: controller.signal }).catch(() => undefined);
    }
    await until(() => { gc(); return collected >= 95; });
    console.log("collected");
  `, { args: ["--expose-gc"] });
  assert.equal(stdout, "collected\n");
});

test("two copies of the package in one process", { timeout: 120_000 }, async (context) => {
  const copy = join(folderFor(context), "node_modules", "segmentry");
  mkdirSync(copy, { recursive: true });
  const parts = readdirSync(PACKAGE).filter((name) => name.endsWith(".node"));
  for (const part of [...parts, "dist", "native.js", "package.json"]) cpSync(join(PACKAGE, part), join(copy, part), { recursive: true });
  await well(`
    import { createRequire } from "node:module";
    import { tableToIPC } from "apache-arrow";
    import * as one from "segmentry";
    const two = createRequire(${JSON.stringify(join(copy, "index.js"))})("segmentry");
    if (one.SegmentEngine === two.SegmentEngine) throw new Error("the same copy");
    const engines = [await smallEngine(), await two.SegmentEngine.open({ catalog: ":memory:" })];
    // The copy finds no apache-arrow from where it is, and says so.
    const unknown = await engines[1].addArrow("users", USERS).catch((found) => found);
    if (!(unknown instanceof two.InvalidError) || !/tableToIPC/.test(unknown.hint)) throw unknown;
    await engines[1].addArrow("users", tableToIPC(USERS));
    await engines[1].createRule(METRO);
    for (let at = 0; at < 20; at += 1) {
      const runs = await Promise.all(engines.map((engine) => engine.refresh(1, { reuse: false })));
      if (runs.some((run) => run.failed.length || run.segments[0].rowCount !== 2)) throw new Error("failed");
    }
    // Of a file only one of them may have a SQLite open.
    const file = ${JSON.stringify(join(copy, "audience.db"))};
    await one.SegmentEngine.open({ catalog: file });
    const taken = await two.SegmentEngine.open({ catalog: file }).catch((found) => found);
    if (!(taken instanceof two.InvalidError) || taken.code !== "unsupported") throw taken;
    await one.SqliteCatalog.open(file);
    const error = await engines[1].rule(7).catch((found) => found);
    if (!(error instanceof two.NotFoundError)) throw error;
    engines.forEach((engine) => engine.refresh());
  `);
});

test("the event loop stays free while a run is on", { timeout: 120_000 }, async () => {
  const bench = join(PACKAGE, "bench", "event-loop.mjs");
  const { stdout } = await well(`
    import { measure } from ${JSON.stringify(bench)};
    console.log(JSON.stringify(await measure({ users: 50_000, events: 1_000_000, rules: 200 })));
  `);
  const { longestCall, callsMade } = JSON.parse(stdout);
  assert.ok(callsMade > 10, stdout);
  assert.ok(longestCall < 10, stdout);
});
