// What people hand over, in the form that the native module takes.

import { fileURLToPath } from "node:url";
import { bad } from "./errors.js";
import { stringify } from "./json.js";

/** A user's key. A number has to be a safe integer; a bigint may have 64 bits. */
export type Key = bigint | number | string;

/** A rule, and the segment that it has: an integer is the id, a string the name. */
export type RuleRef = number | string;

/** A rule as an object, or as JSON text. */
export type RuleDocument = object | string;

/** A list, a group, a condition, a rule, or the text form. */
export type Conditions = object | string;

/** A document as JSON text; a text is taken as it is. */
export function document(given: Conditions): string {
  if (typeof given === "string") return text(given, "a document");
  if (typeof given !== "object" || given === null) {
    throw bad(`a document is an object, a list or a text, not ${name(given)}`, "malformed");
  }
  return stringify(given);
}

/** A text that can be said in UTF-8. */
export function text(given: string, what: string): string {
  if (typeof given !== "string") throw bad(`${what} is a string, not ${name(given)}`);
  if (/[\ud800-\udfff]/.test(given) && !wellFormed(given)) {
    throw bad(`${what} has half of a surrogate pair: ${JSON.stringify(given)}`);
  }
  return given;
}

function wellFormed(given: string): boolean {
  try {
    encodeURIComponent(given);
    return true;
  } catch {
    return false;
  }
}

export function textIf(given: string | undefined, what: string): string | undefined {
  return given === undefined || given === null ? undefined : text(given, what);
}

/** A user's key as the native module takes it. */
export function key(given: Key): bigint | string {
  if (typeof given === "bigint") return given;
  if (typeof given === "string") return text(given, "a key");
  if (typeof given !== "number") throw bad(`a key is a bigint, an integer or a string, not ${name(given)}`);
  if (!Number.isSafeInteger(given)) {
    const reason = Number.isInteger(given) ? "may have been rounded; write it as a bigint" : "is no integer";
    throw bad(`a key that is a number has to be a safe integer, and ${given} ${reason}`);
  }
  return BigInt(given);
}

/** The id or name of a rule. */
export function named(given: RuleRef): number | string {
  if (typeof given === "string") return text(given, "a rule's name");
  if (typeof given === "number" && Number.isSafeInteger(given)) return given;
  throw bad(`a rule's id is an integer and its name a string, not ${name(given)}`);
}

/** Ids and names; one by itself is a list of one. */
export function allNamed(given: RuleRef | readonly RuleRef[]): (number | string)[] {
  return Array.isArray(given) ? given.map(named) : [named(given as RuleRef)];
}

/** A stored rule, or the document of one. */
export function wanted(given: RuleRef | object): [number | string | undefined, string | undefined] {
  return typeof given === "object" && given !== null
    ? [undefined, document(given)]
    : [named(given as RuleRef), undefined];
}

/** An integer. */
export function integer(given: number, what: string): number {
  if (typeof given === "number" && Number.isSafeInteger(given)) return given;
  throw bad(`${what} is an integer, not ${name(given)}`);
}

export function integerIf(given: number | undefined, what: string): number | undefined {
  return given === undefined || given === null ? undefined : integer(given, what);
}

/** A path as text; URLs of files are taken too. */
export function path(given: string | URL): string {
  if (given instanceof URL) return fileURLToPath(given);
  return text(given, "a path");
}

/** What somebody has handed over, in words. */
export function name(given: unknown): string {
  if (given === null) return "null";
  if (typeof given === "number") return String(given);
  if (typeof given === "object") return given.constructor?.name ?? "an object";
  return typeof given;
}

