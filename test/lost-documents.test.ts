import { createHash, randomUUID } from "node:crypto";
import { afterAll, describe, expect, it } from "vitest";
import { findLost } from "#docket/client/lost-documents";
import { documentIdFromContent, documentIdFromLocation } from "#docket/contract/document-id";
import { smallPdf } from "./support/small-pdf.ts";
import { docket, stackEnvironment, startWorker, useStack } from "./support/stack.ts";

// Documents that are open in PostgreSQL while no run of Temporal's works on them. Nobody looks for results
// here: what Textract was given stays under way.
const stack = useStack("documents,textract-submit");
const wait = { timeout: 60_000, interval: 200 };
const begun = new Set<string>();

afterAll(async () => {
  for (const workflowId of begun) {
    const handle = stack.client.workflow.getHandle(workflowId);
    await handle
      .cancel()
      .then(() => handle.result())
      .catch(() => undefined);
  }
});

/** Hands in a document of its own that does not come to its end. */
async function underWay(project: string, name: string, input: object = {}) {
  const pdf = await smallPdf(`${project}/${name}`, 2);
  const key = `lost/${project}/${name}.pdf`;
  await stack.storage.put(stack.bucket, key, pdf, "application/pdf");
  const documentId = documentIdFromContent(project, createHash("sha256").update(pdf).digest("hex"));
  const workflowId = `lost/${project}/${name}`;
  for (const id of [workflowId, `document/${documentId}`]) begun.add(id);
  const args = [{ document: { bucket: stack.bucket, key }, project, ...input }];
  const run = await stack.client.workflow.start("processDocument", { taskQueue: "documents", workflowId, args });
  const reached = {
    documentId,
    kind: "engine" in input && input.engine === "local" ? "prerequisites-met" : "textract-submitted",
  };
  await expect.poll(() => stack.database.documentEvent.count({ where: reached }), wait).toBe(1);
  return { documentId, key, workflowId, runId: run.firstExecutionRunId };
}

/** As where a namespace is lost: Temporal does not know the workflow any more. */
async function lose(workflowId: string): Promise<void> {
  const namespace = "default";
  await stack.client.workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId } });
  const handle = stack.client.workflow.getHandle(workflowId);
  const name = () =>
    handle.describe().then(
      ({ status }) => status.name,
      ({ name }: Error) => name,
    );
  await expect.poll(name, wait).toBe("WorkflowNotFoundError");
}

async function redrive(...args: string[]) {
  const { code, stdout, stderr } = await docket(["redrive", "--lost", "--json", ...args]);
  const lines = stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  return { code, stderr, ids: lines.map(({ documentId }) => documentId).toSorted(), lines };
}

const rowOf = (id: string) =>
  stack.database.document.findUniqueOrThrow({ where: { id }, include: { metadata: true, textractJobs: true } });

