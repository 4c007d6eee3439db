import { readdir, readFile, readlink } from "node:fs/promises";

interface Process {
  pid: number;
  parent: number;
  names: boolean;
}

/**
 * Linux: the processes whose command line or environment names a folder, the given ones, and all their descendants.
 */
export async function processesNaming(folder: string, pids: number[]): Promise<number[]> {
  const entries = (await readdir("/proc")).filter((entry) => /^\d+$/.test(entry));
  const processes = await Promise.all(
    entries.map(async (pid): Promise<Process> => {
      const read = (name: string) => readFile(`/proc/${pid}/${name}`, "latin1").catch(() => "");
      const [stat, command, environment] = await Promise.all([read("stat"), read("cmdline"), read("environ")]);
      const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
      return { pid: Number(pid), parent, names: `${command}\0${environment}`.includes(folder) };
    }),
  );
  const chosen = new Set([...pids, ...processes.filter(({ names }) => names).map(({ pid }) => pid)]);
  for (let before = -1; before !== chosen.size; ) {
    before = chosen.size;
    for (const { pid, parent } of processes) if (chosen.has(parent)) chosen.add(pid);
  }
  return [...chosen];
}

/** Linux: TCP sockets on which these processes listen (proc(5), `/proc/PID/net/tcp` and `tcp6`). */
export async function listeningSockets(pids: number[]): Promise<{ address: string; port: number; pid: number }[]> {
  const owners = new Map<string, number>();
  for (const pid of pids) {
    for (const descriptor of await readdir(`/proc/${pid}/fd`).catch(() => [])) {
      const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => "");
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode !== undefined) owners.set(inode, pid);
    }
  }
  const tables = await Promise.all(
    ["tcp", "tcp6"].map((name) => readFile(`/proc/net/${name}`, "utf8").catch(() => "")),
  );
  return tables.flatMap((table) =>
    table
      .split("\n")
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .flatMap(([, local = "", , state, , , , , , inode = ""]) => {
        const pid = owners.get(inode);
        if (state !== "0A" || pid === undefined) return [];
        const [address = "", port = ""] = local.split(":");
        return [{ address: addressOf(address), port: Number.parseInt(port, 16), pid }];
      }),
  );
}

/** The kernel writes addresses as 32-bit words in the machine's order (little endian). */
function addressOf(hexadecimal: string): string {
  const bytes = (hexadecimal.match(/.{8}/g) ?? []).flatMap((word) => [...Buffer.from(word, "hex")].reverse());
  if (bytes.length === 4) return bytes.join(".");
  const head = Buffer.from(bytes.slice(0, 12)).toString("hex");
  if (head === "00000000000000000000ffff") return `::ffff:${bytes.slice(12).join(".")}`;
  return `${head}${Buffer.from(bytes.slice(12)).toString("hex")}` === `${"0".repeat(31)}1` ? "::1" : bytes.join(":");
}
