// Runs when the package is installed: sees that there is a native module for this machine, and builds it where the
// package was installed from a checkout that has none. `PROFILE=dev` builds faster what runs slower.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const checkout = existsSync(join(here, "native")) && existsSync(join(here, "..", "Cargo.toml"));

function problem() {
  try {
    createRequire(import.meta.url)("../native.js");
    return existsSync(join(here, "dist", "index.js")) ? undefined : new Error("dist is missing");
  } catch (error) {
    return error;
  }
}

function run(command, args, env = process.env) {
  const done = spawnSync(command, args, { cwd: here, env, stdio: "inherit", shell: process.platform === "win32" });
  if (done.error || done.status !== 0) fail(`segmentry: ${command} ${args.join(" ")} failed${done.error ? `: ${done.error.message}` : ""}`);
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

// Whoever works on the package itself builds it by `make node`.
const found = process.env.INIT_CWD === here ? undefined : problem();
if (found && !checkout) {
  fail(`segmentry: there is no native module for ${process.platform} ${process.arch}. It comes with an optional dependency; ` +
    `was that left out (--omit=optional)?\n${found.message}`);
}
if (found) {
  if (spawnSync("cargo", ["--version"]).status !== 0) fail("segmentry: building it from a checkout takes Rust; see https://rustup.rs");
  const profile = process.env.PROFILE ?? "release";
  console.error(`segmentry: building the native module (${profile}); the first time takes many minutes`);
  const env = { ...process.env, PROFILE: profile };
  if (!existsSync(join(here, "node_modules", "@napi-rs", "cli"))) run("npm", ["ci", "--ignore-scripts"], env);
  run("npm", ["run", "build"], env);
}
