// Asks every operation of the API what schemathesis makes up from the OpenAPI document, and fails at an answer of 5xx:
// `node scripts/schemathesis.mjs <schemathesis> <cases per operation>`.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const [schemathesis, cases = "15"] = process.argv.slice(2);
if (!schemathesis) throw new Error("usage: schemathesis.mjs <schemathesis> <cases per operation>");
const dataDir = mkdtempSync(join(tmpdir(), "segmentry-platform-fuzz-"));
const env = { ...process.env, DATA_DIR: dataDir, PORT: "0", USERS: "300", TRANSACTIONS: "6000", WEEKS: "2", WRITES_PER_MINUTE: "0", SCHEDULER: "off" };
const server = spawn(process.execPath, [fileURLToPath(new URL("../dist/main.js", import.meta.url))], { env, stdio: ["ignore", "pipe", "inherit"] });
const ended = new Promise((resolve) => server.once("exit", resolve));

const address = await new Promise((resolve, reject) => {
  createInterface({ input: server.stdout }).on("line", (line) => {
    const found = /^the platform is at (\S+),/.exec(line);
    if (found) resolve(found[1]);
  });
  ended.then((code) => reject(new Error(`the server ended with ${code}`)));
});
const options = ["--checks", "not_a_server_error", "--phases", "examples,fuzzing", "--max-examples", cases, "--request-timeout", "60", "--seed", "1", "--workers", "2"];
const fuzzing = spawn(schemathesis, ["run", `${address}/api/openapi.json`, ...options], { stdio: "inherit" });
process.exitCode = await new Promise((resolve) => fuzzing.once("exit", (code) => resolve(code ?? 1)));
server.kill("SIGTERM");
await ended;
rmSync(dataDir, { recursive: true, force: true });
