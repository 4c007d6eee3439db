import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { migrate } from "#docket/database/migrate";
import { startStack } from "#docket/local/stack";
import manifest from "../../package.json" with { type: "json" };

/**
 * Starts the embedded stack once for the whole run, in a folder of its own, and ends it afterwards; a run that is
 * interrupted or killed has it ended by its warden.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDirectory = await mkdtemp(join(tmpdir(), "docket-test-"));
  const warden = startWarden(dataDirectory);
  const stack = await startStack({
    dataDirectory,
    report: ({ step, state, detail }) => {
      if (state !== "start") process.stderr.write(`[stack] ${step}: ${state}${detail ? `, ${detail}` : ""}\n`);
    },
  });
  // After the servers, which are stopped in their own order: what is started from here on inherits the mark.
  process.env[markVariable] = dataDirectory;
  await migrate(stack.environment["DATABASE_URL"] ?? "");
  project.provide("environment", stack.environment);
  project.provide("temporalWebUi", stack.webUi);
  return async () => {
    const recording = process.env["DOCKET_RECORD_HISTORIES"];
    if (recording) {
      const { recordHistories } = await import("./record-histories.ts");
      const options = { release: manifest.version, again: recording === "again" };
      await recordHistories(stack.environment["TEMPORAL_ADDRESS"] ?? "", options);
    }
    await stack.stop();
    await rm(dataDirectory, { recursive: true, force: true });
    const ended = once(warden, "exit");
    warden.stdin.end("in order");
    await ended;
  };
}

const markVariable = "DOCKET_TEST_RUN";

function startWarden(dataDirectory: string) {
  const program = join(import.meta.dirname, "stack-warden.mjs");
  const warden = spawn(process.execPath, [program, dataDirectory, `${markVariable}=${dataDirectory}`], {
    stdio: ["pipe", "ignore", "inherit"],
    detached: true,
  });
  // It outlives this process, and so must not be waited for by it.
  warden.unref();
  return warden;
}
