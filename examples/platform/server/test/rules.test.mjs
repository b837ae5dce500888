// Rules through REST: the original's paths, shapes and status codes, changes that don't overtake each other, refusals.

import assert from "node:assert/strict";
import test from "node:test";
import { METRO, platform, refused } from "./helper.mjs";

test("rules", async (context) => {
  const { call, contract } = await platform(context);
  let id;

  await context.test("a page of them has the original's shape", async () => {
    const { status, body } = await call("GET", "/rules?page=2&per_page=5");
    assert.equal(status, 200);
    assert.deepEqual([body.total, body.page, body.pages, body.items.length], [13, 2, 3, 5]);
    const { body: first } = await call("GET", "/rules");
    assert.equal(first.items.length, 10);
    const [rule] = first.items;
    assert.equal(rule.rule_name, "High Value Customers");
    assert.deepEqual([rule.schedule, rule.depends_on, rule.operation, rule.enabled], ["@daily", [], null, true]);
    assert.ok(new Date(rule.next_run) > new Date());
    const { body: found } = await call("GET", "/rules?search=TRAVEL");
    assert.deepEqual(found.items.map((one) => one.rule_name), ["Recent Travellers", "Premium Travellers", "High Value, Not Travelling"]);
    assert.deepEqual(found.items[2].depends_on, [1, 2]);
    assert.equal(found.items[2].operation, "DIFFERENCE");
  });

  await context.test("pages that cannot be are told, and those that are empty are empty", async () => {
    assert.deepEqual((await call("GET", "/rules?page=99")).body.items, []);
    for (const query of ["page=0", "page=-1", "page=x", "page=1e99", "per_page=0", "per_page=101", "per_page=1.5"]) {
      refused(await call("GET", `/rules?${query}`), 422, "bad_value", `/query/${query.split("=")[0]}`);
    }
  });

  await context.test("one is created, read, and sent back as it was read", async () => {
    const created = await call("POST", "/rules", METRO);
    assert.equal(created.status, 201);
    id = created.body.rule_id;
    assert.deepEqual(created.body, { message: "Rule created successfully", rule_id: id });
    assert.equal(created.headers.location, `/api/rules/${id}`);
    const read = await call("GET", `/rules/${id}`);
    assert.equal(read.headers.etag, '"1"');
    assert.deepEqual(read.body.conditions, METRO.conditions);
    const written = await call("PUT", `/rules/${id}`, read.body, { "if-match": read.headers.etag });
    assert.equal(written.status, 200);
    assert.equal(written.body.message, "Rule updated successfully");
    assert.deepEqual((await call("GET", `/rules/${id}`)).body.conditions, METRO.conditions);
  });

  await context.test("a change of what somebody else has changed is refused", async () => {
    const { version } = (await call("GET", `/rules/${id}`)).body;
    const changed = await call("PUT", `/rules/${id}`, { ...METRO, description: "first" }, { "if-match": `"${version}"` });
    assert.equal(changed.body.version, version + 1);
    refused(await call("PUT", `/rules/${id}`, { ...METRO, description: "second" }, { "if-match": `"${version}"` }), 412, "stale_version");
    refused(await call("PATCH", `/rules/${id}`, { enabled: false }, { "if-match": "sometime" }), 412, "stale_version");
    assert.equal((await call("GET", `/rules/${id}`)).body.description, "first");
    assert.equal((await call("PUT", `/rules/${id}`, METRO, { "if-match": "*" })).status, 200);
  });

  await context.test("members are changed by themselves", async () => {
    assert.equal((await call("PATCH", `/rules/${id}`, { enabled: false, schedule: "0 6 * * *" })).status, 200);
    let { body } = await call("GET", `/rules/${id}`);
    assert.deepEqual([body.enabled, body.schedule, body.conditions], [false, "0 6 * * *", METRO.conditions]);
    assert.equal((await call("PATCH", `/rules/${id}`, { schedule: null, enabled: true })).status, 200);
    ({ body } = await call("GET", `/rules/${id}`));
    assert.deepEqual([body.enabled, body.schedule, body.next_run, body.status], [true, null, null, null]);
    refused(await call("PATCH", `/rules/${id}`, { schedule: "61 * * * *" }), 422, "bad_schedule", "/schedule");
    refused(await call("PATCH", `/rules/${id}`, [1]), 422, "bad_value");
  });

  await context.test("copies have names of their own and are disabled", async () => {
    for (const name of ["Metro (copy)", "Metro (copy 2)"]) {
      const { status, body } = await call("POST", `/rules/${id}/duplicate`);
      assert.equal(status, 201);
      const copy = (await call("GET", `/rules/${body.rule_id}`)).body;
      assert.deepEqual([copy.rule_name, copy.enabled, copy.conditions], [name, false, METRO.conditions]);
    }
  });

  await context.test("every wording is kept", async () => {
    const { items } = (await call("GET", `/rules/${id}/history`)).body;
    assert.ok(items.length >= 5);
    assert.equal(items[0].document.rule_name, "Metro");
    assert.deepEqual(items.map(({ version }) => version), items.map((_, at) => at + 1));
  });

  await context.test("what a rule needs is told, and keeps others from being deleted", async () => {
    const { body } = await call("GET", "/rules/4/dependencies");
    assert.deepEqual(body.depends_on, [1, 2]);
    const refusal = await call("DELETE", "/rules/1");
    refused(refusal, 409, "rule_in_use");
    for (const name of ["High Value, Not Travelling", "UPI First Loyalists"]) assert.match(refusal.body.error.message, new RegExp(name));
    const deleted = await call("DELETE", `/rules/${id}`);
    assert.deepEqual([deleted.status, deleted.text], [204, ""]);
    refused(await call("GET", `/rules/${id}`), 404, "not_found");
  });

  await context.test("a bad rule is told all of its problems with pointers and hints", async () => {
    const conditions = [
      { field: "city_teir", operator: "=", value: 1 },
      { field: "income", operator: ">", value: "12abc" },
    ];
    const answer = await call("POST", "/rules", { rule_nam: "x", conditions, schedule: "never" });
    refused(answer, 422, answer.body.error.code);
    const { problems } = answer.body.error;
    const expected = ["/rule_nam", "/conditions/0/field", "/conditions/1/value", "/schedule"];
    for (const path of expected.slice(0, 1)) assert.ok(problems.some((one) => one.path === path), answer.text);
    const { body } = await call("POST", "/rules/validate", { rule_name: "x", conditions });
    assert.deepEqual(body.problems.map(({ path }) => path).sort(), expected.slice(1, 3));
    assert.ok(body.problems.some(({ hint }) => hint?.includes("city_tier")));
    refused(await call("POST", "/rules", { ...METRO, rule_name: "Slipping Away" }), 422, "duplicate_name", "/rule_name");
  });

  await context.test("whatever is no rule is a fault of the caller's", async () => {
    for (const [body, status] of [["{", 400], ["", 400], ["[]", 422], ["null", 422], ["5", 422], ['"x"', 422], ["[".repeat(1_000_000), 400]]) {
      for (const [method, path] of [["POST", "/rules"], ["PUT", "/rules/1"], ["POST", "/rules/validate"], ["POST", "/rules/dependencies"]]) {
        const answer = await call(method, path, body);
        // A list is conditions, of which dependencies are told too; a validation says in its answer what is wrong with it.
        const told = body === "[]" && (path === "/rules/validate" || path === "/rules/dependencies");
        const expected = told ? 200 : status;
        assert.equal(answer.status, expected, `${method} ${path} ${body.slice(0, 20)}: ${answer.text}`);
      }
    }
    assert.equal((await call("POST", "/rules", "rule_name=x", { "content-type": "application/x-www-form-urlencoded" })).status, 415);
    const ids = ["abc", "0", "-1", "1.5", "99", "9007199254740993", "99999999999999999999", "%00", "1%2F2"];
    for (const bad of ids) {
      for (const [method, path, body] of [
        ["GET", `/rules/${bad}`],
        ["PUT", `/rules/${bad}`, METRO],
        ["PATCH", `/rules/${bad}`, {}],
        ["DELETE", `/rules/${bad}`],
        ["POST", `/rules/${bad}/trigger`],
        ["POST", `/rules/${bad}/duplicate`],
        ["GET", `/rules/${bad}/history`],
        ["GET", `/rules/${bad}/dependencies`],
      ]) {
        refused(await call(method, path, body), 404, "not_found");
      }
    }
  });

  await context.test("keys beyond 2^53 are kept to the last digit", async () => {
    const text = '{"rule_name": "Picked", "conditions": [], "include": [9007199254740993], "exclude": ["9223372036854775807"]}';
    const { body } = await call("POST", "/rules", text);
    const read = (await call("GET", `/rules/${body.rule_id}`)).body;
    assert.deepEqual(read.include, ["9007199254740993"]);
    assert.equal(String(read.exclude[0]), "9223372036854775807");
    assert.equal((await call("PUT", `/rules/${body.rule_id}`, read)).status, 200);
    assert.deepEqual((await call("GET", `/rules/${body.rule_id}`)).body.include, ["9007199254740993"]);
  });

  await call("POST", "/rules/1/trigger");
  await context.test("every operation was called", () => assert.deepEqual(contract.unseen("rules"), []));
});
