// Keeping house.

import { integer, integerIf, key, path, type Key } from "../arguments.js";
import * as shapes from "../shapes.js";
import type { Check, Forgotten, StoreStatus, Vacuumed } from "../types.js";
import { asIs, type Stoppable } from "./base.js";
import { QuestionVerbs } from "./questions.js";

export interface VacuumOptions extends Stoppable {
  /** How many of a segment's newest versions are kept; the current one always is. */
  keepVersions: number;
  /** Kept besides is what was published within so many seconds before now. */
  youngerThan?: number;
  /** Only the newest so many reports of runs are kept, and those that a kept version is from. */
  runs?: number;
}

export abstract class UpkeepVerbs extends QuestionVerbs {
  /**
   * Reads everything once and tells what is damaged and how to mend it.
   *
   * ```js
   * console.log((await engine.check()).isSound); // true
   * ```
   */
  async check(options?: Stoppable): Promise<Check> {
    return this.read((call) => this.native.check(call), shapes.check, options);
  }

  /**
   * Drops older versions of segments, never the current one.
   *
   * ```js
   * console.log((await engine.vacuum({ keepVersions: 1, youngerThan: 30 * 86_400 })).versions); // 0
   * ```
   */
  async vacuum(options: VacuumOptions): Promise<Vacuumed> {
    const keep = integer(options.keepVersions, "keepVersions");
    const runs = integerIf(options.runs, "runs");
    return this.read(
      (call) => this.native.vacuum(keep, options.youngerThan, runs, call),
      shapes.vacuumed,
      options,
    );
  }

  /**
   * Copies a catalog in use to a new file, and answers its size in bytes; writes over nothing.
   *
   * ```js
   * const shop = await SegmentEngine.open({ catalog: "shop.db" });
   * console.log((await shop.backup("copy.db")) > 0); // true
   * ```
   */
  async backup(file: string | URL, options?: Stoppable): Promise<number> {
    return this.read((call) => this.native.backup(path(file), call), asIs, options);
  }

  /**
   * Erases one user from every version of every segment, from the catalog's keys and from the store. Rules that pick the
   * user by hand are listed and left to you, as are the sources, exports and copies.
   *
   * ```js
   * console.log((await engine.forget(3)).segments, [...(await (await engine.segment("Metro")).keys())]); // 1 [ 1n ]
   * ```
   */
  async forget(user: Key, options?: Stoppable): Promise<Forgotten> {
    return this.read((call) => this.native.forget(key(user), call), shapes.forgotten, options);
  }

  /** Size, rows and freshness of the profile store; `null` if the engine has none. */
  async storeStatus(options?: Stoppable): Promise<StoreStatus | null> {
    return this.read((call) => this.native.storeStatus(call), shapes.storeStatus, options);
  }

  /** Merges all of the store's parts and drops what no rule asks about any more. */
  async compact(options?: Stoppable): Promise<StoreStatus | null> {
    return this.read((call) => this.native.compact(call), shapes.storeStatus, options);
  }
}
