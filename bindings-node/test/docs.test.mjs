// Every example in the documentation of the façade runs, and prints what stands beside it.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { format } from "node:util";
import * as apacheArrow from "apache-arrow";
import * as segmentry from "segmentry";
import { folderFor, smallEngine } from "./support.mjs";

const SOURCES = fileURLToPath(new URL("../src", import.meta.url));
const AsyncFunction = (async () => undefined).constructor;

/** The examples of a file, each with the line it begins in. */
function examples(file) {
  const text = readFileSync(join(SOURCES, file), "utf8");
  return [...text.matchAll(/^ *\* ```js\n([^]*?)^ *\* ```$/gm)].map((found) => ({
    place: `${file}:${text.slice(0, found.index).split("\n").length}`,
    code: found[1].replace(/^ *\* ?/gm, "").replace(/^import .*$/gm, ""),
  }));
}

/** What an example says that it prints: behind the call, or in the line below it. */
const said = (code) => [...code.matchAll(/^.*console\.log\(.*\);(?: \/\/ (.*)|\n\/\/ (.*)|\n  \/\/ (.*))$/gm)].map((found) => found[1] ?? found[2] ?? found[3]);

const all = readdirSync(SOURCES, { recursive: true }).filter((file) => file.endsWith(".ts")).sort().flatMap(examples);

test("there are examples", () => assert.ok(all.length > 45, String(all.length)));

for (const { place, code } of all) {
  test(place, async (context) => {
    const folder = folderFor(context);
    writeFileSync(join(folder, "users.csv"), "user_id,city_tier\n101,1\n102,2\n");
    writeFileSync(join(folder, "payments.csv"), "user_id,paid_at,amount\n1,2025-12-20T10:00:00,12000.50\n");
    const before = process.cwd();
    process.chdir(folder);
    context.after(() => process.chdir(before));
    const engine = await smallEngine();
    const printed = [];
    const log = (...values) => printed.push(format(...values));
    const { tableFromArrays, tableFromIPC } = apacheArrow;
    const known = { ...segmentry, tableFromArrays, tableFromIPC, engine, segment: await engine.segment("Metro"), run: await engine.run(1), console: { log } };
    await new AsyncFunction(...Object.keys(known), `return (async () => {${code}\n})();`)(...Object.values(known));
    const expected = said(code);
    if (expected.length > 0) assert.deepEqual(printed, expected);
  });
}
