// What the rule form asks: problems, previews, dependencies, text, firings, fields.

import assert from "node:assert/strict";
import test from "node:test";
import { METRO, platform, refused } from "./helper.mjs";

test("the form", async (context) => {
  const { call, contract, engine } = await platform(context);

  await context.test("a good rule has no problems", async () => {
    assert.deepEqual((await call("POST", "/rules/validate", METRO)).body, { valid: true, problems: [] });
  });

  await context.test("a preview says how many are left after each condition, in whichever way it is asked", async () => {
    const conditions = [...METRO.conditions, { field: "transaction_count", operator: ">=", value: 20 }];
    const { body } = await call("POST", "/rules/preview", { conditions });
    assert.equal(body.of, 300);
    assert.equal(body.steps.length, 2);
    assert.ok(body.steps[0].count >= body.steps[1].count);
    assert.equal(body.steps[1].count, body.count);
    assert.ok(body.sample.every((user) => user.city_tier === 1));
    const [{ n }] = await engine.sql("select count(*) n from users where city_tier = 1").toArray();
    assert.equal(body.steps[0].count, Number(n));
    for (const same of [conditions, { combinator: "and", rules: conditions }, { text: "city_tier = 1 and transaction_count >= 20" }, { rule_name: "x", conditions }]) {
      assert.equal((await call("POST", "/rules/preview", same)).body.count, body.count);
    }
    const early = await call("POST", "/rules/preview?as_of=2000-01-01T00:00:00Z", conditions);
    assert.equal(early.body.count, 0);
    refused(await call("POST", "/rules/preview?as_of=yesterday", conditions), 422, early.body.error?.code ?? "bad_date");
    refused(await call("POST", "/rules/preview", { text: "city_tier =" }), 422, "malformed", "1:12");
    refused(await call("POST", "/rules/preview", { text: 5 }), 422, "bad_value", "/text");
    refused(await call("POST", "/rules/preview", "5"), 422, "bad_value");
  });

  await context.test("what could answer a rule is told before it is saved", async () => {
    const { conditions } = (await call("GET", "/rules/2")).body;
    const { body } = await call("POST", "/rules/dependencies", { rule_name: "The same", conditions });
    assert.ok(body.reused.some((found) => found.rule_id === 2 && found.how === "equal"), JSON.stringify(body));
  });

  await context.test("conditions become text and come back", async () => {
    const { text } = (await call("POST", "/rules/text", { conditions: METRO.conditions })).body;
    assert.equal(text, "city_tier = 1");
    assert.deepEqual((await call("POST", "/rules/text", { text })).body.conditions, METRO.conditions);
    const large = "city_tier = 12345678901234567890";
    assert.deepEqual((await call("POST", "/rules/text", { text: large })).body.conditions[0].value, "12345678901234567890");
    const written = await call("POST", "/rules/text", '{"conditions": [{"field": "income", "operator": "=", "value": 0.1234567890123456789}]}');
    assert.match(written.body.text, /0\.1234567890123456789/);
    refused(await call("POST", "/rules/text", { text: "city_tier = 1 and" }), 422, "malformed", "1:18");
    for (const body of [{}, { text: 1 }, { conditions: 1 }, { text: "true", conditions: [] }, []]) {
      refused(await call("POST", "/rules/text", body), 422, "bad_value");
    }
  });

  await context.test("a schedule's firings are those that a stored rule would have", async () => {
    const { next } = (await call("POST", "/schedules/next", { schedule: "30 6 * * 1-5", timezone: "Asia/Kolkata" })).body;
    assert.equal(next.length, 5);
    assert.deepEqual(next.map((at) => new Date(at).getTime()), (await engine.nextRuns(4, 5)).map(Number));
    refused(await call("POST", "/schedules/next", { schedule: "never" }), 422, "bad_schedule", "/schedule");
    refused(await call("POST", "/schedules/next", { schedule: "@daily", timezone: "Mars/Base" }), 422, "bad_timezone", "/timezone");
    refused(await call("POST", "/schedules/next", { schedule: 5 }), 422, "bad_value", "/schedule");
    refused(await call("POST", "/schedules/next", {}), 422, "missing_member");
  });

  await context.test("fields have types, operators and, where they are few, values", async () => {
    const { items } = (await call("GET", "/fields")).body;
    const kyc = items.find(({ name }) => name === "kyc_status");
    assert.deepEqual(kyc.values, ["Pending", "Rejected", "Verified"]);
    assert.ok(items.some(({ name, type }) => name === "home" && type === "point"), JSON.stringify(items.map(({ name, type }) => [name, type])));
    assert.ok(items.some(({ name }) => name === "total_spend"));
  });

  await context.test("every operation was called", () => assert.deepEqual(contract.unseen("form"), []));
});
