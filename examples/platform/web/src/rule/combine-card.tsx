// A rule over other rules' segments, and users who are picked by hand.
import { useId } from "react";
import { parseJson, type Json } from "../lib/json";
import { Card } from "../ui/controls";
import { ProblemList, useProblems } from "./context";
import type { Draft } from "./draft";
import { RulePicker } from "./segment-bucket";
import { Chips } from "./values";

interface Props { draft: Draft; onChange: (change: Partial<Draft>) => void }

const OPERATIONS = [
  { id: "INTERSECTION", label: "in all of them" },
  { id: "UNION", label: "in any of them" },
  { id: "DIFFERENCE", label: "in the first, and in none of the others" },
];

export function CombineCard({ draft, onChange }: Props) {
  const id = useId();
  const problems = { depends: useProblems("/depends_on"), operation: useProblems("/operation"), include: useProblems("/include"), exclude: useProblems("/exclude") };
  return (
    <Card title="Combine and pick">
      <div className="grid gap-5 sm:grid-cols-2">
        <div>
          <span className="label">Combine segments</span>
          <RulePicker label="Combine segments" values={draft.depends_on} invalid={problems.depends.length > 0} onChange={(values) => onChange({ depends_on: values as Draft["depends_on"], operation: values.length === 0 ? "" : draft.operation || "INTERSECTION" })} />
          <ProblemList problems={problems.depends} />
          <p className="hint mt-1.5">The conditions above, if there are any, are one more of them.</p>
        </div>
        {draft.depends_on.length > 0 && (
          <div>
            <label className="label" htmlFor={`${id}-operation`}>Users who are</label>
            <select id={`${id}-operation`} className="input" value={draft.operation.toUpperCase()} aria-invalid={problems.operation.length > 0 || undefined} onChange={(e) => onChange({ operation: e.target.value })}>
              {OPERATIONS.map((o) => <option key={o.id} value={o.id}>{o.label}</option>)}
            </select>
            <ProblemList problems={problems.operation} />
          </div>
        )}
        <Keys label="Always include" values={draft.include} onChange={(include) => onChange({ include })} invalid={problems.include.length > 0}><ProblemList problems={problems.include} /></Keys>
        <Keys label="Always leave out" values={draft.exclude} onChange={(exclude) => onChange({ exclude })} invalid={problems.exclude.length > 0}><ProblemList problems={problems.exclude} /></Keys>
      </div>
    </Card>
  );
}

const keyOf = (text: string): Json => (/^-?(0|[1-9]\d*)$/.test(text) ? parseJson(text) : text);

/** Keys of users; of very many only the number is shown. */
function Keys({ label, values, invalid, onChange, children }: { label: string; values: Json[]; invalid: boolean; onChange: (values: Json[]) => void; children: React.ReactNode }) {
  const shown = values.slice(0, 50);
  return (
    <div>
      <span className="label">{label}</span>
      <Chips label={label} invalid={invalid} items={shown.map((v) => ({ key: String(v), label: String(v) }))} options={[]} onAdd={(texts) => onChange([...values, ...texts.map(keyOf).filter((k) => !values.some((v) => String(v) === String(k)))])} onRemove={(index) => onChange(values.filter((_, i) => i !== index))} />
      {values.length > shown.length && <p className="hint mt-1">and {(values.length - shown.length).toLocaleString("en")} more</p>}
      {children}
    </div>
  );
}
