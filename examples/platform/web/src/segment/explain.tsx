// Why one user is in a segment or not: the conditions as a tree, each with what the user has and what it needs.
import { useState } from "react";
import { useExplain, useRule, useRuleNames } from "../api/queries";
import type { Explained, Explanation } from "../api/types";
import { cell, dateTime, day } from "../lib/format";
import { parseJson } from "../lib/json";
import { describe } from "../rule/describe";
import { Card } from "../ui/controls";
import { Icon } from "../ui/icon";
import { Loaded } from "../ui/states";

export function Explain({ id, name, ruleId }: { id: string; name: string; ruleId: number }) {
  const [text, setText] = useState("");
  const [key, setKey] = useState<string | null>(null);
  const explanation = useExplain(id, key);
  return (
    <Card title="Why is this user in, or not?">
      <form className="flex max-w-lg items-end gap-2" onSubmit={(e) => { e.preventDefault(); setKey(text.trim() || null); }}>
        <div className="flex-1"><label className="label" htmlFor="user-key">User’s key</label><input id="user-key" className="input" value={text} placeholder="for example 17" onChange={(e) => setText(e.target.value)} /></div>
        <button type="submit" className="button primary" disabled={!text.trim()}>Explain</button>
      </form>
      {key !== null && <div className="mt-6"><Loaded query={explanation} rows={4}>{(data) => <Answer explanation={data} name={name} ruleId={ruleId} />}</Loaded></div>}
    </Card>
  );
}

function Answer({ explanation, name, ruleId }: { explanation: Explanation; name: string; ruleId: number }) {
  const names = useRuleNames();
  const rule = useRule(String(ruleId));
  const nameOf = (value: unknown) => names.data?.find((r) => r.id === value)?.name ?? String(value);
  return (
    <>
      <p className="mb-4 flex flex-wrap items-center gap-2 text-sm" role="status">
        <span className={`badge ${explanation.member ? "ok" : "danger"}`}><Icon name={explanation.member ? "check" : "x"} size={12} />{explanation.member ? "In" : "Not in"}</span>
        <span>User <b>{String(explanation.key)}</b> is {explanation.member ? "" : "not "}in “{name}” <span className="text-muted">as of {dateTime(explanation.as_of)}</span></span>
        {explanation.included && <span className="badge accent">picked by hand</span>}
        {explanation.excluded && <span className="badge warn">left out by hand</span>}
      </p>
      {explanation.root && rule.data && <ul><Node node={explanation.root} nameOf={nameOf} /></ul>}
    </>
  );
}

const GROUPS: Record<string, string> = { and: "All of", or: "Any of", "not and": "Not all of", "not or": "None of", INTERSECTION: "In all of", UNION: "In any of", DIFFERENCE: "In the first, and in none of the others" };

function words(node: Explained, nameOf: (value: unknown) => string): string {
  if (GROUPS[node.kind]) return GROUPS[node.kind]!;
  try {
    return describe(parseJson(node.text), nameOf);
  } catch {
    return node.text;
  }
}

function Node({ node, nameOf }: { node: Explained; nameOf: (value: unknown) => string }) {
  const group = (node.parts?.length ?? 0) > 0;
  return (
    <li className="mt-2 text-sm">
      <div className={`flex items-start gap-3 rounded-lg border border-line px-3.5 py-2.5 ${group ? "bg-raised" : "bg-surface"}`}>
        <span className={`mt-0.5 grid size-5 shrink-0 place-items-center rounded-full ${node.holds ? "bg-ok-soft text-ok" : "bg-danger-soft text-danger"}`}><Icon name={node.holds ? "check" : "x"} size={12} /><span className="sr-only">{node.holds ? "holds" : "does not hold"}</span></span>
        <div className="min-w-0 flex-1">
          <p className="font-medium break-words">{words(node, nameOf)}</p>
          {!group && (
            <p className="mt-0.5 text-[0.8rem] break-words text-muted">
              {node.value !== undefined && node.value !== null ? <>has <b className="font-semibold text-soft">{cell(node.value)}</b></> : node.kind === "condition" ? "has no value" : null}
              {node.cutoff !== undefined && node.cutoff !== null && <> · the edge is {cell(node.cutoff)}</>}
              {node.window && <> · {node.window.start ? `from ${day(node.window.start)}` : "until"} {node.window.end ? `${node.window.start ? "to " : ""}${day(node.window.end)}` : "on"}</>}
            </p>
          )}
        </div>
      </div>
      {group && <ul className="ml-4 border-l border-line pl-4">{node.parts!.map((part) => <Node key={part.path + part.kind + part.text} node={part} nameOf={nameOf} />)}</ul>}
    </li>
  );
}
