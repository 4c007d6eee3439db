import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { CancelledFailure } from "@temporalio/activity";
import { expect, it, onTestFinished, vi } from "vitest";
import { createCollectPages } from "#docket/activities/collect-pages";
import { createDeleteDocument } from "#docket/activities/delete-document";
import { createFailDocument } from "#docket/activities/fail-document";
import { createStageObject } from "#docket/activities/stage-object";
import { createSubmitTextract } from "#docket/activities/submit-textract";
import { DocketError } from "#docket/contract/failures";
import { claimForDeletion } from "#docket/database/delete-document-rows";
import { readBudgets, removeBudget, setBudget } from "#docket/database/project-budgets";
import { governorOf } from "./support/governor.ts";
import { longPdf } from "./support/long-pdf.ts";
import { useReadingSteps } from "./support/reading-steps.ts";
import { asRun, newRun } from "./support/run-of-workflow.ts";
import { smallPdf } from "./support/small-pdf.ts";

// Another run, or a deletion, takes the document over at the very moment when a run is about to pay or to keep something.

const project = `overtaken-${randomUUID().slice(0, 8)}`;

const { stack, steps } = useReadingSteps(project);

async function upload(name: string) {
  const document = { bucket: stack.bucket, key: `${project}/${name}.pdf` };
  await stack.storage.put(document.bucket, document.key, await smallPdf(document.key), "application/pdf");
  return document;
}

/** Deletes a document as `docket delete` does. */
function remove(documentId: string) {
  const { database, storage, bucket } = stack;
  const deletion = createDeleteDocument({ database, storage, bucket, stagingBucket: undefined });
  const request = { documentId, withSource: false, requestedBy: "Ann", reason: null };
  return asRun(newRun("deletion"), () => deletion(request));
}

it("a run whose document another run, or a deletion, has taken over means no payment any more", async () => {
  const document = await upload("paid");
  const [first, second] = [newRun("first"), newRun("second")];
  const documentId = await steps.own(first, document);
  expect(await steps.own(second, document)).toBe(documentId);
  await expect(steps.intend(first, documentId, document)).rejects.toMatchObject({ type: "Superseded" });
  expect(await stack.database.textractJob.count({ where: { documentId } })).toBe(0);

  const job = await steps.intend(second, documentId, document);
  expect(await stack.database.textractJob.findMany({ where: { documentId } })).toMatchObject([{ id: job.id }]);
  // Not even for what is meant already: it would be billed behind the deletion's back.
  await claimForDeletion(stack.database, documentId, newRun("deletion"));
  await expect(steps.intend(second, documentId, document)).rejects.toMatchObject({ type: "Superseded" });
});

it("a run that takes a document over keeps its place in line for the same work, and gives it up for other work", async () => {
  const document = await upload("in-line");
  const [first, second, third] = [newRun("first"), newRun("second"), newRun("third")];
  const documentId = await steps.own(first, document);
  const { token } = await steps.intend(first, documentId, document);
  const region = `overtaken-line-${randomUUID().slice(0, 8)}`;
  const governor = governorOf(stack.database, { DOCKET_TEXTRACT_JOBS: `${region}=1` });
  const standing = () => stack.database.textractTurn.count({ where: { region } });
  const start = { region, token, analysis: false, priority: 3 };
  await governor.admitStart(start);
  await expect(governor.slotRefused(start)).rejects.toMatchObject({ type: "TextractNoSlot" });
  await steps.own(first, document);
  expect(await standing()).toBe(1);
  await steps.own(second, document);
  expect(await steps.intend(second, documentId, document)).toMatchObject({ token });
  expect(await standing()).toBe(1);
  await steps.own(third, document, { features: ["TABLES"] });
  expect(await standing()).toBe(0);
});

it("a reset of a forced run keeps its place in line; another forced run gives it up", async () => {
  const document = await upload("forced-in-line");
  const [first, second, third] = [newRun("first"), newRun("second"), newRun("third")];
  const documentId = await steps.own(first, document, { force: true });
  const { token } = await steps.intend(first, documentId, document);
  const region = `overtaken-forced-${randomUUID().slice(0, 8)}`;
  const governor = governorOf(stack.database, { DOCKET_TEXTRACT_JOBS: `${region}=1` });
  const standing = () => stack.database.textractTurn.count({ where: { region } });
  const start = { region, token, analysis: false, priority: 3 };
  await governor.admitStart(start);
  await expect(governor.slotRefused(start)).rejects.toMatchObject({ type: "TextractNoSlot" });
  await steps.own(second, document, { force: true }, first);
  expect(await standing()).toBe(1);
  await steps.own(third, document, { force: true });
  expect(await standing()).toBe(0);
});

