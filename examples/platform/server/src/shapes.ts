// The engine's answers with the REST API's names: snake case, and a rule as its document with what belongs beside it.

import type { Rule } from "segmentry";
import { Refusal } from "./errors.js";

/** Members whose own keys are names of the host's, or parts of documents, and stay as they are. */
const OPAQUE = new Set(["document", "sample", "value", "needed", "cutoff", "scanned", "stages", "rows", "key", "values"]);

const underscored = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** The same with its members' names in snake case. */
export function snake(value: unknown): any {
  if (Array.isArray(value)) return value.map(snake);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [underscored(name), OPAQUE.has(name) ? member : snake(member)]),
  );
}

/** What the server adds to a rule's document when it shows one; it is taken off again when one is sent back. */
const ADDED = ["version", "next_run", "status"] as const;

/** A stored rule: all members that a document can have, absent ones as null, and what the server adds. */
export function ruleShape(rule: Rule, added: { next_run?: Date | null; status?: unknown } = {}): any {
  return {
    description: null,
    schedule: null,
    timezone: null,
    start_date: null,
    end_date: null,
    depends_on: [],
    operation: null,
    ...rule.document,
    id: rule.id,
    version: rule.version,
    created_at: rule.createdAt,
    updated_at: rule.updatedAt,
    ...added,
  };
}

/** A document that was sent, without what the server had added to it. */
export function documentOf(body: unknown): object {
  // A number or a text by itself would be the id or the name of a stored rule to some verbs.
  if (typeof body !== "object" || body === null) throw new Refusal(422, "malformed", "a rule is a JSON object");
  if (Array.isArray(body)) return body;
  const document: Record<string, unknown> = { ...body };
  for (const name of ADDED) delete document[name];
  return document;
}
