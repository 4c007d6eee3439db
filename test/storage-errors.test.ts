import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import type { FailureType } from "#docket/contract/failures";
import { createObjectStorage } from "#docket/storage/create-object-storage";
import { type S3Fault, startFaultyS3 } from "./support/s3-faults.ts";
import { smallPdf } from "./support/small-pdf.ts";
import { connectStack, documentQueues, type Running, startWorker } from "./support/stack.ts";

// S3's own errors, sent to the real SDK, and what becomes of the document in the real workflow: when S3 is asked for the
// document, and when the result that was paid for is to be kept. All documents are under way at the same time.

interface Row {
  name: string;
  fault: Omit<S3Fault, "path" | "method"> & { method?: S3Fault["method"] };
  /** Undefined: the document completes. */
  fails?: FailureType;
  /** What the message or the remedy names. */
  names?: RegExp;
}

const passing = {
  "503 SlowDown": { status: 503, code: "SlowDown", count: 2 },
  "500 InternalError": { status: 500, code: "InternalError", count: 2 },
  "400 RequestTimeout": { status: 400, code: "RequestTimeout", count: 1 },
  "400 ExpiredToken": { status: 400, code: "ExpiredToken", count: 1 },
  "409 OperationAborted": { status: 409, code: "OperationAborted", count: 1 },
};
const denied = { status: 403, code: "AccessDenied", count: 20 };
const noBucket = { status: 404, code: "NoSuchBucket", count: 20 };
const elsewhere = {
  status: 301,
  code: "PermanentRedirect",
  count: 20,
  headers: { "x-amz-bucket-region": "eu-west-1" },
};

const whole: Row[] = [
  ...Object.entries(passing).map(([name, fault]) => ({ name, fault })),
  { name: "503 to a HEAD, without a word", fault: { method: "HEAD", status: 503, count: 2 } },
  { name: "404 NoSuchKey, and is there a moment later", fault: { status: 404, code: "NoSuchKey", count: 1 } },
  { name: "403 AccessDenied", fault: denied, fails: "ObjectForbidden", names: /s3:GetObject/ },
  { name: "404 NoSuchBucket", fault: noBucket, fails: "BucketMissing", names: /bucket/ },
  { name: "404 NoSuchKey", fault: { ...noBucket, code: "NoSuchKey" }, fails: "ObjectMissing", names: /Upload/ },
  { name: "301 PermanentRedirect", fault: elsewhere, fails: "BucketInOtherRegion", names: /region/ },
];
const kept: Row[] = [
  ...Object.entries(passing).map(([name, fault]) => ({ name, fault })),
  { name: "403 AccessDenied", fault: denied, fails: "ResultsNotWritable", names: /s3:PutObject on DOCKET_BUCKET/ },
  { name: "404 NoSuchBucket", fault: noBucket, fails: "ResultsNotWritable", names: /Create the bucket/ },
  { name: "301 PermanentRedirect", fault: elsewhere, fails: "ResultsNotWritable", names: /in another region/ },
];

const project = `storage-errors-${randomUUID().slice(0, 8)}`;
type Outcome = { result?: { status: string; textractJobs: number }; failure?: { type: string; remedy: string } };

let stack: Awaited<ReturnType<typeof connectStack>>;
let s3: Awaited<ReturnType<typeof startFaultyS3>>;
let worker: Running;
const outcomes = new Map<Row, Promise<Outcome>>();
const documentIds = new Map<Row, string>(kept.map((row) => [row, randomUUID()]));
/** The path of the requests that meet the row's fault. */
const pathOf = (row: Row) => (documentIds.has(row) ? `textract/${documentIds.get(row)}/` : keyOf(row));
const keyOf = (row: Row) =>
  `${project}/${kept.includes(row) ? "kept" : "read"}-${row.name.replaceAll(/\W+/g, "-")}.pdf`;

beforeAll(async () => {
  stack = await connectStack();
  s3 = await startFaultyS3(inject("environment")["AWS_ENDPOINT_URL_S3"] ?? "");
  worker = await startWorker(`${documentQueues},ocr`, {
    AWS_ENDPOINT_URL_S3: s3.address,
    DOCKET_TEXTRACT_POLL_MIN_SECONDS: "0.3",
    DOCKET_TEXTRACT_POLL_MAX_SECONDS: "1",
  });
  for (const row of [...whole, ...kept]) {
    await stack.storage.put(stack.bucket, keyOf(row), await smallPdf(keyOf(row)), "application/pdf");
    s3.fault({ method: kept.includes(row) ? "PUT" : "GET", ...row.fault, path: pathOf(row) });
    outcomes.set(row, run(row));
  }
});
afterAll(async () => {
  await worker?.stop();
  await stack?.close();
  s3?.close();
});

async function run(row: Row): Promise<Outcome> {
  const documentId = documentIds.get(row);
  const handle = await stack.client.workflow.start("processDocument", {
    taskQueue: "documents",
    workflowId: `${keyOf(row)} ${randomUUID()}`,
    args: [{ document: { bucket: stack.bucket, key: keyOf(row) }, project, ...(documentId ? { documentId } : {}) }],
  });
  return handle.result().then(
    (result) => ({ result }),
    (reason) => ({ failure: reason.cause.details[0] }),
  );
}

const named = (rows: Row[]) => rows.map((row) => [row.name, row] as const);
const goesOn = ({ fails }: Row) => fails === undefined;
const ends = ({ fails }: Row) => fails !== undefined;

