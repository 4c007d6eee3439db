import type { Command } from "commander";
import { DocketError } from "../../contract/failures.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { invocation } from "../invocation.ts";
import { print, printJson } from "../output.ts";
import { exportLines } from "../render/export-lines.ts";

/** `docket env`: the variables by which other programs find the running stack. */
export function defineEnv(program: Command): void {
  defineCommand(program, {
    usage: "env",
    summary: "print the variables of the running stack for a shell",
    description:
      "Prints what other programs need to use the stack that `docket up` runs with this data folder: addresses, " +
      "bucket, and the credentials of the local services.",
    examples: ['eval "$(docket env)"', "docket env --json"],
    json: "one JSON object with the variables",
    exits: { 0: "done", 2: null },
  }).action(
    runs(async (options: CommonOptions) => {
      const { readStackFile } = await import("../stack/stack-file.ts");
      const stack = await readStackFile(options.dataDirectory);
      if (stack === null) {
        throw new DocketError("InvalidInput", `No stack runs with ${options.dataDirectory}.`, {
          remedy: `Run \`${invocation()} up\` in another terminal, or name its folder with --data-directory.`,
        });
      }
      if (options.json) await printJson(stack.environment);
      else await print(exportLines(stack.environment));
      return exitCodes.complete;
    }),
  );
}
