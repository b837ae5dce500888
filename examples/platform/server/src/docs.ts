// The OpenAPI document, made of the routes' schemas, and a page to browse it.

import swagger from "@fastify/swagger";
import swaggerUi from "@fastify/swagger-ui";
import type { FastifyInstance } from "fastify";

export async function documentApi(app: FastifyInstance, token: boolean): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Audience Manager",
        version: "0.1.0",
        description: "Rules that say who belongs to an audience, and the segments that they give. The engine is Segmentry.",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      tags: [
        { name: "rules", description: "Who belongs to an audience" },
        { name: "form", description: "What is asked while a rule is written; nothing is stored" },
        { name: "segments", description: "Who belonged to an audience at an instant" },
        { name: "users", description: "Where one user is" },
        { name: "runs", description: "Refreshes, and what is due" },
        { name: "analytics", description: "Figures for the dashboard" },
      ],
      ...(token ? { components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } } } : {}),
    },
    transform: ({ schema, url, route }) => {
      const config = (route as { config?: { reads?: boolean } }).config;
      const methods = [route.method].flat();
      const writes = !config?.reads && methods.some((method) => !["GET", "HEAD"].includes(method));
      return { url, schema: token && writes ? { ...schema, security: [{ token: [] }] } : schema };
    },
  });
  await app.register(swaggerUi, { routePrefix: "/api/docs", staticCSP: true, uiConfig: { docExpansion: "list" } });
  app.get("/api/openapi.json", { schema: { hide: true } }, async () => app.swagger());
}
