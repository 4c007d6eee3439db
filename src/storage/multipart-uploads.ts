import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  type MultipartUpload,
  type Part,
  type S3Client,
} from "@aws-sdk/client-s3";
import { storageFailure } from "./storage-failure.ts";

/** Parts of one upload that S3 takes. */
export const mostParts = 10_000;

/** The newest upload of the key that is under way, with its parts; null where none is, or nobody may look. */
export async function findUpload(
  client: S3Client,
  { bucket: Bucket, key: Key }: { bucket: string; key: string },
): Promise<{ id: string; parts: Map<number, Part> } | null> {
  try {
    const own = (await listUploads(client, Bucket, Key)).filter((upload) => upload.Key === Key);
    own.sort((a, b) => Number(b.Initiated ?? 0) - Number(a.Initiated ?? 0));
    const UploadId = own[0]?.UploadId;
    if (UploadId === undefined) return null;
    const parts = new Map<number, Part>();
    let after: string | undefined;
    do {
      const page = await client.send(new ListPartsCommand({ Bucket, Key, UploadId, PartNumberMarker: after }));
      for (const part of page.Parts ?? []) parts.set(part.PartNumber ?? 0, part);
      after = page.IsTruncated ? page.NextPartNumberMarker : undefined;
    } while (after !== undefined && parts.size < mostParts);
    return { id: UploadId, parts };
  } catch (error) {
    // Without the permission to list, or at a server that cannot, everything is sent anew.
    if (mayNotList(error)) return null;
    throw error;
  }
}

/**
 * Ends every upload under way whose key begins with a prefix, and frees what was sent of it. Without the permission to
 * list them, or at a server that cannot, they are left to the bucket's lifecycle rule.
 * @returns how many there were
 */
export async function abortUploads(client: S3Client, bucket: string, prefix: string): Promise<number> {
  const found = await listUploads(client, bucket, prefix);
  for (const { Key, UploadId } of found) {
    await client
      .send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }))
      .catch((error) => isGone(error) || storageFailure(error, { bucket, key: Key ?? prefix }));
  }
  return found.length;
}

/** At most a thousand, which no prefix of one document has. */
async function listUploads(client: S3Client, bucket: string, prefix: string): Promise<MultipartUpload[]> {
  try {
    const { Uploads: uploads = [] } = await client.send(
      new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }),
    );
    return uploads.filter(({ Key, UploadId }) => Key?.startsWith(prefix) && UploadId !== undefined);
  } catch (error) {
    if (mayNotList(error)) return [];
    return storageFailure(error, { bucket, key: "" });
  }
}

/** Whether an upload was completed or removed meanwhile. */
export function isGone(error: unknown): boolean {
  return (error as { name?: string } | null)?.name === "NoSuchUpload";
}

function mayNotList(error: unknown): boolean {
  const status = (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata?.httpStatusCode;
  return isGone(error) || status === 403 || status === 405 || status === 501;
}
