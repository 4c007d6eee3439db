import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { commands as defined } from "#docket/cli/commands/index";

const docket = fileURLToPath(new URL("../dist/cli/docket.js", import.meta.url));
const commands = [
  "run",
  "up",
  "env",
  "submit",
  "status",
  "watch",
  "text",
  "ocr",
  "doctor",
  "breakers",
  "worker",
  "codec-server",
  "local-textract",
];
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-usage-"));
  await writeFile(join(folder, "words.txt"), "words");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs the command in an empty folder, without any service in its environment. */
function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return runWith({}, ...args);
}

function runWith(variables: Record<string, string>, ...args: string[]): ReturnType<typeof run> {
  const environment = { PATH: process.env["PATH"], HOME: folder, ...variables };
  return new Promise((resolve) => {
    execFile(process.execPath, [docket, ...args], { cwd: folder, env: environment }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

describe("help", () => {
  test("lists every command, and without a command it is shown as an error of usage", async () => {
    const help = await run("--help");
    expect(help.code).toBe(0);
    for (const command of commands) expect(help.stdout).toMatch(new RegExp(`^  ${command}[ \\n]`, "m"));
    expect((await run()).code).toBe(1);
  });

  test.each(commands)("docket %s --help has an example, --json and the exit codes", async (command) => {
    const { code, stdout } = await run(command, "--help");
    expect(code).toBe(0);
    expect(stdout).toMatch(/\nExample:\n {2}\$ /);
    expect(stdout).toContain("--json");
    expect(stdout).toMatch(/Exit codes:\n {2}0 .*\n {2}1 .*\n/);
    // Only a command that reports on documents can end with 2.
    expect(/\n {2}2 {2}/.test(stdout)).toBe(["run", "submit", "status", "watch", "text", "ocr"].includes(command));
  });
});

test("docs/cli.md lists every command, and what it prints with --json", async () => {
  const program = new Command();
  for (const define of defined) define(program);
  const names = program.commands.map((command) => command.name());
  const [first = "", json = ""] = (await readFile("docs/cli.md", "utf8")).split("\n## `--json`\n");
  const rows = (text: string) => text.split("\n").flatMap((line) => /^\| (`.*?) \|/.exec(line)?.[1] ?? []);
  const listed = rows(first).flatMap((row) => /^`docket ([a-z-]+)/.exec(row)?.[1] ?? []);
  expect(new Set(listed)).toEqual(new Set(names));
  const told = rows(json).flatMap((row) => [...row.matchAll(/`([a-z-]+)/g)].map(([, name]) => name));
  expect(new Set(told)).toEqual(new Set(names));
});

test.each([
  [{}, false],
  [{ FORCE_COLOR: "1" }, true],
  [{ FORCE_COLOR: "0" }, false],
  [{ FORCE_COLOR: "false" }, false],
  [{ FORCE_COLOR: "1", NO_COLOR: "1" }, false],
])("colours without a terminal, with %j: %s", async (variables, coloured) => {
  const { stderr } = await runWith(variables as Record<string, string>, "run", "nope.pdf");
  expect(stderr).toContain("nope.pdf");
  expect(stderr.includes("\u001b[")).toBe(coloured);
});

describe("errors of usage and environment end with 1 and a remedy, before anything is started", () => {
  test.each(
    [
      ["run", "nope.pdf"],
      ["run", "."],
      ["submit", "nope.pdf"],
      ["submit", "s3://bucket-without-key"],
      ["submit", "s3://some-bucket/key.pdf"],
      ["status"],
      ["watch"],
      ["env"],
      ["text", "1234abcd"],
      ["worker", "--queues", "documents"],
      ["ocr", "nope.pdf"],
    ].map((args) => ({ args, line: args.join(" ") })),
  )("docket $line", async ({ args }) => {
    const { code, stdout, stderr } = await run(...args);
    expect(stderr).toMatch(/^error: .+\n {2}remedy: .+\n$/m);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });

  test("a setting that is wrong is named in plain words, its value is not told", async () => {
    const environment = { DATABASE_URL: "mysql://user:hunter2@host/x", DOCKET_HEALTH_PORT: "hunter2" };
    const { code, stderr } = await runWith(environment, "worker", "--queues", "documents");
    expect(code).toBe(1);
    expect(stderr).toContain("DATABASE_URL must be a postgresql:// address");
    expect(stderr).toContain("DOCKET_BUCKET is missing");
    expect(stderr).toContain("DOCKET_HEALTH_PORT must be a number");
    expect(stderr).not.toMatch(/hunter2|expected|received|Invalid/);
  });

  test.each(
    [
      ["run", "--engine", "magic"],
      ["run", "--features", "SMELLS"],
      ["run", "--project", "No Such Slug"],
      ["run", "--priority", "6"],
      ["status", "--limit", "0"],
      ["worker"],
      ["worker", "--queues", "nonsense"],
      ["submit"],
      ["frobnicate"],
      ["budget", "No Such Slug", "--cap", "1"],
      ["retention", "No Such Slug"],
    ].map((args) => ({ args, line: args.join(" ") })),
  )("docket $line is refused by name", async ({ args }) => {
    const { code, stdout, stderr } = await run(...args);
    expect(stderr).toMatch(/^error: /);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  });

  test("--json tells the error as JSON on standard error, --verbose adds where it happened", async () => {
    const json = await run("run", "nope.pdf", "--json");
    expect(json.stdout).toBe("");
    expect(JSON.parse(json.stderr)).toEqual({
      error: { type: "InvalidInput", message: "nope.pdf: no such file or folder", remedy: expect.any(String) },
    });
    for (const args of [["run", "--engine", "magic"], ["submit"], ["frobnicate"], ["budget", "No Such Slug"]]) {
      const { code, stdout, stderr } = await run(...args, "--json");
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      const { error } = JSON.parse(stderr);
      expect(error).toEqual({ type: "InvalidInput", message: expect.any(String), remedy: expect.any(String) });
      expect(error.message).not.toMatch(/^error/);
    }
    expect((await run("run", "nope.pdf", "--verbose")).stderr).toMatch(/^\s+at /m);
  });
});
