// Builds the native module and puts it where `native.js` looks for it; `PROFILE=release` for a release build.
//
// cargo builds the whole workspace, so that DataFusion is not built a second time with other features. That is why
// `napi build` is not used here: it always names a target, for which cargo builds everything anew. What it would
// write beside the module, loader and types, is made by the same functions of its package.

import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, linkSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { generateTypeDef, writeJsBinding } from "@napi-rs/cli";

const here = dirname(dirname(fileURLToPath(import.meta.url)));
const root = dirname(here);
const types = join(root, "target", "napi");
const release = process.env.PROFILE === "release";

function run(command, args, options) {
  const done = spawnSync(command, args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 28, ...options });
  if (done.error) throw done.error;
  if (done.status !== 0) process.exit(done.status ?? 1);
  return done.stdout;
}

/** The name that the generated loader asks for on this machine. */
function moduleName() {
  const { platform, arch } = process;
  const libc = platform !== "linux" ? "" : process.report.getReport().header.glibcVersionRuntime ? "-gnu" : "-musl";
  return `segmentry.${platform}-${arch}${platform === "win32" ? "-msvc" : libc}.node`;
}

function libraryName() {
  if (process.platform === "win32") return "segmentry_node.dll";
  return process.platform === "darwin" ? "libsegmentry_node.dylib" : "libsegmentry_node.so";
}

const environment = { ...process.env };
if (!existsSync(join(types, "segmentry-node"))) {
  // The macros have left no types: the crate's build script is told that something has changed.
  environment.NAPI_FORCE_BUILD_SEGMENTRY_NODE = String(Date.now());
}
run("cargo", ["build", "--workspace", "--lib", ...(release ? ["--release"] : [])], { env: environment, stdio: "inherit" });

const metadata = JSON.parse(run("cargo", ["metadata", "--no-deps", "--format-version", "1"]));
const built = join(metadata.target_directory, release ? "release" : "debug", libraryName());
const placed = join(here, moduleName());
rmSync(placed, { force: true });
try {
  linkSync(built, placed);
} catch {
  copyFileSync(built, placed);
}

const { exports, dts } = await generateTypeDef({ typeDefDir: types, constEnum: false, cwd: here });
writeFileSync(join(here, "native.d.ts"), dts);
const { version } = createRequire(import.meta.url)("../package.json");
await writeJsBinding({
  platform: true,
  idents: exports,
  jsBinding: "native.js",
  binaryName: "segmentry",
  packageName: "segmentry",
  version,
  outputDir: here,
});
