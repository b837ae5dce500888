// How long calls keep the event loop's thread busy while a large run is on, and how late the loop is.
//
//   node bench/event-loop.mjs --data ~/.cache/segmentry/bench/v1-1000000-40000000 --rules 1000
//   node bench/event-loop.mjs --users 100000 --events 1000000 --rules 200
//
// The first reads what `make bench` has written: a million users and forty million events. The second makes its own.
// The processor time of a call is that of this thread until its promise is handed over, and of a turn of the event loop
// what it does with answers. Other processes make the loop late, but not that.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { SegmentEngine } from "segmentry";

const MODEL = { users: { table: "users", key: "user_id" }, events: { events: { user: "user_id", time: "transaction_date" } } };
const DEFAULTS = { users: 100_000, events: 1_000_000, rules: 200 };

/** Processor time of this thread in milliseconds: by Node where it tells it, else by Linux. */
function threadTime() {
  if (process.threadCpuUsage !== undefined) {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  }
  return Number(readFileSync("/proc/thread-self/schedstat", "utf8").split(" ")[0]) / 1e6;
}

/** Users and events by the engine's own SQL, under the names of what `make bench` writes. */
async function made(engine, { users, events }) {
  const people = `select value as user_id, cast(value % 3 + 1 as int) as city_tier from range(0, ${users})`;
  await engine.addArrow("users", await engine.sql(people).toArrow());
  const happened = `select value * 7919 % ${users} as user_id, value * 104729 % 10000 as amount,
      to_timestamp_micros(1735689600000000 + value * 15485863 % 31536000 * 1000000) as transaction_date
    from range(0, ${events})`;
  await engine.addArrow("events", await engine.sql(happened).toArrow());
}

async function prepared({ data, rules, threads, ...sizes }) {
  const engine = await SegmentEngine.open({ catalog: ":memory:", threads, model: MODEL });
  if (data === undefined) {
    await made(engine, sizes);
  } else {
    for (const table of ["users", "events"]) await engine.addParquet(table, join(data, `${table}.parquet`));
  }
  await engine.importRules(Array.from({ length: rules }, (_, at) => ({
    rule_name: `Rule ${at}`,
    conditions: [
      {
        events: "events", aggregate: ["sum", "avg", "max"][at % 3], field: "amount", operator: ">", value: at * 10,
        window: { last: `${1 + (at % 300)} days` },
      },
      { field: "city_tier", operator: "=", value: 1 + (at % 3) },
    ],
  })));
  return engine;
}

/** Calls of all kinds while a run is on; answers milliseconds. */
export async function measure(options = {}) {
  const asked = { ...DEFAULTS, ...options };
  const engine = await prepared(asked);
  await engine.refresh(["Rule 0"], { asOf: "2026-01-01T00:00:00Z" });
  const segment = await engine.segment("Rule 0");
  let [longest, longestName, made, events] = [0, "", 0, 0];
  const spent = (name, from) => {
    const time = threadTime() - from;
    made += 1;
    if (time > longest) [longest, longestName] = [time, name];
  };
  const calls = {
    status: () => engine.status(), rules: () => engine.rules({ perPage: 100 }), rule: () => engine.rule(1), contains: async () => segment.contains(12345),
    segments: () => engine.segments({ perPage: 100 }), segment: () => engine.segment("Rule 0"), keys: () => segment.keys(), toArrow: () => segment.toArrow(),
    sample: () => segment.sample(100), validate: () => engine.validate({ rule_name: "A", conditions: [] }), preview: () => engine.preview("city_tier = 1"),
    members: () => segment.members().toArrow(), sql: () => engine.sql("select count(*) as n from users").toArray(), segmentsOf: () => engine.segmentsOf(5),
  };
  const delay = monitorEventLoopDelay({ resolution: 1 });
  let over = false;
  delay.enable();
  // What a turn of the loop costs, answers included: between two turns there is nothing else in this process.
  let turn = threadTime();
  const turns = setInterval(() => {
    spent("a turn of the loop", turn);
    turn = threadTime();
  }, 1);
  const from = performance.now();
  const begun = threadTime();
  const refresh = engine.refresh(undefined, { asOf: "2026-01-01T00:00:00Z", onProgress: () => (events += 1) });
  spent("refresh", begun);
  const done = refresh.finally(() => (over = true));
  while (!over) {
    for (const [name, call] of Object.entries(calls)) {
      if (over) break;
      const before = threadTime();
      const promise = call();
      spent(name, before);
      await promise;
    }
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const run = await done;
  const seconds = (performance.now() - from) / 1000;
  clearInterval(turns);
  delay.disable();
  return {
    seconds, engineSeconds: run.seconds, rules: run.segments.length, callsMade: made, events, longestCall: longest, longestName,
    delayMax: delay.max / 1e6, delayP99: delay.percentile(99) / 1e6,
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const names = ["data", "users", "events", "rules", "threads"];
  const { values } = parseArgs({ options: Object.fromEntries(names.map((name) => [name, { type: "string" }])) });
  const options = Object.entries(values).map(([name, value]) => [name, name === "data" ? value : Number(value)]);
  console.log(await measure(Object.fromEntries(options)));
}
