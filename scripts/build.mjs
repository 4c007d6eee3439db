// Builds dist/: the Prisma client from the schema, the TypeScript, and the workflows as one bundle. Prints only what
// goes wrong.
import { spawnSync } from "node:child_process";
import { chmodSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const require = createRequire(import.meta.url);

/** A package's own program, without npx and its start-up time. */
function programOf(/** @type {string} */ name, program = name) {
  const manifest = require.resolve(`${name}/package.json`);
  return join(dirname(manifest), require(manifest).bin[program]);
}

/** @param {string[]} args */
function run(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  if (status === 0) return;
  process.stderr.write(`${stdout}${stderr}\nThe build stopped at: node ${args.join(" ")}\n`);
  process.exit(1);
}

run(programOf("prisma"), "generate", "--no-hints");
// A file that was renamed must not live on in dist/.
rmSync(new URL("../dist", import.meta.url), { recursive: true, force: true });
run(programOf("typescript", "tsc"), "-p", "tsconfig.build.json");
// npx links the command once; a build that came later must not take its permission away.
chmodSync(new URL("../dist/cli/docket.js", import.meta.url), 0o755);
run("dist/workflows/bundle.js");
// The chaos program stands on what was just built.
run(programOf("typescript", "tsc"), "-p", "chaos/tsconfig.json");
