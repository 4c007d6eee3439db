import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { stackEnvironment, useStack } from "./support/stack.ts";

const stack = useStack();

// A file system of a few MB that only the worker sees; as another user than root that takes a user namespace.
const own = process.getuid?.() === 0 ? ["--mount"] : ["--user", "--map-root-user", "--mount"];
const mountIt = 'mount -t tmpfs -o size=4m tmpfs "$0"';
const why = (() => {
  const tried = spawnSync("unshare", [...own, "sh", "-c", mountIt, tmpdir()], { encoding: "utf8" });
  return tried.status === 0 ? null : (tried.error?.message ?? tried.stderr.trim());
})();
if (why !== null) console.warn(`test/outage-disk-full is skipped: no small file system can be mounted here (${why})`);

describe.skipIf(why !== null)("the disk of the temporary folder is full", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "docket-full-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it("a document waits with a typed cause, and goes on when there is room", async () => {
    const worker = spawn(
      "unshare",
      [...own, "sh", "-c", `${mountIt} && exec "$@"`, folder, process.execPath, "dist/cli/docket.js", "worker"].concat([
        "--queues",
        "ocr",
      ]),
      { env: stackEnvironment({ TMPDIR: folder }), stdio: ["ignore", "pipe", "inherit"] },
    );
    onTestFinished(() => void worker.kill("SIGKILL"));
    let log = "";
    worker.stdout.on("data", (chunk) => {
      log += chunk;
    });
    while (!log.includes("worker is polling")) await sleep(50);
    const inside = `/proc/${worker.pid}/root${folder}`;
    const filler = join(inside, "filler");
    const { bavail, bsize } = await statfs(inside);
    await writeFile(filler, new Uint8Array(bavail * bsize));

    const document = await stack.upload("outage/disk-full.jpg", "samples/invoice.jpg");
    const handle = await stack.client.workflow.start("processDocument", {
      taskQueue: "documents",
      workflowId: "outage-disk-full",
      args: [{ document, project: "outage-disk", engine: "local" }],
    });
    const waiting = async () => {
      const { raw } = await handle.describe();
      const info = raw.pendingActivities?.find(({ lastFailure }) => lastFailure?.applicationFailureInfo);
      return info?.lastFailure;
    };
    while ((await waiting()) === undefined) await sleep(200);
    const failure = await waiting();
    expect(failure?.applicationFailureInfo).toMatchObject({ type: "StorageUnavailable", nonRetryable: false });
    expect(failure?.message).toContain("No space is left on the disk");

    await rm(filler);
    expect(await handle.result()).toMatchObject({ status: "complete", engine: "local", storedPages: 1 });
    const ended = once(worker, "exit");
    worker.kill("SIGTERM");
    await ended;
  });
});
