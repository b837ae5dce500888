// What routes look up beside the verb that they call: segments by their own ids, sizes, keys, and how rules stand.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SegmentEngine, type FieldInfo, type Key, type Scheduler, type SchedulerStatus, type Segment, type SegmentEntry, type SegmentVersion, type Summary } from "segmentry";
import { badValue, notFound } from "./errors.js";

/** For how long what costs something to find is good enough, in milliseconds. */
const FRESH = 1_000;

/** An answer that is good for so many milliseconds; whoever asks meanwhile shares it. */
class Remembered<T> {
  #kept: { at: number; answer: Promise<T> } | undefined;

  constructor(
    private readonly milliseconds: number,
    private readonly ask: () => Promise<T>,
    /** Whether an older answer will do while a new one is found. */
    private readonly lenient = false,
  ) {}

  get(): Promise<T> {
    const old = this.#kept;
    if (old && Date.now() - old.at < this.milliseconds) return old.answer;
    const found = this.#find();
    return this.lenient && old ? old.answer : found;
  }

  #find(): Promise<T> {
    const kept = { at: Date.now(), answer: this.ask() };
    // A failure is told to those who wait for it, and not kept.
    kept.answer.catch(() => this.#kept === kept && (this.#kept = undefined));
    this.#kept = kept;
    return kept.answer;
  }

  /** Finds anew whatever its age. */
  forget(): void {
    if (this.#kept) this.#kept.at = 0;
  }
}

export class Lookups {
  #rules = new Map<number, number>();
  #versions = new Map<number, { current: number; versions: SegmentVersion[] }>();
  readonly #standing = new Remembered(FRESH, () => this.scheduler.status(), true);
  #integerKeys: Promise<boolean> | undefined;
  readonly #fields = new Remembered(5 * 60_000, () => this.engine.fields());
  readonly #figures = new Remembered(60_000, () => this.engine.summary());
  #scratch: Promise<SegmentEngine> | undefined;

  constructor(
    private readonly engine: SegmentEngine,
    private readonly scheduler: Scheduler,
  ) {}

  /** The rule of a segment, by the segment's id. */
  async ruleOf(segment: number): Promise<number> {
    const known = this.#rules.get(segment);
    if (known !== undefined) return known;
    const [row] = await this.engine.sql(`select rule_id from segment_catalog where id = ${segment}`).toArray();
    if (!row) throw notFound(`no segment has the id ${segment}`);
    const rule = Number(row.rule_id);
    this.#rules.set(segment, rule);
    return rule;
  }

  /** A segment by its own id: the library goes by rules. */
  async segment(id: number): Promise<Segment> {
    const segment = await this.engine.segment(await this.ruleOf(id));
    if (segment.id === id) return segment;
    // The rule's segment is another one by now.
    this.#rules.delete(id);
    throw notFound(`no segment has the id ${id}`);
  }

  /** The ids of rules' segments; rules that have none are not in it. */
  async segmentsOfRules(rules: readonly number[]): Promise<Map<number, number>> {
    if (rules.length === 0) return new Map();
    const query = `select rule_id, id from segment_catalog where rule_id in (${rules.join(", ")})`;
    const rows = await this.engine.sql(query).toArray();
    return new Map(rows.map((row) => [Number(row.rule_id), Number(row.id)]));
  }

  /** The versions of a segment, oldest first. */
  async versions(entry: SegmentEntry): Promise<SegmentVersion[]> {
    if (!entry.current) return [];
    const kept = this.#versions.get(entry.ruleId);
    if (kept?.current === entry.current.version) return kept.versions;
    const versions = await (await this.engine.segment(entry.ruleId)).versions();
    this.#versions.set(entry.ruleId, { current: entry.current.version, versions });
    return versions;
  }

  /** How the scheduler and the rules with a schedule stand, or stood a moment ago: of thousands of rules it takes a while. */
  standing(): Promise<SchedulerStatus> {
    return this.#standing.get();
  }

  /** What conditions can be about: finding the values that a column has reads it, so this is remembered for five minutes. */
  fields(): Promise<FieldInfo[]> {
    return this.#fields.get();
  }

  /** The figures of the data are counted, and remembered for a minute; those of the catalog are as it is. */
  async summary(): Promise<Summary> {
    const one = { perPage: 1 };
    const [figures, rules, segments, runs] = await Promise.all([
      this.#figures.get(),
      this.engine.rules(one),
      this.engine.segments(one),
      this.engine.runs(one),
    ]);
    return { ...figures, totalRules: rules.total, totalSegments: segments.total, lastRun: runs.items[0] ?? null };
  }

  /** After a change, what was found before it is not good enough. */
  forget(): void {
    this.#standing.forget();
  }

  /** A key as it stands in a path, of the kind that the users have. */
  async key(text: string): Promise<Key> {
    this.#integerKeys ??= this.#keysAreIntegers();
    if (!(await this.#integerKeys)) return text;
    if (!/^-?\d{1,20}$/.test(text)) throw badValue("/params/key", `the users' keys are integers, "${text}" is not`);
    return BigInt(text);
  }

  async #keysAreIntegers(): Promise<boolean> {
    const { table, key } = (await this.engine.model()).users;
    const source = (await this.engine.sources()).find(({ name }) => name === table);
    return /^U?Int/.test(source?.schema.find(({ name }) => name === key)?.type ?? "");
  }

  /** The next times of a schedule that no stored rule has. */
  async firings(schedule: string, timezone: string | null | undefined, n: number): Promise<Date[]> {
    this.#scratch ??= scratch();
    const engine = await this.#scratch;
    const rule_name = `firings ${Math.random()}`;
    const id = await engine.createRule({ rule_name, conditions: [], schedule, timezone });
    try {
      return await engine.nextRuns(id, n);
    } finally {
      await engine.deleteRule(id);
    }
  }
}

/** An engine on nothing but a population of one, to ask about schedules. */
async function scratch(): Promise<SegmentEngine> {
  const engine = await SegmentEngine.open({ catalog: ":memory:", model: { users: { table: "nobody", key: "id" } } });
  const folder = await mkdtemp(join(tmpdir(), "segmentry-platform-"));
  try {
    await writeFile(join(folder, "nobody.csv"), "id\n1\n");
    await engine.addCsv("nobody", join(folder, "nobody.csv"));
    // The table is looked at when the model is bound, and not again.
    await engine.createRule({ rule_name: "everyone", conditions: [] });
  } finally {
    await rm(folder, { recursive: true });
  }
  return engine;
}
