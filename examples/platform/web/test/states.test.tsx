// What pages show while they wait, when there is nothing, when something failed, and what is asked again.
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { createMemoryRouter, RouterProvider } from "react-router";
import { beforeEach, expect, it, vi } from "vitest";
import Rules from "../src/pages/rules";
import Segments from "../src/pages/segments";
import { Toasts } from "../src/ui/toasts";

type Answer = { status?: number; body: unknown } | "never" | "unreachable";
let answers: Record<string, Answer>;
const asked: string[] = [];

beforeEach(() => {
  asked.length = 0;
  HTMLDialogElement.prototype.showModal = function () { this.open = true; };
  HTMLDialogElement.prototype.close = function () { this.open = false; };
  vi.stubGlobal("fetch", (url: string, options: RequestInit) => {
    const name = `${options.method} ${url.replace(/\?.*/, "")}`;
    asked.push(`${options.method} ${url}`);
    const answer = answers[name];
    if (answer === undefined) throw new Error(`the test has no answer to ${name}`);
    if (answer === "never") return new Promise(() => undefined);
    if (answer === "unreachable") return Promise.reject(new TypeError("Failed to fetch"));
    return Promise.resolve(new Response(answer.status === 204 ? null : JSON.stringify(answer.body), { status: answer.status ?? 200 }));
  });
});

function show(page: React.ReactNode, at = "/") {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const router = createMemoryRouter([{ path: "*", element: <Toasts>{page}</Toasts> }], { initialEntries: [at] });
  return render(<QueryClientProvider client={client}><RouterProvider router={router} /></QueryClientProvider>);
}

const page = (items: unknown[]) => ({ body: { items, total: items.length, page: 1, pages: 1 } });
const RULE = { id: 1, version: 1, rule_name: "Metro", description: "Tier 1", schedule: "@daily", depends_on: [], enabled: true, next_run: null };

it("waits", async () => {
  answers = { "GET /api/rules": "never" };
  show(<Rules />);
  expect(screen.getByRole("status")).toHaveTextContent("Loading");
});

it("says that there is nothing, and what to do", async () => {
  answers = { "GET /api/rules": page([]) };
  show(<Rules />);
  expect(await screen.findByText("No rules yet")).toBeVisible();
});

it("says that nothing was found", async () => {
  answers = { "GET /api/rules": page([]) };
  show(<Rules />, "/?search=xyz");
  expect(await screen.findByText("No rule matches “xyz”")).toBeVisible();
});

it("says what failed, and tries again", async () => {
  answers = { "GET /api/rules": { status: 503, body: { error: { code: "busy", message: "another refresh is on", hint: "wait a little" } } } };
  show(<Rules />);
  expect(await screen.findByRole("alert")).toHaveTextContent("another refresh is onwait a little");
  answers = { "GET /api/rules": page([RULE]) };
  await userEvent.click(screen.getByRole("button", { name: "Try again" }));
  expect(await screen.findByRole("link", { name: "Metro" })).toBeVisible();
});

it("says that the server can't be reached", async () => {
  answers = { "GET /api/segments": "unreachable" };
  show(<Segments />);
  expect(await screen.findByRole("alert")).toHaveTextContent("The server can't be reached");
});

it("shows who needs a rule that can't be deleted", async () => {
  answers = { "GET /api/rules": page([RULE]), "DELETE /api/rules/1": { status: 409, body: { error: { code: "rule_in_use", message: 'the rule "Metro" is needed by "Loyal" (4), "Win back" (7)' } } } };
  show(<Rules />);
  await userEvent.click(await screen.findByRole("button", { name: "More for Metro" }));
  await userEvent.click(screen.getByRole("menuitem", { name: "Delete" }));
  await userEvent.click(screen.getByRole("button", { name: "Delete rule" }));
  expect(await screen.findByText("This rule is in use")).toBeVisible();
  expect(screen.getByRole("link", { name: "Loyal" })).toHaveAttribute("href", "/rules/edit/4");
  expect(screen.getByRole("link", { name: "Win back" })).toHaveAttribute("href", "/rules/edit/7");
});

it("asks for the list again after a run was asked for", async () => {
  answers = { "GET /api/rules": page([RULE]), "POST /api/rules/1/trigger": { status: 202, body: { message: "Rule trigger has been scheduled", run_id: 1 } } };
  show(<Rules />);
  await userEvent.click(await screen.findByRole("button", { name: "Run Metro now" }));
  expect(await screen.findByText(/is queued to run/)).toBeVisible();
  await waitFor(() => expect(asked.filter((a) => a.startsWith("GET /api/rules")).length).toBeGreaterThan(1));
});

it("compares only when two are selected", async () => {
  const segment = (id: number) => ({ id, rule_id: id, segment_name: `S${id}`, table_name: "t", row_count: 3, last_refreshed_at: null, depends_on: [], current: null, sizes: [] });
  answers = { "GET /api/segments": page([segment(1), segment(2)]), "POST /api/segments/overlap": { body: { segments: [{ rule_id: 1, segment_name: "S1", row_count: 3 }, { rule_id: 2, segment_name: "S2", row_count: 3 }], pairs: [{ first: 1, second: 2, count: 2, jaccard: 0.5 }] } } };
  show(<Segments />);
  await userEvent.click(await screen.findByLabelText("Select S1"));
  expect(screen.getByRole("button", { name: "Compare" })).toBeDisabled();
  await userEvent.click(screen.getByLabelText("Select S2"));
  await userEvent.click(screen.getByRole("button", { name: "Compare" }));
  expect(await screen.findByText("What 2 segments share")).toBeVisible();
  await userEvent.click(await screen.findByRole("button", { name: "Similarity" }));
  expect(screen.getAllByText("0.50")).toHaveLength(2);
});
