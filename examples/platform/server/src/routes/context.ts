// What every group of routes is handed.

import type { FastifyInstance, FastifyBaseLogger, RawReplyDefaultExpression, RawRequestDefaultExpression, RawServerDefault } from "fastify";
import type { TypeBoxTypeProvider } from "@fastify/type-provider-typebox";
import type { Scheduler, SegmentEngine } from "segmentry";
import type { Jobs } from "../jobs.js";
import type { Lookups } from "../lookups.js";
import { ErrorAnswer } from "../schemas.js";

export interface Context {
  engine: SegmentEngine;
  scheduler: Scheduler;
  jobs: Jobs;
  lookups: Lookups;
}

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression<RawServerDefault>,
  RawReplyDefaultExpression<RawServerDefault>,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

declare module "fastify" {
  interface FastifyContextConfig {
    /** That it changes nothing although its method could. */
    reads?: boolean;
  }
}

/** The errors that a route may answer, for its schema. */
export const errors = (...statuses: number[]) =>
  Object.fromEntries([...statuses, 429].map((status) => [status, ErrorAnswer])) as Record<number, typeof ErrorAnswer>;
