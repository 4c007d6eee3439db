import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { createObjectStorage } from "#docket/storage/create-object-storage";

// An S3 that has taken an object, and does not say so before it is told to.
async function hesitant() {
  const answers: (() => void)[] = [];
  const server = createServer((request, response) => {
    request.resume();
    const answer = () => void response.writeHead(200, { etag: '"1"' }).end();
    if (request.method === "PUT") request.once("end", () => answers.push(answer));
    else request.once("end", answer);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close().closeAllConnections());
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" });
  const storage = createObjectStorage({ region: "us-east-1", endpoint });
  onTestFinished(() => storage.close());
  return { storage, answers };
}

it("an upload that is given up has settled when nothing of it is on its way any more", async () => {
  const { storage, answers } = await hesitant();
  const stop = new AbortController();
  let settled = false;
  const upload = storage
    .upload("bucket", "key", Readable.from([Buffer.from("content")]), { signal: stop.signal })
    .catch(() => undefined)
    .finally(() => {
      settled = true;
    });
  await expect.poll(() => answers.length).toBe(1);
  stop.abort(new Error("cancelled"));
  await sleep(200);
  expect(settled).toBe(false);
  answers[0]?.();
  await upload;
});

it("one whose request is never answered is broken off after a while", { timeout: 20_000 }, async () => {
  const { storage, answers } = await hesitant();
  const stop = new AbortController();
  const upload = storage.upload("bucket", "key", Readable.from([Buffer.from("content")]), { signal: stop.signal });
  await expect.poll(() => answers.length).toBe(1);
  stop.abort(new Error("cancelled"));
  await expect(upload).rejects.toMatchObject({ type: "StorageUnavailable" });
});

it("one that was given up before it began sends nothing", async () => {
  const { storage, answers } = await hesitant();
  const signal = AbortSignal.abort(new Error("cancelled"));
  await expect(storage.upload("bucket", "key", Readable.from(["content"]), { signal })).rejects.toThrow("cancelled");
  expect(answers).toEqual([]);
});
