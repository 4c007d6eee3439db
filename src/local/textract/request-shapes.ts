import { z } from "zod";
import type { PageQuery } from "./query-blocks.ts";

// The shapes of the official service model (textract/2018-06-27), with its lengths and patterns. Patterns hold for the
// whole value, as AWS applies them, whether or not the model writes the anchors.

const notBlank = /^.*\S.*$/s;

const s3Object = z.object({
  Bucket: z
    .string()
    .min(3)
    .max(255)
    .regex(/^[0-9A-Za-z.\-_]*$/),
  Name: z.string().min(1).max(1024).regex(notBlank),
  Version: z.string().min(1).max(1024).regex(notBlank).optional(),
});

const jobId = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[a-zA-Z0-9-_]+$/);

const notificationChannel = z.object({
  SNSTopicArn: z
    .string()
    .min(20)
    .max(1024)
    .regex(/^arn:([a-z\d-]+):sns:[a-zA-Z\d-]{1,20}:\w{12}:.+$/),
  RoleArn: z
    .string()
    .min(20)
    .max(2048)
    .regex(/^arn:([a-z\d-]+):iam::\d{12}:role\/?[a-zA-Z_0-9+=,.@\-_/]+$/),
});

const pageRange = z
  .string()
  .min(1)
  .max(9)
  .regex(/^[0-9*-]+$/);
const queryText = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[a-zA-Z0-9\s!"#$%'&()*+,\-./:;=?@[\\\]^_`{|}~><]+$/);

const queriesConfig = z.object({
  Queries: z
    .array(z.object({ Text: queryText, Alias: queryText.optional(), Pages: z.array(pageRange).min(1).optional() }))
    .min(1),
});

const adaptersConfig = z.object({
  Adapters: z
    .array(
      z.object({
        AdapterId: z.string().min(12).max(1011),
        Version: z.string().min(1).max(128),
        Pages: z.array(pageRange).min(1).optional(),
      }),
    )
    .min(1)
    .max(100),
});

const humanLoopConfig = z.object({
  HumanLoopName: z
    .string()
    .min(1)
    .max(63)
    .regex(/^[a-z0-9](-*[a-z0-9])*$/),
  FlowDefinitionArn: z.string().max(256),
  DataAttributes: z.object({}).optional(),
});

const featureList = z.array(z.enum(["TABLES", "FORMS", "QUERIES", "SIGNATURES", "LAYOUT"]));

const startRequest = z.object({
  DocumentLocation: z.object({ S3Object: s3Object.optional() }),
  ClientRequestToken: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[a-zA-Z0-9-_]+$/)
    .optional(),
  JobTag: z
    .string()
    .min(1)
    .max(64)
    .regex(/^[a-zA-Z0-9_.\-:]+$/)
    .optional(),
  NotificationChannel: notificationChannel.optional(),
  OutputConfig: z.object({ S3Bucket: s3Object.shape.Bucket, S3Prefix: s3Object.shape.Name.optional() }).optional(),
  KMSKeyId: z
    .string()
    .min(1)
    .max(2048)
    .regex(/^[A-Za-z0-9][A-Za-z0-9:_/+=,@.-]{0,2048}$/)
    .optional(),
});

const analysis = {
  FeatureTypes: featureList,
  QueriesConfig: queriesConfig.optional(),
  AdaptersConfig: adaptersConfig.optional(),
};

const getRequest = z.object({
  JobId: jobId,
  // More than 1,000 is taken as 1,000 (API reference), so the shape has no upper end.
  MaxResults: z.int().min(1).optional(),
  NextToken: z.string().min(1).max(1024).regex(notBlank).optional(),
});

const synchronousRequest = z.object({
  Document: z.object({
    // Base64 in JSON, bytes in CBOR; up to 10 MiB, so its characters are not looked at here.
    Bytes: z.union([z.instanceof(Uint8Array), z.string()]).optional(),
    S3Object: s3Object.optional(),
  }),
});

/** Input of each operation that the endpoint serves. */
export const requestShapes = {
  StartDocumentTextDetection: startRequest,
  StartDocumentAnalysis: startRequest.extend(analysis),
  GetDocumentTextDetection: getRequest,
  GetDocumentAnalysis: getRequest,
  DetectDocumentText: synchronousRequest,
  AnalyzeDocument: synchronousRequest.extend({ ...analysis, HumanLoopConfig: humanLoopConfig.optional() }),
};

export type OperationName = keyof typeof requestShapes;
export const operationNames = Object.keys(requestShapes) as OperationName[];

export type StartOperation = "StartDocumentTextDetection" | "StartDocumentAnalysis";
export type StartRequest = z.infer<(typeof requestShapes)["StartDocumentTextDetection"]> &
  Partial<z.infer<(typeof requestShapes)["StartDocumentAnalysis"]>>;
export type GetRequest = z.infer<typeof getRequest>;
export type SynchronousRequest = z.infer<typeof synchronousRequest> &
  Partial<z.infer<(typeof requestShapes)["AnalyzeDocument"]>>;
export type S3ObjectShape = z.infer<typeof s3Object>;

/** The questions of a request; undefined where it asks none. */
export function queriesOf({
  QueriesConfig: config,
}: Partial<StartRequest & SynchronousRequest>): PageQuery[] | undefined {
  return config?.Queries.map(({ Text, Alias, Pages }) => ({
    Text,
    ...(Alias === undefined ? {} : { Alias }),
    ...(Pages === undefined ? {} : { Pages }),
  }));
}
