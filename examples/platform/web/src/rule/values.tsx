// Editors of single values, ranges and lists, by type.
import { useId, useState } from "react";
import type { Field } from "../api/types";
import { Digits, parseJson, type Json } from "../lib/json";
import { Icon } from "../ui/icon";
import { base } from "./language";

interface Props { value: Json | undefined; type: string; field?: Field; label: string; invalid?: boolean; onChange: (value: Json) => void }

const shown = (value: Json | undefined) => (value === undefined || value === null ? "" : value instanceof Digits ? value.text : typeof value === "object" ? JSON.stringify(value) : String(value));

/** A text as a value of this type; a text that is no number stays one, and the server says what is wrong with it. */
export function typed(text: string, type: string): Json {
  const trimmed = text.trim();
  if (base(type) !== "number" || !/^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(trimmed)) return text;
  return parseJson(trimmed);
}

export function OneValue({ value, type, field, label, invalid, onChange }: Props) {
  const id = useId();
  const [draft, setDraft] = useState<string | null>(null);
  const kind = base(type);
  const common = { className: "input value", "aria-label": label, "aria-invalid": invalid || undefined } as const;
  if (kind === "boolean" && (typeof value === "boolean" || value === undefined)) {
    return (
      <select {...common} value={String(value ?? true)} onChange={(e) => onChange(e.target.value === "true")}>
        <option value="true">yes</option><option value="false">no</option>
      </select>
    );
  }
  if (kind === "date" && (value === undefined || value === "" || /^\d{4}-\d\d-\d\d$/.test(shown(value)))) {
    return <input {...common} type="date" value={shown(value)} onChange={(e) => onChange(e.target.value)} />;
  }
  const values = field?.values ?? [];
  if (kind === "string" && values.length > 0 && values.length <= 30 && values.includes(shown(value))) {
    return (
      <select {...common} value={shown(value)} onChange={(e) => onChange(e.target.value === OTHER ? "" : e.target.value)}>
        {values.map((v) => <option key={v}>{v}</option>)}
        <option value={OTHER}>Something else…</option>
      </select>
    );
  }
  return (
    <>
      <input {...common} type="text" inputMode={kind === "number" ? "decimal" : undefined} list={values.length ? id : undefined} value={draft ?? shown(value)} placeholder={kind === "timestamp" ? "2025-01-31 or 2025-01-31T10:00:00Z" : undefined}
        onChange={(e) => { setDraft(e.target.value); onChange(typed(e.target.value, type)); }} onBlur={() => setDraft(null)} />
      {values.length > 0 && <datalist id={id}>{values.map((v) => <option key={v} value={v} />)}</datalist>}
    </>
  );
}

const OTHER = "\u0000other";

export function RangeValue({ value, onChange, label, ...rest }: Props) {
  const [low, high] = Array.isArray(value) ? value : shown(value).split(",");
  return (
    <span className="flex items-center gap-2">
      <OneValue {...rest} label={`${label}, from`} value={low} onChange={(v) => onChange([v, high ?? ""])} />
      <span className="text-[0.8rem] text-muted">and</span>
      <OneValue {...rest} label={`${label}, to`} value={high} onChange={(v) => onChange([low ?? "", v])} />
    </span>
  );
}

/** A text with commas is a list as well; `\,` is a comma. */
const split = (text: string) => text.split(/(?<!\\),/).map((part) => part.trim().replaceAll("\\,", ",")).filter(Boolean);

export function ListValue({ value, type, field, label, invalid, onChange }: Props) {
  const values: Json[] = Array.isArray(value) ? value : value === undefined || value === "" ? [] : split(shown(value));
  return (
    <Chips label={label} invalid={invalid} items={values.map((v) => ({ key: shown(v), label: shown(v) }))} options={(field?.values ?? []).map((v) => ({ key: v, label: v }))}
      onAdd={(texts) => onChange([...values, ...texts.map((text) => typed(text, type)).filter((v) => !values.some((old) => shown(old) === shown(v)))])}
      onRemove={(index) => onChange(values.filter((_, i) => i !== index))} />
  );
}

interface Chip { key: string; label: string }

/** Chosen things with a field to add more, from options or free. */
export function Chips({ items, options, label, invalid, closed = false, onAdd, onRemove }: { items: Chip[]; options: Chip[]; label: string; invalid?: boolean; closed?: boolean; onAdd: (texts: string[]) => void; onRemove: (index: number) => void }) {
  const id = useId();
  const [text, setText] = useState("");
  const left = options.filter((o) => !items.some((i) => i.key === o.key));
  const add = (raw: string) => {
    const texts = closed ? [raw.trim()] : split(raw);
    const known = closed ? texts.flatMap((t) => left.filter((o) => o.label === t || o.key === t).map((o) => o.key)) : texts;
    if (known.length === 0) return;
    onAdd(known);
    setText("");
  };
  const change = (next: string) => {
    if (left.some((o) => o.label === next) || (!closed && /[^\\],$/.test(next))) add(next);
    else setText(next);
  };
  return (
    <span className="chips" data-invalid={invalid || undefined}>
      {items.map((item, index) => (
        <span key={`${item.key} ${index}`} className="chip">{item.label}<button type="button" aria-label={`Remove ${item.label}`} onClick={() => onRemove(index)}><Icon name="x" size={11} /></button></span>
      ))}
      {closed ? (
        left.length > 0 && (
          <select aria-label={label} value="" onChange={(e) => add(e.target.value)}>
            <option value="">{items.length ? "Add…" : "Choose…"}</option>
            {left.map((o) => <option key={o.key} value={o.key}>{o.label}</option>)}
          </select>
        )
      ) : (
        <input aria-label={`${label}: add a value`} value={text} placeholder={items.length ? "Add…" : "Type and press Enter"} list={left.length ? id : undefined}
          onChange={(e) => change(e.target.value)} onBlur={() => add(text)}
          onKeyDown={(e) => {
            if (e.key === "Enter") { e.preventDefault(); add(text); }
            if (e.key === "Backspace" && text === "" && items.length) onRemove(items.length - 1);
          }} />
      )}
      {!closed && left.length > 0 && <datalist id={id}>{left.map((o) => <option key={o.key} value={o.label} />)}</datalist>}
    </span>
  );
}
