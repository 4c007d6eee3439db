import { createWriteStream } from "node:fs";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { GetObjectCommand, HeadBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { DocketError } from "../../contract/failures.ts";
import { sniffedBytes } from "../../media/media-type.ts";
import { storageFailure } from "../../storage/storage-failure.ts";
import { createRecentCache } from "./recent-cache.ts";
import type { S3ObjectShape } from "./request-shapes.ts";
import { invalidS3Object, TextractError } from "./textract-error.ts";
import type { JobDocument } from "./textract-job.ts";

/** How the endpoint reaches S3: with its own client, by its own credentials. */
export interface S3Settings {
  /** Undefined for AWS itself. */
  endpoint: string | undefined;
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string | undefined };
}

export interface SourceObjects {
  /**
   * Looks at an object as Textract does at the start of a job.
   * @throws {TextractError} `InvalidS3ObjectException` for whatever cannot be read in the endpoint's own region
   */
  inspect(object: S3ObjectShape): Promise<{ document: JobDocument; start: Uint8Array }>;
  /** @throws {DocketError} when the object is gone or no longer what it was */
  download(document: JobDocument, path: string, signal: AbortSignal): Promise<void>;
  /** @throws {DocketError} */
  put(bucket: string, key: string, body: Uint8Array | string): Promise<void>;
  close(): void;
}

/** @param region the endpoint's own: buckets elsewhere are refused */
export function createSourceObjects(region: string, settings: S3Settings): SourceObjects {
  const client = new S3Client({
    region,
    maxAttempts: 1,
    // Milliseconds; the second is for silence, not for the whole transfer.
    requestHandler: { connectionTimeout: 5000, socketTimeout: 60_000 },
    credentials: {
      accessKeyId: settings.credentials.accessKeyId,
      secretAccessKey: settings.credentials.secretAccessKey,
      ...(settings.credentials.sessionToken === undefined ? {} : { sessionToken: settings.credentials.sessionToken }),
    },
    ...(settings.endpoint === undefined ? {} : { endpoint: settings.endpoint, forcePathStyle: true }),
  });
  // A bucket's region never changes while the bucket lives.
  const regions = createRecentCache<string>(256);

  return {
    async inspect(object) {
      const location = { Bucket: object.Bucket, Key: object.Name, ...versionOf(object.Version) };
      try {
        const bucketRegion = await regions.get(object.Bucket, () => regionOf(object.Bucket));
        if (bucketRegion !== region) throw new DocketError("BucketInOtherRegion", `${object.Bucket}: ${bucketRegion}`);
        const answer = await client.send(new GetObjectCommand({ ...location, Range: `bytes=0-${sniffedBytes - 1}` }));
        const start = await takeStart(answer.Body as Readable | undefined);
        const total = Number(/\/(\d+)$/.exec(answer.ContentRange ?? "")?.[1] ?? answer.ContentLength ?? start.length);
        const document = { bucket: object.Bucket, key: object.Name, etag: answer.ETag ?? "", size: total };
        return { document: { ...document, ...(object.Version ? { version: object.Version } : {}) }, start };
      } catch (error) {
        // A range of an empty object cannot be satisfied.
        if (statusOf(error) !== 416) throw toTextractError(error);
        const document = { bucket: object.Bucket, key: object.Name, etag: "", size: 0 };
        return { document, start: new Uint8Array(0) };
      }
    },

    async download(document, path, signal) {
      const location = { Bucket: document.bucket, Key: document.key, ...versionOf(document.version) };
      try {
        const command = new GetObjectCommand({ ...location, ...(document.etag ? { IfMatch: document.etag } : {}) });
        const answer = await client.send(command, { abortSignal: signal });
        await pipeline(answer.Body as Readable, createWriteStream(path), { signal });
      } catch (error) {
        signal.throwIfAborted();
        if (statusOf(error) === 412) {
          throw new DocketError(
            "ObjectChanged",
            `s3://${document.bucket}/${document.key} changed after the job began.`,
          );
        }
        storageFailure(error, document);
      }
    },

    async put(bucket, key, body) {
      const put = new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: Buffer.from(body),
        ContentType: "application/json",
      });
      await client.send(put).catch((error) => storageFailure(error, { bucket, key }));
    },

    close: () => client.destroy(),
  };

  async function regionOf(bucket: string): Promise<string> {
    try {
      const answer = await client.send(new HeadBucketCommand({ Bucket: bucket }));
      // An S3 server that does not tell has one region only: the one that it accepts signatures for.
      return answer.BucketRegion ?? region;
    } catch (error) {
      // A bucket elsewhere answers 301 and names its region in the error's response.
      const { $response } = error as { $response?: { headers?: Record<string, string> } };
      const named = $response?.headers?.["x-amz-bucket-region"];
      if (named !== undefined) return named;
      throw error;
    }
  }
}

// A server that ignores the range would send the whole object.
async function takeStart(body: Readable | undefined): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= sniffedBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, sniffedBytes);
}

// An S3 server that does not answer is this service's trouble; everything else is what Textract has one error for.
function toTextractError(error: unknown): TextractError {
  const status = statusOf(error);
  if (error instanceof DocketError || (status !== undefined && status < 500)) return invalidS3Object(error);
  const { name, message } = error as Error;
  return new TextractError("InternalServerError", `S3 does not answer: ${name}: ${message}`, { cause: error });
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}

function versionOf(version: string | undefined): { VersionId?: string } {
  return version === undefined ? {} : { VersionId: version };
}
