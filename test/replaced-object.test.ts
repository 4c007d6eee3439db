import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import { useStack } from "./support/stack.ts";

const stack = useStack();

it("another content under the same key and id is read and paid anew, never answered with the old text", async () => {
  const documentId = randomUUID();
  const process = async (workflowId: string) =>
    stack.client.workflow.execute("processDocument", {
      taskQueue: "documents",
      workflowId,
      args: [{ document: { bucket: stack.bucket, key: "replaced/current.pdf" }, project: "replaced", documentId }],
    });
  const textOf = async () => {
    const pages = await stack.database.page.findMany({ where: { documentId }, orderBy: { number: "asc" } });
    return pages.map((page) => page.text).join("\n");
  };

  await stack.upload("replaced/current.pdf", "samples/service-agreement.pdf");
  expect(await process("replaced-1")).toMatchObject({ pages: 4, textractJobs: 1, reused: false });
  const before = await textOf();

  await stack.upload("replaced/current.pdf", "samples/court-order.png");
  expect(await process("replaced-2")).toMatchObject({ documentId, pages: 1, storedPages: 1, textractJobs: 2 });
  expect(await textOf()).not.toContain(before.slice(0, 40));

  expect(await process("replaced-3")).toMatchObject({ pages: 1, textractJobs: 2, reused: true });
});
