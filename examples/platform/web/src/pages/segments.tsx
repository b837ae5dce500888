// The list of segments; several can be compared.
import { lazy, Suspense, useState } from "react";
import { Link } from "react-router";
import { useRuleNames, useSegments } from "../api/queries";
import type { SegmentEntry } from "../api/types";
import { Spark } from "../chart/spark";
import { ago, count, dateTime, signed } from "../lib/format";
import { useListing } from "../lib/use-listing";
import { Card, PageHeader, Pages, SearchBox } from "../ui/controls";
import { Icon } from "../ui/icon";
import { Empty, Loaded, Loading } from "../ui/states";

const OverlapPanel = lazy(() => import("./overlap"));

export default function Segments() {
  const { listing, search, setPage, setSearch } = useListing(10);
  const segments = useSegments(listing);
  const [chosen, setChosen] = useState<SegmentEntry[]>([]);
  const [comparing, setComparing] = useState(false);
  const toggle = (segment: SegmentEntry) => setChosen((all) => (all.some((s) => s.id === segment.id) ? all.filter((s) => s.id !== segment.id) : [...all, segment]));
  return (
    <>
      <PageHeader title="Segments" lead="Who matched each rule at its last run." actions={
        <>
          {chosen.length > 0 && <button type="button" className="button quiet" onClick={() => { setChosen([]); setComparing(false); }}>Clear {chosen.length} selected</button>}
          <button type="button" className={`button ${chosen.length > 1 ? "primary" : ""}`} disabled={chosen.length < 2} onClick={() => setComparing(true)}><Icon name="segments" />Compare</button>
        </>
      } />
      {comparing && chosen.length > 1 && (
        <Suspense fallback={<div className="card mb-6"><Loading rows={5} /></div>}><OverlapPanel segments={chosen} onClose={() => setComparing(false)} /></Suspense>
      )}
      <Card flush>
        <div className="flex flex-wrap items-center justify-between gap-3 border-b border-line p-4">
          <SearchBox value={search} onChange={setSearch} label="Search segments" />
          {chosen.length < 2 && <p className="text-[0.8rem] text-muted">Select two or more to see what they share.</p>}
        </div>
        <Loaded query={segments} rows={8}>
          {(page) =>
            page.items.length === 0 ? (
              search ? <Empty icon="search" title={`No segment matches “${search}”`} action={<button type="button" className="button" onClick={() => setSearch("")}>Show all segments</button>} />
                : <Empty icon="segments" title="No segments yet" action={<Link to="/rules" className="button primary">To the rules</Link>}>A rule’s segment appears here once the rule has run.</Empty>
            ) : (
              <>
                <div className="overflow-x-auto">
                  <table className="table">
                    <thead>
                      <tr>
                        <th scope="col" className="!pr-0"><span className="sr-only">Select</span></th><th scope="col">Segment</th><th scope="col" className="number">Users</th>
                        <th scope="col" className="max-sm:hidden">Change</th><th scope="col" className="max-md:hidden">Depends on</th><th scope="col" className="max-lg:hidden">Refreshed</th>
                      </tr>
                    </thead>
                    <tbody>{page.items.map((segment) => <Row key={segment.id} segment={segment} chosen={chosen.some((s) => s.id === segment.id)} onToggle={() => toggle(segment)} />)}</tbody>
                  </table>
                </div>
                <Pages {...page} noun="segment" onPage={setPage} />
              </>
            )
          }
        </Loaded>
      </Card>
    </>
  );
}

function Row({ segment, chosen, onToggle }: { segment: SegmentEntry; chosen: boolean; onToggle: () => void }) {
  const sizes = segment.sizes?.map((size) => size.row_count) ?? [];
  const change = segment.current ? segment.current.entered - segment.current.exited : null;
  return (
    <tr>
      <td className="!pr-0"><input type="checkbox" className="check" checked={chosen} onChange={onToggle} aria-label={`Select ${segment.segment_name}`} /></td>
      <td className="max-w-[24rem]">
        <Link to={`/segments/${segment.id}`} className="link">{segment.segment_name}</Link>
        {segment.description && <p className="mt-0.5 line-clamp-2 text-[0.8rem] text-muted">{segment.description}</p>}
        <Link className="mt-0.5 inline-flex items-center gap-1 text-[0.8rem] text-muted hover:text-accent" to={`/rules/edit/${segment.rule_id}`}>Rule {segment.rule_id}</Link>
      </td>
      <td className="number font-semibold">{count(segment.row_count)}</td>
      <td className="max-sm:hidden">
        <div className="flex items-center gap-3">
          <Spark values={sizes} label={`Size over ${sizes.length} versions, now ${segment.row_count}`} />
          {change !== null && <span className={`text-[0.8rem] tabular-nums ${change === 0 ? "text-muted" : change > 0 ? "text-ok" : "text-danger"}`} title={`${segment.current?.entered} entered, ${segment.current?.exited} left`}>{signed(change)}</span>}
        </div>
      </td>
      <td className="max-w-[14rem] max-md:hidden"><DependsOn ids={segment.depends_on ?? []} /></td>
      <td className="whitespace-nowrap text-soft max-lg:hidden"><span title={dateTime(segment.last_refreshed_at)}>{ago(segment.last_refreshed_at)}</span></td>
    </tr>
  );
}

function DependsOn({ ids }: { ids: number[] }) {
  const names = useRuleNames();
  if (ids.length === 0) return <span className="text-muted">–</span>;
  return <span className="line-clamp-2 text-[0.8rem] text-soft">{ids.map((id) => names.data?.find((r) => r.id === id)?.name ?? `Rule ${id}`).join(", ")}</span>;
}
