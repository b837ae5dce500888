// Running what is due, in this process.

import type * as native from "../native.js";
import { at, run, type Stoppable } from "./calls.js";
import { parse } from "./json.js";
import * as shapes from "./shapes.js";
import type { Run, SchedulerStatus } from "./types.js";

/** The longest time that a timer takes. */
const FOREVER = 2 ** 31 - 1;

/**
 * Runs what is due and what was triggered. Made by `engine.scheduler()`, and does nothing until it is started. A started
 * one keeps the process alive until it is stopped, unless `unref` was called.
 *
 * ```js
 * const scheduler = engine.scheduler();
 * scheduler.start();
 * // ...
 * await scheduler.stop();
 * ```
 */
export class Scheduler {
  readonly #scheduler: native.Scheduler;
  #alive: NodeJS.Timeout | undefined;
  #held = true;

  /** @internal */
  constructor(scheduler: native.Scheduler) {
    this.#scheduler = scheduler;
  }

  /** Whether it was started and not stopped. */
  get isStarted(): boolean {
    return at(() => this.#scheduler.isStarted);
  }

  /** Begins to run what is due; does nothing if it has begun already. */
  start(): void {
    at(() => this.#scheduler.start());
    this.#alive ??= setInterval(() => undefined, FOREVER);
    if (!this.#held) this.#alive.unref();
  }

  /** Stops: lets the run under way come to its end (`wait`) or stops it (`cancel`). It can be started again. */
  async stop(how: "wait" | "cancel" = "wait", options?: Stoppable): Promise<void> {
    await run((call) => this.#scheduler.stop(how, call), options);
    clearInterval(this.#alive);
    this.#alive = undefined;
  }

  /** Lets the process end although the scheduler is started. */
  unref(): this {
    this.#held = false;
    this.#alive?.unref();
    return this;
  }

  /** Keeps the process alive again while the scheduler is started. */
  ref(): this {
    this.#held = true;
    this.#alive?.ref();
    return this;
  }

  /** Runs once what is due now and what was asked for, started or not; nothing if there is nothing to run. */
  async runDue(options?: Stoppable): Promise<Run | null> {
    const found = parse(await run((call) => this.#scheduler.runDue(call), options));
    return found === null ? null : shapes.run(found);
  }

  /** What it does at present, and how all rules with a schedule stand, whoever runs them. */
  async status(options?: Stoppable): Promise<SchedulerStatus> {
    return shapes.schedulerStatus(parse(await run((call) => this.#scheduler.status(call), options)));
  }
}
