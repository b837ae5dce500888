// The examples do what they say, and the README's code does.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { folderFor, runNode, until } from "./support.mjs";

const example = (name) => fileURLToPath(new URL(`../examples/${name}`, import.meta.url));

test("quickstart", async () => {
  const { status, stdout, stderr } = await runNode(`await import(${JSON.stringify(example("quickstart.mjs"))})`);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /Metro: 3 users\nBig spenders: 1 users\nrun 1 about 2026-01-01T00:00:00.000Z/);
  assert.match(stdout, /true false \[ \{ user_id: 1, name: 'Asha' \} \]/);
  assert.match(stdout, /graph LR/);
});

/** The Express example at work. */
async function backend(context, rows = 3) {
  const folder = folderFor(context);
  const [users, payments] = ["users.csv", "payments.csv"].map((name) => join(folder, name));
  writeFileSync(users, `user_id,city_tier\n${Array.from({ length: rows }, (_, at) => `${at + 1},${1 + (at % 2)}`).join("\n")}\n`);
  writeFileSync(payments, "user_id,paid_at,amount\n1,2025-12-20T10:00:00,12000.50\n2,2025-12-24T09:30:00,700\n");
  const env = { ...process.env, PORT: "0", CATALOG: join(folder, "audience.db"), NODE_TEST_CONTEXT: "" };
  const server = spawn(process.execPath, [example("express.mjs"), users, payments], { env });
  let said = "";
  server.stdout.on("data", (some) => (said += some));
  server.stderr.on("data", (some) => (said += some));
  const ended = new Promise((resolve) => server.on("close", (code, signal) => resolve([code, signal])));
  context.after(() => server.kill("SIGKILL"));
  await until(() => /listening on \d+/.test(said)).catch(() => assert.fail(said));
  const url = `http://localhost:${/listening on (\d+)/.exec(said)[1]}/api`;
  const ask = async (method, path, body, options) => {
    const headers = { "content-type": "application/json" };
    const response = await fetch(url + path, { method, headers, body: body && JSON.stringify(body), ...options });
    const text = await response.text();
    return [response.status, text === "" ? undefined : JSON.parse(text)];
  };
  return { ask, server, ended };
}

test("an Express backend", async (context) => {
  const { ask, server, ended } = await backend(context);
  const rule = { rule_name: "Metro", conditions: [{ field: "city_tier", operator: "=", value: 1 }] };
  assert.deepEqual(await ask("POST", "/rules", rule), [201, { id: 1 }]);
  const [status, { error }] = await ask("POST", "/rules", { rule_name: "B", conditions: [{ field: "city_teir", operator: "=", value: 1 }] });
  assert.deepEqual([status, error.code, error.path, error.hint], [422, "unknown_field", "/conditions/0/field", 'did you mean "city_tier"?']);
  assert.equal((await ask("POST", "/rules/validate", { conditions: [] }))[1][0].code, "missing_member");
  const [, preview] = await ask("POST", "/rules/preview", rule);
  assert.deepEqual([preview.count, preview.sample[0]], [2, { user_id: "1", city_tier: "1" }]);
  assert.equal((await ask("GET", "/rules?search=met"))[1].total, 1);
  assert.equal((await ask("GET", "/rules/Metro"))[1].document.rule_name, "Metro");
  assert.deepEqual(await ask("PUT", "/rules/1", { ...rule, description: "tier one" }), [200, { affects: [] }]);
  assert.equal((await ask("GET", "/segments/1"))[0], 404);
  const [, run] = await ask("POST", "/rules/1/refresh");
  assert.deepEqual([run.segments[0].rowCount, run.failed], [2, []]);
  assert.equal((await ask("GET", "/segments/Metro"))[1].rowCount, 2);
  assert.equal((await ask("GET", "/segments/Metro/sample?n=1"))[1].length, 1);
  const [accepted, { runId }] = await ask("POST", "/rules/1/trigger");
  assert.equal(accepted, 202);
  assert.ok(runId > run.id);
  assert.equal((await ask("POST", "/rules", { rule_name: "Both", depends_on: [1], operation: "UNION" }))[0], 201);
  assert.equal((await ask("DELETE", "/rules/1"))[0], 409);
  assert.equal((await ask("DELETE", "/rules/Both"))[0], 204);
  assert.equal((await ask("GET", "/rules/Both"))[0], 404);
  server.kill("SIGTERM");
  assert.deepEqual(await ended, [null, "SIGTERM"]);
});

/** Runs the first JavaScript of a README's section in a project that has the package installed. */
async function written(context, readme, section) {
  const text = readFileSync(new URL(readme, import.meta.url), "utf8");
  const code = /```js\n([^]*?)```/.exec(text.slice(text.indexOf(section)))[1];
  const folder = folderFor(context);
  mkdirSync(join(folder, "node_modules"));
  const here = fileURLToPath(new URL("..", import.meta.url));
  symlinkSync(here, join(folder, "node_modules", "segmentry"));
  symlinkSync(join(here, "node_modules", "apache-arrow"), join(folder, "node_modules", "apache-arrow"));
  writeFileSync(join(folder, "users.csv"), "user_id,city_tier\n1,1\n2,2\n3,1\n");
  writeFileSync(join(folder, "payments.csv"), "user_id,paid_at,amount\n1,2025-12-20T10:00:00,12000.50\n2,2025-12-24T09:30:00,700\n");
  const { status, stdout, stderr } = await runNode(code, { cwd: folder });
  assert.equal(status, 0, stderr);
  return stdout;
}

test("the READMEs' code", async (context) => {
  const first = await written(context, "../README.md", "# Segmentry for Node");
  assert.equal(first, "1 members\ntrue [ { user_id: 1n, city_tier: 1n } ]\n");
  const root = await written(context, "../../README.md", "## From Node");
  assert.match(root, /event: 'published'[^]*true \[ \{ user_id: 1, city_tier: 1 \}, \{ user_id: 3, city_tier: 1 \} \] 2\n$/);
});
