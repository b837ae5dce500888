// Editors of windows of time and of durations.
import type { Document } from "../api/types";
import type { Json } from "../lib/json";

const UNITS = ["second", "minute", "hour", "day", "week", "month", "year"];

export function Duration({ value, label, onChange, zero = false }: { value: Json | undefined; label: string; onChange: (value: string) => void; zero?: boolean }) {
  const [, amount = "", unit = "day"] = /^\s*(\d*)\s*([a-z]*?)s?\s*$/i.exec(String(value ?? "")) ?? [];
  const known = UNITS.includes(unit.toLowerCase()) ? unit.toLowerCase() : "day";
  const write = (n: string, u: string) => onChange(`${n} ${u}${n === "1" ? "" : "s"}`);
  return (
    <span className="flex items-center gap-1.5">
      <input className="input !w-16" inputMode="numeric" aria-label={`${label}, amount`} value={amount} onChange={(e) => write(e.target.value.replace(/\D/g, ""), known)} min={zero ? 0 : 1} />
      <select className="input !w-28" aria-label={`${label}, unit`} value={known} onChange={(e) => write(amount, e.target.value)}>
        {UNITS.map((u) => <option key={u} value={u}>{amount === "1" ? u : `${u}s`}</option>)}
      </select>
    </span>
  );
}

type Form = "none" | "last" | "between" | "calendar" | "dates" | "all";

function formOf(window: Json | undefined): Form {
  if (window === "all") return "all";
  if (!window || typeof window !== "object") return "none";
  return "last" in window ? "last" : "between" in window ? "between" : "calendar" in window ? "calendar" : "dates";
}

const START: Record<Form, Json | undefined> = {
  none: undefined, all: "all", last: { last: "30 days" }, between: { between: ["90 days", "30 days"] }, calendar: { calendar: "this month" },
  dates: { start: `${new Date().getFullYear()}-01-01` },
};

/** `rule`: whether the rule's own dates or all of time may stand, as for events. */
export function WindowEditor({ value, onChange, rule = true, label = "When", invalid }: { value: Json | undefined; onChange: (value: Json | undefined) => void; rule?: boolean; label?: string; invalid?: boolean }) {
  const form = formOf(value);
  const own = (value ?? {}) as Document;
  const edges = Array.isArray(own.between) ? own.between : [];
  const day = (edge: "start" | "end", text: string) => {
    const { [edge]: _old, ...rest } = own;
    onChange(text ? { ...rest, [edge]: text } : rest);
  };
  return (
    <span className="flex flex-wrap items-center gap-2">
      <select className="input !w-auto" aria-label={label} aria-invalid={invalid || undefined} value={form} onChange={(e) => onChange(START[e.target.value as Form])}>
        {rule && <option value="none">in the rule’s dates</option>}
        <option value="last">in the last</option>
        <option value="between">between … ago</option>
        <option value="calendar">in the calendar’s</option>
        <option value="dates">from … to</option>
        {rule && <option value="all">at any time</option>}
      </select>
      {form === "last" && <Duration value={own.last} label={label} onChange={(last) => onChange({ last })} />}
      {form === "between" && (
        <>
          <Duration value={edges[0]} label={`${label}, far edge`} onChange={(far) => onChange({ between: [far, edges[1] ?? "0 days"] })} />
          <span className="text-[0.8rem] text-muted">and</span>
          <Duration zero value={edges[1]} label={`${label}, near edge`} onChange={(near) => onChange({ between: [edges[0] ?? "90 days", near] })} />
          <span className="text-[0.8rem] text-muted">ago</span>
        </>
      )}
      {form === "calendar" && (
        <select className="input !w-auto" aria-label={`${label}, period`} value={String(own.calendar)} onChange={(e) => onChange({ calendar: e.target.value })}>
          {["this", "last"].flatMap((w) => ["day", "week", "month", "quarter", "year"].map((u) => <option key={w + u}>{`${w} ${u}`}</option>))}
        </select>
      )}
      {form === "dates" && (
        <>
          <DateInput value={own.start} label={`${label}, from`} onChange={(t) => day("start", t)} />
          <span className="text-[0.8rem] text-muted">to</span>
          <DateInput value={own.end} label={`${label}, to`} onChange={(t) => day("end", t)} />
        </>
      )}
    </span>
  );
}

/** A day; an instant that was written with a time stays a text. */
export function DateInput({ value, label, onChange, id, invalid }: { value: Json | undefined; label?: string; onChange: (text: string) => void; id?: string; invalid?: boolean }) {
  const text = String(value ?? "");
  const plain = text === "" || /^\d{4}-\d\d-\d\d$/.test(text);
  return <input id={id} className="input !w-44" type={plain ? "date" : "text"} aria-label={label} aria-invalid={invalid || undefined} value={text} onChange={(e) => onChange(e.target.value)} />;
}
