import { z } from "zod";
import { databaseVariables, environmentSchema, ocrVariables } from "./config/environment-schema.ts";
import type { AccountSettings, Config, NotificationChannel } from "./config/settings.ts";
import { loadTemporalConnection } from "./config/temporal-connection.ts";
import { DocketError } from "./contract/failures.ts";
import { plainWords, problemsOf } from "./contract/plain-words.ts";

export type * from "./config/settings.ts";

/**
 * Reads the settings from environment variables.
 * @throws {DocketError} `InvalidInput`, naming every variable that is wrong and what it should be.
 */
export function loadConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const e = parse(environmentSchema, environment);
  return {
    database: { url: e.DATABASE_URL, poolSize: e.DOCKET_DATABASE_POOL },
    temporal: loadTemporalConnection(environment),
    ...accountSettings(e),
    notifications: {
      queueUrl: e.DOCKET_NOTIFICATION_QUEUE_URL,
      region: queueRegion(e.DOCKET_NOTIFICATION_QUEUE_URL) ?? regionOf(e),
    },
    webhooks: { networks: e.DOCKET_WEBHOOK_NETWORKS },
    ocr: ocrSettings(e),
    worker: {
      version: workerVersion(e.TEMPORAL_DEPLOYMENT_NAME, e.TEMPORAL_WORKER_BUILD_ID),
      listsAfterMilliseconds: e.DOCKET_LIST_AFTER_SECONDS * 1000,
      shutdownGraceMilliseconds: e.DOCKET_SHUTDOWN_GRACE_SECONDS * 1000,
      healthHost: e.DOCKET_HEALTH_HOST,
      healthPort: e.DOCKET_HEALTH_PORT,
      logLevel: e.DOCKET_LOG_LEVEL,
    },
  };
}

/**
 * The settings of bucket and Textract alone, where no database is named; the others must be right all the same.
 * @throws {DocketError} as {@link loadConfig}
 */
export function loadAccountSettings(environment: NodeJS.ProcessEnv = process.env): AccountSettings {
  return accountSettings(parse(environmentSchema.omit({ DATABASE_URL: true }), environment));
}

/** The AWS command line reads the second name, the SDKs the first: whoever has set one means it. */
function regionOf(e: Pick<z.infer<typeof environmentSchema>, "AWS_REGION" | "AWS_DEFAULT_REGION">): string {
  return e.AWS_REGION ?? e.AWS_DEFAULT_REGION ?? "us-east-1";
}

function accountSettings(e: Omit<z.infer<typeof environmentSchema>, "DATABASE_URL">): AccountSettings {
  return {
    storage: {
      bucket: e.DOCKET_BUCKET,
      region: regionOf(e),
      endpoint: e.AWS_ENDPOINT_URL_S3,
      stagingBucket: e.DOCKET_STAGING_BUCKET,
      kmsKey: e.DOCKET_KMS_KEY,
    },
    textract: {
      endpoint: e.AWS_ENDPOINT_URL_TEXTRACT,
      endpointRegion: regionOf(e),
      pollMinMilliseconds: e.DOCKET_TEXTRACT_POLL_MIN_SECONDS * 1000,
      pollMaxMilliseconds: e.DOCKET_TEXTRACT_POLL_MAX_SECONDS * 1000,
      notifiedPollMilliseconds: e.DOCKET_TEXTRACT_NOTIFIED_POLL_SECONDS * 1000,
      notifiedPollMaxMilliseconds: e.DOCKET_TEXTRACT_NOTIFIED_POLL_MAX_SECONDS * 1000,
      notificationChannels: notificationChannels(e.DOCKET_TEXTRACT_TOPIC_ARN, e.DOCKET_TEXTRACT_ROLE_ARN),
      startPerSecond: e.DOCKET_TEXTRACT_START_PER_SECOND,
      getPerSecond: e.DOCKET_TEXTRACT_GET_PER_SECOND,
      jobs: e.DOCKET_TEXTRACT_JOBS,
    },
  };
}

