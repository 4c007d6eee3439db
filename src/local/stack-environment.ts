import type { ServiceChoice } from "./choose-services.ts";
import type { EmbeddedS3 } from "./s3.ts";

/** Variables that lead to the database. */
export function databaseVariables(url: string): Record<string, string> {
  return { DATABASE_URL: url };
}

/** Variables that lead to Temporal. */
export function temporalVariables(address: string): Record<string, string> {
  return { TEMPORAL_ADDRESS: address };
}

/**
 * Variables that lead to S3. Credentials only for a server of ours: the user's own stay where they are and are written
 * down nowhere.
 */
export function storageVariables(choice: ServiceChoice, s3: EmbeddedS3 | null): Record<string, string> {
  // Amazon's SDKs do not agree on the name: boto3 and the AWS CLI read only the second.
  const common = { DOCKET_BUCKET: choice.bucket, AWS_REGION: choice.region, AWS_DEFAULT_REGION: choice.region };
  if (s3 === null) {
    return choice.s3.kind === "endpoint" ? { ...common, AWS_ENDPOINT_URL_S3: choice.s3.endpoint } : common;
  }
  return {
    ...common,
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_ACCESS_KEY_ID: s3.accessKey.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.accessKey.secretAccessKey,
    // What the user has for AWS must not mix with these keys: a profile would win over them, a token spoil signatures,
    // and endpoints of AWS's own kinds cannot be loopback addresses.
    AWS_PROFILE: "",
    AWS_SESSION_TOKEN: "",
    AWS_USE_FIPS_ENDPOINT: "false",
    AWS_USE_DUALSTACK_ENDPOINT: "false",
  };
}

// The local endpoint costs nothing and reads few documents at a time: looking often makes small documents quick.
const localPace = {
  DOCKET_TEXTRACT_POLL_MIN_SECONDS: "0.3",
  DOCKET_TEXTRACT_POLL_MAX_SECONDS: "5",
};

/**
 * Variables that lead to Textract.
 * @param environment the user's, for an endpoint of ours: what it sets of the pace stays; null for any other
 */
export function textractVariables(
  endpoint: string | null,
  environment: NodeJS.ProcessEnv | null,
): Record<string, string> {
  const pace = environment === null ? [] : Object.entries(localPace).filter(([name]) => !environment[name]);
  return {
    ...(endpoint === null ? {} : { AWS_ENDPOINT_URL_TEXTRACT: endpoint }),
    ...(endpoint === null || environment === null ? {} : queueVariables(endpoint, environment)),
    ...Object.fromEntries(pace),
  };
}

/** Where a topic is named, the endpoint of ours has the queue that is subscribed to it. */
function queueVariables(endpoint: string, environment: NodeJS.ProcessEnv): Record<string, string> {
  const { DOCKET_TEXTRACT_TOPIC_ARN: topic, DOCKET_NOTIFICATION_QUEUE_URL: queue } = environment;
  const [account, name] = topic?.split(",")[0]?.trim().split(":").slice(4) ?? [];
  if (queue || account === undefined || name === undefined) return {};
  return { DOCKET_NOTIFICATION_QUEUE_URL: `${endpoint}/${account}/${name}` };
}
