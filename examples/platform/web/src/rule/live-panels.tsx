// Who would be in the segment, step by step, and which segments the rule could be answered from.
import type { UseQueryResult } from "@tanstack/react-query";
import type { Dependencies, Document, Preview } from "../api/types";
import type { Json } from "../lib/json";
import { cell, count, percent } from "../lib/format";
import { Icon } from "../ui/icon";
import { Failure } from "../ui/states";
import { useSurroundings } from "./context";
import { atPointer, describe } from "./describe";

type NameOf = (rule: Json) => string;

export function useNameOf(): NameOf {
  const { rules } = useSurroundings();
  return (rule) => rules.find((r) => r.id === rule)?.name ?? String(rule);
}

export function PreviewPanel({ preview, document, problems, stale }: { preview: UseQueryResult<Preview>; document: Document; problems: number; stale: boolean }) {
  const nameOf = useNameOf();
  if (preview.isError && problems === 0) return <Failure error={preview.error} retry={() => void preview.refetch()} />;
  const data = preview.data;
  if (!data) return <p className="p-5 text-sm text-muted" role="status">{problems > 0 ? "The preview appears once the problems are mended." : "Counting users…"}</p>;
  const named = (path: string, text: string) => {
    const condition = atPointer(document, path) ?? atPointer(document.conditions, path);
    return condition === undefined ? text : describe(condition, nameOf);
  };
  const busy = stale || preview.isFetching;
  return (
    <div className={`p-5 transition-opacity ${problems > 0 ? "opacity-50" : ""}`} aria-busy={busy}>
      <p className="flex items-baseline gap-2" role="status">
        <span className="text-[2rem] leading-none font-semibold tracking-tight tabular-nums">{count(data.count)}</span>
        <span className="text-sm text-muted">of {count(data.of)} users · {percent(data.count, data.of)}</span>
        {busy && <span className="ml-auto size-2 animate-pulse rounded-full bg-accent" aria-label="Updating" />}
      </p>
      {problems > 0 && <p className="mt-2 text-[0.8rem] text-muted">As it was before the last change.</p>}
      {data.steps.length > 0 && (
        <ol className="mt-5 space-y-3" aria-label="Users after each condition">
          {data.steps.map((step) => (
            <li key={step.path}>
              <div className="mb-1 flex items-baseline justify-between gap-3 text-[0.8rem]"><span className="min-w-0 break-words text-soft">{named(step.path, step.text)}</span><span className="font-semibold tabular-nums">{count(step.count)}</span></div>
              <div className="bar"><span style={{ width: `${data.of > 0 ? Math.max(step.count > 0 ? 0.7 : 0, (100 * step.count) / data.of) : 0}%` }} /></div>
            </li>
          ))}
        </ol>
      )}
      {data.sample.length > 0 && <Sample rows={data.sample.slice(0, 5)} />}
    </div>
  );
}

function Sample({ rows }: { rows: Preview["sample"] }) {
  const names = Object.keys(rows[0] ?? {});
  const columns = [...names.slice(0, 1), ...names.filter((n) => ["name", "city"].includes(n))].slice(0, 3);
  return (
    <table className="mt-5 w-full text-[0.8rem]">
      <caption className="mb-1.5 text-left text-[0.8rem] text-muted">Some of them</caption>
      <tbody>{rows.map((row, i) => <tr key={i} className="border-t border-line">{columns.map((c) => <td key={c} className="py-1.5 pr-3">{cell(row[c])}</td>)}</tr>)}</tbody>
    </table>
  );
}

export function ReusePanel({ reuse, document }: { reuse: UseQueryResult<Dependencies>; document: Document }) {
  const nameOf = useNameOf();
  if (reuse.isError) return <Failure error={reuse.error} retry={() => void reuse.refetch()} />;
  if (!reuse.data) return <p className="p-5 text-sm text-muted">Looking for segments that say the same…</p>;
  if (reuse.data.reused.length === 0) return <p className="p-5 text-sm text-muted">No segment says this, or a part of it, already. The rule is worked out from the data.</p>;
  return (
    <ul className="divide-y divide-line">
      {reuse.data.reused.map((found, index) => (
        <li key={index} className="px-5 py-3.5 text-sm">
          <p className="flex items-center gap-2"><span className={found.chosen ? "text-accent" : "text-muted"}><Icon name="bolt" size={14} /></span><span className="font-medium">{nameOf(found.rule_id)}</span><span className={`badge ml-auto ${found.chosen ? "accent" : ""}`}>{found.chosen ? "will be used" : "could be used"}</span></p>
          <p className="mt-1 text-[0.8rem] text-muted">{found.how === "equal" ? "Says exactly" : "Holds everyone of"}: {found.covers.map((path) => { const part = atPointer(document, path); return part === undefined ? path : path.startsWith("/depends_on/") ? nameOf(part) : describe(part, nameOf); }).join("; ") || "the whole rule"}</p>
          {found.reason && <p className="mt-0.5 text-[0.8rem] text-muted">{found.reason}</p>}
        </li>
      ))}
    </ul>
  );
}
