// JSON that loses no digits: integers beyond 2^53 are bigints inside, numbers on the way in and strings on the way out.

import { exactly } from "segmentry";
import { parse } from "lossless-json";

/** A number as JSON writes it, without a change of its value: what a double does not hold is a bigint or a text. */
function numberOf(text: string): number | bigint | string {
  const value = Number(text);
  if (/^-?\d+$/.test(text)) return Number.isSafeInteger(value) ? value : BigInt(text);
  // The engine reads the text of a number as that number, to the last of 38 digits.
  const digits = text.replace(/[eE].*$/, "").replace(/[-.]/g, "").replace(/^0+/, "");
  return digits.length <= 15 ? value : text;
}

/** Reads a body. */
export function readJson(text: string): unknown {
  return parse(text, undefined, numberOf);
}

/** Writes an answer: an instant with all of its microseconds, an integer that doubles do not hold as a string. */
export function writeJson(value: unknown): string {
  return JSON.stringify(value, function (this: any, name, found) {
    if (typeof found === "bigint") return safely(found);
    const own = this[name];
    return own instanceof Date ? exactly(own) : found;
  });
}

/** An integer as a number where it is one. */
export function safely(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : String(value);
}
