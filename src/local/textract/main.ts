import { z } from "zod";
import { loadOcrSettings } from "../../config.ts";
import { plainWords, problemsOf } from "../../contract/plain-words.ts";
import { keepYoungBuffersFew } from "../../media/young-buffers.ts";
import { startLocalTextract } from "./server.ts";

// The endpoint as a process of its own, set up by environment variables: docs/local-textract.md lists them.

keepYoungBuffersFew();

const rate = z.coerce.number().positive().optional();
const schema = z.object({
  DOCKET_LOCAL_TEXTRACT_PORT: z.coerce.number().int().min(0).max(65535).default(0),
  DOCKET_LOCAL_TEXTRACT_DATA: z.string().min(1),
  DOCKET_LOCAL_TEXTRACT_REGION: z.string().optional(),
  DOCKET_LOCAL_TEXTRACT_CONCURRENCY: z.coerce.number().int().positive().optional(),
  DOCKET_LOCAL_TEXTRACT_MAX_OPEN_JOBS: z.coerce.number().int().positive().optional(),
  DOCKET_LOCAL_TEXTRACT_START_PER_SECOND: rate,
  DOCKET_LOCAL_TEXTRACT_GET_PER_SECOND: rate,
  DOCKET_LOCAL_TEXTRACT_RETENTION_SECONDS: z.coerce.number().positive().optional(),
  AWS_REGION: z.string().default("us-east-1"),
  AWS_ENDPOINT_URL_S3: z.string().optional(),
  AWS_ACCESS_KEY_ID: z.string().min(1),
  AWS_SECRET_ACCESS_KEY: z.string().min(1),
  AWS_SESSION_TOKEN: z.string().optional(),
});

const present = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ""));
const parsed = schema.safeParse(present, { error: plainWords });
if (!parsed.success) {
  console.error(`The settings are not complete: ${problemsOf(parsed.error, "they")}.`);
  process.exit(1);
}
const e = parsed.data;
const start = e.DOCKET_LOCAL_TEXTRACT_START_PER_SECOND;
const get = e.DOCKET_LOCAL_TEXTRACT_GET_PER_SECOND;
const set = <Key extends string, Value>(key: Key, value: Value | undefined) =>
  (value === undefined ? {} : { [key]: value }) as Partial<Record<Key, Value>>;

const endpoint = await startLocalTextract({
  dataFolder: e.DOCKET_LOCAL_TEXTRACT_DATA,
  port: e.DOCKET_LOCAL_TEXTRACT_PORT,
  region: e.DOCKET_LOCAL_TEXTRACT_REGION ?? e.AWS_REGION,
  credentials: [
    {
      accessKeyId: e.AWS_ACCESS_KEY_ID,
      secretAccessKey: e.AWS_SECRET_ACCESS_KEY,
      sessionToken: e.AWS_SESSION_TOKEN,
    },
  ],
  s3: { endpoint: e.AWS_ENDPOINT_URL_S3 },
  requestRates: {
    ...set("StartDocumentTextDetection", start),
    ...set("StartDocumentAnalysis", start),
    ...set("GetDocumentTextDetection", get),
    ...set("GetDocumentAnalysis", get),
  },
  ...set("concurrency", e.DOCKET_LOCAL_TEXTRACT_CONCURRENCY),
  ...set("maxOpenJobs", e.DOCKET_LOCAL_TEXTRACT_MAX_OPEN_JOBS),
  ...set("retentionMilliseconds", milliseconds(e.DOCKET_LOCAL_TEXTRACT_RETENTION_SECONDS)),
  ...readingSettings(),
}).catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});

let stopping = false;
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => {
    // Whoever asks twice does not want to wait; jobs survive that as well.
    if (stopping) process.exit(1);
    stopping = true;
    void endpoint.stop().then(() => process.exit(0));
  });
}
console.log(JSON.stringify({ listening: endpoint.address }));

function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1000;
}

/** What reads pages that have no text layer is set as for Docket's own recognition. */
function readingSettings() {
  try {
    const { memoryBytes, language, tesseract, trainedData } = loadOcrSettings();
    return { memoryBytes, language, tesseract, trainedData };
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}
