import { readdir, readFile } from "node:fs/promises";

const mebibyte = 1024 * 1024;

/**
 * What a process may hold at most, bytes of resident memory, by the beginning of its name. Children are what their
 * parents started: processes that read a page or serve a database connection.
 */
export const memoryLimits: readonly (readonly [name: string, bytes: number])[] = [
  // 256 by itself, two threads of 64 that look at documents, and one of 192 that takes pages out of one.
  ["worker-documents", 576 * mebibyte],
  ["worker-ocr", 384 * mebibyte],
  ["Textract", 384 * mebibyte],
  ["Temporal", 768 * mebibyte],
  ["S3", 256 * mebibyte],
  ["PostgreSQL", 256 * mebibyte],
];

/** Peak resident memory of processes, looked at while they run; Linux only, elsewhere nothing is known. */
export interface MemoryWatch {
  /** Bytes by process name; a process that was started again counts under the same name. */
  readonly peaks: ReadonlyMap<string, number>;
  stop(): void;
}

const lookEveryMilliseconds = 500;

/** Watches the named processes and their children. */
export function watchMemory(processes: () => Map<string, number>): MemoryWatch {
  const peaks = new Map<string, number>();
  let looking = false;
  const look = async () => {
    if (looking) return;
    looking = true;
    const named = new Map([...processes()].map(([name, pid]) => [pid, name]));
    for (const { pid, parent, peak } of await allProcesses()) {
      const name = named.get(pid) ?? (named.has(parent) ? `${named.get(parent)}, child` : undefined);
      if (name !== undefined) peaks.set(name, Math.max(peaks.get(name) ?? 0, peak));
    }
    looking = false;
  };
  const timer = setInterval(() => void look(), lookEveryMilliseconds);
  return { peaks, stop: () => clearInterval(timer) };
}

async function allProcesses(): Promise<{ pid: number; parent: number; peak: number }[]> {
  const entries = await readdir("/proc").catch(() => []);
  const processes = await Promise.all(
    entries
      .filter((name) => /^\d+$/.test(name))
      .map(async (name) => {
        // One that ended meanwhile is no more to be looked at.
        const status = await readFile(`/proc/${name}/status`, "utf8").catch(() => "");
        const number = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(status)?.[1] ?? 0);
        return { pid: Number(name), parent: number("PPid"), peak: number("VmHWM") * 1024 };
      }),
  );
  return processes.filter(({ peak }) => peak > 0);
}
