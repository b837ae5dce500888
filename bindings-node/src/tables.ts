// Tables that are handed over: IPC bytes as they are, tables of apache-arrow by that package's own writer.

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { name } from "./arguments.js";
import { bad, InvalidError } from "./errors.js";

/** A table of apache-arrow, as far as it is looked at. */
export interface ArrowTable {
  readonly schema: object;
  readonly batches: readonly object[];
}

/** An Arrow IPC stream or file, or a table of apache-arrow. */
export type ArrowData = Uint8Array | ArrayBuffer | ArrowTable;

interface ApacheArrow {
  Table: { prototype: object };
  tableToIPC(table: object, format: "stream"): Uint8Array;
}

/** The bytes of a table. */
export async function ipcOf(data: ArrowData): Promise<Uint8Array> {
  if (data instanceof Uint8Array) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (typeof data !== "object" || data === null || !("schema" in data) || !("batches" in data)) {
    throw bad(`expected an Arrow IPC stream or a table of apache-arrow, found ${name(data)}`);
  }
  for await (const copy of copies()) {
    // Not `instanceof`, which takes a table of another copy for one of its own.
    if (Object.prototype.isPrototypeOf.call(copy.Table.prototype, data)) return copy.tableToIPC(data, "stream");
  }
  const message = "the table is of a copy of apache-arrow that segmentry does not find from where it is installed";
  const hint = "hand over tableToIPC(table)";
  throw new InvalidError("invalid", `unsupported: ${message}; ${hint}`, [{ code: "unsupported", path: "", message, hint }]);
}

/**
 * Copies of the optional peer dependency: `import` and `require` give two of them, and a package that is linked finds
 * others than the application that it is linked into. A copy writes only its own tables.
 */
async function* copies(): AsyncGenerator<ApacheArrow> {
  // Not a literal: whoever bundles us without it should not be asked for it.
  const specifier = "apache-arrow";
  for (const from of [__filename, process.argv[1]]) {
    if (from === undefined || !existsSync(from)) continue;
    const require = createRequire(from);
    let file: string;
    try {
      file = require.resolve(specifier);
    } catch {
      continue;
    }
    const imported = file.replace(/\.js$/, ".mjs");
    if (imported !== file && existsSync(imported)) {
      yield (await import(pathToFileURL(imported).href)) as unknown as ApacheArrow;
    }
    yield require(specifier) as ApacheArrow;
  }
}
