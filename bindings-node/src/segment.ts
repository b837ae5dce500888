// A loaded segment: its members are in memory.

import type * as native from "../native.js";
import { integer, key, path, text, type Key } from "./arguments.js";
import { at, run, type Stoppable } from "./calls.js";
import { parse } from "./json.js";
import { Keys } from "./keys.js";
import { PendingRows, Rows, type Row } from "./rows.js";
import * as shapes from "./shapes.js";
import type { Changes, SegmentEntry, SegmentVersion } from "./types.js";

interface About extends Omit<SegmentEntry, "current"> {
  sqlQuery: string;
  asOf: Date;
  version: number;
}

export interface MembersOptions extends Stoppable {
  /** Rows of a batch, 8,192 if not said. */
  batchSize?: number;
}

/**
 * One version of a rule's segment.
 *
 * ```js
 * const segment = await engine.segment("Metro");
 * console.log(segment.rowCount, segment.contains(101), await segment.sample(5));
 * ```
 */
export class Segment {
  /** `segment_catalog.id`. */
  readonly id: number;
  /** The rule that it is the segment of. */
  readonly ruleId: number;
  /** The rule's name when the segment was computed. */
  readonly segmentName: string;
  /** The rule's description when the segment was computed. */
  readonly description: string | null;
  /** `segment_output_<rule id>`, a table in the engine's SQL. */
  readonly tableName: string;
  /** How many members it has. */
  readonly rowCount: number;
  /** The rule as SQL, for people. */
  readonly sqlQuery: string;
  /** When the run that published the current version finished. */
  readonly lastRefreshedAt: Date | null;
  /** The instant that this version is about. */
  readonly asOf: Date;
  /** 1 for the first version. */
  readonly version: number;
  readonly #segment: native.Segment;

  /** @internal */
  constructor(segment: native.Segment) {
    this.#segment = segment;
    const about: About = at(() => shapes.segmentAbout(parse(segment.about())));
    this.id = about.id;
    this.ruleId = about.ruleId;
    this.segmentName = about.segmentName;
    this.description = about.description;
    this.tableName = about.tableName;
    this.rowCount = about.rowCount;
    this.sqlQuery = about.sqlQuery;
    this.lastRefreshedAt = about.lastRefreshedAt;
    this.asOf = about.asOf;
    this.version = about.version;
  }

  /** How many members it has. */
  get length(): number {
    return this.rowCount;
  }

  /** Whether the user of that key is a member. */
  contains(user: Key): boolean {
    return at(() => this.#segment.contains(key(user)));
  }

  /**
   * The members' keys, ascending.
   *
   * ```js
   * console.log([...(await segment.keys())]); // [ 1n, 3n ]
   * ```
   */
  async keys(options?: Stoppable): Promise<Keys> {
    return new Keys(await run((call) => this.#segment.keys(call), options));
  }

  /**
   * The members' keys as an Arrow IPC stream of one column, named as the users' key.
   *
   * ```js
   * console.log(tableFromIPC(await segment.toArrow()).numRows); // 2
   * ```
   */
  async toArrow(options?: Stoppable): Promise<Uint8Array> {
    return run((call) => this.#segment.ipc(call), options);
  }

  /**
   * The members as rows of the users table as it is now, in the order of their keys: `await` them, or go through them
   * by `for await`. Members that have left the table are not there.
   */
  members(columns?: readonly string[], options?: MembersOptions): PendingRows {
    return new PendingRows(async () => {
      const size = options?.batchSize === undefined ? undefined : integer(options.batchSize, "batchSize");
      const rows = await run((call) => this.#segment.members(names(columns), call), options);
      return new Rows(rows, size === undefined ? undefined : Math.max(size, 1));
    });
  }

  /**
   * At most `n` members as plain objects, 100 if not said; spread over the segment, the same whenever it is.
   *
   * ```js
   * console.log(await segment.sample(5, ["user_id", "name"]));
   * // [ { user_id: 1n, name: 'Asha' }, { user_id: 3n, name: null } ]
   * ```
   */
  async sample(n = 100, columns?: readonly string[], options?: Stoppable): Promise<Row[]> {
    const rows = await run((call) => this.#segment.sample(integer(n, "n"), names(columns), call), options);
    return new Rows(rows).toArray(options);
  }

  /**
   * Every version of this segment, oldest first.
   *
   * ```js
   * console.log((await segment.versions()).map((version) => version.rowCount)); // [ 2 ]
   * ```
   */
  async versions(options?: Stoppable): Promise<SegmentVersion[]> {
    return parse(await run((call) => this.#segment.versions(call), options)).map(shapes.segmentVersion);
  }

  /**
   * Who entered and who left since that version.
   *
   * ```js
   * const { entered, exited } = await segment.changes(1);
   * console.log(entered.length, exited.length); // 0 0
   * ```
   */
  async changes(sinceVersion: number, options?: Stoppable): Promise<Changes> {
    const version = integer(sinceVersion, "sinceVersion");
    const changes = await run((call) => this.#segment.changes(version, call), options);
    return { entered: new Keys(changes.takeEntered()!), exited: new Keys(changes.takeExited()!) };
  }

  /**
   * Writes the keys to a file, which appears whole or not at all: `parquet`, `csv`, `arrow`, or `bitmap` (a Roaring
   * bitmap of ordinals).
   *
   * ```js
   * await segment.export("metro.csv", "csv");
   * ```
   */
  async export(file: string | URL, format: ExportFormat = "parquet", options?: Stoppable): Promise<void> {
    await run((call) => this.#segment.export(path(file), text(format, "a format"), call), options);
  }

  /**
   * Writes the keys to a table `segment_output_<rule id>` of a SQLite database, and answers how many there are. The table
   * of an earlier version is replaced at once; anything else of that name is left, and is a `ConflictError`.
   *
   * ```js
   * console.log(await segment.writeTable("audiences.db")); // 2
   * ```
   */
  async writeTable(destination: string | URL, options?: Stoppable): Promise<number> {
    return parse(await run((call) => this.#segment.writeTable(path(destination), call), options));
  }
}

export type ExportFormat = "parquet" | "csv" | "arrow" | "bitmap";

function names(columns: readonly string[] | undefined): string[] | undefined {
  return columns === undefined || columns === null ? undefined : columns.map((name) => text(name, "a column"));
}
