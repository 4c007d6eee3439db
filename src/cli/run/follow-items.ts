import type { Services } from "../../client/connect.ts";
import type { RefusedFile } from "../../client/find-documents.ts";
import { exitCodes } from "../exit-codes.ts";
import { colorsFor, print, printJson } from "../output.ts";
import { type FileResult, renderFailure, renderResults } from "../render/document-table.ts";
import { resultJson } from "../render/result-json.ts";
import { createDisplay } from "./display.ts";
import type { HandInItem } from "./hand-in-items.ts";
import { processFiles } from "./process-files.ts";

/** Hands items in, follows them with a display, prints how each ended; gives the exit code. */
export async function followItems(
  items: HandInItem[],
  refused: RefusedFile[],
  options: {
    services: Services;
    textractStatus: string | null;
    engine: string;
    signal: AbortSignal;
    json: boolean;
  },
): Promise<number> {
  const display = await createDisplay();
  try {
    const results = await processFiles(items, refused, {
      ...options,
      display,
      async onResult({ file, outcome }) {
        if (options.json) await printJson(resultJson(file, outcome));
      },
    });
    display.end();
    if (!options.json) await printTable(results);
    return exitCodeOf(results);
  } finally {
    display.end();
  }
}

/** The table of results, and below it what failed and how to go on. */
export async function printTable(results: FileResult[]): Promise<void> {
  const color = colorsFor(process.stdout);
  await print(`\n${renderResults(results, color)}\n`);
  for (const { file, outcome } of results) {
    if (outcome.failure !== null) await print(renderFailure(file, outcome.failure, color));
  }
}

export function exitCodeOf(results: FileResult[]): number {
  const complete = results.every(({ outcome }) => outcome.status === "complete");
  return complete ? exitCodes.complete : exitCodes.documentFailed;
}
