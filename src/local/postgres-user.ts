import { cp, mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { DocketError } from "../contract/failures.ts";
import { binariesIn, type PostgresBinaries } from "./parts/postgres-binaries.ts";
import { onPath } from "./parts/program-cache.ts";
import { runProgram } from "./parts/run-program.ts";

/** As whom PostgreSQL runs: it refuses to run as root. */
export interface PostgresUser {
  /** In front of the program and its arguments. */
  prefix: string[];
  /** Set where the processes change to another user. */
  user?: { name: string; uid: number; gid: number };
  /** Who must own the data, as seen from outside; undefined: whoever runs us. */
  owner?: { uid: number; gid: number };
  binaries: PostgresBinaries;
  /** Where data must lie that this user can reach; undefined: anywhere. */
  dataHome?: string;
}

// In a user namespace of its own root is nobody: no account is needed, and files stay root's, wherever they lie.
const namespace = ["--user", "--map-user=65534", "--map-group=65534", "--"];
// State of programs on a machine (Filesystem Hierarchy Standard); only root gets here.
const stateHome = "/var/lib/docket";

/**
 * Finds a way to run PostgreSQL as somebody other than root.
 * @param stateFolder where another user's copies may lie. Default: `/var/lib/docket`
 * @throws {DocketError} `DatabaseUnavailable` when there is none
 */
export async function choosePostgresUser(
  binaries: PostgresBinaries,
  environment: NodeJS.ProcessEnv,
  stateFolder = stateHome,
): Promise<PostgresUser> {
  if (process.getuid?.() !== 0) return { prefix: [], binaries };
  const unshare = process.platform === "linux" ? await onPath("unshare", environment) : null;
  if (unshare !== null && (await runs([unshare, ...namespace, binaries.postgres], environment))) {
    return { prefix: [unshare, ...namespace], owner: { uid: 0, gid: 0 }, binaries };
  }
  for (const name of ["postgres", "nobody"]) {
    const account = await accountOf(name, environment);
    if (account === null) continue;
    const user = { name, ...account };
    const readable = await readableBinaries(binaries, user, environment, stateFolder);
    if (readable !== null) return { prefix: [], user, owner: user, binaries: readable, dataHome: stateFolder };
  }
  throw new DocketError(
    "DatabaseUnavailable",
    "PostgreSQL refuses to run as root, and neither a user namespace (unshare) nor another user (postgres, nobody) works here.",
    { remedy: "Run as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own." },
  );
}

/** The binaries, or a copy of them, that another user can run. */
async function readableBinaries(
  binaries: PostgresBinaries,
  user: { uid: number; gid: number },
  environment: NodeJS.ProcessEnv,
  stateFolder: string,
): Promise<PostgresBinaries | null> {
  if (await runs([binaries.postgres], environment, user)) return binaries;
  // node_modules may lie below a folder that only root can enter.
  const { mtimeMs, size } = await stat(binaries.postgres);
  const root = join(stateFolder, `postgresql-${size}-${Math.round(mtimeMs)}`);
  const copy = binariesIn(root);
  if (!(await runs([copy.postgres], environment, user))) {
    await mkdir(stateFolder, { recursive: true, mode: 0o755 });
    const draft = `${root}.${process.pid}`;
    await cp(binaries.root, draft, { recursive: true, verbatimSymlinks: true });
    await rm(root, { recursive: true, force: true });
    await rename(draft, root);
  }
  return (await runs([copy.postgres], environment, user)) ? copy : null;
}

async function runs(
  command: string[],
  environment: NodeJS.ProcessEnv,
  user?: { uid: number; gid: number },
): Promise<boolean> {
  const [file = "", ...args] = command;
  // The current folder may be one that the other user cannot enter.
  const options = { environment, directory: "/", user, timeoutMilliseconds: 10_000 };
  const answer = await runProgram(file, [...args, "--version"], options).catch(() => null);
  return answer?.code === 0;
}

async function accountOf(name: string, environment: NodeJS.ProcessEnv): Promise<{ uid: number; gid: number } | null> {
  const ids = await Promise.all(["-u", "-g"].map((flag) => runProgram("id", [flag, name], { environment })));
  const [uid, gid] = ids.map(({ code, lines }) => (code === 0 ? Number(lines[0]) : Number.NaN));
  if (uid === undefined || gid === undefined || Number.isNaN(uid) || Number.isNaN(gid)) return null;
  // macOS shows nobody's id, 2^32 - 2, as -2.
  return { uid: uid >>> 0, gid: gid >>> 0 };
}
