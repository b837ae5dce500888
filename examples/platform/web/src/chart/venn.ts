// Circles whose areas, and whose overlaps two by two, are to scale.
import type { Overlap } from "../api/types";

export interface Circle { name: string; size: number; x: number; y: number; r: number }

/** The area that two circles share. */
export function lens(a: number, b: number, distance: number): number {
  if (distance >= a + b) return 0;
  if (distance <= Math.abs(a - b)) return Math.PI * Math.min(a, b) ** 2;
  const x = (distance ** 2 + a ** 2 - b ** 2) / (2 * distance);
  const half = Math.sqrt(Math.max(0, a ** 2 - x ** 2));
  return a ** 2 * Math.acos(x / a) + b ** 2 * Math.acos((distance - x) / b) - distance * half;
}

/** How far apart two circles stand to share this area. */
export function distance(a: number, b: number, area: number): number {
  let [low, high] = [Math.abs(a - b), a + b];
  if (area <= 0) return high * 1.04;
  for (let step = 0; step < 60; step++) {
    const middle = (low + high) / 2;
    if (lens(a, b, middle) > area) low = middle;
    else high = middle;
  }
  return high;
}

export function venn({ segments, pairs }: Overlap): { circles: Circle[]; box: { x: number; y: number; width: number; height: number } } {
  const largest = Math.max(1, ...segments.map((s) => s.row_count));
  const scale = 60 / Math.sqrt(largest / Math.PI);
  const circles: Circle[] = segments.map((s) => ({ name: s.segment_name, size: s.row_count, x: 0, y: 0, r: scale * Math.sqrt(s.row_count / Math.PI) }));
  const apart = (i: number, j: number) => {
    const [one, two] = [segments[i]!.rule_id, segments[j]!.rule_id];
    const pair = pairs.find((p) => (p.first === one && p.second === two) || (p.first === two && p.second === one));
    return distance(circles[i]!.r, circles[j]!.r, (pair?.count ?? 0) * scale ** 2);
  };
  if (circles[1]) circles[1].x = apart(0, 1);
  if (circles[2]) {
    // Where both distances can't be had, the third comes as near to them as a triangle allows.
    const [d, first, second] = [circles[1]!.x, apart(0, 2), apart(1, 2)];
    const x = d > 0 ? (first ** 2 - second ** 2 + d ** 2) / (2 * d) : 0;
    circles[2].x = Math.max(-first, Math.min(first, x));
    circles[2].y = Math.sqrt(Math.max(0, first ** 2 - circles[2].x ** 2));
  }
  const edge = (pick: (c: Circle) => number, best: (...n: number[]) => number) => best(...circles.map(pick));
  const [x, y] = [edge((c) => c.x - c.r, Math.min) - 4, edge((c) => c.y - c.r, Math.min) - 4];
  return { circles, box: { x, y, width: edge((c) => c.x + c.r, Math.max) + 4 - x, height: edge((c) => c.y + c.r, Math.max) + 4 - y } };
}
