import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { GetDocumentTextDetectionCommand } from "@aws-sdk/client-textract";
import { PDFDocument } from "@cantoo/pdf-lib";
import { afterEach, beforeEach, expect, it } from "vitest";
import {
  makeBucket,
  readJob,
  readLedger,
  sharedS3,
  spawnEndpoint,
  startText,
  textOf,
  textractClient,
} from "./support/local-textract.ts";

let dataFolder: string;
let child: ChildProcess | undefined;
let bucket: Awaited<ReturnType<typeof makeBucket>>;

beforeEach(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), "docket-local-textract-"));
  bucket = await makeBucket();
});
afterEach(async () => {
  await end("SIGTERM");
  bucket.s3.destroy();
  await rm(dataFolder, { recursive: true, force: true });
});

/** Starts the endpoint as a process and gives its address. */
async function start(s3 = sharedS3().endpoint): Promise<string> {
  const endpoint = await spawnEndpoint(dataFolder, { AWS_ENDPOINT_URL_S3: s3 });
  ({ child } = endpoint);
  return endpoint.address;
}

async function end(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill(signal);
  await ended;
}

/** The first pages of a long scan: every page takes a while. */
async function scan(pages: number): Promise<Uint8Array> {
  const whole = await PDFDocument.load(await readFile(new URL("../samples/production-60-pages.pdf", import.meta.url)));
  const part = await PDFDocument.create();
  for (const page of await part.copyPages(whole, [...Array(pages).keys()])) part.addPage(page);
  return part.save();
}

async function pagesDone(address: string, jobId: string): Promise<number> {
  return ((await (await fetch(`${address}/jobs/${jobId}`)).json()) as { pagesDone: number }).pagesDone;
}

async function waitForPages(address: string, jobId: string, pages: number): Promise<void> {
  while ((await pagesDone(address, jobId)) < pages) await new Promise((resolve) => setTimeout(resolve, 20));
}

it.each(["SIGKILL", "SIGTERM"] as const)(
  "after %s in the middle of a job the next process finishes it where it stopped, and bills it once",
  async (signal) => {
    const pages = 3;
    const location = await bucket.put("scan.pdf", await scan(pages));
    const token = { ClientRequestToken: "restart" };
    const first = await start();
    let client = textractClient(first);
    const id = await startText(client, location, token);
    await waitForPages(first, id, 1);
    const state = await client.send(new GetDocumentTextDetectionCommand({ JobId: id }));
    expect(state).toMatchObject({ JobStatus: "IN_PROGRESS" });
    expect(await readLedger(first)).toEqual([]);
    client.destroy();
    await end(signal);
    const pagesFile = join(dataFolder, "results", `${id}.pages.jsonl`);
    const left = await readFile(pagesFile, "utf8");
    expect(left.length).toBeGreaterThan(100);

    const second = await start();
    client = textractClient(second);
    expect(await startText(client, location, token)).toBe(id);
    const { ended, blocks } = await readJob(client, id);
    expect(ended).toMatchObject({ JobStatus: "SUCCEEDED", DocumentMetadata: { Pages: pages } });
    expect(await readLedger(second)).toMatchObject([{ jobId: id, billedPages: pages }]);

    // What was there was gone on with: no page was read again, none left out.
    const stored = await readFile(pagesFile, "utf8");
    expect(stored.startsWith(left.slice(0, left.lastIndexOf("\n") + 1))).toBe(true);
    const numbers = stored
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).number);
    expect(numbers).toEqual([1, 2, 3]);

    // A token of the first process's time is good in the second, and a new job has the same text.
    const again = await readJob(client, await startText(client, location));
    expect(textOf(again.blocks)).toBe(textOf(blocks));
    client.destroy();
  },
);

it("a job that ended stays as it was, with its tokens, over a SIGKILL", async () => {
  const location = await bucket.put("scan.pdf", await scan(1));
  let client = textractClient(await start());
  const id = await startText(client, location, { ClientRequestToken: "ended" });
  const before = await readJob(client, id);
  const { NextToken } = await client.send(new GetDocumentTextDetectionCommand({ JobId: id, MaxResults: 10 }));
  client.destroy();
  await end("SIGKILL");

  const address = await start();
  client = textractClient(address);
  expect(await startText(client, location, { ClientRequestToken: "ended" })).toBe(id);
  const after = await readJob(client, id);
  expect(after.blocks).toEqual(before.blocks);
  expect(after.ended).toEqual({ ...before.ended, $metadata: expect.anything() });
  const rest = await client.send(new GetDocumentTextDetectionCommand({ JobId: id, NextToken }));
  expect(rest.Blocks).toEqual(before.blocks.slice(10));
  expect(await readLedger(address)).toHaveLength(1);
  client.destroy();
});

it("a job waits for an S3 that resets connections, and is not failed by it", async () => {
  const { hostname, port } = new URL(sharedS3().endpoint);
  const sockets = new Set<Socket>();
  let away = false;
  let refused = 0;
  const proxy = createServer((socket) => {
    sockets.add(socket.on("error", () => {}));
    if (away) {
      refused++;
      socket.resetAndDestroy();
      return;
    }
    const upstream = connect(Number(port), hostname).on("error", () => socket.destroy());
    socket.on("close", () => upstream.destroy());
    socket.pipe(upstream).pipe(socket);
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const location = await bucket.put("scan.pdf", await scan(1));
  const address = await start(`http://127.0.0.1:${(proxy.address() as { port: number }).port}`);
  const client = textractClient(address);
  const fault = { kind: "slow-job", milliseconds: 1000 };
  await fetch(`${address}/faults`, { method: "POST", body: JSON.stringify([fault]) });
  const id = await startText(client, location);
  away = true;
  for (const socket of sockets) socket.destroy();
  while (refused < 2) await sleep(50);
  away = false;
  const { ended } = await readJob(client, id);
  expect(ended).toMatchObject({ JobStatus: "SUCCEEDED", DocumentMetadata: { Pages: 1 } });
  expect(await readLedger(address)).toMatchObject([{ jobId: id, billedPages: 1 }]);
  client.destroy();
  proxy.close();
});
