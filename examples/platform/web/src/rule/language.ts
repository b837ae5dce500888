// What the form knows of the rule language: operators by type with their words, and conditions to begin with.
import type { Document, Field } from "../api/types";
import { sameJson, type Json } from "../lib/json";

export type Kind = "attribute" | "events" | "sequence" | "segment" | "bucket";

export function kindOf(condition: Document): Kind {
  if ("sequence" in condition) return "sequence";
  if ("events" in condition) return "events";
  if (condition.field === "segment") return "segment";
  return condition.field === "bucket" ? "bucket" : "attribute";
}

export const OPERATORS: Record<string, string> = {
  "=": "is", "!=": "is not", "<": "is less than", "<=": "is at most", ">": "is more than", ">=": "is at least",
  between: "is between", notBetween: "is not between", in: "is one of", notIn: "is none of",
  contains: "contains", doesNotContain: "does not contain", beginsWith: "begins with", doesNotBeginWith: "does not begin with",
  endsWith: "ends with", doesNotEndWith: "does not end with", matches: "matches (regex)", doesNotMatch: "does not match (regex)",
  null: "is missing", notNull: "is known", during: "falls in", notDuring: "does not fall in", within: "is within", notWithin: "is not within",
  top: "is among the top", bottom: "is among the bottom",
};

const EQUAL = ["=", "!="];
const ORDER = ["<", "<=", ">", ">=", "between", "notBetween"];
const LISTS = ["in", "notIn"];
const TEXT = ["contains", "doesNotContain", "beginsWith", "doesNotBeginWith", "endsWith", "doesNotEndWith", "matches", "doesNotMatch"];
const MISSING = ["null", "notNull"];
const RANKS = ["top", "bottom"];
const NUMBERS = [...EQUAL, ...ORDER, ...LISTS, ...MISSING];

/** Operators of a type, for results that the server's list of fields doesn't have. */
export function operatorsOf(type: string, ranks = true): string[] {
  const last = ranks ? RANKS : [];
  switch (base(type)) {
    case "number": return [...NUMBERS, ...last];
    case "string": return [...EQUAL, ...ORDER, ...LISTS, ...TEXT, ...MISSING, ...last];
    case "boolean": return [...EQUAL, ...LISTS, ...MISSING];
    case "date": case "timestamp": return [...EQUAL, ...ORDER, ...LISTS, "during", "notDuring", ...MISSING, ...last];
    case "point": return ["within", "notWithin", ...MISSING];
    case "list": return [...EQUAL, ...LISTS, "contains", "doesNotContain", ...MISSING];
    default: return [...NUMBERS, ...last];
  }
}

/** A field's type as the controls tell them apart. */
export function base(type: string): "number" | "string" | "boolean" | "date" | "timestamp" | "point" | "list" {
  const t = type.toLowerCase();
  if (t.startsWith("list")) return "list";
  if (/^(int|uint|float|double|dec|number)/.test(t)) return "number";
  if (t.startsWith("bool")) return "boolean";
  if (t.startsWith("timestamp")) return "timestamp";
  if (t.startsWith("date")) return "date";
  if (t.startsWith("point")) return "point";
  return "string";
}

export const AGGREGATES: { id: string; label: string; field: "none" | "number" | "ordered" | "any" }[] = [
  { id: "count", label: "Number", field: "none" },
  { id: "sum", label: "Total", field: "number" },
  { id: "avg", label: "Average", field: "number" },
  { id: "min", label: "Smallest", field: "ordered" },
  { id: "max", label: "Largest", field: "ordered" },
  { id: "count_distinct", label: "Distinct values", field: "any" },
  { id: "first", label: "First", field: "any" },
  { id: "last", label: "Latest", field: "any" },
  { id: "days_since_first", label: "Days since the first", field: "none" },
  { id: "days_since_last", label: "Days since the latest", field: "none" },
];

export type Shape = "none" | "one" | "range" | "list" | "window" | "place" | "rank";

