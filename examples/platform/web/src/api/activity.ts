// What is going on: the run under way, what is due next, and what failed.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { call } from "./client";
import { useRefreshAll } from "./queries";
import type { AskedRun } from "./types";

export interface Underway {
  started_at: string;
  stage: string;
  stage_since?: string;
  rules_done: number;
  rules: number;
  rows?: Record<string, number>;
  progress?: { stage: string; table?: string; done: number; of: number } | null;
}

export interface Status {
  running: Underway | null;
  waiting: number;
  published: number;
  failed: number;
  last_error?: { code: string; at: string; message: string } | null;
  failing: { rule_id: number; rule_name: string; reason: string; since: string; last: string; times: number }[];
  asked: AskedRun[];
}

export interface Due {
  items: { rule_id: number; rule_name: string; schedule: string; firing: string; missed: number; failures: number }[];
  next: { rule_id: number; rule_name: string; schedule: string; next_run: string }[];
}

export const isUnderway = (run: { state?: string }) => run.state === "queued" || run.state === "running";

/** Asked every second while a run is on. */
export function useStatus() {
  return useQuery({
    queryKey: ["status"],
    queryFn: ({ signal }) => call<Status>("/status", { signal }),
    staleTime: 0,
    refetchInterval: ({ state }) => (state.data?.running || state.data?.asked.some(isUnderway) ? 1_000 : 4_000),
  });
}

/** Watches, on every page, for a run that has ended: all that it may have changed is asked again. */
export function useWatch() {
  const { data } = useStatus();
  const refresh = useRefreshAll();
  const before = useRef<string | null>(null);
  const seen = data && `${data.published} ${data.failed} ${data.asked.filter(isUnderway).length}`;
  useEffect(() => {
    if (seen === undefined) return;
    if (before.current !== null && before.current !== seen) void refresh();
    before.current = seen;
    // `refresh` is made anew at each render and does the same each time.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [seen]);
}

export const useDue = () => useQuery({ queryKey: ["due"], refetchInterval: 30_000, queryFn: ({ signal }) => call<Due>("/due", { signal }) });

/** How much of a run is done, 0 to 1; its stages are not alike, so this is rough. */
export function shareDone(run: Underway): number {
  const inStage = run.progress && run.progress.of > 0 ? run.progress.done / run.progress.of : 0;
  const rules = run.rules > 0 ? run.rules_done / run.rules : 0;
  return Math.max(rules, 0.9 * inStage);
}
