// What pages ask of the server, and what is asked again after a change.
import { keepPreviousData, QueryClient, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ApiError, call } from "./client";
import type * as T from "./types";

export const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      // A server that is restarting comes back; what it refused stays refused.
      retry: (failures, error) => (error instanceof ApiError && error.status > 0 && error.status < 500 ? false : failures < 4),
      retryDelay: (failure) => Math.min(500 * 2 ** failure, 5_000),
    },
  },
});

export interface Listing { page: number; per_page: number; search?: string }

export const useRules = (listing: Listing) =>
  useQuery({ queryKey: ["rules", "list", listing], queryFn: ({ signal }) => call<T.Page<T.Rule>>("/rules", { query: { ...listing }, signal }), placeholderData: keepPreviousData, refetchInterval: 30_000 });

export const useRule = (id: string | undefined) =>
  useQuery({ queryKey: ["rules", "one", id], enabled: id !== undefined, staleTime: 0, queryFn: ({ signal }) => call<T.Document>(`/rules/${id}`, { signal, exact: true }) });

export const useRuleHistory = (id: number | undefined) =>
  useQuery({ queryKey: ["rules", "history", id], enabled: id !== undefined, queryFn: ({ signal }) => call<{ items: T.Wording[] } | T.Wording[]>(`/rules/${id}/history`, { signal, exact: true }).then(listOf) });

/** Names of all rules, by id, for whatever shows ids. */
export const useRuleNames = () =>
  useQuery({
    queryKey: ["rules", "names"],
    queryFn: async ({ signal }) => {
      const first = await call<T.Page<T.Rule>>("/rules", { query: { page: 1, per_page: 100 }, signal });
      const rest = await Promise.all(Array.from({ length: Math.max(0, first.pages - 1) }, (_, i) => call<T.Page<T.Rule>>("/rules", { query: { page: i + 2, per_page: 100 }, signal })));
      return [first, ...rest].flatMap((page) => page.items).map((rule) => ({ id: rule.id, name: rule.rule_name }));
    },
  });

export const useSegments = (listing: Listing) =>
  useQuery({ queryKey: ["segments", "list", listing], queryFn: ({ signal }) => call<T.Page<T.SegmentEntry>>("/segments", { query: { ...listing }, signal }), placeholderData: keepPreviousData, refetchInterval: 30_000 });

export const useSegment = (id: string | number) => useQuery({ queryKey: ["segments", "one", String(id)], queryFn: ({ signal }) => call<T.Segment>(`/segments/${id}`, { signal }) });

export const useVersions = (id: string | number) =>
  useQuery({ queryKey: ["segments", "versions", String(id)], queryFn: ({ signal }) => call<{ items: T.Version[] } | T.Version[]>(`/segments/${id}/versions`, { signal }).then(listOf) });

/** Sizes of the first hundred segments over time. */
export const useSizes = () =>
  useQuery({ queryKey: ["segments", "sizes"], queryFn: ({ signal }) => call<{ items: T.Line[] }>("/analytics/sizes", { query: { per_page: 100 }, signal }).then(listOf) });

export const useSample = (id: string) => useQuery({ queryKey: ["segments", "sample", id], queryFn: ({ signal }) => call<T.Sample>(`/segments/${id}/sample_data`, { signal }) });

export const useChanges = (id: string, since: number | undefined) =>
  useQuery({ queryKey: ["segments", "changes", id, since], enabled: since !== undefined, queryFn: ({ signal }) => call<T.Changes>(`/segments/${id}/changes`, { query: { since }, signal }) });

export const useLineage = (id: string) => useQuery({ queryKey: ["segments", "lineage", id], queryFn: ({ signal }) => call<T.Lineage>(`/segments/${id}/lineage`, { signal }) });

export const useExplain = (id: string, key: string | null) =>
  useQuery({ queryKey: ["segments", "explain", id, key], enabled: key !== null, queryFn: ({ signal }) => call<T.Explanation>(`/segments/${id}/explain/${encodeURIComponent(key ?? "")}`, { signal }) });

export const useOverlap = (ruleIds: number[]) =>
  useQuery({ queryKey: ["segments", "overlap", ruleIds], enabled: ruleIds.length > 1, placeholderData: keepPreviousData, queryFn: ({ signal }) => call<T.Overlap>("/segments/overlap", { method: "POST", body: { rules: ruleIds }, signal }) });

export const useSummary = () => useQuery({ queryKey: ["summary"], queryFn: ({ signal }) => call<T.Summary>("/analytics/summary", { signal }), refetchInterval: 60_000 });

export const useFields = () =>
  useQuery({ queryKey: ["fields"], staleTime: 5 * 60_000, queryFn: ({ signal }) => call<T.Field[] | { items: T.Field[] }>("/fields", { signal }).then(listOf) });

export const useRuns = (listing: Listing) =>
  useQuery({ queryKey: ["runs", "list", listing], queryFn: ({ signal }) => call<T.Runs>("/runs", { query: { ...listing }, signal }), placeholderData: keepPreviousData, refetchInterval: ({ state }) => (state.data?.asked?.some((run) => run.state === "queued" || run.state === "running") ? 1_500 : 10_000) });

export const useRun = (id: number | null) => useQuery({ queryKey: ["runs", "one", id], enabled: id !== null, queryFn: ({ signal }) => call<T.Run>(`/runs/${id}`, { signal }) });

function listOf<I>(answer: I[] | { items: I[] }): I[] {
  return Array.isArray(answer) ? answer : answer.items;
}

/** Whatever a run or a change of a rule may have changed is asked again. */
export function useRefreshAll() {
  const queries = useQueryClient();
  return () => Promise.all(["rules", "segments", "runs", "summary", "due", "status"].map((key) => queries.invalidateQueries({ queryKey: [key] })));
}

export function useTrigger() {
  const refresh = useRefreshAll();
  return useMutation({ mutationFn: (id: number) => call<{ message: string; run_id: number | null }>(`/rules/${id}/trigger`, { method: "POST" }), onSuccess: () => void refresh() });
}

export function useDeleteRule() {
  const refresh = useRefreshAll();
  return useMutation({ mutationFn: (id: number) => call<void>(`/rules/${id}`, { method: "DELETE" }), onSuccess: () => void refresh() });
}

export function useSaveRule() {
  const refresh = useRefreshAll();
  return useMutation({
    mutationFn: ({ id, version, document }: { id?: number; version?: number; document: T.Document }) =>
      id === undefined
        ? call<{ message: string; rule_id: number }>("/rules", { method: "POST", body: document })
        : call<{ message: string; rule_id?: number }>(`/rules/${id}`, { method: "PUT", body: document, ifMatch: version }),
    onSuccess: () => void refresh(),
  });
}
