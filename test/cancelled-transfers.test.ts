import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, it, vi } from "vitest";
import { documentIdFromContent } from "#docket/contract/document-id";
import { freePort } from "#docket/local/free-port";
import { startS3 } from "#docket/local/s3";
import { createObjectStorage } from "#docket/storage/create-object-storage";
import { startRegionalS3 } from "./support/regional-s3.ts";
import { type S3Fault, startFaultyS3 } from "./support/s3-faults.ts";
import { connectStack, documentQueues, type Running, startWorker } from "./support/stack.ts";

// Documents that are cancelled while S3 hangs: what is broken off says "connection reset" or "aborted", and must not be
// taken for a failure, neither of the document nor of S3. Their bucket is in a region without Textract, so that they are
// copied, too.
const bucket = "docket-cancelled";
let folder: string;
let stack: Awaited<ReturnType<typeof connectStack>>;
let irish: Awaited<ReturnType<typeof startS3>>;
let regional: Awaited<ReturnType<typeof startRegionalS3>>;
let s3: Awaited<ReturnType<typeof startFaultyS3>>;
let worker: Running;
let health: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-cancelled-"));
  stack = await connectStack();
  const environment = inject("environment");
  const accessKey = {
    accessKeyId: environment["AWS_ACCESS_KEY_ID"] ?? "",
    secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"] ?? "",
  };
  irish = await startS3({ directory: folder, region: "eu-west-1", bucket, accessKey, environment: process.env });
  regional = await startRegionalS3([
    { name: "eu-west-1", endpoint: irish.endpoint, buckets: [bucket] },
    { name: "us-east-1", endpoint: environment["AWS_ENDPOINT_URL_S3"] ?? "" },
  ]);
  s3 = await startFaultyS3(regional.endpoint);
  const port = await freePort([]);
  health = `http://127.0.0.1:${port}`;
  worker = await startWorker(documentQueues, {
    DOCKET_HEALTH_PORT: String(port),
    AWS_ENDPOINT_URL_S3: s3.address,
    DOCKET_STAGING_BUCKET: stack.bucket,
  });
});
afterAll(async () => {
  await worker?.stop();
  s3?.close();
  regional?.close();
  await irish?.stop();
  await stack?.close();
  await rm(folder, { recursive: true });
});

interface Row {
  stage: string;
  name: string;
  fault: Pick<S3Fault, "method" | "hangs">;
  /** What the path of the requests holds that hang. */
  path: string;
}
const sample = readFileSync("samples/service-agreement.pdf");
const copied = documentIdFromContent("cancel-copied", createHash("sha256").update(sample).digest("hex"));
const rows: Row[] = [
  { stage: "createRecord", name: "not-answered", fault: { method: "GET", hangs: "answer" }, path: "not-answered" },
  { stage: "createRecord", name: "half-a-body", fault: { method: "GET", hangs: "body" }, path: "half-a-body" },
  { stage: "stageObject", name: "copied", fault: { method: "PUT", hangs: "answer" }, path: `/copies/${copied}/` },
];

it("a document cancelled while an object is read or copied ends cancelled, not failed", {
  timeout: 90_000,
}, async () => {
  const storage = createObjectStorage({ region: "us-east-1", endpoint: regional.endpoint });
  const ends = rows.map(async ({ stage, name, fault, path }) => {
    const document = { bucket, key: `${name}.pdf` };
    await storage.put(bucket, document.key, sample, "application/pdf");
    s3.fault({ ...fault, path, count: 1000 });
    const project = `cancel-${name}`;
    const handle = await stack.client.workflow.start("processDocument", {
      ...{ taskQueue: "documents", workflowId: project, args: [{ document, project }] },
    });
    await vi.waitFor(() => expect(s3.left(path)).toBeLessThan(1000), { timeout: 30_000, interval: 100 });
    expect(await handle.query("progress")).toMatchObject({ stage });
    await handle.cancel();
    await expect(handle.result()).rejects.toMatchObject({ cause: { name: "CancelledFailure" } });
    const documents = await stack.database.document.findMany({ where: { project: { slug: project } } });
    return documents.map(({ status, failureType }) => ({ status, failureType }));
  });
  // One that is cancelled while its object is read for the first time has no record yet.
  expect(await Promise.all(ends)).toEqual([[], [], [{ status: "cancelled", failureType: "Cancelled" }]]);
  storage.close();

  // The steps themselves are told with their next heartbeat, and break off.
  const outcomes = async (activity: string) =>
    (await (await fetch(`${health}/metrics`)).text())
      .split("\n")
      .filter((line) => line.startsWith("docket_activities_total{") && line.includes(`activity="${activity}"`))
      .map((line) => line.replace(/.*outcome="(\w+)".* (\d+)$/, "$1 $2"))
      .sort();
  await vi.waitFor(
    async () => {
      expect(await outcomes("createRecord")).toEqual(["Cancelled 2", "ok 1"]);
      expect(await outcomes("stageObject")).toEqual(["Cancelled 1"]);
    },
    { timeout: 40_000, interval: 500 },
  );
});
