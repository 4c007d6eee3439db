import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { askTemporal } from "#docket/activities/ask-temporal";
import { createCompleteDocument } from "#docket/activities/complete-document";
import { createCreateRecord } from "#docket/activities/create-record";
import { createFailDocument } from "#docket/activities/fail-document";
import { takeItems } from "#docket/activities/take-batch-items";
import { projectIdFromSlug } from "#docket/contract/document-id";
import type { FailureType } from "#docket/contract/failures";
import { searchAttributes } from "#docket/contract/search-attributes";
import { validateInput } from "#docket/contract/valid-input";
import { settleItems } from "#docket/database/batch-item-ends";
import { claimItems, confirmClaim, identifyItem, waitingItems } from "#docket/database/batch-item-turns";
import { addItems } from "#docket/database/batch-items";
import { createBatch, readBatches } from "#docket/database/batches";
import { useReadingSteps } from "./support/reading-steps.ts";
import { asRun, newRun } from "./support/run-of-workflow.ts";
import { smallPdf } from "./support/small-pdf.ts";

// A batch looks every few seconds; meanwhile somebody else has its document read for something else.
const project = `other-work-${randomUUID().slice(0, 8)}`;
const { stack } = useReadingSteps(project);
const asked = ["TABLES" as const];

/** A batch that has started the document of its one item, again whatever was read before. */
async function startedItem() {
  const { database, storage, bucket, client } = stack;
  const document = { bucket, key: `${project}/${randomUUID()}.pdf` };
  await storage.put(bucket, document.key, await smallPdf(document.key), "application/pdf");
  const id = projectIdFromSlug(project);
  await database.project.upsert({ where: { id }, create: { id, slug: project }, update: {} });
  const batchId = randomUUID();
  const settings = { project, engine: "textract" as const, force: true, priority: 3, window: 10, onlyNew: false };
  await createBatch(database, { id: batchId, source: batchId, ...settings, features: asked, prefix: null });
  await addItems(database, batchId, [document]);
  const item = await database.batchItem.findFirstOrThrow({ where: { batchId } });

  /** A run takes the document over to read it. */
  const begin = async (features: typeof asked | []) => {
    const run = newRun("reading");
    const input = validateInput({ document, project, ...(features.length > 0 ? { features } : {}), force: true });
    const { documentId } = await asRun(run, () => createCreateRecord(stack)(input));
    return { run, documentId };
  };
  type Reading = Awaited<ReturnType<typeof begin>>;
  const complete = async ({ run, documentId }: Reading) => {
    const page = { documentId, number: 1, text: "", characters: 0, lines: [], source: "textract" as const };
    const data = [{ ...page, engine: "textract" as const, writtenBy: run.runId }];
    await database.page.createMany({ data, skipDuplicates: true });
    await asRun(run, () => createCompleteDocument(stack)({ documentId, expectedPages: 1 }));
  };
  const fail = ({ run, documentId }: Reading, type: FailureType) =>
    asRun(run, () =>
      createFailDocument(stack)({
        documentId,
        failure: { type, message: "because of the test", remedy: "none" },
      }),
    );

  return {
    ...{ batchId, document, begin, complete, fail },
    /** The batch starts the item's document. */
    async start(documentId: string) {
      // What ended before has an earlier time, to the millisecond.
      await sleep(5);
      await identifyItem(database, item.id, { documentId, sha256: null, etag: null, version: null });
      await claimItems(database, [item.id], "a claim");
      await confirmClaim(database, batchId, { started: "a claim", current: "" });
    },
    /** A run of the document is terminated before it has written anything, and Temporal is asked how it ended. */
    async terminate(documentId: string, startedBy: string | null) {
      const handle = await client.workflow.start("processDocument", {
        ...{ taskQueue: "a queue without a worker", workflowId: `document/${documentId}`, args: [{}] },
        ...(startedBy && { typedSearchAttributes: [{ key: searchAttributes.batch, value: startedBy }] }),
      });
      await handle.terminate("because of the test");
      await database.batchItem.update({ where: { id: item.id }, data: { askedAt: new Date(0) } });
      await askTemporal(database, client, batchId);
    },
    async look() {
      await settleItems(database, batchId);
      const { state, failureType, failureMessage } = await database.batchItem.findUniqueOrThrow({
        where: { id: item.id },
      });
      const { complete, failed, cancelled } = await database.batch.findUniqueOrThrow({ where: { id: batchId } });
      return { state, failureType, failureMessage, counts: { complete, failed, cancelled } };
    },
    remove: () => database.batch.delete({ where: { id: batchId } }),
  };
}

