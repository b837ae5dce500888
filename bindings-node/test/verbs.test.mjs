// Every verb once, with what it answers.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { test } from "node:test";
import * as segmentry from "segmentry";
import {
  AudienceModel,
  ConflictError,
  DependencyFinder,
  InvalidError,
  MemoryCatalog,
  NotFoundError,
  RuleGraph,
  RuleParser,
  SegmentEngine,
  SqliteCatalog,
} from "segmentry";
import { folderFor, METRO, slowEngine, smallEngine, until, USERS } from "./support.mjs";

const TIER_2 = { rule_name: "Tier 2", conditions: [{ field: "city_tier", operator: "=", value: 2 }] };

test("rules", async () => {
  const engine = await smallEngine();
  const wrong = { rule_name: "Metro 2", conditions: [{ field: "city_teir", operator: "=", value: 1 }] };
  const [problem] = await engine.validate(wrong);
  assert.deepEqual([problem.code, problem.path], ["unknown_field", "/conditions/0/field"]);
  assert.equal(problem.hint, 'did you mean "city_tier"?');
  assert.deepEqual(await engine.validate(TIER_2), []);
  assert.equal(await engine.createRule(TIER_2), 2);
  assert.equal(await engine.createRule(JSON.stringify({ ...TIER_2, rule_name: "Text" })), 3);

  const rule = await engine.rule("Tier 2");
  assert.deepEqual([rule.id, rule.version, rule.document.conditions[0].field], [2, 1, "city_tier"]);
  assert.ok(rule.createdAt instanceof Date && rule.updatedAt instanceof Date);
  assert.deepEqual(await engine.rule(2), rule);

  const depends = { rule_name: "Both", depends_on: ["Tier 2", 1], operation: "UNION" };
  assert.equal(await engine.createRule(depends), 4);
  const updated = await engine.updateRule(2, { ...rule.document, description: "two" }, { ifVersion: 1 });
  assert.deepEqual(updated, { affects: [{ ruleId: 4, ruleName: "Both" }] });
  await assert.rejects(engine.updateRule(2, rule.document, { ifVersion: 1 }), (error) => {
    assert.ok(error instanceof ConflictError);
    return error.code === "stale_version";
  });
  const history = await engine.ruleHistory(2);
  assert.deepEqual(history.map((wording) => [wording.version, wording.document.description]), [[1, undefined], [2, "two"]]);
  assert.ok(history[0].at instanceof Date);

  await assert.rejects(engine.deleteRule("Tier 2"), (error) => error.code === "rule_in_use" && /Both/.test(error.message));
  assert.equal(await engine.deleteRule("Both"), undefined);
  await assert.rejects(engine.rule("Both"), NotFoundError);

  const page = await engine.rules({ search: "T", perPage: 2 });
  assert.deepEqual([page.items.length, page.total, page.page, page.pages], [2, 3, 1, 2]);
  assert.deepEqual((await engine.rules({ page: 2, perPage: 2 })).items.map((each) => each.document.rule_name), ["Text"]);

  const documents = await engine.exportRules();
  assert.deepEqual(documents.map((document) => document.rule_name), ["Metro", "Tier 2", "Text"]);
  assert.deepEqual(await engine.importRules([{ rule_name: "New", conditions: [] }, ...documents]), [5, 1, 2, 3]);
});

