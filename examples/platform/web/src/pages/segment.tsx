// One segment: what it is, how it has developed, who is in it and why, and where it comes from.
import { lazy, Suspense, useState } from "react";
import { Link, useParams, useSearchParams } from "react-router";
import { address } from "../api/client";
import { useLineage, useSegment, useTrigger, useVersions } from "../api/queries";
import type { Segment, Version } from "../api/types";
import { ago, count, dateTime, signed } from "../lib/format";
import { Changes } from "../segment/changes";
import { Explain } from "../segment/explain";
import { SampleTable } from "../segment/sample";
import { Card, PageHeader, Stat, Tabs } from "../ui/controls";
import { Icon } from "../ui/icon";
import { Empty, Failure, Loaded, Loading } from "../ui/states";
import { useToast } from "../ui/toasts";

const Sizes = lazy(() => import("../chart/sizes"));
const LineageGraph = lazy(() => import("../segment/lineage"));

const TABS = [
  { id: "overview", label: "Overview" },
  { id: "users", label: "Users" },
  { id: "why", label: "Why is a user in?" },
  { id: "lineage", label: "Lineage" },
  { id: "history", label: "History" },
] as const;
type Tab = (typeof TABS)[number]["id"];

export default function SegmentPage() {
  const { id = "" } = useParams();
  const [params, setParams] = useSearchParams();
  const tab = (TABS.some((t) => t.id === params.get("tab")) ? params.get("tab") : "overview") as Tab;
  const segment = useSegment(id);
  const trigger = useTrigger();
  const toast = useToast();
  if (segment.isError && !segment.data) return <div className="card"><Failure error={segment.error} retry={() => void segment.refetch()} /></div>;
  if (!segment.data) return <div className="card"><Loading rows={8} /></div>;
  const s = segment.data;
  const run = () => trigger.mutate(s.rule_id, { onSuccess: () => toast(<>Queued. <Link className="prose-link" to="/runs">Follow the run</Link></>), onError: (error) => toast(error.message, true) });
  return (
    <>
      <PageHeader back={{ to: "/segments", label: "Segments" }} title={s.segment_name} lead={s.description} actions={
        <>
          <Link className="button" to={`/rules/edit/${s.rule_id}`}><Icon name="edit" />Edit rule</Link>
          <Download id={id} />
          <button type="button" className="button primary" disabled={trigger.isPending} onClick={run}><Icon name="play" />Refresh</button>
        </>
      } />
      <Tabs label="Parts of this segment" tabs={[...TABS]} value={tab} onChange={(next) => setParams(next === "overview" ? {} : { tab: next }, { replace: true })} />
      <div className="mt-5" role="tabpanel" id={`panel-${tab}`} aria-labelledby={`tab-${tab}`}>
        {tab === "overview" && <Overview id={id} segment={s} />}
        {tab === "users" && <Card title="Sample of users" flush><SampleTable id={id} /></Card>}
        {tab === "why" && <Explain key={id} id={id} name={s.segment_name} ruleId={s.rule_id} />}
        {tab === "lineage" && <Lineage id={id} />}
        {tab === "history" && <Changes id={id} />}
      </div>
    </>
  );
}

function Download({ id }: { id: string }) {
  return (
    <div className="inline-flex">
      {(["csv", "parquet"] as const).map((format, i) => (
        <a key={format} className={`button ${i === 0 ? "!rounded-r-none !border-r-0" : "!rounded-l-none"}`} href={address(`/segments/${id}/export`, { format })} download aria-label={`Download all users as ${format === "csv" ? "CSV" : "Parquet"}`}>
          {i === 0 && <Icon name="download" />}{format === "csv" ? "CSV" : "Parquet"}
        </a>
      ))}
    </div>
  );
}

