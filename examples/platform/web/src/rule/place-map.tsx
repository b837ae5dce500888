// A small map of coastlines, without any server of tiles: longitude and latitude straight, as areas are meant.
import { useEffect, useMemo, useState } from "react";
import { feature } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import land from "world-atlas/land-110m.json";
import { Icon } from "../ui/icon";

interface Props { circle: { lat: number; lon: number; metres: number } | null; polygon: [number, number][] | null; onPick: (lon: number, lat: number) => void }

const WIDTH = 320;
const HEIGHT = 208;
const CITIES: [string, number, number][] = [
  ["Mumbai", 72.88, 19.08], ["Delhi", 77.21, 28.61], ["Bengaluru", 77.59, 12.97], ["Chennai", 80.27, 13.08], ["Kolkata", 88.36, 22.57], ["Hyderabad", 78.49, 17.39], ["Pune", 73.86, 18.52],
  ["Ahmedabad", 72.57, 23.02], ["Jaipur", 75.79, 26.91], ["Kochi", 76.27, 9.93], ["Dubai", 55.27, 25.2], ["Singapore", 103.82, 1.35], ["London", -0.13, 51.51], ["New York", -74.01, 40.71], ["Tokyo", 139.69, 35.69], ["Sydney", 151.21, -33.87],
];

/** The outlines of the continents as one path in degrees, north up. */
function coast(): string {
  const topology = land as unknown as Topology<{ land: GeometryCollection }>;
  const shapes = feature(topology, topology.objects.land);
  const rings = shapes.features.flatMap((f) => (f.geometry.type === "Polygon" ? f.geometry.coordinates : f.geometry.type === "MultiPolygon" ? f.geometry.coordinates.flat() : []));
  return rings.map((ring) => `M${ring.map(([x, y]) => `${x},${-y!}`).join("L")}Z`).join("");
}

/** How many degrees the map is wide for the whole shape to be seen. */
function fitting({ circle, polygon }: Pick<Props, "circle" | "polygon">): { x: number; y: number; span: number } {
  const points = polygon ?? (circle ? [[circle.lon, circle.lat] as [number, number]] : []);
  const known = points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  if (known.length === 0) return { x: 78, y: -22, span: 50 };
  const [west, east] = [Math.min(...known.map((p) => p[0])), Math.max(...known.map((p) => p[0]))];
  const [south, north] = [Math.min(...known.map((p) => p[1])), Math.max(...known.map((p) => p[1]))];
  const radius = circle && Number.isFinite(circle.metres) ? circle.metres / 111_195 : 0;
  const span = Math.max((east - west) * 2, (north - south) * 3, radius * 6, 0.3);
  return { x: (west + east) / 2, y: -(south + north) / 2, span: Math.min(span, 360) };
}

export default function PlaceMap({ circle, polygon, onPick }: Props) {
  const outlines = useMemo(coast, []);
  const [view, setView] = useState(() => { const fit = fitting({ circle, polygon }); return { ...fit, span: Math.max(fit.span, 1.5) }; });
  const outside = circle && (Math.abs(circle.lon - view.x) > view.span / 2 || Math.abs(-circle.lat - view.y) > view.span / 3);
  useEffect(() => {
    if (outside && circle && Number.isFinite(circle.lon + circle.lat)) setView((v) => ({ ...v, x: circle.lon, y: -circle.lat }));
  }, [outside, circle]);
  const tall = (view.span * HEIGHT) / WIDTH;
  const unit = view.span / WIDTH;
  const zoom = (by: number) => setView((v) => ({ ...v, span: Math.min(360, Math.max(0.05, v.span * by)) }));
  const pick = (event: React.MouseEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const digits = view.span > 20 ? 2 : 4;
    const lon = view.x + ((event.clientX - box.left) / box.width - 0.5) * view.span;
    const lat = -(view.y + ((event.clientY - box.top) / box.height - 0.5) * tall);
    onPick(Number(Math.max(-180, Math.min(180, lon)).toFixed(digits)), Number(Math.max(-90, Math.min(90, lat)).toFixed(digits)));
  };
  const degrees = circle ? circle.metres / 111_195 : 0;
  return (
    <div className="map">
      <svg viewBox={`${view.x - view.span / 2} ${view.y - tall / 2} ${view.span} ${tall}`} role="img" aria-label="Map; the same can be said by the coordinates beside it" onClick={pick}>
        <rect x={-720} y={-360} width={1440} height={720} fill="var(--sunken)" />
        <path d={outlines} fill="var(--surface)" stroke="var(--line-strong)" strokeWidth={unit} />
        {CITIES.map(([name, x, y]) => <g key={name}><circle cx={x} cy={-y} r={unit * 1.6} fill="var(--muted)" /><text x={x + unit * 4} y={-y + unit * 3} fontSize={unit * 9.5} fill="var(--muted)">{name}</text></g>)}
        {circle && Number.isFinite(circle.lat + circle.lon) && (
          <>
            <ellipse cx={circle.lon} cy={-circle.lat} rx={degrees / Math.max(0.02, Math.cos((circle.lat * Math.PI) / 180)) || 0} ry={degrees || 0} fill="var(--accent)" fillOpacity="0.2" stroke="var(--accent)" strokeWidth={unit * 1.4} />
            <circle cx={circle.lon} cy={-circle.lat} r={unit * 3} fill="var(--accent)" />
          </>
        )}
        {polygon && <polygon points={polygon.filter(([x, y]) => Number.isFinite(x + y)).map(([x, y]) => `${x},${-y}`).join(" ")} fill="var(--accent)" fillOpacity="0.2" stroke="var(--accent)" strokeWidth={unit * 1.4} />}
      </svg>
      <div className="absolute top-2 right-2 flex flex-col gap-1">
        <button type="button" className="button icon small" aria-label="Zoom in" onClick={() => zoom(0.5)}><Icon name="plus" size={13} /></button>
        <button type="button" className="button icon small" aria-label="Zoom out" onClick={() => zoom(2)}><svg width="13" height="13" viewBox="0 0 16 16" stroke="currentColor" strokeWidth="1.6" aria-hidden="true"><path d="M3 8h10" /></svg></button>
        <button type="button" className="button icon small" aria-label="Show the whole shape" onClick={() => setView(fitting({ circle, polygon }))}><Icon name="pin" size={13} /></button>
      </div>
    </div>
  );
}
