import { exitCodes } from "../exit-codes.ts";
import { colorsFor, print } from "../output.ts";
import { type FileResult, renderFailure, renderResults } from "../render/document-table.ts";

/** The table of results, and below it what failed and how to go on. */
export async function printTable(results: FileResult[]): Promise<void> {
  const color = colorsFor(process.stdout);
  await print(`\n${renderResults(results, color)}\n`);
  for (const { file, outcome } of results) {
    if (outcome.failure !== null) await print(renderFailure(file, outcome.failure, color));
  }
}

/** The exit code that tells whether every document is complete. */
export function exitCodeOf(results: FileResult[]): number {
  const complete = results.every(({ outcome }) => outcome.status === "complete");
  return complete ? exitCodes.complete : exitCodes.documentFailed;
}
