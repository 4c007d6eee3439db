import { createHash, randomBytes } from "node:crypto";
import { checkStartOfDocument } from "./document-limits.ts";
import type { Faults } from "./faults.ts";
import { checkOutput, defaultOutputPrefix } from "./job-output.ts";
import type { JobRunner } from "./job-runner.ts";
import type { JobStore } from "./job-store.ts";
import { queriesOf, type StartOperation, type StartRequest } from "./request-shapes.ts";
import type { SourceObjects } from "./source-objects.ts";
import { TextractError, textractError } from "./textract-error.ts";
import type { JobRequest } from "./textract-job.ts";
import { checkStart } from "./validate-request.ts";

/**
 * StartDocumentTextDetection and StartDocumentAnalysis. The same token with the same parameters gives the same job,
 * which is not run again, whatever became of it; with other parameters it is an error.
 */
export function createStartJob(ports: {
  region: string;
  maxOpenJobs: number;
  jobs: JobStore;
  objects: SourceObjects;
  runner: JobRunner;
  faults: Faults;
}) {
  // Requests under way with a token: a second one at the same time waits for what the first becomes.
  const underWay = new Map<string, Promise<unknown>>();

  return async function startJob(operation: StartOperation, request: StartRequest): Promise<{ JobId: string }> {
    checkStart(request, ports.region);
    const token = request.ClientRequestToken;
    const parameters = createHash("sha256")
      .update(JSON.stringify(sorted(request)))
      .digest("hex");
    if (token === undefined) return accept(operation, request, parameters);

    const key = `${operation}/${token}`;
    const previous = underWay.get(key);
    const current = (previous ?? Promise.resolve())
      .catch(() => {})
      .then(() => {
        const known = ports.jobs.byToken(operation, token);
        if (known === undefined) return accept(operation, request, parameters);
        if (known.parameters === parameters) return { JobId: known.jobId };
        const message = "A ClientRequestToken was used again with other parameters than before.";
        throw new TextractError("IdempotentParameterMismatchException", message);
      });
    underWay.set(key, current);
    try {
      return await current;
    } finally {
      if (underWay.get(key) === current) underWay.delete(key);
    }
  };

  async function accept(
    operation: StartOperation,
    request: StartRequest,
    parameters: string,
  ): Promise<{ JobId: string }> {
    if (ports.jobs.open().length >= ports.maxOpenJobs) throw textractError("LimitExceededException");
    const object = request.DocumentLocation.S3Object;
    if (object === undefined) throw textractError("InvalidParameterException");
    const { document, start } = await ports.objects.inspect(object);
    checkStartOfDocument(start, document.size, "asynchronous");
    const { OutputConfig: output } = request;
    const job: JobRequest = {
      jobId: randomBytes(32).toString("hex"),
      operation,
      document,
      features: request.FeatureTypes ?? [],
      queries: queriesOf(request),
      token: request.ClientRequestToken,
      parameters,
      jobTag: request.JobTag,
      notificationChannel: request.NotificationChannel,
      output: output && { bucket: output.S3Bucket, prefix: output.S3Prefix ?? defaultOutputPrefix },
      kmsKeyId: request.KMSKeyId,
      acceptedAt: Date.now(),
    };
    await checkOutput(ports.objects, job);
    const accepted = await ports.jobs.accept({ ...job, fault: ports.faults.takeForJob(operation, document.key) });
    ports.runner.enqueue(accepted);
    return { JobId: job.jobId };
  }
}

// Parameters are the same whatever the order in which they were written.
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, sorted(member)]));
}
