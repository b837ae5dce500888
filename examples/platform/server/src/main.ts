// Starts the platform: `node dist/main.js`; see config.ts for what the environment sets.

import { join } from "node:path";
import { buildApp } from "./app.js";
import { configFrom } from "./config.js";
import { Jobs } from "./jobs.js";
import { openPlatform } from "./platform.js";

const say = (line: string) => void process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  const config = configFrom(process.env);
  const engine = await openPlatform(config, say);
  const scheduler = engine.scheduler();
  const jobs = new Jobs(engine, join(config.dataDir, "runs.json"));
  const app = await buildApp({ engine, scheduler, jobs, config });

  let stopping = false;
  const stop = async () => {
    if (stopping) return;
    stopping = true;
    // A run under way is stopped; it publishes nothing and is taken up again at the next start.
    await Promise.all([app.close(), jobs.close(), scheduler.stop("cancel")]);
    engine.close();
  };
  process.once("SIGINT", () => void stop());
  process.once("SIGTERM", () => void stop());

  const address = await app.listen({ port: config.port, host: config.host });
  if (config.schedule) scheduler.start();
  jobs.start();
  say(`the platform is at ${address}, its API at /api/docs`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
