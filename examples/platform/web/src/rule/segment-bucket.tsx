// Conditions on other segments, and on the bucket that a user falls in.
import type { Json } from "../lib/json";
import { Comparison } from "./comparison";
import type { EditorProps } from "./condition";
import { useProblems, useSurroundings } from "./context";
import { Chips } from "./values";

export function SegmentEditor({ condition, pointer, onChange }: EditorProps) {
  const problems = useProblems(pointer);
  const values = Array.isArray(condition.value) ? condition.value : condition.value === undefined || condition.value === null ? [] : [condition.value];
  const operator = String(condition.operator ?? "in");
  const spelled = operator === "=" || operator === "in" ? "in" : "notIn";
  return (
    <>
      <select className="input operator" aria-label="In or not in the segment" value={spelled} onChange={(e) => onChange({ ...condition, operator: e.target.value })}><option value="in">holds the user, one of</option><option value="notIn">does not hold the user, none of</option></select>
      <RulePicker label="Segments" values={values} invalid={problems.some((p) => p.path?.startsWith(`${pointer}/value`))} onChange={(value) => onChange({ ...condition, value })} />
    </>
  );
}

/** Rules by name; ids are what is kept. */
export function RulePicker({ label, values, invalid, onChange }: { label: string; values: Json[]; invalid?: boolean; onChange: (values: Json[]) => void }) {
  const { rules, self } = useSurroundings();
  const nameOf = (value: Json) => rules.find((r) => r.id === value || r.name === value)?.name ?? (typeof value === "number" ? `Rule ${value}` : String(value));
  const chosen = values.map((value) => ({ key: String(rules.find((r) => r.name === value)?.id ?? value), label: nameOf(value) }));
  return (
    <Chips closed label={label} invalid={invalid} items={chosen} options={rules.filter((r) => r.id !== self).map((r) => ({ key: String(r.id), label: r.name }))}
      onAdd={(keys) => onChange([...values, ...keys.map(Number)])} onRemove={(index) => onChange(values.filter((_, i) => i !== index))} />
  );
}

export function BucketEditor({ condition, pointer, onChange }: EditorProps) {
  const { salt, ...rest } = condition;
  return (
    <>
      <Comparison condition={condition} pointer={pointer} type="integer" others={[]} operators={["between", "notBetween", "=", "!=", "<", "<=", ">", ">=", "in", "notIn"]} name="the bucket, 0 to 99" onChange={onChange} />
      <label className="flex items-center gap-2 text-[0.8rem] text-muted">salt<input className="input !w-40" placeholder="the rule’s name" value={String(salt ?? "")} onChange={(e) => onChange(e.target.value ? { ...condition, salt: e.target.value } : rest)} /></label>
    </>
  );
}
