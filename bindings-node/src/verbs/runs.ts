// Refreshing, and what runs have left.

import { allNamed, integer, integerIf, key, named, textIf, type Key, type RuleRef } from "../arguments.js";
import { at, Listener, run } from "../calls.js";
import { bad } from "../errors.js";
import { list } from "../decode.js";
import { instant, type Instant } from "../instants.js";
import { parse, parseList, turn } from "../json.js";
import { Keys } from "../keys.js";
import { Scheduler } from "../scheduler.js";
import { Segment } from "../segment.js";
import * as shapes from "../shapes.js";
import type {
  DueRule,
  EngineStatus,
  Feed,
  Overlap,
  Page,
  Run,
  RunEvent,
  SegmentChange,
  SegmentEntry,
} from "../types.js";
import type { Paging, Searching, Stoppable } from "./base.js";
import { SourceVerbs } from "./sources.js";

export interface RefreshOptions extends Stoppable {
  /** The instant that the run is about, now if not said. Events at or after it do not count. */
  asOf?: Instant;
  /** `false` looks at every user again. */
  incremental?: boolean;
  /** `false` answers nothing from other segments. */
  reuse?: boolean;
  /** Seconds after which the run is stopped. */
  timeout?: number;
  /** Rules that are published however much they change, see `setMaxChange`. */
  acceptChange?: RuleRef | readonly RuleRef[];
  /** Is told how far the run is. What it throws stops the run, and is what `refresh` fails with. */
  onProgress?: (event: RunEvent) => void;
}

export interface SegmentOptions extends Stoppable {
  /** A version that is kept. */
  version?: number;
  /** The segment as it was known for an instant. */
  asOf?: Instant;
}

export interface SchedulerOptions {
  /** What becomes of firings at which no scheduler worked: `once` for one run of them all, `skip` for none. */
  misfire?: "once" | "skip";
  /** After how many seconds a rule is late. */
  grace?: number;
  /** How often to look for what other processes ask for, in seconds. */
  poll?: number;
  /** The first and the longest pause, in seconds, before a failed rule is tried again. */
  retry?: readonly [number, number];
}

/** A run whose segments come piece by piece. */
async function whole([about, ...segments]: string[]): Promise<Run> {
  await turn();
  return { ...shapes.run(parse(about!)), segments: await parseList(segments, shapes.runSegment) };
}

export abstract class RunVerbs extends SourceVerbs {
  /**
   * Computes the segments of rules, and of what they need, together at one instant, and publishes them. Without `rules`,
   * all that are enabled. Rules that fail do so by themselves, and are in the run's `failed`.
   *
   * ```js
   * const run = await engine.refresh(["Metro"], {
   *   asOf: "2026-01-01T00:00:00Z",
   *   signal: AbortSignal.timeout(60_000),
   *   onProgress: (event) => console.log(event),
   * });
   * console.log(run.segments[0].rowCount, run.failed);
   * ```
   */
  async refresh(rules?: RuleRef | readonly RuleRef[] | null, options?: RefreshOptions): Promise<Run> {
    const asked = {
      rules: rules === undefined || rules === null ? undefined : allNamed(rules),
      asOf: instant(options?.asOf),
      incremental: options?.incremental,
      reuse: options?.reuse,
      timeout: options?.timeout,
      acceptChange: options?.acceptChange === undefined ? undefined : allNamed(options.acceptChange),
    };
    const told = options?.onProgress;
    if (told !== undefined && typeof told !== "function") throw bad("onProgress is a function");
    const listener = told && new Listener((event) => told(shapes.runEvent(event)));
    return whole(await run((call) => this.native.refresh(asked, call), options, listener));
  }

  /**
   * Past runs, newest first.
   *
   * ```js
   * const { items } = await engine.runs();
   * console.log(items[0].id, items[0].segments[0].rowCount); // 1 2
   * ```
   */
  async runs(options?: Paging): Promise<Page<Run>> {
    const page = integer(options?.page ?? 1, "page");
    const perPage = integer(options?.perPage ?? 10, "perPage");
    const [about, ...items] = await run((call) => this.native.runs(page, perPage, call), options);
    const found: Page<Run> = { ...parse(about![0]!), items: [] };
    for (const item of items) found.items.push(await whole(item));
    return found;
  }

