/**
 * The one table of failure types. A failure names its type, the document, the cause and the remedy; whether it is
 * tried again follows from its `retry` and from nothing else.
 *
 * - `never`: permanent until the input or a setting changes.
 * - `policy`: the retry policy of the activity's class of work decides how often and how fast.
 * - `limited`: like `policy`, but at most {@link limitedAttempts} such failures: it may well be a defect.
 * - `wait`: nothing failed, something is not there yet; waiting uses up no attempts.
 * - `new-attempt`: the Textract job is gone; the workflow submits again under a new token.
 */
export type RetryRule = "never" | "policy" | "limited" | "wait" | "new-attempt";

/** Failures of one activity, in one worker process, after which a `limited` failure is final. */
export const limitedAttempts = 5;

interface FailureRow {
  retry: RetryRule;
  /** What a person can do about it; used where the failing code knows nothing more precise. */
  remedy: string;
}

export const failureTable = {
  InvalidInput: { retry: "never", remedy: "Correct the workflow's input; docs/contract.md lists its fields." },
  FileUnreadable: { retry: "never", remedy: "Correct the file's path or its permissions, then hand it in again." },
  ProjectMissing: { retry: "never", remedy: "Start the document's workflow again; it makes the project row itself." },
  RecordMissing: { retry: "never", remedy: "Start the document's workflow again; it makes the record itself." },
  MetadataMissing: { retry: "never", remedy: "Start the document's workflow again; it writes the metadata itself." },
  ObjectMissing: { retry: "never", remedy: "Upload the object, or correct bucket and key, then submit again." },
  ObjectForbidden: {
    retry: "never",
    remedy: "Allow s3:GetObject and s3:ListBucket on the bucket for the credentials that the workers use.",
  },
  ObjectChanged: {
    retry: "never",
    remedy: "The object was replaced after hand-in; submit it again as a new document.",
  },
  BucketMissing: { retry: "never", remedy: "Create the bucket or correct its name." },
  BucketInOtherRegion: {
    retry: "never",
    remedy: "Let the workers reach Textract in the bucket's region, or copy the object to a bucket in another region.",
  },
  TextractUnavailableInRegion: {
    retry: "never",
    remedy:
      "Set DOCKET_STAGING_BUCKET to a bucket in a region that Textract serves: the workers then copy such documents " +
      "there while they are read. Or copy the object yourself.",
  },
  Encrypted: { retry: "never", remedy: "Remove the password from the PDF and submit it again." },
  XfaForm: { retry: "never", remedy: "Print the XFA form to a plain PDF and submit that." },
  TooManyPages: { retry: "never", remedy: "Split the document below the engine's page limit." },
  TooLarge: { retry: "never", remedy: "Split or compress the document below the engine's size limit." },
  PageTooLarge: { retry: "never", remedy: "Scale the page below the engine's limit (Textract: 40 inches a side)." },
  UnsupportedMedia: { retry: "never", remedy: "Convert the document to PDF, TIFF, JPEG or PNG." },
  Corrupt: { retry: "never", remedy: "Open the document in its own program, save it again, and submit the new file." },
  AccessDenied: { retry: "never", remedy: "Give the workers' credentials the permission that the message names." },
  InvalidKmsKey: { retry: "never", remedy: "Allow the credentials to use the KMS key, or correct the key's id." },
  TextractRefused: { retry: "never", remedy: "Textract refused the request as it stands; the message says why." },
  TokenMismatch: {
    retry: "never",
    remedy: "The same token was used with other parameters; run `docket submit --force` to start a new attempt.",
  },
  TextractJobFailed: { retry: "never", remedy: "Submit again with --force: a new attempt is billed again." },
  TextractJobExpired: { retry: "new-attempt", remedy: "Results live seven days; a new attempt is made and billed." },
  TextractThrottled: { retry: "policy", remedy: "Wait, or ask AWS for a higher rate in Service Quotas." },
  TextractNoSlot: { retry: "wait", remedy: "Wait: all concurrent jobs are in use; Service Quotas can raise them." },
  TextractInProgress: { retry: "wait", remedy: "Wait: Textract is still at work." },
  TextractUnavailable: { retry: "policy", remedy: "Wait: Textract or the network to it does not answer." },
  CredentialsUnavailable: {
    retry: "policy",
    remedy: "Wait, or mend the workers' AWS credentials (or the machine's clock): the work goes on by itself.",
  },
  StorageRefused: { retry: "limited", remedy: "Check bucket, key, version and credentials: S3 refuses the request." },
  ResultsNotWritable: {
    retry: "never",
    remedy: "Allow s3:PutObject on DOCKET_BUCKET (and its KMS key) for the workers' credentials, then submit again.",
  },
  BatchWaiting: { retry: "wait", remedy: "Wait: the batch goes on when documents of it end, or when it is resumed." },
  BudgetReached: {
    retry: "wait",
    remedy: "Raise the cap with `docket budget PROJECT --cap USD`, or wait for the next month of a monthly budget.",
  },
  BreakerOpen: {
    retry: "wait",
    remedy: "Wait for the next probe, or cure the cause and run `docket breakers --reset NAME`.",
  },
  DocumentRefused: {
    retry: "never",
    remedy: "Cure the cause of the last failure, then wait for the time in the message, or submit again with --force.",
  },
  DocumentUnderWay: {
    retry: "never",
    remedy: "Hand it in again when that has ended (`docket watch ID` tells when); `docket submit --wait` does both.",
  },
  StorageUnavailable: { retry: "policy", remedy: "Wait: S3 or the network to it does not answer." },
  DatabaseUnavailable: { retry: "policy", remedy: "Start PostgreSQL or correct DATABASE_URL; the work waits." },
  MigrationsMissing: { retry: "never", remedy: "Apply the migrations with `docket setup`, then ask again." },
  TemporalUnavailable: { retry: "policy", remedy: "Start the Temporal server or correct TEMPORAL_ADDRESS." },
  PayloadUnreadable: {
    retry: "policy",
    remedy:
      "Give this process every key that is in use (DOCKET_PAYLOAD_KEYS, the one that encrypts first), and start it " +
      "again: what waits goes on by itself.",
  },
  PagesMissing: {
    retry: "never",
    remedy: "Submit the document again: only the pages that are missing are read, and paid, once more.",
  },
  PagesFailed: {
    retry: "never",
    remedy:
      "Look at the named pages; the others are kept. Submitting again reads the missing ones only, and pays them where " +
      "Textract reads.",
  },
  LocalLimitExceeded: { retry: "never", remedy: "Use the engine textract, or raise the local limits (DOCKET_OCR_*)." },
  OutOfMemory: { retry: "never", remedy: "The page does not fit the recogniser's memory limit; use textract." },
  OutOfTime: { retry: "never", remedy: "Recognition ran out of time; use textract or raise DOCKET_OCR_PAGE_SECONDS." },
  RecognizerCrashed: { retry: "limited", remedy: "Run again; if the same page crashes again, use textract." },
  WebhookUnanswered: {
    retry: "policy",
    remedy: "Wait, or mend the receiver: it is tried for three days; `docket webhook test` asks it now.",
  },
  WebhookRefused: {
    retry: "never",
    remedy:
      "Give an https:// address on the public internet, or name the receiver's network in DOCKET_WEBHOOK_NETWORKS; " +
      "`docket webhook remove` ends it.",
  },
  Superseded: { retry: "never", remedy: "A newer run owns the document: look at that one (`docket status ID`)." },
  Cancelled: { retry: "never", remedy: "Cancelled on request; submit the document again to go on." },
  Internal: { retry: "limited", remedy: "A defect in Docket: report it with the message and the document's id." },
} as const satisfies Record<string, FailureRow>;

