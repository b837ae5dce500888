// The conditions as text beside the builder; what is changed in either shows in the other.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useId, useRef, useState } from "react";
import { ApiError, call } from "../api/client";
import type { Document } from "../api/types";
import { writeJson, type Json } from "../lib/json";
import { useSettled } from "./use-live";

interface Props { conditions: Json; document: Document; onChange: (conditions: Json) => void }

export function TextForm({ conditions, document, onChange }: Props) {
  const [as, setAs] = useState<"text" | "json">("text");
  return (
    <>
      <div className="mb-3 flex items-center justify-between gap-2">
        <p className="hint">{as === "text" ? "Edit here or in the builder." : "What is saved."}</p>
        <div className="segmented" role="group" aria-label="Show as"><button type="button" aria-pressed={as === "text"} onClick={() => setAs("text")}>Text</button><button type="button" aria-pressed={as === "json"} onClick={() => setAs("json")}>JSON</button></div>
      </div>
      {as === "text" ? <TextEditor conditions={conditions} onChange={onChange} /> : <pre tabIndex={0} aria-label="The rule as JSON" className="code max-h-96 overflow-auto rounded-lg bg-sunken p-3">{writeJson(document, 2)}</pre>}
    </>
  );
}

function TextEditor({ conditions, onChange }: Omit<Props, "document">) {
  const id = useId();
  const [draft, setDraft] = useState<string | null>(null);
  const [problem, setProblem] = useState<{ message: string; hint?: string } | null>(null);
  const key = writeJson(conditions);
  const settled = useSettled(conditions, key, 300);
  const written = useQuery<string>({
    queryKey: ["live", "text", writeJson(settled)], retry: false, staleTime: Infinity, placeholderData: keepPreviousData,
    queryFn: ({ signal }) => call<{ text: string }>("/rules/text", { method: "POST", body: { conditions: settled }, signal }).then((a) => a.text),
  });
  const latest = useRef(onChange);
  latest.current = onChange;
  useEffect(() => {
    if (draft === null) return;
    const stop = new AbortController();
    const timer = setTimeout(async () => {
      try {
        const answer = draft.trim() === "" ? { conditions: [] } : await call<{ conditions: Json }>("/rules/text", { method: "POST", body: { text: draft }, signal: stop.signal, exact: true });
        setProblem(null);
        latest.current(answer.conditions);
      } catch (error) {
        if (!stop.signal.aborted) setProblem({ message: error instanceof Error ? error.message : String(error), hint: error instanceof ApiError ? error.hint : undefined });
      }
    }, 500);
    return () => { clearTimeout(timer); stop.abort(); };
  }, [draft]);
  // Changes of the builder show as soon as nothing is typed here any more.
  const leave = () => { if (!problem) setDraft(null); };
  return (
    <>
      <label htmlFor={id} className="sr-only">The conditions as text</label>
      <textarea id={id} rows={7} spellCheck={false} className="input code" placeholder="city_tier = 1 and total_spend > 10000" value={draft ?? written.data ?? ""} aria-invalid={problem ? true : undefined} aria-describedby={problem ? `${id}-problem` : undefined}
        onChange={(e) => setDraft(e.target.value)} onBlur={leave} />
      {problem && (
        <div id={`${id}-problem`} role="alert" className="mt-2 rounded-lg bg-danger-soft p-3 text-[0.8rem] text-danger">
          <pre className="code overflow-auto whitespace-pre">{problem.message}</pre>
          {problem.hint && <p className="mt-1">{problem.hint}</p>}
          <button type="button" className="button small mt-2" onClick={() => { setDraft(null); setProblem(null); }}>Take back</button>
        </div>
      )}
      {written.isError && !problem && draft === null && <p className="problem">These conditions can’t be written as text while they have problems.</p>}
    </>
  );
}
