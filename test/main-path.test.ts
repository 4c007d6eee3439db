import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bareEnvironment } from "./support/bare-environment.ts";
import { type CommandResult, docket } from "./support/stack.ts";
import { wordRecall } from "./support/word-recall.ts";

// A folder of its own and nothing configured: the embedded default from nothing, as a newcomer has it.
let data: string;
let run: CommandResult;
const environment = bareEnvironment();
const samples = (await readdir("samples")).filter((name) => /\.(pdf|tiff|jpg|png)$/.test(name)).sort();

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), "docket-main-path-"));
  run = await docket(["run", "--json", "--data-directory", data], environment);
}, 900_000);
afterAll(() => rm(data, { recursive: true, force: true }));

const rows = (result: CommandResult) =>
  result.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

describe("one command turns the samples into text", () => {
  it("every document is complete, and the command says so", () => {
    expect(run.stderr).not.toMatch(/error|warn/i);
    expect(run.code).toBe(0);
    expect(
      rows(run)
        .map(({ file }) => file.replace(/^.*samples\//, ""))
        .sort(),
    ).toEqual(samples);
    for (const row of rows(run)) {
      expect(row).toMatchObject({ status: "complete", engine: "textract", textractJobs: 1, failure: null });
      expect(row.storedPages).toBe(row.pages);
      expect(row.costUsd).toBeCloseTo(row.pages * 0.0015, 6);
    }
  });

  it.each(samples)("%s: pages and words of the ground truth", async (name) => {
    const truth = await readFile(join("samples", name.replace(/\.\w+$/, ".txt")), "utf8");
    const row = rows(run).find(({ file }) => file.endsWith(name));
    const { stdout } = await docket(["text", row.documentId, "--data-directory", data], environment);
    const recall = wordRecall(truth, stdout);
    process.stdout.write(`      word recall of ${name}: ${recall.toFixed(4)}\n`);
    expect(row.pages).toBe(truth.split("\f").length);
    expect(stdout.split("\f")).toHaveLength(row.pages);
    expect(recall).toBeGreaterThan(0.98);
  });

  it("a second run finds the same documents and reads nothing again", async () => {
    const again = await docket(["run", "--json", "--data-directory", data], environment);
    expect(again.code).toBe(0);
    const byFile = (result: CommandResult) => Object.fromEntries(rows(result).map((row) => [row.file, row]));
    expect(byFile(again)).toEqual(byFile(run));
  });
});
