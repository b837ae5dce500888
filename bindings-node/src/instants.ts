// Instants: `Date`s with what they leave out kept beside them.

import { bad } from "./errors.js";

/** A `Date`, or RFC 3339 with an offset. */
export type Instant = Date | string;

/** The texts that `Date`s were made of. */
const TEXTS = new WeakMap<Date, string>();

/**
 * An instant of the engine, which counts microseconds, as a `Date`, which counts milliseconds. The text stays beside it:
 * `exactly` tells it, and a verb that is handed the `Date` takes it.
 */
export function date(text: string): Date {
  const made = new Date(text);
  TEXTS.set(made, text);
  return made;
}

/**
 * RFC 3339 of an instant, to the microsecond where the engine has told it.
 *
 * ```js
 * const run = await engine.refresh(null, { asOf: "2026-01-01T00:00:00.123456Z" });
 * console.log(exactly(run.asOf)); // 2026-01-01T00:00:00.123456Z
 * ```
 */
export function exactly(at: Date): string {
  const text = TEXTS.get(at);
  // A Date can be set to another time.
  if (text !== undefined && new Date(text).getTime() === at.getTime()) return text;
  if (Number.isNaN(at.getTime())) throw bad("an invalid Date is no instant", "bad_date");
  return at.toISOString();
}

/** An instant as the native module takes it. */
export function instant(at: Instant | undefined): string | undefined {
  if (at === undefined || at === null) return undefined;
  if (at instanceof Date) return exactly(at);
  if (typeof at === "string") return at;
  throw bad(`an instant is a Date or RFC 3339, not ${typeof at}`, "bad_date");
}