test("refresh, runs and segments", async () => {
  const engine = await smallEngine();
  const events = [];
  const asOf = new Date("2025-02-01T00:00:00Z");
  const run = await engine.refresh(["Metro"], { asOf, onProgress: (event) => events.push(event) });
  assert.deepEqual(run.asOf, asOf);
  assert.deepEqual([run.id, run.failed, run.skipped, run.segments[0].rowCount], [2, [], [], 2]);
  assert.deepEqual(events[0], { event: "started", rules: 1 });
  assert.deepEqual(events.at(-1), { event: "published", runId: 2 });
  const evaluated = events.find((event) => event.event === "evaluated");
  assert.deepEqual(evaluated, { event: "evaluated", ruleId: 1, ruleName: "Metro", rowCount: 2, done: 1, of: 1 });
  assert.equal((await engine.refresh(1, { incremental: false, reuse: false, timeout: 60 })).scanned.users, 3);
  assert.equal((await engine.runs({ perPage: 2 })).total, 3);
  assert.deepEqual((await engine.run(2)).asOf, asOf);

  const { items } = await engine.segments();
  assert.deepEqual([items[0].segmentName, items[0].tableName, items[0].current.version], ["Metro", "segment_output_1", 3]);
  const segment = await engine.segment(1);
  assert.deepEqual([segment.id, segment.ruleId, segment.segmentName, segment.version], [1, 1, "Metro", 3]);
  assert.deepEqual([segment.rowCount, segment.length, segment.description], [2, 2, null]);
  assert.match(segment.sqlQuery, /^SELECT "users"/);
  assert.ok(segment.asOf instanceof Date && segment.lastRefreshedAt instanceof Date);
  assert.deepEqual([1, 1n, 2, 3n].map((key) => segment.contains(key)), [true, true, false, true]);
  assert.equal(segment.contains("1"), false);
  assert.equal((await engine.segment("Metro", { version: 1 })).version, 1);
  assert.equal((await engine.segment("Metro", { asOf })).version, 2);
  await assert.rejects(engine.segment("Metro", { asOf, version: 1 }), InvalidError);
  assert.deepEqual(await segment.sample(5, ["name"]), [{ name: "Asha" }, { name: null }]);
  assert.equal((await segment.sample(1)).length, 1);
  assert.deepEqual((await segment.versions()).map((each) => each.version), [1, 2, 3]);
  assert.deepEqual(await engine.segmentsOf(3), ["Metro"]);
  assert.deepEqual(await engine.segmentsOf(2n), []);
});

test("changes, and the feed of them", async () => {
  const engine = await smallEngine();
  await engine.updateRule(1, { ...METRO, conditions: [{ field: "city_tier", operator: "in", value: [2, 3] }] });
  await engine.refresh();
  const changes = await (await engine.segment(1)).changes(1);
  assert.deepEqual([[...changes.entered], [...changes.exited]], [[2n], [1n, 3n]]);
  const feed = await engine.changes();
  assert.deepEqual(feed.changes.map((change) => [change.runId, change.since, ...change.entered]), [[1, 0, 1n, 3n], [2, 1, 2n]]);
  assert.deepEqual([[...feed.changes[1].exited], feed.upTo, feed.changes[1].asOf instanceof Date], [[1n, 3n], 2, true]);
  assert.deepEqual((await engine.changes(feed.upTo)).changes, []);
});

test("questions", async () => {
  const engine = await smallEngine();
  const preview = await engine.preview("city_tier = 1 and sum(payments.amount, window => 'all') > 100");
  assert.deepEqual([preview.count, preview.of, preview.steps.map((step) => step.count)], [1, 3, [2, 1]]);
  assert.deepEqual(preview.sample, [{ user_id: 1n, city_tier: 1, name: "Asha" }]);
  assert.equal((await engine.preview(METRO)).count, 2);
  assert.equal((await engine.preview(METRO.conditions, { asOf: "2025-01-01T00:00:00Z" })).count, 2);

  const explanation = await engine.explain("Metro", 2);
  const [condition] = explanation.root.parts;
  assert.deepEqual([explanation.key, explanation.member, explanation.asOf instanceof Date], [2n, false, true]);
  assert.deepEqual([condition.holds, condition.value, condition.needed], [false, 2, "= 1"]);
  const conditions = await engine.parseText("count(payments, last => '30 days') > 0");
  const windowed = await engine.explain(conditions, 1n, { asOf: "2025-01-31T00:00:00Z" });
  assert.deepEqual(windowed.root.parts[0].window.start, new Date("2025-01-01T00:00:00Z"));

  const dependencies = await engine.dependencies(METRO.conditions);
  assert.deepEqual([dependencies.reused[0].ruleId, dependencies.reused[0].how, dependencies.reused[0].chosen], [1, "equal", true]);
  assert.deepEqual((await engine.dependencies("Metro")).dependsOn, []);

  await engine.createRule({ rule_name: "Everyone", conditions: [] });
  await engine.refresh();
  const overlap = await engine.overlap(["Metro", "Everyone"]);
  assert.deepEqual([overlap.segments[0].rowCount, overlap.pairs[0].count], [2, 2]);

  const lineage = await engine.lineage("Metro");
  assert.deepEqual([lineage.ruleId, lineage.nodes[0].ruleName, lineage.nodes[0].rowCount], [1, "Metro", 2]);
  assert.match(await engine.lineage("Metro", "mermaid"), /^graph LR/);
  assert.match(await engine.lineage("Metro", "dot"), /^digraph/);
  await assert.rejects(engine.lineage("Metro", "png"), InvalidError);

  const sql = 'SELECT "users"."user_id" FROM "users" WHERE ("users"."city_tier" = 1)';
  assert.equal(await engine.toSql("Metro", "duckdb"), sql);
  assert.match(await engine.toSql(METRO.conditions, "sqlite", { asOf: new Date() }), /SELECT/);
  assert.equal(await engine.toText(METRO), "city_tier = 1");
  assert.deepEqual(await engine.parseText("city_tier = 1"), METRO.conditions);

  const counted = "select count(*) as n from users join segment_output_1 using (user_id)";
  assert.deepEqual(await engine.sql(counted).toArray(), [{ n: 2n }]);
  await assert.rejects(async () => engine.sql("drop table users"), (error) => error.code === "not_read_only");

  const field = (await engine.fields()).find(({ name }) => name === "city_tier");
  assert.deepEqual([field.table, field.type, field.operators[0]], ["users", "integer", "="]);
  const summary = await engine.summary();
  assert.deepEqual([summary.totalUsers, summary.totalTransactions, summary.totalSegments], [3, 4, 2]);
  assert.ok(summary.lastRun.asOf instanceof Date);
  assert.deepEqual((await engine.model()).users, { table: "users", key: "user_id" });
  const { model, reasons } = await engine.inferModel();
  assert.deepEqual([model.events.payments.time, reasons.length > 0], ["paid_at", true]);
});

