// What verbs fail with: one class for each kind of what the caller should do about it.

/** One fault of a document, of an argument or of the data. */
export interface Problem {
  /** The stable name of the fault, `unknown_field` for instance. */
  code: string;
  /** A JSON Pointer to the place in the document; line and column (`1:23`) in a text. */
  path: string;
  /** What was found and what was expected. */
  message: string;
  /** What to write instead, where something near is known. */
  hint?: string;
}

/** What the caller of a failed verb should do about it, see the classes of errors. */
export type Kind = "invalid" | "not_found" | "conflict" | "data" | "busy" | "cancelled" | "internal";

/**
 * What every verb fails with. `code`, `path` and `hint` are those of the first problem; `problems` has all of them.
 *
 * ```js
 * import { RuleParser, SegmentryError } from "segmentry";
 * try {
 *   await RuleParser.parse({ rule_nam: "Lapsed", conditions: [] });
 * } catch (error) {
 *   if (!(error instanceof SegmentryError)) throw error;
 *   console.log(error.kind, error.code, error.path, error.hint);
 *   // invalid unknown_member /rule_nam did you mean "rule_name"?
 * }
 * ```
 */
export class SegmentryError extends Error {
  readonly kind: Kind;
  readonly problems: readonly Problem[];

  constructor(kind: Kind, message: string, problems: readonly Problem[] = [], options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
    this.problems = problems.length > 0 ? problems : [{ code: kind, path: "", message }];
    // Not every name of a class outlives a bundler.
    Object.defineProperty(this, "name", { value: NAMES[kind], configurable: true, writable: true });
  }

  /** The stable name of the first problem. */
  get code(): string {
    return this.problems[0]!.code;
  }

  /** Where the first problem is. */
  get path(): string {
    return this.problems[0]!.path;
  }

  /** What to do about the first problem, where that is known. */
  get hint(): string | undefined {
    return this.problems[0]!.hint;
  }

  /** What `JSON.stringify` makes of it: `{name, kind, code, path, hint, message, problems}`. */
  toJSON(): object {
    const { name, kind, code, path, hint, message, problems } = this;
    return { name, kind, code, path, hint, message, problems };
  }
}

/** Mend the document or the argument; `problems` says where. */
export class InvalidError extends SegmentryError {
  declare readonly kind: "invalid";
}

/** Nothing has that id or name. */
export class NotFoundError extends SegmentryError {
  declare readonly kind: "not_found";
}

/** Somebody else's change stands in the way: read again, then decide. */
export class ConflictError extends SegmentryError {
  declare readonly kind: "conflict";
}

/** Mend the data or its registration; what was published before still stands. */
export class DataError extends SegmentryError {
  declare readonly kind: "data";
}

/** Try again later. */
export class BusyError extends SegmentryError {
  declare readonly kind: "busy";
}

/** The caller asked to stop; nothing was published. `cause` is the signal's reason. */
export class CancelledError extends SegmentryError {
  declare readonly kind: "cancelled";
}

/** A fault of Segmentry or of the machine under it: report it. */
export class InternalError extends SegmentryError {
  declare readonly kind: "internal";
}

const CLASSES = {
  invalid: InvalidError,
  not_found: NotFoundError,
  conflict: ConflictError,
  data: DataError,
  busy: BusyError,
  cancelled: CancelledError,
  internal: InternalError,
};

const NAMES: Record<Kind, string> = {
  invalid: "InvalidError",
  not_found: "NotFoundError",
  conflict: "ConflictError",
  data: "DataError",
  busy: "BusyError",
  cancelled: "CancelledError",
  internal: "InternalError",
};

/** A wrong argument. */
export function bad(message: string, code = "bad_value", cause?: unknown): InvalidError {
  const options = cause === undefined ? undefined : { cause };
  return new InvalidError("invalid", `${code}: ${message}`, [{ code, path: "", message }], options);
}

/** An error of the native module as what is thrown. */
export function told(error: unknown, cause?: unknown): unknown {
  if (!(error instanceof Error) || error instanceof SegmentryError) return error;
  const options = cause === undefined ? undefined : { cause };
  if (error.message.startsWith(CROSSING)) {
    const { kind, message, problems } = JSON.parse(error.message).segmentry;
    return new (CLASSES[kind as Kind] ?? InternalError)(kind, message, problems, options);
  }
  // A panic that came no further than the border, or an argument of a type that was not looked at before it.
  const { code } = error as { code?: unknown };
  if (typeof code === "string" && (code === "InvalidArg" || code.endsWith("Expected"))) {
    return bad(error.message, "bad_value", error);
  }
  const problems = [{ code: "internal", path: "", message: error.message, hint: "report it" }];
  return new InternalError("internal", `internal: ${error.message}`, problems, { cause: error });
}

const CROSSING = '{"segmentry":';
