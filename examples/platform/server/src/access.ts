// Who may change something, and how often.

import { createHash, timingSafeEqual } from "node:crypto";
import rateLimit from "@fastify/rate-limit";
import type { FastifyInstance, FastifyRequest } from "fastify";
import { Refusal } from "./errors.js";

const SAFE = new Set(["GET", "HEAD", "OPTIONS"]);

/** Whether a request could change something. */
function writes(request: FastifyRequest): boolean {
  return !SAFE.has(request.method) && !request.routeOptions.config.reads;
}

const digest = (text: string) => createHash("sha256").update(text).digest();

/** Asks whoever changes something for the token. */
export function askForToken(app: FastifyInstance, token: string): void {
  const wanted = digest(`Bearer ${token}`);
  app.addHook("onRequest", async (request) => {
    if (!writes(request)) return;
    const given = request.headers.authorization ?? "";
    // Digests have one length, and comparing them takes one time.
    if (timingSafeEqual(digest(given.replace(/^bearer /i, "Bearer ")), wanted)) return;
    const headers = { "www-authenticate": "Bearer" };
    throw new Refusal(401, "unauthorized", "changing something takes the bearer token", { headers });
  });
}

/** Bounds how often one address may send what is not a plain read. */
export async function limitWrites(app: FastifyInstance, perMinute: number): Promise<void> {
  await app.register(rateLimit, {
    max: perMinute,
    timeWindow: "1 minute",
    allowList: (request) => SAFE.has(request.method),
    errorResponseBuilder: (_, { after }) =>
      new Refusal(429, "too_many_requests", `at most ${perMinute} changes a minute`, { hint: `try again in ${after}` }),
  });
}