/**
 * The recogniser's settings alone: it needs no service, so none has to be named.
 * @throws {DocketError} as {@link loadConfig}
 */
export function loadOcrSettings(environment: NodeJS.ProcessEnv = process.env): Config["ocr"] {
  return ocrSettings(parse(z.object(ocrVariables), environment));
}

/**
 * The database's settings alone.
 * @throws {DocketError} as {@link loadConfig}
 */
export function loadDatabaseSettings(environment: NodeJS.ProcessEnv = process.env): Config["database"] {
  const e = parse(z.object(databaseVariables), environment);
  return { url: e.DATABASE_URL, poolSize: e.DOCKET_DATABASE_POOL };
}

function parse<Schema extends z.ZodType>(schema: Schema, environment: NodeJS.ProcessEnv): z.infer<Schema> {
  const present = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  const parsed = schema.safeParse(present, { error: plainWords });
  if (parsed.success) return parsed.data;
  throw new DocketError("InvalidInput", `The settings are not complete: ${problemsOf(parsed.error, "they")}.`, {
    remedy: "Set the named variables (docs/configuration.md lists all), or use `docket up`, which sets them itself.",
  });
}

/** @throws {DocketError} `InvalidInput` for topics without a role, and for two topics in one region */
function notificationChannels(topicArns: readonly string[], roleArn: string | undefined): NotificationChannel[] {
  const regions = topicArns.map((arn) => arn.split(":")[3]);
  const problem =
    topicArns.length > 0 !== (roleArn !== undefined)
      ? "DOCKET_TEXTRACT_TOPIC_ARN and DOCKET_TEXTRACT_ROLE_ARN go together"
      : new Set(regions).size < regions.length
        ? "DOCKET_TEXTRACT_TOPIC_ARN names two topics of one region"
        : null;
  if (problem === null) return topicArns.map((topicArn) => ({ topicArn, roleArn: roleArn ?? "" }));
  throw new DocketError("InvalidInput", `The environment is not complete: ${problem}.`, {
    remedy: "Set the topic (one for each region, joined by commas) and the role, or neither (docs/configuration.md).",
  });
}

/** @throws {DocketError} `InvalidInput` for one of the two alone: such a worker would take work that is not its own */
function workerVersion(deploymentName: string | undefined, buildId: string | undefined): Config["worker"]["version"] {
  if (deploymentName !== undefined && buildId !== undefined) return { deploymentName, buildId };
  if (deploymentName === buildId) return undefined;
  throw new DocketError(
    "InvalidInput",
    "The settings are not complete: TEMPORAL_DEPLOYMENT_NAME and TEMPORAL_WORKER_BUILD_ID go together.",
    { remedy: "Set both for a worker with a version, or neither (docs/operations.md)." },
  );
}

/** Region in the host name of a queue of AWS itself; undefined for any other server. */
function queueRegion(url: string | undefined): string | undefined {
  if (url === undefined) return undefined;
  return /^(?:sqs\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.(?:queue\.)?amazonaws\.com/.exec(new URL(url).hostname)?.[1];
}

function ocrSettings(e: z.infer<z.ZodObject<typeof ocrVariables>>): Config["ocr"] {
  return {
    concurrency: e.DOCKET_OCR_CONCURRENCY,
    maxBytes: e.DOCKET_OCR_MAX_MEGABYTES * 1_000_000,
    maxPages: e.DOCKET_OCR_MAX_PAGES,
    maxPixels: e.DOCKET_OCR_MAX_MEGAPIXELS * 1_000_000,
    memoryBytes: e.DOCKET_OCR_MEMORY_MEBIBYTES * 1024 * 1024,
    pageMilliseconds: e.DOCKET_OCR_PAGE_SECONDS * 1000,
    documentMilliseconds: e.DOCKET_OCR_DOCUMENT_SECONDS * 1000,
    language: e.DOCKET_OCR_LANGUAGES ?? e.DOCKET_OCR_LANGUAGE,
    tesseract: e.DOCKET_OCR_TESSERACT,
    trainedData: e.DOCKET_OCR_DATA,
  };
}