/** The type of a failure; its row in {@link failureTable} says whether it is retried and how it is cured. */
export type FailureType = keyof typeof failureTable;

/** A page of which no text is known, although the others of its document were read. */
export interface MissingPage {
  /** 1-based. */
  page: number;
  /** Textract's warning code for the page, null where it said nothing; of local recognition the type of its failure. */
  warning: string | null;
}

/** A failure as workflows, the database and the CLI carry it. */
export interface Failure {
  type: FailureType;
  /** Names the document and the cause. */
  message: string;
  /** What a person can do. */
  remedy: string;
  /** Of an incomplete document: the pages that it lacks. The text of the others is kept. */
  missingPages?: MissingPage[];
}

/** A typed failure as an exception: the only kind that the modules below the activities throw on purpose. */
export class DocketError extends Error {
  readonly type: FailureType;
  readonly remedy: string;
  readonly missingPages: MissingPage[] | undefined;

  constructor(
    type: FailureType,
    message: string,
    options: { remedy?: string; cause?: unknown; missingPages?: MissingPage[] } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = "DocketError";
    this.type = type;
    this.remedy = options.remedy ?? failureTable[type].remedy;
    this.missingPages = options.missingPages;
  }

  /** The exception as plain data. */
  toFailure(): Failure {
    const { type, message, remedy, missingPages } = this;
    return { type, message, remedy, ...(missingPages === undefined ? {} : { missingPages }) };
  }
}

/** Whether a string is one of the failure types. */
export function isFailureType(value: unknown): value is FailureType {
  return typeof value === "string" && Object.hasOwn(failureTable, value);
}