describe("docket redrive --lost", () => {
  it("starts what Temporal does not know or what was terminated, as it was, and pays nothing again", async () => {
    const project = "lost-as-it-was";
    const work = { engine: "textract-then-local", features: ["FORMS"], queries: [{ text: "Who?", alias: "who" }] };
    const told = { customFields: { case: "17" }, source: "scanner 3", fileName: "letter.pdf" };
    const lost = await underWay(project, "lost", { ...work, ...told });
    const terminated = await underWay(project, "terminated");
    const running = await underWay(project, "running", { engine: "local" });
    await lose(lost.workflowId);
    await stack.client.workflow.getHandle(terminated.workflowId).terminate();
    const both = [lost.documentId, terminated.documentId].toSorted();

    const dry = await redrive("--project", project, "--dry-run");
    expect(dry).toMatchObject({ code: 0, ids: both });
    for (const line of dry.lines) expect(line).toMatchObject({ status: "processing", billedPages: 0, started: false });
    expect(dry.stderr).toMatch(
      /Temporal at .*, namespace default, was asked: 1 open document that a run works on is left alone/,
    );
    expect((await rowOf(lost.documentId)).workflowId).toBe(lost.workflowId);
    expect((await redrive(running.documentId)).ids).toEqual([]);

    expect(await redrive("--project", project)).toMatchObject({ code: 0, ids: both });
    // Their new runs may not have taken them over yet, or have.
    expect((await redrive("--project", project)).ids).toEqual([]);
    const worker = await startWorker("textract-results");
    for (const id of both) await stack.client.workflow.getHandle(`document/${id}`).result();
    await worker.stop();

    const row = await rowOf(lost.documentId);
    expect(row).toMatchObject({
      ...{ status: "complete", engine: "textract_then_local", features: ["FORMS", "QUERIES", "QUERY[who] Who?"] },
      metadata: { customFields: { case: "17" }, source: "scanner 3", fileName: "letter.pdf" },
    });
    for (const id of both) expect((await rowOf(id)).textractJobs).toHaveLength(1);
    expect((await rowOf(running.documentId)).runId).toBe(running.runId);
  });

  it("starts what a closed run has left open, and what ended with its row never", async () => {
    const project = "lost-and-closed";
    const completed = await underWay(project, "completed");
    const cancelled = await underWay(project, "cancelled");
    const ended = await underWay(project, "ended");
    const key = `lost/${project}/missing.pdf`;
    const missing = documentIdFromLocation(project, stack.bucket, key);
    const args = [{ document: { bucket: stack.bucket, key }, project }];
    const workflowId = `document/${missing}`;
    begun.add(workflowId);
    const failed = stack.client.workflow.execute("processDocument", { taskQueue: "documents", workflowId, args });
    await expect(failed).rejects.toThrow();
    for (const run of [cancelled, ended]) {
      const handle = stack.client.workflow.getHandle(run.workflowId);
      await handle.cancel();
      await expect(handle.result()).rejects.toThrow();
    }
    const worker = await startWorker("textract-results");
    await stack.client.workflow.getHandle(completed.workflowId).result();
    await worker.stop();
    expect(await redrive("--project", project)).toMatchObject({ code: 0, ids: [] });

    // As where the database is restored to a time before they closed.
    const open = [completed.documentId, cancelled.documentId, missing].toSorted();
    const data = { status: "processing" as const, finishedAt: null, failureType: null, failureMessage: null };
    await stack.database.document.updateMany({ where: { id: { in: open } }, data });
    expect(await redrive("--project", project, "--dry-run")).toMatchObject({ code: 0, ids: open });
    expect(await redrive("--project", project)).toMatchObject({ code: 0, ids: open });
    const results = await startWorker("textract-results");
    for (const { documentId } of [completed, cancelled]) {
      await stack.client.workflow.getHandle(`document/${documentId}`).result();
      const { status, textractJobs } = await rowOf(documentId);
      expect({ status, jobs: textractJobs.length }).toEqual({ status: "complete", jobs: 1 });
    }
    await results.stop();
    await expect.poll(async () => (await rowOf(missing)).status, wait).toBe("failed");
    expect((await rowOf(ended.documentId)).status).toBe("cancelled");
  });

  it("leaves a document alone whose next run has begun, and has not taken it over yet", async () => {
    const project = "lost-and-begun";
    const { documentId, workflowId } = await underWay(project, "begun");
    await lose(workflowId);
    const next = `document/${documentId}`;
    // A queue that nobody serves: no worker had the time.
    const options = { workflowId: next, taskQueue: "nobody", args: [] };
    const handle = await stack.client.workflow.start("processDocument", options);
    expect(await redrive("--project", project)).toMatchObject({ code: 0, ids: [] });
    await handle.terminate();
    expect((await redrive("--project", project)).ids).toEqual([documentId]);
  });

  it("keeps the priority that a document had in its batch", async () => {
    const project = "lost-priority";
    const { documentId, key, workflowId } = await underWay(project, "urgent");
    await lose(workflowId);
    const item = {
      id: randomUUID(),
      bucket: stack.bucket,
      key,
      documentId,
      state: "started" as const,
      startedAt: new Date(),
    };
    const settings = { project, engine: "textract" as const, features: [], priority: 2, window: 1 };
    const id = randomUUID();
    await stack.database.batch.create({ data: { id, source: "lost test", ...settings, items: { create: item } } });
    try {
      const search = { through: <T>(ask: () => Promise<T>) => ask(), onLeft: () => undefined };
      const services = { database: stack.database, temporal: stack.client };
      for await (const { input } of findLost(services, { project }, new Date(), search))
        expect(input).toMatchObject({ documentId, priority: 2 });
      expect(await redrive("--batch", id)).toMatchObject({ code: 0, ids: [documentId] });
      const { raw } = await stack.client.workflow.getHandle(`document/${documentId}`).describe();
      expect(raw.workflowExecutionInfo?.priority?.priorityKey).toBe(2);
    } finally {
      await stack.database.batch.deleteMany({ where: { id } });
    }
  });

  it("keeps what a batch says of a document whose run was lost before it had written that down", async () => {
    const project = "lost-early";
    const { documentId, key, workflowId } = await underWay(project, "early");
    const { documentId: alone, workflowId: another } = await underWay(project, "alone");
    const { documentId: described, key: itsKey, workflowId: its } = await underWay(project, "described");
    for (const id of [workflowId, another, its]) await lose(id);
    // As between the first two steps of a run.
    await stack.database.documentMetadata.deleteMany({ where: { documentId: { in: [documentId, alone] } } });
    const told = { fileName: "letter.pdf", source: "scanner 3", customFields: { case: "17" } };
    const item = { bucket: stack.bucket, ...told, state: "claimed" as const, claim: "call/1", startedAt: new Date() };
    const items = [
      { id: randomUUID(), ...item, key, documentId },
      { id: randomUUID(), ...item, key: itsKey, documentId: described },
    ];
    const settings = { project, engine: "textract" as const, features: [], priority: 2, window: 1 };
    const id = randomUUID();
    const data = { id, source: "lost test", ...settings, items: { create: items } };
    await stack.database.batch.create({ data });
    try {
      const search = { through: <T>(ask: () => Promise<T>) => ask(), onLeft: () => undefined };
      const services = { database: stack.database, temporal: stack.client };
      const found: Record<string, unknown> = {};
      const list = async () => {
        for await (const { documentId, fileName, input } of findLost(services, { project }, new Date(), search))
          found[documentId] = { shown: fileName, input };
        return found;
      };
      const expected = {
        [documentId]: { shown: told.fileName, input: { ...told, priority: 2 } },
        [alone]: { shown: "alone.pdf", input: { fileName: "alone.pdf", customFields: {} } },
        [described]: { shown: "described.pdf", input: { fileName: "described.pdf", customFields: {}, priority: 2 } },
      };
      expect(await list()).toMatchObject(expected);
      await stack.database.batchItem.updateMany({ where: { batchId: id }, data: { state: "started" } });
      expect(await list()).toMatchObject(expected);
    } finally {
      await stack.database.batch.deleteMany({ where: { id } });
    }
  });

  it("takes an unknown namespace for no answer, and starts nothing", async () => {
    const project = "lost-namespace";
    const { documentId, workflowId } = await underWay(project, "known");
    const environment = stackEnvironment({ TEMPORAL_NAMESPACE: "no-such" });
    const { code, stdout, stderr } = await docket(["redrive", "--lost", "--project", project], environment);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain("Temporal has no namespace no-such");
    expect((await rowOf(documentId)).workflowId).toBe(workflowId);
  });

  it("means other documents than --all and --type", async () => {
    expect((await docket(["redrive", "--lost", "--all"])).code).toBe(1);
    expect((await docket(["redrive", "--lost", "--type", "Corrupt"])).code).toBe(1);
  });
});