test("sources", async (context) => {
  const folder = folderFor(context);
  const engine = await smallEngine();
  writeFileSync(join(folder, "visits.csv"), "user_id,at\n1,2025-01-01T10:00:00\n");
  await engine.addCsv("visits", join(folder, "visits.csv"), { appendOnly: true });
  await engine.addCsv("visits_2", pathToFileURL(join(folder, "visits.csv")));
  const visits = (await engine.sources()).find((source) => source.name === "visits");
  assert.deepEqual([visits.kind, visits.appendOnly, visits.schema[0].name], ["csv", true, "user_id"]);
  await engine.removeSource("visits");
  assert.deepEqual((await engine.sources()).map((source) => source.name), ["payments", "users", "visits_2"]);
  await assert.rejects(engine.removeSource("visits"), NotFoundError);
  await (await engine.segment("Metro")).export(join(folder, "metro.parquet"));
  await engine.addParquet("metro", join(folder, "metro.parquet"));
  assert.deepEqual(await engine.sql("select * from metro").toArray(), [{ user_id: 1n }, { user_id: 3n }]);
  await (await engine.segment("Metro")).export(join(folder, "metro.csv"), "csv");
  assert.equal(readFileSync(join(folder, "metro.csv"), "utf8"), "user_id\n1\n3\n");
  const platform = join(folder, "platform.db");
  const make = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('create table trips (trip_id integer primary key, user_id integer)')";
  execFileSync("python3", ["-c", make, platform]);
  assert.deepEqual(await engine.addSqlite(platform, { cursor: { trips: "trip_id" } }), ["trips"]);
  assert.equal((await engine.sources()).find((source) => source.name === "trips").cursor, "trip_id");
  assert.equal(await (await engine.segment("Metro")).writeTable(platform), 2);
  const count = "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('select count(*) from segment_output_1').fetchone()[0])";
  assert.equal(String(execFileSync("python3", ["-c", count, platform])).trim(), "2");
  await assert.rejects(engine.addArrow("users", { not: "a table" }), InvalidError);
  await assert.rejects(engine.addArrow("users", Uint8Array.of(1, 2, 3)), (error) => error.code === "unreadable_source");
});

