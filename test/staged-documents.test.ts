import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { startS3 } from "#docket/local/s3";
import { createObjectStorage } from "#docket/storage/create-object-storage";
import type { ObjectStorage } from "#docket/storage/object-storage";
import { startRegionalS3 } from "./support/regional-s3.ts";
import { connectStack, documentQueues, type Running, startWorker } from "./support/stack.ts";

const ireland = { name: "eu-west-1", bucket: "docket-ireland" };
let folder: string;
let stack: Awaited<ReturnType<typeof connectStack>>;
let irish: Awaited<ReturnType<typeof startS3>>;
let s3: Awaited<ReturnType<typeof startRegionalS3>>;
let storage: ObjectStorage;
let worker: Running;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-staged-"));
  stack = await connectStack();
  const { name, bucket } = ireland;
  const environment = inject("environment");
  const accessKey = {
    accessKeyId: environment["AWS_ACCESS_KEY_ID"] ?? "",
    secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"] ?? "",
  };
  irish = await startS3({ directory: folder, region: name, bucket, accessKey, environment: process.env });
  s3 = await startRegionalS3([
    { name, endpoint: irish.endpoint, buckets: [bucket] },
    { name: "us-east-1", endpoint: environment["AWS_ENDPOINT_URL_S3"] ?? "" },
  ]);
  storage = createObjectStorage({ region: "us-east-1", endpoint: s3.endpoint });
});
afterAll(async () => {
  storage.close();
  s3.close();
  await irish.stop();
  await stack.close();
  await rm(folder, { recursive: true });
});

/** Hands in a document that is in Ireland; the local Textract serves us-east-1 only. */
async function start(name: string, sample: string) {
  const document = { bucket: ireland.bucket, key: `${name}.pdf` };
  await storage.put(document.bucket, document.key, await readFile(sample), "application/pdf");
  return stack.client.workflow.start("processDocument", {
    taskQueue: "documents",
    workflowId: `staged-${name}`,
    args: [{ document, project: `staged-${name}` }],
  });
}

async function withWorker<T>(extra: Record<string, string>, use: () => Promise<T>): Promise<T> {
  worker = await startWorker(documentQueues, { AWS_ENDPOINT_URL_S3: s3.endpoint, ...extra });
  try {
    return await use();
  } finally {
    await worker.stop();
  }
}

const eventsOf = async (documentId: string, kind: string) =>
  (await stack.database.documentEvent.findMany({ where: { documentId, kind } })).map(({ detail }) => detail);

it("a document where Textract is not served, without a staging bucket, fails and names the setting", async () => {
  await withWorker({}, async () => {
    const failed = await (await start("refused", "samples/service-agreement.pdf"))
      .result()
      .catch((error) => error.cause);
    expect(failed.type).toBe("TextractUnavailableInRegion");
    expect(failed.message).toMatch(/eu-west-1.*us-east-1.*DOCKET_STAGING_BUCKET is not set/);
    expect(failed.details[0].remedy).toContain("DOCKET_STAGING_BUCKET");
  });
});

it("with one, it is read from a copy, which is gone afterwards; missing pages too", async () => {
  await withWorker({ DOCKET_STAGING_BUCKET: stack.bucket }, async () => {
    const faults = JSON.stringify([{ kind: "partial-success", pages: [2] }]);
    await fetch(`${process.env["AWS_ENDPOINT_URL_TEXTRACT"]}/faults`, { method: "POST", body: faults });
    const result = await (await start("read", "samples/service-agreement.pdf")).result();
    const { documentId } = result;
    expect(result).toMatchObject({ status: "complete", pages: 4, storedPages: 4, textractJobs: 2 });

    const staging = { bucket: stack.bucket, region: "us-east-1" };
    expect(await eventsOf(documentId, "prerequisites-met")).toMatchObject([{ region: "eu-west-1", staging }]);
    expect(await eventsOf(documentId, "object-staged")).toMatchObject([{ copied: true, region: "us-east-1" }]);
    const jobs = await stack.database.textractJob.findMany({ where: { documentId }, orderBy: { attempt: "asc" } });
    expect(jobs).toMatchObject([{ bucket: stack.bucket, region: "us-east-1" }, { bucket: stack.bucket }]);
    expect(new Set(jobs.map(({ key }) => key)).size).toBe(2);
    for (const { bucket, key } of jobs) {
      expect(key).toMatch(new RegExp(`^copies/${documentId}/`));
      await expect(storage.head({ bucket, key })).rejects.toMatchObject({ type: "ObjectMissing" });
    }
  });
});

it("the copy is removed when the document fails, too", async () => {
  await withWorker({ DOCKET_STAGING_BUCKET: stack.bucket }, async () => {
    const faults = JSON.stringify([{ kind: "job-failed" }]);
    await fetch(`${process.env["AWS_ENDPOINT_URL_TEXTRACT"]}/faults`, { method: "POST", body: faults });
    const failed = await (await start("failed", "samples/service-agreement.pdf"))
      .result()
      .catch((error) => error.cause);
    expect(failed.type).toBe("TextractJobFailed");
    const [job] = await stack.database.textractJob.findMany({ where: { documentId: failed.details[0].documentId } });
    const copy = { bucket: job?.bucket ?? "", key: job?.key ?? "" };
    expect(copy.key).toMatch(/^copies\//);
    await expect(storage.head(copy)).rejects.toMatchObject({ type: "ObjectMissing" });
  });
});
