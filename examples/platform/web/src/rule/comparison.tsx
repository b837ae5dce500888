// Operator and value, for whatever has a type: a column, a trait, or the result of an aggregate.
import type { Document, Field } from "../api/types";
import { Digits, type Json } from "../lib/json";
import { ConditionsBuilder } from "./builder";
import { ScopeContext, useProblems } from "./context";
import { base, OPERATORS, operatorsOf, readable, shapeOf, withOperator } from "./language";
import { PlaceEditor } from "./place";
import { ListValue, OneValue, RangeValue, typed } from "./values";
import { WindowEditor } from "./window";

interface Props {
  condition: Document;
  pointer: string | undefined;
  type: string;
  field?: Field;
  operators?: string[];
  /** Fields that the value may be, of a fitting type. */
  others: Field[];
  name: string;
  onChange: (condition: Document) => void;
}

export function Comparison({ condition, pointer, type, field, operators = operatorsOf(type), others, name, onChange }: Props) {
  const operator = String(condition.operator ?? "=");
  const problems = useProblems(pointer);
  const at = (member: string) => problems.some((p) => p.path === `${pointer}/${member}` || p.path?.startsWith(`${pointer}/${member}/`));
  const shape = shapeOf(operator);
  const set = (value: Json | undefined) => onChange({ ...condition, value: value as Json });
  const fitting = others.filter((f) => f.name !== condition.field && comparable(f.type, type));
  const byField = condition.valueSource === "field";
  const editor = { value: condition.value, type, field, label: `Value of ${name}`, invalid: at("value"), onChange: set };
  return (
    <>
      <select className="input operator" aria-label={`Operator of ${name}`} aria-invalid={at("operator") || undefined} value={operator} onChange={(e) => onChange(withOperator(condition, e.target.value, type, field))}>
        {!operators.includes(operator) && <option value={operator}>{OPERATORS[operator] ?? operator}</option>}
        {operators.map((o) => <option key={o} value={o}>{OPERATORS[o] ?? o}</option>)}
      </select>
      {byField ? <FieldValue condition={condition} shape={shape} others={fitting} name={name} invalid={at("value")} onChange={onChange} />
        : shape === "one" ? <OneValue {...editor} />
        : shape === "range" ? <RangeValue {...editor} />
        : shape === "list" ? <ListValue {...editor} />
        : shape === "window" ? <WindowEditor value={condition.value} rule={false} label={`Period of ${name}`} invalid={at("value")} onChange={set} />
        : shape === "place" ? <PlaceEditor value={condition.value} onChange={set} />
        : shape === "rank" ? <RankEditor condition={condition} pointer={pointer} name={name} onChange={onChange} /> : null}
      <Options condition={condition} type={type} shape={shape} canCompare={fitting.length > 0} fallback={fitting[0]?.name} onChange={onChange} />
    </>
  );
}

const comparable = (a: string, b: string) => (base(a) === "date" || base(a) === "timestamp" ? a === b : base(a) === base(b));

function FieldValue({ condition, shape, others, name, invalid, onChange }: { condition: Document; shape: string; others: Field[]; name: string; invalid: boolean; onChange: (c: Document) => void }) {
  const chosen = Array.isArray(condition.value) ? condition.value.map(String) : [String(condition.value ?? "")];
  const pick = (index: number, value: string) => {
    const next = [...chosen];
    next[index] = value;
    onChange({ ...condition, value: Array.isArray(condition.value) || shape === "range" ? next : value });
  };
  return (
    <>
      {(shape === "range" ? [0, 1] : chosen.map((_, i) => i)).map((index) => (
        <select key={index} className="input value" aria-label={`Field that ${name} is compared with`} aria-invalid={invalid || undefined} value={chosen[index] ?? ""} onChange={(e) => pick(index, e.target.value)}>
          {!others.some((f) => f.name === chosen[index]) && <option value={chosen[index] ?? ""}>{chosen[index] || "Choose a field…"}</option>}
          {others.map((f) => <option key={f.name} value={f.name}>{readable(f.name)}</option>)}
        </select>
      ))}
    </>
  );
}

/** Small switches that few conditions need: comparing with a field, and upper and lower case. */
function Options({ condition, type, shape, canCompare, fallback, onChange }: { condition: Document; type: string; shape: string; canCompare: boolean; fallback?: string; onChange: (c: Document) => void }) {
  const byField = condition.valueSource === "field";
  const folds = ["string", "list"].includes(base(type)) && ["one", "list", "range"].includes(shape);
  const compare = () => {
    const { valueSource: _source, value: _value, ...rest } = condition;
    onChange(byField ? withOperator({ ...rest, operator: "null" }, String(condition.operator ?? "="), type) : { ...condition, valueSource: "field", value: fallback ?? "" });
  };
  const fold = () => {
    const { caseSensitive, ...rest } = condition;
    onChange(caseSensitive === false ? rest : { ...rest, caseSensitive: false });
  };
  return (
    <>
      {(byField || (canCompare && shape === "one")) && <button type="button" className="toggle" aria-pressed={byField} title="Compare with another field" onClick={compare}>field</button>}
      {folds && <button type="button" className="toggle" aria-pressed={condition.caseSensitive === false} title="Upper and lower case are the same" onClick={fold}>Aa</button>}
    </>
  );
}

function RankEditor({ condition, pointer, name, onChange }: { condition: Document; pointer: string | undefined; name: string; onChange: (c: Document) => void }) {
  const value = (condition.value ?? {}) as Document;
  const unit = value.count !== undefined ? "count" : "percent";
  const amount = value[unit];
  const set = (text: string, as: string) => onChange({ ...condition, value: { [as]: typed(text, "number") } });
  const { among, ...rest } = condition;
  return (
    <>
      <input className="input !w-24" inputMode="decimal" aria-label={`How much of ${name}`} value={amount instanceof Digits ? amount.text : String(amount ?? "")} onChange={(e) => set(e.target.value, unit)} />
      <select className="input !w-28" aria-label="Percent or users" value={unit} onChange={(e) => set(String(amount ?? ""), e.target.value)}><option value="percent">percent</option><option value="count">users</option></select>
      {among === undefined ? <button type="button" className="toggle" onClick={() => onChange({ ...condition, among: [] })}>among…</button> : (
        <Nested label="among users for whom" onRemove={() => onChange(rest)}>
          <ScopeContext value={{ of: "users" }}><ConditionsBuilder label={`Users among whom ${name} is ranked`} conditions={among} base={`${pointer}/among`} onChange={(next) => onChange({ ...condition, among: next })} /></ScopeContext>
        </Nested>
      )}
    </>
  );
}

export function Nested({ label, onRemove, children }: { label: string; onRemove: () => void; children: React.ReactNode }) {
  return (
    <div className="nested">
      <div className="flex items-center justify-between"><span className="text-[0.8rem] text-muted">{label}</span><button type="button" className="text-[0.8rem] text-muted hover:text-danger" aria-label={`Remove “${label}”`} onClick={onRemove}>Remove</button></div>
      {children}
    </div>
  );
}
