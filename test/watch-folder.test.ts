import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { appendFile, copyFile, mkdir, mkdtemp, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { SettledFiles } from "#docket/client/settled-files";
import { documentIdFromContent } from "#docket/contract/document-id";
import { smallPdf } from "./support/small-pdf.ts";
import { docket, stackEnvironment, useStack } from "./support/stack.ts";

const stack = useStack();
const project = `watch-folder-${randomUUID().slice(0, 8)}`;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-watch-folder-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A watcher, and what it has printed. */
function watcher(watched = folder, ...more: string[]): { child: ChildProcess; lines: Record<string, string>[] } {
  const args = ["watch-folder", watched, "--project", project, "--settle", "2", "--every", "1", "--json"];
  const child = spawn(process.execPath, ["dist/cli/docket.js", ...args, ...more], { env: stackEnvironment() });
  const lines: Record<string, string>[] = [];
  let rest = "";
  child.stdout.on("data", (chunk) => {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts.map((line) => JSON.parse(line)));
  });
  return { child, lines };
}

const until = (check: () => void) => vi.waitFor(check, { timeout: 120_000, interval: 200 });
const told = (lines: Record<string, string>[]) => lines.map(({ file }) => (file ?? "").slice(folder.length + 1)).sort();

describe("files that have settled", () => {
  const at = 1_700_000_000_000;
  const found = (name: string) => ({ file: name, path: join(folder, "settled", name) });
  const touch = (name: string, seconds: number) =>
    utimes(found(name).path, new Date(at + seconds * 1000), new Date(at + seconds * 1000));
  const names = async (files: SettledFiles, names: string[], seconds: number) =>
    (await files.look(names.map(found), at + seconds * 1000)).map(({ file }) => file);

  it("are told once, and again when they have changed and settled anew", async () => {
    await mkdir(join(folder, "settled"));
    for (const name of ["old.pdf", "new.pdf", "empty.pdf", "~$old.pdf", "x.part.pdf", "scan.tmp"]) {
      await writeFile(found(name).path, name === "empty.pdf" ? "" : "content");
      await touch(name, name === "new.pdf" ? -1 : -100);
    }
    const all = ["old.pdf", "new.pdf", "empty.pdf", "~$old.pdf", "x.part.pdf", "scan.tmp", "gone.pdf"];
    const files = new SettledFiles(10_000);
    expect(await names(files, all, 0)).toEqual(["old.pdf"]);
    expect(files.waiting).toBe(2);
    expect(await names(files, all, 8)).toEqual([]);
    expect(await names(files, all, 9)).toEqual(["new.pdf"]);
    await appendFile(found("old.pdf").path, "more");
    await touch("old.pdf", 10);
    expect(await names(files, all, 11)).toEqual([]);
    expect(await names(files, all, 20)).toEqual([]);
    expect(await names(files, all, 21)).toEqual(["old.pdf"]);
    // A clock that is wrong: what counts is how long it has been seen so.
    await touch("old.pdf", 9999);
    expect(await names(files, all, 22)).toEqual([]);
    expect(await names(files, all, 32)).toEqual(["old.pdf"]);
    // Given back: again after as long a time, and known to have been given back until it changes.
    expect(files.defer(found("old.pdf"), at + 40_000)).toBe(true);
    expect(await names(files, all, 49)).toEqual([]);
    expect(await names(files, all, 50)).toEqual(["old.pdf"]);
    expect(await names(files, all, 90)).toEqual([]);
    await rm(join(folder, "settled"), { recursive: true });
  });

  it("wait twice as long each time they are given back, up to ten minutes, and settle as new once they have changed", async () => {
    await mkdir(join(folder, "settled"));
    await writeFile(found("held.pdf").path, "content");
    await touch("held.pdf", -100);
    const files = new SettledFiles(10_000);
    let now = 0;
    expect(await names(files, ["held.pdf"], now)).toEqual(["held.pdf"]);
    for (const wait of [10, 20, 40, 80, 160, 320, 600, 600]) {
      expect(files.defer(found("held.pdf"), at + now * 1000)).toBe(wait === 10);
      expect(await names(files, ["held.pdf"], now + wait - 1)).toEqual([]);
      now += wait;
      expect(await names(files, ["held.pdf"], now)).toEqual(["held.pdf"]);
    }
    files.defer(found("held.pdf"), at + now * 1000);
    await touch("held.pdf", now);
    expect(await names(files, ["held.pdf"], now + 1)).toEqual([]);
    expect(await names(files, ["held.pdf"], now + 11)).toEqual(["held.pdf"]);
    expect(files.defer(found("held.pdf"), at + (now + 11) * 1000)).toBe(true);

    // A longer time to settle is never cut.
    const patient = new SettledFiles(3_600_000);
    now += 10_000;
    expect(await names(patient, ["held.pdf"], now)).toEqual(["held.pdf"]);
    patient.defer(found("held.pdf"), at + now * 1000);
    expect(await names(patient, ["held.pdf"], now + 3599)).toEqual([]);
    expect(await names(patient, ["held.pdf"], now + 3600)).toEqual(["held.pdf"]);
    await rm(join(folder, "settled"), { recursive: true });
  });
});

