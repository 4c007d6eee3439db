import { randomUUID } from "node:crypto";
import { CancelledFailure } from "@temporalio/activity";
import { afterAll, beforeAll, expect, it } from "vitest";
import { createCollectPages } from "#docket/activities/collect-pages";
import { removeObjects } from "#docket/activities/remove-objects";
import type { GetRequest } from "#docket/textract/textract-api";
import { longPdf, wordsOfPage } from "./support/long-pdf.ts";
import { useReadingSteps } from "./support/reading-steps.ts";
import { asRun, newRun } from "./support/run-of-workflow.ts";

// Something stands in Textract's place, as a proxy may, and its answers lead to further ones without an end.

const project = `endless-${randomUUID().slice(0, 8)}`;
const { stack, steps } = useReadingSteps(project);
const run = newRun("reading");
let documentId = "";
let job: Awaited<ReturnType<typeof steps.read>>;

beforeAll(async () => {
  const document = { bucket: stack.bucket, key: `${project}.pdf` };
  await stack.storage.put(document.bucket, document.key, await longPdf(document.key), "application/pdf");
  documentId = await steps.own(run, document);
  job = await steps.read(run, documentId, document);
});
afterAll(async () => void (await removeObjects(stack.storage, stack.bucket, `textract/${documentId}/`)));

const kept = () => stack.storage.listVersions(stack.bucket, `textract/${documentId}/`);

const { signal: never } = new AbortController();

/** So few blocks that the first page goes on in the second answer. */
const few = (request: GetRequest) => ({ ...request, maxResults: 200 });

/** Reads the result; tells how often Textract was asked. */
async function collect(getBody: typeof steps.api.getBody, { attempt = 1, pages = 2, cancellationSignal = never } = {}) {
  const { database, storage, bucket } = stack;
  let asked = 0;
  const counted: typeof getBody = (request) => {
    asked++;
    return getBody(request);
  };
  const textract = { inRegion: () => ({ ...steps.api, getBody: counted }) };
  const step = createCollectPages({ database, storage, bucket, textract });
  const finished = { status: "SUCCEEDED" as const, pages, failedPages: [] };
  const request = { documentId, features: [], job, finished, expectedPages: 2 };
  const result = await asRun(run, () => step(request), undefined, { attempt, cancellationSignal }).then(
    ({ missing }) => ({ missing }),
    ({ type, message, remedy }) => ({ type, message, remedy }),
  );
  return { ...result, asked };
}

it("an answer that leads to itself ends the reading; whoever goes on when that is mended reads the document to its end", async () => {
  const first = await collect(({ nextToken: _, ...request }) => steps.api.getBody(few(request)));
  expect(first).toMatchObject({ type: "TextractRefused", message: expect.stringContaining(`document ${documentId}`) });
  expect(first).toMatchObject({ remedy: expect.stringContaining("AWS_ENDPOINT_URL_TEXTRACT") });
  expect(first.asked).toBeLessThanOrEqual(3);
  expect((await kept()).length).toBeLessThanOrEqual(2);

  // Also where the answers of before lie in S3.
  expect(await collect((request) => steps.api.getBody(few(request)), { attempt: 2 })).toMatchObject({ missing: [] });
  const pages = await stack.database.page.findMany({ where: { documentId } });
  expect(pages.map(({ text }) => text.split(/\s+/).length)).toEqual([wordsOfPage, wordsOfPage]);
});

it("an answer that does not come is not waited for once the document is cancelled", async () => {
  const cancelled = new AbortController();
  const getBody = () => {
    setImmediate(() => cancelled.abort(new CancelledFailure("because of the test")));
    return new Promise<Buffer>(() => {});
  };
  const ended = await collect(getBody, { cancellationSignal: cancelled.signal });
  expect(ended).toMatchObject({ message: "because of the test" });
});

it("answers of which each leads to a new one end at more than any result has", async () => {
  const empty = () => ({ JobStatus: "SUCCEEDED", Blocks: [], NextToken: randomUUID() });
  const endless = await collect(async () => Buffer.from(JSON.stringify(empty())), { pages: 1 });
  expect(endless).toMatchObject({ type: "TextractRefused", message: expect.stringContaining("answer 200 ") });
  expect(endless.asked).toBeLessThanOrEqual(201);
});
