import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import {
  type Block,
  GetDocumentAnalysisCommand,
  GetDocumentTextDetectionCommand,
  type GetDocumentTextDetectionResponse,
  StartDocumentTextDetectionCommand,
  TextractClient,
  type TextractClientConfig,
} from "@aws-sdk/client-textract";
import { inject } from "vitest";
import { type LocalTextractOptions, startLocalTextract } from "#docket/local/textract/server";

export const region = "us-east-1";

/** Address and keys of the S3 server that the test run shares. */
export function sharedS3() {
  const environment = inject("environment");
  return {
    endpoint: environment["AWS_ENDPOINT_URL_S3"] ?? "",
    credentials: {
      accessKeyId: environment["AWS_ACCESS_KEY_ID"] ?? "",
      secretAccessKey: environment["AWS_SECRET_ACCESS_KEY"] ?? "",
    },
  };
}

/** A bucket of its own, and a way to put documents into it. */
export async function makeBucket() {
  const { endpoint, credentials } = sharedS3();
  const s3 = new S3Client({ endpoint, credentials, region, forcePathStyle: true });
  const bucket = `local-textract-${randomUUID().slice(0, 8)}`;
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  return {
    s3,
    bucket,
    async put(key: string, body: Uint8Array | string) {
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: Buffer.from(body) }));
      return { S3Object: { Bucket: bucket, Name: key } };
    },
  };
}

/** A client without retries of its own: every answer is seen. */
export function textractClient(endpoint: string, config: TextractClientConfig = {}): TextractClient {
  return new TextractClient({ endpoint, region, maxAttempts: 1, credentials: sharedS3().credentials, ...config });
}

/** An endpoint in this process, with a data folder that goes with it. */
export async function startEndpoint(options: Partial<LocalTextractOptions> = {}) {
  const dataFolder = options.dataFolder ?? (await mkdtemp(join(tmpdir(), "docket-local-textract-")));
  const { endpoint, credentials } = sharedS3();
  const errors: unknown[] = [];
  const running = await startLocalTextract({
    region,
    credentials: [credentials],
    s3: { endpoint },
    onError: (error) => errors.push(error),
    ...options,
    dataFolder,
  });
  const client = textractClient(running.address, { region: options.region ?? region });
  return {
    ...running,
    client,
    dataFolder,
    /** What the endpoint complained of besides its answers. */
    errors,
    ledger: () => readLedger(running.address),
    fault: (...faults: object[]) => postFaults(running.address, faults),
    async end() {
      client.destroy();
      await running.stop();
      await rm(dataFolder, { recursive: true, force: true });
    },
  };
}

/** Starts the endpoint as a process of its own. */
export async function spawnEndpoint(
  dataFolder: string,
  variables: Record<string, string> = {},
): Promise<{ child: ChildProcess; address: string }> {
  const { endpoint, credentials } = sharedS3();
  const child = spawn(process.execPath, ["dist/local/textract/main.js"], {
    env: {
      ...process.env,
      DOCKET_LOCAL_TEXTRACT_DATA: dataFolder,
      DOCKET_LOCAL_TEXTRACT_REGION: region,
      AWS_ENDPOINT_URL_S3: endpoint,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      ...variables,
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) {
    return { child, address: (JSON.parse(line) as { listening: string }).listening };
  }
  throw new Error("the local Textract endpoint has ended");
}

export async function readLedger(address: string) {
  const text = await (await fetch(`${address}/ledger`)).text();
  return text
    .split("\n")
    .filter(Boolean)
    .map(
      (line) => JSON.parse(line) as { jobId: string | null; status: string; billedPages: number; billedUsd: number },
    );
}

async function postFaults(address: string, faults: object[]): Promise<void> {
  const answer = await fetch(`${address}/faults`, { method: "POST", body: JSON.stringify(faults) });
  if (!answer.ok) throw new Error(await answer.text());
}

/** Starts text detection and gives the job's id. */
export async function startText(
  client: TextractClient,
  location: { S3Object: { Bucket: string; Name: string } },
  extra: object = {},
): Promise<string> {
  const answer = await client.send(new StartDocumentTextDetectionCommand({ DocumentLocation: location, ...extra }));
  return answer.JobId ?? "";
}

type Ended = Pick<GetDocumentTextDetectionResponse, "JobStatus" | "StatusMessage" | "Warnings" | "DocumentMetadata">;

/** Waits for a job's end and reads all of its blocks. */
export async function readJob(
  client: TextractClient,
  jobId: string,
  options: { maxResults?: number; analysis?: boolean } = {},
): Promise<{ ended: Ended; blocks: Block[]; answers: number }> {
  const get = (NextToken: string | undefined, MaxResults: number | undefined) => {
    const input = { JobId: jobId, NextToken, MaxResults };
    const analysis = options.analysis === true;
    return analysis
      ? client.send(new GetDocumentAnalysisCommand(input))
      : client.send(new GetDocumentTextDetectionCommand(input));
  };
  let ended = await get(undefined, 1);
  while (ended.JobStatus === "IN_PROGRESS") {
    await new Promise((resolve) => setTimeout(resolve, 50));
    ended = await get(undefined, 1);
  }
  const blocks: Block[] = [];
  let answers = 0;
  let token: string | undefined;
  do {
    const answer = await get(token, options.maxResults);
    answers++;
    blocks.push(...(answer.Blocks ?? []));
    token = answer.NextToken;
  } while (token !== undefined);
  return { ended, blocks, answers };
}

/** The text of the lines among blocks, page by page with a form feed between. */
export function textOf(blocks: readonly Block[]): string {
  const pages = new Map<number, string[]>();
  for (const block of blocks) {
    const lines = pages.get(block.Page ?? 1) ?? [];
    if (block.BlockType === "LINE") lines.push(block.Text ?? "");
    pages.set(block.Page ?? 1, lines);
  }
  return [...pages.values()].map((lines) => lines.join("\n")).join("\f");
}

/** The error that a call ends with, as its name and message. */
export function refusal(call: Promise<unknown>): Promise<{ name: string; message: string; status?: number }> {
  return call.then(
    () => {
      throw new Error("the call was answered");
    },
    (error) => ({ name: error.name, message: error.message, status: error.$metadata?.httpStatusCode }),
  );
}
