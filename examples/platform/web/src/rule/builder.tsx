// Groups of conditions: react-querybuilder with our own controls, at the top of a rule and inside of conditions.
import { useContext, useId, useMemo, useRef, useState } from "react";
import { QueryBuilder, type Path, type RuleType, type ValueEditorProps } from "react-querybuilder";
import { sameJson, type Json } from "../lib/json";
import { controls } from "./builder-controls";
import { ConditionEditor } from "./condition";
import { PointersContext, useScopeFields } from "./context";
import { fromForm, pointers, toForm, type FormGroup, type FormRule } from "./document";
import { DragHandle, useDrag } from "./drag";
import { startAttribute } from "./language";

const FIELDS = [{ name: "condition", label: "Condition" }];
const TRANSLATIONS = {
  addRule: { title: "Add a condition" }, addGroup: { title: "Add a group" }, removeRule: { title: "Remove this condition" }, removeGroup: { title: "Remove this group" },
  cloneRule: { title: "Duplicate this condition" }, cloneRuleGroup: { title: "Duplicate this group" }, muteRule: { title: "Leave this condition out" }, unmuteRule: { title: "Take this condition in again" },
  muteGroup: { title: "Leave this group out" }, unmuteGroup: { title: "Take this group in again" }, shiftActionUp: { title: "Move up" }, shiftActionDown: { title: "Move down" },
};

function Editor({ rule, value, path, handleOnChange }: ValueEditorProps) {
  const places = useContext(PointersContext);
  return (
    <>
      <DragHandle path={path} />
      <ConditionEditor condition={value as FormRule["value"]} pointer={places.get(rule.id ?? "")} onChange={handleOnChange} />
    </>
  );
}

const ELEMENTS = { ...controls, fieldSelector: null, operatorSelector: null, valueSourceSelector: null, valueEditor: Editor };

interface BuilderProps { query: FormGroup; base: string; label: string; addLabel?: string; onChange: (query: FormGroup) => void }

export function Builder({ query, base, label, addLabel = "Condition", onChange }: BuilderProps) {
  const fields = useScopeFields();
  const id = useId();
  const places = useMemo(() => pointers(query, base), [query, base]);
  const drag = useDrag(id, query, onChange);
  const first = fields.find((f) => f.name === "city") ?? fields.find((f) => f.name === "category") ?? fields.find((f) => f.type === "string" && f.values) ?? fields[0];
  const begin = (rule: RuleType): RuleType => ({ ...rule, value: first ? startAttribute(first) : { field: "", operator: "=", value: "" } });
  return (
    <PointersContext value={places}>
      <div className="builder" role="group" aria-label={label} data-builder={id} {...drag}>
        <QueryBuilder
          fields={FIELDS} query={query as never} onQueryChange={(next: unknown) => onChange(next as FormGroup)} controlElements={ELEMENTS as never} context={{ addLabel }} translations={TRANSLATIONS}
          onAddRule={(rule: RuleType, _path: Path) => begin(rule)} showNotToggle showCloneButtons showMuteButtons showShiftActions resetOnFieldChange={false} resetOnOperatorChange={false} listsAsArrays suppressStandardClassnames={false}
        />
      </div>
    </PointersContext>
  );
}

/** A builder for conditions inside of a condition, which are kept as the document has them. */
export function ConditionsBuilder({ conditions, onChange, ...rest }: Omit<BuilderProps, "query" | "onChange"> & { conditions: Json | undefined; onChange: (conditions: Json) => void }) {
  const [query, setQuery] = useState(() => toForm(conditions));
  const written = useRef<Json | undefined>(conditions);
  let shown = query;
  // Changed from elsewhere, by the text form or by a drag: read anew. What was written here keeps its ids, and the focus.
  if (!sameJson(written.current, conditions)) {
    written.current = conditions;
    shown = toForm(conditions);
    setQuery(shown);
  }
  const change = (next: FormGroup) => {
    setQuery(next);
    const document = fromForm(next);
    if (sameJson(document, written.current)) return;
    written.current = document;
    onChange(document);
  };
  return <Builder query={shown} onChange={change} {...rest} />;
}
