// The history of runs, those under way first, and a run's report.
import { Fragment } from "react";
import { Link, useSearchParams } from "react-router";
import { isUnderway, useStatus } from "../api/activity";
import { useRuleNames, useRuns } from "../api/queries";
import type { AskedRun, Run } from "../api/types";
import { ago, count, dateTime, plural, seconds, short } from "../lib/format";
import { useListing } from "../lib/use-listing";
import { Asked } from "../run/asked";
import { Report } from "../run/report";
import { Card, PageHeader, Pages } from "../ui/controls";
import { Icon } from "../ui/icon";
import { Empty, Loaded } from "../ui/states";
import { Progress } from "../ui/progress";

export default function Runs() {
  const { listing, setPage } = useListing(12);
  const runs = useRuns(listing);
  const status = useStatus();
  const asked = runs.data?.asked ?? [];
  const [now, over] = [asked.filter(isUnderway), asked.filter((r) => !isUnderway(r))];
  const scheduled = status.data?.running && !now.some((r) => r.state === "running");
  return (
    <>
      <PageHeader title="Runs" lead="Each run works its rules out at one instant, and publishes all of their segments together." />
      {(now.length > 0 || scheduled) && (
        <Card className="mb-5" title="Under way" flush>
          {scheduled && status.data?.running && <div className="px-5 py-4"><Progress run={status.data.running} waiting={status.data.waiting} /></div>}
          <ul className="divide-y divide-line">{now.map((run) => <Asked key={run.id} run={run} />)}</ul>
        </Card>
      )}
      {over.length > 0 && listing.page === 1 && <Unpublished runs={over.slice(0, 5)} />}
      <Card title="Published" flush>
        <Loaded query={runs} rows={8}>
          {(page) =>
            page.items.length === 0 ? <Empty icon="runs" title="Nothing has run yet" action={<Link className="button primary" to="/rules">To the rules</Link>}>Run a rule, or give one a schedule.</Empty> : (
              <><RunTable runs={page.items} /><Pages {...page} noun="run" onPage={setPage} /></>
            )
          }
        </Loaded>
      </Card>
    </>
  );
}

function RunTable({ runs }: { runs: Run[] }) {
  const [params, setParams] = useSearchParams();
  const open = Number(params.get("run")) || null;
  const toggle = (id: number) => setParams((old) => { if (open === id) old.delete("run"); else old.set("run", String(id)); return old; }, { replace: true });
  return (
    <div className="overflow-x-auto">
      <table className="table">
        <thead><tr><th scope="col">Run</th><th scope="col" className="max-sm:hidden">As of</th><th scope="col">Segments</th><th scope="col" className="number">Duration</th><th scope="col" className="number max-md:hidden">Rows read</th><th scope="col" className="number max-md:hidden">Reused</th><th scope="col"><span className="sr-only">Report</span></th></tr></thead>
        <tbody>
          {runs.map((run) => (
            <Fragment key={run.id}>
              <tr>
                <td><button type="button" className="link" aria-expanded={open === run.id} onClick={() => toggle(run.id)}>Run {run.id}</button></td>
                <td className="whitespace-nowrap text-soft max-sm:hidden" title={dateTime(run.as_of)}>{dateTime(run.as_of)}</td>
                <td>{plural(run.segments.length, "segment")}{run.failed.length > 0 && <span className="badge danger ml-2">{run.failed.length} failed</span>}{run.skipped.length > 0 && <span className="badge warn ml-2">{run.skipped.length} skipped</span>}</td>
                <td className="number whitespace-nowrap">{seconds(run.seconds)}</td>
                <td className="number max-md:hidden">{short(Object.values(run.scanned).reduce((a, b) => a + b, 0))}</td>
                <td className="number max-md:hidden">{count(run.segments.filter((s) => s.reused.some((r) => r.chosen)).length)}</td>
                <td className="text-right"><button type="button" className="button quiet icon small" aria-label={`${open === run.id ? "Close" : "Open"} the report of run ${run.id}`} onClick={() => toggle(run.id)}><Icon name={open === run.id ? "up" : "down"} size={14} /></button></td>
              </tr>
              {open === run.id && <tr className="!bg-raised"><td colSpan={7} className="!p-0"><Report id={run.id} /></td></tr>}
            </Fragment>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Unpublished({ runs }: { runs: AskedRun[] }) {
  const names = useRuleNames();
  return (
    <Card className="mb-5" title="Published nothing" flush>
      <ul className="divide-y divide-line">
        {runs.map((run) => (
          <li key={run.id} className="px-5 py-3 text-sm">
            <p className="flex flex-wrap items-center gap-2"><span className={`badge ${run.state === "failed" ? "danger" : ""}`}>{run.state}</span>{run.rules.map((id) => <Link key={id} className="link" to={`/rules/edit/${id}`}>{names.data?.find((r) => r.id === id)?.name ?? `Rule ${id}`}</Link>)}<span className="ml-auto text-[0.8rem] text-muted">{ago(run.ended_at)}</span></p>
            {run.error && <p className="mt-1 text-[0.8rem] break-words text-danger">{run.error.message}</p>}
          </li>
        ))}
      </ul>
    </Card>
  );
}
