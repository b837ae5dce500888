// A whole rule as the form holds it, and back.
import type { Document } from "../api/types";
import { sameJson, type Json } from "../lib/json";
import { fromForm, toForm, type FormGroup } from "./document";

/** Members that the form has controls for; all others are kept as they are. */
const TEXTS = ["rule_name", "description", "schedule", "timezone", "start_date", "end_date", "operation"] as const;
type TextMember = (typeof TEXTS)[number];

export interface Draft extends Record<TextMember, string> {
  query: FormGroup;
  /** Whether the document says conditions at all; a combination of segments needs none. */
  hasConditions: boolean;
  depends_on: (number | string)[];
  include: Json[];
  exclude: Json[];
  enabled: boolean;
  /** The document that it came from. */
  origin: Document;
}

const OURS = new Set<string>([...TEXTS, "conditions", "depends_on", "include", "exclude", "enabled"]);
/** What the server adds to what it answers, which is not the rule's. */
const ANSWERED = new Set(["id", "version", "created_at", "updated_at", "next_run", "status"]);

export const EMPTY: Document = { rule_name: "", conditions: [] };

export function parseRule(document: Document): Draft {
  const text = (name: TextMember) => (document[name] === undefined || document[name] === null ? "" : String(document[name]));
  return {
    ...(Object.fromEntries(TEXTS.map((name) => [name, text(name)])) as Record<TextMember, string>),
    query: toForm(document.conditions),
    hasConditions: document.conditions !== undefined && document.conditions !== null,
    depends_on: dependsOn(document.depends_on),
    include: (document.include ?? []) as Json[],
    exclude: (document.exclude ?? []) as Json[],
    enabled: document.enabled !== false,
    origin: document,
  };
}

function dependsOn(value: Json | undefined): (number | string)[] {
  if (typeof value === "string") {
    try {
      return JSON.parse(value) as (number | string)[];
    } catch {
      return [];
    }
  }
  return Array.isArray(value) ? (value as (number | string)[]) : [];
}

export function writeRule(draft: Draft): Document {
  const { origin } = draft;
  const kept = Object.entries(origin).filter(([name]) => !OURS.has(name) && !ANSWERED.has(name));
  const document: Document = Object.fromEntries(kept);
  for (const name of TEXTS) {
    if (name === "operation" && draft.depends_on.length === 0 && origin.operation === undefined) continue;
    if (draft[name] !== "") document[name] = draft[name];
    else if (origin[name] === "" || name === "rule_name") document[name] = draft[name];
  }
  if (draft.depends_on.length === 0) delete document.operation;
  if (draft.hasConditions || draft.query.rules.length > 0) document.conditions = fromForm(draft.query);
  list(document, "depends_on", draft.depends_on, origin);
  list(document, "include", draft.include, origin);
  list(document, "exclude", draft.exclude, origin);
  if (!draft.enabled || origin.enabled === true) document.enabled = draft.enabled;
  // A null says the same as nothing, and stays where it was written.
  for (const name of OURS) if (origin[name] === null && document[name] === undefined) document[name] = null;
  return document;
}

function list(document: Document, name: string, values: Json[], origin: Document) {
  // The original platform's column is text; it stays text as long as it says the same.
  if (typeof origin[name] === "string" && sameJson(dependsOn(origin[name]), values)) return void (document[name] = origin[name]);
  if (values.length > 0 || Array.isArray(origin[name])) document[name] = values;
}
