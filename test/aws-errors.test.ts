import { randomUUID } from "node:crypto";
import { PDFDocument } from "pdf-lib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FailureType, failureTable } from "#docket/contract/failures";
import { retryPolicies } from "#docket/workflows/retry-policies";
import { keepBreakerClosed } from "./support/closed-breaker.ts";
import { startEndpoint } from "./support/local-textract.ts";
import { connectStack, docket, type Running, stackEnvironment, startWorker } from "./support/stack.ts";

// Every error that Textract's API reference lists, sent by an endpoint to the real SDK, and what becomes of the
// document in the real workflow. All documents are under way at the same time.

interface Row {
  name: string;
  fault: Record<string, unknown>;
  /** Undefined: the document completes. */
  fails?: FailureType;
  /** Requests that may meet the fault; those that do are retried or final. */
  met: number;
  attempts: number;
}

const start = "StartDocumentTextDetection";
const get = "GetDocumentTextDetection";
const error = (name: string) => ({ kind: "error", name, message: "because of the test" });

const passing: Row[] = [
  ...[start, get].flatMap((operation) => [
    { name: `${operation}: throttled`, fault: { kind: "throttle", operation }, met: 2, attempts: 1 },
    {
      name: `${operation}: rate exceeded`,
      fault: { kind: "throttle", error: "throttling", operation },
      met: 2,
      attempts: 1,
    },
    { name: `${operation}: internal error`, fault: { kind: "internal-error", operation }, met: 1, attempts: 1 },
    {
      name: `${operation}: not available`,
      fault: { ...error("ServiceUnavailableException"), operation },
      met: 1,
      attempts: 1,
    },
    { name: `${operation}: no slot`, fault: { kind: "no-slot", operation }, met: 3, attempts: 1 },
    {
      name: `${operation}: credentials expired`,
      fault: { ...error("ExpiredTokenException"), operation },
      met: 2,
      attempts: 1,
    },
    {
      name: `${operation}: reset before it was taken`,
      fault: { kind: "reset-before", operation },
      met: 1,
      attempts: 1,
    },
    { name: `${operation}: reset after it was taken`, fault: { kind: "reset-after", operation }, met: 1, attempts: 1 },
  ]),
  { name: `${get}: the job is unknown or expired`, fault: { kind: "expired", operation: get }, met: 1, attempts: 2 },
];

const finalErrors = {
  InvalidS3ObjectException: "ObjectMissing",
  InvalidKMSKeyException: "InvalidKmsKey",
  AccessDeniedException: "AccessDenied",
  InvalidParameterException: "TextractRefused",
  UnrecognizedClientException: "AccessDenied",
  UnsupportedDocumentException: "UnsupportedMedia",
  BadDocumentException: "Corrupt",
  InvalidSignatureException: "AccessDenied",
  DocumentTooLargeException: "TooLarge",
  ValidationException: "TextractRefused",
  MissingAuthenticationTokenException: "AccessDenied",
  IdempotentParameterMismatchException: "TokenMismatch",
} as const satisfies Record<string, FailureType>;

const final: Row[] = [
  ...Object.entries(finalErrors).map(([name, fails]) => ({
    name: `${start}: ${name}`,
    fault: { ...error(name), operation: start },
    fails,
    met: 1,
    attempts: 1,
  })),
  ...(["AccessDeniedException", "InvalidKMSKeyException", "InvalidParameterException"] as const).map((name) => ({
    name: `${get}: ${name}`,
    fault: { ...error(name), operation: get },
    fails: finalErrors[name],
    met: 1,
    attempts: 1,
  })),
];
const failedJob: Row = {
  name: "a job that FAILED",
  fault: { kind: "job-failed", statusMessage: "because of the test" },
  fails: "TextractJobFailed",
  met: 1,
  attempts: 1,
};

const project = `aws-errors-${randomUUID().slice(0, 8)}`;
const keyOf = (row: Row) => `${project}/${row.name.replaceAll(/[^\w]+/g, "-")}.pdf`;
/** More of each than may be met, so that one met too often is seen; those that pass are used up. */
const postedOf = (row: Row) => (row.fails === undefined ? row.met : row.met + 2);

