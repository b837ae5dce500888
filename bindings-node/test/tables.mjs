// Tables of apache-arrow, of the types that the corpus has, to the last bit.

import { makeData, makeVector, RecordBatch, Schema, Field, Struct, Table, vectorFromArray } from "apache-arrow";
import * as arrow from "apache-arrow";

const UNITS = { s: 0, ms: 1, us: 2, ns: 3 };
const NANOSECONDS = [1_000_000_000n, 1_000_000n, 1_000n, 1n];

/** A type by the name that the corpus has for it. */
export function typeOf(text) {
  let match;
  if ((match = /^list<(.*)>$/.exec(text))) return new arrow.List(new Field("item", typeOf(match[1]), true));
  if ((match = /^decimal\((\d+)(?:, *(\d+))?\)$/.exec(text))) return new arrow.Decimal(Number(match[2] ?? 0), Number(match[1]), 128);
  if ((match = /^timestamp\[(\w+)(?:, *(.+))?\]$/.exec(text))) return new arrow.Timestamp(UNITS[match[1]], match[2] ?? null);
  const named = { bool: "Bool", string: "Utf8", date: "DateDay", float32: "Float32", float64: "Float64", binary: "Binary" };
  const name = named[text] ?? text.replace("uint", "Uint").replace("int", "Int").replace("UInt", "Uint");
  return new arrow[name]();
}

/** A value as the buffer of its type holds it. */
function stored(type, cell) {
  if (arrow.DataType.isTimestamp(type)) return instant(cell, type.unit);
  if (arrow.DataType.isDate(type)) return Math.round(Date.parse(cell) / 86_400_000);
  if (arrow.DataType.isFloat(type)) return typeof cell === "string" ? Number(cell.replace("inf", "Infinity")) : Number(cell);
  if (type.ArrayType === BigInt64Array || type.ArrayType === BigUint64Array) return BigInt(cell);
  return cell;
}

/** Whole units since 1970, rounded down. */
function instant(text, unit) {
  const [whole, fraction = ""] = text.replace(/Z$/, "").split(".");
  const nanoseconds = BigInt(Date.parse(`${whole}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, "0"));
  const each = NANOSECONDS[unit];
  const quotient = nanoseconds / each;
  return nanoseconds % each < 0n ? quotient - 1n : quotient;
}

function decimalWords(text, scale) {
  const [whole, part = ""] = text.split(".");
  let number = BigInt.asUintN(128, BigInt(whole.replace("-", "") + part.padEnd(scale, "0")) * (text.startsWith("-") ? -1n : 1n));
  return [0, 1, 2, 3].map((word) => Number((number >> BigInt(32 * word)) & 0xffffffffn));
}

function bitmap(bits) {
  const bytes = new Uint8Array((((bits.length + 63) >> 6) << 3) || 8);
  bits.forEach((bit, at) => (bytes[at >> 3] |= bit ? 1 << (at & 7) : 0));
  return bytes;
}

/** A column's values, `null` for those that are missing. */
export function dataOf(type, cells) {
  const length = cells.length;
  const nullCount = cells.filter((cell) => cell === null).length;
  const nullBitmap = bitmap(cells.map((cell) => cell !== null));
  if (arrow.DataType.isList(type)) {
    const valueOffsets = Int32Array.from([0, ...cells.map((cell) => cell?.length ?? 0)]);
    for (let at = 1; at <= length; at += 1) valueOffsets[at] += valueOffsets[at - 1];
    const child = dataOf(type.children[0].type, cells.flatMap((cell) => cell ?? []));
    return makeData({ type, length, nullCount, nullBitmap, valueOffsets, child });
  }
  if (arrow.DataType.isUtf8(type) || arrow.DataType.isBinary(type)) {
    return vectorFromArray(cells, type).data[0] ?? makeVector(makeData({ type, length: 0 })).data[0];
  }
  if (arrow.DataType.isBool(type)) {
    return makeData({ type, length, nullCount, nullBitmap, data: bitmap(cells.map((cell) => cell === true)) });
  }
  if (arrow.DataType.isDecimal(type)) {
    const words = cells.flatMap((cell) => (cell === null ? [0, 0, 0, 0] : decimalWords(cell, type.scale)));
    return makeData({ type, length, nullCount, nullBitmap, data: Uint32Array.from(words) });
  }
  const data = new type.ArrayType(length);
  cells.forEach((cell, at) => {
    if (cell !== null) data[at] = stored(type, cell);
  });
  return makeData({ type, length, nullCount, nullBitmap, data });
}

/** A table of `columns` (`{name, type}`) and `rows`, in two batches. */
export function tableOf({ columns, rows }) {
  const types = columns.map((column) => typeOf(column.type));
  const schema = new Schema(columns.map((column, at) => new Field(column.name, types[at], true)));
  const half = 1 + (rows.length >> 1);
  const batches = [rows.slice(0, half), rows.slice(half)].filter((some, at) => at === 0 || some.length > 0).map((some) => {
    const children = types.map((type, at) => dataOf(type, some.map((row) => row[at])));
    return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: some.length, nullCount: 0, children }));
  });
  return new Table(schema, batches);
}
