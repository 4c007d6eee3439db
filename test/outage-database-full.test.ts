import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { WorkflowHandle } from "@temporalio/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDatabase, type Database } from "#docket/database/client";
import { longPdf } from "./support/long-pdf.ts";
import { connectStack, type Running, startWorker } from "./support/stack.ts";

// PostgreSQL's data on a file system of its own that only it sees; as another user than root that takes a user namespace.
const own = process.getuid?.() === 0 ? ["--mount"] : ["--user", "--map-root-user", "--mount"];
const mountIt = 'mount -t tmpfs -o size=256m,mode=0755 tmpfs "$0"';
const why = (() => {
  const tried = spawnSync("unshare", [...own, "sh", "-c", mountIt, tmpdir()], { encoding: "utf8" });
  return tried.status === 0 ? null : (tried.error?.message ?? tried.stderr.trim());
})();
if (why !== null)
  console.warn(`test/outage-database-full is skipped: no small file system can be mounted here (${why})`);

describe.skipIf(why !== null)("the disk of PostgreSQL's data is full", () => {
  let stack: Awaited<ReturnType<typeof connectStack>>;
  let folder: string;
  let postgres: ChildProcess;
  let database: Database;
  let worker: Running;

  beforeAll(async () => {
    stack = await connectStack();
    folder = await mkdtemp(join(tmpdir(), "docket-full-"));
    const program = [process.execPath, "test/support/postgres-on-small-disk.mjs", folder];
    postgres = spawn("unshare", [...own, "sh", "-c", `${mountIt} && exec "$@"`, folder, ...program], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const url = await firstLine(postgres);
    database = createDatabase({ url, poolSize: 2 });
    worker = await startWorker(undefined, { DATABASE_URL: url });
  });
  afterAll(async () => {
    await worker?.stop();
    await database?.$disconnect();
    const ended = once(postgres, "exit");
    postgres.stdin?.end();
    await ended;
    await stack?.close();
    await rm(folder, { recursive: true, force: true });
  });

  async function start(name: string) {
    const document = { bucket: stack.bucket, key: `outage/${folder.slice(-6)}-${name}.pdf` };
    await stack.storage.put(document.bucket, document.key, await longPdf(document.key), "application/pdf");
    return stack.client.workflow.start("processDocument", {
      taskQueue: "documents",
      workflowId: document.key,
      args: [{ document, project: "database-full" }],
    });
  }

  it("documents wait with a typed cause, and go on when there is room; each is paid once", async () => {
    const complete = { status: "complete", pages: 2, storedPages: 2, textractJobs: 1 };
    expect(await (await start("before")).result()).toMatchObject(complete);

    const filler = join(`/proc/${postgres.pid}/root${folder}`, "filler");
    await fill(filler);
    const handles = await Promise.all(["one", "two", "three"].map(start));
    for (const handle of handles) {
      // Until then it may be waiting for Textract, whose answer cannot be stored.
      while ((await failureType(handle)) !== "DatabaseUnavailable") await sleep(200);
      expect((await handle.describe()).status.name).toBe("RUNNING");
    }
    await rm(filler);
    for (const handle of handles) expect(await handle.result()).toMatchObject(complete);
    expect(await database.textractJob.count({ where: { state: "succeeded" } })).toBe(4);
  });
});

/** Why the document's step failed last. */
async function failureType(handle: WorkflowHandle): Promise<string | undefined> {
  const { raw } = await handle.describe();
  const failures = raw.pendingActivities?.map(({ lastFailure }) => lastFailure?.applicationFailureInfo?.type);
  return failures?.find(Boolean) ?? undefined;
}

/** Writes until no byte is left. */
async function fill(path: string): Promise<void> {
  const file = await open(path, "w");
  try {
    for (let size = 1024 * 1024; size >= 1; ) {
      const { bytesWritten } = await file.write(new Uint8Array(size)).catch(() => ({ bytesWritten: 0 }));
      if (bytesWritten < size) size = Math.floor(size / 2);
    }
  } finally {
    await file.close();
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("the program has no output");
  for await (const line of createInterface({ input: child.stdout })) return (JSON.parse(line) as { url: string }).url;
  throw new Error("PostgreSQL on the small disk did not start");
}
