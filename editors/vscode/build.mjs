// Bundles the extension into dist/, or with --tests its unit tests into out/.
import { build } from "esbuild";
import { copyFileSync, readdirSync } from "node:fs";

const areTests = process.argv.includes("--tests");
copyFileSync("../../LICENSE", "LICENSE"); // a package needs its own
await build({
  entryPoints: areTests ? readdirSync("test").map((name) => `test/${name}`) : ["src/extension.ts"],
  outdir: areTests ? "out" : "dist",
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  external: ["vscode"],
  minify: !areTests,
  sourcemap: areTests ? "inline" : false,
  logLevel: "warning",
});
