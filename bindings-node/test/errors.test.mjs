// Errors, documents and instants: what is said, and what survives the way there and back.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import * as esm from "segmentry";
import { exactly, InvalidError, NotFoundError, RuleParser, SegmentEngine, SegmentryError } from "segmentry";
import { METRO, smallEngine } from "./support.mjs";

const require = createRequire(import.meta.url);
const cjs = require("segmentry");
const json = require("../dist/json.js");

test("a class is the same class by import and by require", async () => {
  for (const name of Object.keys(cjs)) assert.equal(esm[name], cjs[name], name);
  const engine = await cjs.SegmentEngine.open({ catalog: ":memory:" });
  const error = await engine.rule(7).catch((found) => found);
  assert.ok(error instanceof NotFoundError && error instanceof cjs.SegmentryError && error instanceof Error);
});

test("an error has its code, kind, path, hint and problems, and a stack that leads to the caller", async () => {
  const error = await RuleParser.parse({ rule_nam: "A", conditions: [] }).catch((found) => found);
  assert.ok(error instanceof InvalidError && error instanceof SegmentryError);
  assert.deepEqual([error.name, error.kind, error.code, error.path], ["InvalidError", "invalid", "unknown_member", "/rule_nam"]);
  assert.equal(error.hint, 'did you mean "rule_name"?');
  assert.equal(error.problems.length, 2);
  assert.match(error.message, /unknown_member: .*\(at \/rule_nam\); did you mean/);
  assert.match(String(error), /^InvalidError: /);
  assert.match(error.stack, /errors\.test\.mjs/);
  const said = JSON.parse(JSON.stringify(error));
  assert.deepEqual([said.kind, said.code, said.problems.length], ["invalid", "unknown_member", 2]);
});

test("each kind has a class", async () => {
  const engine = await smallEngine();
  const kinds = {
    invalid: () => engine.createRule(METRO),
    not_found: () => engine.segment("Nobody"),
    conflict: () => engine.updateRule(1, METRO, { ifVersion: 7 }),
    data: () => engine.addParquet("gone", "/nowhere/at/all.parquet"),
    busy: () => engine.refresh(undefined, { timeout: 0 }),
    cancelled: () => engine.rules({ signal: AbortSignal.abort() }),
  };
  for (const [kind, ask] of Object.entries(kinds)) {
    const error = await ask().then(() => assert.fail(kind), (found) => found);
    const name = `${kind.replace(/(^|_)./g, (letter) => letter.at(-1).toUpperCase())}Error`;
    assert.deepEqual([error.kind, error.name, error.constructor], [kind, name, esm[name]]);
    assert.ok(error.code && error.problems.length > 0, kind);
  }
});

test("wrong arguments are told, by a rejection where there is a promise", async () => {
  const engine = await smallEngine();
  const cases = [
    () => engine.rule({}), () => engine.rule(1.5), () => engine.rule(2 ** 53), () => engine.rule(null), () => engine.rule("\ud800"),
    () => engine.createRule(), () => engine.createRule(7), () => engine.createRule(() => 1), () => engine.createRule(Symbol("a")),
    () => engine.rules({ page: -1 }), () => engine.rules({ page: "1" }), () => engine.rules({ search: 7 }),
    () => engine.refresh(undefined, { asOf: 7 }), () => engine.refresh(undefined, { asOf: "yesterday" }),
    () => engine.refresh(undefined, { asOf: new Date(NaN) }), () => engine.refresh(undefined, { onProgress: 7 }),
    () => engine.refresh(undefined, { timeout: -1 }), () => engine.refresh(undefined, { timeout: NaN }),
    () => engine.refresh(undefined, { incremental: "no" }), () => engine.refresh(undefined, { signal: {} }),
    () => engine.addCsv("users", 7), () => engine.vacuum({ keepVersions: -1 }), () => engine.toSql(1, "cobol"),
    () => SegmentEngine.open(), () => SegmentEngine.open({ catalog: 7 }), () => SegmentEngine.open({ catalog: ":memory:", threads: -1 }),
    () => engine.sql(7).toArray(),
  ];
  for (const ask of cases) {
    const error = await ask().then(() => assert.fail(String(ask)), (found) => found);
    assert.ok(error instanceof InvalidError, `${ask}: ${error.stack}`);
    assert.ok(error.message.length > 10 && error.message.length < 500, error.message);
  }
  const circle = {};
  circle.circle = circle;
  await assert.rejects(engine.createRule(circle), (error) => error.code === "malformed");
});

test("JSON with integers that a number does not hold", () => {
  const both = (value) => json.parse(json.stringify(value));
  const values = [
    9_007_199_254_740_993n, -(2n ** 63n), { a: [2n ** 64n] }, "12345678901234567890", { "12345678901234567890": 1 },
    ["#", "##12345678901234567890", 2n ** 60n, "a\\\"1234567890123456789"], "\u2028 \ud83d\ude00 \\u0041", 1.5, 0.1, 1e300, "__proto__",
  ];
  for (const value of values) assert.deepEqual(both(value), value);
  assert.deepEqual(json.parse('{"a":12345678901234567890,"b":1234567890123456.75,"c":1e30}'), {
    a: 12345678901234567890n, b: 1234567890123456.75, c: 1e30,
  });
  assert.equal(json.stringify({ a: 1n, b: new Date(0), c: undefined }), '{"a":1,"b":"1970-01-01T00:00:00.000Z"}');
  assert.throws(() => json.stringify({ value: Infinity }), InvalidError);
});

test("an instant keeps its microseconds beside the Date", async () => {
  const engine = await smallEngine();
  const asOf = "2025-03-01T00:00:00.123456Z";
  const run = await engine.refresh("Metro", { asOf });
  assert.equal(run.asOf.getTime(), Date.parse("2025-03-01T00:00:00.123Z"));
  assert.match(exactly(run.asOf), /^2025-03-01T00:00:00\.123456/);
  // Handed back it is the same instant; a Date of the same milliseconds lies before it.
  assert.equal((await engine.segment("Metro", { asOf: run.asOf })).version, 2);
  await assert.rejects(engine.segment("Metro", { asOf: new Date(run.asOf) }), NotFoundError);
  const moved = (await engine.run(run.id)).asOf;
  moved.setTime(0);
  assert.equal(exactly(moved), "1970-01-01T00:00:00.000Z");
});
