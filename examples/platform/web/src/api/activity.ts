// What is going on: the run under way, what is due next, and what failed.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { call } from "./client";
import { useRefreshAll } from "./queries";

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
  last_error?: { code: string; at: string; message: string } | null;
  failing: { rule_id: number; rule_name: string; reason: string; since: string; last: string; times: number }[];
}

export interface Due { rule_id: number; rule_name: string; schedule: string; firing?: string | null; next_run?: string | null; missed?: number; failures?: number }

/** Asked every second while a run is on; when one has ended, all that it may have changed is asked again. */
export function useStatus() {
  const refresh = useRefreshAll();
  const before = useRef<number | null>(null);
  const query = useQuery({
    queryKey: ["status"],
    queryFn: ({ signal }) => call<Status>("/status", { signal }),
    staleTime: 0,
    refetchInterval: ({ state }) => (state.data?.running ? 1_000 : 3_000),
  });
  const published = query.data?.published;
  useEffect(() => {
    if (published === undefined) return;
    if (before.current !== null && before.current !== published) void refresh();
    before.current = published;
    // `refresh` is made anew at each render and does the same each time.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [published]);
  return query;
}

export const useDue = () =>
  useQuery({ queryKey: ["due"], refetchInterval: 30_000, queryFn: ({ signal }) => call<Due[] | { items: Due[] }>("/due", { signal }).then((a) => (Array.isArray(a) ? a : a.items)) });

/** How much of a run is done, 0 to 1; its stages are not alike, so this is rough. */
export function shareDone(run: Underway): number {
  const inStage = run.progress && run.progress.of > 0 ? run.progress.done / run.progress.of : 0;
  const rules = run.rules > 0 ? run.rules_done / run.rules : 0;
  return Math.max(rules, 0.9 * inStage);
}
