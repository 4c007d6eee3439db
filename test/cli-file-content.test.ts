import { createHash, randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hashFile, verifyWhileReading } from "#docket/client/hash-file";

const bytes = randomBytes(5_000_003);
let folder: string;
let path: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-content-"));
  path = join(folder, "scan.pdf");
  await writeFile(path, bytes);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Reads the file the way an upload does; gives what arrived. */
async function read(content: { sha256: string; size: number }): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const target = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  await pipeline(createReadStream(path), verifyWhileReading(content, "scan.pdf"), target);
  return Buffer.concat(chunks);
}

describe("what is stored under a document's id is that document's content", () => {
  test("a file is hashed as a stream and read again byte for byte", async () => {
    const content = await hashFile(path);
    expect(content).toEqual({ sha256: createHash("sha256").update(bytes).digest("hex"), size: bytes.length });
    expect(bytes.equals(await read(content))).toBe(true);
  });

  test("a file that changed between hashing and uploading fails the upload at its end", async () => {
    const content = await hashFile(path);
    await appendFile(path, "x");
    await expect(read(content)).rejects.toMatchObject({
      type: "ObjectChanged",
      message: expect.stringContaining("scan.pdf changed"),
    });
  });

  test("an aborted hash ends with the signal's reason", async () => {
    const reason = new Error("enough");
    await expect(hashFile(path, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});
