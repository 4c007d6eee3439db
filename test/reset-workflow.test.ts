import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { smallPdf } from "./support/small-pdf.ts";
import { useStack } from "./support/stack.ts";

const stack = useStack();

/** Resets a workflow to just behind an activity, as `temporal workflow reset` does; gives the new run. */
async function resetBehind(workflowId: string, activity: string) {
  const handle = stack.client.workflow.getHandle(workflowId);
  const { events = [] } = await handle.fetchHistory();
  const scheduled = events?.find((e) => e.activityTaskScheduledEventAttributes?.activityType?.name === activity);
  const completed = events?.find(
    (e) => `${e.activityTaskCompletedEventAttributes?.scheduledEventId}` === `${scheduled?.eventId}`,
  );
  const task = events?.find(
    (e) => e.workflowTaskCompletedEventAttributes && Number(e.eventId) > Number(completed?.eventId),
  );
  const { runId } = await handle.describe();
  const answer = await stack.client.workflowService.resetWorkflowExecution({
    namespace: "default",
    workflowExecution: { workflowId, runId },
    reason: "because of the test",
    requestId: randomUUID(),
    workflowTaskFinishEventId: task?.eventId ?? null,
  });
  const { runId: newRun = "" } = answer;
  return { runId: newRun, result: () => stack.client.workflow.getHandle(workflowId, newRun ?? "").result() };
}

it("a run that a reset made owns the document of the run before it, also behind createRecord", async () => {
  const workflowId = `reset-${randomUUID()}`;
  const document = { bucket: stack.bucket, key: `reset/${workflowId}.pdf` };
  const start = () =>
    stack.client.workflow.start("processDocument", {
      taskQueue: "documents",
      workflowId,
      args: [{ document, project: "reset" }],
    });
  const first = await start();
  await expect(first.result()).rejects.toMatchObject({ cause: { type: "ObjectMissing" } });
  const { id } = await stack.database.document.findFirstOrThrow({ where: { workflowId } });
  await stack.storage.put(document.bucket, document.key, await smallPdf(workflowId), "application/pdf");

  // What failed is cured, and nothing before it is done again.
  const second = await resetBehind(workflowId, "writeMetadata");
  expect(await second.result()).toMatchObject({ status: "complete", documentId: id, textractJobs: 1 });
  const row = await stack.database.document.findUniqueOrThrow({ where: { id } });
  expect(row).toMatchObject({ status: "complete", failureType: null });

  // Reset once more, from an end that was well: nothing is paid again.
  const third = await resetBehind(workflowId, "createRecord");
  expect(await third.result()).toMatchObject({ status: "complete", documentId: id, textractJobs: 1 });
  const last = await stack.database.document.findUniqueOrThrow({ where: { id } });
  expect(last).toMatchObject({ status: "complete", runId: third.runId });
  expect(await stack.database.textractJob.count({ where: { documentId: id } })).toBe(1);
});

it("a reset of a forced run pays nothing again, wherever it goes back to", async () => {
  const workflowId = `reset-forced-${randomUUID()}`;
  const document = { bucket: stack.bucket, key: `reset/${workflowId}.pdf` };
  await stack.storage.put(document.bucket, document.key, await smallPdf(workflowId), "application/pdf");
  const start = (id: string) =>
    stack.client.workflow.execute("processDocument", {
      ...{ taskQueue: "documents", workflowId: id, args: [{ document, project: "reset", force: true }] },
    });
  expect(await start(`${workflowId}-before`)).toMatchObject({ status: "complete", textractJobs: 1 });
  // Another hand-in that is forced pays once more; resets of it do not.
  expect(await start(workflowId)).toMatchObject({ status: "complete", textractJobs: 2 });
  for (const activity of ["createRecord", "ensureProject", "checkPrerequisites"]) {
    const reset = await resetBehind(workflowId, activity);
    expect(await reset.result()).toMatchObject({ status: "complete", textractJobs: 2 });
  }
});