/** What kind of value an operator takes. */
export function shapeOf(operator: string): Shape {
  if (operator === "null" || operator === "notNull") return "none";
  if (operator === "between" || operator === "notBetween") return "range";
  if (operator === "in" || operator === "notIn") return "list";
  if (operator === "during" || operator === "notDuring") return "window";
  if (operator === "within" || operator === "notWithin") return "place";
  return operator === "top" || operator === "bottom" ? "rank" : "one";
}

/** A value to begin with: one that is right for the type, so that a fresh condition says something. */
export function startValue(shape: Shape, type: string, field?: Field): Json | undefined {
  const today = new Date().toISOString().slice(0, 10);
  const kind = base(type);
  const one: Json = kind === "number" ? 0 : kind === "boolean" ? true : kind === "date" || kind === "timestamp" ? today : (field?.values?.[0] ?? "");
  switch (shape) {
    case "none": return undefined;
    case "range": return [one, kind === "number" ? 100 : one];
    case "list": return one === "" || kind === "number" ? [] : [one];
    case "window": return { last: "30 days" };
    case "place": return { lat: 19.076, lon: 72.877, radius: "10 km" };
    case "rank": return { percent: 10 };
    default: return one;
  }
}

/** The condition with another operator; the value is kept if it fits. */
export function withOperator(condition: Document, operator: string, type: string, field?: Field): Document {
  const [was, is] = [shapeOf(String(condition.operator ?? "=")), shapeOf(operator)];
  const next: Document = { ...condition, operator };
  if (is !== "rank") delete next.among;
  if (is === "none" || is === "rank" || is === "place" || is === "window") delete next.valueSource;
  if (!["string", "list"].includes(base(type)) || is === "none") delete next.caseSensitive;
  if (was === is && condition.value !== undefined) return next;
  let value = startValue(is, type, field);
  // What was put in for a start is nobody's choice, and is not taken along.
  const old = sameJson(condition.value, startValue(was, type, field)) ? undefined : condition.value;
  if (condition.valueSource !== "field") {
    if (was === "one" && is === "list" && old !== "" && old !== undefined) value = [old];
    if (was === "one" && is === "range" && old !== undefined) value = [old, old];
    if ((was === "list" || was === "range") && is === "one" && Array.isArray(old) && old.length > 0) value = old[0];
  } else delete next.valueSource;
  if (value === undefined) delete next.value;
  else next.value = value;
  return next;
}

/** A condition about a field, as fresh as it gets. */
export function startAttribute(field: Field): Document {
  const kind = base(field.type);
  const operator = kind === "point" ? "within" : kind === "number" ? ">=" : kind === "list" ? "contains" : (kind === "date" || kind === "timestamp") && field.operators.includes("during") ? "during" : "=";
  return withOperator({ field: field.name }, operator, field.type, field);
}

export const startEvents = (tables: string[]): Document => ({ events: tables.length === 1 ? tables[0]! : tables, aggregate: "count", window: { last: "30 days" }, operator: ">=", value: 1 });
export const startSequence = (table: string): Document => ({ sequence: [{ events: table }, { events: table, within: "7 days" }], window: { last: "90 days" }, operator: "did" });
export const startSegment = (): Document => ({ field: "segment", operator: "in", value: [] });
export const startBucket = (): Document => ({ field: "bucket", operator: "between", value: [0, 9] });

/** Names as people read them. */
export const readable = (name: string) => {
  const text = name.replace(/^users\./, "").replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
};

export const tablesOf = (events: Json | undefined): string[] => (Array.isArray(events) ? events.map(String) : typeof events === "string" ? [events] : []);

/** The type of what an aggregate gives. */
export function resultType(aggregate: string, field: Field | undefined): string {
  return ["min", "max", "first", "last"].includes(aggregate) ? (field?.type ?? "string") : aggregate === "sum" || aggregate === "avg" ? "decimal" : "integer";
}
