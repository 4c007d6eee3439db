import {
  type Block,
  GetDocumentAnalysisCommand,
  GetDocumentTextDetectionCommand,
  type GetDocumentTextDetectionResponse,
  StartDocumentAnalysisCommand,
  type StartDocumentAnalysisCommandInput,
  StartDocumentTextDetectionCommand,
  TextractClient,
  type Warning,
} from "@aws-sdk/client-textract";
import type { NotificationChannel } from "../config.ts";
import { DocketError } from "../contract/failures.ts";
import { type Feature, splitFeatures } from "../contract/features.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import { describe } from "../storage/object-names.ts";
import { answerBody } from "./answer-body.ts";
import { textractFailure } from "./textract-failure.ts";

/** One answer of a Get operation: the job's state and up to `MaxResults` blocks. */
export interface JobResult {
  status: "IN_PROGRESS" | "SUCCEEDED" | "FAILED" | "PARTIAL_SUCCESS";
  statusMessage: string | undefined;
  /** Pages that Textract processed. */
  pages: number | undefined;
  warnings: Warning[];
  blocks: Block[];
  nextToken: string | undefined;
}

/** An answer together with its body as Textract sent it: JSON in the shape of the API reference. */
export interface JobAnswer extends JobResult {
  body: Buffer;
}

export interface StartRequest {
  document: DocumentLocation;
  /** Empty: plain text detection. Questions are asked of every page. */
  features: readonly Feature[];
  token: string;
  /** 1-64 of `[a-zA-Z0-9_.\-:]`. */
  jobTag: string;
  /** Where the end of the job is told. */
  channel?: NotificationChannel | undefined;
}

export interface GetRequest {
  jobId: string;
  features: readonly Feature[];
  /** 1-1,000 blocks. */
  maxResults: number;
  nextToken?: string | undefined;
}

/** Textract's asynchronous operations in one region. Every error is a typed `DocketError`. */
export interface TextractApi {
  /** @returns the job's id, the same one for the same token */
  start(request: StartRequest): Promise<string>;
  get(request: GetRequest): Promise<JobAnswer>;
}

/**
 * Makes clients on demand, one for each region, and keeps them: a client holds its connections. The SDK's own retries
 * are off, the activities' policies are the only ones.
 * @param options.maxAttempts for callers that no policy retries; default 1
 */
export function createTextractApis(options: { endpoint: string | undefined; maxAttempts?: number }): {
  inRegion(region: string): TextractApi;
  close(): void;
} {
  const clients = new Map<string, TextractClient>();
  return {
    inRegion(region) {
      let client = clients.get(region);
      if (client === undefined) {
        client = new TextractClient({
          region,
          maxAttempts: options.maxAttempts ?? 1,
          // Without these a connection that a firewall forgot holds its slot until TCP gives up. Milliseconds.
          requestHandler: { connectionTimeout: 5000, requestTimeout: 15_000, throwOnRequestTimeout: true },
          ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
        });
        clients.set(region, client);
      }
      return textractApi(client);
    },
    close() {
      for (const client of clients.values()) client.destroy();
    },
  };
}

/**
 * Asks for a job that cannot exist: it costs nothing, and shows whether the credentials may ask.
 * @throws {DocketError} `AccessDenied`, `CredentialsUnavailable`, `TextractUnavailable`
 */
export async function requireCredentials(api: TextractApi): Promise<void> {
  try {
    await api.get({ jobId: "0".repeat(64), features: [], maxResults: 1 });
  } catch (error) {
    if (!(error instanceof DocketError) || error.type !== "TextractJobExpired") throw error;
  }
}

function textractApi(client: TextractClient): TextractApi {
  return {
    async start({ document, features, token, jobTag, channel }) {
      const input = {
        DocumentLocation: {
          S3Object: {
            Bucket: document.bucket,
            Name: document.key,
            ...(document.version === undefined ? {} : { Version: document.version }),
          },
        },
        ClientRequestToken: token,
        JobTag: jobTag,
        ...(channel === undefined
          ? {}
          : { NotificationChannel: { SNSTopicArn: channel.topicArn, RoleArn: channel.roleArn } }),
      };
      try {
        const answer =
          features.length === 0
            ? await client.send(new StartDocumentTextDetectionCommand(input))
            : await client.send(new StartDocumentAnalysisCommand({ ...input, ...analysisOf(features) }));
        if (answer.JobId === undefined) throw new Error("the answer holds no JobId");
        return answer.JobId;
      } catch (error) {
        throw textractFailure(error, describe(document));
      }
    },

    async get({ jobId, features, maxResults, nextToken }) {
      const input = {
        JobId: jobId,
        MaxResults: maxResults,
        ...(nextToken === undefined ? {} : { NextToken: nextToken }),
      };
      try {
        const text = features.length === 0;
        const command = text ? new GetDocumentTextDetectionCommand(input) : new GetDocumentAnalysisCommand(input);
        const body = await answerBody(client, command);
        return { ...parseAnswer(body), body };
      } catch (error) {
        throw textractFailure(error, `job ${jobId}`);
      }
    },
  };
}

function analysisOf(
  asked: readonly Feature[],
): Pick<StartDocumentAnalysisCommandInput, "FeatureTypes" | "QueriesConfig"> {
  const { features, queries } = splitFeatures(asked);
  if (queries.length === 0) return { FeatureTypes: features };
  // Textract asks a question of the first page alone where no pages are named.
  const everyPage = queries.map(({ text, alias }) => ({
    Text: text,
    Pages: ["*"],
    ...(alias === undefined ? {} : { Alias: alias }),
  }));
  return { FeatureTypes: features, QueriesConfig: { Queries: everyPage } };
}

/**
 * Reads the body of a Get's answer.
 * @throws {Error} when it is not the JSON of one
 */
export function parseAnswer(body: Buffer): JobResult {
  const answer = JSON.parse(body.toString()) as GetDocumentTextDetectionResponse;
  if (answer.JobStatus === undefined) throw new Error("the answer holds no JobStatus");
  return {
    status: answer.JobStatus,
    statusMessage: answer.StatusMessage ?? undefined,
    pages: answer.DocumentMetadata?.Pages,
    warnings: answer.Warnings ?? [],
    blocks: answer.Blocks ?? [],
    nextToken: answer.NextToken ?? undefined,
  };
}
