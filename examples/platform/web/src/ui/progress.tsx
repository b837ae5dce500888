// A run under way, with how far it is.
import { shareDone, type Underway } from "../api/activity";
import { ago, plural, short } from "../lib/format";

const STAGES: Record<string, string> = { read: "Reading transactions", store: "Updating the profile store", evaluate: "Working out who belongs", publish: "Publishing" };

export function Progress({ run, waiting }: { run: Underway; waiting: number }) {
  const share = Math.round(100 * shareDone(run));
  const rows = Object.values(run.rows ?? {}).reduce((sum, n) => sum + n, 0);
  const stage = STAGES[run.stage] ?? `${run.stage.charAt(0).toUpperCase()}${run.stage.slice(1)}`;
  return (
    <>
      <div className="mb-2.5 flex flex-wrap items-baseline justify-between gap-x-4 text-sm">
        <p className="font-semibold"><span className="mr-2 inline-block size-2 animate-pulse rounded-full bg-accent" />{stage}{run.progress?.table && <span className="font-normal text-muted"> · {run.progress.table}</span>}</p>
        <p className="text-[0.8rem] text-muted">{run.rules_done} of {plural(run.rules, "rule")}{rows > 0 && ` · ${short(rows)} rows read`}{waiting > 0 && ` · ${waiting} waiting`} · started {ago(run.started_at)}</p>
      </div>
      <div className="bar" role="progressbar" aria-label={stage} aria-valuenow={share} aria-valuemin={0} aria-valuemax={100}><span style={{ width: `${Math.max(2, share)}%` }} /></div>
    </>
  );
}
