// The builder shows every condition of the language without changing it, and writes what is chosen in it.
import { render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { useState } from "react";
import { describe, expect, it, vi } from "vitest";
import type { Problem } from "../src/api/client";
import { parseJson, type Json } from "../src/lib/json";
import { Builder } from "../src/rule/builder";
import { SurroundingsContext } from "../src/rule/context";
import { fromForm, toForm, type FormGroup } from "../src/rule/document";
import { FIELDS } from "./fields";

// jsdom has no layout; the map is looked at in a browser.
vi.mock("../src/rule/place-map", () => ({ default: () => null }));

const RULES = [{ id: 1, name: "High Value" }, { id: 2, name: "Churned" }];
let written: Json;

function Form({ conditions, problems = [] }: { conditions: Json | undefined; problems?: Problem[] }) {
  const [query, setQuery] = useState<FormGroup>(() => toForm(conditions));
  written = fromForm(query);
  return <SurroundingsContext value={{ fields: FIELDS, rules: RULES, problems }}><Builder label="Conditions" query={query} base="/conditions" onChange={setQuery} /></SurroundingsContext>;
}

const CASES = join(import.meta.dirname, "../../../../core/tests/cases");

/** What members and operators a document has, whatever their values. */
function shape(value: Json): string {
  if (Array.isArray(value)) return `[${[...new Set(value.map(shape))].join()}]`;
  if (value === null || typeof value !== "object") return typeof value;
  return `{${Object.entries(value).map(([name, member]) => `${name}:${name === "operator" || name === "aggregate" ? String(member) : shape(member as Json)}`).sort().join()}}`;
}

/** One rule of each shape; all of them go through the conversion in `document.test.ts`. */
function shapes(): [string, Json][] {
  const found = new Map<string, [string, Json]>();
  for (const name of readdirSync(CASES)) {
    if (!statSync(join(CASES, name)).isDirectory()) continue;
    for (const rule of parseJson(readFileSync(join(CASES, name, "rules.json"), "utf8")) as { [member: string]: Json }[]) {
      const { conditions } = rule;
      if (conditions === undefined || conditions === null || found.has(shape(conditions))) continue;
      found.set(shape(conditions), [`${name}: ${String(rule.rule_name)}`, conditions]);
    }
  }
  return [...found.values()];
}

describe("conditions of the corpus", () => {
  const all = shapes();
  it("are many", () => expect(all.length).toBeGreaterThan(100));

  it("are shown without a change", () => {
    for (const [name, conditions] of all) {
      const { unmount } = render(<Form conditions={conditions} />);
      expect(written, name).toEqual(conditions);
      unmount();
    }
  }, 120_000);
});

/** Opens a form with one condition about this. */
async function begin(about: string) {
  const user = userEvent.setup();
  render(<Form conditions={[]} />);
  await user.click(screen.getByRole("button", { name: "Condition" }));
  await user.selectOptions(screen.getByLabelText("About"), about);
  return user;
}

describe("what is chosen is what is written", () => {
  it("an attribute with a list", async () => {
    const user = await begin("City tier");
    await user.selectOptions(screen.getByLabelText("Operator of City tier"), "in");
    await user.type(screen.getByLabelText("Value of City tier: add a value"), "1,2{Enter}");
    expect(written).toEqual([{ field: "city_tier", operator: "in", value: [1, 2] }]);
  });

  it("a range, and nothing for what is missing", async () => {
    const user = await begin("Income");
    await user.selectOptions(screen.getByLabelText("Operator of Income"), "between");
    await user.clear(screen.getByLabelText("Value of Income, from"));
    await user.type(screen.getByLabelText("Value of Income, from"), "9007199254740993");
    expect(JSON.stringify(written)).toContain("9007199254740993");
    await user.selectOptions(screen.getByLabelText("Operator of Income"), "null");
    expect(written).toEqual([{ field: "income", operator: "null" }]);
  });

  it("a string in any case, and another field", async () => {
    const user = await begin("Name");
    await user.selectOptions(screen.getByLabelText("Operator of Name"), "contains");
    await user.type(screen.getByLabelText("Value of Name"), "an");
    await user.click(screen.getByRole("button", { name: "Aa" }));
    expect(written).toEqual([{ field: "name", operator: "contains", value: "an", caseSensitive: false }]);
    await user.click(screen.getByRole("button", { name: "field" }));
    await user.selectOptions(screen.getByLabelText("Field that Name is compared with"), "City");
    expect(written).toEqual([{ field: "name", operator: "contains", value: "city", valueSource: "field", caseSensitive: false }]);
  });

  it("a date in a window", async () => {
    const user = await begin("Signup date");
    await user.selectOptions(screen.getByLabelText("Period of Signup date"), "calendar");
    await user.selectOptions(screen.getByLabelText("Period of Signup date, period"), "last quarter");
    expect(written).toEqual([{ field: "signup_date", operator: "during", value: { calendar: "last quarter" } }]);
  });

  it("events with an aggregate, a filter and a window", async () => {
    const user = await begin("Transactions…");
    await user.click(screen.getByLabelText("Remove Credit card transactions"));
    await user.selectOptions(screen.getByLabelText("Aggregate"), "Total");
    await user.click(screen.getByRole("button", { name: "where…" }));
    await user.click(screen.getByRole("button", { name: "Filter" }));
    await user.selectOptions(screen.getByLabelText("When"), "between");
    expect(written).toEqual([{
      events: "upi_transactions", aggregate: "sum", field: "amount", where: [{ field: "category", operator: "=", value: "Dining" }],
      window: { between: ["90 days", "30 days"] }, operator: ">=", value: 1,
    }]);
  });

  it("a trait that is narrowed", async () => {
    const user = await begin("Total spend");
    await user.click(screen.getByRole("button", { name: "narrow…" }));
    await user.click(screen.getByRole("button", { name: "Filter" }));
    expect(written).toEqual([{ field: "total_spend", operator: ">=", value: 0, window: { last: "30 days" }, where: [{ field: "category", operator: "=", value: "Dining" }] }]);
  });

  it("a rank among some", async () => {
    const user = await begin("Total spend");
    await user.selectOptions(screen.getByLabelText("Operator of Total spend"), "top");
    await user.selectOptions(screen.getByLabelText("Percent or users"), "count");
    await user.click(screen.getByRole("button", { name: "among…" }));
    const among = within(screen.getByRole("group", { name: "Users among whom Total spend is ranked" }));
    await user.click(among.getByRole("button", { name: "Condition" }));
    expect(written).toEqual([{ field: "total_spend", operator: "top", value: { count: 10 }, among: [{ field: "city", operator: "=", value: "Delhi" }] }]);
  });

  it("a place as a circle and as an area", async () => {
    const user = await begin("Home");
    await user.clear(screen.getByLabelText("Latitude"));
    await user.type(screen.getByLabelText("Latitude"), "28.6");
    expect(written).toEqual([{ field: "home", operator: "within", value: { lat: 28.6, lon: 72.877, radius: "10 km" } }]);
    await user.click(screen.getByRole("button", { name: "Area" }));
    expect((written as { value: { polygon: unknown[] } }[])[0]!.value.polygon).toHaveLength(4);
  });

  it("a sequence", async () => {
    const user = await begin("One thing, then another…");
    await user.selectOptions(screen.getByLabelText("Did or did not"), "didNot");
    await user.click(screen.getByRole("button", { name: "step" }));
    await user.click(screen.getByLabelText("Move step 3 up"));
    expect(written).toEqual([{
      sequence: [{ events: "credit_card_transactions" }, { events: "credit_card_transactions", within: "7 days" }, { events: "credit_card_transactions", within: "7 days" }],
      window: { last: "90 days" }, operator: "didNot",
    }]);
  });

  it("other segments, by id", async () => {
    const user = await begin("Segment");
    await user.selectOptions(screen.getByLabelText("Segments"), "Churned");
    await user.selectOptions(screen.getByLabelText("In or not in the segment"), "notIn");
    expect(written).toEqual([{ field: "segment", operator: "notIn", value: [2] }]);
  });

  it("a bucket with a salt", async () => {
    const user = await begin("Bucket (random share)");
    await user.type(screen.getByLabelText("salt"), "autumn");
    expect(written).toEqual([{ field: "bucket", operator: "between", value: [0, 9], salt: "autumn" }]);
  });

  it("groups, any of, not, and what is left out", async () => {
    const user = await begin("City tier");
    await user.click(screen.getByRole("button", { name: "Group" }));
    await user.click(screen.getAllByRole("button", { name: "Any of" })[1]!);
    await user.click(screen.getAllByRole("button", { name: "not" })[1]!);
    await user.click(screen.getAllByRole("button", { name: "Condition" })[1]!);
    await user.click(screen.getAllByRole("button", { name: "Leave this condition out" })[0]!);
    expect(written).toEqual([
      { field: "city_tier", operator: ">=", value: 0, muted: true },
      { combinator: "or", not: true, rules: [{ field: "city", operator: "=", value: "Delhi" }] },
    ]);
  });
});

describe("problems", () => {
  it("show at the condition that they are about", () => {
    const conditions: Json = [{ field: "city_tier", operator: "=", value: 1 }, { combinator: "or", rules: [{ events: "upi_transactions", operator: ">=", value: 1, where: [{ field: "categry", operator: "=", value: "x" }] }] }];
    const path = "/conditions/1/rules/0/where/0/field";
    render(<Form conditions={conditions} problems={[{ code: "unknown_field", path, message: "no such column", hint: 'did you mean "category"?' }, { code: "bad_value", path: "/conditions/0/value", message: "too small" }]} />);
    const conditionsShown = document.querySelectorAll(".condition");
    const alerts = screen.getAllByRole("alert");
    expect(alerts).toHaveLength(2);
    expect(conditionsShown[0]).toContainElement(screen.getByText("Too small"));
    expect(conditionsShown[2]).toContainElement(screen.getByText("No such column"));
    expect(screen.getByLabelText("Value of City tier")).toHaveAttribute("aria-invalid", "true");
  });
});
