// The icons, one stroke weight, 16 pixels unless said otherwise.
const PATHS = {
  dashboard: "M2.5 2.5h4.5v5H2.5zM9 2.5h4.5v3H9zM9 7.5h4.5v6H9zM2.5 9.5h4.5v4H2.5z",
  rules: "M2.5 4h11M2.5 8h7M2.5 12h4M11.5 9.5v4M9.5 11.5h4",
  segments: "M6 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM10 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Z",
  runs: "M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM8 5v3l2 1.5",
  plus: "M8 3v10M3 8h10",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9ZM10.5 10.5 13.5 13.5",
  play: "M5 3.5v9l7-4.5z",
  edit: "M10.5 3 13 5.5 6 12.5l-3 .5.5-3zM9 4.5 11.5 7",
  copy: "M5.5 5.5h7v7h-7zM3.5 10.5v-7h7",
  trash: "M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.5 8.5h6l.5-8.5",
  more: "M3.5 8h.01M8 8h.01M12.5 8h.01",
  left: "M10 3.5 5.5 8l4.5 4.5", right: "M6 3.5 10.5 8 6 12.5", up: "m3.5 10 4.5-4.5 4.5 4.5", down: "m3.5 6 4.5 4.5L12.5 6",
  sun: "M8 10.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM8 1.5v1.5M8 13v1.5M1.5 8H3M13 8h1.5M3.4 3.4l1 1M11.6 11.6l1 1M3.4 12.6l1-1M11.6 4.4l1-1",
  moon: "M13 9.5A5.5 5.5 0 1 1 6.5 3a4.5 4.5 0 0 0 6.5 6.5Z",
  x: "m4 4 8 8M12 4l-8 8", check: "m3 8.5 3.5 3.5L13 4.5",
  alert: "M8 2.5 14 13H2zM8 6.5v3M8 11.3h.01",
  download: "M8 2.5v7.5M5 7.5 8 10.5l3-3M3 13h10",
  drag: "M6 4h.01M6 8h.01M6 12h.01M10 4h.01M10 8h.01M10 12h.01",
  eye: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8ZM8 9.8a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6Z",
  off: "M2.5 2.5l11 11M6.3 3.8A6.8 6.8 0 0 1 8 3.5c4 0 6.5 4.5 6.5 4.5a12 12 0 0 1-2 2.5M4 5a11 11 0 0 0-2.5 3S4 12.5 8 12.5c1 0 1.900-.3 2.700-.7",
  user: "M8 8a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5ZM3 13.500c.5-2.500 2.500-4 5-4s4.500 1.500 5 4",
  calendar: "M2.500 4h11v9.500h-11zM2.500 7h11M5.500 2.500V5M10.500 2.500V5",
  bolt: "M9 1.500 3.500 9H8l-1 5.500L12.500 7H8z",
  pin: "M8 14s4.500-4.200 4.500-7.500a4.500 4.500 0 0 0-9 0C3.500 9.800 8 14 8 14ZM8 8a1.500 1.500 0 1 0 0-3 1.500 1.500 0 0 0 0 3Z",
  history: "M2.500 8a5.500 5.500 0 1 0 1.700-4L2.500 5.500M2.500 2.500v3h3M8 5v3l2 1.500",
  graph: "M4 6a1.500 1.500 0 1 0 0-3 1.500 1.500 0 0 0 0 3ZM12 9.500a1.500 1.500 0 1 0 0-3 1.500 1.500 0 0 0 0 3ZM4 13a1.500 1.500 0 1 0 0-3 1.500 1.500 0 0 0 0 3ZM5.500 4.500c3 0 2 3.500 5 3.500M5.500 11.500c3 0 2-3.500 5-3.500",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  const heavy = name === "more" || name === "drag";
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth={heavy ? 2.2 : 1.4} strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" className="shrink-0">
      <path d={PATHS[name]} />
    </svg>
  );
}
