import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PDFDocument } from "pdf-lib";
import { afterAll, beforeAll, expect, it } from "vitest";
import { connectServices } from "#docket/client/connect";
import { createObjectHandIn } from "#docket/client/hand-in-document";
import { documentIdFromLocation, documentWorkflowId } from "#docket/contract/document-id";
import { startFaultyS3 } from "./support/s3-faults.ts";
import { docket, useStack } from "./support/stack.ts";

const stack = useStack();
let folder: string;
const named = (name: string) => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-hand-in-"));
  const pdf = await PDFDocument.create();
  pdf.addPage().drawText(`Handed in beside wrong names, ${folder}`);
  await writeFile(named("good.pdf"), await pdf.save());
  await writeFile(named("damaged.pdf"), "%PDF-1.7\n1 0 obj\n<< /Type /Catalog");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("a wrong name keeps nothing else back: the good documents are read, the others reported, the exit code is 2", async () => {
  const names = [named("gone.pdf"), named("good.pdf"), "s3://address-without-key", named("damaged.pdf")];
  const { code, stdout } = await docket(["submit", "--wait", "--json", ...names]);
  const results = new Map(
    stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { file: string; status: string; failure: { type: string; message: string } })
      .map((result) => [result.file, result]),
  );
  expect(results.get(named("good.pdf"))).toMatchObject({ status: "complete" });
  expect(results.get(named("gone.pdf"))?.failure).toMatchObject({
    type: "FileUnreadable",
    message: `${named("gone.pdf")}: no such file or folder`,
  });
  expect(results.get("s3://address-without-key")?.failure).toMatchObject({ type: "InvalidInput" });
  expect(code).toBe(2);

  // A failure speaks of the file that was handed in, not of where it is kept or of the library that read it.
  const { message } = results.get(named("damaged.pdf"))?.failure ?? { message: "" };
  expect(message).toMatch(/^damaged\.pdf /);
  expect(message).not.toMatch(/s3:|pdfium|error \d/);
});

it("nothing but wrong names is an error of usage", async () => {
  const { code, stderr } = await docket(["submit", named("gone.pdf"), named("away.pdf")]);
  expect(code).toBe(1);
  expect(stderr).toMatch(/gone\.pdf: no such file or folder; .*away\.pdf: no such file or folder/);
  const objects = await docket(["submit", "s3://without-key", "s3://bucket/folder/"]);
  expect(objects.code).toBe(1);
  expect(objects.stderr).toMatch(
    /s3:\/\/without-key names no S3 object\. s3:\/\/bucket\/folder\/ names no S3 object\./,
  );
});

it("an object that no engine reads for its size is not downloaded for its hash", async () => {
  const s3 = await startFaultyS3(process.env["AWS_ENDPOINT_URL_S3"] ?? "");
  const services = await connectServices({ ...process.env, AWS_ENDPOINT_URL_S3: s3.address });
  const location = { bucket: stack.bucket, key: `hand-in/${randomUUID()}.pdf` };
  const headers = { "content-length": String(600 * 1024 * 1024), etag: '"large"' };
  s3.fault({ method: "GET", path: location.key, status: 200, headers, count: 1 });
  const options = { project: "hand-in", engine: "textract" as const, features: [] };
  const documentId = documentIdFromLocation(options.project, location.bucket, location.key);
  expect(await createObjectHandIn(services, options)(location)).toMatchObject({
    documentId,
    runId: expect.any(String),
  });
  expect(s3.left(location.key)).toBe(0);
  // There is no such object; nothing is left for the workers of other files.
  const document = stack.client.workflow.getHandle(documentWorkflowId(documentId));
  await expect(document.result()).rejects.toMatchObject({ cause: { type: "ObjectMissing" } });
  await services.close();
  s3.close();
});
