import { readFile, stat } from "node:fs/promises";
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { gunzipSync } from "node:zlib";
import { z } from "zod";
import { DocketError } from "../../contract/failures.ts";

/** A job that somebody else than Docket has recorded: the endpoint, or CloudTrail. */
export interface RecordedJob {
  jobId: string;
  token: string | null;
  /** The document's id, where it is Docket's job. */
  jobTag: string | null;
  /** Pages of the document; null where the record does not tell. */
  pages: number | null;
  at: Date;
}

/** Everything that one source has recorded. */
export interface JobRecords {
  /** In words. */
  source: string;
  jobs: AsyncIterable<RecordedJob> | Iterable<RecordedJob>;
  /** Whether a job is there as soon as it was started, or only when it has ended. */
  holds: "started" | "ended";
}

const ledgerLine = z.object({
  jobId: z.string().nullable(),
  token: z.string().nullable(),
  pages: z.number().int().nullable(),
  time: z.coerce.date(),
});

/**
 * The ledger that an endpoint serves at `/ledger`, as the local one does; null where it serves none.
 * @throws {DocketError} `TextractUnavailable`
 */
export async function readEndpointLedger(endpoint: string): Promise<JobRecords | null> {
  const url = `${endpoint.replace(/\/$/, "")}/ledger`;
  const answer = await fetch(url, { signal: AbortSignal.timeout(60_000) }).catch((cause: Error) => {
    throw new DocketError("TextractUnavailable", `Textract at ${endpoint} does not answer: ${cause.message}`, {
      cause,
    });
  });
  const { body } = answer;
  if (!answer.ok || body === null || answer.headers.get("content-type") !== "application/jsonl") {
    await body?.cancel();
    return null;
  }
  return { source: url, holds: "ended", jobs: linesOf(Readable.fromWeb(body as never)) };
}

async function* linesOf(body: Readable): AsyncGenerator<RecordedJob> {
  for await (const line of createInterface({ input: body })) {
    if (line === "") continue;
    const { jobId, token, pages, time } = ledgerLine.parse(JSON.parse(line));
    // A synchronous request is no job.
    if (jobId !== null) yield { jobId, token, jobTag: null, pages, at: time };
  }
}

const starts = ["StartDocumentTextDetection", "StartDocumentAnalysis"];
const maxFileBytes = 256 * 1024 * 1024;

const trailEvent = z.object({
  eventName: z.string(),
  eventTime: z.coerce.date(),
  errorCode: z.string().nullish(),
  requestParameters: z.object({ clientRequestToken: z.string().nullish(), jobTag: z.string().nullish() }).nullish(),
  responseElements: z.object({ jobId: z.string().nullish() }).nullish(),
});
// What `aws cloudtrail lookup-events` prints, and what a trail writes to its bucket.
const lookedUp = z.object({ Events: z.array(z.object({ CloudTrailEvent: z.string() })) });
const trailFile = z.object({ Records: z.array(z.unknown()) });

/**
 * The Start operations in files that CloudTrail exported: the output of `aws cloudtrail lookup-events`, or files of a
 * trail as they are in its bucket (compressed or not), 256 MiB each at most.
 * @throws {DocketError} `FileUnreadable`, `InvalidInput`
 */
export async function readCloudTrail(files: readonly string[]): Promise<JobRecords> {
  const jobs: RecordedJob[] = [];
  for (const file of files) {
    for (const event of eventsOf(file, await readJson(file))) {
      const parsed = trailEvent.safeParse(event);
      // Events of other services have other shapes.
      if (!parsed.success || !starts.includes(parsed.data.eventName)) continue;
      const { requestParameters: request, responseElements: response, eventTime } = parsed.data;
      if (!response?.jobId) continue;
      const { clientRequestToken: token = null, jobTag = null } = request ?? {};
      jobs.push({ jobId: response.jobId, token, jobTag, pages: null, at: eventTime });
    }
  }
  return { source: files.join(", "), holds: "started", jobs };
}

function eventsOf(file: string, content: unknown): unknown[] {
  const trail = trailFile.safeParse(content);
  if (trail.success) return trail.data.Records;
  const lookup = lookedUp.safeParse(content);
  if (lookup.success) return lookup.data.Events.map((event) => parseJson(file, event.CloudTrailEvent));
  throw notCloudTrail(file);
}

async function readJson(file: string): Promise<unknown> {
  try {
    const { size } = await stat(file);
    if (size > maxFileBytes) {
      throw new DocketError("InvalidInput", `${file} has ${size} bytes; ${maxFileBytes} is the limit.`, {
        remedy: "Export a shorter period, or give the files of the trail one by one.",
      });
    }
    const bytes = await readFile(file);
    const text = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes, { maxOutputLength: maxFileBytes }) : bytes;
    return parseJson(file, text.toString("utf8"));
  } catch (cause) {
    if (cause instanceof DocketError) throw cause;
    throw new DocketError("FileUnreadable", `${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw notCloudTrail(file);
  }
}

function notCloudTrail(file: string): DocketError {
  return new DocketError("InvalidInput", `${file} is no export of CloudTrail.`, {
    remedy: "Give the JSON that `aws cloudtrail lookup-events` prints, or a file of a trail.",
  });
}
