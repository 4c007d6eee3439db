import { failureOf } from "../client/failure-of.ts";
import { colorsFor, note } from "./output.ts";
import { printableLine } from "./render/printable.ts";

/** Tells a person, or with `json` a program, why the command ended, on standard error. */
export function showError(error: unknown, options: { json: boolean; verbose: boolean }): void {
  const failure = failureOf(error);
  if (options.json) {
    note(JSON.stringify({ error: failure }));
  } else {
    const color = colorsFor(process.stderr);
    note(`${color.red("error:")} ${printableLine(failure.message)}`);
    note(`  ${color.dim("remedy:")} ${printableLine(failure.remedy)}`);
  }
  if (options.verbose || process.env["DEBUG"]) {
    for (let cause = error; cause instanceof Error; cause = cause.cause) note(cause.stack ?? cause.message);
  }
}
