import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startWorker } from "./support/stack.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-sweep-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const program = `
  const { makeWorkFolder } = await import("#docket/storage/work-folder");
  console.log(await makeWorkFolder("ocr"));
  setInterval(() => {}, 1000);`;

/** A process that has a temporary folder. */
async function startHolder() {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) return { child, path: line };
  throw new Error("the process ended without a folder");
}

it("a worker sweeps the folders of processes that were killed, and no other's, at its start", async () => {
  const killed = await startHolder();
  const living = await startHolder();
  try {
    const ended = once(killed.child, "exit");
    killed.child.kill("SIGKILL");
    await ended;
    // Another container's, whose process ids are not ours; and somebody else's altogether.
    const foreign = ["docket-ocr-00000000-999999-abcdef", "docket-ocr-notes"].map((name) => join(folder, name));
    for (const path of foreign) await mkdir(path);
    expect(existsSync(killed.path)).toBe(true);

    const worker = await startWorker("ocr", { TMPDIR: folder });
    await worker.stop();
    const left = (await readdir(folder)).map((name) => join(folder, name));
    expect(left).toEqual(expect.arrayContaining([living.path, ...foreign]));
    expect(left).not.toContain(killed.path);
  } finally {
    living.child.kill("SIGKILL");
  }
});