const none = { complete: 0, failed: 0, cancelled: 0 };
it.each([
  ["complete", null, { ...none, complete: 1 }],
  ["failed", "Corrupt", { ...none, failed: 1 }],
  ["cancelled", "Cancelled", { ...none, cancelled: 1 }],
] as const)(
  "what was asked for ended %s: so does the item, whoever has taken the document over since",
  async (state, failureType, counts) => {
    for (const otherEnds of [false, true]) {
      const item = await startedItem();
      const before = await item.begin([]);
      await item.complete(before);
      await item.start(before.documentId);
      expect(await item.look()).toMatchObject({ state: "started" });

      const own = await item.begin(asked);
      if (failureType === null) await item.complete(own);
      else await item.fail(own, failureType);
      const other = await item.begin([]);
      if (otherEnds) await item.complete(other);
      const failureMessage = failureType && "because of the test";
      expect(await item.look()).toEqual({ state, failureType, failureMessage, counts });
      expect(await item.look()).toEqual({ state, failureType, failureMessage, counts });
      await item.remove();
    }
  },
);

it("nothing of what was asked for has ended: the item waits again as soon as the other reading has", async () => {
  const item = await startedItem();
  // An end from before the start is an earlier run's.
  const earlier = await item.begin(asked);
  await item.complete(earlier);
  await item.start(earlier.documentId);
  const other = await item.begin([]);
  expect(await item.look()).toMatchObject({ state: "started" });
  await item.fail(other, "Corrupt");
  expect(await item.look()).toMatchObject({ state: "waiting", failureType: null, counts: none });
  await item.remove();
});

it("another reading is terminated: the item is not failed by it", async () => {
  const item = await startedItem();
  const { documentId } = await item.begin([]);
  await item.start(documentId);
  await item.terminate(documentId, null);
  expect(await item.look()).toMatchObject({ state: "waiting", failureType: null, counts: none });

  // What the batch has started itself counts, also where it did not come as far as to write what it reads.
  await item.start(documentId);
  await item.terminate(documentId, item.batchId);
  expect(await item.look()).toMatchObject({ state: "failed", failureType: "Internal", counts: { ...none, failed: 1 } });
  await item.remove();
});

it("another reading is terminated before anybody has looked how the batch's own one ended: that is not lost", async () => {
  const item = await startedItem();
  const { documentId } = await item.begin([]);
  await item.start(documentId);
  await item.complete(await item.begin(asked));
  await item.begin([]);
  await item.terminate(documentId, null);
  expect(await item.look()).toMatchObject({ state: "complete", failureType: null, counts: { ...none, complete: 1 } });
  await item.remove();
});

it("of two items of one content that wait again one follows the other, unless Temporal has lost their document", async () => {
  const { database } = stack;
  const item = await startedItem();
  const { batchId, document } = item;
  const other = await item.begin([]);
  await item.start(other.documentId);
  await addItems(database, batchId, [{ ...document, reference: "again" }]);
  const items = () => database.batchItem.findMany({ where: { batchId }, orderBy: { position: "asc" } });
  const states = async () => (await items()).map(({ state }) => state);
  const again = (await items())[1]?.id ?? "";
  await identifyItem(database, again, { documentId: other.documentId, sha256: null, etag: null, version: null });

  const [batch] = await readBatches(database, { id: batchId });
  if (batch === undefined) throw new Error("the batch is there");
  const take = async (claim: string, started: string | null) => {
    await confirmClaim(database, batchId, { started, current: claim });
    await takeItems(stack, batch, await waitingItems(database, { batchId, priority: 3, limit: 10 }), claim);
  };
  await take("call/1/1", null);
  expect(await states()).toEqual(["started", "started"]);

  // Both were asked about while the other reading was under way: that says nothing of them once they wait.
  await database.batchItem.updateMany({ where: { batchId }, data: { askedAt: new Date() } });
  await item.fail(other, "Corrupt");
  await settleItems(database, batchId);
  expect(await states()).toEqual(["waiting", "waiting"]);
  await take("call/2/1", null);
  expect(await states()).toEqual(["claimed", "waiting"]);
  await take("call/3/1", "call/2/1");
  const [one, two] = await items();
  expect([one?.state, two?.state]).toEqual(["started", "started"]);
  expect(two?.startedAt).toEqual(one?.startedAt);

  await database.batchItem.updateMany({ where: { batchId }, data: { askedAt: new Date(0) } });
  await askTemporal(database, stack.client, batchId);
  expect(await states()).toEqual(["waiting", "waiting"]);
  await take("call/4/1", null);
  await take("call/5/1", "call/4/1");
  expect(await states()).toEqual(["started", "claimed"]);
  await item.remove();
});

