import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { Client } from "pg";

/**
 * A base backup of a running PostgreSQL, as `pg_basebackup` makes one (PostgreSQL's manual, "Making a Base Backup Using
 * the Low Level API"); the embedded server comes without that program. Needs to read the server's files.
 */
export async function backUp(url: string, dataFolder: string, backup: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query("SELECT pg_backup_start('test', true)");
    await copy(dataFolder, backup);
    const { rows } = await client.query<{ labelfile: string }>("SELECT labelfile FROM pg_backup_stop()");
    // The log up to the end of the backup, without which its files do not fit each other.
    await rm(join(backup, "pg_wal"), { recursive: true });
    await copy(join(dataFolder, "pg_wal"), join(backup, "pg_wal"));
    await writeFile(join(backup, "backup_label"), rows[0]?.labelfile ?? "");
    await promisify(execFile)("chown", ["--reference", backup, join(backup, "backup_label")]);
    await rm(join(backup, "postmaster.pid"), { force: true });
  } finally {
    await client.end();
  }
}

/** Puts a backup in the place of a stopped server's data, which is lost. */
export async function putBack(backup: string, dataFolder: string): Promise<void> {
  await rm(dataFolder, { recursive: true });
  await copy(backup, dataFolder);
}

/** With owners and times. A file that the server removes meanwhile is no loss: the log has what it was for. */
async function copy(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true });
  await promisify(execFile)("cp", ["-a", `${from}/.`, to]).catch((error) => {
    if (!/^(cp: cannot (stat|open) .*No such file or directory\s*)+$/.test(error.stderr)) throw error;
  });
}
