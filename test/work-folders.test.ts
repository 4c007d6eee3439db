import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runCommand, startWorker } from "./support/stack.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-sweep-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const program = `
  const { makeWorkFolder } = await import("#docket/storage/work-folder");
  console.log(await makeWorkFolder("ocr"));
  setInterval(() => {}, 1000);`;

const node = (text: string) => [process.execPath, "--input-type=module", "--eval", text];
const environment = () => ({ ...process.env, TMPDIR: folder });

/** A process that has a temporary folder. */
async function startHolder(before: string[] = []) {
  const [command = "", ...parameters] = [...before, ...node(program)];
  const child = spawn(command, parameters, { env: environment(), stdio: ["ignore", "pipe", "inherit"] });
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
    const foreign = ["docket-ocr-00000000-00000000-999999-abcdef", "docket-ocr-notes"].map((name) =>
      join(folder, name),
    );
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

const sweep = `
  const { sweepWorkFolders } = await import("#docket/storage/work-folder");
  console.log(await sweepWorkFolders());`;

/** Removes what is to be removed, as a process at its start. */
async function sweepNow(text = sweep): Promise<string> {
  const [command = "", ...parameters] = node(text);
  const { code, stdout, stderr } = await runCommand(command, parameters, environment());
  expect(code, stderr).toBe(0);
  return stdout;
}

it("a folder of an earlier process with one's own id goes, as of process 1 of a container; one's own stays", async () => {
  await sweepNow(`
    import { existsSync } from "node:fs";
    import { mkdir, utimes } from "node:fs/promises";
    const { makeWorkFolder, sweepWorkFolders } = await import("#docket/storage/work-folder");
    const mine = await makeWorkFolder("ocr");
    const earlier = mine.slice(0, -6) + "abcdef";
    await mkdir(earlier);
    const before = performance.timeOrigin / 1000 - 60;
    await utimes(earlier, before, before);
    await sweepWorkFolders();
    const left = [mine, earlier].map((path) => existsSync(path));
    if (left.join() !== "true,false") throw new Error("left: " + left);`);
});

it("a folder of a container of the same name that was started again goes a day after it was last written", async (test) => {
  const isolated = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc", "--kill-child"];
  const [command = "", ...parameters] = [...isolated, "true"];
  const allowed = await runCommand(command, parameters).catch((error: Error) => ({ code: 1, stderr: error.message }));
  test.skip(allowed.code !== 0, `no process ids of its own here: ${allowed.stderr}`);
  const { child, path } = await startHolder(isolated);
  const ended = once(child, "exit");
  child.kill("SIGKILL");
  await ended;
  const file = join(path, "document");
  await writeFile(file, "");
  const daysAgo = (days: number) => Date.now() / 1000 - days * 86_400;
  await utimes(path, daysAgo(1.1), daysAgo(1.1));
  await sweepNow();
  expect(existsSync(path), "a file of it was written just now").toBe(true);
  await utimes(file, daysAgo(1.1), daysAgo(1.1));
  await sweepNow();
  expect(existsSync(path)).toBe(false);
});

it("a running process removes a folder of another container, as of one before on the same volume, when it is a day old", async () => {
  const path = join(folder, "docket-ocr-00000000-00000000-1-abcdef");
  await mkdir(path, { recursive: true });
  const removed = await sweepNow(`
    import { utimes } from "node:fs/promises";
    const { keepWorkFoldersSwept, sweepWorkFolders } = await import("#docket/storage/work-folder");
    const path = ${JSON.stringify(path)};
    await sweepWorkFolders();
    const alive = setInterval(() => {}, 1000);
    const end = await keepWorkFoldersSwept((removed) => {
      console.log(removed);
      clearInterval(alive);
      end();
    }, { milliseconds: 50 });
    console.log("started");
    const before = Date.now() / 1000 - 1.1 * 86_400;
    await utimes(path, before, before);`);
  expect(removed).toBe("started\n1\n");
  expect(existsSync(path)).toBe(false);
});
