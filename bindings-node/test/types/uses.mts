// Uses and misuses of the package: what is right has to compile, and what is wrong must not.

import { tableFromArrays, tableFromIPC } from "apache-arrow";
import {
  AudienceModel,
  CancelledError,
  DependencyFinder,
  exactly,
  InvalidError,
  MemoryCatalog,
  RuleGraph,
  RuleParser,
  Segment,
  SegmentEngine,
  SegmentryError,
  SqliteCatalog,
  type Explained,
  type Kind,
  type Page,
  type Problem,
  type Rule,
  type Run,
  type RunEvent,
  type Value,
} from "segmentry";

const engine: SegmentEngine = await SegmentEngine.open({ catalog: "audience.db", threads: 2, memoryLimit: "8 GB" });
await SegmentEngine.open({ catalog: new MemoryCatalog(), model: { users: { table: "people", key: "id" } } });
await SegmentEngine.open({ catalog: await SqliteCatalog.open(new URL("file:///tmp/a.db")), store: "store", busyTimeout: 5 });
// @ts-expect-error a catalog is needed
await SegmentEngine.open({});
// @ts-expect-error threads are a number
await SegmentEngine.open({ catalog: ":memory:", threads: "2" });
// @ts-expect-error no such option
await SegmentEngine.open({ catalog: ":memory:", thread: 2 });
// @ts-expect-error an engine is opened, not made
new SegmentEngine();

await engine.addCsv("users", "users.csv", { appendOnly: true });
await engine.addArrow("users", tableFromArrays({ user_id: Int32Array.of(1) }), { cursor: "user_id" });
await engine.addArrow("users", new Uint8Array());
// @ts-expect-error rows of objects are no Arrow
await engine.addArrow("users", [{ user_id: 1 }]);
const names: string[] = await engine.addSqlite("platform.db", { cursor: { trips: "trip_id" } });
// @ts-expect-error files have no cursor
await engine.addParquet("users", "users.parquet", { cursor: "user_id" });

const id: number = await engine.createRule({ rule_name: "A", conditions: [] });
// @ts-expect-error a rule is a document
await engine.createRule(7);
const rules: Page<Rule> = await engine.rules({ page: 1, perPage: 5, search: "a" });
const created: Date | null | undefined = rules.items[0]?.createdAt;
// @ts-expect-error names are in camel case
rules.items[0]?.created_at;
await engine.updateRule(id, rules.items[0]!.document, { ifVersion: 1 });
// @ts-expect-error versions are numbers
await engine.updateRule(id, {}, { ifVersion: "1" });

const run: Run = await engine.refresh([id, "A"], {
  asOf: new Date(),
  signal: AbortSignal.timeout(1000),
  acceptChange: "A",
  onProgress(event: RunEvent) {
    switch (event.event) {
      case "evaluated":
        return console.log(event.rowCount, event.ruleName);
      case "progress":
        return console.log(event.stage, event.table);
      case "published":
        // @ts-expect-error a publication has no rule
        return console.log(event.runId, event.ruleId);
    }
  },
});
const exact: string = exactly(run.asOf);
const problems: readonly Problem[] = run.failed.flatMap((failed) => failed.problems);
// @ts-expect-error instants are Dates or texts
await engine.refresh(undefined, { asOf: 7 });
// @ts-expect-error a rule is an id or a name
await engine.refresh([{}]);

const segment: Segment = await engine.segment("A", { version: 1 });
const inside: boolean = segment.contains(1) && segment.contains(1n) && segment.contains("one");
// @ts-expect-error keys are bigints, numbers or strings
segment.contains(new Date());
const keys: (bigint | string)[] = (await segment.keys()).toArray();
for (const key of await segment.keys()) {
  // @ts-expect-error a key is a bigint or a string
  const wrong: number = key;
}
const users: Record<string, Value>[] = await segment.sample(5, ["name"]);
for await (const batch of segment.members(["name"], { batchSize: 100 })) {
  const bytes: Uint8Array = await batch.toArrow();
  tableFromIPC(bytes);
  const rows: Record<string, Value>[] = await batch.toArray();
}
const rows = await segment.members();
const columns: readonly string[] = rows.columns;
const count: number = rows.length + segment.length + segment.rowCount;
// @ts-expect-error rows are asked for by name
await segment.members("name");
await segment.export("a.csv", "csv");
const written: number = await segment.writeTable("platform.db");
// @ts-expect-error no such format
await segment.export("a.xml", "xml");
// @ts-expect-error a segment is given by an engine
segment.rowCount = 3;
const { entered, exited } = await segment.changes(1);

const counted = await engine.sql("select 1", { signal: new AbortController().signal }).toArray();
const drawn: string = await engine.lineage(1, "mermaid");
const nodes: number = (await engine.lineage(1)).nodes.length;
// @ts-expect-error no such drawing
await engine.lineage(1, "png");
const root: Explained = (await engine.explain("A", 1n)).root;
const left: number[] = (await engine.preview("city_tier = 1")).steps.map((step) => step.count);
const size: number | undefined = (await engine.storeStatus())?.bytes;
const guards: Map<number, number> = await engine.maxChanges();
// @ts-expect-error how many to keep has to be said
await engine.vacuum({});

const scheduler = engine.scheduler({ misfire: "skip", retry: [1, 60] });
scheduler.start();
await scheduler.stop("cancel");
// @ts-expect-error once or skip
engine.scheduler({ misfire: "never" });

const model: AudienceModel | null = (await AudienceModel.infer({ users: new Uint8Array() })).model;
const finder = await DependencyFinder.create(model!, { users: new Uint8Array() });
const found = await finder.find("city_tier = 1", new Map([[1, { rule_name: "A" }]]));
const order: number[] = await (await RuleGraph.create({ 1: [], 2: [1] })).order();
const text: string = await RuleParser.toText([]);
// @ts-expect-error it is called on the class
new RuleParser();

try {
  await engine.rule(7);
} catch (error) {
  if (error instanceof CancelledError) error.cause;
  if (error instanceof SegmentryError) {
    const kind: Kind = error.kind;
    const hint: string | undefined = error.hint;
    // @ts-expect-error it is read only
    error.kind = "busy";
    // @ts-expect-error no such kind
    if (error.kind === "fatal") throw error;
  }
  if (error instanceof InvalidError) error.kind satisfies "invalid";
}
