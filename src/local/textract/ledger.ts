import { createReadStream } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { FeatureType } from "../../contract/features.ts";
import { costOfJob } from "../../textract/prices.ts";
import { openJsonLines } from "./json-lines.ts";

/** One line of the ledger: a job, or a synchronous request, that ran to its end. */
export interface LedgerLine {
  /** Null for a synchronous request. */
  jobId: string | null;
  token: string | null;
  operation: string;
  features: FeatureType[];
  /** Null where the document came with the request. */
  bucket: string | null;
  key: string | null;
  status: string;
  /** Pages of the document; null when they were never counted. */
  pages: number | null;
  /** Pages that were read: Textract charges for these. */
  billedPages: number;
  billedUsd: number;
  /** ISO 8601. */
  time: string;
}

export interface Ledger {
  /** Writes a line, once for each job: a job that a restart finishes again is not billed again. */
  record(line: Omit<LedgerLine, "billedUsd" | "time">): Promise<void>;
  /** The ledger as JSON lines. */
  read(): Readable;
  close(): Promise<void>;
}

/** Opens the account of what Textract would have charged for. */
export async function openLedger(folder: string): Promise<Ledger> {
  const path = join(folder, "ledger.jsonl");
  const billed = new Set<string>();
  const lines = await openJsonLines(path, (line) => {
    const { jobId } = line as LedgerLine;
    if (jobId !== null) billed.add(jobId);
  });
  return {
    async record(line) {
      if (line.jobId !== null && billed.has(line.jobId)) return;
      const billedUsd = costOfJob(line.billedPages, line.features);
      await lines.append({ ...line, billedUsd, time: new Date().toISOString() } satisfies LedgerLine);
      // Not before: a line that found no room on the disk is written when the job's end is written again.
      if (line.jobId !== null) billed.add(line.jobId);
    },
    read: () => createReadStream(path, { end: Math.max(0, lines.size - 1) }),
    close: () => lines.close(),
  };
}
