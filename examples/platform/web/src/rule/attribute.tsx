// A condition on a column or a trait; a trait may be narrowed by its own filter and window.
import { useContext } from "react";
import { Comparison, Nested } from "./comparison";
import type { EditorProps } from "./condition";
import { ConditionsBuilder } from "./builder";
import { ScopeContext, useScopeFields, useTables } from "./context";
import { readable } from "./language";
import { WindowEditor } from "./window";

export function AttributeEditor({ condition, pointer, onChange }: EditorProps) {
  const scope = useContext(ScopeContext);
  const fields = useScopeFields();
  const { traits, events } = useTables();
  const named = String(condition.field ?? "");
  const field = fields.find((f) => f.name === named || `${f.table}.${f.name}` === named);
  const trait = scope.of === "users" && traits.some((t) => t.name === named);
  const { where, window: _window, ...rest } = condition;
  const narrowed = where !== undefined || condition.window !== undefined;
  return (
    <>
      <Comparison condition={condition} pointer={pointer} type={field?.type ?? "string"} field={field} operators={field?.operators} others={fields} name={readable(named)} onChange={onChange} />
      {trait && !narrowed && <button type="button" className="toggle" title="Count only some events, or another time" onClick={() => onChange({ ...condition, window: { last: "30 days" } })}>narrow…</button>}
      {trait && narrowed && (
        <Nested label="counting only what happened" onRemove={() => onChange(rest)}>
          <WindowEditor value={condition.window} onChange={(window) => { const { window: _old, ...others } = condition; onChange(window === undefined ? { ...others, where: where ?? [] } : { ...others, window }); }} />
          <ScopeContext value={{ of: "events", tables: [...events.keys()] }}>
            <ConditionsBuilder label="Events that count" conditions={where} base={`${pointer}/where`} addLabel="Filter" onChange={(next) => onChange({ ...condition, where: next })} />
          </ScopeContext>
        </Nested>
      )}
    </>
  );
}
