import { readdir, readFile, readlink } from "node:fs/promises";

const listening = "0A";

/**
 * TCP ports on which a process itself listens, by the kernel's tables (proc(5), `/proc/PID/net/tcp` and
 * `/proc/PID/fd`); null where the system does not tell. A server that answers on a port may be somebody else's, who was
 * faster; this cannot be.
 */
export async function listeningPorts(pid: number): Promise<Set<number> | null> {
  if (process.platform !== "linux") return null;
  try {
    const [descriptors, ...tables] = await Promise.all([
      readdir(`/proc/${pid}/fd`),
      readFile(`/proc/${pid}/net/tcp`, "utf8"),
      readFile(`/proc/${pid}/net/tcp6`, "utf8").catch(() => ""),
    ]);
    const targets = await Promise.all(descriptors.map((name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => "")));
    const sockets = new Set(targets.map((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1]));
    const rows = tables.flatMap((table) => table.split("\n").slice(1)).map((row) => row.trim().split(/\s+/));
    const own = rows.filter((row) => row[3] === listening && sockets.has(row[9]));
    return new Set(own.map((row) => Number.parseInt(row[1]?.split(":")[1] ?? "", 16)));
  } catch (error) {
    // Ended meanwhile, or hidden from this user.
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "EACCES" || code === "EPERM" || code === "ESRCH") return null;
    throw error;
  }
}
