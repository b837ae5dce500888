// Reading `core/tests/cases`, which all languages run; its README says what is in it.

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The package's own reader of JSON, which rounds no integer. */
export const { parse } = createRequire(import.meta.url)("../dist/json.js");

export const TESTS = fileURLToPath(new URL("../../core/tests", import.meta.url));

/** Names of the folders. */
export function names() {
  const entries = readdirSync(join(TESTS, "cases"), { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name).sort();
}

/** One case: tables, files, the documents as they are written, and the members by instant and rule. */
export function read(name) {
  const folder = join(TESTS, "cases", name);
  const text = (file) => readFileSync(join(folder, file), "utf8");
  const about = parse(text("case.json"));
  const inline = about.data === "inline";
  const shared = join(TESTS, "data", about.data);
  const files = inline ? [] : readdirSync(shared).filter((file) => file.endsWith(".parquet")).sort();
  const expected = parse(text("expected.json"));
  const runs = typeof about.as_of === "string"
    ? [[about.as_of, expected]]
    : about.as_of.map((at) => [at, Object.fromEntries(Object.entries(expected).map(([rule, by]) => [rule, by[at]]))]);
  return {
    name,
    model: existsSync(join(folder, "model.json")) ? text("model.json") : undefined,
    tables: inline ? Object.entries(parse(text("data.json"))) : [],
    files: files.map((file) => [basename(file, ".parquet"), join(shared, file)]),
    rules: items(text("rules.json")),
    runs,
  };
}

/** The members of a JSON list as they are written. */
export function items(text) {
  const found = [];
  let depth = 0;
  let from = -1;
  for (const { 0: token, index } of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{}]/g)) {
    if ("[{".includes(token)) {
      depth += 1;
      if (depth === 2) from = index;
    } else if ("]}".includes(token)) {
      depth -= 1;
      if (depth === 1) found.push(text.slice(from, index + 1));
    }
  }
  return found;
}

/** A document as an object. Fractions with more digits than a number holds are texts, which the language reads as numbers. */
export function asObject(text) {
  const exact = text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    /^-?\d.*[.eE]/.test(token) && token.replace(/\D/g, "").length > 15 ? JSON.stringify(token) : token,
  );
  return parse(exact);
}
