// The versions of a segment, and who came and who left since one of them.
import { useState } from "react";
import { useChanges, useVersions } from "../api/queries";
import { count, dateTime } from "../lib/format";
import { Card } from "../ui/controls";
import { Empty, Loaded } from "../ui/states";

export function Changes({ id }: { id: string }) {
  const versions = useVersions(id);
  const [chosen, setChosen] = useState<number | null>(null);
  const since = chosen ?? versions.data?.at(-2)?.version;
  return (
    <div className="grid items-start gap-5 lg:grid-cols-2">
      <Card title="Versions" flush>
        <Loaded query={versions}>
          {(all) => (
            <div className="max-h-[34rem] overflow-auto">
              <table className="table">
                <thead><tr><th scope="col">Version</th><th scope="col">As of</th><th scope="col" className="number">Users</th><th scope="col" className="number">In / out</th></tr></thead>
                <tbody>
                  {[...all].reverse().map((v, index) => (
                    <tr key={v.version} className={v.version === since ? "bg-accent-soft" : ""}>
                      <td>{index === 0 ? <span className="font-medium">{v.version} <span className="badge accent ml-1">now</span></span> : <button type="button" className="link" aria-pressed={v.version === since} onClick={() => setChosen(v.version)}>{v.version}</button>}</td>
                      <td className="whitespace-nowrap text-soft">{dateTime(v.as_of)}</td>
                      <td className="number font-medium">{count(v.row_count)}</td>
                      <td className="number whitespace-nowrap"><span className="text-ok">+{v.entered}</span> <span className="text-danger">−{v.exited}</span></td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
        </Loaded>
      </Card>
      <Card title={since === undefined ? "Who came and who left" : `Since version ${since}`}>
        {since === undefined ? <Empty icon="history" title="There is one version only">Who enters and who leaves shows after the next refresh.</Empty> : <Since id={id} since={since} />}
      </Card>
    </div>
  );
}

function Since({ id, since }: { id: string; since: number }) {
  const changes = useChanges(id, since);
  return (
    <Loaded query={changes}>
      {(data) => (
        <div className="space-y-6">
          <Keys title="Entered" keys={data.entered} total={data.entered_count} tone="text-ok" />
          <Keys title="Left" keys={data.exited} total={data.exited_count} tone="text-danger" />
        </div>
      )}
    </Loaded>
  );
}

function Keys({ title, keys, total, tone }: { title: string; keys: (number | string)[]; total: number; tone: string }) {
  const shown = keys.slice(0, 120);
  return (
    <section>
      <h3 className="mb-2">{title} <span className={`ml-1 tabular-nums ${tone}`}>{count(total)}</span></h3>
      {shown.length === 0 ? <p className="text-sm text-muted">Nobody.</p> : <ul className="flex flex-wrap gap-1.5">{shown.map((k) => <li key={String(k)} className="badge tabular-nums">{String(k)}</li>)}</ul>}
      {total > shown.length && <p className="hint mt-2">and {count(total - shown.length)} more</p>}
    </section>
  );
}
