import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { writeMark } from "../../activities/keep-result.ts";
import type { AccountSettings, Config } from "../../config.ts";
import { DocketError } from "../../contract/failures.ts";
import { createDatabase } from "../../database/client.ts";
import { readGuards } from "../../database/guards-state.ts";
import { createObjectStorage } from "../../storage/create-object-storage.ts";
import type { ObjectStorage } from "../../storage/object-storage.ts";
import { storageFailure } from "../../storage/storage-failure.ts";
import { createRegionLimits } from "../../textract/region-limits.ts";
import { readServiceQuotas } from "../../textract/service-quotas.ts";
import { textractReachability } from "../../textract/textract-reachability.ts";
import { type Check, checked, credentialsRemedy, failed, ok, skipped, warning } from "./check.ts";

/** Whose credentials they are, where AWS is used; `AWS_ENDPOINT_URL_STS` for another server that speaks STS. */
export async function credentialsCheck(region: string, usesAws: boolean): Promise<Check> {
  if (!usesAws && !process.env["AWS_ENDPOINT_URL_STS"]) return skipped("credentials", "AWS is not used");
  const requestHandler = {
    connectionTimeout: 5000,
    requestTimeout: 5000,
    socketTimeout: 5000,
    throwOnRequestTimeout: true,
  };
  const client = new STSClient({ region, maxAttempts: 1, requestHandler });
  try {
    const { Account, Arn } = await client.send(new GetCallerIdentityCommand({}));
    return ok("credentials", `account ${Account}, ${Arn}`);
  } catch (error) {
    const { name, message } = error as Error;
    return failed("credentials", `AWS does not accept them: ${name}: ${message}`, credentialsRemedy);
  } finally {
    client.destroy();
  }
}

/** Reading, writing and listing the bucket, and its region. */
export async function bucketChecks(config: AccountSettings): Promise<Check[]> {
  const { bucket, region, endpoint, stagingBucket } = config.storage;
  const storage = createObjectStorage({ ...config.storage, credentialsOf: "this command" });
  try {
    const first = await checked("S3", async () => {
      const bucketRegion = await storage.bucketRegion(bucket);
      const place = `bucket ${bucket} in ${bucketRegion}${endpoint === undefined ? "" : ` at ${endpoint}`}`;
      if (bucketRegion === region) return ok("S3", place);
      return failed("S3", `${place}, but AWS_REGION is ${region}`, `Set AWS_REGION to ${bucketRegion}.`);
    });
    if (first.status !== "ok") return [first];
    return [
      first,
      await checked("S3 write", async () => ok("S3 write", await write(storage, bucket, "DOCKET_BUCKET"))),
      await checked("S3 read", async () => {
        // "Missing" is an answer too: what could not be written cannot be there.
        await storage.read({ bucket, key: writeMark("DOCKET_BUCKET").key }, 0, 64).catch((error) => {
          if (!(error instanceof DocketError) || error.type !== "ObjectMissing") throw error;
        });
        return ok("S3 read", `s3://${bucket}`);
      }),
      await checked("S3 list", () => listCheck(config)),
      ...(stagingBucket === undefined
        ? []
        : [await checked("staging bucket", () => stagingCheck(config, storage, stagingBucket))]),
    ];
  } finally {
    storage.close();
  }
}

/** As the workers try it before they pay for anything. @returns the mark's address */
async function write(storage: ObjectStorage, bucket: string, setting: Parameters<typeof writeMark>[0]) {
  const { key, body } = writeMark(setting);
  await storage.put(bucket, key, body, "text/plain");
  return `s3://${bucket}/${key}`;
}

/** It must be where Textract is, and take copies: that is all that it is for. */
async function stagingCheck(config: AccountSettings, storage: ObjectStorage, bucket: string): Promise<Check> {
  const region = await storage.bucketRegion(bucket);
  const unreachable = await textractReachability(config.textract)(region);
  if (unreachable === null) {
    const mark = await write(storage, bucket, "DOCKET_STAGING_BUCKET");
    return ok("staging bucket", `${bucket} in ${region}; ${mark} was written`);
  }
  const remedy = "Set DOCKET_STAGING_BUCKET to a bucket in a region that Textract serves, or unset it.";
  return failed("staging bucket", `${bucket} is in ${region}: ${unreachable.message}`, remedy);
}

async function listCheck({ storage: { bucket, region, endpoint } }: AccountSettings): Promise<Check> {
  const at = endpoint === undefined ? {} : { endpoint, forcePathStyle: true };
  const client = new S3Client({ region, maxAttempts: 1, ...at });
  try {
    await client
      .send(new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 }))
      .catch((error) => storageFailure(error, { bucket, key: "" }));
    return ok("S3 list", `s3://${bucket}`);
  } finally {
    client.destroy();
  }
}

/**
 * What the region may be asked, where that is from, and how much of it is in use.
 * @param database that knows what is in use; null: none is named
 */
export async function quotasCheck(config: AccountSettings, database: Config["database"] | null): Promise<Check> {
  const { region } = config.storage;
  let problem: string | null = null;
  const limitsOf = createRegionLimits({
    settings: config.textract,
    readQuotas: readServiceQuotas,
    log: (message) => {
      problem = message;
    },
  });
  const limits = await limitsOf(region);
  const source = limits.configured.length > 0 ? `${limits.source}, ${limits.configured.join(", ")} set` : limits.source;
  const rate = (value: number) => (Number.isFinite(value) ? String(Math.round(value * 100) / 100) : "any number");
  const words = [
    `${region} (${source})`,
    `text ${rate(limits.startText)} Starts and ${rate(limits.getText)} Gets a second`,
    `analysis ${rate(limits.startAnalysis)} and ${rate(limits.getAnalysis)}`,
    `${rate(limits.concurrentJobs)} jobs at once`,
    ...(database === null ? [] : [await inUse(database, region)]),
  ].join("; ");
  if (problem === null) return ok("quotas", words);
  return warning(
    "quotas",
    `${words}. ${problem}`,
    "Allow servicequotas:ListServiceQuotas, or set DOCKET_TEXTRACT_START_PER_SECOND, _GET_PER_SECOND and _JOBS.",
  );
}

async function inUse(settings: Config["database"], region: string): Promise<string> {
  const database = createDatabase({ ...settings, poolSize: 1 });
  try {
    const { jobs, waiting } = await readGuards(database);
    const of = (list: { region: string; count: number }[]) => list.find((entry) => entry.region === region)?.count ?? 0;
    return `${of(jobs)} jobs at work, ${of(waiting)} documents wait for a turn`;
  } catch {
    // The database has a check of its own.
    return "what is in use is not known without the database";
  } finally {
    await database.$disconnect();
  }
}
