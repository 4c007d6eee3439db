import type { TemporalConnection } from "./temporal-connection.ts";

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
    /** A document that takes longer is listed (search attribute `DocketStage`) with the step that it is at; milliseconds. */
    listsAfterMilliseconds: number;
    shutdownGraceMilliseconds: number;
    /** IP address that health and metrics listen on. */
    healthHost: string;
    healthPort: number;
    logLevel: string;
  };
}

/** What is used of an AWS account, or of servers in its place. */
export type AccountSettings = Pick<Config, "storage" | "textract">;
