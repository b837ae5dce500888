// What several tests need: engines, small and slow, and processes of their own.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Timestamp, makeData, makeVector, tableFromArrays, Table } from "apache-arrow";
import { SegmentEngine } from "segmentry";
import { tableOf } from "./tables.mjs";

export const USERS = tableOf({
  columns: [
    { name: "user_id", type: "int64" },
    { name: "city_tier", type: "int32" },
    { name: "name", type: "string" },
  ],
  rows: [[1, 1, "Asha"], [2, 2, "Bilal"], [3, 1, null]],
});

export const PAYMENTS = tableOf({
  columns: [
    { name: "user_id", type: "int64" },
    { name: "paid_at", type: "timestamp[us]" },
    { name: "amount", type: "float64" },
  ],
  rows: [
    [1, "2025-01-03T00:00:00", 120],
    [1, "2025-01-10T00:00:00", 40.5],
    [2, "2025-01-04T00:00:00", 900],
    [3, "2025-01-20T00:00:00", 15],
  ],
});

export const METRO = { rule_name: "Metro", conditions: [{ field: "city_tier", operator: "=", value: 1 }] };

/** Three users, four payments and one rule with its segment. */
export async function smallEngine(options = {}) {
  const engine = await SegmentEngine.open({ catalog: ":memory:", ...options });
  await engine.addArrow("users", USERS);
  await engine.addArrow("payments", PAYMENTS);
  await engine.createRule(METRO);
  await engine.refresh();
  return engine;
}

/** Numbers that look random and are the same each time. */
function* numbers(seed = 7) {
  for (;;) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    yield seed / 2 ** 32;
  }
}

/** An engine whose refresh takes a while. The first rule takes everybody. */
export async function slowEngine({ rules = 60, users = 20_000, events = 400_000, ...options } = {}) {
  const random = numbers();
  const next = (below) => Math.floor(random.next().value * below);
  const engine = await SegmentEngine.open({ catalog: ":memory:", ...options });
  await engine.addArrow("users", tableFromArrays({ user_id: BigInt64Array.from({ length: users }, (_, at) => BigInt(at)) }));
  const start = BigInt(Date.UTC(2025, 0, 1)) * 1000n;
  const at = BigInt64Array.from({ length: events }, () => start + BigInt(next(1e7)) * 1_000_000n);
  const payments = new Table({
    user_id: makeVector(BigInt64Array.from({ length: events }, () => BigInt(next(users)))),
    paid_at: makeVector(makeData({ type: new Timestamp(2, null), data: at })),
    amount: makeVector(BigInt64Array.from({ length: events }, () => BigInt(next(10_000)))),
  });
  await engine.addArrow("payments", payments);
  const spent = { events: "payments", aggregate: "sum", field: "amount", operator: ">" };
  const window = (at) => ({ start: `2025-01-${String(1 + (at % 28)).padStart(2, "0")}` });
  await engine.importRules([
    { rule_name: "Everybody", conditions: [] },
    ...Array.from({ length: rules }, (_, at) => ({
      rule_name: `Spenders ${at}`,
      conditions: [{ ...spent, value: 1000 * at, window: window(at) }],
    })),
  ]);
  return engine;
}

/** Waits until something holds. */
export async function until(holds, patience = 20_000) {
  const from = performance.now();
  while (!(await holds())) {
    if (performance.now() - from > patience) throw new Error(`not within ${patience} ms: ${holds}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A folder that is gone after the test. */
export function folderFor(context) {
  const folder = mkdtempSync(join(tmpdir(), "segmentry-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs a module's text in a process of its own; answers how it ended and what it said. */
export function runNode(code, { args = [], env = {}, node = process.execPath, cwd } = {}) {
  const here = fileURLToPath(new URL("..", import.meta.url));
  return new Promise((resolve) => {
    const child = spawn(node, [...args, "--input-type=module", "--eval", code], {
      cwd: cwd ?? here,
      env: { ...process.env, NODE_TEST_CONTEXT: "", ...env },
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (some) => (stdout += some));
    child.stderr.on("data", (some) => (stderr += some));
    child.on("close", (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
}
