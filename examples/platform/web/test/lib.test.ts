// The small parts: words, figures, circles, progress, and what an operator makes of a value.
import { describe, expect, it } from "vitest";
import { distance, lens, venn } from "../src/chart/venn";
import { series } from "../src/chart/series";
import { scheduleInWords } from "../src/lib/cron";
import { ago, percent, seconds, signed } from "../src/lib/format";
import { describe as inWords, atPointer } from "../src/rule/describe";
import { withOperator } from "../src/rule/language";
import { parseRule, writeRule } from "../src/rule/draft";
import { typed } from "../src/rule/values";
import { after } from "../src/run/use-events";

describe("words and figures", () => {
  it("schedules", () => {
    expect(scheduleInWords("0 6 * * 1-5")).toBe("At 06:00, Monday through Friday");
    expect(scheduleInWords("@daily")).toBe("Every day at 00:00");
    expect(scheduleInWords("@reboot")).toBeNull();
    expect(scheduleInWords("0 0 6 * * 1")).toBeNull();
    expect(scheduleInWords("")).toBeNull();
  });

  it("times and figures", () => {
    const now = Date.parse("2026-01-01T00:00:00Z");
    expect(ago("2025-12-31T21:00:00Z", now)).toBe("3 hours ago");
    expect(ago("2026-01-03T00:00:00Z", now)).toBe("in 2 days");
    expect(ago(null, now)).toBe("never");
    expect([signed(3), signed(-3), signed(0)]).toEqual(["+3", "−3", "±0"]);
    expect([seconds(0.25), seconds(12.34), seconds(125)]).toEqual(["250 ms", "12.3 s", "2 min 5 s"]);
    expect(percent(1, 0)).toBe("0%");
  });

  it("conditions", () => {
    const names = (id: unknown) => (id === 7 ? "High Value" : String(id));
    expect(inWords({ events: "upi_transactions", aggregate: "sum", field: "amount", window: { last: "30 days" }, operator: ">=", value: 10000 })).toBe("Total amount of upi transactions in the last 30 days is at least 10,000");
    expect(inWords({ field: "segment", operator: "notIn", value: [7] }, names)).toBe("Not in segment High Value");
    expect(inWords({ combinator: "or", not: true, rules: [{ field: "a", operator: "null" }, { field: "b", operator: "=", value: true }] })).toBe("not (A is missing or B is yes)");
    expect(inWords({ sequence: [{ events: "a" }, { events: "b", within: "7 days" }], operator: "didNot" })).toBe("Did not: a, then b within 7 days");
  });

  it("pointers", () => {
    expect(atPointer({ "a/b": [{ "c~d": 1 }] }, "/a~1b/0/c~0d")).toBe(1);
    expect(atPointer({ a: 1 }, "/b/0")).toBeUndefined();
  });
});

describe("values", () => {
  it("are of the field's type, with all digits", () => {
    expect(typed("12", "integer")).toBe(12);
    expect(String(typed("9007199254740993", "integer"))).toBe("9007199254740993");
    expect(typed("12abc", "decimal")).toBe("12abc");
    expect(typed("12", "string")).toBe("12");
  });

  it("follow the operator", () => {
    expect(withOperator({ field: "a", operator: "=", value: 5 }, "in", "integer")).toEqual({ field: "a", operator: "in", value: [5] });
    expect(withOperator({ field: "a", operator: "=", value: 0 }, "in", "integer")).toEqual({ field: "a", operator: "in", value: [] });
    expect(withOperator({ field: "a", operator: "in", value: [5, 6] }, "notIn", "integer").value).toEqual([5, 6]);
    expect(withOperator({ field: "a", operator: "=", value: "b", valueSource: "field" }, "null", "integer")).toEqual({ field: "a", operator: "null" });
    expect(withOperator({ field: "a", operator: "top", value: { count: 3 }, among: [] }, ">", "integer")).toEqual({ field: "a", operator: ">", value: 0 });
  });
});

describe("rules", () => {
  it("of the server go back without what it added", () => {
    const answer = { id: 3, version: 2, rule_name: "A", description: null, schedule: null, timezone: null, start_date: null, end_date: null, depends_on: [], operation: null, enabled: true, conditions: [], created_at: "x", updated_at: "x", next_run: null, status: null };
    expect(writeRule(parseRule(answer))).toEqual({ rule_name: "A", description: null, schedule: null, timezone: null, start_date: null, end_date: null, depends_on: [], operation: null, enabled: true, conditions: [] });
  });

  it("that are combinations only have no conditions", () => {
    expect(writeRule({ ...parseRule({ rule_name: "A" }), depends_on: [1, 2], operation: "UNION" })).toEqual({ rule_name: "A", depends_on: [1, 2], operation: "UNION" });
  });
});

describe("circles", () => {
  it("share the area that they should", () => {
    for (const area of [1, 20, 60]) expect(lens(5, 8, distance(5, 8, area))).toBeCloseTo(area, 6);
    expect(distance(5, 8, 0)).toBeGreaterThan(13);
    expect(distance(5, 8, Math.PI * 25)).toBeCloseTo(3, 1);
  });

  it("are drawn for empty segments, too", () => {
    const { circles, box } = venn({ segments: [1, 2, 3].map((id) => ({ rule_id: id, segment_name: `S${id}`, row_count: 0 })), pairs: [] });
    expect([...circles.flatMap((c) => [c.x, c.y, c.r]), box.x, box.y, box.width, box.height].every(Number.isFinite)).toBe(true);
  });
});

describe("lines and progress", () => {
  it("one point an instant, ascending", () => {
    const version = (as_of: string, row_count: number) => ({ version: 1, rule_version: 1, as_of, run_id: 1, row_count, entered: 0, exited: 0 });
    const points = series([{ name: "a", versions: [version("2025-02-01T00:00:00Z", 2), version("2025-01-01T00:00:00Z", 1)] }, { name: "b", versions: [version("2025-02-01T00:00:00Z", 5)] }]);
    expect(points.map((p) => [p.s0, p.s1])).toEqual([[1, undefined], [2, 5]]);
  });

  it("never goes back", () => {
    const told = [{ event: "started" }, { event: "progress", stage: "read", done: 9, of: 10 }, { event: "progress", stage: "read", table: "other", done: 0, of: 10 }, { event: "evaluated", rule_name: "A", done: 1, of: 1 }, { event: "published" }];
    const shares = told.reduce<{ share: number; words: string | null }[]>((all, event) => [...all, after(all.at(-1) ?? { share: 0, words: null }, event)], []).map((p) => p.share);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
  });
});
