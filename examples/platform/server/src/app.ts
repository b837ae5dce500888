// The web server as a value: nothing is opened and nothing listens, so that tests can ask it too.

import cors from "@fastify/cors";
import helmet from "@fastify/helmet";
import { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import Fastify, { type FastifyInstance, type FastifySchemaCompiler } from "fastify";
import type { Scheduler, SegmentEngine } from "segmentry";
import type { TSchema } from "typebox";
import { Compile } from "typebox/compile";
import { Value } from "typebox/value";
import { askForToken, limitWrites } from "./access.js";
import type { Config } from "./config.js";
import { documentApi } from "./docs.js";
import { handleErrors, Refusal } from "./errors.js";
import { readJson, writeJson } from "./json.js";
import type { Jobs } from "./jobs.js";
import { Lookups } from "./lookups.js";
import { analyticsRoutes } from "./routes/analytics.js";
import type { Context } from "./routes/context.js";
import { formRoutes } from "./routes/forms.js";
import { ruleRoutes } from "./routes/rules.js";
import { runRoutes } from "./routes/runs.js";
import { segmentRoutes } from "./routes/segments.js";
import { serveWeb } from "./web.js";

export interface Parts {
  engine: SegmentEngine;
  scheduler: Scheduler;
  jobs: Jobs;
  config: Config;
}

export async function buildApp({ engine, scheduler, jobs, config }: Parts): Promise<FastifyInstance> {
  const app = Fastify({
    bodyLimit: config.bodyLimit,
    logger: config.logLevel === "silent" ? false : { level: config.logLevel },
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 2_000 },
  }).withTypeProvider<TypeBoxTypeProvider>();

  handleErrors(app as unknown as FastifyInstance);
  app.setValidatorCompiler(validator);
  app.setSerializerCompiler(() => writeJson);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/json", { parseAs: "string" }, async (_request: unknown, text: string | Buffer) => jsonOf(String(text)));

  await app.register(helmet, {
    contentSecurityPolicy: { directives: { "upgrade-insecure-requests": null, "img-src": ["'self'", "data:"], "worker-src": ["'self'", "blob:"] } },
    // Meant for servers that are only reached by TLS, which whoever stands before this one adds.
    strictTransportSecurity: false,
  });
  if (config.corsOrigins.length > 0) {
    const exposedHeaders = ["etag", "location", "content-disposition"];
    await app.register(cors, { origin: config.corsOrigins, methods: ["GET", "POST", "PUT", "PATCH", "DELETE"], exposedHeaders });
  }
  if (config.writesPerMinute > 0) await limitWrites(app as unknown as FastifyInstance, config.writesPerMinute);
  if (config.token) askForToken(app as unknown as FastifyInstance, config.token);
  await documentApi(app as unknown as FastifyInstance, config.token !== undefined);

  const context: Context = { engine, scheduler, jobs, lookups: new Lookups(engine, scheduler) };
  await app.register(
    async (api) => {
      const routes = api.withTypeProvider<TypeBoxTypeProvider>();
      for (const add of [ruleRoutes, formRoutes, segmentRoutes, runRoutes, analyticsRoutes]) add(routes, context);
    },
    { prefix: "/api" },
  );
  await serveWeb(app as unknown as FastifyInstance, config.webDir);
  return app as unknown as FastifyInstance;
}

function jsonOf(text: string): unknown {
  try {
    return readJson(text);
  } catch (error) {
    // Brackets without end are a fault of the document's too, though they are told by the stack.
    const told = error instanceof SyntaxError ? error.message : "the body is nested too deeply";
    throw new Refusal(400, "malformed", `the body is not JSON: ${told}`);
  }
}

/** What stands in an address is text: integers where the schema has them, if they are written as such. */
function numbersOf(schema: TSchema, given: object): object {
  const properties = (schema as { properties?: Record<string, { type?: string }> }).properties ?? {};
  const read = (name: string, text: unknown) => {
    const integer = properties[name]?.type === "integer" && typeof text === "string" && /^-?\d{1,16}$/.test(text);
    return integer ? Number(text) : text;
  };
  return Object.fromEntries(Object.entries(given).map(([name, text]) => [name, read(name, text)]));
}

/**
 * Checks with typebox: what stands in an address is text and is converted, a body is not. Documents of the rule language
 * have plain schemas, which are for reading: the engine tells every fault in them.
 */
const validator: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const checked = "~kind" in schema || httpPart !== "body";
  if (!checked || Object.keys(schema).some((name) => name === "examples")) return (value: unknown) => ({ value });
  const compiled = Compile(schema);
  return (given: unknown) => {
    const value = httpPart === "body" ? given : Value.Default(schema, numbersOf(schema, given ?? {}));
    if (compiled.Check(value)) return { value };
    return { error: compiled.Errors(value).map(({ keyword, instancePath, message, params, schemaPath }) => ({ keyword, instancePath, message, params, schemaPath })) as never };
  };
};
