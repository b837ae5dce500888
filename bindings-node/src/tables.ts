// Tables that are handed over: IPC bytes as they are, tables of apache-arrow by that package's own writer.

import { name } from "./arguments.js";
import { bad, InvalidError } from "./errors.js";

/** A table of apache-arrow, as far as it is looked at. */
export interface ArrowTable {
  readonly schema: object;
  readonly batches: readonly object[];
}

/** An Arrow IPC stream or file, or a table of apache-arrow. */
export type ArrowData = Uint8Array | ArrayBuffer | ArrowTable;

/** The bytes of a table. */
export async function ipcOf(data: ArrowData): Promise<Uint8Array> {
  if (data instanceof Uint8Array) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (typeof data !== "object" || data === null || !("schema" in data) || !("batches" in data)) {
    throw bad(`expected an Arrow IPC stream or a table of apache-arrow, found ${name(data)}`);
  }
  return (await apacheArrow()).tableToIPC(data, "stream");
}

interface ApacheArrow {
  tableToIPC(table: object, format: "stream"): Uint8Array;
}

/** The optional peer dependency. */
async function apacheArrow(): Promise<ApacheArrow> {
  try {
    // Not a literal: whoever bundles us without it should not be asked for it.
    const specifier = "apache-arrow";
    return (await import(specifier)) as unknown as ApacheArrow;
  } catch (cause) {
    const message = "a table of apache-arrow needs that package, which is not installed beside segmentry";
    const hint = "npm install apache-arrow, or hand over the bytes of tableToIPC";
    throw new InvalidError("invalid", `unsupported: ${message}; ${hint}`, [{ code: "unsupported", path: "", message, hint }], {
      cause,
    });
  }
}
