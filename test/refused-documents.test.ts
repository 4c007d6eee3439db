import { PDFDocument } from "pdf-lib";
import { describe, expect, it } from "vitest";
import { useStack } from "./support/stack.ts";

const stack = useStack();

async function failureOf(name: string, input: Record<string, unknown>) {
  const handle = await stack.client.workflow.start("processDocument", {
    taskQueue: "documents",
    workflowId: `refused-${name}`,
    args: [{ project: "refused", ...input }],
  });
  const error = await handle.result().then(
    () => expect.fail("the document completed"),
    (reason) => reason,
  );
  return { failure: error.cause, detail: error.cause.details?.[0] };
}

async function hugePage(): Promise<Uint8Array> {
  const pdf = await PDFDocument.create();
  pdf.addPage([14_400, 14_400]).drawText("too large for Textract");
  return pdf.save();
}

describe("a document that fails its prerequisites is refused at once, with its record, cause and remedy", () => {
  it.each([
    ["missing", null, "ObjectMissing"],
    ["text-under-a-pdf-name", "just text", "UnsupportedMedia"],
    ["truncated", "%PDF-1.7\n1 0 obj\n<< /Type /Catalog", "Corrupt"],
    ["page-too-large", hugePage, "PageTooLarge"],
    ["empty", "", "Corrupt"],
  ])("%s", async (name, content, type) => {
    const key = `refused/${name}.pdf`;
    const body = typeof content === "function" ? await content() : content;
    if (body !== null) await stack.storage.put(stack.bucket, key, body, "application/pdf");

    const { failure, detail } = await failureOf(name, { document: { bucket: stack.bucket, key } });
    expect(failure).toMatchObject({ type, nonRetryable: true });
    expect(detail).toMatchObject({
      type,
      message: expect.stringContaining(key),
      remedy: expect.stringMatching(/\w+ \w+/),
    });
    const row = await stack.database.document.findUniqueOrThrow({ where: { id: detail.documentId } });
    expect(row).toMatchObject({ status: "failed", failureType: type, failureRemedy: detail.remedy });
    expect(await stack.database.textractJob.count({ where: { documentId: detail.documentId } })).toBe(0);
  });

  it("a bucket that is not there", async () => {
    const { failure } = await failureOf("no-bucket", { document: { bucket: "docket-no-such-bucket", key: "a.pdf" } });
    expect(failure.type).toBe("BucketMissing");
  });

  it("an input with a misspelt field, by name", async () => {
    const { failure } = await failureOf("misspelt", { document: { bucket: stack.bucket, key: "a.pdf" }, projet: "x" });
    expect(failure).toMatchObject({ type: "InvalidInput", message: expect.stringContaining("projet") });
  });

  it.each([
    ["nothing", []],
    ["null", [null]],
    ["numbers for text", [{ document: { bucket: 3, key: 4 }, project: 5, priority: "high" }]],
  ])("an input of %s, instead of being tried for ever", async (name, args) => {
    const workflowId = `refused-${name.replaceAll(" ", "-")}`;
    const handle = await stack.client.workflow.start("processDocument", { taskQueue: "documents", workflowId, args });
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: "InvalidInput", nonRetryable: true } });
  });
});
