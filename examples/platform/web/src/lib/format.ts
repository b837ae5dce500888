// Numbers, instants and durations as people read them.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export const count = (n: number | null | undefined) => (n === null || n === undefined ? "–" : whole.format(n));
export const short = (n: number | null | undefined) => (n === null || n === undefined ? "–" : n < 10_000 ? whole.format(n) : compact.format(n));
export const percent = (part: number, of: number, digits = 1) => (of > 0 ? `${((100 * part) / of).toFixed(digits)}%` : "0%");
export const signed = (n: number) => (n === 0 ? "±0" : n > 0 ? `+${whole.format(n)}` : `−${whole.format(-n)}`);

/** Money with all of its digits as a short figure. */
export function money(digits: string | number | null | undefined): string {
  if (digits === null || digits === undefined) return "–";
  return compact.format(Number(digits));
}

type Instant = string | Date | null | undefined;

export function dateTime(at: Instant): string {
  if (!at) return "–";
  return new Date(at).toLocaleString("en-GB", { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
}

export function day(at: Instant): string {
  return at ? new Date(at).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" }) : "–";
}

export function dayShort(at: Instant): string {
  return at ? new Date(at).toLocaleDateString("en-GB", { day: "numeric", month: "short" }) : "–";
}

const STEPS: [number, Intl.RelativeTimeFormatUnit][] = [[60, "second"], [60, "minute"], [24, "hour"], [30.44, "day"], [12, "month"], [Infinity, "year"]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** "3 hours ago", "in 2 days". */
export function ago(at: Instant, now = Date.now()): string {
  if (!at) return "never";
  let amount = (new Date(at).getTime() - now) / 1000;
  for (const [size, unit] of STEPS) {
    if (Math.abs(amount) < size) return unit === "second" && Math.abs(amount) < 5 ? "just now" : relative.format(Math.round(amount), unit);
    amount /= size;
  }
  return "";
}

export function seconds(s: number): string {
  if (s < 1) return `${Math.round(s * 1000)} ms`;
  if (s < 60) return `${s.toFixed(1)} s`;
  return `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
}

/** A value of a table's cell. */
export function cell(value: unknown): string {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (Array.isArray(value)) return value.map(cell).join(", ");
  const text = String(value);
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) ? dateTime(text) : text;
}

export const plural = (n: number, one: string, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;
