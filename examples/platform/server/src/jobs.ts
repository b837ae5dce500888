// Runs that were asked for: one after another, each with its events, and each can be cancelled.
//
// They are kept in a file, so that what was asked for before a crash is done after it. The catalog numbers a run when it is
// published; until then, and for good if it never is, a run that was asked for goes by an id of its own, counted from
// FIRST_ASKED so that the two are never mixed up.

import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { CancelledError, SegmentryError, type RunEvent, type SegmentEngine } from "segmentry";
import { told, type ErrorBody } from "./errors.js";

export const FIRST_ASKED = 1_000_000_000;
const KEPT = 500;

export type JobState = "queued" | "running" | "published" | "failed" | "cancelled";

/** What is kept of a job in the file. */
interface Kept {
  id: number;
  rules: number[];
  state: JobState;
  asked_at: string;
  started_at: string | null;
  ended_at: string | null;
  /** The catalog's id, once it is published. */
  run_id: number | null;
  error: ErrorBody | null;
}

export interface Job extends Kept {
  /** What it told so far; of a stage that is under way the last only. */
  events: RunEvent[];
}

interface Live extends Job {
  controller: AbortController;
  listeners: Set<(event: RunEvent | null) => void>;
  ended: Promise<void>;
  end: () => void;
}

export class Jobs {
  #jobs = new Map<number, Live>();
  #next = FIRST_ASKED + 1;
  #working: Promise<void> | null = null;
  #closed = false;

  constructor(
    private readonly engine: SegmentEngine,
    private readonly file: string,
  ) {
    if (!existsSync(file)) return;
    const { next, jobs } = JSON.parse(readFileSync(file, "utf8")) as { next: number; jobs: Kept[] };
    this.#next = next;
    for (const kept of jobs) {
      const unfinished = kept.state === "queued" || kept.state === "running";
      this.#add({ ...kept, state: unfinished ? "queued" : kept.state, started_at: unfinished ? null : kept.started_at });
    }
  }

  /** Begins with what a process before this one has left. */
  start(): void {
    this.#work();
  }

  /** Asks for a run of a rule. A rule for which one is waiting already gets that one. */
  ask(rule: number): Job {
    const waiting = [...this.#jobs.values()].find((job) => job.state === "queued" && job.rules.length === 1 && job.rules[0] === rule);
    if (waiting) return waiting;
    const kept: Kept = {
      id: this.#next++,
      rules: [rule],
      state: "queued",
      asked_at: new Date().toISOString(),
      started_at: null,
      ended_at: null,
      run_id: null,
      error: null,
    };
    const job = this.#add(kept);
    this.#keep();
    this.#work();
    return job;
  }

  get(id: number): Job | undefined {
    return this.#jobs.get(id);
  }

  /** Those that the catalog does not know: waiting, under way, failed or cancelled; newest first. */
  unpublished(): Job[] {
    return [...this.#jobs.values()].filter((job) => job.state !== "published").reverse();
  }

  /** Cancels a job and answers when it has ended; whether it was in time. */
  async cancel(id: number): Promise<boolean> {
    const job = this.#jobs.get(id);
    if (!job || isOver(job)) return false;
    if (job.state === "queued") this.#finish(job, "cancelled");
    else job.controller.abort();
    await job.ended;
    return job.state === "cancelled";
  }

  /** A job's events from the first on, until it ends or `signal` says that nobody listens any more. */
  async *follow(id: number, signal: AbortSignal): AsyncGenerator<RunEvent> {
    const job = this.#jobs.get(id);
    if (!job) return;
    const waiting: (RunEvent | null)[] = [...job.events];
    if (isOver(job)) waiting.push(null);
    let wake = () => {};
    const listen = (event: RunEvent | null) => {
      waiting.push(event);
      wake();
    };
    const leave = () => listen(null);
    job.listeners.add(listen);
    signal.addEventListener("abort", leave);
    try {
      for (;;) {
        const event = waiting.shift();
        if (event === null || signal.aborted) return;
        if (event) yield event;
        else await new Promise<void>((resolve) => (wake = resolve));
      }
    } finally {
      job.listeners.delete(listen);
      signal.removeEventListener("abort", leave);
    }
  }

  /** Stops what is under way; it stays asked for. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const job of this.#jobs.values()) if (job.state === "running") job.controller.abort();
    await this.#working;
  }

  #add(kept: Kept): Live {
    let end = () => {};
    const ended = new Promise<void>((resolve) => (end = resolve));
    const job: Live = { ...kept, events: [], controller: new AbortController(), listeners: new Set(), ended, end };
    this.#jobs.set(job.id, job);
    for (const [id, old] of this.#jobs) {
      if (this.#jobs.size <= KEPT) break;
      if (isOver(old)) this.#jobs.delete(id);
    }
    return job;
  }

  #work(): void {
    this.#working ??= this.#all().finally(() => (this.#working = null));
  }

  async #all(): Promise<void> {
    for (;;) {
      const job = [...this.#jobs.values()].find(({ state }) => state === "queued");
      if (!job || this.#closed) return;
      await this.#run(job);
    }
  }

  async #run(job: Live): Promise<void> {
    [job.state, job.started_at] = ["running", new Date().toISOString()];
    this.#keep();
    try {
      const run = await this.engine.refresh(job.rules, {
        signal: job.controller.signal,
        onProgress: (event) => this.#tell(job, event),
      });
      job.run_id = run.id;
      this.#finish(job, "published");
    } catch (error) {
      const cancelled = error instanceof CancelledError;
      // Whoever stops the server does not take back what others asked for.
      if (cancelled && this.#closed) return;
      job.error = error instanceof SegmentryError ? told(error) : { code: "internal", message: String(error) };
      this.#finish(job, cancelled ? "cancelled" : "failed");
    }
  }

  #tell(job: Live, event: RunEvent): void {
    const last = job.events.at(-1);
    if (event.event === "progress" && last?.event === "progress" && last.stage === event.stage && last.table === event.table) {
      job.events.pop();
    }
    job.events.push(event);
    for (const listener of job.listeners) listener(event);
  }

  #finish(job: Live, state: JobState): void {
    [job.state, job.ended_at] = [state, new Date().toISOString()];
    this.#keep();
    for (const listener of job.listeners) listener(null);
    job.end();
  }

  #keep(): void {
    const jobs = [...this.#jobs.values()].map(keptOf);
    writeFileSync(`${this.file}.new`, JSON.stringify({ next: this.#next, jobs }));
    renameSync(`${this.file}.new`, this.file);
  }
}

/** Whether nothing more will come of it. */
export function isOver(job: Kept): boolean {
  return job.state !== "queued" && job.state !== "running";
}

/** What of a job is kept, and shown. */
export function keptOf({ id, rules, state, asked_at, started_at, ended_at, run_id, error }: Kept): Kept {
  return { id, rules, state, asked_at, started_at, ended_at, run_id, error };
}