describe("docket watch-folder", () => {
  it("hands in what comes, whoever watches besides, and starts nothing twice after a restart", async () => {
    await copyFile("samples/service-agreement.pdf", join(folder, "first.pdf"));
    const [one, other] = [watcher(), watcher()];
    await until(() => {
      expect(told(one.lines)).toEqual(["first.pdf"]);
      expect(told(other.lines)).toEqual(["first.pdf"]);
    });
    other.child.kill("SIGKILL");

    // As programs write: under another name first, in pieces.
    const unfinished = join(folder, ".scan.pdf.part");
    await writeFile(unfinished, "%PDF-");
    await mkdir(join(folder, "sub"));
    await copyFile("samples/invoice.jpg", join(folder, "sub", "invoice.jpg"));
    await until(() => expect(told(one.lines)).toEqual(["first.pdf", "sub/invoice.jpg"]));
    await copyFile("samples/court-order.png", unfinished);
    await rename(unfinished, join(folder, "scan.png"));
    await until(() => expect(told(one.lines)).toEqual(["first.pdf", "scan.png", "sub/invoice.jpg"]));
    const ended = once(one.child, "close");
    one.child.kill("SIGINT");
    expect((await ended)[0]).toBe(130);

    const again = watcher();
    await until(() => expect(told(again.lines)).toEqual(["first.pdf", "scan.png", "sub/invoice.jpg"]));
    again.child.kill("SIGKILL");
    for (const { documentId } of again.lines) {
      const handle = stack.client.workflow.getHandle(`document/${documentId}`);
      expect(await handle.result()).toMatchObject({ status: "complete", textractJobs: 1 });
    }
    const rows = await stack.database.document.findMany({
      where: { project: { slug: project } },
      include: { textractJobs: true },
    });
    expect(rows.map(({ textractJobs }) => textractJobs.length)).toEqual([1, 1, 1]);
  });

  it("hands in what is just being read for something else once that has ended", async () => {
    const content = await smallPdf(project);
    const sha256 = createHash("sha256").update(content).digest("hex");
    const documentId = documentIdFromContent(project, sha256);
    const document = { bucket: stack.bucket, key: `${project}/held.pdf` };
    // On a queue that nobody serves.
    const other = await stack.client.workflow.start("processDocument", {
      ...{ taskQueue: project, workflowId: `document/${documentId}`, args: [{ document, documentId, project }] },
    });
    const held = join(folder, "held");
    await mkdir(held);
    await writeFile(join(held, "held.pdf"), content);
    const one = watcher(held, "--features", "TABLES");
    const told = () => one.lines.map(({ status, failure }) => ({ status, failure }));
    const remedy = expect.stringContaining("the watcher hands it in");
    const failed = { status: "failed", failure: expect.objectContaining({ type: "DocumentUnderWay", remedy }) };
    await until(() => expect(told()).toEqual([failed]));
    await other.terminate();
    await until(() => expect(told()).toEqual([failed, { status: "started", failure: null }]));
    one.child.kill("SIGKILL");
    expect(await stack.client.workflow.getHandle(`document/${documentId}`).result()).toMatchObject({ textractJobs: 1 });
    const jobs = await stack.database.textractJob.findMany({ where: { documentId } });
    expect(jobs.map(({ features }) => features)).toEqual([["TABLES"]]);
    await rm(held, { recursive: true });
  });

  it("looks once, leaves what has not settled, and says what it cannot hand in", async () => {
    await writeFile(join(folder, "young.pdf"), "not settled");
    const args = ["watch-folder", folder, "--project", project, "--settle", "3600", "--once"];
    const young = await docket(args);
    expect(young.code, young.stderr).toBe(0);
    expect(young.stdout).toBe("");
    expect(young.stderr).toContain("4 files not settled yet");

    const missing = await docket(["watch-folder", join(folder, "nowhere"), "--once"]);
    expect(missing.code).toBe(1);
    expect(missing.stderr).toContain("is no folder");
    const forced = await docket(["watch-folder", folder, "--once", "--force"]);
    expect(forced.code).toBe(1);
    expect(forced.stderr).toContain("--force would pay");
  });
});
