import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { pythonWith } from "../scripts/outside-tools.mjs";
import { type CommandResult, type Running, runCommand, stackEnvironment, startWorker } from "./support/stack.ts";

// The programs of examples/, each as its reader would run it: outside of this package, with what it is said to need.

const call = promisify(execFile);
const sample = resolve("samples/court-order.png");
let folder: string;
let worker: Running;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-examples-"));
  worker = await startWorker();
});
afterAll(async () => {
  await worker.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Temporal as a profile names it, and nothing of it in the environment. */
async function profiled(): Promise<NodeJS.ProcessEnv> {
  // As `docket env` has them: what is empty is not set.
  const given = Object.entries(stackEnvironment()).filter(([, value]) => value !== "");
  const { TEMPORAL_ADDRESS, ...environment } = Object.fromEntries(given);
  const file = join(folder, "temporal.toml");
  await writeFile(file, `[profile.example]\naddress = "${TEMPORAL_ADDRESS}"\nnamespace = "default"\n`);
  return { ...environment, TEMPORAL_CONFIG_FILE: file, TEMPORAL_PROFILE: "example" };
}

function expectText({ code, stdout, stderr }: CommandResult): void {
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/court/i);
}

it("TypeScript: docket/client comes out of the package that `npm pack` makes", { timeout: 300_000 }, async () => {
  const { stdout } = await call("npm", ["pack", "--silent", "--pack-destination", folder]);
  const installed = join(folder, "node_modules/docket");
  await mkdir(installed, { recursive: true });
  await call("tar", ["-xzf", join(folder, stdout.trim()), "--strip-components", "1", "-C", installed]);
  // What `npm install` would bring with it.
  await symlink(resolve("node_modules"), join(installed, "node_modules"));
  await writeFile(join(folder, "package.json"), '{"type": "module"}');
  const options = ["--module", "nodenext", "--target", "es2023", "--strict", "--skipLibCheck", "--rootDir", "."];
  const types = ["--types", "node", "--typeRoots", resolve("node_modules/@types")];
  await call("cp", ["examples/typescript/hand-in.ts", folder]);
  await call(process.execPath, [resolve("node_modules/.bin/tsc"), ...options, ...types, "hand-in.ts"], { cwd: folder });
  const run = await runCommand(process.execPath, [join(folder, "hand-in.js"), sample, "examples"], await profiled());
  expectText(run);
});

it("Python: the published contract alone, with Temporal's own configuration", { timeout: 300_000 }, async (test) => {
  const { program, missing } = await pythonWith("examples", "examples/python/requirements.txt");
  if (program === undefined) return test.skip(missing);
  const { code } = await runCommand(program, ["-c", "import hashlib; hashlib.file_digest"]);
  test.skip(code !== 0, "python3 is older than 3.11");
  const run = await runCommand(program, ["examples/python/hand_in.py", sample, "examples"], await profiled());
  expectText(run);
});
