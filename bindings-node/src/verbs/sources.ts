// The verbs on the host's tables. They are only ever read.

import { path, text, textIf } from "../arguments.js";
import { run } from "../calls.js";
import { list } from "../decode.js";
import * as shapes from "../shapes.js";
import { ipcOf, type ArrowData } from "../tables.js";
import type { SourceInfo } from "../types.js";
import type { Stoppable } from "./base.js";
import { RuleVerbs } from "./rules.js";

export interface FileOptions extends Stoppable {
  /** That files are only ever added: known ones are not opened again. */
  appendOnly?: boolean;
}

export interface SqliteOptions extends Stoppable {
  /** An ever-growing column of a table, by table: `{ upi_transactions: "transaction_id" }`. */
  cursor?: Record<string, string>;
}

export interface ArrowOptions extends Stoppable {
  /** An ever-growing column. Where a table is replaced by one with more rows it says which these are. */
  cursor?: string;
}

export abstract class SourceVerbs extends RuleVerbs {
  /**
   * Registers a Parquet file, a folder of them or a glob as a table; one of that name is replaced.
   *
   * ```js
   * await segment.export("metro.parquet");
   * await engine.addParquet("metro", "metro.parquet", { appendOnly: true });
   * console.log(await engine.sql("select count(*) as n from metro").toArray()); // [ { n: 2n } ]
   * ```
   */
  async addParquet(name: string, file: string | URL, options?: FileOptions): Promise<void> {
    const table = text(name, "a table's name");
    await run((call) => this.native.addParquet(table, path(file), options?.appendOnly, call), options);
  }

  /**
   * Registers a CSV file with a header, a folder of them or a glob as a table. It is read once for the types of its
   * columns. An empty value is missing.
   *
   * ```js
   * await engine.addCsv("visits", "payments.csv");
   * console.log((await engine.sources()).map((source) => source.name)); // [ 'payments', 'users', 'visits' ]
   * ```
   */
  async addCsv(name: string, file: string | URL, options?: FileOptions): Promise<void> {
    const table = text(name, "a table's name");
    await run((call) => this.native.addCsv(table, path(file), options?.appendOnly, call), options);
  }

  /**
   * Registers rows in memory as a table: an Arrow IPC stream or file, or a table of apache-arrow. Bytes are read on
   * another thread and must not be changed before the promise is settled; a table of apache-arrow is written as IPC
   * first, on this one.
   *
   * ```js
   * await engine.addArrow("users", tableFromArrays({ user_id: Int32Array.of(1, 2), city_tier: Int32Array.of(1, 3) }));
   * ```
   */
  async addArrow(name: string, data: ArrowData, options?: ArrowOptions): Promise<void> {
    const table = text(name, "a table's name");
    const bytes = await ipcOf(data);
    await run((call) => this.native.addArrow(table, bytes, textIf(options?.cursor, "cursor"), call), options);
  }

  /**
   * Registers every table and view of a SQLite file, each under its own name, and answers the names.
   *
   * ```js
   * await segment.writeTable("platform.db");
   * console.log(await engine.addSqlite("platform.db")); // []
   * ```
   */
  async addSqlite(file: string | URL, options?: SqliteOptions): Promise<string[]> {
    return run((call) => this.native.addSqlite(path(file), options?.cursor, call), options);
  }

  /**
   * The tables that are registered, by name.
   *
   * ```js
   * const [payments] = await engine.sources();
   * console.log(payments.name, payments.kind, payments.schema[1].name); // payments arrow paid_at
   * ```
   */
  async sources(options?: Stoppable): Promise<SourceInfo[]> {
    return this.read((call) => this.native.sources(call), list(shapes.source), options);
  }

  /**
   * Takes a table away; the host's data stay as they are.
   *
   * ```js
   * await engine.removeSource("payments");
   * console.log((await engine.sources()).length); // 1
   * ```
   */
  async removeSource(name: string, options?: Stoppable): Promise<void> {
    await run((call) => this.native.removeSource(text(name, "a table's name"), call), options);
  }
}
