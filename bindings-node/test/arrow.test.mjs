// Rows and keys: Arrow out and in, batches, plain objects, and integers that a number does not hold.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { RecordBatchReader, tableFromArrays, tableFromIPC, tableToIPC } from "apache-arrow";
import { exactly, InvalidError, Keys, Rows, SegmentEngine } from "segmentry";
import { folderFor, METRO, runNode, smallEngine } from "./support.mjs";
import { tableOf } from "./tables.mjs";

const BIG = 9_007_199_254_740_993n; // 2^53 + 1

async function bigEngine() {
  const engine = await SegmentEngine.open({ catalog: ":memory:" });
  const rows = [[BIG, "a"], [BIG + 1n, "b"], [-(2n ** 63n), "c"], [2n ** 63n - 1n, "d"], [0, "e"]];
  const columns = [{ name: "user_id", type: "int64" }, { name: "name", type: "string" }];
  await engine.addArrow("users", tableOf({ columns, rows }));
  await engine.createRule({ rule_name: "Everyone", conditions: [] });
  await engine.createRule({ rule_name: "Picked", conditions: [{ field: "name", operator: "=", value: "e" }], include: [BIG] });
  await engine.refresh();
  return engine;
}

test("keys beyond 2^53 are never rounded", async () => {
  const engine = await bigEngine();
  const everyone = await engine.segment("Everyone");
  assert.deepEqual([...(await everyone.keys())], [-(2n ** 63n), 0n, BIG, BIG + 1n, 2n ** 63n - 1n]);
  assert.deepEqual([...(await (await engine.segment("Picked")).keys())], [0n, BIG]);
  const picked = await engine.segment("Picked");
  assert.deepEqual([BIG, BIG + 1n, BIG - 1n, 0, 0n, -0].map((key) => picked.contains(key)), [true, false, false, true, true, true]);
  assert.deepEqual(await engine.segmentsOf(BIG + 1n), ["Everyone"]);
  assert.deepEqual(await engine.segmentsOf(-(2n ** 63n)), ["Everyone"]);
  // In documents, both ways.
  assert.deepEqual((await engine.rule("Picked")).document.include, [BIG]);
  assert.deepEqual((await engine.exportRules())[1].include, [BIG]);
  assert.equal((await engine.preview({ conditions: [], exclude: [BIG] })).count, 4);
  const condition = [{ field: "user_id", operator: "=", value: BIG + 1n }];
  assert.deepEqual((await engine.preview(condition)).sample, [{ user_id: BIG + 1n, name: "b" }]);
  // In answers.
  const explanation = await engine.explain(condition, BIG + 1n);
  assert.deepEqual([explanation.key, explanation.member, explanation.root.parts[0].value], [BIG + 1n, true, BIG + 1n]);
  assert.deepEqual((await picked.sample()).map((user) => user.user_id), [0n, BIG]);
  assert.equal((await engine.forget(BIG)).pickedBy[0].ruleId, 2);
});

test("a number that is no safe integer is refused as a key", async () => {
  const engine = await bigEngine();
  const segment = await engine.segment("Everyone");
  for (const key of [2 ** 53, 1.5, NaN, Infinity, null, undefined, {}, true, "\ud800"]) {
    assert.throws(() => segment.contains(key), (error) => error instanceof InvalidError && error.code === "bad_value", String(key));
    await assert.rejects(engine.segmentsOf(key), InvalidError);
  }
  assert.throws(() => segment.contains(2 ** 53), /write it as a bigint/);
  for (const key of [2n ** 63n, -(2n ** 63n) - 1n, 2n ** 64n, 2n ** 200n]) {
    assert.throws(() => segment.contains(key), /64 bits/);
  }
  await assert.rejects(engine.createRule({ rule_name: "A", conditions: [], include: [NaN] }), /NaN/);
});

test("string keys", async () => {
  const engine = await SegmentEngine.open({ catalog: ":memory:" });
  const names = ["b", "a", "日本", "😀", "é"];
  await engine.addArrow("users", tableOf({ columns: [{ name: "user_id", type: "string" }], rows: names.map((name) => [name]) }));
  await engine.createRule({ rule_name: "Everyone", conditions: [] });
  await engine.refresh();
  const segment = await engine.segment("Everyone");
  const keys = await segment.keys();
  assert.deepEqual(keys.toArray(), ["a", "b", "é", "日本", "😀"]);
  assert.deepEqual([keys.at(-1), keys.at(0), keys.at(5), keys.at(-6)], ["😀", "a", undefined, undefined]);
  assert.deepEqual([segment.contains("日本"), segment.contains("ß"), segment.contains(1)], [true, false, false]);
  assert.deepEqual([...tableFromIPC(await keys.toArrow()).getChild("user_id")], keys.toArray());
});

