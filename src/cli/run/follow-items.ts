import type { Services } from "../../client/connect.ts";
import type { RefusedFile } from "../../client/find-documents.ts";
import type { ServiceWait } from "../../client/service-wait.ts";
import { printJson } from "../output.ts";
import { resultJson } from "../render/result-json.ts";
import { createDisplay } from "./create-display.ts";
import type { HandInItem } from "./hand-in-items.ts";
import { exitCodeOf, printTable } from "./print-results.ts";
import { processFiles } from "./process-files.ts";

/** Hands items in, follows them with a display, prints how each ended; gives the exit code. */
export async function followItems(
  items: HandInItem[],
  refused: RefusedFile[],
  options: {
    services: Services;
    textractStatus: string | null;
    engine: string;
    wait: ServiceWait;
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
