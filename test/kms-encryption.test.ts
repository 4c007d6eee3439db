import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { crc32 } from "node:zlib";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { loadConfig } from "#docket/config";
import { createObjectStorage } from "#docket/storage/create-object-storage";

// versitygw has no KMS: what is asked of S3 is looked at on the wire.
const key = "alias/docket";
const written: { what: string; headers: IncomingHttpHeaders }[] = [];
const parts: string[] = [];
/** Id of the upload that is encrypted with the key. */
let encrypted = "none";
/** What S3 says of uploads under way, and of the parts of one. */
let underWay = { uploads: "", parts: "" };
let server: Server;
let endpoint: string;
let folder: string;

const partBytes = 8 * 1024 * 1024;
const content = Buffer.alloc(2 * partBytes + 1000, "a page of the file ");

beforeAll(async () => {
  Object.assign(process.env, inject("environment"));
  server = createServer((request, response) => {
    const { method, url = "" } = request;
    request.resume().once("end", () => {
      if (method === "GET") {
        response.end(url.includes("uploadId") ? underWay.parts : underWay.uploads);
      } else if (method === "POST" && url.includes("uploads")) {
        written.push({ what: "multipart", headers: request.headers });
        response.end("<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>");
      } else if (method === "PUT" && url.includes("partNumber")) {
        parts.push(/partNumber=(\d+)/.exec(url)?.[1] ?? "");
        if (url.includes(`uploadId=${encrypted}`)) response.setHeader("x-amz-server-side-encryption", "aws:kms");
        const sum = request.headers["x-amz-checksum-crc32"];
        if (sum !== undefined) response.setHeader("x-amz-checksum-crc32", sum);
        response.setHeader("etag", '"1"').end();
      } else if (method === "POST") {
        response.end("<CompleteMultipartUploadResult><ETag>1</ETag></CompleteMultipartUploadResult>");
      } else {
        if (method === "PUT") written.push({ what: "put", headers: request.headers });
        response.end();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  folder = await mkdtemp(join(tmpdir(), "docket-kms-"));
  await writeFile(join(folder, "large.pdf"), content);
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true, force: true });
});

async function writeAll(environment: Record<string, string>): Promise<void> {
  written.length = 0;
  parts.length = 0;
  const { storage: settings } = loadConfig({ ...process.env, AWS_ENDPOINT_URL_S3: endpoint, ...environment });
  const storage = createObjectStorage(settings);
  await storage.put("bucket", "small", "text", "text/plain");
  await storage.upload("bucket", "small-upload", Readable.from([Buffer.from("small")]));
  await storage.upload("bucket", "large-upload", Readable.from([Buffer.alloc(9 * 1024 * 1024)]));
  parts.length = 0;
  await storage.uploadInParts({
    ...{ bucket: "bucket", key: "large-file", path: join(folder, "large.pdf"), size: content.length },
    ...{
      sha256: createHash("sha256").update(content).digest("hex"),
      shown: "large.pdf",
      contentType: "application/pdf",
    },
  });
  storage.close();
}

it("everything that is written asks for the key, small or in parts", async () => {
  await writeAll({ DOCKET_KMS_KEY: key });
  expect(written.map(({ what }) => what)).toEqual(["put", "put", "multipart", "multipart"]);
  for (const { headers } of written) {
    expect(headers["x-amz-server-side-encryption"]).toBe("aws:kms");
    expect(headers["x-amz-server-side-encryption-aws-kms-key-id"]).toBe(key);
  }
});

it("without the setting the bucket's own encryption counts", async () => {
  await writeAll({ DOCKET_KMS_KEY: "" });
  expect(written).toHaveLength(4);
  for (const { headers } of written) expect(headers).not.toHaveProperty("x-amz-server-side-encryption");
});

describe("an upload of a file that was interrupted", () => {
  beforeAll(() => {
    const sum = (part: number) => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(crc32(content.subarray((part - 1) * partBytes, part * partBytes)));
      return bytes.toString("base64");
    };
    const part = (number: number) => `<Part><PartNumber>${number}</PartNumber><ETag>"of-the-key"</ETag>
      <Size>${partBytes}</Size><ChecksumCRC32>${sum(number)}</ChecksumCRC32></Part>`;
    underWay = {
      uploads: `<ListMultipartUploadsResult>
        <Upload><Key>large-file</Key><UploadId>1</UploadId></Upload></ListMultipartUploadsResult>`,
      parts: `<ListPartsResult>${part(1)}${part(2)}</ListPartsResult>`,
    };
  });

  it("goes on where it stopped, although the key makes entity tags that are no MD5", async () => {
    encrypted = "1";
    await writeAll({ DOCKET_KMS_KEY: key });
    // The first part is sent to see how the upload is encrypted.
    expect(parts).toEqual(["1", "3"]);
  });

  it("is begun anew where it was begun without the key", async () => {
    encrypted = "none";
    await writeAll({ DOCKET_KMS_KEY: key });
    expect(parts.toSorted()).toEqual(["1", "1", "2", "3"]);
    expect(written.at(-1)?.headers["x-amz-server-side-encryption"]).toBe("aws:kms");
  });
});
