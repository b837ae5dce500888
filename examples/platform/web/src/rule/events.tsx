// A condition on what users did: an aggregate of event tables, a filter, a window, and a comparison.
import { useSurroundings, columnsOf, ScopeContext, useProblems, useTables } from "./context";
import { Comparison, Nested } from "./comparison";
import { ConditionsBuilder } from "./builder";
import type { EditorProps } from "./condition";
import { AGGREGATES, base, readable, resultType, tablesOf, withOperator } from "./language";
import { Chips } from "./values";
import { WindowEditor } from "./window";
import type { Document, Field } from "../api/types";

export function EventsEditor({ condition, pointer, onChange }: EditorProps) {
  const tables = useTables();
  const problems = useProblems(pointer);
  const { fields } = useSurroundings();
  const names = tablesOf(condition.events);
  const columns = columnsOf(tables, names);
  const aggregate = String(condition.aggregate ?? "count");
  const field = columns.find((f) => f.name === condition.field);
  const type = resultType(aggregate, field);
  const users = fields.filter((f) => !tables.events.has(f.table ?? "") && f.name !== "segment" && f.name !== "bucket");
  const { where, ...rest } = condition;
  return (
    <>
      <Aggregate condition={condition} columns={columns} invalid={problems.some((p) => p.path === `${pointer}/field` || p.path === `${pointer}/aggregate`)} onChange={onChange} />
      <span className="text-[0.8rem] text-muted">of</span>
      <TablePicker names={names} all={[...tables.events.keys()]} invalid={problems.some((p) => p.path === `${pointer}/events`)} onChange={(events) => onChange({ ...condition, events })} />
      <span className="row-break" />
      <WindowEditor value={condition.window} invalid={problems.some((p) => p.path?.startsWith(`${pointer}/window`))} onChange={(window) => { const { window: _old, ...others } = condition; onChange(window === undefined ? others : { ...others, window }); }} />
      <span className="row-break" />
      <Comparison condition={condition} pointer={pointer} type={type} field={field && type === field.type ? field : undefined} others={users} name="the result" onChange={onChange} />
      {where === undefined ? <button type="button" className="toggle" onClick={() => onChange({ ...condition, where: [] })}>where…</button> : (
        <Nested label="counting only events where" onRemove={() => onChange(rest)}>
          <ScopeContext value={{ of: "events", tables: names }}>
            <ConditionsBuilder label="Events that count" conditions={where} base={`${pointer}/where`} addLabel="Filter" onChange={(next) => onChange({ ...condition, where: next })} />
          </ScopeContext>
        </Nested>
      )}
    </>
  );
}

/** One table, or several that count together. */
export function TablePicker({ names, all, invalid, onChange }: { names: string[]; all: string[]; invalid?: boolean; onChange: (events: string | string[]) => void }) {
  const write = (list: string[]) => onChange(list.length === 1 ? list[0]! : list);
  return (
    <Chips closed label="Events of" invalid={invalid} items={names.map((n) => ({ key: n, label: readable(n) }))} options={all.map((n) => ({ key: n, label: readable(n) }))}
      onAdd={(more) => write([...names, ...more])} onRemove={(index) => write(names.filter((_, i) => i !== index))} />
  );
}

const fits = (field: Field, need: string) => need === "any" || (need === "number" ? base(field.type) === "number" : !["boolean", "list", "point"].includes(base(field.type)));

function Aggregate({ condition, columns, invalid, onChange }: { condition: Document; columns: Field[]; invalid: boolean; onChange: (c: Document) => void }) {
  const current = AGGREGATES.find((a) => a.id === String(condition.aggregate ?? "count")) ?? AGGREGATES[0]!;
  const choices = columns.filter((f) => fits(f, current.field));
  const time = columns.find((f) => base(f.type) === "timestamp" || base(f.type) === "date");
  const days = current.id === "count_distinct" && time;
  const pick = (id: string) => {
    const next = AGGREGATES.find((a) => a.id === id)!;
    const { field, ...rest } = condition;
    const usable = columns.filter((f) => fits(f, next.field));
    const kept = next.field === "none" ? undefined : usable.some((f) => f.name === field) ? field : (usable.find((f) => f.name === "amount") ?? usable[0])?.name;
    const changed: Document = { ...rest, aggregate: id, ...(kept !== undefined && { field: kept }) };
    const column = columns.find((f) => f.name === kept);
    const [was, is] = [resultType(current.id, columns.find((f) => f.name === field)), resultType(id, column)];
    if (base(was) === base(is)) return onChange(changed);
    const { value: _value, valueSource: _source, caseSensitive: _case, ...fresh } = changed;
    onChange(withOperator({ ...fresh, operator: "null" }, base(is) === "number" ? ">=" : "=", is, column));
  };
  return (
    <>
      <select className="input !w-auto" aria-label="Aggregate" value={current.id} onChange={(e) => pick(e.target.value)}>{AGGREGATES.map((a) => <option key={a.id} value={a.id}>{a.label}</option>)}</select>
      {(current.field !== "none" || condition.field !== undefined) && (
        <select className="input !w-auto" aria-label="Of the field" aria-invalid={invalid || undefined} value={String(condition.field ?? "")} onChange={(e) => onChange({ ...condition, field: e.target.value })}>
          {!choices.some((f) => f.name === condition.field) && condition.field !== "time:day" && <option value={String(condition.field ?? "")}>{String(condition.field ?? "Choose a field…")}</option>}
          {choices.map((f) => <option key={f.name} value={f.name}>{readable(f.name)}</option>)}
          {(days || condition.field === "time:day") && <option value="time:day">Days</option>}
        </select>
      )}
    </>
  );
}
