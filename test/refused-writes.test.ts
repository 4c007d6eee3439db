import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { createObjectStorage } from "#docket/storage/create-object-storage";
import { startFaultyS3 } from "./support/s3-faults.ts";
import { smallPdf } from "./support/small-pdf.ts";
import { connectStack, docket, stackEnvironment } from "./support/stack.ts";

// S3 lets everything be read and listed, and refuses what is written.
const denied = { status: 403, code: "AccessDenied", count: 1000 };
let stack: Awaited<ReturnType<typeof connectStack>>;
let s3: Awaited<ReturnType<typeof startFaultyS3>>;
let folder: string;

beforeAll(async () => {
  stack = await connectStack();
  s3 = await startFaultyS3(inject("environment")["AWS_ENDPOINT_URL_S3"] ?? "");
  for (const method of ["PUT", "POST"] as const) s3.fault({ ...denied, method, path: "/" });
  folder = await mkdtemp(join(tmpdir(), "docket-refused-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await stack.close();
  s3.close();
});

interface Told {
  name?: string;
  status: string;
  remedy?: string;
  failure?: { type: string; remedy: string };
}

async function run(args: string[], extra: Record<string, string> = {}): Promise<Told[]> {
  const environment = stackEnvironment({ AWS_ENDPOINT_URL_S3: s3.address, ...extra });
  const { stdout } = await docket([...args, "--json", "--data-directory", folder], environment);
  return stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

describe("a write that S3 refuses names what to allow, where, and to whom", () => {
  it("docket doctor: the bucket of the results and the staging bucket, with the KMS key that is named", async () => {
    const checks = await run(["doctor"], { DOCKET_STAGING_BUCKET: stack.bucket, DOCKET_KMS_KEY: "alias/docket" });
    const remedyOf = (named: string) => checks.find(({ name }) => name === named)?.remedy;
    const key =
      "and kms:GenerateDataKey and kms:Decrypt on DOCKET_KMS_KEY \\(alias/docket\\), for the credentials of this";
    expect(remedyOf("S3 write")).toMatch(new RegExp(`^Allow s3:PutObject on ${stack.bucket}/textract/\\*, ${key}`));
    expect(remedyOf("staging bucket")).toMatch(new RegExp(`^Allow s3:PutObject on ${stack.bucket}/copies/\\*, ${key}`));
    for (const name of ["S3 read", "S3 list"]) expect(remedyOf(name)).toBeNull();
  });

  it("docket submit: a small file and one that is sent in parts", async () => {
    await writeFile(join(folder, "small.pdf"), await smallPdf("a write that is refused"));
    await writeFile(join(folder, "large.pdf"), Buffer.concat([await smallPdf("large"), Buffer.alloc(9_000_000, " ")]));
    const told = await run(["submit", join(folder, "small.pdf"), join(folder, "large.pdf")]);
    expect(told).toHaveLength(2);
    for (const { status, failure } of told) {
      expect({ status, type: failure?.type }).toEqual({ status: "failed", type: "ObjectForbidden" });
      expect(failure?.remedy).toContain(`Allow s3:PutObject on ${stack.bucket}/documents/*`);
      expect(failure?.remedy).toMatch(/the bucket's KMS key, where it has one, for the credentials of this command/);
    }
  });

  it("a worker's copy: the workers' credentials", async () => {
    const storage = createObjectStorage({ region: "us-east-1", endpoint: s3.address });
    const copy = storage.upload(stack.bucket, "copies/1/2", Readable.from([Buffer.from("a page")]));
    await expect(copy).rejects.toMatchObject({
      type: "ObjectForbidden",
      remedy: expect.stringMatching(/s3:PutObject on [\w-]+\/copies\/\*.* for the credentials of the workers/),
    });
    storage.close();
  });
});
