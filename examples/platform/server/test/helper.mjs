// A small platform in a folder of its own, and calls of it that hold every answer against the OpenAPI document.

import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { buildApp } from "../dist/app.js";
import { configFrom } from "../dist/config.js";
import { Jobs } from "../dist/jobs.js";
import { openPlatform } from "../dist/platform.js";

const SMALL = { USERS: "300", TRANSACTIONS: "6000", WEEKS: "2", WRITES_PER_MINUTE: "0", LOG_LEVEL: "silent" };

export async function folder() {
  const made = await mkdtemp(join(tmpdir(), "segmentry-platform-test-"));
  // After all else: hooks run in the order of their registration, and an engine that is open writes.
  process.on("exit", () => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** Opens a platform; `call(method, path, body, headers)` asks it. */
export async function platform(context, env = {}) {
  const dataDir = env.DATA_DIR ?? (await folder());
  const config = configFrom({ ...SMALL, DATA_DIR: dataDir, WEB_DIR: join(dataDir, "web"), ...env });
  const engine = await openPlatform(config);
  const scheduler = engine.scheduler();
  const jobs = new Jobs(engine, join(dataDir, "runs.json"));
  const app = await buildApp({ engine, scheduler, jobs, config });
  await app.ready();
  const close = async () => {
    await Promise.all([app.close(), jobs.close(), scheduler.stop("cancel")]);
    engine.close();
  };
  context.after(close);
  const contract = new Contract(app.swagger());
  const call = async (method, path, body, headers = {}) => {
    const json = body === undefined ? {} : { "content-type": "application/json" };
    const payload = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
    const response = await app.inject({ method, url: `/api${path}`, payload, headers: { ...json, ...headers } });
    contract.check(method, `/api${path}`, response);
    const isJson = String(response.headers["content-type"] ?? "").startsWith("application/json");
    return { status: response.statusCode, headers: response.headers, text: response.payload, body: isJson ? response.json() : undefined };
  };
  return { app, call, close, config, contract, dataDir, engine, jobs, scheduler };
}

/** Holds answers against the OpenAPI document, and remembers which operations were seen. */
class Contract {
  seen = new Set();

  constructor(document) {
    this.document = document;
    this.ajv = addFormats.default(new Ajv2020({ strict: false, allErrors: true }));
    this.operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => {
        const pattern = new RegExp(`^${path.replace(/\{[^}]+\}/g, "[^/]+")}$`);
        return { name: `${method.toUpperCase()} ${path}`, method: method.toUpperCase(), path, pattern, operation };
      }),
    );
  }

  check(method, address, { statusCode, payload, headers }) {
    assert.ok(statusCode < 500, `${method} ${address} answered ${statusCode}: ${payload}`);
    const path = address.replace(/\?.*$/, "");
    const fitting = this.operations.filter((one) => one.method === method && one.pattern.test(path));
    // "/rules/validate" fits "/rules/{id}" as well: what is said in full goes first.
    const found = fitting.find((one) => one.path === path) ?? fitting[0];
    if (!found) return;
    this.seen.add(found.name);
    const answer = found.operation.responses[statusCode];
    assert.ok(answer, `${found.name} answers ${statusCode}, which is not documented: ${payload}`);
    const schema = answer.content?.["application/json"]?.schema;
    if (!schema || !String(headers["content-type"] ?? "").startsWith("application/json")) return;
    const validate = this.ajv.compile(schema);
    assert.ok(validate(JSON.parse(payload)), `${found.name} ${statusCode}: ${this.ajv.errorsText(validate.errors)}\n${payload.slice(0, 500)}`);
  }

  /** Operations under some tags that no call was of. */
  unseen(...tags) {
    const own = this.operations.filter(({ operation }) => operation.tags?.some((tag) => tags.includes(tag)));
    assert.ok(own.length > 0);
    return own.map(({ name }) => name).filter((name) => !this.seen.has(name));
  }
}

/** A refusal: its status, its code, and where it points. */
export function refused(answer, status, code, path) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.body.error.code, code, answer.text);
  assert.ok(answer.body.error.message.length > 0);
  if (path !== undefined) assert.equal(answer.body.error.path, path, answer.text);
}

export const METRO = { rule_name: "Metro", conditions: [{ field: "city_tier", operator: "=", value: 1 }] };

/** Reads server-sent events of a text. */
export function eventsOf(text) {
  return text
    .split("\n\n")
    .filter((block) => block.startsWith("event: "))
    .map((block) => {
      const [event, data] = block.split("\n");
      return { event: event.slice(7), data: JSON.parse(data.slice(6)) };
    });
}
