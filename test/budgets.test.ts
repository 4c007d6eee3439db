import { randomUUID } from "node:crypto";
import { expect, it, vi } from "vitest";
import { requireBudget } from "#docket/activities/budget-guard";
import { createFailDocument } from "#docket/activities/fail-document";
import { projectIdFromSlug } from "#docket/contract/document-id";
import { addItems, type NewItem } from "#docket/database/batch-items";
import { closeBatch, createBatch, readBatches } from "#docket/database/batches";
import { readBudgets, removeBudget, reserveBudget, setBudget } from "#docket/database/project-budgets";
import { readingSteps } from "./support/reading-steps.ts";
import { asRun, newRun } from "./support/run-of-workflow.ts";
import { smallPdf } from "./support/small-pdf.ts";
import { docket, useStack } from "./support/stack.ts";

const stack = useStack();

it("at the cap documents wait, and the batch says so; a higher cap lets them go on", async () => {
  const project = `capped-${randomUUID().slice(0, 8)}`;
  const prefix = `${project}/`;
  for (const name of ["1", "2", "3", "4"]) {
    await stack.storage.put(stack.bucket, `${prefix}${name}.pdf`, await smallPdf(prefix + name), "application/pdf");
  }
  // Two pages at 0.0015 each, and not a third.
  expect((await docket(["budget", project, "--cap", "0.0040"])).code).toBe(0);
  const batchId = randomUUID();
  const handle = await stack.client.workflow.start("processBatch", {
    taskQueue: "documents",
    workflowId: `batch/${batchId}`,
    args: [{ batchId, source: { bucket: stack.bucket, prefix }, project, window: 3 }],
  });
  for (;;) {
    const batch = await stack.database.batch.findUnique({ where: { id: batchId } });
    if (batch?.complete === 2 && /the budget of project capped-/.test(batch.waitingFor ?? "")) break;
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  const jobs = { document: { project: { slug: project } } };
  expect(await stack.database.textractJob.count({ where: { ...jobs, jobId: { not: null } } })).toBe(2);
  const [budget] = await readBudgets(stack.database, project);
  expect(budget).toMatchObject({ committedUsd: 0.003, reachedAt: expect.any(Date) });

  await docket(["budget", project, "--cap", "1.00"]);
  expect(await handle.result()).toMatchObject({ state: "finished", counts: { total: 4, complete: 4, failed: 0 } });
  expect((await readBudgets(stack.database, project))[0]).toMatchObject({ committedUsd: 0.006, reachedAt: null });
});

it("a reached budget holds back what costs something, and only documents of its own project", async () => {
  const { database, storage, bucket, client } = stack;
  const project = `reached-${randomUUID().slice(0, 8)}`;
  const other = `${project}-other`;
  const object = async (name: string) => {
    const key = `${project}/${name}.pdf`;
    await storage.put(bucket, key, await smallPdf(key), "application/pdf");
    return { bucket, key };
  };
  const [fresh, read, others, free] = await Promise.all(["fresh", "read", "others", "free"].map(object));
  if (!fresh || !read || !others || !free) throw new Error("four objects were put");
  const run = (type: string, workflowId: string, input: object) =>
    client.workflow.start(type, { taskQueue: "documents", workflowId, args: [input] });
  await (await run("processDocument", read.key, { document: read, project })).result();
  await setBudget(database, { project, capUsd: 0, monthly: false }, () => 0);
  await database.$executeRaw`
    UPDATE project_budgets SET reached_at = now() WHERE project_id = (SELECT id FROM projects WHERE slug = ${project})`;

  const startBatch = async (engine: "local" | "textract", items: NewItem[]) => {
    const id = randomUUID();
    const settings = { project, engine, features: [], force: false, priority: 3, window: 10, onlyNew: false };
    await createBatch(database, { id, source: `rows ${id}`, ...settings, prefix: null });
    await addItems(database, id, items);
    await closeBatch(database, id);
    return { id, handle: await run("processBatch", `batch/${id}`, { batchId: id, project }) };
  };
  const paid = await startBatch("textract", [fresh, read, { ...others, project: other }]);
  const local = await startBatch("local", [free]);
  await vi.waitFor(
    async () =>
      expect(await readBatches(database, { id: paid.id })).toMatchObject([
        {
          counts: { waiting: 1, underWay: 0, reused: 1, complete: 1 },
          waitingFor: expect.stringContaining(`of project ${project}:`),
        },
      ]),
    { timeout: 60_000, interval: 300 },
  );
  // Nobody reads here without Textract: it is under way.
  await vi.waitFor(
    async () => expect(await readBatches(database, { id: local.id })).toMatchObject([{ counts: { underWay: 1 } }]),
    { timeout: 60_000, interval: 300 },
  );
  const [item] = await database.batchItem.findMany({ where: { batchId: local.id } });
  await client.workflow.getHandle(`document/${item?.documentId}`).cancel();
  expect(await local.handle.result()).toMatchObject({ counts: { total: 1, cancelled: 1 } });

  await removeBudget(database, project);
  expect(await paid.handle.result()).toMatchObject({ counts: { total: 3, complete: 2, reused: 1, failed: 0 } });
});

it("an attempt whose Start was on its way while the budget was set is counted once, when Textract has taken it", async () => {
  const project = `late-${randomUUID().slice(0, 8)}`;
  const key = `${project}/1.pdf`;
  await stack.storage.put(stack.bucket, key, await smallPdf(key), "application/pdf");
  const faults = `${process.env["AWS_ENDPOINT_URL_TEXTRACT"]}/faults`;
  const slow = { kind: "slow-answer", milliseconds: 6000, operation: "StartDocumentTextDetection", key };
  await fetch(faults, { method: "POST", body: JSON.stringify([slow]) });
  const handle = await stack.client.workflow.start("processDocument", {
    taskQueue: "documents",
    workflowId: key,
    args: [{ document: { bucket: stack.bucket, key }, project }],
  });
  const started = async () => ((await (await fetch(faults)).json()) as { faults: { key?: string }[] }).faults;
  while ((await started()).some((fault) => fault.key === key)) await new Promise((resolve) => setTimeout(resolve, 50));
  await setBudget(stack.database, { project, capUsd: 1, monthly: false }, () => 0.0015);
  // Its Start is not answered yet: setting the budget has not counted it.
  expect(await stack.database.textractJob.findFirstOrThrow({ where: { key } })).toMatchObject({ state: "intended" });
  await handle.result();
  expect((await readBudgets(stack.database, project))[0]).toMatchObject({ committedUsd: 0.0015 });
  // Counted anew, as a budget of another kind is, it is the same.
  await setBudget(stack.database, { project, capUsd: 1, monthly: true }, () => 0.0015);
  expect((await readBudgets(stack.database, project))[0]).toMatchObject({ committedUsd: 0.0015 });
  await docket(["budget", project, "--remove"]);
});

it("what was reserved for an attempt that never began is given back when its document ends, goes, or begins anew", async () => {
  const project = `given-back-${randomUUID().slice(0, 8)}`;
  const keys = ["cancelled", "deleted", "terminated"].map((name) => `${project}/${name}.pdf`);
  const noSlot = keys.map((key) => ({ kind: "no-slot", operation: "StartDocumentTextDetection", key, count: 10_000 }));
  const faults = `${process.env["AWS_ENDPOINT_URL_TEXTRACT"]}/faults`;
  await fetch(faults, { method: "POST", body: JSON.stringify(noSlot) });
  await setBudget(stack.database, { project, capUsd: 0.0045, monthly: true }, () => 0);
  const budget = async () => (await readBudgets(stack.database, project))[0];
  const handles = await Promise.all(
    keys.map(async (key) => {
      await stack.storage.put(stack.bucket, key, await smallPdf(key), "application/pdf");
      return stack.client.workflow.start("processDocument", {
        ...{ taskQueue: "documents", workflowId: key, args: [{ document: { bucket: stack.bucket, key }, project }] },
      });
    }),
  );
  const [cancelled, deleted, terminated] = handles;
  const idOf = async (key = "") => (await stack.database.document.findFirstOrThrow({ where: { key } })).id;
  await vi.waitFor(async () => expect(await budget()).toMatchObject({ committedUsd: 0.0045 }), {
    ...{ timeout: 90_000, interval: 100 },
  });

  await cancelled?.cancel();
  await expect(cancelled?.result()).rejects.toMatchObject({ cause: { name: "CancelledFailure" } });
  expect(await budget()).toMatchObject({ committedUsd: 0.003 });

  await stack.client.workflow.execute("deleteDocuments", {
    ...{ taskQueue: "documents", workflowId: `delete-${project}` },
    args: [{ documentIds: [await idOf(keys[1])], requestedBy: "test" }],
  });
  expect(await budget()).toMatchObject({ committedUsd: 0.0015 });
  // Its next attempt may have found the deletion, and ended it.
  await deleted?.terminate().catch(() => undefined);

  // No activity runs for a workflow that is terminated; whoever hands the document in again reserves anew.
  await terminated?.terminate();
  expect(await budget()).toMatchObject({ committedUsd: 0.0015 });
  const again = await stack.client.workflow.execute("processDocument", {
    ...{ taskQueue: "documents", workflowId: `${keys[2]}-again` },
    args: [{ document: { bucket: stack.bucket, key: keys[2] ?? "" }, project, features: ["SIGNATURES"] }],
  });
  expect(again).toMatchObject({ status: "complete", textractJobs: 1 });
  expect(await budget()).toMatchObject({ committedUsd: again.costUsd, reachedAt: null });
  await removeBudget(stack.database, project);
});

it("what a batch's document had reserved is given back when its workflow was terminated", async () => {
  const project = `terminated-${randomUUID().slice(0, 8)}`;
  const key = `${project}/1.pdf`;
  await stack.storage.put(stack.bucket, key, await smallPdf(key), "application/pdf");
  const faults = `${process.env["AWS_ENDPOINT_URL_TEXTRACT"]}/faults`;
  const noSlot = { kind: "no-slot", operation: "StartDocumentTextDetection", key, count: 10_000 };
  await fetch(faults, { method: "POST", body: JSON.stringify([noSlot]) });
  await setBudget(stack.database, { project, capUsd: 1, monthly: false }, () => 0);
  const budget = async () => (await readBudgets(stack.database, project))[0];
  const batch = await stack.client.workflow.start("processBatch", {
    ...{ taskQueue: "documents", workflowId: `batch-${project}` },
    args: [{ source: { bucket: stack.bucket, prefix: `${project}/` }, project }],
  });
  await vi.waitFor(async () => expect(await budget()).toMatchObject({ committedUsd: 0.0015 }), {
    ...{ timeout: 90_000, interval: 100 },
  });
  const { workflowId } = await stack.database.document.findFirstOrThrow({ where: { key } });
  await stack.client.workflow.getHandle(workflowId).terminate("because of the test");
  // A document that stands as under way is asked about every five minutes, since the batch knows that it was started.
  const askedAt = new Date(Date.now() - 600_000);
  const started = { bucket: stack.bucket, key, state: "started" as const };
  await vi.waitFor(
    async () => {
      const { count } = await stack.database.batchItem.updateMany({ where: started, data: { askedAt } });
      expect(count).toBe(1);
    },
    { timeout: 60_000, interval: 200 },
  );
  expect(await batch.result()).toMatchObject({ counts: { total: 1, failed: 1 } });
  expect(await budget()).toMatchObject({ committedUsd: 0 });
  await removeBudget(stack.database, project);
});

it("an attempt that reserves while its document is being cancelled keeps nothing reserved", async () => {
  const project = `overtaken-${randomUUID().slice(0, 8)}`;
  const document = { bucket: stack.bucket, key: `${project}/1.pdf` };
  await stack.storage.put(document.bucket, document.key, await smallPdf(document.key), "application/pdf");
  const steps = readingSteps(stack, project);
  const run = newRun("overtaken");
  const documentId = await steps.own(run, document);
  const { id } = await steps.intend(run, documentId, document);
  await setBudget(stack.database, { project, capUsd: 1, monthly: false }, () => 0);
  const request = { documentId, document, features: [], region: "us-east-1", force: false };
  const reserve = () => asRun(run, () => requireBudget(stack.database, id, request));
  const budget = async () => (await readBudgets(stack.database, project))[0];
  await reserve();
  expect(await budget()).toMatchObject({ committedUsd: 0.0015 });

  const failure = { type: "Cancelled" as const, message: "because of the test", remedy: "none" };
  await asRun(run, () => createFailDocument(stack)({ documentId, failure }));
  expect(await budget()).toMatchObject({ committedUsd: 0 });
  await expect(reserve()).rejects.toMatchObject({ type: "Superseded" });
  expect(await budget()).toMatchObject({ committedUsd: 0 });
  steps.close();
  await removeBudget(stack.database, project);
});

it("a budget counts as reached only while a document waits for it: one that is cancelled meanwhile waits no more", async () => {
  const project = `waiting-${randomUUID().slice(0, 8)}`;
  const document = { bucket: stack.bucket, key: `${project}/1.pdf` };
  await stack.storage.put(document.bucket, document.key, await smallPdf(document.key), "application/pdf");
  const steps = readingSteps(stack, project);
  const run = newRun("waiting");
  const documentId = await steps.own(run, document);
  const { id } = await steps.intend(run, documentId, document);
  await setBudget(stack.database, { project, capUsd: 0.001, monthly: false }, () => 0);
  const request = { documentId, document, features: [], region: "us-east-1", force: false };
  const waits = asRun(run, () => requireBudget(stack.database, id, request));
  await expect(waits).rejects.toMatchObject({ type: "BudgetReached" });
  const budget = async () => (await readBudgets(stack.database, project))[0];
  expect(await budget()).toMatchObject({ committedUsd: 0, reachedAt: expect.any(Date) });

  const failure = { type: "Cancelled" as const, message: "because of the test", remedy: "none" };
  await asRun(run, () => createFailDocument(stack)({ documentId, failure }));
  expect(await budget()).toMatchObject({ committedUsd: 0, reachedAt: null });
  steps.close();
  await removeBudget(stack.database, project);
});

it("what was paid for a document that is deleted since still counts, in a budget that is set anew and in the ledger", async () => {
  const project = `gone-${randomUUID().slice(0, 8)}`;
  const ids = await Promise.all(
    ["kept", "deleted"].map(async (name) => {
      const key = `${project}/${name}.pdf`;
      await stack.storage.put(stack.bucket, key, await smallPdf(key), "application/pdf");
      const options = { taskQueue: "documents", workflowId: key };
      const args = [{ document: { bucket: stack.bucket, key }, project }];
      return (await stack.client.workflow.execute("processDocument", { ...options, args })).documentId as string;
    }),
  );
  const ledger = async () => {
    const { stdout } = await docket(["ledger", "--project", project, "--json"]);
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  };
  const paid = await ledger();
  expect(paid.totals).toMatchObject([{ jobs: 2, pages: 2, costUsd: expect.closeTo(0.003, 6) }]);
  const remove = (id = "") =>
    stack.client.workflow.execute("deleteDocuments", {
      ...{ taskQueue: "documents", workflowId: `delete-${id}` },
      args: [{ documentIds: [id], requestedBy: "test" }],
    });
  await remove(ids[1]);
  expect(await ledger()).toEqual(paid);
  const budget = async (monthly: boolean) => {
    await setBudget(stack.database, { project, capUsd: 1, monthly }, ({ pages }) => pages);
    return (await readBudgets(stack.database, project))[0]?.committedUsd;
  };
  expect(await budget(false)).toBeCloseTo(0.003, 6);
  expect(await budget(true)).toBeCloseTo(0.003, 6);

  // At work when it was deleted: its price is the expected one; what was paid in another month is not of this one.
  const { jobs } = await stack.database.deletion.findFirstOrThrow({ where: { documentId: ids[1] ?? "" } });
  const change = (job: object) =>
    stack.database.deletion.updateMany({
      where: { documentId: ids[1] ?? "" },
      data: { jobs: [{ ...(jobs as object[])[0], ...job }] },
    });
  await change({ state: "submitted", pages: null, costUsd: null });
  expect(await budget(false)).toBeCloseTo(1.0015, 6);
  await change({ submittedAt: "2020-01-31T23:59:59Z" });
  expect(await budget(true)).toBeCloseTo(0.0015, 6);
  await change({});
  await remove(ids[0]);
  expect(await ledger()).toEqual(paid);
  expect((await docket(["ledger", "--project", project])).stdout).toMatch(/^all +2 +2 +\$0\.0030/m);
  await removeBudget(stack.database, project);
});

it("a monthly budget that is too small for one document is shown as reached in the next month, too", async () => {
  const project = `turned-${randomUUID().slice(0, 8)}`;
  const steps = readingSteps(stack, project);
  const document = { bucket: stack.bucket, key: `${project}/1.pdf` };
  await stack.storage.put(document.bucket, document.key, await smallPdf(document.key), "application/pdf");
  const run = newRun("turned");
  const documentId = await steps.own(run, document);
  const { id: ledgerId } = await steps.intend(run, documentId, document);
  await setBudget(stack.database, { project, capUsd: 0, monthly: true }, () => 0);
  const where = { projectId: projectIdFromSlug(project) };
  const lastMonth = { period: "2020-01", committedUsd: 7, reachedAt: new Date("2020-01-02") };
  await stack.database.projectBudget.update({ where, data: lastMonth });
  const answer = await reserveBudget(stack.database, { ledgerId, documentId, pages: 1, usdPerPage: 0.0015 });
  const now = { committedUsd: 0, reachedAt: expect.any(Date), period: new Date().toISOString().slice(0, 7) };
  expect(answer).toMatchObject({ allowed: false, budget: now });
  const [budget] = await readBudgets(stack.database, project);
  expect(budget).toMatchObject(now);
  expect(budget?.reachedAt?.getFullYear()).toBeGreaterThan(2020);
  steps.close();
  await removeBudget(stack.database, project);
});

it("many workers that reserve at once never exceed the cap together, and one attempt is reserved once", async () => {
  const slug = `race-${randomUUID().slice(0, 8)}`;
  const key = `${slug}/1.pdf`;
  await stack.storage.put(stack.bucket, key, await smallPdf(key), "application/pdf");
  const processed: { documentId: string } = await stack.client.workflow.execute("processDocument", {
    ...{ taskQueue: "documents", workflowId: key, args: [{ document: { bucket: stack.bucket, key }, project: slug }] },
  });
  const document = { id: processed.documentId };
  const cap = (capUsd: number) => setBudget(stack.database, { project: slug, capUsd, monthly: false }, () => 0);
  const committed = async () => (await readBudgets(stack.database, slug))[0]?.committedUsd ?? 0;
  await cap(1000);
  const before = await committed();
  await cap(Number((before + 0.05).toFixed(6)));
  const ledger = await Promise.all(
    Array.from({ length: 10 }, (_, index) =>
      stack.database.textractJob.create({
        data: {
          ...{ id: randomUUID(), documentId: document.id, attempt: 100 + index, features: ["race"] },
          ...{ token: randomUUID(), region: "us-east-1", content: "x", bucket: "x", key: "x", runId: "x" },
        },
      }),
    ),
  );
  const reserve = (ledgerId: string) =>
    reserveBudget(stack.database, { ledgerId, documentId: document.id, pages: 1, usdPerPage: 0.01 });
  const answers = await Promise.all(ledger.map(({ id }) => reserve(id)));
  expect(answers.filter(({ allowed }) => allowed)).toHaveLength(5);
  const first = ledger[answers.findIndex(({ allowed }) => allowed)];
  expect(await reserve(first?.id ?? "")).toEqual({ allowed: true, reserved: false });
  expect(await committed()).toBeCloseTo(before + 0.05, 6);
  await stack.database.textractJob.deleteMany({ where: { id: { in: ledger.map(({ id }) => id) } } });
  await docket(["budget", slug, "--remove"]);
});
