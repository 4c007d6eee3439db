import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { bareEnvironment } from "./support/bare-environment.ts";
import { smallPdf } from "./support/small-pdf.ts";
import { type CommandResult, docket, useStack } from "./support/stack.ts";

const stack = useStack();
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-estimate-"));
  await writeFile(join(folder, "1-three.pdf"), await smallPdf(folder, 3));
  await writeFile(join(folder, "2-copy.pdf"), await smallPdf(`${folder} other`, 2));
  await writeFile(join(folder, "3-broken.pdf"), "%PDF-1.7 and no more");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const rows = ({ stdout }: CommandResult) =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

it("estimate counts pages and prices them by features, without any service", async () => {
  const nothing = bareEnvironment();
  const text = await docket(["estimate", folder, "--json"], nothing);
  expect(text.code).toBe(2);
  expect(rows(text).map(({ status, pages, costUsd }) => [status, pages, costUsd])).toEqual([
    ["new", 3, 0.0045],
    ["new", 2, 0.003],
    ["refused", null, 0],
  ]);
  expect(text.stderr).toContain("2 documents to read, 5 pages in all: $0.0075; 1 would fail");
  const tables = await docket(["estimate", join(folder, "1-three.pdf"), "--features", "TABLES", "--json"], nothing);
  expect(rows(tables)[0].costUsd).toBe(0.045);
});

it("estimate counts the objects of a prefix", async () => {
  const prefix = `estimate-${process.pid}/`;
  await stack.storage.put(stack.bucket, `${prefix}a.pdf`, await smallPdf(prefix, 4), "application/pdf");
  const { code, stdout } = await docket(["estimate", `s3://${stack.bucket}/${prefix}`]);
  expect(code).toBe(0);
  expect(stdout).toContain("$0.0060  4 pages");
});

it("a dry run says what is new, what is there already under another name, and what would fail; it starts nothing", async () => {
  await writeFile(join(folder, "1-three.pdf"), await smallPdf(folder, 3));
  const first = await docket(["submit", "--wait", "--json", join(folder, "1-three.pdf"), "--project", "dry"]);
  expect(first.code).toBe(0);
  await writeFile(join(folder, "2-copy.pdf"), await readFile(join(folder, "1-three.pdf")));
  await writeFile(join(folder, "4-new.pdf"), await smallPdf(`${folder} new`));
  const counts = () =>
    Promise.all([
      stack.database.document.count({ where: { project: { slug: "dry" } } }),
      stack.database.batch.count({ where: { project: "dry" } }),
    ]);
  const before = await counts();
  for (const command of ["submit", "batch"]) {
    const plan = await docket([command, "--dry-run", "--json", "--project", "dry", folder]);
    expect(rows(plan).map(({ status, costUsd, savedUsd }) => [status, costUsd, savedUsd])).toEqual([
      ["reused", 0, 0.0045],
      ["reused", 0, 0.0045],
      ["refused", 0, 0],
      ["new", 0.0015, 0],
    ]);
    expect(rows(plan)[2].failures[0]).toMatchObject({ type: "Corrupt", remedy: expect.any(String) });
    expect(plan.code).toBe(2);
  }
  expect(await counts()).toEqual(before);
});

it("a schedule sweeps a prefix: what was handed in before is not again, what is new is", async () => {
  const prefix = `sweep-${process.pid}/`;
  const project = `scheduled-${process.pid}`;
  const address = `s3://${stack.bucket}/${prefix}`;
  const put = async (name: string) =>
    stack.storage.put(stack.bucket, prefix + name, await smallPdf(prefix + name), "application/pdf");
  const complete = (count: number) =>
    until(() => stack.database.document.count({ where: { status: "complete", project: { slug: project } } }), count);
  await put("1.pdf");
  const refused = await docket(["schedule", "add", address, "--project", project, "--force"]);
  expect(refused).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("--force") });
  const added = await docket(["schedule", "add", address, "--every", "10s", "--project", project, "--json"]);
  expect(added.code).toBe(0);
  expect(JSON.parse(added.stdout)).toMatchObject({ source: address, everyMilliseconds: 10_000 });
  try {
    // Temporal lists a new schedule a moment later.
    await expect.poll(async () => (await docket(["schedule", "list", "--json"])).stdout, wait).toContain(address);
    await complete(1);
    await put("2.pdf");
    await complete(2);
    const items = await stack.database.batchItem.findMany({ where: { key: { startsWith: prefix } } });
    expect(items.map(({ key }) => key).sort()).toEqual([`${prefix}1.pdf`, `${prefix}2.pdf`]);
  } finally {
    const removed = await docket(["schedule", "remove", address, "--json"]);
    expect(JSON.parse(removed.stdout)).toMatchObject({ source: address, lastAt: expect.any(String) });
  }
  await expect.poll(async () => (await docket(["schedule", "list"])).stdout, wait).not.toContain(address);
});

/** Milliseconds. */
const wait = { timeout: 20_000, interval: 500 };

async function until(look: () => Promise<number>, wanted: number): Promise<void> {
  while ((await look()) < wanted) await new Promise((resolve) => setTimeout(resolve, 300));
}
