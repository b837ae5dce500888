// Schedules in words. What a schedule means is the server's to say; this is its description only.
import { toString as describe } from "cronstrue";

const NAMED: Record<string, string> = {
  "@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
};

/** "At 06:00, Monday through Friday"; nothing if it can't be said. */
export function scheduleInWords(schedule: string | null | undefined): string | null {
  const text = schedule?.trim();
  if (!text) return null;
  const fields = NAMED[text.toLowerCase()] ?? text;
  if (fields.split(/\s+/).length !== 5) return null;
  try {
    return describe(fields, { use24HourTimeFormat: true }).replace(/^At (\d\d:\d\d)$/, "Every day at $1");
  } catch {
    return null;
  }
}

export const SCHEDULES = [
  { value: "", label: "Only by hand" },
  { value: "@hourly", label: "Every hour" },
  { value: "@daily", label: "Every day at midnight" },
  { value: "0 6 * * *", label: "Every day at 06:00" },
  { value: "0 6 * * 1-5", label: "Weekdays at 06:00" },
  { value: "@weekly", label: "Every week" },
  { value: "@monthly", label: "Every month" },
];
