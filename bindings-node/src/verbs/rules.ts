// The verbs on rules: nothing is stored that does not bind.

import {
  document,
  integer,
  integerIf,
  named,
  textIf,
  type RuleDocument,
  type RuleRef,
} from "../arguments.js";
import { run } from "../calls.js";
import { list } from "../decode.js";
import { parseList } from "../json.js";
import type { Problem } from "../errors.js";
import * as shapes from "../shapes.js";
import type { Document, Page, Rule, RuleVersion, Updated } from "../types.js";
import { asIs, Verbs, type Searching, type Stoppable } from "./base.js";

export abstract class RuleVerbs extends Verbs {
  /**
   * Everything that is wrong with a rule; empty when it could be created.
   *
   * ```js
   * await engine.validate({ rule_name: "Metro 2", conditions: [{ field: "city_teir", operator: "=", value: 1 }] });
   * // [{ code: "unknown_field", path: "/conditions/0/field", hint: 'did you mean "city_tier"?', message: ... }]
   * ```
   */
  async validate(rule: RuleDocument, options?: Stoppable): Promise<Problem[]> {
    return this.read((call) => this.native.validate(document(rule), call), asIs, options);
  }

  /**
   * Stores a new rule and answers its id. Its segment is computed by a refresh. Fails with an `InvalidError` that has all
   * of the rule's problems; nothing is stored then.
   *
   * ```js
   * const id = await engine.createRule({
   *   rule_name: "Tier 2",
   *   conditions: [{ field: "city_tier", operator: "=", value: 2 }],
   * });
   * console.log(id); // 2
   * ```
   */
  async createRule(rule: RuleDocument, options?: Stoppable): Promise<number> {
    return run((call) => this.native.createRule(document(rule), call), options);
  }

  /**
   * Gives a rule a new wording and answers which other rules need it. Its segment stays as it is until it is refreshed.
   * With `ifVersion` it is a `ConflictError` if the rule has another version by now.
   *
   * ```js
   * const { version, document } = await engine.rule("Metro");
   * const { affects } = await engine.updateRule("Metro", { ...document, description: "Tier 1" }, { ifVersion: version });
   * console.log(affects.length, (await engine.rule("Metro")).version); // 0 2
   * ```
   */
  async updateRule(
    id: RuleRef,
    rule: RuleDocument,
    options?: Stoppable & { ifVersion?: number },
  ): Promise<Updated> {
    const version = integerIf(options?.ifVersion, "ifVersion");
    return this.read(
      (call) => this.native.updateRule(named(id), document(rule), version, call),
      shapes.updated,
      options,
    );
  }

  /**
   * Removes a rule with its segment; its history stays. A `ConflictError` names the rules that need it.
   *
   * ```js
   * await engine.deleteRule("Metro");
   * console.log((await engine.rules()).total); // 0
   * ```
   */
  async deleteRule(id: RuleRef, options?: Stoppable): Promise<void> {
    await run((call) => this.native.deleteRule(named(id), call), options);
  }

  /**
   * One rule, by id or name.
   *
   * ```js
   * const { id, version, document } = await engine.rule("Metro");
   * console.log(id, version, document.conditions[0].field); // 1 1 city_tier
   * ```
   */
  async rule(id: RuleRef, options?: Stoppable): Promise<Rule> {
    return this.read((call) => this.native.rule(named(id), call), shapes.rule, options);
  }

  /**
   * Rules by id, of those whose name contains `search`.
   *
   * ```js
   * const { items, total } = await engine.rules({ search: "metr", perPage: 5 });
   * console.log(total, items[0].document.rule_name); // 1 Metro
   * ```
   */
  async rules(options?: Searching): Promise<Page<Rule>> {
    const page = integer(options?.page ?? 1, "page");
    const perPage = integer(options?.perPage ?? 10, "perPage");
    const search = textIf(options?.search, "search");
    return this.read((call) => this.native.rules(page, perPage, search, call), shapes.page(shapes.rule), options);
  }

  /**
   * Every wording that a rule had, oldest first; the rule may be deleted by now.
   *
   * ```js
   * for (const { version, at, document } of await engine.ruleHistory(1)) console.log(version, document.rule_name); // 1 Metro
   * ```
   */
  async ruleHistory(id: number, options?: Stoppable): Promise<RuleVersion[]> {
    return this.read((call) => this.native.ruleHistory(integer(id, "id"), call), list(shapes.ruleVersion), options);
  }

  /**
   * Creates or, by name, updates many rules: all of them or none. They may refer to one another.
   *
   * ```js
   * const others = { rule_name: "Others", conditions: [{ field: "segment", operator: "notIn", value: "Metro" }] };
   * console.log(await engine.importRules([others, ...(await engine.exportRules())])); // [ 2, 1 ]
   * ```
   */
  async importRules(documents: Iterable<RuleDocument>, options?: Stoppable): Promise<number[]> {
    const texts = Array.from(documents, document);
    return run((call) => this.native.importRules(texts, call), options);
  }

  /**
   * The documents of all rules by id, as `importRules` takes them.
   *
   * ```js
   * console.log((await engine.exportRules()).map((document) => document.rule_name)); // [ 'Metro' ]
   * ```
   */
  async exportRules(options?: Stoppable): Promise<Document[]> {
    return parseList(await run((call) => this.native.exportRules(call), options), asIs);
  }

  /**
   * Holds a publication back that would change a segment's size by more than this fraction; none if `null`. Such a rule
   * is in the run's `failed` with the code `implausible_change`; what was published before stands.
   * `refresh(rules, { acceptChange: [...] })` publishes it.
   *
   * ```js
   * await engine.setMaxChange("Metro", 0.5);
   * console.log((await engine.maxChanges()).get(1)); // 0.5
   * ```
   */
  async setMaxChange(id: RuleRef, fraction: number | null, options?: Stoppable): Promise<void> {
    await run((call) => this.native.setMaxChange(named(id), fraction, call), options);
  }

  /** The guards that are set, by rule. */
  async maxChanges(options?: Stoppable): Promise<Map<number, number>> {
    return this.read((call) => this.native.maxChanges(call), (pairs) => new Map(pairs), options);
  }

  /**
   * Asks for a run of a rule as soon as a scheduler on the catalog is free, and answers the run's id.
   *
   * ```js
   * const id = await engine.trigger("Metro");
   * const run = await engine.scheduler().runDue();
   * console.log(run.id === id); // true
   * ```
   */
  async trigger(id: RuleRef, options?: Stoppable): Promise<number> {
    return run((call) => this.native.trigger(named(id), call), options);
  }
}