test("keys are fetched a stretch at a time", async () => {
  const engine = await SegmentEngine.open({ catalog: ":memory:" });
  const count = 20_001;
  await engine.addArrow("users", tableFromArrays({ user_id: BigInt64Array.from({ length: count }, (_, at) => BigInt(at)) }));
  await engine.createRule({ rule_name: "Everyone", conditions: [] });
  await engine.refresh();
  const segment = await engine.segment("Everyone");
  const keys = await segment.keys();
  assert.ok(keys instanceof Keys);
  let at = 0n;
  for (const key of keys) assert.equal(key, at++);
  assert.deepEqual([at, keys.length], [BigInt(count), count]);
  for (const key of keys) if (key === 3n) break;
  const sizes = [];
  for await (const batch of segment.members()) sizes.push(batch.length);
  assert.deepEqual(sizes, [8192, 8192, 3617]);
  const larger = [];
  for await (const batch of segment.members(["user_id"], { batchSize: 20_000 })) {
    assert.ok(batch instanceof Rows);
    larger.push((await batch.toArray()).length);
  }
  assert.deepEqual(larger, [20_000, 1]);
});

test("members: awaited, in batches, as Arrow and as objects", async () => {
  const engine = await smallEngine();
  const segment = await engine.segment("Metro");
  const rows = await segment.members();
  assert.deepEqual([rows.length, rows.columns], [2, ["user_id", "city_tier", "name"]]);
  const objects = [{ user_id: 1n, city_tier: 1, name: "Asha" }, { user_id: 3n, city_tier: 1, name: null }];
  assert.deepEqual(await rows.toArray(), objects);
  assert.deepEqual(await segment.members().toArray(), objects);
  const table = tableFromIPC(await segment.members(["name", "user_id"]).toArrow());
  assert.deepEqual(table.toArray().map((row) => row.toJSON()), [{ name: "Asha", user_id: 1n }, { name: null, user_id: 3n }]);
  const batches = [];
  for await (const batch of segment.members(undefined, { batchSize: 1 })) batches.push(tableFromIPC(await batch.toArrow()).numRows);
  assert.deepEqual(batches, [1, 1]);
  await assert.rejects(async () => segment.members(["nothing"]), (error) => error.code === "missing_column");
  await assert.rejects(segment.members(["nothing"]).toArrow(), (error) => error.code === "missing_column");
  const empty = await segment.members().then((all) => all.toArray()).finally(() => undefined);
  assert.equal(empty.length, 2);
});

test("every type goes in by Arrow and comes out, as Arrow and as values", async () => {
  const engine = await SegmentEngine.open({ catalog: ":memory:" });
  const columns = Object.entries({
    b: "bool", i8: "int8", i16: "int16", i32: "int32", i64: "int64", u8: "uint8", u16: "uint16", u32: "uint32", u64: "uint64",
    f32: "float32", f64: "float64", d: "decimal(38,10)", s: "string", day: "date", at: "timestamp[us]",
    zoned: "timestamp[us, UTC]", nano: "timestamp[ns, UTC]", list: "list<int64>", texts: "list<string>",
  }).map(([name, type]) => ({ name, type }));
  const first = [true, -128, -32768, -1, BIG, 255, 65535, 4294967295, 2n ** 64n - 1n, 0.5, 1e300,
    "1234567890123456789012345678.0123456789", "a\"\\\u0001\u2028😀", "2025-01-31", "2025-01-31T10:00:00.123456",
    "2025-01-31T10:00:00.123456Z", "1969-12-31T23:59:59.999999999Z", [BIG, null], ["a", null]];
  const odd = columns.map(({ name }) => (name === "f64" ? "NaN" : name === "f32" ? "-inf" : null));
  const table = tableOf({ columns, rows: [first, odd] });
  await engine.addArrow("all", table);
  const sorted = engine.sql("select * from \"all\" order by b nulls last");
  const [one, two] = await sorted.toArray();
  assert.deepEqual(one, {
    b: true, i8: -128, i16: -32768, i32: -1, i64: BIG, u8: 255, u16: 65535, u32: 4294967295, u64: 2n ** 64n - 1n, f32: 0.5,
    f64: 1e300, d: "1234567890123456789012345678.0123456789", s: "a\"\\\u0001\u2028😀", day: "2025-01-31",
    at: "2025-01-31T10:00:00.123456", zoned: new Date("2025-01-31T10:00:00.123Z"), nano: new Date(-1),
    list: [BIG, null], texts: ["a", null],
  });
  assert.match(exactly(one.zoned), /10:00:00\.123456/);
  assert.deepEqual([two.f64, two.f32, two.b, two.list], [NaN, -Infinity, null, null]);
  const back = tableFromIPC(await sorted.toArrow());
  assert.deepEqual(back.schema.fields.map((field) => String(field.type)), table.schema.fields.map((field) => String(field.type)));
  assert.deepEqual(back.toArray().map(String), table.toArray().map(String));
});

