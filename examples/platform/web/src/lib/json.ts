// JSON that keeps every digit: a number that a double doesn't hold as written stays as its text.

/** A number as it was written, where `Number` would change its value. */
export class Digits {
  constructor(readonly text: string) {}
  toString() {
    return this.text;
  }
}

export type Json = null | boolean | number | string | Digits | Json[] | { [name: string]: Json };

/** Whether a double holds exactly the number that the text says. */
function isHeld(text: string): boolean {
  const plain = (t: string) => t.replace(/^-/, "").replace(/[eE].*$/, "").replace(".", "").replace(/^0+/, "").replace(/0+$/, "");
  return Number.isFinite(Number(text)) && plain(text).length <= 15;
}

/** Reads JSON. Throws a `SyntaxError` as `JSON.parse` does. */
export function parseJson(text: string): Json {
  if (!/\d{16}|\d\.\d{8}|\d{8,}\.\d|[eE][+-]?\d/.test(text)) return JSON.parse(text) as Json;
  JSON.parse(text); // The grammar is checked once here, so that what follows may be simple.
  // Numbers that would change go through as marked strings; all other strings are kept apart by a first character.
  const marked = text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    token.startsWith('"') ? `"s${token.slice(1)}` : isHeld(token) ? token : `"n${token}"`,
  );
  return unmark(JSON.parse(marked) as Json);
}

function unmark(value: Json): Json {
  if (typeof value === "string") return value.startsWith("n") ? new Digits(value.slice(1)) : value.slice(1);
  if (Array.isArray(value)) return value.map(unmark);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name.slice(1), unmark(member as Json)]));
}

/** Writes JSON; what `parseJson` read is written with the same digits. */
export function writeJson(value: unknown, indent = 0, depth = 0): string {
  if (value instanceof Digits) return value.text;
  if (Object.is(value, -0)) return "-0";
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const [line, end, colon] = indent ? [`\n${" ".repeat(indent * (depth + 1))}`, `\n${" ".repeat(indent * depth)}`, ": "] : ["", "", ":"];
  const parts = Array.isArray(value)
    ? value.map((item) => writeJson(item, indent, depth + 1))
    : Object.entries(value)
        .filter(([, member]) => member !== undefined)
        .map(([name, member]) => JSON.stringify(name) + colon + writeJson(member, indent, depth + 1));
  const [open, close] = Array.isArray(value) ? ["[", "]"] : ["{", "}"];
  if (parts.length === 0) return open + close;
  const short = indent > 0 && parts.join(", ").length <= 72 && !parts.some((part) => part.includes("\n"));
  return short ? `${open === "{" ? "{ " : "["}${parts.join(", ")}${open === "{" ? " }" : "]"}` : open + line + parts.join(`,${line}`) + end + close;
}

/** Whether two values are the same JSON, whatever the order of members. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a instanceof Digits || b instanceof Digits) return String(a) === String(b);
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [x, y] = [Object.entries(a).filter(([, v]) => v !== undefined), Object.entries(b).filter(([, v]) => v !== undefined)];
  return x.length === y.length && x.every(([name, member]) => name in b && sameJson(member, (b as Record<string, unknown>)[name]));
}
