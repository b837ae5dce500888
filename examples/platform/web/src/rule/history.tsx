// The wordings that a rule had, and a way back to each.
import { useState } from "react";
import { useRuleHistory } from "../api/queries";
import type { Document } from "../api/types";
import { ago, dateTime } from "../lib/format";
import { writeJson } from "../lib/json";
import { Card } from "../ui/controls";
import { Loaded } from "../ui/states";

export function RuleHistory({ id, onRestore }: { id: number; onRestore: (wording: Document) => void }) {
  const history = useRuleHistory(id);
  const [open, setOpen] = useState<number | null>(null);
  return (
    <Card title="Wordings" flush>
      <Loaded query={history} rows={2}>
        {(wordings) => (
          <ul className="divide-y divide-line">
            {[...wordings].reverse().map((w, index) => (
              <li key={w.version} className="px-5 py-3 text-sm">
                <div className="flex flex-wrap items-center gap-3">
                  <span className="font-medium">Version {w.version}</span><span className="text-muted" title={dateTime(w.at)}>{ago(w.at)}</span>{index === 0 && <span className="badge accent">current</span>}
                  <span className="ml-auto flex gap-2">
                    <button type="button" className="button quiet small" aria-expanded={open === w.version} onClick={() => setOpen(open === w.version ? null : w.version)}>{open === w.version ? "Hide" : "Show"}</button>
                    {index > 0 && w.document && <button type="button" className="button small" onClick={() => onRestore(w.document!)}>Take into the form</button>}
                  </span>
                </div>
                {open === w.version && w.document && <pre className="code mt-2 max-h-80 overflow-auto rounded-lg bg-sunken p-3">{writeJson(w.document, 2)}</pre>}
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </Card>
  );
}
