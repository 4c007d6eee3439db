import type { FeatureType } from "../../contract/features.ts";
import type { JobFault } from "./faults.ts";
import type { PageQuery } from "./query-blocks.ts";
import type { StartOperation } from "./request-shapes.ts";

/** A document in S3, fixed to the content that it had when the job was accepted. */
export interface JobDocument {
  bucket: string;
  key: string;
  /** As the caller gave it; undefined for the newest. */
  version?: string | undefined;
  etag: string;
  /** Bytes. */
  size: number;
}

/** What a job is asked to do; it never changes. */
export interface JobRequest {
  jobId: string;
  operation: StartOperation;
  document: JobDocument;
  features: FeatureType[];
  queries?: PageQuery[] | undefined;
  token?: string | undefined;
  /** Hash of all parameters: the same token with other parameters is an error. */
  parameters: string;
  jobTag?: string | undefined;
  /** Told when the job has ended. */
  notificationChannel?: { SNSTopicArn: string; RoleArn: string } | undefined;
  output?: { bucket: string; prefix: string } | undefined;
  /** Recorded only: nothing is encrypted locally. */
  kmsKeyId?: string | undefined;
  fault?: JobFault | undefined;
  /** Milliseconds since 1970. */
  acceptedAt: number;
}

export interface JobWarning {
  ErrorCode: string;
  Pages: number[];
}

/** How a job ended. */
export interface JobEnd {
  status: "SUCCEEDED" | "FAILED" | "PARTIAL_SUCCESS";
  statusMessage?: string | undefined;
  warnings: JobWarning[];
  /** Milliseconds since 1970. */
  finishedAt: number;
}

export interface TextractJob extends JobRequest {
  /** Pages of the document; undefined until they are counted. */
  pages?: number | undefined;
  /** Pages whose text is stored. */
  pagesDone: number;
  end?: JobEnd | undefined;
  /** The end was told to the job's topic. */
  notified?: true;
}

/** The job's state by Textract's name for it. */
export function jobStatus(job: TextractJob): "IN_PROGRESS" | JobEnd["status"] {
  return job.end?.status ?? "IN_PROGRESS";
}
