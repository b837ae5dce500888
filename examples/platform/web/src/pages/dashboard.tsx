// The first page: the totals, what is going on, and how the segments have developed.
import { lazy, Suspense } from "react";
import { Link } from "react-router";
import { useDue, useStatus } from "../api/activity";
import { useSegments, useSizes, useSummary } from "../api/queries";
import type { SegmentEntry } from "../api/types";
import { scheduleInWords } from "../lib/cron";
import { ago, count, dateTime, money, short, signed } from "../lib/format";
import { Card, PageHeader, Stat } from "../ui/controls";
import { Icon } from "../ui/icon";
import { Empty, Failure, Loaded, Loading } from "../ui/states";
import { Progress } from "../ui/progress";

const Sizes = lazy(() => import("../chart/sizes"));

export default function Dashboard() {
  const segments = useSegments({ page: 1, per_page: 100 });
  const recent = [...(segments.data?.items ?? [])].sort((a, b) => Date.parse(b.last_refreshed_at ?? "0") - Date.parse(a.last_refreshed_at ?? "0"));
  return (
    <>
      <PageHeader title="Dashboard" lead="Your audiences at a glance." actions={<Link to="/rules/new" className="button primary"><Icon name="plus" />New rule</Link>} />
      <Totals />
      <Underway />
      <div className="mt-5 grid gap-5 lg:grid-cols-[minmax(0,1.9fr)_minmax(0,1fr)]">
        <Card title="Segment sizes" aside="Largest six"><Loaded query={segments} rows={7}>{() => <Trend segments={largest(recent)} />}</Loaded></Card>
        <Card title="Due next" flush><DueNext /></Card>
        <Card title="Recently refreshed" aside={<Link className="prose-link" to="/segments">All segments</Link>} flush>
          <Loaded query={segments}>{() => (recent.length ? <Recent segments={recent.slice(0, 6)} /> : <Empty icon="segments" title="Nothing has run yet"><Link className="prose-link" to="/rules">Run a rule</Link> to see its segment here.</Empty>)}</Loaded>
        </Card>
        <Card title="Needs attention" flush><Failing /></Card>
      </div>
    </>
  );
}

const largest = (segments: SegmentEntry[]) => [...segments].sort((a, b) => b.row_count - a.row_count).slice(0, 6);

function Totals() {
  const summary = useSummary();
  if (summary.isError && !summary.data) return <div className="card"><Failure error={summary.error} retry={() => void summary.refetch()} /></div>;
  const s = summary.data;
  const figure = (text: string | undefined) => (s ? text : <span className="skeleton inline-block h-7 w-20" aria-label="Loading" />);
  return (
    <div className="grid grid-cols-2 gap-3 md:grid-cols-3 xl:grid-cols-5">
      <Stat label="Users" value={figure(count(s?.total_users))} />
      <Stat label="Transactions" value={figure(short(s?.total_transactions))} />
      <Stat label="Spend" value={figure(s?.total_spend == null ? "–" : `₹${money(s.total_spend)}`)} />
      <Stat label="Rules" value={figure(count(s?.total_rules))} />
      <div className="max-md:col-span-2"><Stat label="Segments" value={figure(count(s?.total_segments))} /></div>
    </div>
  );
}

function Underway() {
  const status = useStatus();
  const running = status.data?.running;
  if (!running) return null;
  return (
    <section className="card mt-5 px-5 py-4" aria-label="Run under way">
      <Progress run={running} waiting={status.data?.waiting ?? 0} />
    </section>
  );
}

function Trend({ segments }: { segments: SegmentEntry[] }) {
  const sizes = useSizes();
  if (sizes.isError && !sizes.data) return <Failure error={sizes.error} retry={() => void sizes.refetch()} />;
  if (!sizes.data) return <Loading rows={7} />;
  const drawn = segments.flatMap((s) => sizes.data.filter((line) => line.segment_id === s.id).map((line) => ({ name: s.segment_name, versions: line.points })));
  if (!drawn.some((s) => s.versions.length > 1)) return <Empty icon="graph" title="A line needs two points">Sizes are drawn here once a segment has been refreshed twice.</Empty>;
  return <Suspense fallback={<Loading rows={7} />}><Sizes segments={drawn} /></Suspense>;
}

function Recent({ segments }: { segments: SegmentEntry[] }) {
  return (
    <table className="table">
      <thead className="sr-only"><tr><th>Segment</th><th>Users</th><th>Change</th><th>Refreshed</th></tr></thead>
      <tbody>
        {segments.map((s) => {
          const change = s.current ? s.current.entered - s.current.exited : null;
          return (
            <tr key={s.id}>
              <td><Link to={`/segments/${s.id}`} className="link">{s.segment_name}</Link></td>
              <td className="number font-semibold">{count(s.row_count)}</td>
              <td className={`number max-sm:hidden ${change === null || change === 0 ? "text-muted" : change > 0 ? "text-ok" : "text-danger"}`}>{change === null ? "" : signed(change)}</td>
              <td className="number whitespace-nowrap text-muted max-sm:hidden" title={dateTime(s.last_refreshed_at)}>{ago(s.last_refreshed_at)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

function DueNext() {
  const due = useDue();
  return (
    <Loaded query={due}>
      {({ items, next }) => {
        const late = items.map((d) => ({ ...d, at: d.firing, late: true }));
        const all = [...late, ...next.filter((n) => !items.some((d) => d.rule_id === n.rule_id)).map((n) => ({ ...n, at: n.next_run, late: false }))].slice(0, 6);
        if (all.length === 0) return <Empty icon="calendar" title="Nothing is scheduled">Give a rule a schedule to have it run by itself.</Empty>;
        return (
          <ul className="divide-y divide-line">
            {all.map((d) => (
              <li key={d.rule_id} className="flex items-center justify-between gap-3 px-5 py-3 text-sm">
                <div className="min-w-0"><Link className="link block truncate" to={`/rules/edit/${d.rule_id}`}>{d.rule_name}</Link><span className="block truncate text-[0.8rem] text-muted">{scheduleInWords(d.schedule) ?? d.schedule}</span></div>
                {d.late ? <span className="badge warn">due now</span> : <span className="text-[0.8rem] whitespace-nowrap text-soft" title={dateTime(d.at)}>{ago(d.at)}</span>}
              </li>
            ))}
          </ul>
        );
      }}
    </Loaded>
  );
}

function Failing() {
  const status = useStatus();
  return (
    <Loaded query={status} rows={3}>
      {({ failing, last_error }) =>
        failing.length === 0 && !last_error ? (
          <div className="flex items-center gap-3 px-5 py-6 text-sm text-soft"><span className="grid size-8 place-items-center rounded-full bg-ok-soft text-ok"><Icon name="check" /></span>All rules ran well when last asked.</div>
        ) : (
          <ul className="divide-y divide-line">
            {failing.map((f) => (
              <li key={f.rule_id} className="px-5 py-3 text-sm">
                <Link className="link" to={`/rules/edit/${f.rule_id}`}>{f.rule_name}</Link>
                <p className="mt-0.5 text-[0.8rem] break-words text-danger">{f.reason}</p>
                <p className="text-[0.8rem] text-muted">{f.times} times since {dateTime(f.since)}</p>
              </li>
            ))}
            {last_error && <li className="px-5 py-3 text-sm"><p className="break-words">{last_error.message}</p><p className="text-[0.8rem] text-muted">{ago(last_error.at)}</p></li>}
          </ul>
        )
      }
    </Loaded>
  );
}
