// The editor of one condition: what it is about, and then the controls of its kind.
import { useContext, useId } from "react";
import type { Document, Field } from "../api/types";
import { AttributeEditor } from "./attribute";
import { ProblemList, ScopeContext, useProblems, useScopeFields, useTables } from "./context";
import { EventsEditor } from "./events";
import { kindOf, readable, startAttribute, startBucket, startEvents, startSegment, startSequence } from "./language";
import { BucketEditor, SegmentEditor } from "./segment-bucket";
import { SequenceEditor } from "./sequence";

export interface EditorProps { condition: Document; pointer: string | undefined; onChange: (condition: Document) => void }

/** Parts whose own conditions show their problems themselves. */
const NESTED = /\/(where|among)\/|\/sequence\/\d+\/where\//;

export function ConditionEditor({ condition, pointer, onChange }: EditorProps) {
  const kind = kindOf(condition);
  const id = useId();
  const problems = useProblems(pointer).filter((p) => !NESTED.test((p.path ?? "").slice(pointer?.length ?? 0)));
  const editor = { condition, pointer, onChange };
  return (
    <div className="condition" data-kind={kind} aria-describedby={problems.length ? id : undefined}>
      <About condition={condition} onChange={onChange} invalid={problems.some((p) => p.path === `${pointer}/field` && kind === "attribute")} />
      {kind === "attribute" && <AttributeEditor {...editor} />}
      {kind === "events" && <EventsEditor {...editor} />}
      {kind === "segment" && <SegmentEditor {...editor} />}
      {kind === "bucket" && <BucketEditor {...editor} />}
      {kind === "sequence" && <SequenceEditor {...editor} />}
      <ProblemList id={id} problems={problems} />
    </div>
  );
}

/** What the condition is about: a field, what users did, or another segment. */
function About({ condition, onChange, invalid }: { condition: Document; onChange: (condition: Document) => void; invalid: boolean }) {
  const scope = useContext(ScopeContext);
  const tables = useTables();
  const fields = useScopeFields();
  const kind = kindOf(condition);
  const [table] = [...tables.events.keys()];
  const value = kind === "attribute" ? `field:${String(condition.field ?? "")}` : kind;
  const known = kind !== "attribute" || fields.some((f) => value === `field:${f.name}`);
  const choose = (next: string) => {
    const field = fields.find((f) => next === `field:${f.name}`);
    if (field) onChange(startAttribute(field));
    else if (next === "events" && table) onChange(startEvents([...tables.events.keys()]));
    else if (next === "sequence" && table) onChange(startSequence(table));
    else if (next === "segment") onChange(startSegment());
    else if (next === "bucket") onChange(startBucket());
  };
  const options = (list: Field[]) => list.map((f) => <option key={f.name} value={`field:${f.name}`}>{readable(f.name)}</option>);
  return (
    <select className="input about" aria-label="About" aria-invalid={invalid || undefined} value={value} onChange={(e) => choose(e.target.value)}>
      {!known && <option value={value}>{String(condition.field)}</option>}
      {scope.of === "events" ? options(fields) : (
        <>
          <optgroup label="Who they are">{options(tables.users)}</optgroup>
          {tables.traits.length > 0 && <optgroup label="Totals">{options(tables.traits)}</optgroup>}
          {tables.points.length > 0 && <optgroup label="Where they are">{options(tables.points)}</optgroup>}
          {table && <optgroup label="What they did"><option value="events">Transactions…</option><option value="sequence">One thing, then another…</option></optgroup>}
          <optgroup label="More"><option value="segment">Segment</option><option value="bucket">Bucket (random share)</option></optgroup>
        </>
      )}
    </select>
  );
}
