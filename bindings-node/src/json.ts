// Documents to JSON text and back, with integers that a number does not hold as bigints.

import { randomUUID } from "node:crypto";
import { bad } from "./errors.js";

/** What stands before a bigint on its way into JSON; nobody else writes that. */
const MARK = `bigint:${randomUUID()}:`;
const MARKED = new RegExp(`"${MARK}(-?\\d+)"`, "g");

/** A value as JSON text. A bigint is a number with all of its digits, a `Date` its ISO text. */
export function stringify(value: unknown): string {
  let marked = false;
  let text: string | undefined;
  try {
    text = JSON.stringify(value, (member, found: unknown) => {
      if (typeof found === "bigint") {
        marked = true;
        return MARK + found;
      }
      if (typeof found === "number" && !Number.isFinite(found)) {
        throw bad(`a document can't hold ${found}, which ${JSON.stringify(member)} is`);
      }
      return found;
    });
  } catch (error) {
    // A circle, most likely.
    throw error instanceof TypeError ? bad(`this can't be a document: ${error.message}`, "malformed", error) : error;
  }
  if (text === undefined) throw bad(`${typeof value} can't be a document`, "malformed");
  return marked ? text.replace(MARKED, "$1") : text;
}

const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

/** JSON text of the native module as a value. */
export function parse(text: string): any {
  // A number stands behind one of these. In texts there are such places too, and then it only takes longer.
  if (!/(?:^|[:,[]\s*)-?\d{16}/.test(text)) return JSON.parse(text);
  // The native module writes characters as they are, so that a text holds the mark if a string in it does.
  let mark = "#";
  while (text.includes(mark)) mark += "#";
  const safe = text.replace(TOKENS, (token) => {
    const integer = !token.startsWith('"') && !/[.eE]/.test(token);
    return integer && !Number.isSafeInteger(Number(token)) ? `"${mark}${token}"` : token;
  });
  return JSON.parse(safe, (_, value: unknown) =>
    typeof value === "string" && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value,
  );
}

/** Lets others have the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A list that the native module has written piece by piece, each of which is read in a turn of the event loop. */
export async function parseList(pieces: readonly string[], reader: (value: any) => any): Promise<any[]> {
  const items: any[] = [];
  for (const [at, piece] of pieces.entries()) {
    if (at > 0) await turn();
    for (const item of parse(piece)) items.push(reader(item));
  }
  return items;
}
