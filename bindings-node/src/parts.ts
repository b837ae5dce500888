// The parts by themselves: parser, model, dependency finder, graph of rules, catalogs.

import { realpath } from "node:fs/promises";
import { resolve } from "node:path";
import * as native from "../native.js";
import { document, integer, path, text, type Conditions, type RuleDocument } from "./arguments.js";
import { at, run, type Stoppable } from "./calls.js";
import { bad, InvalidError } from "./errors.js";
import { instant, type Instant } from "./instants.js";
import { parse } from "./json.js";
import * as shapes from "./shapes.js";
import { ipcOf, type ArrowData } from "./tables.js";
import type { Dependencies, Document } from "./types.js";

/** Reads rule documents, without data: names of fields and types of values are not judged here. */
export class RuleParser {
  private constructor() {}

  /**
   * A rule in the spelling that is stored. Fails with an `InvalidError` that has all problems.
   *
   * ```js
   * const rule = await RuleParser.parse({ rule_name: "A", conditions: [{ field: "tier", operator: "==", value: "1" }] });
   * console.log(rule.conditions[0].operator); // =
   * ```
   */
  static async parse(rule: RuleDocument, options?: Stoppable): Promise<Document> {
    return parse(await run((call) => native.parseRule(document(rule), call), options));
  }

  /**
   * The document of conditions in the text form. A problem's `path` is line and column.
   *
   * ```js
   * console.log(await RuleParser.parseText("city_tier in (1, 2)"));
   * // [ { field: 'city_tier', operator: 'in', value: [ 1, 2 ] } ]
   * ```
   */
  static async parseText(conditions: string, options?: Stoppable): Promise<any[]> {
    const asked = text(conditions, "the text form");
    return parse(await run((call) => native.parseText(asked, call), options)).conditions;
  }

  /**
   * Conditions in the text form; parsing that gives back the same tree.
   *
   * ```js
   * console.log(await RuleParser.toText([{ field: "city_tier", operator: "in", value: [1, 2] }])); // city_tier in (1, 2)
   * ```
   */
  static async toText(conditions: Conditions, options?: Stoppable): Promise<string> {
    return (await run((call) => native.toText(document(conditions), call), options)) ?? "";
  }

  /**
   * The JSON Schema of a rule.
   *
   * ```js
   * console.log((await RuleParser.schema()).required); // [ 'rule_name' ]
   * ```
   */
  static async schema(options?: Stoppable): Promise<Document> {
    return parse(await run((call) => native.ruleSchema(call), options));
  }
}

/** Tables by name; only their columns are looked at. */
export type Tables = Record<string, ArrowData>;

async function named(tables: Tables): Promise<native.NamedTable[]> {
  const all = Object.entries(tables).map(async ([name, data]) => ({ name, data: await ipcOf(data) }));
  return Promise.all(all);
}

/** What the host's tables mean. */
export class AudienceModel {
  readonly #document: Document;

  /** @internal */
  constructor(parsed: Document) {
    this.#document = parsed;
  }

  /** Reads a model's document. Whether tables and columns are there is checked at first use. */
  static async parse(model: object | string, options?: Stoppable): Promise<AudienceModel> {
    return new AudienceModel(parse(await run((call) => native.parseModel(document(model), call), options)));
  }

  /**
   * A proposal for a set of tables, with the reasons.
   *
   * ```js
   * const users = tableFromArrays({ user_id: Int32Array.of(1), name: ["Asha"] });
   * const { model, reasons } = await AudienceModel.infer({ users });
   * console.log(model.users.key); // user_id
   * ```
   */
  static async infer(tables: Tables, options?: Stoppable): Promise<Inferred> {
    const given = await named(tables);
    return inferred(parse(await run((call) => native.inferModel(given, call), options)));
  }

  /** The table of users and its key. */
  get users(): Document {
    return this.#document.users;
  }

  /** The tables of events. */
  get events(): Document {
    return this.#document.events ?? {};
  }

  /** Named aggregates and points. */
  get traits(): Document {
    return this.#document.traits ?? {};
  }

