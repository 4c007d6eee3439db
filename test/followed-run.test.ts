import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { connectServices } from "#docket/client/connect";
import { DocumentFollower } from "#docket/client/follow-documents";
import { removeBudget, setBudget } from "#docket/database/project-budgets";
import { smallPdf } from "./support/small-pdf.ts";
import { stackEnvironment, useStack } from "./support/stack.ts";

// Whoever follows a run is told how that one ended, also where somebody has started the next one before the row was seen.

const stack = useStack();
const project = `followed-${randomUUID().slice(0, 8)}`;
let services: Awaited<ReturnType<typeof connectServices>>;
beforeAll(async () => {
  services = await connectServices(stackEnvironment());
});
afterAll(async () => {
  await removeBudget(stack.database, project);
  await services.close();
});

/** A document of its own, and how to start a run of it. */
function newDocument(name: string) {
  const document = { bucket: stack.bucket, key: `${project}/${name}.pdf` };
  const documentId = randomUUID();
  const workflowId = `document/${documentId}`;
  return {
    ...{ documentId, workflowId },
    put: async () => stack.storage.put(document.bucket, document.key, await smallPdf(document.key), "application/pdf"),
    start: (features: string[]) =>
      stack.client.workflow.start("processDocument", {
        ...{ taskQueue: "documents", workflowId, args: [{ document, project, documentId, features }] },
      }),
    owner: async () => (await stack.database.document.findUnique({ where: { id: documentId } }))?.runId,
  };
}

/** What a follower of a run knows after it has looked once. */
async function lookAt({ documentId, workflowId }: ReturnType<typeof newDocument>, runId: string) {
  const follower = new DocumentFollower(services, null);
  follower.add({ documentId, workflowId, runId, engine: "textract" });
  await follower.look();
  expect(follower.trouble).toBeNull();
  return follower.documents.get(documentId);
}

it("a run that failed is told as failed, although the next one, which read less, is complete", async () => {
  const document = newDocument("failed");
  const first = await document.start(["TABLES"]);
  await expect(first.result()).rejects.toMatchObject({ cause: { type: "ObjectMissing" } });
  await document.put();
  const second = await document.start([]);
  expect(await second.result()).toMatchObject({ status: "complete" });

  const { outcome } = (await lookAt(document, first.firstExecutionRunId)) ?? {};
  expect(outcome).toMatchObject({ status: "failed", failure: { type: "ObjectMissing" } });
  const next = await lookAt(document, second.firstExecutionRunId);
  expect(next?.outcome).toMatchObject({ status: "complete", pages: 1 });
});

it("a run that completed is told so while the next one waits, and that one is waited for by whoever follows it", async () => {
  const document = newDocument("completed");
  await document.put();
  const first = await document.start([]);
  const result = await first.result();
  await setBudget(stack.database, { project, capUsd: 0, monthly: false }, () => 0);
  const second = await document.start(["TABLES"]);
  await expect.poll(document.owner, { timeout: 60_000 }).toBe(second.firstExecutionRunId);

  const { outcome } = (await lookAt(document, first.firstExecutionRunId)) ?? {};
  const { pages, characters, costUsd } = result;
  const numbers = { pages, storedPages: pages, characters, costUsd, milliseconds: expect.any(Number) };
  expect(outcome).toEqual(
    expect.objectContaining({ status: "complete", engine: "textract", failure: null, ...numbers }),
  );
  expect((await lookAt(document, second.firstExecutionRunId))?.outcome).toBeNull();

  // A reset is no other work: it is what the run that was reset has become.
  const { events } = await second.fetchHistory();
  const task = events?.find((event) => event.workflowTaskCompletedEventAttributes);
  const answer = await stack.client.workflowService.resetWorkflowExecution({
    namespace: "default",
    workflowExecution: { workflowId: document.workflowId, runId: second.firstExecutionRunId },
    reason: "because of the test",
    requestId: randomUUID(),
    workflowTaskFinishEventId: task?.eventId ?? null,
  });
  const reset = stack.client.workflow.getHandle(document.workflowId, answer.runId ?? "");
  expect((await lookAt(document, second.firstExecutionRunId))?.outcome).toBeNull();
  await reset.cancel();
  await expect(reset.result()).rejects.toThrow();
  expect((await lookAt(document, second.firstExecutionRunId))?.outcome).toMatchObject({ status: "cancelled" });
});
