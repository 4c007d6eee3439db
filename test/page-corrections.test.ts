import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { docket, useStack } from "./support/stack.ts";

const stack = useStack();
const project = "corrections";
let folder: string;
let documentId: string;
let recognised: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-corrections-"));
  const document = await stack.upload("corrections/agreement.pdf", "samples/service-agreement.pdf");
  const args = [{ document, project }];
  const options = { taskQueue: "documents", workflowId: "corrections-1", args };
  documentId = (await stack.client.workflow.execute("processDocument", options)).documentId;
  recognised = (await docket(["text", documentId])).stdout.split("\f")[1] ?? "";
  await stack.database.page.update({
    where: { documentId_number: { documentId, number: 2 } },
    data: { confidence: 41.5 },
  });
});
afterAll(() => rm(folder, { recursive: true }));

const lines = (text: string) =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));
const review = async (...extra: string[]) =>
  lines((await docket(["review", "--project", project, "--json", ...extra])).stdout);
const search = async (word: string) =>
  lines((await docket(["search", word, "--project", project, "--json"])).stdout).map(({ page }) => page);

it("pages below a confidence are listed until somebody corrects them", async () => {
  expect(await review()).toMatchObject([{ documentId, page: 2, confidence: 41.5, fileName: "agreement.pdf" }]);
  expect(await review("--below", "41")).toEqual([]);
});

it("a corrected text counts everywhere, the recognised one stays, and who did it is known", async () => {
  const file = join(folder, "page.txt");
  await writeFile(file, "Zanzibar clause\r\n\r\n* second paragraph\n");
  const by = "Ann Miller";
  const stored = await docket(["correct", documentId, "2", "--file", file, "--by", by, "--json"]);
  expect(stored.code).toBe(0);
  expect(JSON.parse(stored.stdout)).toMatchObject({ documentId, page: 2, by, characters: 35 });

  const text = (await docket(["text", documentId])).stdout.split("\f");
  expect(text[1]).toBe("Zanzibar clause\n\n* second paragraph\n");
  expect((await docket(["text", documentId, "--recognised"])).stdout.split("\f")[1]).toBe(recognised);
  const pages = lines((await docket(["text", documentId, "--json"])).stdout);
  expect(pages[1]).toMatchObject({ correction: { by }, characters: 35 });
  expect(pages[1].lines.length).toBeGreaterThan(3);
  expect(pages[0].correction).toBeNull();

  expect(await search("zanzibar")).toEqual([2]);
  const markdown = join(folder, "a.md");
  expect((await docket(["export", documentId, "--format", "markdown", "-o", markdown])).code).toBe(0);
  expect(await readFile(markdown, "utf8")).toContain("Zanzibar clause\n\n\\* second paragraph");
  const json = join(folder, "a.json");
  expect((await docket(["export", documentId, "--format", "json", "-o", json])).code).toBe(0);
  const exported = JSON.parse(await readFile(json, "utf8"));
  expect(exported.pages[1]).toMatchObject({ text: expect.stringContaining("Zanzibar"), correction: { by } });
  expect(await review()).toEqual([]);

  const { events } = JSON.parse((await docket(["status", documentId, "--json"])).stdout);
  const corrected = events.filter(({ kind }: { kind: string }) => kind === "page-corrected");
  expect(corrected).toMatchObject([{ detail: { page: 2, by, characters: 35 } }]);
  expect(JSON.stringify(corrected)).not.toContain("Zanzibar");
});

it("a word that only the wrong recognition had is not found any more; removing the correction brings it back", async () => {
  const word = recognised.match(/\b[a-z]{9,}\b/)?.[0] ?? "";
  expect(await search(word)).not.toContain(2);
  const removed = await docket(["correct", documentId, "2", "--remove", "--by", "Ben"]);
  expect(removed).toMatchObject({ code: 0, stderr: expect.stringContaining("recognised text counts again") });
  expect(await search(word)).toContain(2);
  expect(await search("zanzibar")).toEqual([]);
  expect((await docket(["text", documentId])).stdout.split("\f")[1]).toBe(recognised);
});

it("a run that cannot read the object, and reading it anew, keep the correction; other content takes it away", async () => {
  const file = join(folder, "again.txt");
  await writeFile(file, "kept by hand");
  expect((await docket(["correct", documentId, "1", "--file", file, "--by", "Ann"])).code).toBe(0);
  const run = (key: string, id: string) =>
    stack
      .upload(key, key.endsWith("agreement.pdf") ? "samples/service-agreement.pdf" : "samples/court-order.png")
      .then((document) =>
        stack.client.workflow.execute("processDocument", {
          taskQueue: "documents",
          workflowId: id,
          args: [{ document, project, documentId, force: true }],
        }),
      );
  const { sha256, etag } = await stack.database.documentMetadata.findUniqueOrThrow({ where: { documentId } });
  const args = [{ document: { bucket: stack.bucket, key: "corrections/gone.pdf" }, project, documentId, force: true }];
  const unreadable = { taskQueue: "documents", workflowId: "corrections-gone", args };
  await expect(stack.client.workflow.execute("processDocument", unreadable)).rejects.toMatchObject({
    cause: { type: "ObjectMissing" },
  });
  expect(await stack.database.pageCorrection.count({ where: { documentId } })).toBe(1);
  const kept = await stack.database.documentMetadata.findUniqueOrThrow({ where: { documentId } });
  expect(kept).toMatchObject({ sha256, etag, sizeBytes: null });
  await run("corrections/agreement.pdf", "corrections-2");
  expect((await docket(["text", documentId])).stdout).toMatch(/^kept by hand\n/);
  await run("corrections/other.pdf", "corrections-3");
  expect((await docket(["text", documentId])).stdout).not.toContain("kept by hand");
});

it.each<[string, string[], string]>([
  ["a page that is not there", ["99", "--file", "package.json"], "No text is stored of page 99"],
  ["no text", ["1"], "Either --file or --remove"],
  ["a file that is not text", ["1", "--file", "samples/service-agreement.pdf"], "not UTF-8"],
  ["a folder", ["1", "--file", "samples"], "is not a file"],
])("%s is refused with its reason", async (_, args, message) => {
  const answer = await docket(["correct", documentId, ...args, "--by", "Ann"]);
  expect(answer).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining(message) });
});
