import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createCompleteDocument } from "#docket/activities/complete-document";
import { createCreateRecord } from "#docket/activities/create-record";
import { createFailDocument } from "#docket/activities/fail-document";
import { createWriteMetadata } from "#docket/activities/write-metadata";
import { projectIdFromSlug } from "#docket/contract/document-id";
import { type Failure, failureTable } from "#docket/contract/failures";
import { pageRow } from "#docket/contract/page-row";
import { validateInput } from "#docket/contract/valid-input";
import { storePages } from "#docket/database/store-pages";
import { asRun, newRun } from "./support/run-of-workflow.ts";
import { smallPdf } from "./support/small-pdf.ts";
import { connectStack } from "./support/stack.ts";

// The activities that write a document's state, called as two runs of different workflows would: one that was overtaken,
// and the one that owns the document by now. PostgreSQL is the real one; Temporal is not asked here.

let stack: Awaited<ReturnType<typeof connectStack>>;
beforeAll(async () => {
  stack = await connectStack();
});
afterAll(() => stack.close());

const project = `states-${randomUUID().slice(0, 8)}`;
const failure = (type: Failure["type"], more: Partial<Failure> = {}): Failure => {
  return { type, message: "because of the test", remedy: failureTable[type].remedy, ...more };
};

/** A run of a workflow of its own, and what it can do to a document. */
function newActor(name: string) {
  const run = newRun(`states/${name}`);
  const as = <T>(call: () => Promise<T>) => asRun(run, call);
  const { database, storage } = stack;
  const fail = createFailDocument(stack);
  const page = {
    number: 1,
    text: name,
    confidence: 90,
    width: 595,
    height: 842,
    lines: [],
    source: "recognition" as const,
  };
  return {
    run,
    own: (key: string) =>
      as(() =>
        createCreateRecord({ database, storage })(
          validateInput({ document: { bucket: stack.bucket, key }, project, force: true }),
        ),
      ),
    complete: (documentId: string) => as(() => createCompleteDocument({ database })({ documentId, expectedPages: 1 })),
    fail: (documentId: string) => as(() => fail({ documentId, failure: failure("Corrupt") })),
    cancel: (documentId: string) => as(() => fail({ documentId, failure: failure("Cancelled") })),
    endIncomplete: (documentId: string) => {
      const missingPages = [{ page: 2, warning: "INTERNAL_ERROR" }];
      return as(() => fail({ documentId, failure: failure("PagesFailed", { missingPages }) }));
    },
    store: (documentId: string) =>
      storePages(database, documentId, { engine: "local", writtenBy: run.runId, runId: run.runId }, [
        { row: pageRow(page), rawKey: null },
      ]),
    describe: (documentId: string, key: string) =>
      as(() =>
        createWriteMetadata({ database, storage })({
          documentId,
          document: { bucket: stack.bucket, key },
          sha256: "0".repeat(64),
          etag: "another",
          input: validateInput({ document: { bucket: stack.bucket, key }, project }),
        }),
      ),
  };
}
type Run = ReturnType<typeof newActor>;

/** Everything that a stale run might change. */
const stateOf = (documentId: string) =>
  Promise.all([
    stack.database.document.findUniqueOrThrow({ where: { id: documentId }, include: { metadata: true } }),
    stack.database.page.findMany({ where: { documentId }, orderBy: { number: "asc" } }),
  ]);

const ends: Record<string, (run: Run, documentId: string) => Promise<unknown>> = {
  complete: (run, documentId) => run.complete(documentId),
  incomplete: (run, documentId) => run.endIncomplete(documentId),
  failed: (run, documentId) => run.fail(documentId),
  cancelled: (run, documentId) => run.cancel(documentId),
};

async function overtaken(name: string) {
  await stack.database.project.upsert({
    where: { slug: project },
    create: { id: projectIdFromSlug(project), slug: project },
    update: {},
  });
  const key = `${project}/${name}.pdf`;
  await stack.storage.put(stack.bucket, key, await smallPdf(key), "application/pdf");
  const stale = newActor("stale");
  const owner = newActor("owner");
  const { documentId } = await stale.own(key);
  expect((await owner.own(key)).documentId).toBe(documentId);
  await stack.database.document.update({ where: { id: documentId }, data: { expectedPages: 2 } });
  return { stale, owner, documentId, key };
}

describe.each(Object.keys(ends))("a document that ended %s", (status) => {
  it("keeps its state and its pages, whatever a run that was overtaken still tries", async () => {
    const { stale, owner, documentId, key } = await overtaken(status);
    await owner.store(documentId);
    await ends[status]?.(owner, documentId);
    const before = await stateOf(documentId);
    expect(before[0]).toMatchObject({ status, runId: owner.run.runId });

    for (const end of Object.values(ends)) await end(stale, documentId).catch(() => undefined);
    await expect(stale.store(documentId)).rejects.toMatchObject({ type: "Superseded" });
    await expect(stale.describe(documentId, key)).rejects.toMatchObject({ type: "Superseded" });
    expect(await stateOf(documentId)).toEqual(before);
  });

  it("keeps it against the same run, which asks again as after a lost answer", async () => {
    const { owner, documentId } = await overtaken(`${status}-again`);
    await owner.store(documentId);
    await ends[status]?.(owner, documentId);
    const before = await stateOf(documentId);
    for (const end of Object.values(ends)) await end(owner, documentId).catch(() => undefined);
    await expect(owner.store(documentId)).rejects.toMatchObject({ type: "Superseded" });
    expect(await stateOf(documentId)).toEqual(before);
  });

  it("is under way again for the next run that owns it", async () => {
    const { owner, documentId, key } = await overtaken(`${status}-next`);
    await owner.store(documentId);
    await ends[status]?.(owner, documentId);
    const next = newActor("next");
    await next.own(key);
    const [document] = await stateOf(documentId);
    expect(document).toMatchObject({
      status: "processing",
      runId: next.run.runId,
      failureType: null,
      missingPages: null,
    });
    await ends[status]?.(owner, documentId).catch(() => undefined);
    expect((await stateOf(documentId))[0].status).toBe("processing");
  });
});

it("a stale run that would end a document under way changes nothing", async () => {
  const { stale, documentId } = await overtaken("under-way");
  for (const end of Object.values(ends)) await end(stale, documentId).catch(() => undefined);
  expect((await stateOf(documentId))[0].status).toBe("processing");
});