it("calls of one run that come at once, as behind a lost answer, mean one attempt", async () => {
  const document = await upload("at-once");
  const run = newRun("at-once");
  const documentId = await steps.own(run, document);
  const jobs = await Promise.all(Array.from({ length: 5 }, () => steps.intend(run, documentId, document)));
  const rows = await stack.database.textractJob.findMany({ where: { documentId } });
  expect(rows).toMatchObject([{ attempt: 1, state: "intended", jobId: null }]);
  expect(new Set(jobs.map(({ id, token }) => `${id} ${token}`))).toEqual(new Set([`${rows[0]?.id} ${rows[0]?.token}`]));
});

it.each(["on its way", "being kept"])("a deletion while an answer is %s leaves nothing of it in S3", async (moment) => {
  const { database, storage, bucket } = stack;
  const run = newRun("reading");
  const document = await upload(moment.replaceAll(" ", "-"));
  const documentId = await steps.own(run, document);
  const job = await steps.read(run, documentId, document);

  const put: typeof storage.put = async (...object) => {
    if (moment === "being kept") await remove(documentId);
    await storage.put(...object);
  };
  const getBody: typeof steps.api.getBody = async (request) => {
    const answer = await steps.api.getBody(request);
    if (moment === "on its way") await remove(documentId);
    return answer;
  };
  const textract = { inRegion: () => ({ ...steps.api, getBody }) };
  const collect = createCollectPages({ database, storage: { ...storage, put }, bucket, textract });
  const finished = { status: "SUCCEEDED" as const, pages: 1, failedPages: [] };
  const request = { documentId, features: [], job, finished, expectedPages: 1 };
  const left = () => storage.listVersions(bucket, `textract/${documentId}/`);
  await expect(asRun(run, () => collect(request))).rejects.toMatchObject({ type: "Superseded" });
  expect(await database.deletion.count({ where: { documentId } })).toBe(1);
  expect(await left()).toEqual([]);

  // So does whoever goes on for a worker that was killed in between.
  await storage.put(bucket, `textract/${documentId}/${job.jobId}/1`, "left over", "application/json");
  await expect(asRun(run, () => collect(request))).rejects.toMatchObject({ type: "Superseded" });
  expect(await left()).toEqual([]);
});

it("a reading that is cancelled while its document is deleted leaves nothing in S3, whatever page it had not come to", async () => {
  const { database, storage, bucket } = stack;
  const run = newRun("cancelled");
  const document = { bucket, key: `${project}/cancelled.pdf` };
  await storage.put(bucket, document.key, await longPdf(document.key), "application/pdf");
  const documentId = await steps.own(run, document);
  const job = await steps.read(run, documentId, document);

  const stop = new AbortController();
  const { signal: cancellationSignal } = stop;
  // The first answer is on its way into S3 all the time.
  const put: typeof storage.put = async (...object) => {
    await remove(documentId);
    stop.abort(new CancelledFailure("because of the test"));
    await storage.put(...object);
  };
  const getBody: typeof steps.api.getBody = async (request) => {
    // So few blocks that no page is complete; the second answer is still waited for.
    if (request.nextToken === undefined) return steps.api.getBody({ ...request, maxResults: 200 });
    if (!cancellationSignal.aborted) await once(cancellationSignal, "abort");
    throw cancellationSignal.reason;
  };
  const textract = { inRegion: () => ({ ...steps.api, getBody }) };
  const collect = createCollectPages({ database, storage: { ...storage, put }, bucket, textract });
  const finished = { status: "SUCCEEDED" as const, pages: 2, failedPages: [] };
  const request = { documentId, features: [], job, finished, expectedPages: 2 };
  const reading = asRun(run, () => collect(request), undefined, { cancellationSignal });
  await expect(reading).rejects.toBeInstanceOf(CancelledFailure);
  expect(await storage.listVersions(bucket, `textract/${documentId}/`)).toEqual([]);
});

it("a deletion while a copy is made for Textract leaves no copy in S3", async () => {
  const { database, storage, bucket } = stack;
  const run = newRun("staging");
  const document = await upload("staged");
  const documentId = await steps.own(run, document);
  const uploaded: typeof storage.upload = async (...object) => {
    await remove(documentId);
    await storage.upload(...object);
  };
  const stage = createStageObject({ database, storage: { ...storage, upload: uploaded } });
  const request = { documentId, document, staging: { bucket, region: "us-east-1" } };
  await expect(asRun(run, () => stage(request))).rejects.toMatchObject({ type: "Superseded" });
  expect(await storage.listVersions(bucket, `copies/${documentId}/`)).toEqual([]);
});

