import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ForeignProgram, findProgram } from "#docket/local/parts/find-program";
import { WayNotOpen } from "#docket/local/parts/go-install";
import { onPath } from "#docket/local/parts/program-cache";
import { findTemporal } from "#docket/local/parts/temporal-cli";
import { downloadTemporal } from "#docket/local/parts/temporal-download";
import { findVersitygw } from "#docket/local/parts/versitygw";
import { identifyProcess } from "#docket/local/process-identity";
import type { StepReport } from "#docket/local/report";
import { runCommand } from "./support/stack.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-parts-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A program that answers to --version. */
async function writeProgram(path: string, says: string): Promise<string> {
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, `#!/bin/sh\necho '${says}'\n`);
  await chmod(path, 0o755);
  return path;
}

const temporalSays = "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)";

describe("the Temporal CLI", () => {
  it("is the configured one, then the one on the PATH, then the one in the user's cache", async () => {
    const configured = await writeProgram(join(folder, "order/configured/my-temporal"), temporalSays);
    const onThePath = await writeProgram(join(folder, "order/path/temporal"), temporalSays);
    const cached = await writeProgram(join(folder, "order/cache/docket/bin/temporal-1.5.1"), temporalSays);
    const environment = { PATH: join(onThePath, ".."), XDG_CACHE_HOME: join(folder, "order/cache") };

    expect(await findTemporal({ environment: { ...environment, DOCKET_TEMPORAL_CLI: configured } })).toBe(configured);
    expect(await findTemporal({ environment })).toBe(onThePath);
    await rm(onThePath);
    expect(await findTemporal({ environment })).toBe(cached);
  });

  it("on the PATH is passed over when it is too old or something else", async () => {
    const cached = await writeProgram(join(folder, "old/cache/docket/bin/temporal-1.5.1"), temporalSays);
    for (const says of ["temporal version 1.0.0 (Server 1.24.0, UI 2.27.1)", "another temporal, 7.2"]) {
      const path = await writeProgram(join(folder, "old/path/temporal"), says);
      const environment = { PATH: join(path, ".."), XDG_CACHE_HOME: join(folder, "old/cache") };
      expect(await findTemporal({ environment })).toBe(cached);
    }
  });

  it("that is configured and is none is told, not replaced by another", async () => {
    const environment = { PATH: process.env["PATH"], DOCKET_TEMPORAL_CLI: join(folder, "nowhere") };
    await expect(findTemporal({ environment })).rejects.toMatchObject({
      type: "InvalidInput",
      message: expect.stringContaining("DOCKET_TEMPORAL_CLI"),
    });
  });
});

it("one message names every way that is closed and those that would work", async () => {
  const go = await writeProgram(join(folder, "none/path/go"), "go1.20.14\nlocal");
  const environment = { PATH: join(go, ".."), XDG_CACHE_HOME: join(folder, "none/cache") };
  await expect(findVersitygw({ environment })).rejects.toMatchObject({
    type: "StorageUnavailable",
    message: expect.stringMatching(/no versitygw on the PATH; Go is too old: go1\.20\.14, .* needs 1\.25/),
    remedy: expect.stringMatching(/DOCKET_VERSITYGW.*Go 1\.25.*AWS_ENDPOINT_URL_S3/),
  });
  await rm(go);
  await expect(findVersitygw({ environment })).rejects.toThrow("Go is not on the PATH");
});

