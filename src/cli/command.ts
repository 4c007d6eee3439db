import type { Command } from "commander";
import { type ExitMeanings, exitCodesHelp } from "./exit-codes.ts";
import { Interrupted } from "./interrupt.ts";
import { note } from "./output.ts";
import { showError } from "./show-error.ts";

/** Options that every command takes. */
export interface CommonOptions {
  json?: boolean;
  verbose?: boolean;
  /** Where the embedded parts keep their data. */
  dataDirectory: string;
}

export interface CommandText {
  /** Name and arguments, as commander takes them. */
  usage: string;
  /** One line for the list of commands. */
  summary: string;
  /** What `--help` says first. */
  description: string;
  /** Complete command lines. */
  examples: string[];
  /** What a line of `--json` holds. */
  json: string;
  /** Where the exit codes mean something else than usual. */
  exits?: ExitMeanings;
}

/** Adds a command with the options, the help and the exit codes that all commands share. */
export function defineCommand(program: Command, text: CommandText): Command {
  const examples = text.examples.map((example) => `  $ ${example}`).join("\n");
  return program
    .command(text.usage)
    .summary(text.summary)
    .description(text.description)
    .option("--json", text.json)
    .option("--data-directory <folder>", "where the embedded parts keep their data", ".docket")
    .option("--verbose", "show where an error happened")
    .addHelpText("after", `\nExample:\n${examples}\n\n${exitCodesHelp(text.exits)}`);
}

/**
 * Makes an action out of a function that returns the exit code: an exception is shown with its remedy and is 1; a
 * command that was interrupted ends with the code that tells the signal.
 */
export function runs<Options extends CommonOptions, Arguments extends unknown[]>(
  run: (...parameters: [...Arguments, Options]) => Promise<number>,
): (...parameters: unknown[]) => Promise<void> {
  return async (...parameters) => {
    // Commander passes the arguments, the options and the command.
    const options = parameters.at(-2) as Options;
    try {
      process.exitCode = await run(...(parameters.slice(0, -1) as [...Arguments, Options]));
    } catch (error) {
      if (error instanceof Interrupted) {
        note("Stopped.");
        process.exitCode = error.exitCode;
        return;
      }
      showError(error, { json: options.json ?? false, verbose: options.verbose ?? false });
      process.exitCode = 1;
    }
  };
}
