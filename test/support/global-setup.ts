import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { migrate } from "#docket/database/migrate";
import { startStack } from "#docket/local/stack";

/** Starts the embedded stack once for the whole run, in a folder of its own, and ends it afterwards. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDirectory = await mkdtemp(join(tmpdir(), "docket-test-"));
  const stack = await startStack({
    dataDirectory,
    report: ({ step, state, detail }) => {
      if (state !== "start") process.stderr.write(`[stack] ${step}: ${state}${detail ? `, ${detail}` : ""}\n`);
    },
  });
  await migrate(stack.environment["DATABASE_URL"] ?? "");
  project.provide("environment", stack.environment);
  return async () => {
    await stack.stop();
    await rm(dataDirectory, { recursive: true, force: true });
  };
}