describe("a download", () => {
  let server: Server;
  let service: string;
  const asked: string[] = [];
  beforeAll(async () => {
    // The service as sdk-core's ephemeral_server uses it: one answer in JSON, then the archive.
    await writeProgram(join(folder, "service/inner/temporal"), temporalSays);
    await runCommand("tar", [
      "-czf",
      join(folder, "service/a.tar.gz"),
      "-C",
      join(folder, "service"),
      "inner/temporal",
    ]);
    const archive = await readFile(join(folder, "service/a.tar.gz"));
    server = createServer((request, response) => {
      asked.push(request.url ?? "");
      if (request.url === "/a.tar.gz") response.end(archive);
      else if (request.url?.startsWith("/cli/v1.5.1?")) {
        response.end(JSON.stringify({ archiveUrl: `${service}/a.tar.gz`, fileToExtract: "inner/temporal" }));
      } else if (request.url?.startsWith("/cli/v6.6.6?")) {
        response.end(JSON.stringify({ archiveUrl: `${service}/a.tar.gz`, fileToExtract: "../../etc/passwd" }));
      } else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    service = `http://localhost:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  it("puts a program that runs into the cache, and nothing else", async () => {
    const cache = join(folder, "downloaded");
    await mkdir(cache);
    const steps: StepReport[] = [];
    await downloadTemporal("1.5.1", join(cache, "temporal-1.5.1"), { report: (step) => steps.push(step) }, service);
    expect(await readdir(cache)).toEqual(["temporal-1.5.1"]);
    expect((await runCommand(join(cache, "temporal-1.5.1"), [])).stdout.trim()).toBe(temporalSays);
    expect(asked[0]).toMatch(/arch=(amd64|arm64)&platform=(linux|darwin)&format=tar.gz/);
    expect(steps.at(-1)).toMatchObject({ state: "done", bytes: expect.any(Number) });
  });

  it.each([
    ["does not know the version", "9.9.9", () => service, "answers 404"],
    ["answers with a path out of its archive", "6.6.6", () => service, "fileToExtract"],
    ["has a name that does not resolve", "1.5.1", () => "https://docket.invalid", "not reachable from here"],
  ])("from a service that %s is a way that is closed", async (_, version, address, why) => {
    const cache = join(folder, `closed-${version}`);
    await mkdir(cache);
    const download = downloadTemporal(version, join(cache, "temporal"), {}, address());
    await expect(download).rejects.toThrow(WayNotOpen);
    await expect(download).rejects.toThrow(why);
    expect(await readdir(cache)).toEqual([]);
  });
});

describe.runIf((await onPath("go", process.env)) !== null)("go install", () => {
  const greeter = (environment: NodeJS.ProcessEnv): ForeignProgram => ({
    title: "Greeter",
    name: "greeter",
    cached: "greeter-1.0.0",
    variable: "DOCKET_TEST_GREETER",
    go: {
      package: "example.test/greeter@v1.0.0",
      minimumGo: [1, 20],
      name: "greeter",
      what: "the greeter",
      usually: "a moment",
    },
    check: async (path) => ((await runCommand(path, [], environment)).stdout === "hello\n" ? null : "does not greet"),
    failure: { type: "Internal", remedy: "Greet yourself." },
  });

  async function goEnvironment(name: string): Promise<NodeJS.ProcessEnv> {
    const proxy = await writeModule(join(folder, "proxy"));
    return {
      ...process.env,
      // Otherwise below XDG_CACHE_HOME: the standard library would be compiled anew.
      GOCACHE: (await runCommand("go", ["env", "GOCACHE"], process.env)).stdout.trim(),
      XDG_CACHE_HOME: join(folder, name),
      GOPROXY: `file://${proxy}`,
      GONOSUMDB: "*",
      GOFLAGS: "-modcacherw",
      GOMODCACHE: join(folder, "modules"),
    };
  }

  it("builds once for all who ask at the same moment, with progress and the size at the end", async () => {
    const environment = await goEnvironment("together");
    const steps: StepReport[] = [];
    const find = () => findProgram(greeter(environment), { environment, report: (step) => steps.push(step) });
    const paths = await Promise.all([find(), find(), find()]);
    expect(new Set(paths)).toEqual(new Set([join(folder, "together/docket/bin/greeter-1.0.0")]));
    expect(await readdir(join(folder, "together/docket/bin"))).toEqual(["greeter-1.0.0"]);
    const built = steps.filter(({ state }) => state === "done");
    expect(built).toHaveLength(1);
    expect(built[0]?.bytes).toBeGreaterThan(100_000);
    const told = "building the greeter with go install (a moment, once per user)";
    expect(steps.filter(({ state, detail }) => state === "progress" && detail?.startsWith(told))).not.toEqual([]);
  });

  it("that cannot get the module says what go said, and leaves nothing behind", async () => {
    const environment = { ...(await goEnvironment("failing")), GOPROXY: `file://${join(folder, "no-proxy")}` };
    await expect(findProgram(greeter(environment), { environment })).rejects.toThrow(
      /go install example\.test\/greeter@v1\.0\.0 ended with 1: .*no-proxy/,
    );
    expect(await readdir(join(folder, "failing/docket/bin"))).toEqual([]);
  });

  it("ends with all its processes when it is no longer wanted", async () => {
    const environment = await goEnvironment("aborted");
    const slowGo = join(folder, "slow/go");
    const real = await onPath("go", process.env);
    // `go env` as it is; a build that never ends, with a child of its own.
    await writeProgram(slowGo, "");
    const pidFile = join(folder, "slow/pid");
    await writeFile(slowGo, `#!/bin/sh\n[ "$1" = env ] && exec ${real} "$@"\nsleep 600 & echo $! > ${pidFile}\nwait\n`);
    await symlink(join(folder, "slow"), join(folder, "slow-path"));
    const abort = new AbortController();
    const PATH = `${join(folder, "slow-path")}:${process.env["PATH"]}`;
    const finding = findProgram(greeter(environment), { environment: { ...environment, PATH }, signal: abort.signal });
    finding.catch(() => {});
    let pid = 0;
    await expect
      .poll(async () => {
        pid = Number(await readFile(pidFile, "utf8").catch(() => "0"));
        return pid;
      })
      .toBeGreaterThan(0);
    abort.abort(new Error("no longer wanted"));
    await expect(finding).rejects.toThrow("no longer wanted");
    await expect.poll(() => identifyProcess(pid)).toBe(null);
  });
});

/** A module proxy in a folder (go.dev/ref/mod, GOPROXY protocol), with one small program. */
async function writeModule(proxy: string): Promise<string> {
  const versions = join(proxy, "example.test/greeter/@v");
  const goMod = "module example.test/greeter\n\ngo 1.20\n";
  const main = 'package main\n\nimport "os"\n\nfunc main() { os.Stdout.WriteString("hello\\n") }\n';
  await mkdir(versions, { recursive: true });
  await writeFile(join(versions, "list"), "v1.0.0\n");
  await writeFile(join(versions, "v1.0.0.info"), '{"Version": "v1.0.0", "Time": "2026-01-01T00:00:00Z"}');
  await writeFile(join(versions, "v1.0.0.mod"), goMod);
  const root = "example.test/greeter@v1.0.0";
  await writeFile(join(versions, "v1.0.0.zip"), storedZip({ [`${root}/go.mod`]: goMod, [`${root}/main.go`]: main }));
  return proxy;
}

/** A ZIP archive without compression (APPNOTE.TXT 4.3). */
function storedZip(files: Record<string, string>): Buffer {
  const bodies: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, text] of Object.entries(files)) {
    const [path, content] = [Buffer.from(name), Buffer.from(text)];
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt32LE(crc32(content), 10);
    common.writeUInt32LE(content.length, 14);
    common.writeUInt32LE(content.length, 18);
    common.writeUInt16LE(path.length, 22);
    const body = Buffer.concat([Buffer.from("PK\x03\x04"), common, path, content]);
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(offset, 10);
    directory.push(Buffer.concat([Buffer.from("PK\x01\x02"), Buffer.from([20, 0]), common, tail, path]));
    bodies.push(body);
    offset += body.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(directory.length, 4);
  end.writeUInt16LE(directory.length, 6);
  end.writeUInt32LE(listed.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...bodies, listed, Buffer.from("PK\x05\x06"), end]);
}

function crc32(bytes: Buffer): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
