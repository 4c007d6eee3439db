import { DocketError, type FailureType } from "../../contract/failures.ts";
import { TextractError, type TextractErrorName, textractError } from "./textract-error.ts";

interface FailureName {
  /** What a synchronous operation answers. */
  error: TextractErrorName;
  /** How a job's status message begins; the code of a warning. */
  code: string;
}

const unsupported: FailureName = { error: "UnsupportedDocumentException", code: "UNSUPPORTED_DOCUMENT" };
const tooLarge: FailureName = { error: "DocumentTooLargeException", code: "DOCUMENT_TOO_LARGE" };
const object: FailureName = { error: "InvalidS3ObjectException", code: "INVALID_S3_OBJECT" };

// Textract publishes no list of its status messages and warning codes; the codes here are ours.
const namesByType: Partial<Record<FailureType, FailureName>> = {
  Encrypted: unsupported,
  XfaForm: unsupported,
  UnsupportedMedia: unsupported,
  Corrupt: { error: "BadDocumentException", code: "BAD_DOCUMENT" },
  PageTooLarge: { error: "BadDocumentException", code: "PAGE_TOO_LARGE" },
  TooManyPages: tooLarge,
  TooLarge: tooLarge,
  LocalLimitExceeded: tooLarge,
  ObjectMissing: object,
  ObjectForbidden: object,
  ObjectChanged: object,
  BucketMissing: object,
  BucketInOtherRegion: object,
};

const unknown: FailureName = { error: "InternalServerError", code: "INTERNAL_ERROR" };

/** The code of a page's failure, for a job's warnings. */
export function warningCode(type: FailureType): string {
  return (namesByType[type] ?? unknown).code;
}

/** Why a job failed, for its StatusMessage. */
export function statusMessage(error: unknown): string {
  const code = error instanceof DocketError ? warningCode(error.type) : unknown.code;
  return `${code}: ${error instanceof Error ? error.message : String(error)}`;
}

/** A failure of reading a document, as a synchronous operation answers it. */
export function synchronousError(error: unknown): TextractError {
  if (error instanceof TextractError) return error;
  if (!(error instanceof DocketError)) return new TextractError(unknown.error, String(error), { cause: error });
  // A second page is an unsupported format to synchronous operations (aws-sdk-js-v3#7124).
  const { error: name } = error.type === "TooManyPages" ? unsupported : (namesByType[error.type] ?? unknown);
  if (name === "UnsupportedDocumentException") return textractError(name, error.message);
  return new TextractError(name, error.message, { cause: error });
}
