import { once } from "node:events";
import { appendFileSync } from "node:fs";
import { appendFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { withLock } from "#docket/local/file-lock";
import { boundLog, lastLines, openLog } from "#docket/local/log-file";
import type { PartDefinition } from "#docket/local/part";
import { identifyProcess } from "#docket/local/process-identity";
import { SharedPart } from "#docket/local/shared-part";
import { runCommand } from "./support/stack.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-supervision-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A small server as a part; `behaviour` runs in it, with `port` and `server` at hand. */
function part(name: string, behaviour: string, changes: Partial<PartDefinition> = {}): PartDefinition {
  const program = `const port = Number(process.argv[1]);
    const server = require("node:http").createServer((_, response) => response.end("here"));
    server.listen(port, "127.0.0.1"); ${behaviour}`;
  return {
    title: "A server",
    directory: join(folder, name),
    logPath: join(folder, name, "server.log"),
    ports: { http: null },
    command: async (ports) => ({
      file: process.execPath,
      args: ["-e", program, String(ports["http"])],
      variables: {},
      inherited: { PATH: process.env["PATH"] },
    }),
    probe: async (ports) => (await fetch(`http://127.0.0.1:${ports["http"]}`)).ok,
    stopSignal: "SIGTERM",
    startMilliseconds: 10_000,
    stopMilliseconds: 1000,
    failure: { type: "Internal", remedy: "Write a better server." },
    ...changes,
  };
}

describe("a part", () => {
  it("that does not end when asked is ended by force, with its children", async () => {
    const stubborn = `process.on("SIGTERM", () => {});
      const child = require("node:child_process").spawn("sleep", ["600"]);
      require("node:fs").writeFileSync("${join(folder, "child")}", String(child.pid));`;
    const shared = await SharedPart.open(part("stubborn", stubborn), {});
    const child = Number(await readFile(join(folder, "child"), "utf8"));
    expect(await identifyProcess(child)).not.toBeNull();
    await shared.stop();
    expect(await identifyProcess(shared.pid)).toBeNull();
    await expect.poll(() => identifyProcess(child)).toBeNull();
  });

  it("that keeps ending is given up after five restarts, with its last words", async () => {
    const said: string[] = [];
    const crashing = 'setTimeout(() => { console.error("I cannot go on"); process.exit(7); }, 3000);';
    const report = ({ detail = "" }) => said.push(detail);
    const shared = await SharedPart.open(part("crashing", crashing), { report });
    await expect(shared.failed).rejects.toMatchObject({
      type: "Internal",
      message: "A server ended 6 times and is not started again.",
      remedy: expect.stringContaining("server.log"),
    });
    const restarts = said.filter((detail) => detail.startsWith("ended with code 7 unexpectedly"));
    expect(restarts).toHaveLength(6);
    expect(restarts[0]).toContain("its last words: I cannot go on");
    await shared.stop();
  });

  it("that is slow to start again once is started once more, and not given up", async () => {
    const starts = JSON.stringify(join(folder, "starts"));
    // The second start serves nobody in time; the first one ends when it is asked to.
    const tired = `const fs = require("node:fs");
      fs.appendFileSync(${starts}, "x");
      if (fs.readFileSync(${starts}, "utf8") === "xx") { server.close(); setInterval(() => {}, 1000); }
      else server.on("request", ({ url }) => { if (url === "/end") process.exit(3); });`;
    const said: string[] = [];
    const report = ({ detail = "" }) => said.push(detail);
    const shared = await SharedPart.open(part("tired", tired, { startMilliseconds: 5000 }), { report });
    const first = shared.pid;
    await fetch(`http://127.0.0.1:${shared.ports["http"]}/end`).catch(() => {});
    await vi.waitFor(() => expect(shared.pid).not.toBe(first), { timeout: 30_000, interval: 50 });
    expect(await (await fetch(`http://127.0.0.1:${shared.ports["http"]}`)).text()).toBe("here");
    expect(await readFile(join(folder, "starts"), "utf8")).toBe("xxx");
    expect(said.filter((detail) => detail.includes("started once more"))).toEqual([
      expect.stringContaining("A server did not start: does not serve after 5 s."),
    ]);
    await shared.stop();
  });

  it("that ends at once for a while when it is started again, as what it left behind is not gone yet, is waited for", async () => {
    const left = join(folder, "left-behind");
    const blocked = `const fs = require("node:fs");
      if (fs.existsSync(${JSON.stringify(left)})) { console.error("still in use"); process.exit(1); }
      server.on("request", ({ url }) => {
        if (url !== "/end") return;
        fs.writeFileSync(${JSON.stringify(left)}, "");
        process.exit(3);
      });`;
    let mended = 0;
    const mend = async (lines: string[]) => {
      // More often than the number of attempts that starts without such a cause have.
      if (++mended === 7) await rm(left);
      return lines.includes("still in use");
    };
    const shared = await SharedPart.open(part("blocked", blocked, { mend }), {});
    const first = shared.pid;
    await fetch(`http://127.0.0.1:${shared.ports["http"]}/end`).catch(() => {});
    await vi.waitFor(() => expect(shared.pid).not.toBe(first), { timeout: 60_000, interval: 50 });
    expect(mended).toBe(7);
    await shared.stop();
  });

  it("that serves is asked again to make what belongs to it, after errors that pass", async () => {
    const complete = vi
      .fn(async () => {})
      .mockRejectedValueOnce(new Error("lost"))
      .mockRejectedValueOnce(new Error("lost"));
    const shared = await SharedPart.open(part("completed", "", { complete }), {});
    expect(complete).toHaveBeenCalledTimes(3);
    await shared.stop();

    const hopeless = vi.fn(async () => Promise.reject(new Error("the deadline is over")));
    const never = part("incomplete", "", { complete: hopeless, startMilliseconds: 5000 });
    await expect(SharedPart.open(never, {})).rejects.toMatchObject({
      type: "Internal",
      message: "A server serves, but could not be made ready within 5 s: the deadline is over",
      remedy: expect.stringContaining("Write a better server."),
    });
    expect(hopeless.mock.calls.length).toBeGreaterThan(1);
  });

  it("that lost its port to somebody for a moment starts again, however long the stacks that it prints", async () => {
    const mark = JSON.stringify(join(folder, "panicked"));
    const panicking = `const fs = require("node:fs");
      if (!fs.existsSync(${mark})) {
        fs.writeFileSync(${mark}, "");
        console.error("panic: listen tcp 127.0.0.1:" + port + ": bind: address already in use");
        for (let i = 0; i < 2000; i++) console.error("main.main() somewhere/in/a/long/stack.go:" + i);
        process.exit(2);
      }`;
    const shared = await SharedPart.open(part("panicking", panicking), {});
    expect(await (await fetch(`http://127.0.0.1:${shared.ports["http"]}`)).text()).toBe("here");
    await shared.stop();
  });

  it("that panics is told with its panic, not only with the end of its stack", async () => {
    const panicking = part(
      "hopeless",
      `
      console.error("panic: the disk is upside down");
      for (let i = 0; i < 2000; i++) console.error("main.main() somewhere/in/a/long/stack.go:" + i);
      process.exit(2);`,
    );
    await expect(SharedPart.open(panicking, {})).rejects.toThrow(
      /ended with code 2\. Its last words: panic: the disk is upside down \| main/,
    );
  });

  it("that never serves is ended, and its last words are told", async () => {
    const mute = part("mute", 'server.close(); console.log("no socket for me"); setInterval(() => {}, 1000);', {
      startMilliseconds: 5000,
    });
    await expect(SharedPart.open(mute, {})).rejects.toThrow(
      /^A server did not start: does not serve after 5 s\. Its last words: no socket for me$/,
    );
    const { stdout } = await runCommand("ps", ["-eo", "args"]);
    expect(stdout).not.toContain("no socket for me");
  });

  it("left running with other settings is replaced, and one that is used is not", async () => {
    const first = await SharedPart.open(part("settings", ""), {});
    const changed = part("settings", "/* changed */");
    const joined = await SharedPart.open(changed, {});
    expect(joined.pid).toBe(first.pid);
    await joined.stop();
    // As if its launcher had been killed: nobody uses it any more.
    for (const name of await readdir(join(folder, "settings/users"))) await rm(join(folder, "settings/users", name));
    const second = await SharedPart.open(changed, {});
    expect(second.pid).not.toBe(first.pid);
    expect(await identifyProcess(first.pid)).toBeNull();
    await Promise.all([first.stop(), second.stop()]);
  });

  it("takes another port when somebody else has its own", async () => {
    const first = await SharedPart.open(part("port", ""), {});
    const { ports } = first;
    await first.stop();
    const other = createServer().listen(ports["http"], "127.0.0.1");
    await once(other, "listening");
    const second = await SharedPart.open(part("port", ""), {});
    expect(second.ports["http"]).not.toBe(ports["http"]);
    await second.stop();
    other.close();
  });
});

it("a lock is held by one process at a time, and a holder that is killed holds nobody up", async () => {
  const [lock, counter] = [join(folder, "lock"), join(folder, "counter")];
  await writeFile(counter, "0");
  const module = JSON.stringify(join(process.cwd(), "dist/local/file-lock.js"));
  // Every process adds ten, not atomically; the last addition of half of them is never finished.
  const program = `
    import { withLock } from ${module};
    import { readFileSync, writeFileSync } from "node:fs";
    for (let turn = 1; turn <= 10; turn++) {
      await withLock(${JSON.stringify(lock)}, async () => {
        const count = Number(readFileSync(${JSON.stringify(counter)}, "utf8"));
        await new Promise((resolve) => setTimeout(resolve, 3));
        writeFileSync(${JSON.stringify(counter)}, String(count + 1));
        if (turn === 10 && process.argv[1] === "die") process.kill(process.pid, "SIGKILL");
      });
    }`;
  const run = (fate: string) => runCommand(process.execPath, ["--input-type=module", "-e", program, fate], process.env);
  const ends = await Promise.all(["live", "die", "live", "die", "live", "die"].map(run));
  expect(ends.map(({ code, stderr }) => [code, stderr])).toEqual([
    [0, ""],
    [null, ""],
    [0, ""],
    [null, ""],
    [0, ""],
    [null, ""],
  ]);
  // A last one finds what a killed one may have left.
  await withLock(lock, async () => {}, { waitMilliseconds: 2000 });
  expect(await readFile(counter, "utf8")).toBe("60");
  expect((await readdir(folder)).filter((name) => name.startsWith("lock"))).toEqual([]);
});

it("a log stays bounded while its process writes and from start to start, and its last words are found", async () => {
  const path = join(folder, "bounded.log");
  const megabyte = Buffer.alloc(1_000_000, "x\n");
  const log = openLog(path);
  for (let i = 0; i < 21; i++) appendFileSync(log.descriptor, megabyte);
  await boundLog(path);
  expect((await stat(path)).size).toBe(0);
  expect((await stat(`${path}.1`)).size).toBe(21_000_000);
  appendFileSync(log.descriptor, "last words\n\n");
  log.close();
  expect(await lastLines(path, log.start, 3)).toEqual(["last words"]);

  const next = openLog(path);
  expect(await lastLines(path, next.start, 3)).toEqual([]);
  next.close();
  await appendFile(path, Buffer.alloc(21_000_000));
  openLog(path).close();
  expect((await stat(path)).size).toBe(0);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});
