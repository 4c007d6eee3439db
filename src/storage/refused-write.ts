import { DocketError } from "../contract/failures.ts";

/** Whose credentials S3 is asked with, as remedies name them. */
export type CredentialsOf = "the workers" | "this command";

/**
 * What becomes of a write that failed: one that is forbidden names what has to be allowed, where, and to whom; everything
 * else stays as it is.
 */
export function refusedWrite(
  failure: unknown,
  { bucket, key }: { bucket: string; key: string },
  { kmsKey, credentialsOf = "the workers" }: { kmsKey?: string | undefined; credentialsOf?: CredentialsOf | undefined },
): unknown {
  if (!(failure instanceof DocketError) || failure.type !== "ObjectForbidden") return failure;
  // Policies allow a prefix, as docs/iam-policy.md has them.
  const place = key.includes("/") ? `${bucket}/${key.split("/", 1)[0]}/*` : `${bucket}/*`;
  const encryption = kmsKey === undefined ? "the bucket's KMS key, where it has one" : `DOCKET_KMS_KEY (${kmsKey})`;
  return new DocketError(failure.type, failure.message, {
    remedy:
      `Allow s3:PutObject on ${place}, and kms:GenerateDataKey and kms:Decrypt on ${encryption}, for the credentials of ` +
      `${credentialsOf} (docs/iam-policy.md).`,
    cause: failure,
  });
}
