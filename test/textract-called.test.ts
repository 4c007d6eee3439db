import { randomUUID } from "node:crypto";
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startEndpoint } from "./support/local-textract.ts";
import { smallPdf } from "./support/small-pdf.ts";
import { connectStack, type Running, startWorker } from "./support/stack.ts";
import { stepsOf } from "./support/workflow-branches.ts";

// One job slot, and documents that sleep for minutes in its line unless they are called. Between the worker and the endpoint
// stands a server that lets jobs end, and Starts through, when the test says so.

const [start, get] = ["StartDocumentTextDetection", "GetDocumentTextDetection"];
const project = `called-${randomUUID().slice(0, 8)}`;
let stack: Awaited<ReturnType<typeof connectStack>>;
let endpoint: Awaited<ReturnType<typeof startEndpoint>>;
let gate: Awaited<ReturnType<typeof startGate>>;
let worker: Running;

beforeAll(async () => {
  stack = await connectStack();
  // Jobs that documents of earlier files left at work would hold the slot.
  await stack.database.textractJob.updateMany({
    where: { region: "us-east-1", state: "submitted" },
    data: { state: "expired", finishedAt: new Date() },
  });
  endpoint = await startEndpoint();
  gate = await startGate(endpoint.address);
  worker = await startWorker(undefined, {
    AWS_ENDPOINT_URL_TEXTRACT: gate.address,
    DOCKET_TEXTRACT_POLL_MIN_SECONDS: "0.2",
    DOCKET_TEXTRACT_POLL_MAX_SECONDS: "0.5",
    DOCKET_TEXTRACT_JOBS: "1",
    // The steps of a document are compared; on a busy machine one may last so long that the list is told of it.
    DOCKET_LIST_AFTER_SECONDS: "3600",
  });
});
afterAll(async () => {
  await worker.stop();
  gate.server.close();
  await endpoint.end();
  await stack.close();
});

/** A server before the endpoint: jobs are at work until they are let go, and Starts are held where that is asked for. */
async function startGate(address: string) {
  const { hostname, port } = new URL(address);
  const gate = {
    address: "",
    server: undefined as unknown as Server,
    jobsEnd: true,
    holdsStarts: false,
    /** Starts that are held: each is passed on, or answered with an error's name. */
    held: [] as ((refusal?: string) => void)[],
  };
  const answer = (outgoing: ServerResponse, status: number, body: object) =>
    outgoing.writeHead(status, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(body));
  const forward = ({ method, headers, url: path }: IncomingMessage, body: Buffer, outgoing: ServerResponse) =>
    httpRequest({ hostname, port, method, headers, path }, (answered) => {
      outgoing.writeHead(answered.statusCode ?? 500, answered.headers);
      answered.on("error", () => outgoing.destroy()).pipe(outgoing);
    })
      // The endpoint may end while a request is under way.
      .on("error", () => outgoing.destroy())
      .end(body);
  gate.server = createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const target = String(incoming.headers["x-amz-target"] ?? "");
    if (target.endsWith(get) && !gate.jobsEnd) answer(outgoing, 200, { JobStatus: "IN_PROGRESS" });
    else if (target.endsWith(start) && gate.holdsStarts) {
      gate.held.push((refusal) => {
        if (refusal === undefined) forward(incoming, body, outgoing);
        else answer(outgoing, 400, { __type: refusal, message: "because of the test" });
      });
    } else forward(incoming, body, outgoing);
  });
  await new Promise<void>((resolve) => gate.server.listen(0, "127.0.0.1", resolve));
  gate.address = `http://127.0.0.1:${(gate.server.address() as AddressInfo).port}`;
  return gate;
}

async function handIn(name: string, priority = 3) {
  const document = { bucket: stack.bucket, key: `${project}/${name}.pdf` };
  await stack.storage.put(document.bucket, document.key, await smallPdf(document.key), "application/pdf");
  const handle = await stack.client.workflow.start("processDocument", {
    taskQueue: "documents",
    workflowId: `${project}-${name}`,
    args: [{ document, project, priority }],
  });
  return {
    handle,
    steps: async () => stepsOf(await handle.fetchHistory()),
    events: async () => (await handle.fetchHistory()).events ?? [],
    jobs: () => stack.database.textractJob.findMany({ where: { key: document.key } }),
    billed: async () => (await endpoint.ledger()).filter((line) => "key" in line && line.key === document.key),
  };
}

const eventually = (look: () => Promise<void>) => vi.waitFor(look, { timeout: 60_000, interval: 50 });
const sleeping = () =>
  stack.database.textractTurn.count({
    where: { asksAgainAt: { gt: new Date(Date.now() + 10_000) }, job: { document: { project: { slug: project } } } },
  });
const before = "ensureProject createRecord writeMetadata checkPrerequisites";
const after = "awaitTextract collectPages completeDocument";

