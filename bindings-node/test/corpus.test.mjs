// The corpus through Node: the members that every language gives.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { SegmentEngine } from "segmentry";
import { tableFromIPC } from "apache-arrow";
import { asObject, names, read } from "./corpus.mjs";
import { tableOf } from "./tables.mjs";

const folder = mkdtempSync(join(tmpdir(), "segmentry-"));
after(() => rmSync(folder, { recursive: true }));

/** An engine with the case's tables and rules; the rules' ids are their places in the list. */
async function engineOf(found, rules, catalog) {
  const engine = await SegmentEngine.open({ catalog, model: found.model, threads: 2 });
  for (const [table, file] of found.files) await engine.addParquet(table, file);
  for (const [table, data] of found.tables) await engine.addArrow(table, tableOf(data));
  for (const [at, rule] of rules.entries()) assert.equal(await engine.createRule(rule), at + 1);
  return engine;
}

const big = (key) => (typeof key === "number" ? BigInt(key) : key);
const sum = (keys) => keys.reduce((total, key) => total + key, 0n);

/** Whether members are those that a case tells, by themselves or by figures. */
function agrees(expected, keys) {
  if (Array.isArray(expected)) return assert.deepEqual(keys, expected.map(big));
  assert.equal(keys.length, expected.count);
  assert.deepEqual(keys.slice(0, expected.first.length), expected.first.map(big));
  assert.deepEqual(keys.slice(keys.length - expected.last.length), expected.last.map(big));
  assert.equal(sum(keys), BigInt(expected.sum));
  assert.equal(sum(keys.map((key) => key * key)), BigInt(expected.sum_of_squares));
}

async function check(found, engine) {
  const wanted = found.rules.map((rule) => JSON.parse(rule).rule_name);
  for (const [asOf, expected] of found.runs) {
    const run = await engine.refresh(wanted.map((_, at) => at + 1), { asOf });
    assert.deepEqual([run.failed, run.skipped], [[], []]);
    assert.deepEqual(Object.keys(expected).sort(), [...wanted].sort());
    for (const [at, name] of wanted.entries()) {
      const segment = await engine.segment(at + 1);
      const keys = (await segment.keys()).toArray();
      agrees(expected[name], keys);
      // The same members by every way out.
      assert.equal(segment.rowCount, keys.length);
      const column = tableFromIPC(await segment.toArrow()).getChildAt(0);
      assert.deepEqual(column ? [...column] : [], keys);
      assert.ok(keys.slice(0, 50).every((key) => segment.contains(key)));
    }
  }
}

test("no case is missing", () => assert.ok(names().length >= 130, `${names().length} cases`));

for (const name of names()) {
  test(`${name}, documents as they are written`, async () => {
    const found = read(name);
    await check(found, await engineOf(found, found.rules, join(folder, `${name}.db`)));
  });
  test(`${name}, documents as objects`, async () => {
    const found = read(name);
    await check(found, await engineOf(found, found.rules.map(asObject), ":memory:"));
  });
}