  /** The zone in which timestamps without one are read. */
  get timezone(): string {
    return this.#document.timezone ?? "UTC";
  }

  /** The model's document. */
  toJSON(): Document {
    return this.#document;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): object {
    return { AudienceModel: this.#document };
  }
}

/** A model that was inferred, if one could be, and why it is so. */
export interface Inferred {
  model: AudienceModel | null;
  reasons: string[];
}

/** The native module's answer. */
export function inferred(found: { model: Document | null; reasons: string[] }): Inferred {
  return { model: found.model === null ? null : new AudienceModel(found.model), reasons: found.reasons };
}

/** Rules by id. */
export type NumberedRules = ReadonlyMap<number, RuleDocument> | Readonly<Record<number, RuleDocument>>;

function entries<T>(given: ReadonlyMap<number, T> | Readonly<Record<number, T>>): [number, T][] {
  const pairs = given instanceof Map ? [...given] : Object.entries(given as Record<string, T>);
  return pairs.map(([id, value]) => [integer(Number(id), "a rule's id"), value]);
}

function numbered(rules: NumberedRules): native.NumberedRule[] {
  return entries(rules).map(([id, rule]) => ({ id, document: document(rule) }));
}

/** What rules need and what can answer them, for rules that are in no catalog. */
export class DependencyFinder {
  readonly #finder: native.Finder;

  private constructor(finder: native.Finder) {
    this.#finder = finder;
  }

  /** A finder for a model and the columns of its tables. */
  static async create(
    model: object | string,
    tables: Tables,
    options?: Stoppable & { asOf?: Instant },
  ): Promise<DependencyFinder> {
    const [given, asOf] = [await named(tables), instant(options?.asOf)];
    return new DependencyFinder(
      await run((call) => native.Finder.create(document(model), given, asOf, call), options),
    );
  }

