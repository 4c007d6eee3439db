import { DocketClient, type DocumentState } from "docket/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { stackEnvironment, useStack } from "./support/stack.ts";

// What another program imports: by the package's name, and nothing but its public entry.

const stack = useStack();
const project = "client-library";
let client: DocketClient;
beforeAll(async () => {
  client = await DocketClient.connect(stackEnvironment());
});
afterAll(() => client.close());

it("hands a file in, follows it to its end, and reads and finds its text", async () => {
  const handedIn = await client.submitFile("samples/service-agreement.pdf", { project });
  const states: DocumentState[] = [];
  for await (const state of client.follow(handedIn)) states.push(state);
  expect(states.at(-1)).toMatchObject({ outcome: { status: "complete", pages: 4, storedPages: 4 } });
  expect(states.slice(0, -1).every(({ outcome }) => outcome === null)).toBe(true);

  const { documentId } = handedIn;
  expect(await client.document(documentId)).toMatchObject({ documentId, project, status: "complete" });
  const pages = [];
  for await (const page of client.pages(documentId)) pages.push(page);
  expect(pages.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
  expect(pages[0]?.lines[0]?.words.length).toBeGreaterThan(0);
  expect(await client.text(documentId)).toBe(pages.map(({ text }) => text).join("\f"));
  const word = pages[3]?.text.match(/\b[a-z]{9,}\b/)?.[0] ?? "";
  const found = await client.search(word, { project });
  expect(found.pages.map(({ documentId: id, page }) => [id, page])).toContainEqual([documentId, 4]);

  // The same content again is the same document, and nothing is done.
  expect(await client.submitFile("samples/service-agreement.pdf", { project })).toEqual({ documentId, runId: null });
  const ids = [];
  for await (const record of client.documents({ project })) ids.push(record.documentId);
  expect(ids).toEqual([documentId]);
});

it("tells how an object that is not there has failed", async () => {
  const handedIn = await client.submitObject({ bucket: stack.bucket, key: "client/not-there.pdf" }, { project });
  const outcome = await client.outcome(handedIn);
  expect(outcome).toMatchObject({ status: "failed", failure: { type: "ObjectMissing", remedy: expect.any(String) } });
});

it("stops waiting when it is told to, and says what a wrong file or project is, which stores nothing", async () => {
  const never = { documentId: "00000000-0000-4000-8000-000000000000", runId: "none" };
  await expect(client.outcome(never, AbortSignal.abort(new Error("enough")))).rejects.toThrow("enough");
  await expect(client.submitFile("samples/none.pdf")).rejects.toMatchObject({ type: "FileUnreadable" });
  const wrong = { project: "Smith & Jones" };
  await expect(client.submitFile("samples/court-order.png", wrong)).rejects.toMatchObject({ type: "InvalidInput" });
  expect((await stack.storage.list(stack.bucket, "documents/Smith", null)).objects).toEqual([]);
  await expect(DocketClient.connect({ PATH: "" })).rejects.toMatchObject({ type: "InvalidInput" });
});
