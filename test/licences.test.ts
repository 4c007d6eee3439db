import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCommand } from "./support/stack.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-licences-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const licences = (...args: string[]) => runCommand(process.execPath, ["scripts/licences.mjs", ...args]);

async function lockOf(packages: Record<string, object>): Promise<string> {
  const file = join(folder, "package-lock.json");
  await writeFile(file, JSON.stringify({ packages: { "": {}, ...packages } }));
  return file;
}

it("every dependency's licence is one of those that are allowed", async () => {
  const { code, stdout, stderr } = await licences("--json");
  expect(stderr).toBe("");
  expect(code).toBe(0);
  const names = new Set(JSON.parse(stdout).map(({ name }: { name: string }) => name));
  const { dependencies, devDependencies } = JSON.parse(await readFile("package.json", "utf8"));
  for (const name of Object.keys({ ...dependencies, ...devDependencies })) expect(names).toContain(name);
});

it("a licence that is not allowed is named with its package, and one for tools is none for production", async () => {
  const lock = await lockOf({
    "node_modules/fine": { version: "1.0.0", license: "(GPL-3.0-only OR MIT)" },
    "node_modules/@a/copyleft": { version: "2.0.0", license: "AGPL-3.0-only" },
    "node_modules/both": { version: "3.0.0", license: "MIT AND GPL-2.0-only" },
    "node_modules/silent": { version: "4.0.0" },
    "node_modules/tool": { version: "5.0.0", license: "EPL-2.0", dev: true },
    "node_modules/loaded": { version: "6.0.0", license: "EPL-2.0" },
  });
  const { code, stdout, stderr } = await licences(lock);
  expect(code).toBe(1);
  expect(stdout).toContain("6 packages, 4 refused");
  expect(stderr.match(/^\S+@/gm)).toEqual(["@a/copyleft@", "both@", "silent@", "loaded@"]);
});

it("every version is exact", async () => {
  const manifest = JSON.parse(await readFile("package.json", "utf8"));
  const all = { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies };
  expect(Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+[\w.-]*$/.test(String(version)))).toEqual([]);
});