  /**
   * What a rule needs, and which of the rules could answer it.
   *
   * ```js
   * const users = tableFromArrays({ user_id: Int32Array.of(1), city_tier: Int32Array.of(1) });
   * const { model } = await AudienceModel.infer({ users });
   * const finder = await DependencyFinder.create(model, { users });
   * const rules = { 1: { rule_name: "T", conditions: await RuleParser.parseText("city_tier in (1, 2)") } };
   * console.log((await finder.find("city_tier = 1", rules)).reused[0].how); // contains
   * ```
   */
  async find(rule: Conditions, rules: NumberedRules, options?: Stoppable): Promise<Dependencies> {
    const found = await run((call) => this.#finder.find(document(rule), numbered(rules), call), options);
    return shapes.dependencies(parse(found));
  }

  /** Whether everyone whom `narrow` takes is provably taken by `wide`. A proof may not be found. */
  async implies(narrow: Conditions, wide: Conditions, rules: NumberedRules, options?: Stoppable): Promise<boolean> {
    return run((call) => this.#finder.implies(document(narrow), document(wide), numbered(rules), call), options);
  }

  /** Which of the rules needs which. */
  async graph(rules: NumberedRules, options?: Stoppable): Promise<RuleGraph> {
    return RuleGraph.from(await run((call) => this.#finder.graph(numbered(rules), call), options));
  }
}

/**
 * Rules and the rules that they need.
 *
 * ```js
 * const graph = await RuleGraph.create({ 1: [], 2: [1], 3: [1], 4: [2, 3] });
 * console.log(await graph.order(), await graph.levels()); // [ 1, 2, 3, 4 ] [ [ 1 ], [ 2, 3 ], [ 4 ] ]
 * ```
 */
export class RuleGraph {
  readonly #graph: native.Graph;

  private constructor(graph: native.Graph) {
    this.#graph = graph;
  }

  /** @internal */
  static from(graph: native.Graph): RuleGraph {
    return new RuleGraph(graph);
  }

  /** A graph of what each rule needs directly. */
  static async create(
    needs: ReadonlyMap<number, readonly number[]> | Readonly<Record<number, readonly number[]>>,
  ): Promise<RuleGraph> {
    const rules = entries(needs).map(([rule, needed]) => ({ rule, needs: [...needed] }));
    return new RuleGraph(await run(() => native.Graph.create(rules), undefined));
  }

  /** The rules that need `rule` directly, ascending. */
  async dependents(rule: number): Promise<number[]> {
    return run(() => this.#graph.dependents(integer(rule, "rule")), undefined);
  }

  /** The rules that `rule` needs directly, ascending. */
  async needs(rule: number): Promise<number[]> {
    return run(() => this.#graph.needs(integer(rule, "rule")), undefined);
  }

  /** `rules` and everything that they need, at any distance, ascending. */
  async withAncestors(rules: Iterable<number>): Promise<number[]> {
    const asked = Array.from(rules, (rule) => integer(rule, "rule"));
    return run(() => this.#graph.withAncestors(asked), undefined);
  }

  /** All rules that need `rule`, at any distance, ascending. */
  async affected(rule: number): Promise<number[]> {
    return run(() => this.#graph.affected(integer(rule, "rule")), undefined);
  }

  /** The rules by their distance from those that need none. */
  async levels(): Promise<number[][]> {
    return run(() => this.#graph.levels(), undefined);
  }

  /** Every rule after those that it needs; rules on a cycle and those that need them are left out. */
  async order(): Promise<number[]> {
    return run(() => this.#graph.order(), undefined);
  }

  /** Cycles, each with the rules on it in the order in which each needs the next. */
  async cycles(): Promise<number[][]> {
    return run(() => this.#graph.cycles(), undefined);
  }
}

const CATALOGS = new WeakMap<object, native.Catalog>();

/** The files that copies of this package have opened, by their real paths, and which copy that was. */
const OPENED: Map<string, object> = ((globalThis as any)[Symbol.for("segmentry.opened")] ??= new Map());

/**
 * Opens a file, unless another copy of this package has it open. Each copy has a SQLite of its own, and locks belong to
 * the process: the two would write over one another, and the one that closes the file gives up the locks of both.
 */
async function opened(
  file: string | URL,
  options: (Stoppable & { busyTimeout?: number }) | undefined,
): Promise<native.Catalog> {
  const asked = path(file);
  const real = await realpath(asked).catch(() => resolve(asked));
  const copy = OPENED.get(real) ?? CATALOGS;
  if (copy !== CATALOGS) {
    const message = `another copy of segmentry in this process has opened ${real}`;
    const hint = "npm ls segmentry tells who brings it; let all of them use one, or other files";
    throw new InvalidError("invalid", `unsupported: ${message}; ${hint}`, [{ code: "unsupported", path: "", message, hint }]);
  }
  OPENED.set(real, CATALOGS);
  return run((call) => native.Catalog.sqlite(asked, options?.busyTimeout, call), options);
}

/** A catalog in a SQLite file, opened: several engines of this process may share it. */
export class SqliteCatalog {
  private constructor(catalog: native.Catalog) {
    CATALOGS.set(this, catalog);
  }

  /** Opens the file, making it if there is none. `busyTimeout`: how many seconds to wait for another's lock. */
  static async open(file: string | URL, options?: Stoppable & { busyTimeout?: number }): Promise<SqliteCatalog> {
    return new SqliteCatalog(await opened(file, options));
  }
}

/** A catalog that is gone with the process; several engines of it may share one. */
export class MemoryCatalog {
  constructor() {
    CATALOGS.set(this, at(() => native.Catalog.memory()));
  }
}

/** The native catalog of what an engine is opened on. */
export async function catalogOf(
  given: string | URL | SqliteCatalog | MemoryCatalog,
  options?: Stoppable,
): Promise<native.Catalog> {
  const known = typeof given === "object" && given !== null ? CATALOGS.get(given) : undefined;
  if (known !== undefined) return known;
  if (given === ":memory:") return at(() => native.Catalog.memory());
  if (typeof given !== "string" && !(given instanceof URL)) {
    throw bad('catalog is a path, ":memory:", a SqliteCatalog or a MemoryCatalog');
  }
  return opened(given, options && { signal: options.signal });
}
