import type { Failure } from "../../contract/failures.ts";
import { colorsFor, note, print, printJson } from "../output.ts";
import { renderFailure } from "../render/document-table.ts";
import { printableLine } from "../render/printable.ts";

/** What became of handing one document in. */
export interface HandInOutcome {
  /** As it was named. */
  file: string;
  documentId: string | null;
  /** `complete`: nothing was to be done. */
  status: "started" | "complete" | "failed";
  failure: Failure | null;
}

/** Prints it: one line, or one JSON object. */
export async function tellHandIn(outcome: HandInOutcome, json: boolean): Promise<void> {
  const { file, documentId, status, failure } = outcome;
  if (json) await printJson({ file, documentId, status, failure });
  else if (failure !== null) note(renderFailure(file, failure, colorsFor(process.stderr)));
  else await print(`${documentId}  ${printableLine(file)}${status === "complete" ? "  complete already" : ""}`);
}
