import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { runCommand } from "./support/stack.ts";

const there = (program: string, argument: string) => spawnSync(program, [argument]).status === 0;
const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "docket/bin");
const built = existsSync(cache) && readdirSync(cache).some((name) => name.startsWith("helm-"));

// Helm is on the PATH, or was built by `npm run check:deploy -- --build`, which takes minutes.
it.skipIf(!(there("python3", "--version") && (built || there("helm", "version"))))(
  "Dockerfile, compose.yaml and every variant of the Helm chart pass the tools and schemas of their fields",
  async () => {
    const { code, stdout, stderr } = await runCommand(process.execPath, ["scripts/check-deploy.mjs"]);
    expect(code, stdout + stderr).toBe(0);
    const seen = stdout.split("\n");
    for (const what of ["chart (helm lint)", "chart without a bucket and an address is refused"]) {
      expect(seen).toContain(`ok  ${what}`);
    }
    // What comes from a registry that does not answer is left out, and said.
    for (const what of ["Dockerfile", "compose.yaml", "manifests", "keda.sh/v1alpha1 ScaledObject"]) {
      expect(seen.filter((line) => line.startsWith(`ok  ${what}`) || line.startsWith(`SKIPPED  ${what}`))).not.toEqual(
        [],
      );
    }
  },
  600_000,
);
