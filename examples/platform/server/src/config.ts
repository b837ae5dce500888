// What the environment sets, read once at the start. A value that cannot be meant is refused by name.

import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

export interface Config {
  port: number;
  host: string;
  /** Where the database, the catalog and the profile store are. */
  dataDir: string;
  /** How much data to make at the first start. */
  users: number;
  transactions: number;
  /** The last day that the made data has, `YYYY-MM-DD`; today if not said. */
  lastDay: string | undefined;
  /** How many weekly refreshes to look back at at the first start, so that charts have something to show. */
  weeks: number;
  /** Whoever changes something has to send it as a bearer token; nobody has to without one. */
  token: string | undefined;
  /** Origins that browsers may call from, besides the server's own. */
  corsOrigins: string[];
  /** Bytes that a request may have at most. */
  bodyLimit: number;
  /** Requests that may change something, by address and minute; 0 is without a limit. */
  writesPerMinute: number;
  /** Whether the scheduler runs. */
  schedule: boolean;
  /** The built web application. */
  webDir: string;
  logLevel: string;
}

type Environment = Record<string, string | undefined>;

const here = fileURLToPath(new URL(".", import.meta.url));

function integer(env: Environment, name: string, fallback: number, least: number, most: number): number {
  const text = env[name];
  if (text === undefined || text === "") return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most) {
    throw new Error(`${name} has to be an integer from ${least} to ${most}, not "${text}"`);
  }
  return value;
}

function day(text: string | undefined): string | undefined {
  if (text === undefined || text === "") return undefined;
  const at = new Date(`${text}T00:00:00Z`);
  if (!/^\d{4}-\d\d-\d\d$/.test(text) || Number.isNaN(at.getTime()) || at.toISOString().slice(0, 10) !== text) {
    throw new Error(`LAST_DAY has to be a day as 2025-12-31, not "${text}"`);
  }
  return text;
}

/** The configuration that an environment asks for. */
export function configFrom(env: Environment): Config {
  const schedule = env.SCHEDULER ?? "on";
  if (schedule !== "on" && schedule !== "off") throw new Error(`SCHEDULER has to be on or off, not "${schedule}"`);
  return {
    port: integer(env, "PORT", 8080, 0, 65_535),
    host: env.HOST || "127.0.0.1",
    dataDir: resolve(env.DATA_DIR || resolve(here, "../../data")),
    users: integer(env, "USERS", 50_000, 1, 10_000_000),
    transactions: integer(env, "TRANSACTIONS", 2_000_000, 0, 500_000_000),
    lastDay: day(env.LAST_DAY),
    weeks: integer(env, "WEEKS", 8, 0, 50),
    token: env.TOKEN || undefined,
    corsOrigins: (env.CORS_ORIGINS ?? "").split(",").map((origin) => origin.trim()).filter(Boolean),
    bodyLimit: integer(env, "BODY_LIMIT", 16 * 1024 * 1024, 1_024, 256 * 1024 * 1024),
    writesPerMinute: integer(env, "WRITES_PER_MINUTE", 1_200, 0, 1_000_000_000),
    schedule: schedule === "on",
    webDir: resolve(env.WEB_DIR || resolve(here, "../../web/dist")),
    logLevel: env.LOG_LEVEL || "warn",
  };
}
