import { readdirSync, readFileSync } from "node:fs";

/** Living processes that a process has started and whose command line holds a word. Linux only. */
export function childrenOf(parent: number, word: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const [, after = ""] = readFileSync(`/proc/${pid}/stat`, "utf8").split(/\) /);
        return Number(after.split(" ")[1]) === parent && readFileSync(`/proc/${pid}/cmdline`, "utf8").includes(word);
      } catch {
        return false;
      }
    });
}

/** For timers, whose process may have ended meanwhile: an error thrown there would fail the whole run. */
export function killIfAlive(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
