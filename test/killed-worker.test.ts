import { readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connectStack, documentQueues, startWorker } from "./support/stack.ts";

let stack: Awaited<ReturnType<typeof connectStack>>;
beforeAll(async () => {
  stack = await connectStack();
});
afterAll(() => stack.close());

// "after" is the harder moment: everything is done, nothing is reported.
const cases = [
  { step: "ensureProject", moment: "after", engine: "textract" },
  { step: "createRecord", moment: "after", engine: "textract" },
  { step: "writeMetadata", moment: "after", engine: "textract" },
  { step: "checkPrerequisites", moment: "after", engine: "textract" },
  { step: "submitTextract", moment: "before", engine: "textract" },
  { step: "submitTextract", moment: "after", engine: "textract" },
  { step: "awaitTextract", moment: "after", engine: "textract" },
  { step: "collectPages", moment: "before", engine: "textract" },
  { step: "collectPages", moment: "after", engine: "textract" },
  { step: "recognizeLocally", moment: "before", engine: "local" },
  { step: "recognizeLocally", moment: "after", engine: "local" },
  { step: "completeDocument", moment: "after", engine: "textract" },
];

describe("a worker killed with SIGKILL", () => {
  it.each(cases)(
    "$moment $step ($engine): the document completes and is paid once",
    async ({ step, moment, engine }) => {
      const name = `killed-${step.toLowerCase()}-${moment}`;
      const location = await stack.upload(`killed/${name}.jpg`, "samples/invoice.jpg");
      const marker = join(tmpdir(), `docket-${name}-${process.pid}`);
      await rm(marker, { force: true });
      const queues = `${documentQueues},ocr`;
      const doomed = await startWorker(queues, { KILL_STEP: step, KILL_MOMENT: moment, KILL_MARKER: marker });
      const dead = new Promise<string | null>((resolve) => doomed.child.once("exit", (_, signal) => resolve(signal)));

      const handle = await stack.client.workflow.start("processDocument", {
        taskQueue: "documents",
        workflowId: name,
        args: [{ document: location, project: name, engine }],
        // A worker that is gone is noticed by the time-out of its workflow task.
        workflowTaskTimeout: "5 seconds",
      });
      expect(await dead).toBe("SIGKILL");
      expect(Number(await readFile(marker, "utf8"))).toBe(doomed.child.pid);

      const heir = await startWorker(queues);
      try {
        const result = await handle.result();
        expect(result).toMatchObject({ status: "complete", pages: 1, storedPages: 1, engine });
        const jobs = await stack.database.textractJob.findMany({ where: { documentId: result.documentId } });
        expect(jobs.map(({ attempt, state }) => [attempt, state])).toEqual(
          engine === "local" ? [] : [[1, "succeeded"]],
        );
        expect(await billedJobs(jobs.map((job) => job.jobId))).toBe(jobs.length);
      } finally {
        await heir.stop();
        await rm(marker, { force: true });
      }
    },
  );
});

/** How many jobs the endpoint itself billed, by its own ledger. */
async function billedJobs(jobIds: readonly (string | null)[]): Promise<number> {
  const response = await fetch(`${process.env["AWS_ENDPOINT_URL_TEXTRACT"]}/ledger`);
  const lines = (await response.text()).split("\n").filter(Boolean);
  return lines.map((line) => JSON.parse(line)).filter(({ jobId }) => jobIds.includes(jobId)).length;
}
