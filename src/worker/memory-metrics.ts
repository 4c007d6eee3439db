import { readFile } from "node:fs/promises";
import { totalmem } from "node:os";
import { Counter, Gauge, type Registry } from "prom-client";
import { residentBytes } from "../ocr/child-memory.ts";

/**
 * Memory of this worker and of its child processes against their limits, and how often the kernel ended a process of the
 * worker's control group for want of memory.
 * @param childLimitBytes limit of one recognising child; undefined: this worker has none
 */
export function registerMemoryMetrics(registry: Registry, childLimitBytes: number | undefined): void {
  const gauge = (name: string, help: string, read: () => Promise<number | undefined> | number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const value = await read();
        this.reset();
        if (value === undefined) this.remove();
        else this.set(value);
      },
    });
  gauge("docket_memory_limit_bytes", "Memory that this worker's container or machine may use.", memoryLimit);
  gauge("docket_memory_used_bytes", "Memory that the worker's control group uses, its children included.", async () =>
    number(await controlGroupFile("memory.current")),
  );
  gauge("docket_child_memory_bytes", "Resident memory of the worker's largest child process.", largestChild);
  if (childLimitBytes !== undefined) {
    gauge("docket_child_memory_limit_bytes", "Limit of one recognising child process.", () => childLimitBytes);
  }
  new Counter({
    name: "docket_oom_kills_total",
    help: "Processes of the worker's control group that the kernel ended for want of memory.",
    registers: [registry],
    async collect() {
      const events = await controlGroupFile("memory.events");
      const kills = number(/^oom_kill (\d+)$/m.exec(events ?? "")?.[1]) ?? 0;
      this.reset();
      this.inc(kills);
    },
  });
}

/** The container's limit where there is one, else the machine's memory. */
function memoryLimit(): number {
  const constrained = process.constrainedMemory();
  const machine = totalmem();
  // Without a limit the kernel names a number that no machine has.
  return constrained > 0 && constrained < machine ? constrained : machine;
}

async function largestChild(): Promise<number> {
  const children = await readFile(`/proc/${process.pid}/task/${process.pid}/children`, "latin1").catch(() => "");
  const sizes = await Promise.all(
    children
      .split(" ")
      .filter(Boolean)
      .map((pid) => residentBytes(Number(pid))),
  );
  return Math.max(0, ...sizes.map((size) => size?.total ?? 0));
}

/** A file of this process's control group (version 2); undefined where there is none, as on macOS. */
async function controlGroupFile(name: string): Promise<string | undefined> {
  try {
    const own = /^0::(.*)$/m.exec(await readFile("/proc/self/cgroup", "latin1"))?.[1] ?? "";
    return await readFile(`/sys/fs/cgroup${own === "/" ? "" : own}/${name}`, "latin1");
  } catch {
    return undefined;
  }
}

function number(text: string | undefined): number | undefined {
  const value = Number(text?.trim() || Number.NaN);
  return Number.isFinite(value) ? value : undefined;
}
