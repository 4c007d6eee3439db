import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";

// What Linux counts processor time in; the same on every machine that Node runs on.
const ticksPerSecond = 100;

/** @type {(() => Promise<void>)[]} */
const stops = [];

/** Stops every process that still runs, the last one first. */
export async function stopAll() {
  for (const stop of stops.toReversed()) await stop();
}

/**
 * Starts a program and waits until a line of its standard output matches.
 * @param {string} file
 * @param {string[]} args
 * @param {RegExp} ready
 * @param {Record<string, string | undefined>} [environment]
 * @returns {Promise<{ pid: number, line: string, child: import("node:child_process").ChildProcess, stop(): Promise<void> }>}
 */
export async function startProcess(file, args, ready, environment = process.env) {
  const child = spawn(file, args, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGTERM");
    await once(child, "exit");
  };
  stops.push(stop);
  let log = "";
  const line = await new Promise((resolve, reject) => {
    const look = (/** @type {Buffer} */ chunk) => {
      log = (log + chunk).slice(-20_000);
      const found = ready.exec(log);
      if (found !== null) resolve(found[0]);
    };
    child.stdout.on("data", look);
    child.stderr.on("data", look);
    child.once("error", reject);
    child.once("exit", (code, signal) => reject(new Error(`${file} ended (${code ?? signal}): ${log}`)));
    setTimeout(() => reject(new Error(`${file} did not start in 90 s: ${log}`)), 90_000).unref();
  }).catch((error) => {
    child.kill("SIGTERM");
    throw error;
  });
  return { pid: child.pid ?? 0, line, child, stop };
}

/** Every process of the machine with its parent and its processor time in seconds (ended children that it awaited included). */
async function processes() {
  /** @type {Map<number, { parent: number, seconds: number }>} */
  const found = new Map();
  for (const name of await readdir("/proc").catch(() => [])) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, "utf8").catch(() => "");
    // The command's name may hold spaces and parentheses: the fields begin after the last one.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    if (fields.length > 15) found.set(Number(name), { parent: Number(fields[1]), seconds: ticks / ticksPerSecond });
  }
  return found;
}

/**
 * Processor seconds and resident memory (bytes, memory that processes share counted once) of process trees; Linux only.
 * @param {Record<string, number>} roots process ids by name
 */
export async function usage(roots) {
  const all = await processes();
  /** @type {(pid: number) => number[]} */
  const tree = (pid) => [pid, ...[...all].flatMap(([child, { parent }]) => (parent === pid ? tree(child) : []))];
  /** @type {Record<string, { seconds: number, memoryBytes: number }>} */
  const result = {};
  for (const [name, root] of Object.entries(roots)) {
    const pids = tree(root);
    const memory = await Promise.all(pids.map(proportionalMemory));
    result[name] = {
      seconds: pids.reduce((sum, pid) => sum + (all.get(pid)?.seconds ?? 0), 0),
      memoryBytes: memory.reduce((sum, bytes) => sum + bytes, 0),
    };
  }
  return result;
}

/** Without PostgreSQL's shared buffers, which fill up to their setting whatever is done. */
async function proportionalMemory(/** @type {number} */ pid) {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "");
  const kibibytes = (/** @type {string} */ name) => Number(new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(text)?.[1] ?? 0);
  return (kibibytes("Pss") - kibibytes("Pss_Shmem")) * 1024;
}

/** Most resident memory that a process has had, bytes; Linux only. */
export async function peakMemory(/** @type {number} */ pid) {
  const text = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/^VmHWM:\s*(\d+)/m.exec(text)?.[1] ?? 0) * 1024;
}
