// Who may do what, how large and how often; headers; documents; the web application's files.

import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";
import { configFrom } from "../dist/config.js";
import { folder, METRO, platform, refused } from "./helper.mjs";

test("with a token", async (context) => {
  const { app, call } = await platform(context, { TOKEN: "a secret", CORS_ORIGINS: "https://crm.example.com", BODY_LIMIT: "2000" });
  const key = { authorization: "Bearer a secret" };

  await context.test("everything that writes takes it", async () => {
    for (const [method, path, body] of [
      ["POST", "/rules", METRO],
      ["PUT", "/rules/1", METRO],
      ["PATCH", "/rules/1", {}],
      ["DELETE", "/rules/1"],
      ["POST", "/rules/1/trigger"],
      ["POST", "/rules/1/duplicate"],
      ["DELETE", "/runs/1"],
    ]) {
      for (const authorization of [undefined, "Bearer another", "a secret", "Basic a secret", "Bearer a secret more"]) {
        const answer = await call(method, path, body, authorization === undefined ? {} : { authorization });
        refused(answer, 401, "unauthorized");
        assert.equal(answer.headers["www-authenticate"], "Bearer");
      }
    }
    assert.equal((await call("POST", "/rules", METRO, key)).status, 201);
    refused(await call("DELETE", "/runs/1", undefined, key), 409, "run_is_over");
  });

  await context.test("nothing that reads does", async () => {
    assert.equal((await call("GET", "/rules")).status, 200);
    for (const [path, body] of [
      ["/rules/validate", METRO],
      ["/rules/preview", METRO],
      ["/rules/dependencies", METRO],
      ["/rules/text", { text: "true" }],
      ["/schedules/next", { schedule: "@daily" }],
      ["/segments/overlap", { segments: [1, 2] }],
    ]) {
      assert.equal((await call("POST", path, body)).status, 200, path);
    }
  });

  await context.test("the document says which", async () => {
    const { paths, components } = (await call("GET", "/openapi.json")).body;
    assert.equal(components.securitySchemes.token.scheme, "bearer");
    assert.deepEqual(paths["/api/rules"].post.security, [{ token: [] }]);
    assert.equal(paths["/api/rules"].get.security, undefined);
    assert.equal(paths["/api/rules/preview"].post.security, undefined);
  });

  await context.test("other origins may ask only where it is said", async () => {
    const allowed = await call("GET", "/rules", undefined, { origin: "https://crm.example.com" });
    assert.equal(allowed.headers["access-control-allow-origin"], "https://crm.example.com");
    const refusal = await call("GET", "/rules", undefined, { origin: "https://evil.example.com" });
    assert.notEqual(refusal.headers["access-control-allow-origin"], "https://evil.example.com");
    const asked = await app.inject({
      method: "OPTIONS",
      url: "/api/rules/1",
      headers: { origin: "https://crm.example.com", "access-control-request-method": "PUT" },
    });
    assert.equal(asked.statusCode, 204);
  });

  await context.test("bodies have a limit", async () => {
    refused(await call("POST", "/rules", { ...METRO, description: "x".repeat(3_000) }, key), 413, "limit_exceeded");
  });
});

test("without a token", async (context) => {
  const web = join(await folder(), "dist");
  await mkdir(join(web, "assets"), { recursive: true });
  await writeFile(join(web, "index.html"), "<!doctype html><title>Audience Manager</title>");
  await writeFile(join(web, "assets/app-1234.js"), "export {};");
  const { app, call } = await platform(context, { WEB_DIR: web, WRITES_PER_MINUTE: "5" });
  const get = (url, headers) => app.inject({ url, headers });

  await context.test("headers keep browsers from doing more than is meant", async () => {
    const { headers } = await call("GET", "/rules");
    assert.match(headers["content-security-policy"], /default-src 'self'/);
    assert.doesNotMatch(headers["content-security-policy"], /upgrade-insecure-requests/);
    assert.equal(headers["x-content-type-options"], "nosniff");
    assert.equal((await call("GET", "/rules", undefined, { origin: "https://crm.example.com" })).headers["access-control-allow-origin"], undefined);
  });

  await context.test("pages of the application are its page, its files are its files", async () => {
    for (const url of ["/", "/rules", "/rules/edit/3", "/segments/1?tab=lineage"]) {
      const { statusCode, payload, headers } = await get(url);
      assert.equal(statusCode, 200, url);
      assert.match(payload, /Audience Manager/);
      assert.equal(headers["cache-control"], "no-cache");
    }
    const script = await get("/assets/app-1234.js");
    assert.match(script.headers["content-type"], /javascript/);
    assert.match(script.headers["cache-control"], /immutable/);
    for (const url of ["/assets/gone.js", "/../package.json", "/%2e%2e/%2e%2e/etc/passwd", "/.env"]) {
      const { statusCode, payload } = await get(url);
      assert.ok(statusCode === 404 || /Audience Manager/.test(payload), `${url} ${statusCode}`);
    }
  });

  await context.test("what is not there, and what is not done there", async () => {
    refused(await call("GET", "/nothing"), 404, "not_found");
    refused(await call("GET", "/"), 404, "not_found");
    for (const [method, path, allow] of [
      ["PUT", "/rules", "GET, POST"],
      ["POST", "/rules/1", "GET, PUT, PATCH, DELETE"],
      ["DELETE", "/segments/1", "GET"],
      ["POST", "/segments/1/explain/1", "GET"],
      ["PUT", "/users/1/segments", "GET"],
    ]) {
      const answer = await call(method, path);
      refused(answer, 405, "method_not_allowed");
      assert.equal(answer.headers.allow, allow);
    }
  });

  await context.test("the document and the page to browse it", async () => {
    const { body } = await call("GET", "/openapi.json");
    assert.equal(body.openapi, "3.1.0");
    assert.ok(Object.keys(body.paths).length >= 25);
    assert.match((await get("/api/docs/")).payload, /swagger-ui/);
    assert.equal((await get("/api/docs/static/swagger-ui-bundle.js")).statusCode, 200);
  });

  await context.test("changes have a rate, reads have none", async () => {
    const statuses = [];
    for (let at = 0; at < 8; at++) statuses.push((await call("PATCH", "/rules/1", {})).status);
    assert.deepEqual(statuses.filter((status) => status === 429).length, 8 - statuses.filter((status) => status === 200).length);
    assert.equal(statuses.at(-1), 429);
    refused(await call("POST", "/rules", METRO), 429, "too_many_requests");
    for (let at = 0; at < 20; at++) assert.equal((await call("GET", "/rules/1")).status, 200);
  });
});

test("an environment that cannot be meant is refused by name", () => {
  for (const [name, value] of [["PORT", "http"], ["PORT", "70000"], ["USERS", "0"], ["USERS", "-1"], ["TRANSACTIONS", "1e6"], ["LAST_DAY", "2025-02-30"], ["SCHEDULER", "maybe"]]) {
    assert.throws(() => configFrom({ [name]: value }), new RegExp(name), `${name}=${value}`);
  }
  const { port, users, transactions, token, corsOrigins } = configFrom({});
  assert.deepEqual([port, users, transactions, token, corsOrigins], [8080, 50_000, 2_000_000, undefined, []]);
});
