#!/usr/bin/env node
import { Command, CommanderError } from "commander";
import { DocketError } from "../contract/failures.ts";
import { commands } from "./commands/index.ts";
import { flushOutput } from "./output.ts";
import { printableText } from "./render/printable.ts";
import { showError } from "./show-error.ts";
import { version } from "./version.ts";

// The SDK's advice on Node versions is for us, not for the person at the keyboard; `engines` and CI keep to it.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";

const usage = "docket --help, or docket COMMAND --help, shows how";
const json = process.argv
  .slice(2)
  .some((argument, at, all) => argument === "--json" && !all.slice(0, at).includes("--"));

const program = new Command("docket")
  .description("Turns documents into text: Amazon Textract, made durable by Temporal, kept in PostgreSQL.")
  .version(version, "--version")
  .exitOverride()
  // An error repeats the argument that is wrong, whoever wrote it: a script's list of names, for instance.
  .configureOutput({ outputError: (text, write) => (json ? undefined : write(printableText(text))) })
  .showHelpAfterError(json ? false : `(${usage})`)
  .addHelpText("after", "\nExample:\n  $ docket run invoices/ scan.pdf");
for (const define of commands) define(program);

try {
  await program.parseAsync();
} catch (error) {
  // Commander has said what is wrong with the command line, or has shown the help that was asked for.
  if (!(error instanceof CommanderError)) throw error;
  if (json && error.exitCode !== 0) {
    const wrong = new DocketError("InvalidInput", error.message.replace(/^error: /, ""), { remedy: `${usage}.` });
    showError(wrong, { json, verbose: false });
  }
  process.exitCode = error.exitCode;
}
await flushOutput();
// A connection that a library keeps open must not keep a finished command alive.
process.exit();