  /**
   * One past run.
   *
   * ```js
   * console.log((await engine.run(1)).segments[0].entered); // 2
   * ```
   */
  async run(id: number, options?: Stoppable): Promise<Run> {
    return whole(await run((call) => this.native.run(integer(id, "id"), call), options));
  }

  /**
   * Current segments, of those whose name contains `search`.
   *
   * ```js
   * const { items } = await engine.segments();
   * console.log(items[0].segmentName, items[0].current.version); // Metro 1
   * ```
   */
  async segments(options?: Searching): Promise<Page<SegmentEntry>> {
    const page = integer(options?.page ?? 1, "page");
    const perPage = integer(options?.perPage ?? 10, "perPage");
    const search = textIf(options?.search, "search");
    const entries = shapes.page(shapes.segmentEntry);
    return this.read((call) => this.native.segments(page, perPage, search, call), entries, options);
  }

  /**
   * The segment of a rule, by the rule's id or name: the current one, a version, or as it was known for an instant.
   *
   * ```js
   * const first = await engine.segment("Metro", { version: 1 });
   * console.log(first.rowCount, first.version); // 2 1
   * ```
   */
  async segment(id: RuleRef, options?: SegmentOptions): Promise<Segment> {
    const [version, asOf] = [integerIf(options?.version, "version"), instant(options?.asOf)];
    return new Segment(await run((call) => this.native.segment(named(id), version, asOf, call), options));
  }

  /**
   * The names of the segments that hold the user.
   *
   * ```js
   * console.log(await engine.segmentsOf(3)); // [ 'Metro' ]
   * ```
   */
  async segmentsOf(user: Key, options?: Stoppable): Promise<string[]> {
    return run((call) => this.native.segmentsOf(key(user), call), options);
  }

  /**
   * How many users each pair of 2 to 200 segments shares, and how many each has.
   *
   * ```js
   * await engine.createRule({ rule_name: "Everyone", conditions: [] });
   * await engine.refresh();
   * const { pairs } = await engine.overlap(["Metro", "Everyone"]);
   * console.log(pairs[0].count); // 2
   * ```
   */
  async overlap(segments: readonly RuleRef[], options?: Stoppable): Promise<Overlap> {
    return this.read((call) => this.native.overlap(allNamed(segments), call), shapes.overlap, options);
  }

  /**
   * Who came to segments and who left, run by run, after `sinceRun` (0 if not said), of at most so many `runs` (100).
   * Go on from the feed's `upTo`.
   *
   * ```js
   * const { changes, upTo } = await engine.changes();
   * console.log([...changes[0].entered], upTo); // [ 1n, 3n ] 1
   * ```
   */
  async changes(sinceRun = 0, options?: Stoppable & { runs?: number }): Promise<Feed> {
    const [since, runs] = [integer(sinceRun, "sinceRun"), integer(options?.runs ?? 100, "runs")];
    const feed = await run((call) => this.native.changes(since, runs, call), options);
    return at(() => {
      const { changes, up_to } = parse(feed.about());
      const withKeys = (change: object, place: number): SegmentChange => ({
        ...shapes.segmentChange(change),
        entered: new Keys(feed.take(2 * place)!),
        exited: new Keys(feed.take(2 * place + 1)!),
      });
      return { changes: changes.map(withKeys), upTo: up_to };
    });
  }

  /** A scheduler of this engine's rules, which does nothing until it is started. */
  scheduler(options: SchedulerOptions = {}): Scheduler {
    const { misfire, grace, poll, retry } = options;
    return at(() => new Scheduler(this.native.scheduler({ misfire, grace, poll, retry: retry && [...retry] })));
  }

  /**
   * The rules that are due, now or at an instant.
   *
   * ```js
   * console.log(await engine.due(new Date())); // []
   * ```
   */
  async due(moment?: Instant, options?: Stoppable): Promise<DueRule[]> {
    return this.read((call) => this.native.due(instant(moment), call), list(shapes.dueRule), options);
  }

  /**
   * What this engine is doing, and how its runs have ended since it was opened.
   *
   * ```js
   * const { running, published } = await engine.status();
   * console.log(running, published); // null 1
   * ```
   */
  async status(options?: Stoppable): Promise<EngineStatus> {
    return this.read((call) => this.native.status(call), shapes.engineStatus, options);
  }
}
