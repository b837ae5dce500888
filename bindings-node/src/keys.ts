// Keys of users, ascending. They stay where they are and are fetched a stretch at a time.

import type * as native from "../native.js";
import { at, run, type Stoppable } from "./calls.js";

/** Keys that are fetched at once. */
const STRETCH = 8192;

/**
 * Keys of users, ascending: bigints or strings, never both.
 *
 * ```js
 * const keys = await segment.keys();
 * console.log(keys.length, keys.at(0)); // 2 1n
 * console.log([...keys]); // [ 1n, 3n ]
 * ```
 */
export class Keys implements Iterable<bigint | string> {
  /** How many there are. */
  readonly length: number;
  readonly #keys: native.Keys;

  /** @internal */
  constructor(keys: native.Keys) {
    this.#keys = keys;
    this.length = keys.length;
  }

  /** The key at a place; from the end if it is negative. */
  at(place: number): bigint | string | undefined {
    const from = Math.trunc(place) < 0 ? this.length + Math.trunc(place) : Math.trunc(place) || 0;
    return from < 0 || from >= this.length ? undefined : this.#some(from, 1)[0];
  }

  *[Symbol.iterator](): IterableIterator<bigint | string> {
    for (let from = 0; from < this.length; from += STRETCH) yield* this.#some(from, STRETCH);
  }

  /** All of them in an array. */
  toArray(): (bigint | string)[] {
    return [...this];
  }

  /** The keys as an Arrow IPC stream of one column, named as the users' key. */
  async toArrow(options?: Stoppable): Promise<Uint8Array> {
    return run((call) => this.#keys.ipc(call), options);
  }

  #some(from: number, most: number): ArrayLike<bigint | string> & Iterable<bigint | string> {
    return at(() => this.#keys.some(from, most));
  }
}
