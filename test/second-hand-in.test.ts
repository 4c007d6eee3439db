import { expect, it } from "vitest";
import { docket, useStack } from "./support/stack.ts";

const stack = useStack();

it("the same content handed in twice, under another name too, is one document with one paid job", async () => {
  const location = await stack.upload("second/first-name.pdf", "samples/service-agreement.pdf");
  const renamed = await stack.upload("second/other-name.pdf", "samples/service-agreement.pdf");
  const start = (document: typeof location, workflowId: string) =>
    stack.client.workflow.execute("processDocument", {
      taskQueue: "documents",
      workflowId,
      args: [{ document, project: "second-hand-in" }],
    });

  const first = await start(location, "second-hand-in-1");
  const second = await start(renamed, "second-hand-in-2");
  expect(first).toMatchObject({ status: "complete", textractJobs: 1, reused: false });
  expect(second).toEqual({ ...first, reused: true });
  expect(await stack.database.textractJob.count({ where: { documentId: first.documentId } })).toBe(1);
});

it("a forced hand-in pays once more and says so", async () => {
  const location = await stack.upload("second/forced.pdf", "samples/service-agreement.pdf");
  const result = await stack.client.workflow.execute("processDocument", {
    taskQueue: "documents",
    workflowId: "second-hand-in-forced",
    args: [{ document: location, project: "second-hand-in", force: true }],
  });
  expect(result).toMatchObject({ status: "complete", textractJobs: 2, reused: false });
});

it("`docket submit` of a document that is complete starts nothing", async () => {
  const { code, stdout } = await docket([
    "submit",
    "--project",
    "second-hand-in",
    "--json",
    "samples/service-agreement.pdf",
  ]);
  expect(code).toBe(0);
  expect(JSON.parse(stdout.trim())).toMatchObject({ status: "complete" });
});

it("a document whose bucket is gone can be handed in again: its file goes to the bucket of now", async () => {
  const where = { project: { slug: "second-hand-in" }, status: "complete" } as const;
  const { id } = await stack.database.document.findFirstOrThrow({ where });
  await stack.database.document.update({ where: { id }, data: { bucket: `gone-${id}` } });
  const args = ["--project", "second-hand-in", "--force", "--wait", "--json"];
  const again = await docket(["submit", ...args, "samples/service-agreement.pdf"]);
  expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining(id) });
  expect(await stack.database.document.findUnique({ where: { id } })).toMatchObject({ bucket: stack.bucket });
});