/** Items of the content of one that has ended, though neither row nor trail tells of it: its run was refused or terminated. */
async function behindAnUntoldEnd(item: Awaited<ReturnType<typeof startedItem>>, copies: number) {
  const { database } = stack;
  const { batchId, document } = item;
  const before = await item.begin([]);
  await item.complete(before);
  await item.start(before.documentId);
  await database.batchItem.updateMany({ where: { batchId }, data: { state: "failed", finishedAt: new Date() } });
  const again = Array.from({ length: copies }, (_, copy) => ({ ...document, reference: `copy ${copy}` }));
  await addItems(database, batchId, again);
  const { documentId } = before;
  await database.batchItem.updateMany({ where: { batchId }, data: { documentId } });
  const [batch] = await readBatches(database, { id: batchId });
  if (batch === undefined) throw new Error("the batch is there");
  const take = async (claim: string) =>
    takeItems(stack, batch, await waitingItems(database, { batchId, priority: 3, limit: 100 }), claim);
  const states = async () => {
    const items = await database.batchItem.findMany({ where: { batchId }, orderBy: { position: "asc" } });
    return items.slice(1).map(({ state }) => state);
  };
  return { documentId, take, states };
}

it("an item does not follow one whose end nothing tells of, while the document is somebody else's", async () => {
  const { database } = stack;
  const item = await startedItem();
  const { batchId } = item;
  const { take, states } = await behindAnUntoldEnd(item, 2);
  await item.complete(await item.begin([]));
  for (const look of [1, 2, 3]) {
    await confirmClaim(database, batchId, { started: `call/${look - 1}/1`, current: `call/${look}/1` });
    await settleItems(database, batchId);
    await take(`call/${look}/1`);
    if (look === 1) expect(await states()).toEqual(["claimed", "waiting"]);
  }
  // One is read, and the other one ends as it does.
  expect(await states()).toEqual(["started", "started"]);
  await item.complete(await item.begin(asked));
  expect(await item.look()).toMatchObject({ counts: { ...none, complete: 2 } });
  await item.remove();
});

it("very many items that follow each other while somebody else's reading is terminated do so no longer", async () => {
  const { database } = stack;
  const item = await startedItem();
  const { batchId } = item;
  const { documentId, take, states } = await behindAnUntoldEnd(item, 25);
  const data = { state: "started" as const, startedAt: new Date(0), askedAt: new Date(Date.now() - 3_600_000) };
  await database.batchItem.updateMany({ where: { batchId, state: "waiting" }, data });
  await item.begin([]);
  await item.terminate(documentId, null);
  for (const look of [1, 2]) {
    await take(`call/${look}/1`);
    await askTemporal(database, stack.client, batchId);
  }
  await take("call/3/1");
  expect((await states()).filter((state) => state === "claimed")).toHaveLength(1);
  await item.remove();
});

it("batches that have not ended are listed first, however many came after them", async () => {
  const { database } = stack;
  const items = [await startedItem(), await startedItem()] as const;
  onTestFinished(async () => void (await Promise.all(items.map((item) => item.remove()))));
  const [open, ended] = [items[0].batchId, items[1].batchId];
  await database.batch.update({ where: { id: open }, data: { createdAt: new Date("2020-01-01") } });
  await database.batch.update({ where: { id: ended }, data: { state: "finished", finishedAt: new Date() } });
  const listed = (await readBatches(database, { limit: 1000 })).map(({ id }) => id);
  expect(listed.indexOf(open)).toBeGreaterThan(-1);
  expect(listed.indexOf(open)).toBeLessThan(listed.indexOf(ended));
});