it("documents in line are called one after the other when a job ends, the urgent one first", async () => {
  gate.jobsEnd = false;
  const first = await handIn("first");
  await eventually(async () => expect(await first.jobs()).toMatchObject([{ state: "submitted" }]));
  const patient = [await handIn("second", 5), await handIn("third", 5)];
  await eventually(async () => expect(await sleeping()).toBe(2));
  const urgent = await handIn("urgent", 1);
  await eventually(async () => expect(await sleeping()).toBe(3));
  gate.jobsEnd = true;
  const waiting = [urgent, ...patient];
  await Promise.all([first, ...waiting].map(({ handle }) => handle.result()));

  expect(await first.steps()).toBe(`${before} submitTextract ${after}`);
  for (const { steps } of waiting)
    expect(await steps()).toBe(`${before} submitTextract signal submitTextract ${after}`);
  for (const { billed } of [first, ...waiting]) expect(await billed()).toHaveLength(1);
  const started = (await Promise.all(waiting.map(({ jobs }) => jobs()))).map(
    ([job]) => job?.submittedAt?.getTime() ?? 0,
  );
  expect(started[0]).toBe(Math.min(...started));
  expect(
    await stack.database.textractTurn.count({ where: { job: { document: { project: { slug: project } } } } }),
  ).toBe(0);
});

it("a document that is cancelled in line ends cancelled, leaves the line, and the next is called in its place", async () => {
  gate.jobsEnd = false;
  const atWork = await handIn("at-work");
  await eventually(async () => expect(await atWork.jobs()).toMatchObject([{ state: "submitted" }]));
  const cancelled = await handIn("cancelled", 1);
  await eventually(async () => expect(await sleeping()).toBe(1));
  const next = await handIn("next");
  await eventually(async () => expect(await sleeping()).toBe(2));
  await cancelled.handle.cancel();
  await expect(cancelled.handle.result()).rejects.toMatchObject({ cause: { name: "CancelledFailure" } });
  await eventually(async () => expect(await sleeping()).toBe(1));
  gate.jobsEnd = true;
  await Promise.all([atWork.handle.result(), next.handle.result()]);
  expect(await cancelled.steps()).toBe(`${before} submitTextract cancel failDocument`);
  expect(await cancelled.jobs()).toMatchObject([{ state: "intended" }]);
});

it("a turn whose Start is denied is given up at once, and the next is called", async () => {
  gate.holdsStarts = true;
  const denied = await handIn("denied");
  await eventually(async () => expect(gate.held).toHaveLength(1));
  const next = await handIn("behind-denied");
  await eventually(async () => expect(await sleeping()).toBe(1));
  gate.holdsStarts = false;
  // One that had no answer for long was sent again.
  for (const answer of gate.held.splice(0)) answer("IdempotentParameterMismatchException");
  await expect(denied.handle.result()).rejects.toMatchObject({ cause: { type: "TokenMismatch" } });
  const [job] = await denied.jobs();
  expect(job).toMatchObject({ state: "intended", statusMessage: expect.stringContaining("because of the test") });
  expect(await stack.database.textractTurn.count({ where: { token: job?.token ?? "" } })).toBe(0);
  expect(await next.handle.result()).toMatchObject({ status: "complete", textractJobs: 1 });
  expect(await next.steps()).toBe(`${before} submitTextract signal submitTextract ${after}`);
});

describe("a call that comes while a Start is under way", () => {
  /** A document whose Start is held, and which was called meanwhile. */
  async function called(name: string) {
    gate.holdsStarts = true;
    const document = await handIn(name);
    await eventually(async () => expect(gate.held).toHaveLength(1));
    await document.handle.signal("textractTurn");
    await eventually(async () => {
      const events = await document.events();
      expect(events.some((event) => event.activityTaskCancelRequestedEventAttributes)).toBe(true);
    });
    gate.holdsStarts = false;
    const [release] = gate.held.splice(0) as [(refusal?: string) => void];
    return { ...document, release };
  }

  it("changes nothing where Textract takes it: the answer counts, and one job is paid", async () => {
    const { handle, steps, billed, release } = await called("taken");
    release();
    expect(await handle.result()).toMatchObject({ status: "complete", textractJobs: 1 });
    expect(await steps()).toBe(`${before} submitTextract signal ${after}`);
    expect(await billed()).toHaveLength(1);
  });

  it("lets it ask again where Textract refuses for now", async () => {
    const { handle, steps, billed, release } = await called("throttled");
    release("ProvisionedThroughputExceededException");
    expect(await handle.result()).toMatchObject({ status: "complete", textractJobs: 1 });
    expect(await steps()).toBe(`${before} submitTextract signal submitTextract ${after}`);
    expect(await billed()).toHaveLength(1);
  });

  it("leaves a refusal for good as it is", async () => {
    const { handle, steps, release } = await called("refused");
    release("InvalidKMSKeyException");
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: "InvalidKmsKey" } });
    expect(await steps()).toBe(`${before} submitTextract signal failDocument`);
  });
});

it("a call at any other time of a document's life changes nothing", async () => {
  gate.jobsEnd = false;
  const document = await handIn("not-in-line");
  await eventually(async () => expect(await document.jobs()).toMatchObject([{ state: "submitted" }]));
  await document.handle.signal("textractTurn", { unexpected: true });
  gate.jobsEnd = true;
  await document.handle.result();
  expect(await document.steps()).toMatch(
    new RegExp(`^${before} submitTextract( signal)? awaitTextract( signal)? collectPages completeDocument$`),
  );
});