test("Arrow goes in as a stream, as a file, as a table, in an ArrayBuffer and in a part of one", async () => {
  const engine = await SegmentEngine.open({ catalog: ":memory:" });
  const table = tableFromArrays({ user_id: Int32Array.of(1, 2), name: ["a", "b"] });
  const stream = tableToIPC(table, "stream");
  const shifted = new Uint8Array(stream.length + 3);
  shifted.set(stream, 3);
  const required = createRequire(import.meta.url)("apache-arrow").tableFromArrays({ user_id: Int32Array.of(1, 2), name: ["a", "b"] });
  assert.notEqual(required.constructor, table.constructor);
  const forms = [table, required, stream, tableToIPC(table, "file"), new Uint8Array(stream).buffer, shifted.subarray(3), Buffer.from(stream)];
  for (const form of forms) {
    await engine.addArrow("users", form);
    assert.deepEqual(await engine.sql("select * from users order by 1").toArray(), [{ user_id: 1, name: "a" }, { user_id: 2, name: "b" }]);
  }
  await engine.addArrow("empty", tableToIPC(tableFromArrays({ user_id: Int32Array.of() })));
  assert.deepEqual(await engine.sql("select * from empty").toArray(), []);
  assert.equal(tableFromIPC(await engine.sql("select * from empty").toArrow()).schema.fields[0].name, "user_id");
});

test("bytes that are no Arrow are told so, whatever they are", async () => {
  // In a process of its own: Arrow's readers panic at some of them, and say so.
  const { status, stdout, stderr } = await runNode(`
    import { tableFromArrays, tableToIPC } from "apache-arrow";
    import { DataError, InvalidError, SegmentEngine } from "segmentry";
    const engine = await SegmentEngine.open({ catalog: ":memory:" });
    const table = tableFromArrays({ user_id: Int32Array.of(1, 2), name: ["a", "b"] });
    const forms = [tableToIPC(table, "stream"), tableToIPC(table, "file")];
    let refused = 0;
    for (let at = 0; at < 600; at += 1) {
      const form = forms[at % 2];
      const damaged = Uint8Array.from(at % 5 ? form : form.subarray(0, (at * 37) % form.length));
      damaged[(at * 37) % damaged.length] ^= 1 + (at % 255);
      const outcome = await engine.addArrow("damaged", damaged).catch((error) => error);
      if (outcome === undefined) continue;
      if (!(outcome instanceof DataError || outcome instanceof InvalidError)) throw outcome;
      refused += 1;
    }
    console.log(refused);
  `);
  assert.equal(status, 0, stderr.slice(-2000));
  assert.ok(Number(stdout) > 30, stdout);
});

test("texts of Parquet files are read, which the engine has as views", async (context) => {
  const engine = await SegmentEngine.open({ catalog: ":memory:" });
  await engine.addArrow("users", tableOf({ columns: [{ name: "user_id", type: "string" }], rows: [["a"], ["a longer one than twelve"]] }));
  await engine.createRule({ rule_name: "Everyone", conditions: [] });
  await engine.refresh();
  const file = join(folderFor(context), "everyone.parquet");
  await (await engine.segment("Everyone")).export(file);
  await engine.addParquet("people", file);
  assert.equal((await engine.sources()).find((source) => source.name === "people").schema[0].type, "Utf8View");
  const found = await engine.sql("select user_id, make_array(user_id) as list from people order by user_id");
  assert.deepEqual(await found.toArray(), [
    { user_id: "a", list: ["a"] },
    { user_id: "a longer one than twelve", list: ["a longer one than twelve"] },
  ]);
  const table = tableFromIPC(await found.toArrow());
  assert.deepEqual([...table.getChild("user_id")], ["a", "a longer one than twelve"]);
  assert.deepEqual([...table.getChild("list").get(1)], ["a longer one than twelve"]);
});

test("a column called __proto__ is a column", async () => {
  const engine = await smallEngine();
  const [row] = await engine.sql('select 1 as "__proto__", 2 as "constructor"').toArray();
  assert.deepEqual(Object.keys(row), ["__proto__", "constructor"]);
  assert.equal(Object.getPrototypeOf(row), Object.prototype);
});

test("a long answer is several messages", async () => {
  const engine = await SegmentEngine.open({ catalog: ":memory:" });
  const count = 150_000;
  await engine.addArrow("users", tableFromArrays({ user_id: BigInt64Array.from({ length: count }, (_, at) => BigInt(at)) }));
  await engine.createRule({ ...METRO, rule_name: "Everyone", conditions: [] });
  await engine.refresh();
  const bytes = await (await engine.segment("Everyone")).toArrow();
  const sizes = [...RecordBatchReader.from(bytes)].map((batch) => batch.numRows);
  assert.deepEqual(sizes, [65_536, 65_536, 18_928]);
});
