import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { attributesAtStart, searchAttributes } from "#docket/contract/search-attributes";
import { smallPdf } from "./support/small-pdf.ts";
import { connectStack, docket, type Running, stackEnvironment, startWorker } from "./support/stack.ts";

const wait = { timeout: 60_000, interval: 100 };
const project = "listed-stages";

let stack: Awaited<ReturnType<typeof connectStack>>;
let worker: Running;
beforeAll(async () => {
  stack = await connectStack();
  worker = await startWorker(undefined, {
    DOCKET_LIST_AFTER_SECONDS: "6",
    // A document is read at once: the first look at its job comes long before that.
    DOCKET_TEXTRACT_POLL_MIN_SECONDS: "0.3",
  });
});
afterAll(async () => {
  await worker.stop();
  await stack.close();
});

async function start(name: string, listed: boolean) {
  const key = `${project}/${name}.pdf`;
  await stack.storage.put(stack.bucket, key, await smallPdf(`${name} ${randomUUID()}`), "application/pdf");
  return stack.client.workflow.start("processDocument", {
    taskQueue: "documents",
    workflowId: `${project}-${name}-${randomUUID()}`,
    args: [{ document: { bucket: stack.bucket, key }, project }],
    typedSearchAttributes: listed ? attributesAtStart({ project, engine: "textract" }) : [],
  });
}

type Document = Awaited<ReturnType<typeof start>>;

const listed = async (document: Document) => {
  for await (const execution of stack.client.workflow.list({ query: `WorkflowId = "${document.workflowId}"` })) {
    const attributes = execution.typedSearchAttributes;
    return Object.fromEntries(
      (["project", "engine", "stage", "pages"] as const).map((name) => [name, attributes.get(searchAttributes[name])]),
    );
  }
  return {};
};

const events = async (document: Document) => {
  const { events } = await document.fetchHistory();
  const stages = (events ?? []).flatMap(({ upsertWorkflowSearchAttributesEventAttributes: upsert }) => upsert ?? []);
  const timers = (events ?? []).filter(({ timerFiredEventAttributes: fired }) => fired);
  return { upserts: stages.length, timers: timers.length };
};

describe("the list of workflows", () => {
  const ended = { project, engine: "textract", stage: "complete", pages: 1 };

  it("is told of the end alone of a document that is read at once", async () => {
    const document = await start("at-once", true);
    await document.result();
    await expect.poll(() => listed(document), wait).toEqual(ended);
    // On a busy machine it may have taken longer than the time that is set.
    const { upserts, timers } = await events(document);
    if (timers === 0) expect(upserts).toBe(1);
  });

  it("has all of a document that somebody started with its input alone", async () => {
    const document = await start("by-anybody", false);
    await document.result();
    await expect.poll(() => listed(document), wait).toEqual(ended);
  });

  it("is told of the step that a document is at after the time that is set", async () => {
    const endpoint = inject("environment")["AWS_ENDPOINT_URL_TEXTRACT"];
    const fault = { kind: "slow-job", key: `${project}/waits.pdf`, milliseconds: 15_000 };
    const told = await fetch(`${endpoint}/faults`, { method: "POST", body: JSON.stringify([fault]) });
    expect(told.status).toBe(200);
    const document = await start("waits", true);
    await expect.poll(async () => (await listed(document))["stage"], wait).toBe("awaitTextract");
    await document.result();
    await expect.poll(() => listed(document), wait).toEqual(ended);
  });

  it("has a document of a command at its first step from the beginning", async () => {
    const args = ["submit", "--wait", "--json", "--project", project, "samples/invoice.jpg"];
    const { code, stdout, stderr } = await docket(args, stackEnvironment());
    expect(code, stdout + stderr).toBe(0);
    const { documentId } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
    const { events } = await stack.client.workflow.getHandle(`document/${documentId}`).fetchHistory();
    const fields = events?.[0]?.workflowExecutionStartedEventAttributes?.searchAttributes?.indexedFields;
    expect(JSON.parse(Buffer.from(fields?.["DocketStage"]?.data ?? []).toString("utf8"))).toBe("ensureProject");
  });
});
