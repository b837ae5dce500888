// A condition on one event after another.
import type { Document } from "../api/types";
import { Icon } from "../ui/icon";
import { ConditionsBuilder } from "./builder";
import { Nested } from "./comparison";
import type { EditorProps } from "./condition";
import { ScopeContext, useTables } from "./context";
import { TablePicker } from "./events";
import { tablesOf } from "./language";
import { Duration, WindowEditor } from "./window";

export function SequenceEditor({ condition, pointer, onChange }: EditorProps) {
  const steps = (Array.isArray(condition.sequence) ? condition.sequence : []) as Document[];
  const tables = [...useTables().events.keys()];
  const set = (sequence: Document[]) => onChange({ ...condition, sequence });
  const change = (index: number, step: Document) => set(steps.map((old, i) => (i === index ? step : old)));
  const move = (index: number, by: number) => {
    const next = [...steps];
    const [step] = next.splice(index, 1);
    next.splice(index + by, 0, step!);
    // The first step has nothing before it that it could be within some time of.
    set(next.map((s, i) => { const { within, ...rest } = s; return i === 0 || within === undefined ? rest : s; }));
  };
  const remove = (index: number) => set(steps.filter((_, i) => i !== index).map((s, i) => { const { within: _within, ...rest } = s; return i === 0 ? rest : s; }));
  return (
    <>
      <select className="input !w-auto" aria-label="Did or did not" value={String(condition.operator ?? "did")} onChange={(e) => onChange({ ...condition, operator: e.target.value })}>
        <option value="did">did, in this order</option><option value="didNot">did not do, in this order</option>
      </select>
      <WindowEditor value={condition.window} onChange={(window) => { const { window: _old, ...rest } = condition; onChange(window === undefined ? rest : { ...rest, window }); }} />
      <ol className="steps">
        {steps.map((step, index) => (
          <li key={index}>
            <div className="flex flex-wrap items-center gap-2">
              <span className="step-number" aria-hidden="true">{index + 1}</span>
              <TablePicker names={tablesOf(step.events)} all={tables} onChange={(events) => change(index, { ...step, events })} />
              {index > 0 && <Within step={step} index={index} onChange={(next) => change(index, next)} />}
              <span className="ml-auto flex">
                <button type="button" className="rq-action" aria-label={`Move step ${index + 1} up`} disabled={index === 0} onClick={() => move(index, -1)}><Icon name="up" size={13} /></button>
                <button type="button" className="rq-action" aria-label={`Move step ${index + 1} down`} disabled={index === steps.length - 1} onClick={() => move(index, 1)}><Icon name="down" size={13} /></button>
                <button type="button" className="rq-action" aria-label={`Remove step ${index + 1}`} disabled={steps.length <= 2} onClick={() => remove(index)}><Icon name="x" size={13} /></button>
              </span>
            </div>
            {step.where === undefined ? <button type="button" className="toggle mt-2 ml-8" onClick={() => change(index, { ...step, where: [] })}>where…</button> : (
              <Nested label="where" onRemove={() => { const { where: _where, ...rest } = step; change(index, rest); }}>
                <ScopeContext value={{ of: "events", tables: tablesOf(step.events) }}>
                  <ConditionsBuilder label={`Filter of step ${index + 1}`} conditions={step.where} base={`${pointer}/sequence/${index}/where`} addLabel="Filter" onChange={(where) => change(index, { ...step, where })} />
                </ScopeContext>
              </Nested>
            )}
          </li>
        ))}
      </ol>
      {steps.length < 10 && <button type="button" className="toggle" onClick={() => set([...steps, { events: steps.at(-1)?.events ?? tables[0] ?? "", within: "7 days" }])}><Icon name="plus" size={12} /> step</button>}
    </>
  );
}

function Within({ step, index, onChange }: { step: Document; index: number; onChange: (step: Document) => void }) {
  const { within, ...rest } = step;
  return (
    <span className="flex flex-wrap items-center gap-2">
      <label className="flex items-center gap-1.5 text-[0.8rem] text-muted"><input type="checkbox" className="check" checked={within !== undefined} onChange={(e) => onChange(e.target.checked ? { ...rest, within: "7 days" } : rest)} />within</label>
      {within !== undefined && <Duration value={within} label={`Time before step ${index + 1}`} onChange={(text) => onChange({ ...step, within: text })} />}
    </span>
  );
}
