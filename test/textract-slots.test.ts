import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, request as httpRequest, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PDFDocument, StandardFonts } from "pdf-lib";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startEndpoint } from "./support/local-textract.ts";
import { connectStack, type Running, startWorker } from "./support/stack.ts";

// Three worker processes, and an endpoint with limits that a forwarding server writes the refusals of down.
const refusals: string[] = [];
const starts: string[] = [];
let stack: Awaited<ReturnType<typeof connectStack>>;
let endpoint: Awaited<ReturnType<typeof startEndpoint>>;
let forwarding: Server;
let workers: Running[] = [];
let folder: string;

beforeAll(async () => {
  stack = await connectStack();
  folder = await mkdtemp(join(tmpdir(), "docket-slots-"));
  const requestRates = { StartDocumentTextDetection: 6, GetDocumentTextDetection: 12 };
  endpoint = await startEndpoint({ dataFolder: folder, maxOpenJobs: 2, requestRates });
  forwarding = createServer((incoming, outgoing) => {
    const { hostname, port } = new URL(endpoint.address);
    const { method, headers, url: path } = incoming;
    let body = "";
    const forwarded = httpRequest({ hostname, port, method, headers, path }, (answer) => {
      let text = "";
      answer.on("data", (chunk) => {
        text += chunk;
      });
      answer.on("error", () => outgoing.destroy());
      answer.on("end", () => {
        const target = String(headers["x-amz-target"] ?? "");
        if (answer.statusCode !== 200) refusals.push(`${target} ${text}`);
        if (target.includes(".Start")) starts.push(JSON.parse(body).JobTag);
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers).end(text);
      });
    });
    // The endpoint may end while a request is under way.
    forwarded.on("error", () => outgoing.destroy());
    incoming.on("data", (chunk) => {
      body += chunk;
      forwarded.write(chunk);
    });
    incoming.on("end", () => forwarded.end());
  });
  await new Promise<void>((resolve) => forwarding.listen(0, "127.0.0.1", resolve));
  const settings = {
    AWS_ENDPOINT_URL_TEXTRACT: `http://127.0.0.1:${(forwarding.address() as AddressInfo).port}`,
    DOCKET_TEXTRACT_POLL_MIN_SECONDS: "0.5",
    DOCKET_TEXTRACT_POLL_MAX_SECONDS: "1",
    DOCKET_TEXTRACT_START_PER_SECOND: "4",
    DOCKET_TEXTRACT_GET_PER_SECOND: "8",
    DOCKET_TEXTRACT_JOBS: "2",
  };
  workers = await Promise.all([1, 2, 3].map(() => startWorker(undefined, settings)));
});
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.stop()));
  forwarding.close();
  await endpoint.end();
  await rm(folder, { recursive: true, force: true });
  await stack.close();
});

it("three workers keep slots and rates together, and an urgent document starts before those that wait", async () => {
  // Jobs that documents of earlier files left at work when they were cancelled or failed would hold the two slots.
  await stack.database.textractJob.updateMany({
    where: { region: "us-east-1", state: "submitted" },
    data: { state: "expired", finishedAt: new Date() },
  });
  await endpoint.fault({ kind: "slow-job", milliseconds: 8000, count: 6 });
  const run = randomUUID().slice(0, 8);
  // Text that needs no recognition, so that the jobs take the time that they are told to.
  const pdf = await PDFDocument.create();
  const font = await pdf.embedFont(StandardFonts.Helvetica);
  for (let line = 0; line < 30; line++) {
    if (line === 0) pdf.addPage();
    const words = `Line ${line + 1}: the parties agree that the notice was given in time and in writing.`;
    pdf.getPage(0).drawText(words, { x: 50, y: 760 - line * 20, size: 11, font });
  }
  const sample = join(folder, "sample.pdf");
  await writeFile(sample, await pdf.save());
  const handIn = async (name: string, priority: number) => {
    const document = await stack.upload(`slots/${run}/${name}.pdf`, sample);
    const documentId = randomUUID();
    const handle = await stack.client.workflow.start("processDocument", {
      taskQueue: "documents",
      workflowId: `slots-${run}-${name}`,
      args: [{ document, documentId, project: `slots-${run}`, priority }],
    });
    return { documentId, handle };
  };
  const patient: Awaited<ReturnType<typeof handIn>>[] = [];
  for (let number = 1; number <= 6; number++) patient.push(await handIn(`patient-${number}`, 5));
  // All of them have asked for a slot.
  await expect
    .poll(
      () =>
        stack.database.textractJob.count({
          where: {
            document: { project: { slug: `slots-${run}` } },
            OR: [{ turn: { isNot: null } }, { state: { not: "intended" } }],
          },
        }),
      {
        timeout: 240_000,
        interval: 200,
      },
    )
    .toBe(6);
  const startedBefore = starts.length;
  const urgent = await handIn("urgent", 1);
  await Promise.all([...patient, urgent].map(({ handle }) => handle.result()));

  expect(refusals).toEqual([]);
  expect(starts).toHaveLength(7);
  // It had to get through its first steps and ask; those that got a slot meanwhile are few.
  const place = starts.indexOf(urgent.documentId);
  expect(place).toBeGreaterThanOrEqual(startedBefore);
  expect(place).toBeLessThan(6);
}, 400_000);
