// Conditions in a few words, for bars, reports and screen readers.
import type { Document } from "../api/types";
import { Digits, type Json } from "../lib/json";
import { AGGREGATES, kindOf, OPERATORS, readable, shapeOf, tablesOf } from "./language";

type NameOf = (rule: Json) => string;

const one = (value: Json | undefined): string => {
  if (value === undefined || value === null || value === "") return "…";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return value.toLocaleString("en", { maximumFractionDigits: 20 });
  return value instanceof Digits ? value.text : typeof value === "string" ? value : JSON.stringify(value);
};

function several(values: Json[], show: (value: Json) => string = one): string {
  if (values.length === 0) return "nothing";
  const first = values.slice(0, 3).map(show).join(", ");
  return values.length > 3 ? `${first} and ${values.length - 3} more` : first;
}

export function describeWindow(window: Json | undefined): string {
  if (window === "all") return "at any time";
  if (!window || typeof window !== "object" || Array.isArray(window) || window instanceof Digits) return "";
  if (window.last) return `in the last ${one(window.last)}`;
  if (Array.isArray(window.between)) return `from ${one(window.between[0])} to ${one(window.between[1])} ago`;
  if (window.calendar) return `in ${one(window.calendar).replace("this", "this").replace("last", "the last")}`;
  if (window.start && window.end) return `from ${one(window.start)} to ${one(window.end)}`;
  return window.start ? `since ${one(window.start)}` : window.end ? `until ${one(window.end)}` : "";
}

function describeValue(condition: Document): string {
  const operator = String(condition.operator ?? "=");
  const { value } = condition;
  if (condition.valueSource === "field") return readable(String(value ?? "…"));
  switch (shapeOf(operator)) {
    case "none": return "";
    case "range": return Array.isArray(value) ? `${one(value[0])} and ${one(value[1])}` : one(value);
    case "list": return Array.isArray(value) ? several(value) : one(value);
    case "window": return describeWindow(value).replace(/^in /, "");
    case "rank": {
      const rank = (value ?? {}) as Document;
      return rank.percent !== undefined ? `${one(rank.percent)}%` : one(rank.count);
    }
    case "place": {
      const place = (value ?? {}) as Document;
      return place.polygon ? `an area of ${(place.polygon as Json[]).length} corners` : `${one(place.radius)} of ${one(place.lat)}, ${one(place.lon)}`;
    }
    default: return one(value);
  }
}

const places = (tables: string[]) => tables.map((t) => readable(t).toLowerCase()).join(" and ");
const joined = (...parts: (string | undefined)[]) => parts.filter(Boolean).join(" ");

/** "Total amount of upi transactions in the last 30 days is at least 10,000". */
export function describe(condition: Json, nameOf: NameOf = (rule) => String(rule)): string {
  if (Array.isArray(condition)) return condition.map((c) => describe(c, nameOf)).join(" and ");
  if (condition === null || typeof condition !== "object" || condition instanceof Digits) return String(condition);
  if ("rules" in condition) {
    const inside = (condition.rules as Json[]).map((c) => describe(c, nameOf)).join(condition.combinator === "or" ? " or " : " and ") || (condition.combinator === "or" ? "nobody" : "everyone");
    return condition.not ? `not (${inside})` : inside;
  }
  const operator = String(condition.operator ?? "=");
  const words = OPERATORS[operator] ?? operator;
  const filter = condition.where ? `where ${describe(condition.where, nameOf)}` : undefined;
  switch (kindOf(condition)) {
    case "sequence": {
      const steps = (condition.sequence as Document[]).map((s) => joined(places(tablesOf(s.events)), s.where ? `(${describe(s.where, nameOf)})` : undefined, s.within ? `within ${one(s.within)}` : undefined));
      return joined(operator === "didNot" ? "Did not:" : "Did:", steps.join(", then "), describeWindow(condition.window));
    }
    case "segment": {
      const rules = Array.isArray(condition.value) ? condition.value : [condition.value ?? null];
      return joined(["notIn", "!="].includes(operator) ? "Not in segment" : "In segment", several(rules, nameOf));
    }
    case "events": {
      const aggregate = AGGREGATES.find((a) => a.id === (condition.aggregate ?? "count"));
      const of = condition.field ? `${readable(String(condition.field)).toLowerCase()} of` : "of";
      return joined(aggregate?.label ?? String(condition.aggregate), of, places(tablesOf(condition.events)), filter, describeWindow(condition.window), words, describeValue(condition));
    }
    default:
      return joined(readable(String(condition.field)), filter, describeWindow(condition.window), words, describeValue(condition));
  }
}

/** The part of a document at a JSON Pointer; nothing if there is none. */
export function atPointer(value: Json | undefined, pointer: string): Json | undefined {
  let here: Json | undefined = value;
  for (const part of pointer.split("/").slice(1)) {
    if (here === null || typeof here !== "object" || here instanceof Digits) return undefined;
    here = (here as Record<string, Json>)[part.replaceAll("~1", "/").replaceAll("~0", "~")];
  }
  return here;
}
