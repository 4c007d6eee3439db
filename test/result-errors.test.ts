import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { keepBreakerClosed } from "./support/closed-breaker.ts";
import { startEndpoint } from "./support/local-textract.ts";
import { longPdf, wordsOfPage } from "./support/long-pdf.ts";
import { connectStack, documentQueues, type Running, startWorker } from "./support/stack.ts";

// Errors that come only when a result is read that is longer than one answer: the job ended well and is paid, its first
// answer is stored, and the next one is refused. All documents are under way at the same time.

const operation = "GetDocumentTextDetection";
const error = (name: string) => ({ kind: "error", name, message: "because of the test" });
interface Row {
  name: string;
  fault: Record<string, unknown>;
  /** Attempts that are paid. */
  attempts: number;
}
const passing: Row[] = [
  { name: "throttled", fault: { kind: "throttle", count: 2 }, attempts: 1 },
  { name: "internal error", fault: { kind: "internal-error" }, attempts: 1 },
  { name: "rate exceeded", fault: { kind: "throttle", error: "throttling", count: 2 }, attempts: 1 },
  { name: "not available", fault: error("ServiceUnavailableException"), attempts: 1 },
  { name: "credentials expired", fault: error("ExpiredTokenException"), attempts: 1 },
  { name: "connection reset before the answer", fault: { kind: "reset-before" }, attempts: 1 },
  { name: "no slot", fault: { kind: "no-slot", count: 2 }, attempts: 1 },
  { name: "connection reset instead of the answer", fault: { kind: "reset-after" }, attempts: 1 },
  { name: "half the answer, and then nothing", fault: { kind: "half-answer" }, attempts: 1 },
  { name: "the job is unknown by now", fault: error("InvalidJobIdException"), attempts: 1 },
  { name: "the job is gone with its results", fault: { kind: "expired" }, attempts: 2 },
];
const final: [string, string][] = [
  ["AccessDeniedException", "AccessDenied"],
  ["InvalidKMSKeyException", "InvalidKmsKey"],
  ["InvalidParameterException", "TextractRefused"],
];

const project = `result-errors-${randomUUID().slice(0, 8)}`;
const keyOf = (name: string) => `${project}/${name.replaceAll(/\W+/g, "-")}.pdf`;

let stack: Awaited<ReturnType<typeof connectStack>>;
let textract: Awaited<ReturnType<typeof startEndpoint>>;
let worker: Running;
let breaker: Promise<void>;
const ended = new AbortController();
type Outcome = { result?: { documentId: string }; failure?: { type: string; documentId: string; remedy: string } };
const outcomes = new Map<string, Promise<Outcome>>();

beforeAll(async () => {
  stack = await connectStack();
  textract = await startEndpoint();
  worker = await startWorker(documentQueues, {
    AWS_ENDPOINT_URL_TEXTRACT: textract.address,
    DOCKET_TEXTRACT_POLL_MIN_SECONDS: "0.3",
    DOCKET_TEXTRACT_POLL_MAX_SECONDS: "1",
    DOCKET_TEXTRACT_START_PER_SECOND: "100",
    DOCKET_TEXTRACT_GET_PER_SECOND: "100",
  });
  breaker = keepBreakerClosed(stack.database, "us-east-1", ended.signal);
  for (const { name, fault } of passing) await begin(name, fault);
  for (const [name] of final) await begin(name, error(name));
});
afterAll(async () => {
  ended.abort();
  await breaker;
  await worker?.stop();
  await textract?.end();
  await stack?.close();
});

async function begin(name: string, fault: Record<string, unknown>): Promise<void> {
  await textract.fault({ ...fault, operation, nextToken: true, key: keyOf(name) });
  await stack.storage.put(stack.bucket, keyOf(name), await longPdf(keyOf(name)), "application/pdf");
  outcomes.set(name, run(name));
}

async function run(name: string): Promise<Outcome> {
  const handle = await stack.client.workflow.start("processDocument", {
    taskQueue: "documents",
    workflowId: `${keyOf(name)} ${randomUUID()}`,
    args: [{ document: { bucket: stack.bucket, key: keyOf(name) }, project }],
  });
  return handle.result().then(
    (result) => ({ result }),
    (reason) => ({ failure: reason.cause.details[0] }),
  );
}

/** What is stored and what was paid. */
async function kept(name: string) {
  const { faults } = (await (await fetch(`${textract.address}/faults`)).json()) as { faults: { key: string }[] };
  const jobs = await stack.database.textractJob.findMany({ where: { key: keyOf(name) }, orderBy: { attempt: "asc" } });
  const billed = (await (await fetch(`${textract.address}/ledger`)).text()).split("\n").filter(Boolean);
  const pages = await stack.database.page.findMany({
    where: { document: { key: keyOf(name) } },
    orderBy: { number: "asc" },
  });
  return {
    jobs,
    billed: billed.map((line) => JSON.parse(line)).filter(({ key }) => key === keyOf(name)).length,
    words: pages.map(({ text }) => text.split(/\s+/).length),
    writers: new Set(pages.map(({ writtenBy }) => writtenBy)),
    faultsLeft: faults.filter(({ key }) => key === keyOf(name)).length,
  };
}

describe("a document completes with all its text when the second answer of its result is first", () => {
  it.each(passing)("$name", async ({ name, attempts }) => {
    expect(await outcomes.get(name)).toMatchObject({
      result: { status: "complete", pages: 2, textractJobs: attempts },
    });
    const { jobs, billed, words, writers, faultsLeft } = await kept(name);
    expect(words).toEqual([wordsOfPage, wordsOfPage]);
    // No mixture of two jobs.
    expect([...writers]).toEqual([jobs.at(-1)?.jobId]);
    expect({ paid: jobs.length, billed, faultsLeft }).toEqual({ paid: attempts, billed: attempts, faultsLeft: 0 });
    expect(jobs.at(-1)).toMatchObject({ state: "succeeded", storedPages: 2 });
  });
});

describe("a document fails, and is read on without being paid again when it is handed in again, after", () => {
  it.each(final)("%s", async (name, type) => {
    const { failure } = (await outcomes.get(name)) ?? {};
    expect(failure).toMatchObject({ type, remedy: expect.stringMatching(/\w+ \w+/) });
    const record = await stack.database.document.findUniqueOrThrow({ where: { id: failure?.documentId ?? "" } });
    expect(record).toMatchObject({ status: "failed", failureType: type });
    expect(await run(name)).toMatchObject({ result: { status: "complete", pages: 2, textractJobs: 1 } });
    const { jobs, billed, words } = await kept(name);
    expect({ jobs: jobs.length, billed, words }).toEqual({ jobs: 1, billed: 1, words: [wordsOfPage, wordsOfPage] });
  });
});
