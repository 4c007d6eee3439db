import { z } from "zod";
import { loadTemporalConnection, type TemporalConnection } from "./config/temporal-connection.ts";
import { DocketError } from "./contract/failures.ts";
import { isNetwork } from "./contract/network.ts";
import { plainWords, problemsOf } from "./contract/plain-words.ts";

const optional = z.string().min(1).optional();
/** Timers count milliseconds in 31 bits (24 days); one that is set for longer goes off at once. */
const mostSeconds = 2_000_000;
const seconds = (fallback: number) => z.coerce.number().positive().max(mostSeconds).default(fallback);
const count = (fallback: number) => z.coerce.number().int().positive().default(fallback);

const path = z.string().regex(/^\//, "is an absolute path").optional();
const languages = z.string().regex(/^\w+(\+\w+)*$/, "is Tesseract's codes of languages, joined by +, as eng+deu");

/** A number for every region, or `region=number` pairs joined by commas. */
const byRegion = z
  .string()
  .regex(
    /^(\d+(\.\d+)?|[a-z0-9-]+=\d+(\.\d+)?(,[a-z0-9-]+=\d+(\.\d+)?)*)$/,
    "is a number, or region=number pairs joined by commas",
  )
  .transform((value, context): RegionSetting => {
    const numbers = new Map(
      value.split(",").map((part) => {
        const [first = "", second] = part.split("=");
        return second === undefined ? (["", Number(first)] as const) : ([first, Number(second)] as const);
      }),
    );
    if ([...numbers.values()].some((number) => number <= 0)) context.addIssue("is greater than 0");
    const every = numbers.get("");
    numbers.delete("");
    return { every, regions: Object.fromEntries(numbers) };
  })
  .optional();

const ocrVariables = {
  DOCKET_OCR_CONCURRENCY: count(1),
  DOCKET_OCR_MAX_MEGABYTES: count(50),
  DOCKET_OCR_MAX_PAGES: count(20),
  DOCKET_OCR_MAX_MEGAPIXELS: z.coerce.number().positive().default(9),
  DOCKET_OCR_MEMORY_MEBIBYTES: count(256),
  DOCKET_OCR_PAGE_SECONDS: seconds(60),
  DOCKET_OCR_DOCUMENT_SECONDS: seconds(1200),
  DOCKET_OCR_LANGUAGES: languages.optional(),
  // The older name of the same.
  DOCKET_OCR_LANGUAGE: languages.default("eng"),
  DOCKET_OCR_TESSERACT: path,
  DOCKET_OCR_DATA: path,
};

// Textract takes a topic of its own region only, so there may be one for each.
const topicArns = z
  .string()
  .default("")
  .transform((list) => list.split(",").flatMap((arn) => arn.trim() || []))
  .pipe(z.array(z.string().regex(/^arn:[a-z\d-]+:sns:[a-zA-Z\d-]{1,20}:\d{12}:.+$/, "is the ARN of an SNS topic")));

const networks = z
  .string()
  .default("")
  .transform((list) => list.split(",").flatMap((network) => network.trim() || []))
  .pipe(z.array(z.string().refine(isNetwork, "is a network such as 10.0.0.0/8")));

const databaseVariables = {
  DATABASE_URL: z.string().regex(/^postgres(ql)?:\/\//, "must be a postgresql:// address"),
  DOCKET_DATABASE_POOL: count(10),
};

const environmentSchema = z.object({
  ...databaseVariables,
  DOCKET_BUCKET: z.string().min(3),
  DOCKET_STAGING_BUCKET: z.string().min(3).optional(),
  DOCKET_KMS_KEY: optional,
  AWS_REGION: optional,
  AWS_DEFAULT_REGION: optional,
  AWS_ENDPOINT_URL_S3: optional,
  AWS_ENDPOINT_URL_TEXTRACT: optional,
  DOCKET_TEXTRACT_POLL_MIN_SECONDS: seconds(5),
  DOCKET_TEXTRACT_POLL_MAX_SECONDS: seconds(60),
  DOCKET_TEXTRACT_TOPIC_ARN: topicArns,
  DOCKET_TEXTRACT_ROLE_ARN: z
    .string()
    .regex(/^arn:[a-z\d-]+:iam::\d{12}:role\/\S+$/, "is the ARN of an IAM role")
    .optional(),
  DOCKET_TEXTRACT_NOTIFIED_POLL_SECONDS: seconds(300),
  DOCKET_TEXTRACT_NOTIFIED_POLL_MAX_SECONDS: seconds(3600),
  DOCKET_NOTIFICATION_QUEUE_URL: z.url("is the URL of an SQS queue").optional(),
  DOCKET_TEXTRACT_START_PER_SECOND: byRegion,
  DOCKET_TEXTRACT_GET_PER_SECOND: byRegion,
  DOCKET_TEXTRACT_JOBS: byRegion,
  DOCKET_WEBHOOK_NETWORKS: networks,
  ...ocrVariables,
  TEMPORAL_DEPLOYMENT_NAME: optional,
  TEMPORAL_WORKER_BUILD_ID: optional,
  DOCKET_SHUTDOWN_GRACE_SECONDS: seconds(10),
  DOCKET_HEALTH_HOST: z.union([z.ipv4(), z.ipv6()], "is an IP address").default("127.0.0.1"),
  DOCKET_HEALTH_PORT: z.coerce.number().int().min(0).max(65535).default(0),
  DOCKET_LOG_LEVEL: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
});

/** Limits of the local recogniser; a document above them is refused before anything is downloaded. */
export interface OcrLimits {
  maxBytes: number;
  maxPages: number;
  /** Pixels of one rasterised page. */
  maxPixels: number;
  /** Resident memory of the child process, bytes. */
  memoryBytes: number;
  pageMilliseconds: number;
  documentMilliseconds: number;
  /** Tesseract language codes, joined by `+`. */
  language: string;
  /** Path of a native `tesseract` that reads the pages; undefined: the WebAssembly build that comes with Docket. */
  tesseract?: string | undefined;
  /** Folder of trained data (`<code>.traineddata`, also with `.gz`); undefined: the npm packages. */
  trainedData?: string | undefined;
}

/** Where Textract tells that a job has ended: `NotificationChannel` of its Start operations. */
export interface NotificationChannel {
  /** An SNS topic in the region of the job. */
  topicArn: string;
  /** The IAM role that lets Textract publish there. */
  roleArn: string;
}

/** One version of a worker deployment, as Temporal's Worker Versioning names it. */
export interface WorkerVersion {
  deploymentName: string;
  buildId: string;
}

/** A number for each region: the one that names it, else the one for every region. */
export interface RegionSetting {
  every: number | undefined;
  regions: Record<string, number>;
}

/** Settings, validated once; every module below takes the part that it needs. */
export interface Config {
  database: { url: string; poolSize: number };
  temporal: TemporalConnection;
  /** `bucket` holds uploads and raw results. Endpoints are set for anything that is not AWS itself. */
  storage: {
    bucket: string;
    region: string;
    endpoint: string | undefined;
    /** Takes copies of documents from regions that Textract does not serve; itself in a region that it serves. */
    stagingBucket: string | undefined;
    /** KMS key (id, ARN or alias) that every object is encrypted with; undefined: as the bucket does by itself. */
    kmsKey?: string | undefined;
  };
  textract: {
    endpoint: string | undefined;
    /** The one region that an endpoint other than AWS' own serves. */
    endpointRegion: string;
    /** Delay between two looks at one job, milliseconds: grows from the first to the second. */
    pollMinMilliseconds: number;
    pollMaxMilliseconds: number;
    /**
     * Delay between two looks at a job whose end is notified, milliseconds, for the notification that is lost: doubles
     * from the first to the second.
     */
    notifiedPollMilliseconds: number;
    notifiedPollMaxMilliseconds: number;
    /** At most one for each region; empty: no notifications. */
    notificationChannels: NotificationChannel[];
    /** Requests a second of each operation in a region, over all workers; undefined: the region's quota. */
    startPerSecond: RegionSetting | undefined;
    getPerSecond: RegionSetting | undefined;
    /** Jobs at work at once in a region; undefined: the region's quota. */
    jobs: RegionSetting | undefined;
  };
  /** SQS queue that the topics deliver to; undefined: no worker reads notifications. */
  notifications: { queueUrl: string | undefined; region: string };
  /** Networks that webhooks may lead to although they are not public, as `10.0.0.0/8`. */
  webhooks: { networks: string[] };
  ocr: OcrLimits & { concurrency: number };
  worker: {
    /** Of Temporal's Worker Versioning; undefined: the worker is not versioned. */
    version: WorkerVersion | undefined;
    shutdownGraceMilliseconds: number;
    /** IP address that health and metrics listen on. */
    healthHost: string;
    healthPort: number;
    logLevel: string;
  };
}

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
      shutdownGraceMilliseconds: e.DOCKET_SHUTDOWN_GRACE_SECONDS * 1000,
      healthHost: e.DOCKET_HEALTH_HOST,
      healthPort: e.DOCKET_HEALTH_PORT,
      logLevel: e.DOCKET_LOG_LEVEL,
    },
  };
}

/** What is used of an AWS account, or of servers in its place. */
export type AccountSettings = Pick<Config, "storage" | "textract">;

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