it("a copy that arrives when its run was cancelled is removed, and one of a run that goes on is not", async () => {
  const { database, storage, bucket } = stack;
  const run = newRun("cancelled-staging");
  const document = await upload("staged-late");
  const documentId = await steps.own(run, document);
  const left = () => storage.listVersions(bucket, `copies/${documentId}/`);
  const request = { documentId, document, staging: { bucket, region: "us-east-1" } };
  const failing: typeof storage.upload = async (...object) => {
    await storage.upload(...object);
    throw new DocketError("StorageUnavailable", "The answer was lost.");
  };
  const broken = createStageObject({ database, storage: { ...storage, upload: failing } });
  await expect(asRun(run, () => broken(request))).rejects.toMatchObject({ type: "StorageUnavailable" });
  // The next attempt finds it.
  expect(await left()).toHaveLength(1);
  for (const { key } of await left()) await storage.remove({ bucket, key });

  const fail = createFailDocument({ database, governor: { callNext: () => Promise.resolve() } });
  const failure = { type: "Cancelled", message: "It was cancelled.", remedy: "None." } as const;
  const late: typeof storage.upload = async (...object) => {
    await asRun(run, () => fail({ documentId, failure }));
    await storage.upload(...object);
  };
  const stage = createStageObject({ database, storage: { ...storage, upload: late } });
  await expect(asRun(run, () => stage(request))).rejects.toMatchObject({ type: "Superseded" });
  expect(await left()).toEqual([]);
});

it("a copy whose upload is slow holds nothing open at its source", async () => {
  const { database, storage, bucket } = stack;
  const run = newRun("slow-staging");
  const document = { bucket, key: `${project}/large.pdf` };
  const content = randomBytes(24 * 1024 * 1024);
  await storage.put(bucket, document.key, Buffer.concat([await smallPdf(document.key), content]), "application/pdf");
  const documentId = await steps.own(run, document);
  let reading = 0;
  let whole = 0;
  const read: typeof storage.read = async (...range) => {
    reading += 1;
    return await storage.read(...range).finally(() => {
      reading -= 1;
    });
  };
  const openStream: typeof storage.openStream = (...object) => {
    whole += 1;
    return storage.openStream(...object);
  };
  let standing = -1;
  const slow: typeof storage.upload = async (to, key, body, options) => {
    // Nobody takes anything for a while.
    await vi.waitFor(() => expect((body as Readable).readableLength).toBeGreaterThan(0), { timeout: 20_000 });
    await vi.waitFor(() => expect(reading).toBe(0), { timeout: 20_000 });
    standing = reading + whole;
    await storage.upload(to, key, body, options);
  };
  const stage = createStageObject({ database, storage: { ...storage, read, openStream, upload: slow } });
  const request = { documentId, document, staging: { bucket, region: "us-east-1" } };
  const copy = await asRun(run, () => stage(request));
  expect(standing).toBe(0);
  expect((await storage.head(copy)).size).toBe((await storage.head(document)).size);
});

it("a job that Textract takes while its document is deleted is known by the deletion, for ledger and budget", async () => {
  const { database, governor } = stack;
  await setBudget(database, { project, capUsd: 1, monthly: false }, () => 0);
  onTestFinished(async () => void (await removeBudget(database, project)));
  const run = newRun("submitting");
  const document = await upload("submitted");
  const documentId = await steps.own(run, document);
  let taken = "";
  const start: typeof steps.api.start = async (request) => {
    taken = await steps.api.start(request);
    await remove(documentId);
    return taken;
  };
  const submit = createSubmitTextract({
    database,
    governor,
    textract: { inRegion: () => ({ ...steps.api, start }) },
    channels: [],
  });
  const request = { documentId, document, features: [], region: "us-east-1", force: false };
  await expect(asRun(run, () => submit(request))).rejects.toMatchObject({ type: "Superseded" });
  const [deletion] = await database.deletion.findMany({ where: { documentId } });
  expect(deletion?.jobs).toMatchObject([{ attempt: 1, features: [], jobId: taken }]);
  // The deletion had given back what was reserved for it.
  expect(await readBudgets(database, project)).toMatchObject([{ committedUsd: 0.0015 }]);
});