function Overview({ id, segment }: { id: string; segment: Segment }) {
  const versions = useVersions(id);
  const [last, before] = [versions.data?.at(-1), versions.data?.at(-2)];
  return (
    <div className="space-y-5">
      <div className="grid grid-cols-2 gap-3 lg:grid-cols-4">
        <Stat label="Users" value={count(segment.row_count)} note={before && last ? `${signed(last.row_count - before.row_count)} since version ${before.version}` : undefined} />
        <Stat label="Entered" value={<span className="text-ok">{last ? `+${count(last.entered)}` : "–"}</span>} note="at the last refresh" />
        <Stat label="Left" value={<span className="text-danger">{last ? `−${count(last.exited)}` : "–"}</span>} note="at the last refresh" />
        <Stat label="Refreshed" value={<span className="text-[1.2rem]" title={dateTime(segment.last_refreshed_at)}>{ago(segment.last_refreshed_at)}</span>} note={last ? `version ${last.version}` : undefined} />
      </div>
      <Card title="Size over time"><Loaded query={versions} rows={6}>{(all) => <Size name={segment.segment_name} versions={all} />}</Loaded></Card>
      <Sql segment={segment} />
    </div>
  );
}

function Size({ name, versions }: { name: string; versions: Version[] }) {
  if (versions.length < 2) return <Empty icon="graph" title="A line needs two points">The size is drawn here once the segment has been refreshed twice.</Empty>;
  return <Suspense fallback={<Loading rows={6} />}><Sizes segments={[{ name, versions: [...versions].sort((a, b) => Date.parse(a.as_of) - Date.parse(b.as_of)) }]} /></Suspense>;
}

function Sql({ segment }: { segment: Segment }) {
  const toast = useToast();
  const [open, setOpen] = useState(false);
  const sql = segment.sql_query;
  const copy = () => navigator.clipboard.writeText(sql ?? "").then(() => toast("The query was copied."), () => toast("The browser did not allow to copy.", true));
  return (
    <Card title="SQL" aside={sql && <span className="flex gap-2"><button type="button" className="button small" onClick={() => void copy()}><Icon name="copy" size={13} />Copy</button></span>}>
      <dl className="mb-4 grid gap-x-8 gap-y-2 text-sm sm:grid-cols-[auto_1fr]">
        <dt className="text-muted">Rule</dt><dd><Link className="prose-link" to={`/rules/edit/${segment.rule_id}`}>{segment.rule.rule_name}</Link></dd>
        <dt className="text-muted">Table</dt><dd className="code break-all">{segment.table_name}</dd>
        <dt className="text-muted">Data as of</dt><dd>{dateTime((segment as Segment & { as_of?: string }).as_of)}</dd>
      </dl>
      {sql ? (
        <>
          <pre tabIndex={0} aria-label="The segment as SQL" className={`code overflow-auto rounded-lg bg-sunken p-4 whitespace-pre-wrap ${open ? "" : "max-h-44"}`}>{layOut(sql)}</pre>
          <button type="button" className="mt-2 text-[0.8rem] text-muted hover:text-text" aria-expanded={open} onClick={() => setOpen(!open)}>{open ? "Show less" : "Show all"}</button>
        </>
      ) : <p className="text-sm text-muted">This rule can’t be said in SQL.</p>}
    </Card>
  );
}

/** Line breaks at the words that begin a part; what is between quotes stays as it is. */
function layOut(sql: string): string {
  return sql.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|\s(?=(?:FROM|WHERE|LEFT OUTER JOIN|INNER JOIN|GROUP BY|HAVING|UNION ALL|INTERSECT|EXCEPT|ORDER BY)\b)/g, (found) => (/^\s$/.test(found) ? "\n" : found));
}

function Lineage({ id }: { id: string }) {
  const lineage = useLineage(id);
  return (
    <Card title="Where it comes from, and what comes from it" flush>
      <Loaded query={lineage} rows={7}>{(data) => <Suspense fallback={<Loading rows={7} />}><LineageGraph lineage={data} /></Suspense>}</Loaded>
    </Card>
  );
}
