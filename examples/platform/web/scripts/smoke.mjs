// Goes through the application as a person would, in Debian's Chromium against a running platform (PLATFORM_URL).
// WEB_URL is another address for the pages, such as Vite's; SHOTS is a folder for pictures of every page.
import { existsSync, readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const platform = process.env.PLATFORM_URL;
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
if (!platform || !existsSync(executablePath)) {
  console.warn(`\n*** SKIPPED: the smoke test did not run: ${platform ? `no browser at ${executablePath}` : "PLATFORM_URL is not set"} ***\n`);
  process.exit(0);
}
const base = process.env.WEB_URL ?? platform;
const axe = readFileSync(new URL(import.meta.resolve("axe-core/axe.min.js")), "utf8");
const name = `Smoke ${Date.now()}`;
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
page.setDefaultTimeout(15_000);
const faults = [];
page.on("pageerror", (error) => faults.push(`uncaught: ${error.message}`));
page.on("response", (response) => response.status() >= 500 && faults.push(`${response.status()} ${response.url()}`));

function check(holds, what) {
  if (!holds) throw new Error(`does not hold: ${what}`);
}

async function step(what, work) {
  const begin = Date.now();
  try {
    await work();
    console.log(`ok    ${what} (${Date.now() - begin} ms)`);
  } catch (error) {
    await page.screenshot({ path: process.env.SHOTS ? `${process.env.SHOTS}/failed.png` : "smoke-failed.png" });
    throw new Error(`${what}: ${[error.message, ...faults].join("\n")}`);
  }
}

const api = async (path, options) => (await fetch(new URL(`/api${path}`, platform), options)).json();
const field = (label) => page.getByLabel(label, { exact: true });

/** Sets the newest condition of the rule to what it is about. */
async function addCondition(about) {
  const before = await page.getByLabel("About", { exact: true }).count();
  await page.locator(".builder > .queryBuilder > .ruleGroup > .ruleGroup-header").first().getByRole("button", { name: "Condition" }).click();
  const added = page.getByLabel("About", { exact: true }).nth(before);
  await added.selectOption({ label: about });
  return page.locator(".condition").nth(before);
}

async function run() {
  let rule, segment;

  await step("the dashboard shows totals and a chart", async () => {
    await page.goto(base);
    await page.getByRole("heading", { name: "Dashboard" }).waitFor();
    await page.getByText("Segment sizes").waitFor();
    await page.locator(".recharts-line, .recharts-surface").first().waitFor();
  });

  await step("a rule without a name is not saved, and says so at the name", async () => {
    await page.getByRole("link", { name: "New rule" }).click();
    await page.getByRole("button", { name: "Create rule" }).click();
    await page.getByText("A rule needs a name").waitFor();
    check((await field("Name").getAttribute("aria-invalid")) === "true", "the field is marked");
  });

  await step("a rule of three kinds of condition has a preview", async () => {
    await field("Name").fill(name);
    const tier = await addCondition("City tier");
    await tier.getByLabel("Operator of City tier").selectOption("in");
    await tier.getByLabel("Value of City tier: add a value").fill("1,");
    await tier.getByLabel("Value of City tier: add a value").fill("2");
    await tier.getByLabel("Value of City tier: add a value").press("Enter");
    await addCondition("Transactions…");
    const spend = await addCondition("Total spend");
    await spend.getByLabel("Value of Total spend").fill("1000");
    await page.getByLabel("Users after each condition").getByText("Total spend is at least 1,000").waitFor();
    check((await page.getByLabel("Users after each condition").locator("li").count()) === 3, "three bars");
  });

  await step("the text form follows the builder, and the builder the text", async () => {
    const text = page.getByLabel("The conditions as text");
    await page.waitForFunction(() => document.querySelector("textarea.code")?.value.includes("city_tier in (1, 2)"));
    await text.fill(`${await text.inputValue()} and age >= 18`);
    await page.getByLabel("Operator of Age").waitFor();
    check((await page.getByLabel("Value of Age").inputValue()) === "18", "the value came over");
    await text.fill("city_tier in (1, 2) andd");
    await page.getByText("Take back").waitFor();
    await page.getByText("Take back").click();
  });

  await step("it is saved as what the form said", async () => {
    await page.getByRole("button", { name: "Create rule" }).click();
    await page.getByRole("link", { name, exact: true }).waitFor();
    rule = (await api(`/rules?search=${encodeURIComponent(name)}`)).items[0];
    const fields = rule.conditions.map((c) => c.field ?? c.aggregate);
    check(JSON.stringify(fields) === '["city_tier","count","total_spend","age"]', `four conditions, found ${JSON.stringify(fields)}`);
    check(JSON.stringify(rule.conditions[0]) === '{"field":"city_tier","operator":"in","value":[1,2]}', "numbers are numbers");
  });

  await step("it is run, and its segment appears", async () => {
    await page.getByRole("button", { name: `Run ${name} now` }).click();
    await page.getByText("is queued to run").waitFor();
    await page.getByRole("navigation", { name: "Main" }).first().getByRole("link", { name: "Segments" }).click();
    await page.getByLabel("Search segments").fill(name);
    await page.getByRole("link", { name, exact: true }).first().waitFor({ timeout: 30_000 });
    await page.getByRole("link", { name, exact: true }).first().click();
    await page.getByRole("heading", { name }).waitFor();
    segment = page.url().match(/segments\/(\d+)/)[1];
  });

  await step("its users are shown, and one is explained", async () => {
    await page.getByRole("tab", { name: "Users" }).click();
    const key = await page.locator("tbody td").first().textContent();
    await page.getByRole("tab", { name: "Why is a user in?" }).click();
    await page.getByLabel("User’s key").fill(key);
    await page.getByRole("button", { name: "Explain" }).click();
    await page.getByText(`is in “${name}”`).waitFor();
    await page.locator("li", { hasText: "Total spend is at least 1,000" }).first().waitFor();
  });

  await step("it is downloaded", async () => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByLabel("Download all users as CSV").click()]);
    check((await download.path()) !== null, "a file came");
  });

  await step("changed, it says who left", async () => {
    await page.getByRole("link", { name: "Edit rule" }).click();
    await page.getByLabel("Value of Age").fill("40");
    await page.getByRole("button", { name: "Save changes" }).click();
    await page.getByText("was saved").waitFor();
    await api(`/rules/${rule.id}/trigger`, { method: "POST" });
    await page.waitForTimeout(1_000);
    await page.waitForFunction(async (id) => (await (await fetch(`/api/segments/${id}/versions`)).json()).items.length > 1, segment, { timeout: 30_000, polling: 500 });
    await page.goto(`${base}/segments/${segment}?tab=history`);
    await page.getByRole("heading", { name: "Left" }).waitFor();
  });

  await step("a rule that others need is not deleted, and names them", async () => {
    const needed = (await api("/rules?per_page=100")).items.find((r) => r.rule_name === "High Value Customers");
    await page.goto(`${base}/rules?search=High%20Value%20Customers`);
    await page.getByLabel(`More for ${needed.rule_name}`, { exact: true }).click();
    await page.getByRole("menuitem", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Delete rule" }).click();
    await page.getByText("This rule is in use").waitFor();
    check((await page.getByRole("dialog").getByRole("link").count()) > 0, "dependents are linked");
    await page.getByRole("dialog").getByRole("button", { name: "Close" }).last().click();
  });

  await step("the lineage is a graph that leads on", async () => {
    const all = (await api("/segments?per_page=100")).items;
    const needed = all.find((s) => s.segment_name === "High Value Customers");
    await page.goto(`${base}/segments/${needed.id}?tab=lineage`);
    await page.locator(".react-flow__node").nth(1).click();
    await page.waitForURL((url) => !url.pathname.endsWith(`/${needed.id}`));
  });

  await step("segments are compared", async () => {
    await page.goto(`${base}/segments`);
    const boxes = page.locator("tbody input[type=checkbox]");
    await boxes.nth(0).check();
    await boxes.nth(1).check();
    await boxes.nth(2).check();
    await page.getByRole("button", { name: "Compare" }).click();
    await page.getByText("What 3 segments share").waitFor();
    await page.locator("figure svg circle").nth(2).waitFor();
  });

  await step("a run has its report", async () => {
    await page.goto(`${base}/runs`);
    await page.locator("tbody .link").first().click();
    await page.getByText("Users looked at").waitFor();
  });

  for (const theme of ["light", "dark"]) {
    await step(`axe finds nothing serious on any page (${theme})`, async () => {
      const found = [];
      for (const path of ["/", "/rules", `/rules/edit/${rule.id}`, "/rules/new", "/segments", `/segments/${segment}`, `/segments/${segment}?tab=lineage`, `/segments/${segment}?tab=history`, "/runs"]) {
        await page.goto(base + path);
        await page.evaluate((t) => { document.documentElement.dataset.theme = t; }, theme);
        await page.waitForLoadState("networkidle").catch(() => undefined);
        await page.waitForTimeout(400);
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }));
        for (const v of violations) if (v.impact === "serious" || v.impact === "critical") found.push(`${path}: ${v.id} ×${v.nodes.length} ${v.nodes[0].target} ${v.nodes[0].any[0]?.message ?? ""}`);
      }
      check(found.length === 0, found.join("\n"));
    });
  }

  await step("the rule that was made is deleted", async () => {
    await page.goto(`${base}/rules?search=${encodeURIComponent(name)}`);
    await page.getByLabel(`More for ${name}`, { exact: true }).click();
    await page.getByRole("menuitem", { name: "Delete" }).click();
    await page.getByRole("button", { name: "Delete rule" }).click();
    await page.getByText("was deleted").waitFor();
  });
  check(faults.length === 0, faults.join("; "));
}

try {
  await run();
  console.log("the smoke test passed");
} finally {
  await browser.close();
}
