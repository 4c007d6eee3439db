import { cp, mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { DocketError } from "../contract/failures.ts";
import { binariesIn, type PostgresBinaries } from "./parts/postgres-binaries.ts";
import { runProgram } from "./parts/run-program.ts";
import { answers, hasAccount, userNamespace } from "./user-namespace.ts";

/** As whom PostgreSQL runs. */
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

// State of programs on a machine (Filesystem Hierarchy Standard); only root gets here.
const stateHome = "/var/lib/docket";

/**
 * Finds a user that PostgreSQL agrees to run as: it refuses root, and numbers without an account, as containers have
 * them.
 * @param stateFolder where another user's copies may lie. Default: `/var/lib/docket`
 * @throws {DocketError} `DatabaseUnavailable` when there is none
 */
export async function choosePostgresUser(
  binaries: PostgresBinaries,
  environment: NodeJS.ProcessEnv,
  stateFolder = stateHome,
): Promise<PostgresUser> {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && hasAccount()) return { prefix: [], binaries };
  const prefix = await userNamespace(binaries.postgres, environment);
  if (prefix !== null) {
    return { prefix, owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }, binaries };
  }
  for (const name of isRoot ? ["postgres", "nobody"] : []) {
    const account = await accountOf(name, environment);
    if (account === null) continue;
    const user = { name, ...account };
    const readable = await readableBinaries(binaries, user, environment, stateFolder);
    if (readable !== null) return { prefix: [], user, owner: user, binaries: readable, dataHome: stateFolder };
  }
  const why = isRoot
    ? "PostgreSQL refuses to run as root, and neither a user namespace (unshare) nor another user (postgres, nobody) works"
    : `PostgreSQL refuses to run as the user ${process.getuid?.()}, who has no account, and a user namespace (unshare) does not work`;
  throw new DocketError("DatabaseUnavailable", `${why} here.`, {
    remedy: "Run as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own.",
  });
}

/** The binaries, or a copy of them, that another user can run. */
async function readableBinaries(
  binaries: PostgresBinaries,
  user: { uid: number; gid: number },
  environment: NodeJS.ProcessEnv,
  stateFolder: string,
): Promise<PostgresBinaries | null> {
  if (await answers([binaries.postgres], environment, user)) return binaries;
  // node_modules may lie below a folder that only root can enter.
  const { mtimeMs, size } = await stat(binaries.postgres);
  const root = join(stateFolder, `postgresql-${size}-${Math.round(mtimeMs)}`);
  const copy = binariesIn(root);
  if (!(await answers([copy.postgres], environment, user))) {
    await mkdir(stateFolder, { recursive: true, mode: 0o755 });
    const draft = `${root}.${process.pid}`;
    await cp(binaries.root, draft, { recursive: true, verbatimSymlinks: true });
    await rm(root, { recursive: true, force: true });
    await rename(draft, root);
  }
  return (await answers([copy.postgres], environment, user)) ? copy : null;
}

async function accountOf(name: string, environment: NodeJS.ProcessEnv): Promise<{ uid: number; gid: number } | null> {
  const ids = await Promise.all(["-u", "-g"].map((flag) => runProgram("id", [flag, name], { environment })));
  const [uid, gid] = ids.map(({ code, lines }) => (code === 0 ? Number(lines[0]) : Number.NaN));
  if (uid === undefined || gid === undefined || Number.isNaN(uid) || Number.isNaN(gid)) return null;
  // macOS shows nobody's id, 2^32 - 2, as -2.
  return { uid: uid >>> 0, gid: gid >>> 0 };
}
