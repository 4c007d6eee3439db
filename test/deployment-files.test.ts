import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";
import { runCommand } from "./support/stack.ts";

const tools = { helm: ["version"], go: ["version"], python3: ["--version"] };
const there = (tool: keyof typeof tools) => spawnSync(tool, tools[tool]).status === 0;

// Helm is built once per user, where it is not there: minutes, as with the servers.
it.skipIf(!(there("python3") && (there("helm") || there("go"))))(
  "Dockerfile, compose.yaml and every variant of the Helm chart pass the tools and schemas of their fields",
  async () => {
    const { code, stdout, stderr } = await runCommand(process.execPath, ["scripts/check-deploy.mjs", "--build"]);
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
  40 * 60_000,
);
