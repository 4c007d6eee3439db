import { DocketError, type FailureType } from "../contract/failures.ts";

// One row for each error of the Textract API (API reference, "Errors" of each operation).
const typesByErrorName: Record<string, FailureType> = {
  ProvisionedThroughputExceededException: "TextractThrottled",
  ThrottlingException: "TextractThrottled",
  LimitExceededException: "TextractNoSlot",
  InternalServerError: "TextractUnavailable",
  ServiceUnavailableException: "TextractUnavailable",
  InvalidS3ObjectException: "ObjectMissing",
  InvalidKMSKeyException: "InvalidKmsKey",
  AccessDeniedException: "AccessDenied",
  UnrecognizedClientException: "AccessDenied",
  InvalidSignatureException: "AccessDenied",
  MissingAuthenticationTokenException: "AccessDenied",
  ExpiredTokenException: "CredentialsUnavailable",
  CredentialsProviderError: "CredentialsUnavailable",
  RequestTimeTooSkewed: "CredentialsUnavailable",
  RequestExpired: "CredentialsUnavailable",
  InvalidParameterException: "TextractRefused",
  ValidationException: "TextractRefused",
  UnsupportedDocumentException: "UnsupportedMedia",
  BadDocumentException: "Corrupt",
  DocumentTooLargeException: "TooLarge",
  IdempotentParameterMismatchException: "TokenMismatch",
  InvalidJobIdException: "TextractJobExpired",
};

/**
 * Turns an error of the Textract client into a typed failure. What has no name of Textract's own is the network or a
 * server's trouble, and is tried again.
 * @param document how the message names the document
 */
export function textractFailure(error: unknown, document: string): DocketError {
  if (error instanceof DocketError) return error;
  const {
    name = "Error",
    message = "",
    code,
    $metadata,
  } = (error ?? {}) as {
    name?: string;
    message?: string;
    code?: string;
    $metadata?: { httpStatusCode?: number };
  };
  // An error's answer that breaks off in its body has the status of a refusal, and nobody knows which.
  const brokenOff = name === "TimeoutError" || code === "ECONNRESET";
  const status = brokenOff ? undefined : $metadata?.httpStatusCode;
  const known = typesByErrorName[name];
  const refused = status !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 429;
  const type = known ?? (refused ? "TextractRefused" : "TextractUnavailable");
  // Textract gives this one error for a missing object, a missing permission and a bucket elsewhere; the checks
  // before the submission tell them apart, so what is left is an object that changed since then.
  const hint =
    name === "InvalidS3ObjectException" ? " (object, permission or region changed since it was checked)" : "";
  return new DocketError(type, `Textract, ${document}: ${name}: ${message}${hint}`, { cause: error });
}
