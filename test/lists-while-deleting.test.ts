import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import { listLedger } from "#docket/client/ledger/read-ledger";
import { listDocuments } from "#docket/client/read-documents";
import { projectIdFromSlug } from "#docket/contract/document-id";
import { connectStack } from "./support/stack.ts";

// Lists are read some hundred rows at a time. The row that a part ended with may be deleted before the next is asked for.

let stack: Awaited<ReturnType<typeof connectStack>>;
const slug = `lists-${randomUUID().slice(0, 8)}`;
const projectId = projectIdFromSlug(slug);
const now = Date.now();
/** Some at the same time, as those of a folder that is handed in. */
const at = (index: number) => new Date(now - Math.floor(index / 3));

beforeAll(async () => {
  stack = await connectStack();
  await stack.database.project.create({ data: { id: projectId, slug } });
  const place = { projectId, bucket: "none", key: "none", engine: "textract" as const };
  await stack.database.document.createMany({
    data: Array.from({ length: 203 }, (_, index) => ({
      ...{
        ...place,
        id: randomUUID(),
        workflowId: "none",
        runId: "none",
        receivedAt: at(index),
        finishedAt: at(index),
      },
      ...{ status: "failed" as const, failureType: "Corrupt", failureMessage: "-", failureRemedy: "-" },
    })),
  });
  const { id: documentId } = await stack.database.document.findFirstOrThrow({ where: { projectId } });
  await stack.database.textractJob.createMany({
    data: Array.from({ length: 503 }, (_, index) => ({
      ...{ id: randomUUID(), documentId, attempt: index + 1, features: [], token: randomUUID(), region: "us-east-1" },
      ...{ content: "x", bucket: "none", key: "none", runId: "none", intendedAt: at(index) },
    })),
  });
});
afterAll(async () => {
  await stack.database.textractJob.deleteMany({ where: { document: { projectId } } });
  await stack.database.document.deleteMany({ where: { projectId } });
  await stack.database.project.delete({ where: { id: projectId } });
  await stack.close();
});

/** Reads a list to its end; each row that ends a part is deleted as soon as it is read. */
async function readWhileDeleting<T>(list: AsyncIterable<T>, part: number, remove: (row: T) => Promise<unknown>) {
  const seen: T[] = [];
  for await (const row of list) {
    seen.push(row);
    if (seen.length === part) await remove(row);
  }
  return seen;
}

it("the ledger is listed to its end, each attempt once", async () => {
  const seen = await readWhileDeleting(listLedger(stack.database, { project: slug }), 500, ({ token }) =>
    stack.database.textractJob.deleteMany({ where: { token } }),
  );
  expect(new Set(seen.map(({ attempt }) => attempt)).size).toBe(503);
  expect(seen).toHaveLength(503);
});

it("documents are listed to their end, each once", async () => {
  await stack.database.textractJob.deleteMany({ where: { document: { projectId } } });
  const seen = await readWhileDeleting(listDocuments(stack.database, { project: slug }), 200, ({ documentId }) =>
    stack.database.document.delete({ where: { id: documentId } }),
  );
  expect(new Set(seen.map(({ documentId }) => documentId)).size).toBe(203);
  expect(seen).toHaveLength(203);
});
