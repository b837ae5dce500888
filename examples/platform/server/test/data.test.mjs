// The made data: the same for the same wish, and as believable as is said.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { SegmentEngine } from "segmentry";
import { Random } from "../dist/data/random.js";
import { CATEGORIES, CITIES } from "../dist/data/names.js";
import { folder } from "./helper.mjs";

const script = fileURLToPath(new URL("../dist/data/generate.js", import.meta.url));
const make = (file, users, transactions, day, seed) =>
  execFileSync(process.execPath, ["--single-threaded", script, file, users, transactions, day, ...(seed ? [seed] : [])].map(String), { stdio: "pipe" });

test("the same seed makes the same file, another one another", async () => {
  const at = await folder();
  const read = (name, ...wish) => {
    make(join(at, name), ...wish);
    return readFileSync(join(at, name));
  };
  const one = read("1.db", 100, 2_000, "2025-12-31");
  assert.ok(one.equals(read("2.db", 100, 2_000, "2025-12-31")));
  assert.ok(!one.equals(read("3.db", 100, 2_000, "2025-12-31", 7)));
  assert.throws(() => make(join(at, "1.db"), 100, 2_000, "2025-12-31"), /exists/);
});

test("it is a year of skewed spend in ten categories", async (context) => {
  const file = join(await folder(), "platform.db");
  make(file, 500, 20_000, "2025-12-31");
  const engine = await SegmentEngine.open({ catalog: ":memory:" });
  context.after(() => engine.close());
  await engine.addSqlite(file);
  const all = "(select user_id, amount, category, transaction_date from credit_card_transactions union all select user_id, amount, category, transaction_date from upi_transactions)";
  const one = async (sql) => Number(Object.values((await engine.sql(sql).toArray())[0])[0]);
  assert.equal(await one("select count(*) from users"), 500);
  assert.equal(await one(`select count(*) from ${all}`), 20_000);
  assert.equal(await one(`select count(distinct category) from ${all}`), 10);
  const outside = "transaction_date < timestamp '2025-01-01' or transaction_date >= timestamp '2026-01-01' or transaction_date < signup_date or amount < 1";
  assert.equal(await one(`select count(*) from ${all} p join users u on u.user_id = p.user_id where ${outside}`), 0);
  // The tenth of the users who spend most: more than a quarter of the money, not all of it.
  const top = await one(`select (select sum(s) from (select sum(amount) s from ${all} group by user_id order by s desc limit 50)) * 100 / sum(amount) from ${all}`);
  assert.ok(top > 25 && top < 80, `${top} %`);
  for (const table of ["credit_card_transactions", "upi_transactions"]) {
    const backwards = `select count(*) from ${table} a join ${table} b on b.transaction_id = a.transaction_id + 1 where b.transaction_date < a.transaction_date`;
    assert.equal(await one(backwards), 0);
  }
});

test("shares add up, and chance is even", () => {
  for (const items of [CATEGORIES, CITIES]) assert.equal(items.reduce((sum, { share }) => sum + share, 0), 1_000);
  const random = new Random(1);
  const counts = Array(10).fill(0);
  for (let at = 0; at < 100_000; at++) counts[random.between(0, 10)]++;
  assert.ok(counts.every((count) => count > 9_500 && count < 10_500), String(counts));
});
