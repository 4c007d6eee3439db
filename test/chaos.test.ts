import { describe, expect, it } from "vitest";
import { runCommand, stackEnvironment } from "./support/stack.ts";

// A whole stack of its own beside the shared one; the seed's plan has killed processes of every kind but few refusals,
// whose waiting would make it long.
const run = ["--seed", "10", "--documents", "8", "--minutes", "4", "--json"];

describe("documents while things break by chance", () => {
  it("the plan follows from the seed", async () => {
    const plan = async (seed: string) => {
      const { stdout } = await runCommand(process.execPath, ["dist/chaos/main.js", "--plan", "--seed", seed]);
      return JSON.parse(stdout) as { documents: unknown[]; faults: unknown[] };
    };
    const [first, again, other] = await Promise.all([plan("4"), plan("4"), plan("5")]);
    expect(first).toEqual(again);
    expect(first.faults).not.toEqual(other.faults);
    expect(first.documents).toHaveLength(40);
  });

  it("every promise is kept", { timeout: 480_000 }, async () => {
    // How much V8 takes where there is more than enough depends on the machine.
    const environment = stackEnvironment({ NODE_OPTIONS: "--max-old-space-size=384" });
    const { code, stdout, stderr } = await runCommand(process.execPath, ["dist/chaos/main.js", ...run], environment);
    const report = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
    expect(report, stderr).toMatchObject({ seed: 10, documents: 8, violations: [] });
    // Some of the planned ones count only where they meet a job or a process at work.
    expect(Object.keys(report.faults).length).toBeGreaterThan(3);
    expect(report.complete + report.failed + report.incomplete).toBe(8);
    expect(code).toBe(0);
  });
});
