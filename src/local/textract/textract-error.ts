/**
 * HTTP status of each error, from the official service model: the two that it marks as the service's fault are 500,
 * everything else is 400 (API reference, "Errors" and "Common errors").
 */
const statusByName = {
  AccessDeniedException: 400,
  BadDocumentException: 400,
  DocumentTooLargeException: 400,
  IdempotentParameterMismatchException: 400,
  InternalServerError: 500,
  InvalidJobIdException: 400,
  InvalidKMSKeyException: 400,
  InvalidParameterException: 400,
  InvalidS3ObjectException: 400,
  LimitExceededException: 400,
  ProvisionedThroughputExceededException: 400,
  ThrottlingException: 500,
  UnsupportedDocumentException: 400,
  // Errors that every AWS JSON service knows and no model lists.
  ExpiredTokenException: 400,
  IncompleteSignatureException: 400,
  InvalidSignatureException: 400,
  MissingAuthenticationTokenException: 400,
  SerializationException: 400,
  ServiceUnavailableException: 503,
  UnknownOperationException: 400,
  UnrecognizedClientException: 400,
  ValidationException: 400,
  // Errors of SQS.
  InvalidParameterValueException: 400,
  QueueDoesNotExist: 400,
  ReceiptHandleIsInvalid: 400,
} as const;

export type TextractErrorName = keyof typeof statusByName;

/** Whether a name is one of {@link TextractErrorName}. */
export function isTextractErrorName(name: string): name is TextractErrorName {
  return Object.hasOwn(statusByName, name);
}

/** An error that goes to the caller as it is, under the name that AWS gives it. */
export class TextractError extends Error {
  readonly status: number;

  constructor(name: TextractErrorName, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.name = name;
    this.status = statusByName[name];
  }
}

// The sentences are Textract's own, as public reports of its errors quote them: programs compare with them. What was
// wrong in this request follows after them.
const ownSentences = {
  InvalidParameterException: "Request has invalid parameters",
  UnsupportedDocumentException: "Request has unsupported document format",
  InvalidJobIdException: "Request has invalid Job Id",
  LimitExceededException: "Open jobs exceed maximum concurrent job limit",
  ProvisionedThroughputExceededException: "Provisioned rate exceeded",
} as const;

/** One of Textract's errors in its own sentence, with a detail where there is one to tell. */
export function textractError(name: keyof typeof ownSentences, detail?: string): TextractError {
  return new TextractError(name, detail === undefined ? ownSentences[name] : `${ownSentences[name]}: ${detail}`);
}

/** The one answer for a missing object, a missing permission and a bucket elsewhere: Textract does not tell which. */
export function invalidS3Object(cause?: unknown): TextractError {
  const message = "Unable to get object metadata from S3. Check object key, region and/or access permissions.";
  return new TextractError("InvalidS3ObjectException", message, { cause });
}
