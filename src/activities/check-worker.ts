import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cancellationSignal } from "@temporalio/activity";
import type { Config } from "../config.ts";
import type { DeploymentCheck } from "../contract/check-deployment.ts";
import { DocketError } from "../contract/failures.ts";
import { type TaskQueue, taskQueues } from "../contract/process-document.ts";
import { pendingMigrations } from "../database/migrate.ts";
import { greyPng } from "../ocr/grey-png.ts";
import type { ObjectStorage } from "../storage/object-storage.ts";
import { requireCredentials, type TextractApi } from "../textract/textract-api.ts";

import type { ActivityPorts } from "./activity-ports.ts";
import { requireWritable } from "./keep-result.ts";

type Ports = Pick<ActivityPorts, "config" | "storage" | "textract" | "textractReachable" | "recognize">;

/**
 * Whether this worker finds what its queue's work needs: the database with the migrations of this version, the buckets,
 * Textract, or a recogniser that starts. What fails is told, not thrown: the gate tells all of it together.
 *
 * Idempotent: it reads, and writes the same small mark into the buckets.
 */
export function createCheckWorker(ports: Ports) {
  return async function checkWorker({ queue }: { queue: TaskQueue }): Promise<DeploymentCheck[]> {
    const { config, storage } = ports;
    const check = async (name: string, look: () => Promise<string>): Promise<DeploymentCheck> => {
      try {
        return { name, queue, detail: await look(), failure: null };
      } catch (error) {
        if (!(error instanceof DocketError)) throw error;
        return { name, queue, detail: error.message, failure: error.toFailure() };
      }
    };
    switch (queue) {
      case taskQueues.documents:
        return [
          await check("database", () => migrated(config)),
          await check("bucket", () => writable(storage, config.storage.bucket, "DOCKET_BUCKET")),
          ...(config.storage.stagingBucket === undefined
            ? []
            : [await check("staging bucket", () => staging(ports, config.storage.stagingBucket ?? ""))]),
        ];
      case taskQueues.textractSubmit:
      case taskQueues.textractResults:
        return [await check("textract", () => textractAnswers(ports))];
      case taskQueues.ocr:
        return [await check("recogniser", () => recognizerStarts(ports))];
    }
  };
}

async function migrated({ database }: Config): Promise<string> {
  const pending = await pendingMigrations(database.url);
  if (pending.length === 0) return "migrations up to date";
  throw new DocketError("MigrationsMissing", `The database lacks the migrations ${pending.join(", ")}.`);
}

async function writable(
  storage: ObjectStorage,
  bucket: string,
  setting: Parameters<typeof requireWritable>[2],
): Promise<string> {
  const region = await storage.bucketRegion(bucket);
  await requireWritable(storage, bucket, setting);
  return `${bucket} in ${region} can be written`;
}

/** Textract reads the copies where they are. */
async function staging(ports: Ports, bucket: string): Promise<string> {
  const words = await writable(ports.storage, bucket, "DOCKET_STAGING_BUCKET");
  await requireTextract(ports, await ports.storage.bucketRegion(bucket));
  return words;
}

async function textractAnswers(ports: Ports): Promise<string> {
  const { bucket, stagingBucket } = ports.config.storage;
  const region = await ports.storage.bucketRegion(stagingBucket ?? bucket);
  const api = await requireTextract(ports, region);
  await requireCredentials(api);
  return `Textract in ${region} answers and takes the credentials`;
}

async function requireTextract(ports: Ports, region: string): Promise<TextractApi> {
  const unreachable = await ports.textractReachable(region);
  if (unreachable !== null) throw new DocketError(unreachable.type, unreachable.message, unreachable);
  return ports.textract.inRegion(region);
}

/** Reads a small white page: the child process starts within its limits and loads its engines. */
async function recognizerStarts({ config, recognize }: Ports): Promise<string> {
  const [width, height] = [400, 200];
  const directory = await mkdtemp(join(tmpdir(), "docket-gate-"));
  try {
    const file = join(directory, "white.png");
    await writeFile(file, greyPng(width, height, new Uint8Array(width * height).fill(255)));
    const { failures, peakResidentBytes } = await recognize({
      file,
      name: "the gate's picture",
      limits: config.ocr,
      signal: cancellationSignal(),
      onPage() {},
    });
    const [failed] = failures;
    if (failed !== undefined) throw new DocketError(failed.failure.type, failed.failure.message, failed.failure);
    return `the recogniser reads, in ${Math.round(peakResidentBytes / 1024 / 1024)} MiB`;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
