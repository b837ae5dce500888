// When a rule runs, and which dates it is about.
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useId } from "react";
import { call } from "../api/client";
import { SCHEDULES, scheduleInWords } from "../lib/cron";
import { Card } from "../ui/controls";
import { ProblemList, useProblems } from "./context";
import type { Draft } from "./draft";
import { useSettled } from "./use-live";
import { DateInput } from "./window";

interface Props { draft: Draft; onChange: (change: Partial<Draft>) => void }

export function ScheduleCard({ draft, onChange }: Props) {
  const id = useId();
  const preset = SCHEDULES.some((s) => s.value === draft.schedule);
  const problems = { schedule: useProblems("/schedule"), timezone: useProblems("/timezone"), start: useProblems("/start_date"), end: useProblems("/end_date") };
  return (
    <Card title="Schedule and dates">
      <div className="grid gap-5 sm:grid-cols-2">
        <div>
          <label className="label" htmlFor={`${id}-preset`}>Runs</label>
          <select id={`${id}-preset`} className="input" value={preset ? draft.schedule : "own"} onChange={(e) => onChange({ schedule: e.target.value === "own" ? "30 6 * * 1" : e.target.value })}>
            {SCHEDULES.map((s) => <option key={s.value} value={s.value}>{s.label}</option>)}
            <option value="own">By a schedule of its own…</option>
          </select>
          {!preset && <input className="input code mt-2" aria-label="Schedule in five fields" aria-invalid={problems.schedule.length > 0 || undefined} value={draft.schedule} placeholder="minute hour day month weekday" onChange={(e) => onChange({ schedule: e.target.value })} />}
          <ProblemList problems={problems.schedule} />
          {draft.schedule && problems.schedule.length === 0 && <Times schedule={draft.schedule} timezone={draft.timezone} />}
        </div>
        <div>
          <label className="label" htmlFor={`${id}-zone`}>Time zone</label>
          <input id={`${id}-zone`} className="input" list={`${id}-zones`} placeholder="UTC" aria-invalid={problems.timezone.length > 0 || undefined} value={draft.timezone} onChange={(e) => onChange({ timezone: e.target.value })} />
          <datalist id={`${id}-zones`}>{Intl.supportedValuesOf("timeZone").map((zone) => <option key={zone} value={zone} />)}</datalist>
          <ProblemList problems={problems.timezone} />
        </div>
        <fieldset className="sm:col-span-2">
          <legend className="label">Transactions that count, unless a condition says otherwise</legend>
          <div className="flex flex-wrap items-center gap-2">
            <DateInput label="From" value={draft.start_date} invalid={problems.start.length > 0} onChange={(start_date) => onChange({ start_date })} />
            <span className="text-[0.8rem] text-muted">to</span>
            <DateInput label="To" value={draft.end_date} invalid={problems.end.length > 0} onChange={(end_date) => onChange({ end_date })} />
          </div>
          <ProblemList problems={[...problems.start, ...problems.end]} />
        </fieldset>
      </div>
    </Card>
  );
}

function Times({ schedule, timezone }: { schedule: string; timezone: string }) {
  const key = `${schedule} ${timezone}`;
  const asked = useSettled({ schedule, timezone }, key, 400);
  const times = useQuery({
    queryKey: ["live", "times", asked], retry: false, placeholderData: keepPreviousData,
    queryFn: ({ signal }) => call<{ next: string[] }>("/schedules/next", { method: "POST", body: { schedule: asked.schedule, ...(asked.timezone && { timezone: asked.timezone }), n: 3 }, signal }),
  });
  const zone = timezone || "UTC";
  const show = (at: string) => {
    try {
      return new Date(at).toLocaleString("en-GB", { timeZone: zone, weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
    } catch {
      return at;
    }
  };
  return (
    <div className="mt-2 text-[0.8rem] text-muted">
      <p className="text-soft">{scheduleInWords(schedule)}</p>
      {times.data && <p className="mt-0.5">Next: {times.data.next.map(show).join(" · ")} <span className="whitespace-nowrap">({zone})</span></p>}
    </div>
  );
}
