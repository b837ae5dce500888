// What the server says of a rule while it is edited: problems, who would be in it, and what it could reuse.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { ApiError, call, type Problem } from "../api/client";
import type { Dependencies, Document, Preview } from "../api/types";
import { writeJson } from "../lib/json";

/** A value once it has stayed for so long. */
export function useSettled<T>(value: T, key: string, wait: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), wait);
    return () => clearTimeout(timer);
    // The key says when the value has changed; the value itself is new at each render.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [key, wait]);
  return settled;
}

/** A name is asked for when the rule is saved, not to look at it. */
const named = (document: Document): Document => (document.rule_name ? document : { ...document, rule_name: "Untitled" });

/** `ownName`: that the rule is stored under its name, which is no duplicate then. */
export function useLive(document: Document, ownName: boolean) {
  const key = writeJson(document);
  const settled = useSettled(document, key, 450);
  const asked = writeJson(settled);
  const body = named(settled);
  const options = { placeholderData: keepPreviousData, retry: false, staleTime: 60_000, gcTime: 60_000 } as const;
  const problems = useQuery({
    queryKey: ["live", "problems", asked], ...options,
    queryFn: ({ signal }) => call<{ problems: Problem[] } | Problem[]>("/rules/validate", { method: "POST", body, signal }).then((a) => (Array.isArray(a) ? a : a.problems)).catch(problemsOf),
  });
  const good = problems.data?.every((p) => ownName && p.code === "duplicate_name") === true && !problems.isPlaceholderData;
  const preview = useQuery({ queryKey: ["live", "preview", asked], ...options, enabled: good, queryFn: ({ signal }) => call<Preview>("/rules/preview", { method: "POST", body, signal }) });
  const reuse = useQuery({ queryKey: ["live", "reuse", asked], ...options, enabled: good, queryFn: ({ signal }) => call<Dependencies>("/rules/dependencies", { method: "POST", body, signal }) });
  return { problems: problems.data ?? [], checking: key !== asked || problems.isFetching, preview, reuse, stale: key !== asked };
}

function problemsOf(error: unknown): Problem[] {
  if (error instanceof ApiError && error.problems.length > 0) return error.problems;
  throw error;
}
