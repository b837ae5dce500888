// The platform as a process: its address, a second start with the data of the first, a crash in the middle of a run.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { folder, METRO } from "./helper.mjs";

const script = fileURLToPath(new URL("../dist/main.js", import.meta.url));

/** Starts the platform; answers its address and what it said. */
async function start(context, dataDir, env = {}) {
  const child = spawn(process.execPath, [script], {
    env: { ...process.env, DATA_DIR: dataDir, PORT: "0", USERS: "300", TRANSACTIONS: "30000", WEEKS: "1", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  context.after(() => child.kill("SIGKILL"));
  const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
  const lines = [];
  let errors = "";
  child.stderr.on("data", (data) => (errors += data));
  const address = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      lines.push(line);
      const found = /^the platform is at (\S+),/.exec(line);
      if (found) resolve(found[1]);
    });
    ended.then(({ code }) => reject(new Error(`it ended with ${code}: ${errors}`)));
  });
  const call = async (method, path, body) => {
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const response = await fetch(`${address}/api${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
    return response.json();
  };
  return { child, call, ended, lines };
}

test("a second start keeps the data, and a stop is clean", async (context) => {
  const dataDir = await folder();
  const first = await start(context, dataDir);
  assert.match(first.lines[0], /^making 300 users/);
  const { rule_id } = await first.call("POST", "/rules", METRO);
  const segments = await first.call("GET", "/segments?per_page=100");
  first.child.kill("SIGTERM");
  assert.deepEqual(await first.ended, { code: 0, signal: null });

  const second = await start(context, dataDir);
  assert.equal(second.lines.length, 1, second.lines.join("\n"));
  assert.equal((await second.call("GET", `/rules/${rule_id}`)).rule_name, "Metro");
  assert.deepEqual(await second.call("GET", "/segments?per_page=100"), segments);
  second.child.kill("SIGINT");
  assert.deepEqual(await second.ended, { code: 0, signal: null });
});

test("after a crash in the middle of a run everything is whole, and the run is made", async (context) => {
  const dataDir = await folder();
  const first = await start(context, dataDir);
  const before = await first.call("GET", "/segments?per_page=100");
  const conditions = Array.from({ length: 300 }, (_, at) => ({
    events: ["upi_transactions", "credit_card_transactions"],
    aggregate: "count_distinct",
    field: "merchant",
    where: [{ field: "amount", operator: ">", value: at }],
    operator: ">=",
    value: 0,
  }));
  const { rule_id } = await first.call("POST", "/rules", { rule_name: "Long", conditions });
  const { run_id } = await first.call("POST", `/rules/${rule_id}/trigger`);
  while ((await first.call("GET", `/runs/${run_id}`)).state !== "running");
  first.child.kill("SIGKILL");
  await first.ended;

  const second = await start(context, dataDir);
  const kept = (await second.call("GET", "/segments?per_page=100")).items.filter((one) => one.rule_id !== rule_id);
  assert.deepEqual(kept, before.items);
  let run;
  do run = await second.call("GET", `/runs/${run_id}`);
  while (run.state === "queued" || run.state === "running");
  assert.equal(run.state, "published", JSON.stringify(run));
  assert.equal(run.segments.at(-1).row_count, 300);
  second.child.kill("SIGTERM");
  assert.deepEqual(await second.ended, { code: 0, signal: null });
});

test("an environment that cannot be meant is said in a line", async (context) => {
  await assert.rejects(start(context, await folder(), { PORT: "http" }), /it ended with 1: PORT has to be an integer from 0 to 65535, not "http"\n$/);
});
