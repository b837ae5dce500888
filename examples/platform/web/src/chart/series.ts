// Sizes of several segments by instant, as a chart takes them.
import type { Version } from "../api/types";

export const COLORS = ["var(--c1)", "var(--c2)", "var(--c3)", "var(--c4)", "var(--c5)", "var(--c6)"];

export type Point = { at: number } & Record<string, number | null>;

/** One point for each instant at which any of the segments has a version; the last version of an instant counts. */
export function series(segments: { name: string; versions: Version[] }[]): Point[] {
  const points = new Map<number, Point>();
  segments.forEach(({ versions }, index) => {
    for (const version of versions) {
      const at = Date.parse(version.as_of);
      const point = points.get(at) ?? ({ at } as Point);
      point[`s${index}`] = version.row_count;
      points.set(at, point);
    }
  });
  return [...points.values()].sort((a, b) => a.at - b.at);
}
