// How the web application is built, served while it is worked on, and tested.
import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react(), tailwindcss()],
  server: { proxy: { "/api": process.env.PLATFORM_URL ?? "http://127.0.0.1:8080" } },
  build: { target: "es2022" },
  test: { environment: "jsdom", setupFiles: ["test/setup.ts"], include: ["test/**/*.test.{ts,tsx}"], testTimeout: 20_000 },
});
