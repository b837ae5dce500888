// The corpus of bad documents: every problem of each, with its code, its place and its hint.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { AudienceModel, InvalidError, RuleParser, SegmentEngine } from "segmentry";
import { items, parse, TESTS } from "./corpus.mjs";
import { tableOf } from "./tables.mjs";

const MODEL = {
  users: { table: "people", key: "id" },
  events: { buys: { user: "user_id", time: "at" }, visits: { user: "user_id", time: "at" } },
  traits: {
    total_spend: { aggregate: "sum", field: "amount", events: ["buys", "visits"] },
    buy_count: { aggregate: "count", events: "buys" },
    home: { latitude: "lat", longitude: "lon" },
  },
};

const one = (columns) =>
  tableOf({ columns: columns.map(([name, type]) => ({ name, type })), rows: [columns.map(([, , cell]) => cell)] });

const TABLES = {
  people: one([
    ["id", "int64", 1],
    ["city_tier", "int32", 1],
    ["balance", "decimal(12,2)", "1.50"],
    ["score", "float64", 0.5],
    ["country", "string", "IN"],
    ["active", "bool", true],
    ["born", "date", "1997-05-19"],
    ["created_at", "timestamp[us]", "1970-01-01T00:00:00"],
    ["tags", "list<string>", ["a"]],
    ["lat", "float64", 19],
    ["lon", "float64", 72],
    ["photo", "binary", Uint8Array.of(120)],
  ]),
  buys: one([
    ["user_id", "int64", 1],
    ["at", "timestamp[us]", "1970-01-01T00:00:00"],
    ["amount", "decimal(12,2)", "1.50"],
    ["price", "float64", 1.5],
    ["category", "string", "Travel"],
    ["online", "bool", true],
    ["labels", "list<int32>", [1]],
  ]),
  visits: one([
    ["user_id", "int64", 1],
    ["at", "timestamp[us]", "1970-01-01T00:00:00"],
    ["amount", "int64", 1],
    ["category", "int64", 1],
    ["page", "string", "/"],
  ]),
};

/** Columns of every type, and three rules, each but the first on the one before. */
let engine;
before(async () => {
  engine = await SegmentEngine.open({ catalog: ":memory:", model: MODEL, threads: 1 });
  for (const [name, table] of Object.entries(TABLES)) await engine.addArrow(name, table);
  await engine.createRule({ rule_name: "High spenders", conditions: [] });
  await engine.createRule({ rule_name: "Lapsed", depends_on: [1], operation: "UNION" });
  await engine.createRule({ rule_name: "Café", depends_on: [2], operation: "UNION" });
});

/** The member of an object as it is written. */
function written(object, member) {
  const from = object.indexOf(`"${member}":`) + member.length + 3;
  const rest = object.slice(from).trimStart();
  return /^[[{]/.test(rest) ? items(`[${rest}`)[0] : undefined;
}

async function problemsOf(bad, source) {
  const whole = (member) => written(source, member) ?? JSON.stringify(bad[member]);
  const ask = () => {
    if ("model" in bad) return AudienceModel.parse(whole("model"));
    if ("form" in bad) return RuleParser.parseText(bad.form);
    const text = bad.text ?? whole("rule");
    return "update" in bad ? engine.updateRule(bad.update, text) : engine.createRule(text);
  };
  const error = await ask().then(() => assert.fail("was taken"), (found) => found);
  assert.ok(error instanceof InvalidError, error);
  const [first] = error.problems;
  assert.deepEqual([error.kind, error.code, error.path, error.hint], ["invalid", first.code, first.path, first.hint]);
  if (!("model" in bad || "form" in bad || "update" in bad)) {
    assert.deepEqual(await engine.validate(bad.text ?? whole("rule")), error.problems);
  }
  return error.problems;
}

const told = (problems) => problems.map(({ path, code }) => `${path} ${code}`).sort();
const folder = join(TESTS, "bad", "documents");
const documents = readdirSync(folder).sort().flatMap((file) => {
  const text = readFileSync(join(folder, file), "utf8");
  return items(text).map((source) => [`${file}: ${parse(source).name}`, source]);
});

test("no document is missing", () => assert.ok(documents.length >= 500, `${documents.length} documents`));

for (const [name, source] of documents) {
  test(name, async () => {
    const bad = parse(source);
    const problems = await problemsOf(bad, source);
    assert.deepEqual(told(problems), told(bad.problems));
    for (const { path, code, hint } of bad.problems) {
      if (hint === undefined) continue;
      assert.equal(problems.find((problem) => problem.path === path && problem.code === code).hint, hint);
    }
    assert.equal((await engine.rules()).total, 3);
  });
}
