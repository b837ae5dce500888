// A circle or an area, on a small map or by coordinates.
import { lazy, Suspense } from "react";
import type { Document } from "../api/types";
import { Digits, type Json } from "../lib/json";
import { typed } from "./values";

const PlaceMap = lazy(() => import("./place-map"));
const number = (value: Json | undefined) => (value instanceof Digits ? value.text : String(value ?? ""));

export function PlaceEditor({ value, onChange }: { value: Json | undefined; onChange: (value: Json) => void }) {
  const place = (value && typeof value === "object" ? value : {}) as Document;
  const polygon = Array.isArray(place.polygon) ? (place.polygon as [number, number][]) : null;
  const [, distance = "", unit = "km"] = /^\s*([\d.]*)\s*(m|km|mi)?\s*$/.exec(String(place.radius ?? "")) ?? [];
  const set = (member: string, text: string) => onChange({ ...place, [member]: typed(text, "number") });
  const corners = (text: string) => onChange({ polygon: text.split("\n").map((line) => line.split(",").map((part) => typed(part, "number"))) });
  const shape = (area: boolean) => {
    const [lat, lon] = [Number(place.lat ?? polygon?.[0]?.[1] ?? 19.076), Number(place.lon ?? polygon?.[0]?.[0] ?? 72.877)];
    const round = (n: number) => Number(n.toFixed(4));
    onChange(area ? { polygon: [[-0.2, -0.2], [0.2, -0.2], [0.2, 0.2], [-0.2, 0.2]].map(([x, y]) => [round(lon + x!), round(lat + y!)]) } : { lat, lon, radius: "10 km" });
  };
  return (
    <div className="place">
      <div className="min-w-0 space-y-3">
        <div className="segmented" role="group" aria-label="Shape"><button type="button" aria-pressed={!polygon} onClick={() => polygon && shape(false)}>Circle</button><button type="button" aria-pressed={!!polygon} onClick={() => polygon || shape(true)}>Area</button></div>
        {polygon ? (
          <label className="block text-[0.8rem] text-muted">Corners, each as longitude, latitude<textarea className="input code mt-1" rows={5} value={polygon.map((c) => c.map(number).join(", ")).join("\n")} onChange={(e) => corners(e.target.value)} /></label>
        ) : (
          <div className="grid grid-cols-2 gap-2 text-[0.8rem] text-muted">
            <label>Latitude<input className="input mt-1" inputMode="decimal" value={number(place.lat)} onChange={(e) => set("lat", e.target.value)} /></label>
            <label>Longitude<input className="input mt-1" inputMode="decimal" value={number(place.lon)} onChange={(e) => set("lon", e.target.value)} /></label>
            <label className="col-span-2">Radius
              <span className="mt-1 flex gap-2"><input className="input" inputMode="decimal" value={distance} onChange={(e) => onChange({ ...place, radius: `${e.target.value} ${unit}` })} />
                <select className="input !w-24" aria-label="Unit of the radius" value={unit} onChange={(e) => onChange({ ...place, radius: `${distance} ${e.target.value}` })}><option>m</option><option>km</option><option>mi</option></select></span>
            </label>
          </div>
        )}
        <p className="hint">{polygon ? "Click the map to add a corner." : "Click the map to move the centre."}</p>
      </div>
      <Suspense fallback={<div className="skeleton h-52" />}>
        <PlaceMap circle={polygon ? null : { lat: Number(number(place.lat)), lon: Number(number(place.lon)), metres: Number(distance) * (unit === "km" ? 1000 : unit === "mi" ? 1609.344 : 1) }} polygon={polygon?.map(([x, y]) => [Number(x), Number(y)] as [number, number]) ?? null}
          onPick={(lon, lat) => onChange(polygon ? { polygon: [...polygon, [lon, lat]] } : { ...place, lat, lon })} />
      </Suspense>
    </div>
  );
}
