import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { docket } from "./support/stack.ts";

const environment = { PATH: process.env["PATH"], HOME: process.env["HOME"] };
const sample = "samples/deposition-300dpi.tiff";
let data: string;
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), "docket-interrupted-"));
});
afterAll(() => rm(data, { recursive: true, force: true }));

/** Runs until the document's stage is shown, and sends the signal at that moment. */
async function interruptAt(stage: string, signal: NodeJS.Signals): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, ["dist/cli/docket.js", "run", "--data-directory", data, sample], {
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      const before = output;
      output += chunk;
      if (!before.includes(`: ${stage}`) && output.includes(`: ${stage}`)) child.kill(signal);
    });
  }
  const [code] = (await once(child, "close")) as [number | null];
  return { code, output };
}

describe("nothing is lost when the command is interrupted", () => {
  it("Ctrl-C while Textract works: everything stops, and the command says that the next run goes on", async () => {
    const { code, output } = await interruptAt("awaitTextract", "SIGINT");
    expect(code).toBe(130);
    expect(output).toMatch(/next run goes on/);
  });

  it("SIGKILL of the command: the next run goes on too", async () => {
    const { output } = await interruptAt("awaitTextract", "SIGKILL");
    expect(output).not.toContain("complete");
  });

  it("the run after both completes the document with the one job that was paid", async () => {
    const { code, stdout } = await docket(["run", "--json", "--data-directory", data, sample], environment);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ status: "complete", pages: 3, storedPages: 3, textractJobs: 1 });
  });
});
