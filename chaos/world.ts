import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, Connection } from "@temporalio/client";
import { useVariables, withVariables } from "#docket/cli/stack/environment";
import { createDatabase, type Database } from "#docket/database/client";
import { migrate } from "#docket/database/migrate";
import { startS3 } from "#docket/local/s3";
import { startStack } from "#docket/local/stack";
import { createObjectStorage } from "#docket/storage/create-object-storage";
import type { ObjectStorage } from "#docket/storage/object-storage";
import type { BrokenService } from "./faults.ts";
import { startS3Router } from "./s3-router.ts";
import { type BreakingProxy, startBreakingProxy } from "./tcp-proxy.ts";
import { WorkerFleet } from "./worker-fleet.ts";

/** A whole stack of its own, with everything between the workers and their services in our hands. */
export interface World {
  temporal: Client;
  database: Database;
  storage: ObjectStorage;
  bucket: string;
  /** A bucket of another region, and its storage. */
  elsewhere: { bucket: string; storage: ObjectStorage };
  /** The local Textract endpoint, past the proxy. */
  textract: string;
  proxies: Record<BrokenService, BreakingProxy>;
  fleet: WorkerFleet;
  /** Rejects when a part of the stack is given up: no document could end any more. */
  failed: Promise<never>;
  /** Process id of a part of the stack as it runs now. */
  partId(name: string): number | null;
  processIds(): Map<string, number>;
  stop(): Promise<void>;
}

const otherBucket = "docket-elsewhere";
const otherRegion = "eu-west-1";
// Names of settings of this machine's user that must not reach the stack: it is one of its own.
const foreign = /^(AWS_|DATABASE_URL$|TEMPORAL_|DOCKET_(?!TEMPORAL_CLI$|VERSITYGW$))/;

// Jobs tell their end; a notification that is lost costs no more than the time between two looks. Limits that a burst of
// hand-ins reaches keep the governor at work.
const settings = {
  DOCKET_TEXTRACT_START_PER_SECOND: "8",
  DOCKET_TEXTRACT_GET_PER_SECOND: "20",
  DOCKET_TEXTRACT_JOBS: "8",
  DOCKET_TEXTRACT_TOPIC_ARN: "arn:aws:sns:us-east-1:000000000000:docket-chaos",
  DOCKET_TEXTRACT_ROLE_ARN: "arn:aws:iam::000000000000:role/textract",
  DOCKET_TEXTRACT_NOTIFIED_POLL_SECONDS: "6",
};

/**
 * Starts the embedded stack in a temporary folder, its proxies and the workers.
 * @param options.say told of each step
 * @param options.keep leaves the folder where it is at the end
 */
export async function startWorld(options: {
  say(line: string): void;
  signal: AbortSignal;
  keep: boolean;
}): Promise<World> {
  const { say, signal, keep } = options;
  const dataDirectory = await mkdtemp(join(tmpdir(), "docket-chaos-"));
  const logDirectory = join(dataDirectory, "logs");
  const undo: (() => Promise<unknown>)[] = [];
  if (keep) say(`folder: ${dataDirectory}`);
  else undo.push(() => rm(dataDirectory, { recursive: true, force: true, maxRetries: 5 }));
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const users = Object.entries(process.env).filter(([name]) => !foreign.test(name));
    const own: NodeJS.ProcessEnv = { ...Object.fromEntries(users), ...settings };
    const report = ({ step, state, detail }: { step: string; state: string; detail?: string }) => {
      if (state !== "start") say(`${step}: ${state}${detail === undefined ? "" : `, ${detail}`}`);
    };
    const stack = await startStack({ dataDirectory, environment: own, report, signal });
    undo.push(() => stack.stop());
    const { environment } = stack;
    const value = (name: string) => environment[name] ?? "";
    await migrate(value("DATABASE_URL"));

    const portOf = (name: string) => Number(new URL(value(name)).port);
    const accessKey = { accessKeyId: value("AWS_ACCESS_KEY_ID"), secretAccessKey: value("AWS_SECRET_ACCESS_KEY") };
    const otherS3 = await startS3({
      directory: join(dataDirectory, "s3-elsewhere"),
      region: otherRegion,
      bucket: otherBucket,
      accessKey,
      environment: own,
    });
    undo.push(() => otherS3.stop());
    const router = await startS3Router({
      port: () => portOf("AWS_ENDPOINT_URL_S3"),
      otherBucket,
      otherRegion,
      otherPort: () => Number(new URL(otherS3.endpoint).port),
    });
    undo.push(() => router.close());
    const proxies = {
      s3: await startBreakingProxy(() => router.port),
      textract: await startBreakingProxy(() => portOf("AWS_ENDPOINT_URL_TEXTRACT")),
      postgres: await startBreakingProxy(() => portOf("DATABASE_URL")),
    };
    for (const proxy of Object.values(proxies)) undo.push(() => proxy.close());

    const databaseUrl = new URL(value("DATABASE_URL"));
    databaseUrl.port = String(proxies.postgres.port);
    const fleet = new WorkerFleet(
      withVariables(own, {
        ...environment,
        DATABASE_URL: databaseUrl.toString(),
        AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${proxies.s3.port}`,
        AWS_ENDPOINT_URL_TEXTRACT: `http://127.0.0.1:${proxies.textract.port}`,
      }),
      logDirectory,
    );
    undo.push(() => fleet.stop());

    useVariables(environment);
    const database = createDatabase({ url: value("DATABASE_URL"), poolSize: 4 });
    undo.push(() => database.$disconnect());
    const connection = await Connection.connect({ address: value("TEMPORAL_ADDRESS") });
    undo.push(() => connection.close());
    const storage = createObjectStorage({ region: value("AWS_REGION"), endpoint: value("AWS_ENDPOINT_URL_S3") });
    const otherStorage = createObjectStorage({ region: otherRegion, endpoint: otherS3.endpoint });
    undo.push(async () => [storage, otherStorage].map((each) => each.close()));

    const partId = (name: string) => stack.parts.find((part) => part.name === name)?.pid ?? null;
    await fleet.start();
    return {
      temporal: new Client({ connection }),
      database,
      storage,
      bucket: value("DOCKET_BUCKET"),
      elsewhere: { bucket: otherBucket, storage: otherStorage },
      textract: value("AWS_ENDPOINT_URL_TEXTRACT"),
      proxies,
      fleet,
      failed: stack.failed,
      partId,
      processIds: () => {
        const parts = stack.parts.flatMap(({ name, pid }) => (pid === null ? [] : [[name, pid] as const]));
        return new Map([...fleet.processIds, ...parts]);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
