// The platform's data and engine: made at the first start, found again at each later one.

import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { SegmentEngine } from "segmentry";
import type { Config } from "./config.js";
import { MODEL } from "./model.js";

const here = fileURLToPath(new URL(".", import.meta.url));
const RULES = join(here, "../rules");
const DAY = 86_400_000;

type Say = (line: string) => void;

/** Opens the engine on the data of `config.dataDir`, which is made first if it is not there. */
export async function openPlatform(config: Config, say: Say = () => {}): Promise<SegmentEngine> {
  mkdirSync(config.dataDir, { recursive: true });
  const database = join(config.dataDir, "platform.db");
  const lastDay = config.lastDay ?? new Date(Date.now() - DAY).toISOString().slice(0, 10);
  if (!existsSync(database)) await makeData(database, lastDay, config, say);

  const engine = await SegmentEngine.open({
    catalog: join(config.dataDir, "audience.db"),
    store: join(config.dataDir, "store"),
    model: MODEL,
  });
  // Ids of payments only ever grow, so that a refresh reads the new ones alone.
  const cursor = { credit_card_transactions: "transaction_id", upi_transactions: "transaction_id" };
  await engine.addSqlite(database, { cursor });
  if ((await engine.rules({ perPage: 1 })).total === 0) {
    await engine.importRules(firstRules());
  }
  if ((await engine.runs({ perPage: 1 })).total === 0) await lookBack(engine, lastDay, config.weeks, say);
  return engine;
}

async function makeData(file: string, lastDay: string, { users, transactions }: Config, say: Say): Promise<void> {
  say(`making ${users.toLocaleString("en")} users and ${transactions.toLocaleString("en")} transactions, once`);
  const begun = performance.now();
  const script = join(here, "data/generate.js");
  // Without threads of V8's: Node 20 now and then waits for ever for those that compile WebAssembly when it ends.
  await promisify(execFile)(process.execPath, ["--single-threaded", script, file, String(users), String(transactions), lastDay]);
  say(`made in ${((performance.now() - begun) / 1_000).toFixed(1)} s`);
}

/** The rules that a new platform has, in an order in which each finds those that it names. */
function firstRules(): object[] {
  const names = readdirSync(RULES).filter((name) => name.endsWith(".json")).sort();
  return names.map((name) => JSON.parse(readFileSync(join(RULES, name), "utf8")));
}

/** Refreshes as of each of the last weeks' ends, so that segments have a past. */
async function lookBack(engine: SegmentEngine, lastDay: string, weeks: number, say: Say): Promise<void> {
  const end = Date.parse(`${lastDay}T00:00:00Z`) + DAY;
  for (let week = weeks; week > 0; week--) {
    const asOf = new Date(end - (week - 1) * 7 * DAY);
    const run = await engine.refresh(null, { asOf });
    say(`as of ${asOf.toISOString().slice(0, 10)}: ${run.segments.length} segments in ${run.seconds.toFixed(1)} s`);
  }
}
