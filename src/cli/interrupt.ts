import { exitCodes } from "./exit-codes.ts";

/** Ctrl-C and its relatives, for a command that has something to put in order before it ends. */
export interface Interruption {
  /** Aborted by the first signal: stop waiting, shut down cleanly. */
  signal: AbortSignal;
  /** The exit code that tells the signal; null while there was none. */
  exitCode(): number | null;
  /** What the second signal does before the process ends at once. */
  onForce(stop: () => void): void;
  dispose(): void;
}

// One Ctrl-C under `npm start` arrives twice: from the terminal, and passed on by npm.
const sameKeystrokeMilliseconds = 700;

/** Takes over SIGINT, SIGTERM and SIGHUP until disposed. */
export function interruptible(): Interruption {
  const controller = new AbortController();
  const forced: (() => void)[] = [];
  let first: number | null = null;
  let code: number | null = null;

  const onSignal = (name: NodeJS.Signals) => {
    code ??= name === "SIGINT" ? exitCodes.interrupted : exitCodes.terminated;
    if (first === null) {
      first = Date.now();
      controller.abort(new Interrupted(code));
    } else if (Date.now() - first > sameKeystrokeMilliseconds) {
      for (const stop of forced) stop();
      process.exit(code);
    }
  };
  const signals: NodeJS.Signals[] = ["SIGINT", "SIGTERM", "SIGHUP"];
  for (const name of signals) process.on(name, onSignal);
  return {
    signal: controller.signal,
    exitCode: () => code,
    onForce: (stop) => forced.push(stop),
    dispose() {
      for (const name of signals) process.off(name, onSignal);
    },
  };
}

/** The reason of the abort: a person's wish, not an error. */
export class Interrupted extends Error {
  /** That tells the signal. */
  readonly exitCode: number;

  constructor(exitCode: number) {
    super("Interrupted.");
    this.name = "Interrupted";
    this.exitCode = exitCode;
  }
}

/** Waits for a promise, but no longer than until the signal is aborted; then rejects with the signal's reason. */
export async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  // Nobody else waits for it once the signal is aborted; its failure is then nobody's.
  promise.catch(() => {});
  signal.throwIfAborted();
  // A promise alone does not keep a process alive, and a guest of another one's stack holds nothing else open.
  const alive = setInterval(() => {}, 60_000);
  let onAbort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    clearInterval(alive);
    signal.removeEventListener("abort", onAbort);
  }
}
