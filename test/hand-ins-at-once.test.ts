import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { processFiles } from "#docket/cli/run/process-files";
import { connectServices } from "#docket/client/connect";
import { ServiceWait } from "#docket/client/service-wait";
import { projectIdFromSlug } from "#docket/contract/document-id";
import { connectStack } from "./support/stack.ts";

it("files that were being read for something else are handed in four at a time, however many of those readings have ended", async () => {
  const stack = await connectStack();
  const services = await connectServices(process.env);
  const slug = `at-once-${randomUUID().slice(0, 8)}`;
  const projectId = projectIdFromSlug(slug);
  await services.database.project.create({ data: { id: projectId, slug } });
  const ended = Array.from({ length: 12 }, () => ({ id: randomUUID(), runId: randomUUID() }));
  const row = { projectId, bucket: "a bucket", status: "failed" as const, engine: "textract" as const };
  const end = { failureType: "Corrupt", failureMessage: "because of the test", failureRemedy: "none" };
  await services.database.document.createMany({
    data: ended.map(({ id, runId }) => {
      const times = { startedAt: new Date(), finishedAt: new Date() };
      return { ...row, ...end, ...times, id, runId, key: id, workflowId: `document/${id}` };
    }),
  });

  let atOnce = 0;
  let most = 0;
  const handedIn = new Map<string, number>();
  const items = ended.map(({ id, runId }) => ({
    file: `${id}.pdf`,
    async handIn() {
      most = Math.max(most, ++atOnce);
      // As long as it takes to read a file.
      await sleep(50);
      atOnce -= 1;
      const times = (handedIn.get(id) ?? 0) + 1;
      handedIn.set(id, times);
      const known = { documentId: id, workflowId: `document/${id}` };
      return times === 1 ? { ...known, runId, otherWork: "textract with TABLES" } : { ...known, runId: null };
    },
  }));
  const display = { step() {}, say() {}, update() {}, stopping() {}, end() {} };
  const results = await processFiles(items, [], {
    ...{ services, display, textractStatus: null, engine: "textract", signal: new AbortController().signal },
    wait: new ServiceWait({ services: services.config, limitMilliseconds: 30_000 }),
    onResult: async () => {},
  });
  expect(results.map(({ outcome }) => outcome.documentId)).toEqual(ended.map(({ id }) => id));
  expect([...handedIn.values()]).toEqual(ended.map(() => 2));
  expect(most).toBe(4);

  await services.database.document.deleteMany({ where: { projectId } });
  await services.database.project.delete({ where: { id: projectId } });
  await services.close();
  await stack.close();
});
