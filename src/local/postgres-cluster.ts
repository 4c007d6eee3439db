import { randomBytes } from "node:crypto";
import { chown, cp, mkdir, readdir, readFile, readlink, realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DocketError } from "../contract/failures.ts";
import { PartProcess } from "./part-process.ts";
import { runProgram } from "./parts/run-program.ts";
import type { PostgresUser } from "./postgres-user.ts";
import { identifyProcess } from "./process-identity.ts";
import { serviceEnvironment } from "./service-environment.ts";

/** The superuser of the embedded cluster. */
export const superuser = "docket";

const locationFile = "location";

/** Where the cluster's data lies: in the part's folder, unless another user had to be able to reach it. */
export async function dataFolder(folder: string): Promise<string> {
  return (await textOf(join(folder, locationFile))) ?? join(folder, "data");
}

/**
 * Makes the cluster startable: initialised, owned by who runs it, of this version, without a stale lock of its own.
 * @throws {DocketError} `DatabaseUnavailable` when that is not possible
 */
export async function prepareCluster(folder: string, as: PostgresUser, password: string): Promise<void> {
  const data = await placeData(folder, as);
  const version = await textOf(join(data, "PG_VERSION"));
  if (version === null) {
    await initialize(data, as, password);
    return;
  }
  const program = await runAs(as, as.binaries.postgres, ["--version"]);
  if (!program.includes(` ${version}.`)) {
    throw new DocketError("DatabaseUnavailable", `${data} is of PostgreSQL ${version}, the program is ${program}.`, {
      remedy: "Dump it with the older version and restore it, or use another data folder.",
    });
  }
  if (as.owner !== undefined && (await stat(data)).uid !== as.owner.uid) await giveTo(as.owner, data);
  await clearStaleLock(data);
}

async function placeData(folder: string, as: PostgresUser): Promise<string> {
  const data = await dataFolder(folder);
  if (as.dataHome === undefined || data.startsWith(as.dataHome)) return data;
  await mkdir(as.dataHome, { recursive: true, mode: 0o755 });
  const elsewhere = join(as.dataHome, `data-${randomBytes(6).toString("hex")}`);
  const exists = (await textOf(join(data, "PG_VERSION"))) !== null;
  if (exists) {
    await cp(data, elsewhere, { recursive: true, preserveTimestamps: true });
    if (as.owner !== undefined) await giveTo(as.owner, elsewhere);
  }
  await writeFile(join(folder, locationFile), elsewhere);
  if (exists) await rm(data, { recursive: true });
  return elsewhere;
}

/** initdb, aside first: a cluster is there completely or not at all. */
async function initialize(data: string, as: PostgresUser, password: string): Promise<void> {
  const draft = `${data}.new`;
  const passwordFile = `${draft}.password`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { recursive: true, mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (as.owner !== undefined) {
    await chown(draft, as.owner.uid, as.owner.gid);
    await chown(passwordFile, as.owner.uid, as.owner.gid);
  }
  try {
    await runAs(as, as.binaries.initdb, [
      ...["--pgdata", draft, "--username", superuser, "--pwfile", passwordFile, "--auth", "scram-sha-256"],
      // The builtin provider sorts and folds UTF-8 the same on every machine, whatever locales it has.
      ...["--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"],
      "--no-instructions",
    ]);
    await rename(draft, data);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

/**
 * PostgreSQL refuses to start while the process of its last lock file seems alive. After a reboot that may be anybody's
 * process, in a container one that nobody reaped; and where root runs it in a user namespace, PostgreSQL cannot tell by
 * the owner. We look closer. Should one of the old server's processes survive unseen, PostgreSQL still finds its shared
 * memory in use and refuses.
 */
async function clearStaleLock(data: string): Promise<void> {
  const path = join(data, "postmaster.pid");
  const pid = Number.parseInt((await textOf(path)) ?? "", 10);
  if (Number.isNaN(pid)) return;
  const processes = await processesOf(data, pid);
  if (processes.length === 0) await rm(path, { force: true });
  const identity = processes.includes(pid) ? await identifyProcess(pid) : null;
  if (identity === null) return;
  // A server that nobody wrote down: its launcher was killed in the very moment of the start.
  const unknown = { ports: {}, fingerprint: "", logPath: "", logStart: 0 };
  await new PartProcess({ ...identity, ...unknown }).stop("SIGINT", 30_000);
}

/** Living processes of a server on this data: all of them on Linux, elsewhere the one of the lock file. */
async function processesOf(data: string, locked: number): Promise<number[]> {
  if (process.platform !== "linux") {
    const { lines } = await runProgram("ps", ["-o", "command=", "-p", String(locked)]);
    return lines.join(" ").includes("postgres") ? [locked] : [];
  }
  // Each of them has the data folder as its working directory; one that has ended and is not reaped has none.
  const folder = await realpath(data);
  const found: number[] = [];
  for (const pid of (await readdir("/proc")).map(Number)) {
    if (pid > 0 && (await readlink(`/proc/${pid}/cwd`).catch(() => null)) === folder) found.push(pid);
  }
  return found;
}

async function giveTo({ uid, gid }: { uid: number; gid: number }, path: string): Promise<void> {
  const { code, lines } = await runProgram("chown", ["-R", `${uid}:${gid}`, path], { timeoutMilliseconds: 300_000 });
  if (code !== 0) throw new DocketError("DatabaseUnavailable", `chown of ${path} failed: ${lines.at(-1)}`);
}

async function runAs(as: PostgresUser, program: string, args: string[]): Promise<string> {
  const [file = "", ...rest] = [...as.prefix, program, ...args];
  const { code, lines } = await runProgram(file, rest, {
    environment: serviceEnvironment(process.env),
    directory: "/",
    user: as.user,
    timeoutMilliseconds: 120_000,
  });
  if (code === 0) return lines.at(-1) ?? "";
  throw new DocketError("DatabaseUnavailable", `${program} ended with ${code}: ${lines.slice(-4).join(" | ")}`, {
    remedy: "See what it says, or set DATABASE_URL to a PostgreSQL of your own.",
  });
}

async function textOf(path: string): Promise<string | null> {
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
