import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startPostgres } from "#docket/local/postgres";
import { bareEnvironment } from "./support/bare-environment.ts";
import { docket, outputOf } from "./support/stack.ts";

const environment = bareEnvironment();
const sample = "samples/deposition-300dpi.tiff";
/** Has the data directories of both interrupted runs. */
let data: string;
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), "docket-interrupted-"));
});
afterAll(() => rm(data, { recursive: true, force: true }));

/** Runs until the document's stage is shown, and sends the signal at that moment. */
async function interruptAt(stage: string, signal: NodeJS.Signals): Promise<{ code: number | null; output: string }> {
  const directory = join(data, signal);
  const child = spawn(process.execPath, ["dist/cli/docket.js", "run", "--data-directory", directory, sample], {
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

  it("SIGKILL of the command: nothing is told", async () => {
    const { code, output } = await interruptAt("awaitTextract", "SIGKILL");
    expect(code).toBe(null);
    expect(output).not.toContain(": complete");
  });

  it.each(["SIGINT", "SIGKILL"])(
    "the run after %s completes the document with the one job that was paid",
    async (signal) => {
      const directory = join(data, signal);
      const { code, stdout } = await docket(["run", "--json", "--data-directory", directory, sample], environment);
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ status: "complete", pages: 3, storedPages: 3, textractJobs: 1 });
    },
  );
});

describe("a command that starts PostgreSQL for the moment leaves nothing behind at Ctrl-C", () => {
  const pages = 20_000;
  let directory: string;
  let temporary: string;
  beforeAll(async () => {
    directory = join(data, "SIGINT");
    temporary = join(data, "tmp");
    await mkdir(temporary);
    // The document gets so many pages that a command is still at work on them when the signal comes.
    const postgres = await startPostgres(join(directory, "postgres"));
    const client = new Client({ connectionString: postgres.url });
    await client.connect();
    await client.query(
      `INSERT INTO pages (document_id, number, text, characters, lines, engine, source, written_by)
       SELECT document_id, n, repeat('word ', 200), 1000, '[]', engine, source, written_by
       FROM pages, generate_series(4, $1::int) n WHERE number = 1`,
      [pages],
    );
    await client.end();
    await postgres.stop();
  });

  /** Ends a command by a signal as soon as it is seen at work. */
  async function interrupted(
    args: string[],
    atWork: (output: string) => boolean | Promise<boolean>,
    signal: NodeJS.Signals = "SIGINT",
  ) {
    const child = spawn(process.execPath, ["dist/cli/docket.js", ...args, "--data-directory", directory], {
      env: { ...environment, TMPDIR: temporary },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output = outputOf(child);
    const ended = once(child, "close");
    await expect.poll(() => atWork(output.stdout), { timeout: 30_000, interval: 10 }).toBe(true);
    child.kill(signal);
    const [code] = (await ended) as [number | null];
    return { code, ...output };
  }
  const record = () => join(directory, "postgres/process.json");

  it("text: PostgreSQL is stopped", async () => {
    const { code, stdout, stderr } = await interrupted(["text", "deposition-300dpi.tiff"], (output) => output !== "");
    expect({ code, stderr }).toEqual({ code: 130, stderr: "Stopped.\n" });
    expect(stdout.split("\f").length).toBeLessThan(pages);
    expect(existsSync(record())).toBe(false);
  });

  it("export: no part of a file and no temporary folder stays, not even that of an export that was killed", async () => {
    const exported = (folder: string, signal: NodeJS.Signals) => {
      const begun = async () => (await readdir(folder).catch(() => [])).some((name) => name.endsWith(".partial"));
      return interrupted(["export", "--project", "default", "-o", folder], begun, signal);
    };
    await exported(join(data, "killed"), "SIGKILL");
    expect(await readdir(temporary)).toEqual([expect.stringMatching(/^docket-export-/)]);
    const folder = join(data, "out");
    const { code, stderr } = await exported(folder, "SIGINT");
    expect({ code, stderr }).toEqual({ code: 130, stderr: "Stopped.\n" });
    expect(await readdir(folder)).toEqual(["manifest.jsonl"]);
    expect(await readdir(temporary)).toEqual([]);
    expect(existsSync(record())).toBe(false);
  });
});
