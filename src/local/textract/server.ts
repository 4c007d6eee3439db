import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DocketError } from "../../contract/failures.ts";
import { httpAddress, isLoopbackAddress } from "../../contract/network.ts";
import { claimFolder } from "./claim-folder.ts";
import { createFaults } from "./faults.ts";
import { createGetResult } from "./get-result.ts";
import { createHelperRoutes } from "./helper-routes.ts";
import { createJobRunner } from "./job-runner.ts";
import { openJobStore } from "./job-store.ts";
import { openLedger } from "./ledger.ts";
import { openMessageQueues } from "./message-queues.ts";
import { openNextTokens } from "./next-token.ts";
import { createNotifications } from "./notifications.ts";
import { createOperations } from "./operations.ts";
import { type LocalTextractOptions, withDefaults } from "./options.ts";
import { openPageResults } from "./page-results.ts";
import { createQueueOperations } from "./queue-operations.ts";
import { createQueueServer, readQueueCall } from "./queue-server.ts";
import { createReadAtOnce } from "./read-at-once.ts";
import { createBodyReader } from "./request-body.ts";
import { createRateLimiter } from "./request-rate.ts";
import { createCallServer } from "./serve-call.ts";
import { createSourceObjects } from "./source-objects.ts";
import { createStartJob } from "./start-job.ts";
import type { TextractJob } from "./textract-job.ts";
import { createSignatureVerifier } from "./verify-signature.ts";
import { readCall } from "./wire-protocol.ts";

export type { LocalTextractOptions } from "./options.ts";

/** A running endpoint. */
export interface LocalTextract {
  /** For example `http://127.0.0.1:4577`: the endpoint address for any AWS SDK. */
  address: string;
  port: number;
  /** Ends requests and leaves running jobs as they are; a new start with the same folder goes on with them. */
  stop(): Promise<void>;
}

const sweepMilliseconds = 60_000;

/**
 * Starts an endpoint on loopback that speaks Amazon Textract's wire protocol and answers with the text of the real
 * document, read from S3 or from the request. Jobs of an earlier process on the same folder go on.
 * @throws {DocketError} `InvalidInput` when another endpoint works on the folder
 */
export async function startLocalTextract(given: LocalTextractOptions): Promise<LocalTextract> {
  const options = withDefaults(given);
  const { dataFolder: folder, region, onError } = options;
  const release = await claimFolder(folder);
  const workFolder = join(folder, "work");
  // Documents of an interrupted process; they are fetched again.
  await rm(workFolder, { recursive: true, force: true });

  const stopping = new AbortController();
  const jobs = await openJobStore({ folder, retentionMilliseconds: options.retentionMilliseconds });
  const results = await openPageResults(folder, (jobId) => jobs.get(jobId) !== undefined);
  const ledger = await openLedger(folder);
  const tokens = await openNextTokens(folder);
  const objects = createSourceObjects(region, options.s3);
  const faults = createFaults();
  const queues = await openMessageQueues(folder);
  const notifications = createNotifications({ jobs, queues, faults, onError });
  const bodies = createBodyReader();
  const { memoryBytes, language, tesseract, trainedData } = options;
  const reading = { memoryBytes, language, tesseract, trainedData };
  const { concurrency, maxOpenJobs } = options;
  const runner = createJobRunner({
    jobs,
    results,
    objects,
    ledger,
    reading,
    workFolder,
    concurrency,
    onEnded: notifications.jobEnded,
    onError,
  });
  const run = createOperations({
    startJob: createStartJob({ region, maxOpenJobs, jobs, objects, runner, faults }),
    getResult: createGetResult({ jobs, results, tokens }),
    readAtOnce: createReadAtOnce({ objects, ledger, reading, workFolder, concurrency: 1, stopping: stopping.signal }),
  });
  const serve = createCallServer({
    readBody: bodies.read,
    verify: createSignatureVerifier({ region, service: "textract", credentials: options.credentials }),
    checkRate: createRateLimiter(options.requestRates),
    faults,
    run,
    expire: async (jobId) => {
      const job = jobs.get(jobId);
      if (job !== undefined) await expire(job);
    },
    keyOfJob: (jobId) => jobs.get(jobId)?.document.key,
    onError,
  });
  const serveQueue = createQueueServer({
    readBody: bodies.read,
    verify: createSignatureVerifier({ region, service: "sqs", credentials: options.credentials }),
    run: createQueueOperations({ queues, region }),
    stopping: stopping.signal,
    onError,
  });
  const helperRoute = createHelperRoutes({
    ...{ region, jobs, ledger, faults, readBody: bodies.read },
    loopback: isLoopbackAddress(options.host),
  });

  const server = createServer((request, response) => {
    const queueCall = readQueueCall(request);
    const call = queueCall === undefined ? readCall(request) : undefined;
    const answered =
      queueCall !== undefined
        ? serveQueue(request, response, queueCall)
        : call === undefined
          ? helperRoute(request, response)
          : serve(request, response, call);
    answered.catch((error) => {
      onError(error);
      response.destroy();
    });
  });
  server.requestTimeout = 300_000;
  // Longer than callers keep an idle connection: one that we close just as it is used again looks like a failure.
  server.keepAliveTimeout = 120_000;
  const close = async () => {
    objects.close();
    await jobs.close();
    await ledger.close();
    await queues.close();
    await release();
  };
  try {
    await listen(server, options);
  } catch (error) {
    await close();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  // What finds no room on the disk now is done by the next sweep, or at the next start.
  await removeOverdue().catch(onError);
  for (const job of jobs.unnotified()) await notifications.jobEnded(job).catch(onError);
  for (const job of jobs.open()) runner.enqueue(job);
  const sweep = setInterval(() => void removeOverdue().catch(onError), sweepMilliseconds);
  sweep.unref();

  return {
    address: httpAddress(options.host, port),
    port,
    async stop() {
      clearInterval(sweep);
      notifications.stop();
      stopping.abort();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      await runner.stop();
      server.closeAllConnections();
      await closed;
      await close();
    },
  };

  async function expire(job: TextractJob): Promise<void> {
    await jobs.expire(job);
    await results.remove(job.jobId);
  }

  async function removeOverdue(): Promise<void> {
    for (const job of jobs.overdue()) await expire(job);
  }
}

/** @throws {DocketError} `InvalidInput` for a port that is taken */
async function listen(server: Server, { host, port }: { host: string; port: number }): Promise<void> {
  try {
    server.listen(port, host);
    await once(server, "listening");
  } catch (error) {
    throw new DocketError("InvalidInput", `Port ${port} cannot be listened on: ${(error as Error).message}`, {
      remedy: "Name another port, or 0 for any free one.",
      cause: error,
    });
  }
}
