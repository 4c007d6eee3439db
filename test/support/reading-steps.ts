import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, inject } from "vitest";
import { createCreateRecord } from "#docket/activities/create-record";
import { intendTextractJob } from "#docket/activities/intend-textract-job";
import { createWriteMetadata } from "#docket/activities/write-metadata";
import { projectIdFromSlug } from "#docket/contract/document-id";
import type { DocumentLocation } from "#docket/contract/process-document";
import { validateInput } from "#docket/contract/valid-input";
import { createTextractApis } from "#docket/textract/textract-api";
import { asRun, type WorkflowRun } from "./run-of-workflow.ts";
import { connectStack } from "./stack.ts";

const region = "us-east-1";

/**
 * The steps of a reading by Textract one by one, called as the activities of a run would, so that a test can do something
 * between two of them. PostgreSQL, S3 and the Textract endpoint are the real ones; Temporal is not asked.
 */
export function readingSteps(stack: Awaited<ReturnType<typeof connectStack>>, project: string) {
  const { database } = stack;
  const apis = createTextractApis({ endpoint: inject("environment")["AWS_ENDPOINT_URL_TEXTRACT"] });
  const api = apis.inRegion(region);

  function intend(run: WorkflowRun, documentId: string, document: DocumentLocation) {
    const request = { documentId, document, features: [], region, force: false, channel: undefined };
    return intendTextractJob(database, { ...request, runId: run.runId, firstRunId: run.runId });
  }

  return {
    api,
    intend,
    close: () => apis.close(),

    /**
     * Hands a document in, up to where Textract would be asked.
     * @param first where the run was made by a reset: the run that it goes back to
     * @returns its id
     */
    async own(
      run: WorkflowRun,
      document: DocumentLocation,
      work: { features?: "TABLES"[]; force?: boolean } = {},
      first = run,
    ): Promise<string> {
      const id = projectIdFromSlug(project);
      await database.project.upsert({ where: { id }, create: { id, slug: project }, update: {} });
      const input = validateInput({ document, project, ...work });
      return asRun(run, async () => {
        const record = await createCreateRecord(stack)({ ...input, firstRunId: first.runId });
        await createWriteMetadata(stack)({ ...record, input });
        return record.documentId;
      });
    },

    /** Has Textract read the document to the end; nobody has looked yet. */
    async read(run: WorkflowRun, documentId: string, document: DocumentLocation) {
      const { id: ledgerId, token, attempt } = await intend(run, documentId, document);
      const jobId = await api.start({ document, features: [], token, jobTag: documentId });
      const data = { jobId, state: "submitted" as const, submittedAt: new Date() };
      await database.textractJob.update({ where: { id: ledgerId }, data });
      while ((await api.get({ jobId, features: [], maxResults: 1 })).status === "IN_PROGRESS") await sleep(100);
      return { ledgerId, jobId, region, attempt, notified: false };
    },
  };
}

/** The shared stack without a worker, and the steps on it, for all tests of a file; filled before the first of them. */
export function useReadingSteps(project: string) {
  const stack = {} as Awaited<ReturnType<typeof connectStack>>;
  const steps = {} as ReturnType<typeof readingSteps>;
  beforeAll(async () => {
    Object.assign(stack, await connectStack());
    Object.assign(steps, readingSteps(stack, project));
  });
  afterAll(async () => {
    steps.close();
    await stack.close();
  });
  return { stack, steps };
}
