// The web application on the same port: its files, and its page for every address that is one of its own.

import { existsSync } from "node:fs";
import { join } from "node:path";
import fastifyStatic from "@fastify/static";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { notFound, Refusal } from "./errors.js";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

/** Serves the files of `folder`, if it has been built; the rest of the addresses are not found. */
export async function serveWeb(app: FastifyInstance, folder: string): Promise<void> {
  const built = existsSync(join(folder, "index.html"));
  if (built) {
    await app.register(fastifyStatic, {
      root: folder,
      wildcard: false,
      // Vite puts a hash of the content into the names of its files.
      setHeaders: (response, path) =>
        void response.header("cache-control", /[\\/]assets[\\/]/.test(path) ? "public, max-age=31536000, immutable" : "no-cache"),
    });
  }
  app.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) => {
    const path = request.url.replace(/[?#].*$/, "");
    const api = path === "/api" || path.startsWith("/api/");
    if (api) throw wrongMethod(app, request, path) ?? notFound(`there is nothing at ${path}`);
    const page = built && request.method === "GET" && !/\.[a-z0-9]+$/i.test(path);
    if (!page) throw notFound(built ? `there is nothing at ${path}` : "the web application is not built; the API is under /api/docs");
    return reply.header("cache-control", "no-cache").sendFile("index.html");
  });
}

/** The refusal of a method where the address knows others. */
function wrongMethod(app: FastifyInstance, request: FastifyRequest, path: string): Refusal | undefined {
  const known = METHODS.filter((method) => {
    const found = app.findRoute({ url: path, method }) ?? pattern(app, path, method);
    return found !== null && found !== undefined;
  });
  if (known.length === 0) return undefined;
  const allow = known.join(", ");
  return new Refusal(405, "method_not_allowed", `${path} takes ${allow}, not ${request.method}`, { headers: { allow } });
}

/** The route whose pattern an address fits. */
function pattern(app: FastifyInstance, path: string, method: (typeof METHODS)[number]): unknown {
  const parts = path.split("/");
  const candidates = [
    path,
    parts.map((part, at) => (at === 3 && parts[2] !== "users" ? ":id" : part)).join("/"),
    parts.map((part, at) => (at === 3 ? (parts[2] === "users" ? ":key" : ":id") : at === 5 ? ":key" : part)).join("/"),
  ];
  return candidates.map((url) => app.findRoute({ url, method })).find((found) => found !== null);
}
