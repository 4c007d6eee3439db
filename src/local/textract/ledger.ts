import { createReadStream } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Feature } from "../../contract/process-document.ts";
import { costOfJob } from "../../textract/prices.ts";
import { openJsonLines } from "./json-lines.ts";
import type { FeatureType } from "./request-shapes.ts";

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
  /** Features that the price file has no price for. */
  unpriced: FeatureType[];
  /** ISO 8601. */
  time: string;
}

export interface Ledger {
  /** Writes a line, once for each job: a job that a restart finishes again is not billed again. */
  record(line: Omit<LedgerLine, "billedUsd" | "unpriced" | "time">): Promise<void>;
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
      if (line.jobId !== null) billed.add(line.jobId);
      const unpriced = line.features.filter((feature) => feature === "QUERIES");
      const priced = line.features.filter((feature): feature is Feature => feature !== "QUERIES");
      // Only text detection has the price of text; an analysis of nothing but unpriced features costs an unknown sum.
      const billedUsd = line.features.length > 0 && priced.length === 0 ? 0 : costOfJob(line.billedPages, priced);
      await lines.append({ ...line, billedUsd, unpriced, time: new Date().toISOString() } satisfies LedgerLine);
    },
    read: () => createReadStream(path, { end: Math.max(0, lines.size - 1) }),
    close: () => lines.close(),
  };
}
