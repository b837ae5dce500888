// The engine: a catalog, a model and the host's tables.

import { readFile } from "node:fs/promises";
import * as native from "../native.js";
import { integerIf, path, text } from "./arguments.js";
import { at, run, type Stoppable } from "./calls.js";
import { bad } from "./errors.js";
import { stringify } from "./json.js";
import { catalogOf, type MemoryCatalog, type SqliteCatalog } from "./parts.js";
import { UpkeepVerbs } from "./verbs/upkeep.js";

export interface EngineOptions extends Stoppable {
  /** The path of a SQLite file, `":memory:"`, or a catalog. */
  catalog: string | URL | SqliteCatalog | MemoryCatalog;
  /**
   * What the tables mean: a document, its JSON text, or the path of a file with it. Nothing is the original platform's
   * schema if its tables are there, and else what `AudienceModel.infer` makes of them.
   */
  model?: object | string | URL;
  /** A folder for the profile store. */
  store?: string | URL;
  /** How many partitions are worked on at once. */
  threads?: number;
  /** Bytes, or a text as `"8 GB"`. */
  memoryLimit?: number | string;
  /** For how many seconds a refresh waits for another, 30 if not said. */
  busyTimeout?: number;
}

/**
 * An engine on a catalog. No table is needed to open it.
 *
 * ```js
 * import { SegmentEngine } from "segmentry";
 * const engine = await SegmentEngine.open({ catalog: "audience.db" });
 * await engine.addCsv("users", "users.csv");
 * const id = await engine.createRule({
 *   rule_name: "Metro",
 *   conditions: [{ field: "city_tier", operator: "=", value: 1 }],
 * });
 * await engine.refresh([id]);
 * const segment = await engine.segment("Metro");
 * console.log(segment.rowCount, segment.contains(101));
 * ```
 */
export class SegmentEngine extends UpkeepVerbs {
  /** @internal */
  protected readonly native: native.Engine;

  private constructor(engine: native.Engine) {
    super();
    this.native = engine;
    // Of no use to whoever prints an engine.
    Object.defineProperty(this, "native", { enumerable: false });
  }

  /** Opens an engine. */
  static async open(options: EngineOptions): Promise<SegmentEngine> {
    if (typeof options !== "object" || options === null) throw bad("open takes an object with a catalog");
    const { memoryLimit, store } = options;
    const opening = {
      model: await modelText(options.model),
      store: store === undefined ? undefined : path(store),
      threads: integerIf(options.threads, "threads"),
      memoryLimit,
      busyTimeout: options.busyTimeout,
    };
    const catalog = await catalogOf(options.catalog, options);
    return new SegmentEngine(await run((call) => native.Engine.open(catalog, opening, call), options));
  }

  /** Lets go of the catalog and the tables once what is under way has ended; loaded segments stay of use. */
  close(): void {
    at(() => this.native.close());
  }
}

async function modelText(model: object | string | URL | undefined): Promise<string | undefined> {
  if (model === undefined || model === null) return undefined;
  if (typeof model === "string" && model.trimStart().startsWith("{")) return text(model, "a model");
  if (typeof model === "string" || model instanceof URL) return readFile(path(model), "utf8");
  return stringify(model);
}
