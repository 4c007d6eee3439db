import { requireReadable } from "../config/database-address.ts";
import { loadTemporalConnection } from "../config/temporal-connection.ts";
import { DocketError } from "../contract/failures.ts";
import type { AccessKey } from "./s3-bucket.ts";

/** S3 or Textract: ours, any server by its endpoint, or AWS itself. */
export type Service = { kind: "embedded" } | { kind: "endpoint"; endpoint: string } | { kind: "aws" };

/** Which services are configured, and which are ours. */
export interface ServiceChoice {
  /** PostgreSQL's address; null: ours. */
  databaseUrl: string | null;
  /** Temporal's address; null: ours. */
  temporalAddress: string | null;
  s3: Service;
  textract: Service;
  bucket: string;
  /** Whether the bucket is made when it is missing. */
  makesBucket: boolean;
  region: string;
  /** Keys for our S3; null: random ones. */
  accessKey: AccessKey | null;
}

const embeddedRegion = "us-east-1";
const defaultBucket = "docket";

/**
 * Reads from the environment what to use. AWS itself is used only where DOCKET_BUCKET names a bucket: credentials, a
 * profile or a region lie around on many machines and are no consent to spend money
 * (docs/decisions/0006-credentials-are-not-consent.md).
 * @throws {DocketError} `InvalidInput` for an AWS endpoint without a bucket, and for a database's address that cannot be read
 */
export function chooseServices(environment: NodeJS.ProcessEnv): ServiceChoice {
  // An empty variable is an unset one.
  const value = (name: string) => environment[name] || null;
  const databaseUrl = value("DATABASE_URL");
  if (databaseUrl !== null) requireReadable(databaseUrl);
  const bucket = value("DOCKET_BUCKET");
  const s3 = chooseS3(value("AWS_ENDPOINT_URL_S3"), bucket);
  const textract = chooseTextract(value("AWS_ENDPOINT_URL_TEXTRACT"), s3, bucket);
  const [accessKeyId, secretAccessKey] = [value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY")];
  // One pair of keys signs for both: a Textract of somebody else's knows the configured one.
  const sharesKeys = s3.kind === "embedded" && textract.kind === "endpoint";
  return {
    databaseUrl,
    temporalAddress: temporalAddress(environment),
    s3,
    textract,
    bucket: bucket ?? defaultBucket,
    makesBucket: s3.kind === "embedded" || (s3.kind === "endpoint" && bucket === null),
    region:
      s3.kind === "embedded" ? embeddedRegion : (value("AWS_REGION") ?? value("AWS_DEFAULT_REGION") ?? embeddedRegion),
    accessKey: sharesKeys && accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey } : null,
  };
}

/** Of the variable, or of a profile of temporal.toml that is named; null: ours. */
function temporalAddress(environment: NodeJS.ProcessEnv): string | null {
  const configured = ["TEMPORAL_ADDRESS", "TEMPORAL_PROFILE", "TEMPORAL_CONFIG_FILE"].some((name) => environment[name]);
  return configured ? loadTemporalConnection(environment).address : null;
}

function chooseS3(endpoint: string | null, bucket: string | null): Service {
  if (endpoint === null) return bucket === null ? { kind: "embedded" } : { kind: "aws" };
  if (bucket === null && isAws(endpoint)) {
    throw new DocketError("InvalidInput", "AWS_ENDPOINT_URL_S3 is AWS, and DOCKET_BUCKET names no bucket.", {
      remedy: "Set DOCKET_BUCKET to the bucket to use on AWS, or unset AWS_ENDPOINT_URL_S3 for the embedded S3.",
    });
  }
  return { kind: "endpoint", endpoint };
}

function chooseTextract(endpoint: string | null, s3: Service, bucket: string | null): Service {
  if (endpoint !== null) {
    if (bucket !== null || !isAws(endpoint)) return { kind: "endpoint", endpoint };
    throw new DocketError("InvalidInput", "AWS_ENDPOINT_URL_TEXTRACT is AWS, and DOCKET_BUCKET names no bucket.", {
      remedy: "Set DOCKET_BUCKET to the bucket to use on AWS, or unset AWS_ENDPOINT_URL_TEXTRACT for the local one.",
    });
  }
  // Amazon Textract reads from Amazon S3 only.
  const onAws = s3.kind === "aws" || (s3.kind === "endpoint" && isAws(s3.endpoint));
  return onAws ? { kind: "aws" } : { kind: "embedded" };
}

function isAws(endpoint: string): boolean {
  try {
    return /(^|\.)(amazonaws\.com|amazonaws\.com\.cn|api\.aws)$/.test(new URL(endpoint).hostname);
  } catch (error) {
    throw new DocketError("InvalidInput", `${endpoint} is not an address of a service.`, {
      remedy: "AWS_ENDPOINT_URL_S3 and AWS_ENDPOINT_URL_TEXTRACT are http:// or https:// addresses.",
      cause: error,
    });
  }
}