test("a catalog and a store on disk, and their upkeep", async (context) => {
  const folder = folderFor(context);
  const catalog = join(folder, "audience.db");
  const options = { catalog, store: join(folder, "store"), threads: 2, memoryLimit: "1 GB", busyTimeout: 5 };
  const engine = await smallEngine(options);
  for (const table of ["sources", "fields"]) assert.ok((await engine[table]()).length > 0);
  const other = await SegmentEngine.open({ catalog });
  assert.equal((await other.rules()).total, 1);

  await engine.addArrow("users", USERS);
  await engine.refresh();
  const check = await engine.check();
  assert.deepEqual([check.isSound, check.damaged], [true, []]);
  assert.ok(Object.values(check.lookedAt).some((count) => count > 0));
  const status = await engine.storeStatus();
  assert.equal(status.folder, join(folder, "store"));
  assert.equal((await engine.compact()).folder, status.folder);
  assert.equal(await (await smallEngine()).storeStatus(), null);
  const vacuumed = await engine.vacuum({ keepVersions: 1, runs: 1 });
  assert.ok(vacuumed.bytesBefore > 0 && vacuumed.damaged.length === 0);
  assert.ok((await engine.backup(join(folder, "copy.db"))) > 0 && existsSync(join(folder, "copy.db")));
  await assert.rejects(engine.backup(join(folder, "copy.db")), ConflictError);
  const forgotten = await engine.forget(3);
  assert.deepEqual([forgotten.known, forgotten.segments, forgotten.pickedBy], [true, 1, []]);
  assert.deepEqual([...(await (await engine.segment("Metro")).keys())], [1n]);

  await engine.setMaxChange("Metro", 0.1);
  assert.deepEqual(await engine.maxChanges(), new Map([[1, 0.1]]));
  await engine.updateRule("Metro", { ...METRO, conditions: [] });
  const held = await engine.refresh();
  assert.equal(held.failed[0].problems[0].code, "implausible_change");
  assert.equal((await engine.refresh("Metro", { acceptChange: "Metro" })).failed.length, 0);
  await engine.setMaxChange("Metro", null);
  assert.equal((await engine.maxChanges()).size, 0);
});

test("schedules", async () => {
  const engine = await smallEngine();
  await engine.updateRule("Metro", { ...METRO, schedule: "0 6 * * 1-5" });
  const times = await engine.nextRuns("Metro", 2);
  assert.deepEqual(times.map((at) => at.getUTCHours()), [6, 6]);
  const [due] = await engine.due(new Date(times[0].getTime() + 60_000));
  assert.deepEqual([due.ruleName, due.firing.getTime()], ["Metro", times[0].getTime()]);
  assert.equal((await engine.status()).published, 1);

  const scheduler = engine.scheduler({ misfire: "once", poll: 1, grace: 60, retry: [1, 60] });
  assert.equal(scheduler.isStarted, false);
  const id = await engine.trigger("Metro");
  assert.equal((await scheduler.runDue()).id, id);
  assert.equal(await scheduler.runDue(), null);
  scheduler.start();
  scheduler.start();
  assert.equal(scheduler.isStarted, true);
  const again = await engine.trigger("Metro");
  await until(async () => (await engine.runs()).items.some((run) => run.id === again));
  const status = await scheduler.status();
  assert.deepEqual([status.started, status.rules[0].ruleName, status.queued], [true, "Metro", []]);
  assert.ok(status.rules[0].nextRun instanceof Date);
  await scheduler.stop();
  assert.equal(scheduler.isStarted, false);
  assert.throws(() => engine.scheduler({ misfire: "never" }), InvalidError);
});

test("status of a run under way", async () => {
  const engine = await slowEngine({ rules: 300 });
  const refresh = engine.refresh();
  let running = null;
  await until(async () => ((running = (await engine.status()).running)?.rules ?? 0) > 0);
  assert.deepEqual([running.rules, running.startedAt instanceof Date, typeof running.stage], [301, true, "string"]);
  await refresh;
  assert.equal((await engine.status()).running, null);
});

