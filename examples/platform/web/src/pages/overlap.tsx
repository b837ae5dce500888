// What chosen segments share: circles for two or three, and a matrix for any number.
import { useState } from "react";
import { useOverlap } from "../api/queries";
import type { Overlap, SegmentEntry } from "../api/types";
import { COLORS } from "../chart/series";
import { venn } from "../chart/venn";
import { count, percent } from "../lib/format";
import { Card } from "../ui/controls";
import { Icon } from "../ui/icon";
import { Loaded } from "../ui/states";

export default function OverlapPanel({ segments, onClose }: { segments: SegmentEntry[]; onClose: () => void }) {
  const overlap = useOverlap(segments.map((s) => s.rule_id));
  return (
    <Card className="mb-6" title={`What ${segments.length} segments share`} aside={<button type="button" className="button quiet icon small" onClick={onClose} aria-label="Close the comparison"><Icon name="x" /></button>}>
      <Loaded query={overlap} rows={6}>
        {(data) => (
          <div className={data.segments.length <= 3 ? "grid gap-8 lg:grid-cols-[minmax(0,1fr)_minmax(0,1.3fr)]" : ""}>
            {data.segments.length <= 3 && <Venn overlap={data} />}
            <Matrix overlap={data} />
          </div>
        )}
      </Loaded>
    </Card>
  );
}

const shared = (overlap: Overlap, a: number, b: number) => overlap.pairs.find((p) => (p.first === a && p.second === b) || (p.first === b && p.second === a));

function Venn({ overlap }: { overlap: Overlap }) {
  const { circles, box } = venn(overlap);
  return (
    <figure>
      <svg viewBox={`${box.x} ${box.y} ${box.width} ${box.height}`} className="mx-auto block max-h-72 w-full" role="img" aria-label={circles.map((c) => `${c.name}, ${c.size} users`).join("; ")}>
        {circles.map((c, i) => <circle key={c.name} cx={c.x} cy={c.y} r={Math.max(c.r, 1.5)} fill={COLORS[i]} fillOpacity="0.22" stroke={COLORS[i]} strokeWidth="1.2" />)}
      </svg>
      <figcaption className="mt-3 space-y-1.5 text-[0.8rem] text-soft">
        {circles.map((c, i) => <p key={c.name} className="flex items-center gap-2"><span className="size-2.5 shrink-0 rounded-full" style={{ background: COLORS[i] }} /><span className="min-w-0 flex-1 truncate">{c.name}</span><span className="tabular-nums">{count(c.size)}</span></p>)}
        {circles.length === 3 && <p className="text-muted">Areas of circles and of each pair’s overlap are to scale; what all three share is not.</p>}
      </figcaption>
    </figure>
  );
}

function Matrix({ overlap }: { overlap: Overlap }) {
  const [as, setAs] = useState<"users" | "share" | "jaccard">("users");
  return (
    <div className="min-w-0">
      <div className="segmented mb-3" role="group" aria-label="Show">
        {([["users", "Users"], ["share", "Share of row"], ["jaccard", "Similarity"]] as const).map(([id, label]) => <button key={id} type="button" aria-pressed={as === id} onClick={() => setAs(id)}>{label}</button>)}
      </div>
      <div className="overflow-x-auto">
        <table className="w-full border-separate border-spacing-[3px] text-[0.8rem]">
          <thead><tr><td />{overlap.segments.map((s) => <th key={s.rule_id} scope="col" className="max-w-28 px-1 pb-1 text-left align-bottom font-medium text-muted">{s.segment_name}</th>)}</tr></thead>
          <tbody>
            {overlap.segments.map((row) => (
              <tr key={row.rule_id}>
                <th scope="row" className="max-w-44 min-w-28 pr-2 text-left font-medium">{row.segment_name}</th>
                {overlap.segments.map((column) => {
                  const own = row.rule_id === column.rule_id;
                  const pair = shared(overlap, row.rule_id, column.rule_id);
                  const users = own ? row.row_count : (pair?.count ?? 0);
                  const share = as === "jaccard" ? (own ? 1 : (pair?.jaccard ?? 0)) : row.row_count > 0 ? users / row.row_count : 0;
                  return (
                    <td key={column.rule_id} className="h-10 min-w-16 rounded-md px-2 text-center tabular-nums" style={{ background: own ? "var(--sunken)" : `color-mix(in srgb, var(--accent) ${Math.round(6 + share * 44)}%, var(--surface))` }}>
                      {as === "users" ? count(users) : as === "share" ? percent(users, row.row_count) : share.toFixed(2)}
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
