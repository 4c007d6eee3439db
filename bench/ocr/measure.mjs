import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";

const everyMilliseconds = 20;

/**
 * Runs a command and measures it with all that it starts. Linux only.
 * @param {string[]} command
 * @param {{ seconds: number, env?: NodeJS.ProcessEnv }} options `seconds`: it is ended then
 * @returns {Promise<{ stdout: string, exitCode: number | null, seconds: number, cpuSeconds: number,
 *   peakMebibytes: number, error: string }>} `peakMebibytes`: resident memory of all its processes together
 */
export async function measure(command, { seconds, env = process.env }) {
  const start = performance.now();
  // `times` tells what the shell's children took, and theirs, once they have ended.
  const child = spawn("/bin/sh", ["-c", '"$@"; code=$?; times >&3; exit $code', "sh", ...command], {
    env,
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    detached: true,
  });
  const [stdout, stderr, times] = [collect(child.stdout), collect(child.stderr), collect(child.stdio[3])];
  let peak = 0;
  const watch = setInterval(() => {
    peak = Math.max(peak, residentOfTree(child.pid));
  }, everyMilliseconds);
  const limit = setTimeout(() => process.kill(-child.pid, "SIGKILL"), seconds * 1000);
  try {
    const [exitCode] = await once(child, "close");
    const [, ofChildren = ""] = times().split("\n");
    return {
      stdout: stdout(),
      exitCode,
      seconds: (performance.now() - start) / 1000,
      cpuSeconds: [...ofChildren.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + 60 * m + Number(s), 0),
      peakMebibytes: peak / 2 ** 20,
      error: stderr().trim().split("\n").at(-1) ?? "",
    };
  } finally {
    clearInterval(watch);
    clearTimeout(limit);
  }
}

function collect(stream) {
  const chunks = [];
  stream.on("data", (chunk) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString("utf8");
}

function residentOfTree(pid) {
  let bytes = 0;
  const open = [pid];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    try {
      const status = readFileSync(`/proc/${next}/status`, "latin1");
      bytes += Number(/VmRSS:\s*(\d+)/.exec(status)?.[1] ?? 0) * 1024;
      open.push(...readFileSync(`/proc/${next}/task/${next}/children`, "latin1").split(" ").filter(Boolean));
    } catch {
      // It has just ended.
    }
  }
  return bytes;
}
