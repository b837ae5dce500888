// What a page shows while it waits, when there is nothing, and when something went wrong.
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ApiError } from "../api/client";
import { Icon, type IconName } from "./icon";

export function Loading({ rows = 4, label = "Loading" }: { rows?: number; label?: string }) {
  return (
    <div role="status" aria-live="polite" className="space-y-3 p-5">
      <span className="sr-only">{label}</span>
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} className="skeleton h-5" style={{ width: `${92 - ((i * 17) % 40)}%` }} />
      ))}
    </div>
  );
}

export function Empty({ icon, title, children, action }: { icon: IconName; title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="flex flex-col items-center px-6 py-12 text-center">
      <span className="mb-3 grid size-11 place-items-center rounded-full bg-accent-soft text-accent"><Icon name={icon} size={20} /></span>
      <p className="font-semibold">{title}</p>
      {children && <div className="mt-1 max-w-md text-sm text-muted">{children}</div>}
      {action && <div className="mt-5">{action}</div>}
    </div>
  );
}

export function Failure({ error, retry }: { error: unknown; retry?: () => void }) {
  const known = error instanceof ApiError ? error : null;
  const title = known?.message ?? (error instanceof Error ? error.message : "Something went wrong");
  return (
    <div role="alert" className="flex items-start gap-3 p-5">
      <span className="mt-0.5 text-danger"><Icon name="alert" size={18} /></span>
      <div className="min-w-0 flex-1 text-sm">
        <p className="font-semibold break-words">{title}</p>
        {known?.hint && <p className="mt-0.5 break-words text-muted">{known.hint}</p>}
        {known && known.problems.length > 1 && (
          <ul className="mt-2 list-disc pl-4 text-muted">{known.problems.map((p, i) => <li key={i}>{p.message}</li>)}</ul>
        )}
        {retry && <button type="button" className="button small mt-3" onClick={retry}>Try again</button>}
      </div>
    </div>
  );
}

/** The three states of a query, and its data. */
export function Loaded<T>({ query, rows, children }: { query: UseQueryResult<T>; rows?: number; children: (data: T) => ReactNode }) {
  if (query.data !== undefined) return children(query.data);
  if (query.isError) return <Failure error={query.error} retry={() => void query.refetch()} />;
  return <Loading rows={rows} />;
}
