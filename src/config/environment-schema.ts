import { z } from "zod";
import { isNetwork } from "../contract/network.ts";
import { addressProblem } from "./database-address.ts";
import type { RegionSetting } from "./settings.ts";

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

/** The recogniser's alone. */
export const ocrVariables = {
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

/** The database's alone. */
export const databaseVariables = {
  DATABASE_URL: z.string().superRefine((address, context) => {
    const problem = addressProblem(address);
    if (problem !== null) context.addIssue(problem);
  }),
  DOCKET_DATABASE_POOL: count(10),
};

/** Every variable of a worker, each with what it must be and its default. */
export const environmentSchema = z.object({
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
  DOCKET_LIST_AFTER_SECONDS: z.coerce.number().min(0).max(86_400).default(30),
  DOCKET_SHUTDOWN_GRACE_SECONDS: seconds(10),
  DOCKET_HEALTH_HOST: z.union([z.ipv4(), z.ipv6()], "is an IP address").default("127.0.0.1"),
  DOCKET_HEALTH_PORT: z.coerce.number().int().min(0).max(65535).default(0),
  DOCKET_LOG_LEVEL: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
});
