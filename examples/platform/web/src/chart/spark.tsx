// A segment's size over time in the space of a word.
export function Spark({ values, label, width = 92, height = 26 }: { values: number[]; label: string; width?: number; height?: number }) {
  if (values.length < 2) return <span className="text-muted">–</span>;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (i: number) => 2 + (i * (width - 4)) / (values.length - 1);
  const y = (v: number) => (high === low ? height / 2 : height - 3 - ((v - low) / (high - low)) * (height - 6));
  const line = values.map((v, i) => `${x(i).toFixed(1)},${y(v).toFixed(1)}`).join(" ");
  return (
    <svg width={width} height={height} role="img" aria-label={label} className="block overflow-visible">
      <polygon points={`2,${height} ${line} ${width - 2},${height}`} fill="var(--accent)" opacity="0.09" />
      <polyline points={line} fill="none" stroke="var(--accent)" strokeWidth="1.6" strokeLinejoin="round" strokeLinecap="round" />
      <circle cx={x(values.length - 1)} cy={y(values.at(-1)!)} r="2.3" fill="var(--accent)" />
    </svg>
  );
}
