// Users and payments to segments: `node examples/quickstart.mjs`

import { tableFromArrays } from "apache-arrow";
import { SegmentEngine } from "segmentry";

const engine = await SegmentEngine.open({ catalog: ":memory:" });
await engine.addArrow(
  "users",
  tableFromArrays({
    user_id: Int32Array.of(1, 2, 3, 4),
    name: ["Asha", "Bilal", "Chitra", "Dev"],
    city_tier: Int32Array.of(1, 2, 1, 1),
  }),
);
await engine.addArrow(
  "payments",
  tableFromArrays({
    user_id: Int32Array.of(1, 1, 2, 3),
    paid_at: ["2025-12-20", "2025-12-24", "2025-12-26", "2025-06-01"].map((day) => new Date(day)),
    amount: Float64Array.of(9000, 3000.5, 700, 20000),
  }),
);

await engine.createRule({ rule_name: "Metro", conditions: await engine.parseText("city_tier = 1") });
await engine.createRule({
  rule_name: "Big spenders",
  depends_on: ["Metro"],
  operation: "INTERSECTION",
  conditions: [
    { events: "payments", aggregate: "sum", field: "amount", window: { last: "30 days" }, operator: ">", value: 10000 },
  ],
});

const run = await engine.refresh(null, {
  asOf: "2026-01-01T00:00:00Z",
  onProgress: (event) => event.event === "evaluated" && console.log(`${event.ruleName}: ${event.rowCount} users`),
});
console.log(`run ${run.id} about ${run.asOf.toISOString()}`);

const segment = await engine.segment("Big spenders");
console.log(segment.contains(1), segment.contains(3), await segment.sample(5, ["user_id", "name"]));
const conditions = (node) => (node.parts?.length ? node.parts.flatMap(conditions) : [`${node.text || node.kind}: ${node.holds}`]);
console.log(conditions((await engine.explain("Big spenders", 3)).root));
console.log(await engine.lineage("Big spenders", "mermaid"));
