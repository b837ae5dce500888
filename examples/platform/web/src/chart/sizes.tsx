// Lines of segment sizes over time.
import { Area, AreaChart, CartesianGrid, Line, LineChart, ResponsiveContainer, Tooltip, XAxis, YAxis } from "recharts";
import type { Version } from "../api/types";
import { count, dateTime, dayShort, short } from "../lib/format";
import { COLORS, series } from "./series";

interface Props { segments: { name: string; versions: Version[] }[]; height?: number }

const axis = { stroke: "var(--muted)", fontSize: 12, tickLine: false, axisLine: false } as const;

export default function Sizes({ segments, height = 260 }: Props) {
  const data = series(segments);
  const single = segments.length === 1;
  const common = (
    <>
      <CartesianGrid vertical={false} stroke="var(--line)" />
      <XAxis dataKey="at" type="number" scale="time" domain={["dataMin", "dataMax"]} tickFormatter={(at: number) => dayShort(new Date(at))} minTickGap={40} {...axis} />
      <YAxis width={48} tickFormatter={(n: number) => short(n)} {...axis} />
      <Tooltip
        labelFormatter={(at) => dateTime(new Date(Number(at)))}
        formatter={(value) => count(Number(value))}
        contentStyle={{ background: "var(--surface)", border: "1px solid var(--line)", borderRadius: 10, boxShadow: "var(--shadow-2)", fontSize: 13 }}
        labelStyle={{ color: "var(--muted)", marginBottom: 4 }}
      />
    </>
  );
  return (
    <figure>
      <div style={{ height }} role="img" aria-label={`Sizes over time: ${segments.map((s) => `${s.name} from ${s.versions[0]?.row_count ?? 0} to ${s.versions.at(-1)?.row_count ?? 0}`).join("; ")}`}>
        <ResponsiveContainer width="100%" height="100%">
          {single ? (
            <AreaChart data={data} margin={{ top: 8, right: 12, bottom: 0, left: 0 }} accessibilityLayer={false}>
              {common}
              <Area dataKey="s0" name={segments[0]!.name} type="monotone" stroke="var(--c1)" strokeWidth={2} fill="var(--c1)" fillOpacity={0.1} dot={data.length < 25 ? { r: 2.5, fill: "var(--c1)", strokeWidth: 0 } : false} isAnimationActive={false} />
            </AreaChart>
          ) : (
            <LineChart data={data} margin={{ top: 8, right: 12, bottom: 0, left: 0 }} accessibilityLayer={false}>
              {common}
              {segments.map((s, i) => <Line key={s.name} dataKey={`s${i}`} name={s.name} type="monotone" stroke={COLORS[i % COLORS.length]} strokeWidth={2} dot={false} connectNulls isAnimationActive={false} />)}
            </LineChart>
          )}
        </ResponsiveContainer>
      </div>
      {!single && (
        <figcaption className="mt-3 flex flex-wrap gap-x-5 gap-y-1.5 text-[0.8rem] text-soft">
          {segments.map((s, i) => <span key={s.name} className="inline-flex items-center gap-2"><span className="h-[3px] w-4 rounded-full" style={{ background: COLORS[i % COLORS.length] }} />{s.name}</span>)}
        </figcaption>
      )}
    </figure>
  );
}
