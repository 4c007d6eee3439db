import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { afterAll, beforeAll, expect, inject, it } from "vitest";
import { loadConfig } from "#docket/config";
import { createObjectStorage } from "#docket/storage/object-storage";

// versitygw has no KMS: what is asked of S3 is looked at on the wire.
const key = "alias/docket";
const written: { what: string; headers: IncomingHttpHeaders }[] = [];
let server: Server;
let endpoint: string;

beforeAll(async () => {
  Object.assign(process.env, inject("environment"));
  server = createServer((request, response) => {
    const { method, url = "" } = request;
    request.resume().once("end", () => {
      if (method === "POST" && url.includes("uploads")) {
        written.push({ what: "multipart", headers: request.headers });
        response.end("<InitiateMultipartUploadResult><UploadId>1</UploadId></InitiateMultipartUploadResult>");
      } else if (method === "PUT" && url.includes("partNumber")) {
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
});
afterAll(() => server.close());

async function writeAll(environment: Record<string, string>): Promise<void> {
  written.length = 0;
  const { storage: settings } = loadConfig({ ...process.env, AWS_ENDPOINT_URL_S3: endpoint, ...environment });
  const storage = createObjectStorage(settings);
  await storage.put("bucket", "small", "text", "text/plain");
  await storage.upload("bucket", "small-upload", Readable.from([Buffer.from("small")]));
  await storage.upload("bucket", "large-upload", Readable.from([Buffer.alloc(9 * 1024 * 1024)]));
  storage.close();
}

it("everything that is written asks for the key, small or in parts", async () => {
  await writeAll({ DOCKET_KMS_KEY: key });
  expect(written.map(({ what }) => what)).toEqual(["put", "put", "multipart"]);
  for (const { headers } of written) {
    expect(headers["x-amz-server-side-encryption"]).toBe("aws:kms");
    expect(headers["x-amz-server-side-encryption-aws-kms-key-id"]).toBe(key);
  }
});

it("without the setting the bucket's own encryption counts", async () => {
  await writeAll({ DOCKET_KMS_KEY: "" });
  expect(written).toHaveLength(3);
  for (const { headers } of written) expect(headers).not.toHaveProperty("x-amz-server-side-encryption");
});
