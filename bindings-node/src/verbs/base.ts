// What all verbs have in common.

import type * as native from "../../native.js";
import { run, type Stoppable } from "../calls.js";
import type { Reader } from "../decode.js";
import { parse } from "../json.js";

export type { Stoppable };

/** Which page of a long list is wanted. */
export interface Paging extends Stoppable {
  /** From 1, which it is if not said. */
  page?: number;
  /** How many entries a page has, 10 if not said. */
  perPage?: number;
}

export interface Searching extends Paging {
  /** Only entries whose name contains this, in any case. */
  search?: string;
}

/** Holds the native engine. */
export abstract class Verbs {
  /** @internal */
  protected abstract readonly native: native.Engine;

  /** Asks for JSON and reads it. @internal */
  protected async read(
    ask: (call: native.Call | undefined) => Promise<string>,
    reader: Reader,
    options?: Stoppable,
  ): Promise<any> {
    const found = parse(await run(ask, options));
    return found === null ? null : reader(found);
  }
}

/** What needs nothing done to it. */
export const asIs: Reader = (value) => value;
