// Rows: as Arrow IPC streams, in batches, and as plain objects.

import type * as native from "../native.js";
import { at, run, type Stoppable } from "./calls.js";
import { date } from "./instants.js";
import { parse } from "./json.js";

/**
 * A row by the names of its columns. Integers of 64 bits are bigints, smaller ones and floats numbers, decimals texts with
 * all of their digits, timestamps with a zone `Date`s; dates and times without a zone are ISO texts, lists are arrays, and
 * a missing value is `null`.
 */
export type Row = Record<string, Value>;
export type Value = null | boolean | number | bigint | string | Date | Value[];

/** Rows of a batch, unless another size is asked for. */
const BATCH = 8192;

/** Values that become those of objects in one turn of the event loop. */
const VALUES = 8192;

const MAKERS: Record<string, (value: any) => Value> = { bigint: BigInt, number: Number, instant: date };

function made(value: any, make: ((value: any) => Value) | undefined): Value {
  if (value === null || make === undefined) return value;
  return Array.isArray(value) ? value.map((item) => made(item, make)) : make(value);
}

/** Rows that the native module has written as values. */
export function rowsOf(text: string): Row[] {
  const { columns, rows } = parse(text) as { columns: { name: string; kind: string }[]; rows: unknown[][] };
  const makers = columns.map((column) => MAKERS[column.kind]);
  return rows.map((row) =>
    // Not assigned one by one: a column may be called `__proto__`.
    Object.fromEntries(row.map((value, place) => [columns[place]!.name, made(value, makers[place])])),
  );
}

/** Rows in memory. A batch of them is the same again. */
export class Rows implements AsyncIterable<Rows> {
  /** How many there are. */
  readonly length: number;
  /** The names of the columns. */
  readonly columns: readonly string[];
  readonly #rows: native.Rows;
  readonly #size: number;

  /** @internal */
  constructor(rows: native.Rows, size = BATCH) {
    this.#rows = rows;
    this.#size = size;
    this.length = rows.length;
    this.columns = at(() => rows.columns());
  }

  /** The rows as an uncompressed Arrow IPC stream, which `tableFromIPC` of apache-arrow reads. */
  async toArrow(options?: Stoppable): Promise<Uint8Array> {
    return run((call) => this.#rows.ipc(call), options);
  }

  /** The rows as plain objects. */
  async toArray(options?: Stoppable): Promise<Row[]> {
    const all: Row[] = [];
    const most = Math.max(1, Math.floor(VALUES / Math.max(this.columns.length, 1)));
    for (let from = 0; from < this.length; from += most) {
      const some = at(() => this.#rows.some(from, most));
      for (const row of rowsOf(await run((call) => some.objects(call), options))) all.push(row);
    }
    return all;
  }

  /** The rows in batches, without copying them. */
  async *[Symbol.asyncIterator](): AsyncIterator<Rows> {
    for (let from = 0; from < this.length; from += this.#size) {
      yield new Rows(at(() => this.#rows.some(from, this.#size)), this.#size);
    }
  }
}

/**
 * Rows that are asked for. Awaited they are `Rows`; `for await` goes through them in batches.
 *
 * ```js
 * for await (const batch of segment.members()) {
 *   for (const user of await batch.toArray()) console.log(user.user_id);
 * }
 * const { numRows } = tableFromIPC(await segment.members().toArrow());
 * ```
 */
export class PendingRows implements PromiseLike<Rows>, AsyncIterable<Rows> {
  readonly #ask: () => Promise<Rows>;
  #asked: Promise<Rows> | undefined;

  /** @internal */
  constructor(ask: () => Promise<Rows>) {
    this.#ask = ask;
  }

  then<A = Rows, B = never>(
    done?: ((rows: Rows) => A | PromiseLike<A>) | null,
    failed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#rows().then(done, failed);
  }

  catch<B = never>(failed?: ((error: unknown) => B | PromiseLike<B>) | null): Promise<Rows | B> {
    return this.#rows().catch(failed);
  }

  finally(ended?: (() => void) | null): Promise<Rows> {
    return this.#rows().finally(ended);
  }

  async *[Symbol.asyncIterator](): AsyncIterator<Rows> {
    for await (const batch of await this.#rows()) yield batch;
  }

  /** The rows as an uncompressed Arrow IPC stream. */
  async toArrow(options?: Stoppable): Promise<Uint8Array> {
    return (await this.#rows()).toArrow(options);
  }

  /** The rows as plain objects. */
  async toArray(options?: Stoppable): Promise<Row[]> {
    return (await this.#rows()).toArray(options);
  }

  #rows(): Promise<Rows> {
    this.#asked ??= this.#ask();
    return this.#asked;
  }
}
