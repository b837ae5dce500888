// The verbs that ask and change nothing.

import { document, integer, key, named, text, wanted, type Conditions, type Key, type RuleRef } from "../arguments.js";
import { run } from "../calls.js";
import { bad } from "../errors.js";
import { list } from "../decode.js";
import { date, instant, type Instant } from "../instants.js";
import { parse } from "../json.js";
import { AudienceModel, inferred, RuleParser, type Inferred } from "../parts.js";
import { PendingRows, Rows, rowsOf } from "../rows.js";
import * as shapes from "../shapes.js";
import type { Dependencies, Explanation, FieldInfo, Lineage, Preview, Summary } from "../types.js";
import type { Stoppable } from "./base.js";
import { RunVerbs } from "./runs.js";

export interface AsOf extends Stoppable {
  /** The instant that the question is about. */
  asOf?: Instant;
}

/** Dialects of SQL; the engine knows more. */
export type Dialect = "datafusion" | "postgres" | "sqlite" | "duckdb" | "spark" | (string & {});

export abstract class QuestionVerbs extends RunVerbs {
  /**
   * Evaluates conditions, a rule or the text form without storing anything.
   *
   * ```js
   * const { count, of, steps } = await engine.preview("city_tier = 1 and count(payments) > 3");
   * ```
   */
  async preview(conditions: Conditions, options?: AsOf): Promise<Preview> {
    const asOf = instant(options?.asOf);
    const found = await run((call) => this.native.preview(document(conditions), asOf, call), options);
    return { ...shapes.preview(parse(found[0]!)), sample: rowsOf(found[1]!) };
  }

  /**
   * Why a user is in a segment or would be taken by conditions, or why not. A number is a rule's id and a string its name;
   * conditions are an object or a list, as `parseText` makes them of a text.
   *
   * ```js
   * const { member, root } = await engine.explain("Metro", 2);
   * console.log(member, root.parts[0].value, root.parts[0].needed); // false 2 = 1
   * ```
   */
  async explain(segment: RuleRef | object, user: Key, options?: AsOf): Promise<Explanation> {
    const [stored, wording] = wanted(segment);
    const [asked, asOf] = [key(user), instant(options?.asOf)];
    const explanation = await this.read(
      (call) => this.native.explain(stored, wording, asked, asOf, call),
      shapes.explanation,
      options,
    );
    return { ...explanation, key: asked };
  }

  /**
   * What a rule, stored or not, needs and what it could be answered from: every usable segment, and why.
   *
   * ```js
   * const { reused } = await engine.dependencies([{ field: "city_tier", operator: "=", value: 1 }]);
   * console.log(reused[0].ruleId, reused[0].how, reused[0].chosen); // 1 equal true
   * ```
   */
  async dependencies(rule: RuleRef | object, options?: Stoppable): Promise<Dependencies> {
    const [stored, wording] = wanted(rule);
    return this.read((call) => this.native.dependencies(stored, wording, call), shapes.dependencies, options);
  }

  /** Where a rule's segment comes from and what comes from it: as an object, or as text to be drawn. */
  async lineage(id: RuleRef, format?: "json", options?: Stoppable): Promise<Lineage>;
  async lineage(id: RuleRef, format: "mermaid" | "dot", options?: Stoppable): Promise<string>;
  async lineage(id: RuleRef, format = "json", options?: Stoppable): Promise<Lineage | string> {
    if (!["json", "mermaid", "dot"].includes(format)) {
      throw bad(`a lineage is written as json, mermaid or dot, not as ${JSON.stringify(format)}`);
    }
    const found = await run((call) => this.native.lineage(named(id), format, call), options);
    return format === "json" ? shapes.lineage(parse(found)) : found;
  }

  /**
   * A rule, stored or not, as one SELECT of keys in a dialect.
   *
   * ```js
   * console.log(await engine.toSql("Metro", "duckdb"));
   * // SELECT "users"."user_id" FROM "users" WHERE ("users"."city_tier" = 1)
   * ```
   */
  async toSql(rule: RuleRef | object, dialect: Dialect = "datafusion", options?: AsOf): Promise<string> {
    const [stored, wording] = wanted(rule);
    const [named, asOf] = [text(dialect, "a dialect"), instant(options?.asOf)];
    return run((call) => this.native.toSql(stored, wording, named, asOf, call), options);
  }

  /**
   * Runs one SELECT over the tables, the segments (`segment_output_<rule id>`) and the views `rule_table` and
   * `segment_catalog`. Anything but a query is refused.
   *
   * ```js
   * const rows = await engine.sql("select count(*) as n from users join segment_output_1 using (user_id)").toArray();
   * console.log(rows[0].n); // 2n
   * ```
   */
  sql(query: string, options?: Stoppable & { batchSize?: number }): PendingRows {
    return new PendingRows(async () => {
      const size = options?.batchSize === undefined ? undefined : integer(options.batchSize, "batchSize");
      const rows = await run((call) => this.native.sql(text(query, "a query"), call), options);
      return new Rows(rows, size === undefined ? undefined : Math.max(size, 1));
    });
  }

  /**
   * Every field that conditions can be about, with its type, its operators and, where they are few, its values.
   *
   * ```js
   * const field = (await engine.fields()).find(({ name }) => name === "city_tier");
   * console.log(field.table, field.type, field.operators[0]); // users integer =
   * ```
   */
  async fields(options?: Stoppable): Promise<FieldInfo[]> {
    return this.read((call) => this.native.fields(call), list(shapes.field), options);
  }

  /**
   * Figures of the data, counted now.
   *
   * ```js
   * const { totalUsers, totalTransactions } = await engine.summary();
   * console.log(totalUsers, totalTransactions); // 3 4
   * ```
   */
  async summary(options?: Stoppable): Promise<Summary> {
    return this.read((call) => this.native.summary(call), shapes.summary, options);
  }

  /**
   * The next `n` times at which a rule's schedule fires.
   *
   * ```js
   * const { document } = await engine.rule("Metro");
   * await engine.updateRule("Metro", { ...document, schedule: "0 6 * * 1-5" });
   * console.log((await engine.nextRuns("Metro", 2)).map((at) => at.getUTCHours())); // [ 6, 6 ]
   * ```
   */
  async nextRuns(id: RuleRef, n: number, options?: Stoppable): Promise<Date[]> {
    const times = await run((call) => this.native.nextRuns(named(id), integer(n, "n"), call), options);
    return times.map(date);
  }

  /** Conditions in the text form, see `RuleParser.toText`. */
  async toText(conditions: Conditions, options?: Stoppable): Promise<string> {
    return RuleParser.toText(conditions, options);
  }

  /** The document of conditions in the text form, see `RuleParser.parseText`. */
  async parseText(conditions: string, options?: Stoppable): Promise<any[]> {
    return RuleParser.parseText(conditions, options);
  }

  /**
   * The model that is in force: the one given, the original platform's, or one that is inferred.
   *
   * ```js
   * console.log((await engine.model()).users.key); // user_id
   * ```
   */
  async model(options?: Stoppable): Promise<AudienceModel> {
    return this.read((call) => this.native.model(call), (found) => new AudienceModel(found), options);
  }

  /** What would be inferred from the tables that are registered, with the reasons. */
  async inferModel(options?: Stoppable): Promise<Inferred> {
    return this.read((call) => this.native.inferModel(call), inferred, options);
  }
}