let stack: Awaited<ReturnType<typeof connectStack>>;
let textract: Awaited<ReturnType<typeof startEndpoint>>;
let worker: Running;
let breaker: Promise<void>;
const ended = new AbortController();
const environment = () => ({
  AWS_ENDPOINT_URL_TEXTRACT: textract.address,
  DOCKET_TEXTRACT_POLL_MIN_SECONDS: "0.3",
  DOCKET_TEXTRACT_POLL_MAX_SECONDS: "1",
  DOCKET_TEXTRACT_START_PER_SECOND: "100",
  DOCKET_TEXTRACT_GET_PER_SECOND: "100",
});
const outcomes = new Map<
  Row,
  Promise<{ result?: { textractJobs: number }; failure?: { type: string; detail: Detail } }>
>();
type Detail = { documentId: string; message: string; remedy: string };

beforeAll(async () => {
  stack = await connectStack();
  textract = await startEndpoint();
  worker = await startWorker(undefined, environment());
  breaker = keepBreakerClosed(stack.database, "us-east-1", ended.signal);
  const rows = [...passing, failedJob, ...final];
  await textract.fault(...rows.map((row) => ({ ...row.fault, count: postedOf(row), key: keyOf(row) })));
  for (const row of rows) outcomes.set(row, run(row));
});
afterAll(async () => {
  ended.abort();
  await breaker;
  await worker?.stop();
  await textract?.end();
  await stack?.close();
});

async function run(row: Row) {
  const pdf = await PDFDocument.create();
  pdf.addPage([400, 200]).drawText(`${row.name} ${project}`, { x: 10, y: 100, size: 12 });
  const key = keyOf(row);
  await stack.storage.put(stack.bucket, key, await pdf.save(), "application/pdf");
  const handle = await stack.client.workflow.start("processDocument", {
    taskQueue: "documents",
    workflowId: key,
    args: [{ document: { bucket: stack.bucket, key }, project }],
  });
  return handle.result().then(
    (result) => ({ result }),
    (reason) => ({ failure: { type: reason.cause.type, detail: reason.cause.details[0] } }),
  );
}

async function faultsLeft(row: Row): Promise<number> {
  const { faults } = (await (await fetch(`${textract.address}/faults`)).json()) as {
    faults: { key: string; count: number }[];
  };
  return faults.find(({ key }) => key === keyOf(row))?.count ?? 0;
}

async function ledgersOf(row: Row) {
  const ours = await stack.database.textractJob.findMany({ where: { key: keyOf(row) }, orderBy: { attempt: "asc" } });
  const lines = (await (await fetch(`${textract.address}/ledger`)).text()).split("\n").filter(Boolean);
  const theirs = lines
    .map((line) => JSON.parse(line) as { key: string; jobId: string; billedPages: number })
    .filter(({ key }) => key === keyOf(row));
  return { ours, theirs };
}

it("no retry policy counts attempts: what waits never runs out of them", () => {
  // Somebody waits for the answer of a webhook's test, whatever it is; no document does.
  const { webhookTest: _, ...ofDocuments } = retryPolicies;
  for (const policy of Object.values(ofDocuments)) expect(policy.retry).not.toHaveProperty("maximumAttempts");
  // A monthly budget, reached on the 1st of a month of 31 days by others that go first in the next month, too.
  const [days, unit] = retryPolicies.textractSubmit.scheduleToCloseTimeout.split(" ");
  expect(unit).toBe("days");
  expect(Number(days)).toBeGreaterThan(366);
});

describe("a document completes, and pays for each attempt that was meant once, after", () => {
  it.each(passing.map((row) => [row.name, row] as const))("%s", async (_, row) => {
    expect(await outcomes.get(row)).toMatchObject({ result: { status: "complete", textractJobs: row.attempts } });
    expect(await faultsLeft(row)).toBe(0);
    const { ours, theirs } = await ledgersOf(row);
    expect(ours).toHaveLength(row.attempts);
    expect(new Set(ours.map(({ token }) => token)).size).toBe(row.attempts);
    expect(ours.at(-1)).toMatchObject({ state: "succeeded", pages: 1 });
    expect(theirs.map(({ jobId }) => jobId).toSorted()).toEqual(ours.map(({ jobId }) => jobId).toSorted());
  });
});

