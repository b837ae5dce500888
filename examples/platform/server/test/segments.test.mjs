// Segments, users and figures through REST.

import assert from "node:assert/strict";
import test from "node:test";
import { METRO, platform, refused } from "./helper.mjs";

test("segments", async (context) => {
  const { call, contract, engine } = await platform(context);
  // A segment whose id is not its rule's.
  const { rule_id: late } = (await call("POST", "/rules", METRO)).body;
  const { rule_id: later } = (await call("POST", "/rules", { ...METRO, rule_name: "Metro too" })).body;
  await engine.refresh([late]);
  await engine.refresh([later]);
  const all = (await call("GET", "/segments?per_page=100")).body.items;
  const segment = all.find(({ rule_id }) => rule_id === late);

  await context.test("a page of them has sizes, rules and what came and went", async () => {
    const { body } = await call("GET", "/segments?per_page=5&page=3");
    assert.deepEqual([body.total, body.pages, body.items.length], [14, 3, 4]);
    const first = all.find(({ segment_name }) => segment_name === "High Value Customers");
    assert.equal(first.sizes.length, 2);
    assert.equal(first.sizes.at(-1).row_count, first.row_count);
    assert.equal(first.current.entered - first.current.exited, first.sizes[1].row_count - first.sizes[0].row_count);
    assert.deepEqual(all.find(({ rule_id }) => rule_id === 4).depends_on, [1, 2]);
    assert.equal((await call("GET", "/segments?search=metro&per_page=100")).body.total, 4);
  });

  await context.test("they go by ids of their own", async () => {
    assert.notEqual(segment.id, segment.rule_id);
    const { body } = await call("GET", `/segments/${segment.id}`);
    assert.deepEqual(body.rule, { id: late, rule_name: "Metro" });
    assert.equal(body.segment_name, "Metro");
    assert.match(body.sql_query, /city_tier/);
    const [{ n }] = await engine.sql("select count(*) n from users where city_tier = 1").toArray();
    assert.equal(body.row_count, Number(n));
  });

  await context.test("a sample has who they are first", async () => {
    const { body } = await call("GET", `/segments/${segment.id}/sample_data?n=7`);
    assert.deepEqual(body.columns.slice(0, 3), ["user_id", "name", "email"]);
    assert.equal(body.data.length, 7);
    const tier = body.columns.indexOf("city_tier");
    assert.ok(body.data.every((row) => row.length === body.columns.length && row[tier] === 1));
    refused(await call("GET", `/segments/${segment.id}/sample_data?n=0`), 422, "bad_value", "/query/n");
  });

  await context.test("lineage leads to segments", async () => {
    const { body } = await call("GET", "/segments/4/lineage");
    const names = body.nodes.map(({ rule_name }) => rule_name);
    for (const name of ["High Value Customers", "Recent Travellers", "High Value, Not Travelling"]) assert.ok(names.includes(name));
    assert.ok(body.nodes.every(({ segment_id }) => segment_id > 0));
    assert.ok(body.edges.some(({ from, to, kind }) => from === 1 && to === 4 && kind === "operand"));
    assert.match((await call("GET", "/segments/4/lineage?format=mermaid")).text, /^graph/);
    assert.match((await call("GET", "/segments/4/lineage?format=dot")).text, /digraph/);
    refused(await call("GET", "/segments/4/lineage?format=png"), 422, "bad_value");
  });

  await context.test("versions and who came and went agree", async () => {
    const { items } = (await call("GET", "/segments/2/versions")).body;
    assert.deepEqual(items.map(({ version }) => version), [1, 2]);
    const { body } = await call("GET", "/segments/2/changes");
    assert.deepEqual([body.since, body.version], [1, 2]);
    assert.deepEqual([body.entered_count, body.exited_count], [items[1].entered, items[1].exited]);
    assert.equal(body.entered.length, body.entered_count);
    assert.equal((await call("GET", "/segments/2/changes?since=1&limit=1")).body.entered.length, Math.min(1, items[1].entered));
    const first = (await call("GET", `/segments/${segment.id}/changes`)).body;
    assert.deepEqual([first.since, first.entered_count], [0, segment.row_count]);
    refused(await call("GET", "/segments/2/changes?since=77"), 404, "not_found");
  });

  await context.test("files hold every key", async () => {
    const csv = await call("GET", `/segments/${segment.id}/export`);
    assert.match(csv.headers["content-type"], /^text\/csv/);
    assert.match(csv.headers["content-disposition"], /^attachment; filename="segment_output_\d+_v1\.csv"$/);
    assert.equal(csv.text.trim().split("\n").length, segment.row_count + 1);
    assert.match((await call("GET", `/segments/${segment.id}/export?format=parquet`)).text, /^PAR1/);
    assert.match((await call("GET", `/segments/${segment.id}/export?format=arrow`)).text, /^ARROW1/);
    assert.ok((await call("GET", `/segments/${segment.id}/export?format=bitmap`)).text.length > 0);
    refused(await call("GET", `/segments/${segment.id}/export?format=exe`), 422, "bad_value");
  });

  await context.test("why a user is in, and which segments hold a user", async () => {
    const member = Number((await (await engine.segment(late)).keys()).at(0));
    const { body } = await call("GET", `/segments/${segment.id}/explain/${member}`);
    assert.deepEqual([body.key, body.member, body.root.holds], [member, true, true]);
    const held = (await call("GET", `/users/${member}/segments`)).body;
    assert.ok(held.segments.includes("Metro"));
    refused(await call("GET", `/segments/${segment.id}/explain/987654321`), 404, "not_found");
    for (const key of ["x", "1.5", "99999999999999999999"]) {
      refused(await call("GET", `/segments/${segment.id}/explain/${key}`), 422, "bad_value");
      refused(await call("GET", `/users/${key}/segments`), 422, "bad_value");
    }
    assert.deepEqual((await call("GET", "/users/9007199254740993/segments")).body, { key: "9007199254740993", segments: [] });
  });

  await context.test("overlap goes by segments or by rules", async () => {
    const other = all.find(({ rule_id }) => rule_id === later);
    const { body } = await call("POST", "/segments/overlap", { segments: [segment.id, other.id] });
    assert.deepEqual(body.pairs, [{ first: late, second: later, count: segment.row_count, jaccard: 1 }]);
    assert.deepEqual(body.segments.map(({ segment_id }) => segment_id), [segment.id, other.id]);
    assert.deepEqual((await call("POST", "/segments/overlap", { rules: [late, later] })).body, body);
    for (const bad of [{}, { segments: [1, 2], rules: [1, 2] }, { segments: [1] }]) refused(await call("POST", "/segments/overlap", bad), 422, "bad_value");
    refused(await call("POST", "/segments/overlap", { segments: ["1", 2] }), 422, "bad_value", "/segments/0");
    refused(await call("POST", "/segments/overlap", { segments: [1, 999] }), 404, "not_found");
  });

  await context.test("unknown segments are not found", async () => {
    for (const bad of ["999", "0", "x", "99999999999999999999"]) {
      for (const rest of ["", "/sample_data", "/lineage", "/versions", "/changes", "/export", "/explain/1"]) {
        refused(await call("GET", `/segments/${bad}${rest}`), 404, "not_found");
      }
    }
  });

  await context.test("a segment whose rule is gone is gone", async () => {
    assert.equal((await call("DELETE", `/rules/${later}`)).status, 204);
    const other = all.find(({ rule_id }) => rule_id === later);
    refused(await call("GET", `/segments/${other.id}`), 404, "not_found");
  });

  await context.test("figures", async () => {
    const { body } = await call("GET", "/analytics/summary");
    const [{ n, spend }] = await engine
      .sql("select count(*) n, sum(amount) spend from (select amount from upi_transactions union all select amount from credit_card_transactions)")
      .toArray();
    assert.deepEqual([body.total_users, body.total_transactions, body.total_rules], [300, Number(n), 14]);
    assert.equal(Number(body.total_spend).toFixed(2), Number(spend).toFixed(2));
    assert.equal(body.last_run.segments[0].rule_id, later);
    const sizes = (await call("GET", "/analytics/sizes?per_page=100")).body.items;
    assert.equal(sizes.find(({ rule_id }) => rule_id === 1).points.length, 2);
  });

  await context.test("every operation was called", () => assert.deepEqual(contract.unseen("segments", "users", "analytics"), []));
});
