// Renews src/api/schema.d.ts from the OpenAPI document of a running platform: PLATFORM_URL, or the default port.
import { writeFile } from "node:fs/promises";
import openapiTypes, { astToString } from "openapi-typescript";

const url = new URL("/api/openapi.json", process.env.PLATFORM_URL ?? "http://127.0.0.1:8080");
const file = new URL("../src/api/schema.d.ts", import.meta.url);
await writeFile(file, `// Generated from the server's OpenAPI document by \`npm run api\`; not edited by hand.\n\n${astToString(await openapiTypes(url))}`);
console.log(`written from ${url}`);