test("the parts by themselves", async () => {
  const spoken = { rule_name: "A", conditions: [{ field: "tier", operator: "==", value: "1" }] };
  const parsed = await RuleParser.parse(spoken);
  assert.deepEqual(parsed, { rule_name: "A", conditions: [{ field: "tier", operator: "=", value: "1" }], enabled: true });
  assert.deepEqual(await RuleParser.parseText("city_tier in (1, 2)"), [{ field: "city_tier", operator: "in", value: [1, 2] }]);
  await assert.rejects(RuleParser.parseText("city_tier ="), (error) => /^1:/.test(error.path));
  assert.equal(await RuleParser.toText(parsed), "tier = '1'");
  assert.deepEqual((await RuleParser.schema()).required, ["rule_name"]);

  const model = await AudienceModel.parse({ users: { table: "people", key: "id" } });
  assert.deepEqual([model.users, model.timezone, model.events], [{ table: "people", key: "id" }, "UTC", {}]);
  const inferred = await AudienceModel.infer({ users: USERS });
  assert.deepEqual(inferred.model.users, { table: "users", key: "user_id" });
  assert.ok(inferred.reasons.length > 0);

  const finder = await DependencyFinder.create(inferred.model, { users: USERS }, { asOf: new Date() });
  const rules = new Map([[1, { rule_name: "T", conditions: await RuleParser.parseText("city_tier in (1, 2)") }]]);
  const found = await finder.find("city_tier = 1", rules);
  assert.deepEqual([found.reused[0].ruleId, found.reused[0].how], [1, "contains"]);
  assert.equal(await finder.implies("city_tier = 1", "city_tier < 3", { 1: rules.get(1) }), true);
  assert.equal(await finder.implies("city_tier < 3", "city_tier = 1", {}), false);
  assert.deepEqual(await (await finder.graph(rules)).order(), [1]);

  const graph = await RuleGraph.create({ 1: [], 2: [1], 3: [1], 4: [2, 3] });
  assert.deepEqual(await graph.order(), [1, 2, 3, 4]);
  assert.deepEqual(await graph.levels(), [[1], [2, 3], [4]]);
  assert.deepEqual([await graph.dependents(1), await graph.needs(4)], [[2, 3], [2, 3]]);
  assert.deepEqual([await graph.affected(2), await graph.withAncestors([2])], [[4], [1, 2]]);
  assert.deepEqual(await graph.cycles(), []);
});

test("catalogs that engines share, and engines that are closed", async (context) => {
  const file = join(folderFor(context), "audience.db");
  for (const catalog of [new MemoryCatalog(), await SqliteCatalog.open(file, { busyTimeout: 1 })]) {
    const engine = await smallEngine({ catalog });
    const other = await SegmentEngine.open({ catalog });
    const segment = await other.segment("Metro");
    assert.equal(segment.rowCount, 2);
    other.close();
    await assert.rejects(other.rules(), (error) => error instanceof InvalidError && /closed/.test(error.message));
    assert.equal(segment.contains(1), true);
    assert.equal((await engine.rules()).total, 1);
  }
  await assert.rejects(SegmentEngine.open({}), InvalidError);
  await assert.rejects(SegmentEngine.open({ catalog: ":memory:", model: { users: {} } }), InvalidError);
  await assert.rejects(SegmentEngine.open({ catalog: ":memory:", memoryLimit: "much" }), InvalidError);
});

test("a model by path, by text and by URL", async (context) => {
  const file = join(folderFor(context), "model.json");
  const model = { users: { table: "users", key: "user_id" }, timezone: "Asia/Kolkata" };
  writeFileSync(file, JSON.stringify(model));
  for (const given of [model, JSON.stringify(model), file, pathToFileURL(file)]) {
    const engine = await SegmentEngine.open({ catalog: ":memory:", model: given });
    await engine.addArrow("users", USERS);
    assert.equal((await engine.model()).timezone, "Asia/Kolkata");
  }
});

test("answers have no names in snake case", async () => {
  const engine = await smallEngine();
  await engine.updateRule("Metro", { ...METRO, schedule: "@daily" });
  const answers = [
    await engine.refresh(), await engine.rules(), await engine.ruleHistory(1), await engine.segments(), await engine.sources(),
    await engine.fields(), await engine.summary(), await engine.status(), await engine.check(), await engine.lineage(1),
    await engine.preview(METRO), await engine.explain(1, 1), await engine.dependencies(1), await engine.overlap([1, "Metro"]).catch(() => null),
    await engine.due("2100-01-01T00:00:00Z"), await engine.scheduler().status(), await engine.vacuum({ keepVersions: 1 }), await engine.forget(1),
    await (await engine.segment(1)).versions(),
  ];
  const documents = new Set(["document", "sample", "scanned", "stages", "rows", "lookedAt"]);
  const look = (value, path) => {
    if (value === null || typeof value !== "object" || value instanceof Date) return;
    for (const [name, found] of Object.entries(value)) {
      assert.doesNotMatch(name, /_/, `${path}/${name}`);
      if (!documents.has(name)) look(found, `${path}/${name}`);
    }
  };
  answers.forEach((answer, at) => look(answer, String(at)));
});

test("the package exports what it says", () => {
  const classes = ["SegmentEngine", "Segment", "Keys", "Rows", "Scheduler", "RuleParser", "DependencyFinder", "AudienceModel",
    "SegmentryError", "InvalidError", "NotFoundError", "ConflictError", "DataError", "BusyError", "CancelledError", "InternalError"];
  for (const name of classes) assert.equal(typeof segmentry[name], "function", name);
});
