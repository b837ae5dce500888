// Every document of the engine's corpus goes through the form and comes out as it was.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { fromForm, pointers, toForm, type FormGroup, isFormGroup } from "../src/rule/document";
import { parseRule, writeRule } from "../src/rule/draft";
import { parseJson, sameJson, writeJson, type Json } from "../src/lib/json";

const TESTS = join(import.meta.dirname, "../../../../core/tests");
const CASES = readdirSync(join(TESTS, "cases"), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map((entry) => entry.name);
const read = (...path: string[]) => parseJson(readFileSync(join(TESTS, ...path), "utf8"));

/** react-querybuilder's own ids and paths, which the language ignores, are made anew. */
function withoutIds(value: Json): Json {
  if (Array.isArray(value)) return value.map(withoutIds);
  if (value === null || typeof value !== "object" || value.constructor !== Object) return value;
  const isNode = "rules" in value || "operator" in value || "events" in value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => !(isNode && (name === "id" || name === "path"))).map(([name, member]) => [name, withoutIds(member)]));
}

describe("rule documents", () => {
  it("are there", () => expect(CASES.length).toBeGreaterThan(100));

  it.each(CASES)("%s", (name) => {
    const rules = read("cases", name, "rules.json") as { [member: string]: Json }[];
    expect(rules.length).toBeGreaterThan(0);
    for (const rule of rules) {
      const back = writeRule(parseRule(rule));
      expect(parseJson(writeJson(back)), String(rule.rule_name)).toEqual(rule);
    }
  });

  it.each(readdirSync(join(TESTS, "querybuilder/documents")))("query %s", (name) => {
    const conditions = withoutIds(read("querybuilder/documents", name));
    expect(withoutIds(fromForm(toForm(conditions)))).toEqual(conditions);
  });
});

describe("pointers", () => {
  it.each(CASES)("%s", (name) => {
    for (const rule of read("cases", name, "rules.json") as { [member: string]: Json }[]) {
      const form = toForm(rule.conditions);
      const found = pointers(form, "");
      const written = fromForm(form);
      const check = (group: FormGroup) => {
        for (const part of group.rules) {
          if (isFormGroup(part)) check(part);
          else expect(sameJson(part.muted ? null : at(written, found.get(part.id!)!), part.muted ? null : part.value)).toBe(true);
        }
      };
      check(form);
    }
  });
});

function at(value: Json, pointer: string): Json {
  return pointer.split("/").slice(1).reduce((here, name) => (here as { [member: string]: Json })[name] as Json, value);
}

describe("numbers", () => {
  it("keep their digits", () => {
    const text = '{"a":9007199254740993,"b":0.12345678901234567891,"c":[1,-2.5,1e400],"n":"n1","s":"9007199254740993"}';
    expect(writeJson(parseJson(text))).toBe(text);
  });
});
