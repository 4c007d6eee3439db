import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client, type WorkflowClientInterceptor } from "@temporalio/client";
import { expect, it } from "vitest";
import { connectServices } from "#docket/client/connect";
import { createFileHandIn, createObjectHandIn } from "#docket/client/hand-in-document";
import { smallPdf } from "./support/small-pdf.ts";
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

it("a forced hand-in whose answer was lost is done again without a second payment, though its run has ended", async () => {
  const services = await connectServices(process.env);
  let lost = 0;
  const losing: WorkflowClientInterceptor = {
    startWithDetails: async (input, next) => {
      const started = await next(input);
      if (lost++ === 0) throw new Error("the answer was lost");
      return started;
    },
  };
  const { connection, options: known } = services.temporal;
  const temporal = new Client({ connection, namespace: known.namespace, interceptors: { workflow: [losing] } });
  const folder = await mkdtemp(join(tmpdir(), "docket-forced-"));
  const path = join(folder, "forced.pdf");
  await writeFile(path, await smallPdf(folder));
  const options = { project: "second-forced", engine: "textract" as const, features: [], force: true };
  const handIn = createFileHandIn({ ...services, temporal }, options);

  await expect(handIn({ file: path, path })).rejects.toMatchObject({ type: "TemporalUnavailable" });
  const [{ documentId = "" } = {}] = await expectRow(path);
  const handle = stack.client.workflow.getHandle(`document/${documentId}`);
  expect(await handle.result()).toMatchObject({ textractJobs: 1 });
  const { runId } = await handle.describe();
  expect(await handIn({ file: path, path })).toEqual({ documentId, runId });
  expect(lost).toBe(1);

  // The next hand-in is another wish.
  const next = await createFileHandIn(services, options)({ file: path, path });
  expect(next.runId).not.toBe(runId);
  expect(await handle.result()).toMatchObject({ textractJobs: 2 });
  await services.close();
  await rm(folder, { recursive: true });
});

it("objects of one content share a forced hand-in, also when the first one's run has ended", async () => {
  const services = await connectServices(process.env);
  const options = { project: "second-objects", engine: "textract" as const, features: [], force: true };
  const content = await smallPdf("second-objects");
  const handIn = createObjectHandIn(services, options);
  const [first, second] = ["one", "two"].map((name) => ({ bucket: stack.bucket, key: `second/objects/${name}.pdf` }));
  for (const place of [first, second])
    await stack.storage.put(stack.bucket, place?.key ?? "", content, "application/pdf");
  const handedIn = await handIn(first as { bucket: string; key: string });
  await stack.client.workflow.getHandle(`document/${handedIn.documentId}`).result();
  expect(await handIn(second as { bucket: string; key: string })).toEqual(handedIn);
  const where = { documentId: handedIn.documentId };
  expect(await stack.database.textractJob.count({ where })).toBe(1);
  await services.close();
});

async function expectRow(source: string) {
  const rows = () => stack.database.documentMetadata.findMany({ where: { source } });
  await expect.poll(rows, { timeout: 60_000 }).toHaveLength(1);
  return rows();
}
