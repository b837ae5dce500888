// What goes wrong, as answers: `{"error": {code, message, path?, hint?, problems?}}` with the status of its kind.

import { SegmentryError, type Kind, type Problem } from "segmentry";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest, FastifySchemaValidationError } from "fastify";

const STATUS: Record<Kind, number> = {
  invalid: 422,
  not_found: 404,
  conflict: 409,
  data: 422,
  busy: 503,
  cancelled: 409,
  internal: 500,
};

export interface ErrorBody {
  code: string;
  message: string;
  path?: string;
  hint?: string;
  problems?: Problem[];
}

/** A refusal of the server's own. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly more: { path?: string; hint?: string; headers?: Record<string, string> } = {},
  ) {
    super(message);
  }
}

export const notFound = (message: string) => new Refusal(404, "not_found", message);
export const badValue = (path: string, message: string, hint?: string) => new Refusal(422, "bad_value", message, { path, hint });

/** What the engine told, with its problems. */
export function told(error: SegmentryError): ErrorBody {
  const { code, path, hint, problems } = error;
  // The message begins with the code, which has a member of its own.
  const message = error.message.startsWith(`${code}: `) ? error.message.slice(code.length + 2) : error.message;
  return { code, message, ...(path ? { path } : {}), ...(hint ? { hint } : {}), problems: [...problems] };
}

function statusOf(error: SegmentryError): number {
  return error.code === "stale_version" ? 412 : STATUS[error.kind];
}

/** A fault that a schema found: of an id, that nothing has it; of the rest, where it is. */
function unfit(faults: FastifySchemaValidationError[], where: string | undefined): [number, ErrorBody] {
  if (where === "params") return [404, { code: "not_found", message: "ids are positive integers; nothing has this one" }];
  const problems = faults.map((fault) => {
    const path = `${where === "body" ? "" : `/${where === "querystring" ? "query" : where}`}${fault.instancePath}`;
    return { code: fault.keyword === "required" ? "missing_member" : "bad_value", path, message: fault.message ?? "does not fit" };
  });
  const [first] = problems;
  return [422, { code: first?.code ?? "bad_value", message: first?.message ?? "does not fit", path: first?.path, problems }];
}

const BY_STATUS: Record<number, string> = {
  400: "malformed",
  401: "unauthorized",
  404: "not_found",
  405: "method_not_allowed",
  413: "limit_exceeded",
  414: "limit_exceeded",
  415: "unsupported",
  429: "too_many_requests",
};

function answered(error: FastifyError): [number, ErrorBody] {
  if (error.validation) return unfit(error.validation, error.validationContext);
  const status = error.statusCode ?? 500;
  if (status < 500) return [status, { code: BY_STATUS[status] ?? "malformed", message: error.message }];
  return [500, { code: "internal", message: "a fault of the server; its log says more" }];
}

/** Makes every error of an application an answer of one shape. */
export function handleErrors(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError | SegmentryError | Refusal, request: FastifyRequest, reply: FastifyReply) => {
    if (error instanceof Refusal) {
      const { path, hint, headers } = error.more;
      const body = { code: error.code, message: error.message, ...(path ? { path } : {}), ...(hint ? { hint } : {}) };
      return reply.status(error.status).headers(headers ?? {}).send({ error: body });
    }
    if (error instanceof SegmentryError) {
      const status = statusOf(error);
      if (status === 500) request.log.error(error);
      if (status === 503) reply.header("retry-after", "5");
      return reply.status(status).send({ error: told(error) });
    }
    const [status, body] = answered(error);
    if (status === 500) request.log.error(error);
    return reply.status(status).send({ error: body });
  });
}
