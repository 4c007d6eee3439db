import { spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, open, rm } from "node:fs/promises";
import { createServer, request as httpRequest, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ListMultipartUploadsCommand, ListPartsCommand, S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { hashFile } from "#docket/client/hash-file";
import { createSparsePdf } from "./support/sparse-pdf.ts";
import { connectStack, docket, stackEnvironment } from "./support/stack.ts";

const partBytes = 8 * 1024 * 1024;
const project = `upload-${randomUUID().slice(0, 8)}`;

/** A way to S3 that counts the parts that pass, and after some of them lets no more through. */
async function countingWay() {
  const target = new URL(inject("environment")["AWS_ENDPOINT_URL_S3"] ?? "");
  let lets = Number.POSITIVE_INFINITY;
  const seen: number[] = [];
  const server: Server = createServer((incoming, outgoing) => {
    const part = /[?&]partNumber=(\d+)/.exec(incoming.url ?? "")?.[1];
    if (incoming.method === "PUT" && part !== undefined) {
      // Held: as a line that is so slow that nothing arrives any more.
      if (seen.length >= lets) return void incoming.resume();
      seen.push(Number(part));
    }
    const { method, url, headers } = incoming;
    const passed = httpRequest({ host: target.hostname, port: target.port, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    passed.on("error", () => outgoing.destroy());
    incoming.on("error", () => passed.destroy());
    incoming.pipe(passed);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    environment: { AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}` },
    seen,
    letThrough(parts: number) {
      seen.length = 0;
      lets = parts;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

describe("a large file whose upload was killed", () => {
  let stack: Awaited<ReturnType<typeof connectStack>>;
  let way: Awaited<ReturnType<typeof countingWay>>;
  let folder: string;
  let file: string;
  const pdf = createSparsePdf({ pages: 7, imageBytes: 10 * 1024 * 1024, scattered: true });
  const parts = Math.ceil(pdf.size / partBytes);

  beforeAll(async () => {
    stack = await connectStack();
    way = await countingWay();
    folder = await mkdtemp(join(tmpdir(), "docket-upload-"));
    file = join(folder, "large.pdf");
    const handle = await open(file, "w");
    await handle.truncate(pdf.size);
    for (const { offset, bytes } of pdf.parts) await handle.write(bytes, 0, bytes.length, offset);
    // Every part has something of its own, so that none stands for another.
    for (let at = partBytes / 2; at < pdf.size; at += partBytes) await handle.write(`part at ${at}`, at);
    await handle.close();
  });
  afterAll(async () => {
    await way.close();
    await rm(folder, { recursive: true, force: true });
    await stack.close();
  });

  const submit = ["submit", "--json", "--project", project];

  it("is gone on with: only parts that are not there are sent, and the object is the file", async () => {
    way.letThrough(5);
    const first = spawn(process.execPath, ["dist/cli/docket.js", ...submit, file], {
      env: stackEnvironment(way.environment),
      stdio: "ignore",
    });
    await vi.waitFor(() => expect(way.seen).toHaveLength(5), { timeout: 60_000 });
    // The parts that passed are to be whole before the command is gone: one that arrives later would be counted as missing.
    await vi.waitFor(async () => expect(await partsOf(stack.bucket)).toBe(5), { timeout: 60_000 });
    const ended = once(first, "exit");
    first.kill("SIGKILL");
    await ended;
    const there = await partsOf(stack.bucket);

    way.letThrough(Number.POSITIVE_INFINITY);
    const second = await docket([...submit, file], stackEnvironment(way.environment));
    expect(second.code, second.stdout + second.stderr).toBe(0);
    console.log(`${parts} parts: ${there} were there, ${way.seen.length} were sent by the second command`);
    expect(way.seen).toHaveLength(parts - there);
    const { documentId } = JSON.parse(second.stdout);
    const location = { bucket: stack.bucket, key: `documents/${project}/${documentId}/large.pdf` };
    const { sha256 } = await hashFile(file);
    expect(await stack.storage.head(location)).toMatchObject({ size: pdf.size, metadata: { sha256 } });
    const hash = createHash("sha256");
    for await (const chunk of await stack.storage.openStream(location)) hash.update(chunk);
    expect(hash.digest("hex")).toBe(sha256);
    expect(await partsOf(stack.bucket)).toBe(0);

    // A third time: nothing at all.
    way.letThrough(Number.POSITIVE_INFINITY);
    expect((await docket([...submit, file], stackEnvironment(way.environment))).code).toBe(0);
    expect(way.seen).toEqual([]);
    await stack.client.workflow.getHandle(`document/${documentId}`).terminate("the test is over");
  });

  it("takes no part whose bytes are not the file's any more", async () => {
    const content = await hashFile(file);
    const target = { bucket: stack.bucket, key: `documents/${project}/changed.pdf` };
    const upload = { ...target, ...content, path: file, shown: "large.pdf", contentType: "application/pdf" };
    const handle = await open(file, "r+");
    await handle.write("other", 3 * partBytes + 17);
    await handle.close();
    await expect(stack.storage.uploadInParts(upload)).rejects.toMatchObject({ type: "ObjectChanged" });
    await expect(stack.storage.head(target)).rejects.toMatchObject({ type: "ObjectMissing" });
    expect(await partsOf(stack.bucket)).toBe(0);
  });
});

/** Parts of the test's uploads that are under way. */
async function partsOf(bucket: string): Promise<number> {
  const endpoint = inject("environment")["AWS_ENDPOINT_URL_S3"] ?? "";
  const s3 = new S3Client({ region: "us-east-1", endpoint, forcePathStyle: true });
  try {
    const listed = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: `documents/${project}/` }));
    let parts = 0;
    for (const { Key, UploadId } of listed.Uploads ?? []) {
      parts += (await s3.send(new ListPartsCommand({ Bucket: bucket, Key, UploadId }))).Parts?.length ?? 0;
    }
    return parts;
  } finally {
    s3.destroy();
  }
}
