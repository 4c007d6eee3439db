import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface ProgramRun {
  /** Null when it was ended by a signal. */
  code: number | null;
  /** The last lines of both outputs, at most 40. */
  lines: string[];
}

export interface RunOptions {
  environment?: NodeJS.ProcessEnv;
  directory?: string;
  user?: { uid: number; gid: number } | undefined;
  signal?: AbortSignal | undefined;
  timeoutMilliseconds?: number;
  onLine?(line: string): void;
}

const keptLines = 40;

/**
 * Runs a program to its end in a process group of its own; at an abort or timeout the whole group ends.
 * @throws the operating system's error when it cannot be started, the signal's reason when aborted
 */
export function runProgram(file: string, args: readonly string[], options: RunOptions = {}): Promise<ProgramRun> {
  const { signal, timeoutMilliseconds = 30_000 } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      env: options.environment,
      cwd: options.directory,
      ...(options.user ?? {}),
    });
    const lines: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        lines.push(line);
        if (lines.length > keptLines) lines.shift();
        options.onLine?.(line);
      });
    }
    const end = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      } catch {
        // Over already.
      }
    };
    const timer = setTimeout(end, timeoutMilliseconds);
    signal?.addEventListener("abort", end, { once: true });
    if (signal?.aborted) end();
    const settle = (act: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      act();
    };
    child.once("error", (error) => settle(() => reject(error)));
    child.once("close", (code) => settle(() => (signal?.aborted ? reject(signal.reason) : resolve({ code, lines }))));
  });
}
