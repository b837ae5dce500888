// What one run did: its segments, what failed, what it read, and where the time went.
import { Link } from "react-router";
import { useRuleNames, useRun } from "../api/queries";
import type { Run } from "../api/types";
import { count, percent, plural, seconds } from "../lib/format";
import { readable } from "../rule/language";
import { Loaded } from "../ui/states";

export function Report({ id }: { id: number }) {
  const run = useRun(id);
  return <Loaded query={run} rows={4}>{(data) => <Body run={data} />}</Loaded>;
}

function Body({ run }: { run: Run }) {
  const names = useRuleNames();
  const stages = Object.entries(run.stages).sort((a, b) => b[1] - a[1]);
  const sum = Math.max(0.001, stages.reduce((total, [, s]) => total + s, 0));
  return (
    <div className="grid gap-6 p-5 lg:grid-cols-[minmax(0,1.6fr)_minmax(0,1fr)]">
      <div className="min-w-0">
        <h3 className="mb-2">Segments</h3>
        <ul className="space-y-2">
          {run.segments.map((s) => {
            const used = s.reused.filter((r) => r.chosen);
            return (
              <li key={s.rule_id} className="rounded-lg border border-line bg-surface px-3.5 py-2.5">
                <div className="flex flex-wrap items-baseline gap-x-3"><Link className="link" to={`/rules/edit/${s.rule_id}`}>{s.segment_name}</Link><span className="tabular-nums">{count(s.row_count)}</span><span className="text-[0.8rem] text-ok">+{count(s.entered)}</span><span className="text-[0.8rem] text-danger">−{count(s.exited)}</span>{s.unmatched > 0 && <span className="text-[0.8rem] text-muted">{plural(s.unmatched, "picked key")} not among the users</span>}</div>
                {used.map((r, i) => <p key={i} className="mt-0.5 text-[0.8rem] text-muted">Reused “{names.data?.find((n) => n.id === r.rule_id)?.name ?? `Rule ${r.rule_id}`}”: {r.reason}</p>)}
              </li>
            );
          })}
        </ul>
        {[...run.failed.map((f) => ({ ...f, reason: f.problems.map((p) => p.message).join("; "), bad: true })), ...run.skipped.map((s) => ({ ...s, bad: false }))].map((f) => (
          <p key={f.rule_id} className="mt-2 rounded-lg border border-line bg-surface px-3.5 py-2.5"><span className={`badge mr-2 ${f.bad ? "danger" : "warn"}`}>{f.bad ? "failed" : "skipped"}</span><Link className="link" to={`/rules/edit/${f.rule_id}`}>{f.rule_name}</Link><span className="block text-[0.8rem] text-muted">{f.reason}</span></p>
        ))}
      </div>
      <div className="min-w-0 space-y-6">
        <section>
          <h3 className="mb-2">Where the {seconds(run.seconds)} went</h3>
          <ul className="space-y-2">{stages.map(([name, s]) => <li key={name} className="text-[0.8rem]"><div className="mb-0.5 flex justify-between"><span className="text-soft">{readable(name)}</span><span className="text-muted tabular-nums">{seconds(s)} · {percent(s, sum, 0)}</span></div><div className="bar"><span style={{ width: `${(100 * s) / sum}%` }} /></div></li>)}</ul>
        </section>
        <section>
          <h3 className="mb-2">Read</h3>
          <dl className="grid grid-cols-[1fr_auto] gap-y-1 text-[0.8rem]">
            {Object.entries(run.scanned).map(([source, rows]) => <div key={source} className="contents"><dt className="text-soft">{readable(source)}</dt><dd className="tabular-nums">{count(rows)} rows</dd></div>)}
            <dt className="text-soft">Users looked at</dt><dd className="tabular-nums">{count(run.users_evaluated)}</dd>
          </dl>
        </section>
      </div>
    </div>
  );
}