describe("a document fails at once, with the cause and a remedy, after", () => {
  it.each(final.map((row) => [row.name, row] as const))("%s", async (_, row) => {
    const { failure } = (await outcomes.get(row)) ?? {};
    expect(failure?.type).toBe(row.fails);
    expect(failure?.detail.message).toContain("because of the test");
    expect(failure?.detail.remedy).toMatch(/\w+ \w+/);
    expect(await faultsLeft(row)).toBe(postedOf(row) - row.met);
    const record = await stack.database.document.findUniqueOrThrow({ where: { id: failure?.detail.documentId ?? "" } });
    expect(record).toMatchObject({
      status: "failed",
      failureType: row.fails,
      failureMessage: failure?.detail.message,
      failureRemedy: failure?.detail.remedy,
    });
    // The document is named by its address, and the type is one that is never retried.
    expect(failureTable[row.fails ?? "Internal"].retry).toBe("never");
    if (row.name.startsWith(start)) {
      expect(failure?.detail.message).toContain(keyOf(row));
      const { ours, theirs } = await ledgersOf(row);
      // Who is denied knows nothing of an earlier Start with the token, which may have been taken.
      const denied = row.fails === "AccessDenied" || row.fails === "TokenMismatch";
      expect(ours).toMatchObject([{ state: denied ? "intended" : "refused", jobId: null, costUsd: null }]);
      expect(theirs).toEqual([]);
    }
  });
});

it("a Start that was taken and not answered, and denied when it was repeated, is read by the next run, not paid again", async () => {
  const row: Row = { name: `taken-then-denied-${randomUUID()}`, fault: {}, met: 0, attempts: 1 };
  const key = keyOf(row);
  const once = { operation: start, count: 1, key };
  await textract.fault({ kind: "reset-after", ...once }, { ...error("AccessDeniedException"), ...once });
  expect(await run(row)).toMatchObject({ failure: { type: "AccessDenied" } });
  expect((await ledgersOf(row)).ours).toMatchObject([
    { state: "intended", jobId: null, statusMessage: expect.stringContaining("because of the test") },
  ]);

  const address = `s3://${stack.bucket}/${key}`;
  const command = await docket(["submit", "--wait", "--json", "--project", project, address], stackEnvironment());
  expect(JSON.parse(command.stdout)).toMatchObject({ status: "complete", textractJobs: 1 });
  const { ours, theirs } = await ledgersOf(row);
  expect(ours).toMatchObject([{ attempt: 1, state: "succeeded", statusMessage: null }]);
  expect(theirs).toMatchObject([{ jobId: ours[0]?.jobId, billedPages: 1 }]);
});

it("a job that FAILED costs nothing; handing the document in again with --force is a new attempt with a new token", async () => {
  const { failure } = (await outcomes.get(failedJob)) ?? {};
  expect(failure).toMatchObject({ type: "TextractJobFailed" });
  await fetch(`${textract.address}/faults`, { method: "DELETE" });

  const address = `s3://${stack.bucket}/${keyOf(failedJob)}`;
  const args = ["submit", "--force", "--wait", "--json", "--project", project, address];
  const command = await docket(args, stackEnvironment(environment()));
  expect(JSON.parse(command.stdout)).toMatchObject({ status: "complete", documentId: failure?.detail.documentId });
  expect(command.code).toBe(0);

  const { ours, theirs } = await ledgersOf(failedJob);
  expect(ours).toMatchObject([
    { attempt: 1, state: "failed" },
    { attempt: 2, state: "succeeded" },
  ]);
  expect(new Set(ours.map(({ token }) => token)).size).toBe(2);
  expect(theirs.map(({ billedPages }) => billedPages)).toEqual([0, 1]);
});
