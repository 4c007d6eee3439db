import {
  GetDocumentAnalysisCommand,
  GetDocumentTextDetectionCommand,
  StartDocumentAnalysisCommand,
  type StartDocumentAnalysisCommandInput,
  StartDocumentTextDetectionCommand,
  TextractClient,
} from "@aws-sdk/client-textract";
import type { NotificationChannel } from "../config.ts";
import { DocketError } from "../contract/failures.ts";
import { type Feature, splitFeatures } from "../contract/features.ts";
import type { DocumentLocation } from "../contract/process-document.ts";
import { describe } from "../storage/object-names.ts";
import { answerBody } from "./answer-body.ts";
import { type JobResult, parseAnswer } from "./parse-answer.ts";
import { textractFailure } from "./textract-failure.ts";

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
  /** A job's state; read at once, so for few blocks. */
  get(request: GetRequest): Promise<JobResult>;
  /** The same answer as Textract sent it, unread: JSON in the shape of the API reference. */
  getBody(request: GetRequest): Promise<Buffer>;
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
          // Without these a connection that a firewall forgot holds its slot until TCP gives up, or for ever where it only
          // receives: the time of a request ends with the answer's headers, that of the socket is for its body. Milliseconds.
          requestHandler: {
            connectionTimeout: 5000,
            requestTimeout: 15_000,
            throwOnRequestTimeout: true,
            socketTimeout: 15_000,
          },
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
  const getBody = async ({ jobId, features, maxResults, nextToken }: GetRequest) => {
    const input = {
      JobId: jobId,
      MaxResults: maxResults,
      ...(nextToken === undefined ? {} : { NextToken: nextToken }),
    };
    const text = features.length === 0;
    try {
      const command = text ? new GetDocumentTextDetectionCommand(input) : new GetDocumentAnalysisCommand(input);
      return await answerBody(client, command, `job ${jobId}`);
    } catch (error) {
      throw textractFailure(error, `job ${jobId}`);
    }
  };

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

    async get(request) {
      const body = await getBody(request);
      try {
        return parseAnswer(body);
      } catch (error) {
        throw textractFailure(error, `job ${request.jobId}`);
      }
    },

    getBody,
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
