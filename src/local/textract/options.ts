import { availableParallelism } from "node:os";
import type { RequestRates } from "./request-rate.ts";
import type { S3Settings } from "./source-objects.ts";
import type { AcceptedCredentials } from "./verify-signature.ts";

/** How a local Textract endpoint is set up. */
export interface LocalTextractOptions {
  /** Folder for jobs, results and the ledger; made where it is missing. One process at a time. */
  dataFolder: string;
  /** IP address that it listens on. Default: 127.0.0.1. */
  host?: string;
  /** Port. Default: any free one. */
  port?: number;
  /** The endpoint's region: signatures and buckets must be of it. */
  region: string;
  /** Keys that requests may be signed with; at least one. */
  credentials: readonly AcceptedCredentials[];
  /** Where documents are; `credentials` by default the first of the accepted ones. */
  s3: { endpoint: string | undefined; credentials?: S3Settings["credentials"] };
  /** Documents read at the same time. Default: number of cores, at most 4. */
  concurrency?: number;
  /** Jobs that have not ended; one more is a LimitExceededException. Default: 100,000. */
  maxOpenJobs?: number;
  /** Requests a second of each operation. Default: no limit. */
  requestRates?: RequestRates;
  /** How long results and tokens live, from the job's start. Default: 7 days. */
  retentionMilliseconds?: number;
  /** Resident memory of the process that reads a document, bytes. Default: 256 MiB. */
  memoryBytes?: number;
  /** Tesseract language codes, joined by `+`. Default: `eng`. */
  language?: string;
  /** A native Tesseract's program, as DOCKET_OCR_TESSERACT. Default: the one that is built in. */
  tesseract?: string | undefined;
  /** Folder of trained data, as DOCKET_OCR_DATA. */
  trainedData?: string | undefined;
  /** Told of what went wrong and no caller learns. Default: standard error. */
  onError?(error: unknown): void;
}

/** @returns the options with every default filled in */
export function withDefaults(options: LocalTextractOptions) {
  const [first] = options.credentials;
  if (first === undefined) throw new RangeError("a local Textract endpoint needs at least one pair of keys");
  return {
    host: "127.0.0.1",
    port: 0,
    concurrency: Math.min(4, availableParallelism()),
    maxOpenJobs: 100_000,
    requestRates: {},
    retentionMilliseconds: 7 * 24 * 3600 * 1000,
    memoryBytes: 256 * 1024 * 1024,
    language: "eng",
    tesseract: undefined,
    trainedData: undefined,
    onError: (error: unknown) => console.error(error),
    ...options,
    s3: { endpoint: options.s3.endpoint, credentials: options.s3.credentials ?? first },
  };
}
