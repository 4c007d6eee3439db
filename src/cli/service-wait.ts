import { type Command, InvalidArgumentError } from "commander";
import type { WaitedOutage } from "../client/service-wait.ts";
import { note } from "./output.ts";
import { formatDuration } from "./render/format.ts";
import { printableLine } from "./render/printable.ts";

/** Option of the commands that wait for a service that does not answer. */
export interface ServiceWaitOption {
  /** Seconds. */
  serviceWait: number;
}

/** Adds `--service-wait`. */
export function withServiceWait(command: Command, defaultSeconds: number): Command {
  return command.option(
    "--service-wait <seconds>",
    "longest time to wait for PostgreSQL, Temporal or S3 when one does not answer; 0: do not wait",
    parseSeconds,
    defaultSeconds,
  );
}

function parseSeconds(value: string): number {
  const seconds = Number(value);
  if (value.trim() !== "" && seconds >= 0 && seconds <= 7 * 86_400) return seconds;
  throw new InvalidArgumentError("It is a number of seconds, at most a week.");
}

/** An outage in words with its duration, for example `waiting for S3 at http://127.0.0.1:9000: refused (12 s)`. */
export function renderOutage({ what, since }: Pick<WaitedOutage, "what" | "since">, now = Date.now()): string {
  const waited = now - since;
  return `waiting for ${printableLine(what)}${waited < 1000 ? "" : ` (${formatDuration(waited)})`}`;
}

const tellEveryMilliseconds = 10_000;

/** Tells of an outage by lines on standard error, for commands without a display: its beginning, now and then, its end. */
export function outageNotes(write: (line: string) => void = note): (outage: WaitedOutage | null) => void {
  let told: { what: string; at: number } | null = null;
  return (outage) => {
    if (outage === null) {
      if (told !== null) write("The service answers again.");
      told = null;
    } else if (told?.what !== outage.what || Date.now() - told.at >= tellEveryMilliseconds) {
      told = { what: outage.what, at: Date.now() };
      write(renderOutage(outage));
    }
  };
}
