import { DocketError, type FailureType } from "../contract/failures.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import { describe } from "./object-names.ts";

interface AwsErrorShape {
  name?: string;
  message?: string;
  code?: string;
  $metadata?: { httpStatusCode?: number };
}

/**
 * Turns an error of the S3 client into a typed failure. HEAD requests answer without a body, so the status code is
 * often all there is: 404 for missing, 403 for forbidden, and 403 for missing too where the credentials may not list
 * the bucket. A 400 alone says nothing: whoever gets one asks again by a request whose answer has a body.
 * @throws {DocketError} always
 */
export function storageFailure(error: unknown, location: DocumentLocation): never {
  if (error instanceof DocketError) throw error;
  const { name, message, $metadata } = (error ?? {}) as AwsErrorShape;
  const at = location.key === "" ? `bucket ${location.bucket}` : describe(location);
  const cause = [name, message].filter((part) => part && part !== "UnknownError").join(": ");
  const archived = name === "InvalidObjectState";
  const type = typeOf(name, $metadata?.httpStatusCode, location);
  const words = plainWords[type];
  const what = words === undefined ? cause || "no answer" : cause === "" ? words : `${words} (${cause})`;
  throw new DocketError(type, `${at}: ${what}`, {
    cause: error,
    ...(archived ? { remedy: "The object is archived: restore it in S3, then submit again." } : {}),
  });
}

/** Where S3 has a code only, or a status without a body. */
const plainWords: Partial<Record<FailureType, string>> = {
  BucketMissing: "there is no such bucket",
  ObjectMissing: "there is no such object",
};

/** Credentials that are not there yet or not any more, and a clock that is off: it passes, or somebody mends it. */
export const credentialErrors = new Set([
  ...["CredentialsProviderError", "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"],
  ...["RequestTimeTooSkewed", "RequestExpired"],
]);

function typeOf(name: string | undefined, status: number | undefined, location: DocumentLocation): FailureType {
  if (name === "NoSuchBucket") return "BucketMissing";
  if (name === "NoSuchKey" || name === "NoSuchVersion") return "ObjectMissing";
  if (name === "PermanentRedirect" || name === "AuthorizationHeaderMalformed" || status === 301) {
    return "BucketInOtherRegion";
  }
  if (name === "SlowDown" || name === "RequestTimeout") return "StorageUnavailable";
  if (credentialErrors.has(name ?? "")) return "CredentialsUnavailable";
  // The version that was named is a mark of deletion.
  if (status === 405 && location.key !== "") return "ObjectMissing";
  // Asked for by its entity tag, and another object is there by now.
  if (status === 412) return "ObjectChanged";
  if (status === 404) return location.key === "" ? "BucketMissing" : "ObjectMissing";
  if (status === 403) return "ObjectForbidden";
  // The client sends nothing that no address can be made of.
  if (name === "InvalidBucketName" || name === "EndpointError") return "StorageRefused";
  const passing = status === undefined || status >= 500 || status === 408 || status === 409 || status === 429;
  return passing ? "StorageUnavailable" : "StorageRefused";
}