describe("a document whose reading meets", () => {
  it.each(named(whole.filter(goesOn)))("%s completes, by the retry policy", async (_, row) => {
    expect(await outcomes.get(row)).toMatchObject({ result: { status: "complete", textractJobs: 1 } });
    expect(s3.left(pathOf(row))).toBe(0);
  });

  it.each(named(whole.filter(ends)))("%s fails at once, with its cause and remedy, unpaid", async (_, row) => {
    const { failure } = (await outcomes.get(row)) ?? {};
    expect(failure).toMatchObject({ type: row.fails, message: expect.stringContaining(stack.bucket) });
    expect(failure?.remedy).toMatch(row.names ?? /./);
    expect(await stack.database.textractJob.count({ where: { key: keyOf(row) } })).toBe(0);
    const record = await stack.database.document.findFirstOrThrow({ where: { key: keyOf(row) } });
    expect(record).toMatchObject({ status: "failed", failureType: row.fails });
  });
});

describe("a document whose paid result is to be kept, where S3 answers", () => {
  it.each(named(kept.filter(goesOn)))("%s, completes by the retry policy", async (_, row) => {
    expect(await outcomes.get(row)).toMatchObject({ result: { status: "complete", textractJobs: 1 } });
    expect(s3.left(pathOf(row))).toBe(0);
  });

  it.each(named(kept.filter(ends)))(
    "%s, fails with the remedy; handed in again it is not paid again",
    async (_, row) => {
      const { failure } = (await outcomes.get(row)) ?? {};
      expect(failure).toMatchObject({
        type: row.fails,
        message: expect.stringContaining("Nothing can be kept in s3://"),
      });
      expect(failure?.remedy).toMatch(row.names ?? /./);
      s3.forget(pathOf(row));
      expect(await run(row)).toMatchObject({ result: { status: "complete", textractJobs: 1 } });
      expect(await stack.database.textractJob.count({ where: { documentId: documentIds.get(row) ?? "" } })).toBe(1);
    },
  );
});

// What S3 answers to a HEAD with expired credentials: no body, and often the name of the bucket's region.
describe("a HEAD that is answered 400 without a word", () => {
  const expired = { method: "GET", status: 400, code: "ExpiredToken", count: 1 } as const;
  const oneByte = "bytes=0-0";
  const regions = { "no region": {}, "its own region": { "x-amz-bucket-region": "us-east-1" } };
  const mute = (path: string, headers: Record<string, string>): S3Fault => ({
    ...{ method: "HEAD", path, status: 400, count: 1, headers },
  });
  let apart: Awaited<ReturnType<typeof startFaultyS3>>;
  let storage: ReturnType<typeof createObjectStorage>;
  let document: { bucket: string; key: string };
  beforeAll(async () => {
    apart = await startFaultyS3(inject("environment")["AWS_ENDPOINT_URL_S3"] ?? "");
    document = { bucket: stack.bucket, key: `${project}/head.pdf` };
    await stack.storage.put(document.bucket, document.key, await smallPdf(document.key), "application/pdf");
  });
  beforeEach(() => {
    storage = createObjectStorage({ region: "us-east-1", endpoint: apart.address });
  });
  afterEach(() => storage.close());
  afterAll(() => apart?.close());

  describe.each(Object.entries(regions))("and %s", (_, headers) => {
    it("is what a GET says that it is, and passes with it", async () => {
      await storage.bucketRegion(stack.bucket);
      apart.fault(mute(document.key, headers), { ...expired, path: document.key, range: oneByte });
      await expect(storage.head(document)).rejects.toMatchObject({ type: "CredentialsUnavailable" });
      expect(apart.left(document.key)).toBe(0);
      const facts = await storage.head(document);
      expect(facts).toMatchObject({ size: expect.any(Number), etag: expect.stringContaining('"') });

      apart.fault(mute(document.key, headers));
      expect(await storage.head(document)).toEqual(facts);
      expect(apart.left(document.key)).toBe(0);
    });
  });

  it("and a region that a GET confirms is a bucket in another region", async () => {
    await storage.bucketRegion(stack.bucket);
    const elsewhereNow = { ...expired, path: document.key, range: oneByte, code: "AuthorizationHeaderMalformed" };
    apart.fault(mute(document.key, { "x-amz-bucket-region": "eu-west-1" }), elsewhereNow);
    await expect(storage.head(document)).rejects.toMatchObject({ type: "BucketInOtherRegion" });
    expect(apart.left(document.key)).toBe(0);
  });

  it("of a bucket is what a listing says that it is, and passes with it", async () => {
    const listing = "list-type=2";
    apart.fault(mute(stack.bucket, {}), { ...expired, path: listing });
    const asked = storage.bucketRegion(stack.bucket);
    await expect(asked).rejects.toMatchObject({
      type: "CredentialsUnavailable",
      message: expect.stringContaining("Exp"),
    });
    expect(apart.left(stack.bucket) + apart.left(listing)).toBe(0);
    expect(await storage.bucketRegion(stack.bucket)).toBe("us-east-1");
  });

  it("ends no document that is read locally: its credentials are there again at the next try", async () => {
    const key = `${project}/local.pdf`;
    await stack.storage.put(stack.bucket, key, await smallPdf(key), "application/pdf");
    s3.fault(mute(key, regions["its own region"]), { ...expired, path: key, range: oneByte });
    const result = await stack.client.workflow.execute("processDocument", {
      ...{ taskQueue: "documents", workflowId: `${key} ${randomUUID()}` },
      args: [{ document: { bucket: stack.bucket, key }, project, engine: "local" }],
    });
    expect(result).toMatchObject({ status: "complete", storedPages: 1, textractJobs: 0 });
    expect(s3.left(key)).toBe(0);
  });
});
