import { randomUUID } from "node:crypto";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import proto from "@temporalio/proto";
import { PDFDocument } from "pdf-lib";
import { afterAll, beforeAll, describe, expect, inject, it } from "vitest";
import { startRefusingTemporal } from "./support/refusing-temporal.ts";
import { createSparsePdf } from "./support/sparse-pdf.ts";
import { connectStack, docket, stackEnvironment } from "./support/stack.ts";

interface Check {
  name: string;
  status: string;
  detail: string;
  remedy: string | null;
}

let folder: string;
let stack: Awaited<ReturnType<typeof connectStack>>;
let sts: Server;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "docket-doctor-"));
  stack = await connectStack();
  // Answers one key, as STS does.
  sts = createServer((request, response) => {
    if (String(request.headers.authorization).includes("Credential=refused/")) {
      response.writeHead(403, { "content-type": "text/xml" });
      response.end(
        "<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>no such key</Message></Error></ErrorResponse>",
      );
      return;
    }
    response.writeHead(200, { "content-type": "text/xml" });
    response.end(
      '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>' +
        "<Arn>arn:aws:iam::123456789012:role/docket</Arn><Account>123456789012</Account><UserId>u</UserId>" +
        "</GetCallerIdentityResult></GetCallerIdentityResponse>",
    );
  });
  await new Promise<void>((resolve) => sts.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  sts.close();
  await stack.close();
  await rm(folder, { recursive: true, force: true });
});

async function doctor(args: string[], extra: Record<string, string> = {}) {
  const environment = stackEnvironment(extra);
  const { code, stdout, stderr } = await docket(["doctor", "--json", "--data-directory", folder, ...args], environment);
  const checks = stdout
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Check);
  expect(stderr).toBe("");
  return { code, checks, named: (name: string) => checks.filter((check) => check.name === name) };
}

const stsAt = () => ({ AWS_ENDPOINT_URL_STS: `http://127.0.0.1:${(sts.address() as AddressInfo).port}` });
const closed = "127.0.0.1:9";

it("finds nothing wrong with a sound stack, a sound object, and its credentials and quotas", async () => {
  const object = await stack.upload("doctor/sound.png", "samples/court-order.png");
  const { code, checks, named } = await doctor([`s3://${object.bucket}/${object.key}`], stsAt());
  expect(checks.filter(({ status }) => status === "failed")).toEqual([]);
  expect(code).toBe(0);
  expect(named("credentials")[0]?.detail).toContain("123456789012");
  for (const name of [
    "PostgreSQL",
    "Temporal",
    "search attributes",
    "S3",
    "S3 read",
    "S3 write",
    "S3 list",
    "Textract",
  ]) {
    expect(named(name)[0]).toMatchObject({ status: "ok", remedy: null });
  }
  expect(named("quotas")[0]?.detail).toMatch(/us-east-1 \(no limit\).*jobs at work/);
  expect(named("document")[0]?.detail).toMatch(/image\/png, 1 page/);
});

it("quotas that settings name are told", async () => {
  const { named } = await doctor([], { DOCKET_TEXTRACT_START_PER_SECOND: "us-east-1=3", DOCKET_TEXTRACT_JOBS: "7" });
  expect(named("quotas")[0]).toMatchObject({ status: "ok" });
  expect(named("quotas")[0]?.detail).toMatch(/text 3 Starts and any number Gets a second.*7 jobs at once/);
});

it("tells everything that is down together, each with its remedy, and exits 1", async () => {
  const { code, named } = await doctor([], {
    ...stsAt(),
    DATABASE_URL: `postgresql://docket@${closed}/docket`,
    TEMPORAL_ADDRESS: closed,
    AWS_ENDPOINT_URL_S3: `http://${closed}`,
    AWS_ENDPOINT_URL_TEXTRACT: `http://${closed}`,
    AWS_ACCESS_KEY_ID: "refused",
  });
  expect(code).toBe(1);
  const expected = {
    PostgreSQL: "DatabaseUnavailable",
    Temporal: "TemporalUnavailable",
    S3: "StorageUnavailable",
    Textract: "TextractUnavailable",
    credentials: "InvalidClientTokenId",
  };
  for (const [name, words] of Object.entries(expected)) {
    const [check] = named(name);
    expect(check?.status, name).toBe("failed");
    expect(check?.detail).toContain(words);
    expect(check?.remedy).toMatch(/\w{4}/);
  }
});

it("a bucket that is not there, keys that S3 and Textract refuse, a database without tables, an unknown namespace", async () => {
  const missing = await doctor([], { DOCKET_BUCKET: "no-such-bucket-doctor" });
  expect(missing.named("S3")[0]?.detail).toContain("BucketMissing");
  const url = new URL(inject("environment")["DATABASE_URL"] ?? "");
  url.pathname = "/postgres";
  const refused = await doctor([], {
    AWS_SECRET_ACCESS_KEY: "wrong",
    DATABASE_URL: url.href,
    TEMPORAL_NAMESPACE: "no-such-namespace",
  });
  expect(refused.named("S3")[0]?.status).toBe("failed");
  expect(refused.named("Textract")[0]?.detail).toContain("AccessDenied");
  expect(refused.named("PostgreSQL")[0]).toMatchObject({ status: "failed" });
  expect(refused.named("PostgreSQL")[0]?.remedy).toMatch(/migrat/);
  expect(refused.named("Temporal")[0]).toMatchObject({
    status: "failed",
    detail: expect.stringMatching(/no-such-namespace/),
    remedy: expect.stringMatching(/^`docket setup` makes it/),
  });
});

describe("a Temporal of one's own", () => {
  it("a namespace that nobody has prepared: `docket setup` is the remedy, and cures it", async () => {
    const own = { TEMPORAL_NAMESPACE: `doctor-${randomUUID().slice(0, 8)}` };
    const samples = ["submit", "samples/court-order.png", "--service-wait", "5", "--json"];
    const submitted = await docket(samples, stackEnvironment(own));
    expect(JSON.parse(submitted.stdout)).toMatchObject({
      failure: { type: "InvalidInput", remedy: expect.stringMatching(/docket setup/) },
    });
    const listed = await docket(["schedule", "list", "--json"], stackEnvironment(own));
    expect(JSON.parse(listed.stderr)).toMatchObject({ error: { remedy: expect.stringMatching(/docket setup/) } });

    const worker = await docket(["worker", "--queues", "textract-submit"], stackEnvironment(own));
    expect(worker).toMatchObject({ code: 1, stderr: expect.stringMatching(/remedy: `docket setup` makes it/) });

    await stack.client.workflowService.registerNamespace({
      namespace: own.TEMPORAL_NAMESPACE,
      workflowExecutionRetentionPeriod: proto.google.protobuf.Duration.fromObject({ seconds: 86_400 }),
    });
    const attributes = async () => (await doctor([], own)).named("search attributes")[0];
    // A namespace that was just made is not known to all of the server.
    await expect.poll(attributes, { timeout: 60_000, interval: 1000 }).toMatchObject({
      status: "failed",
      detail: expect.stringMatching(/DocketProject.* not registered/),
      remedy: expect.stringMatching(/^`docket setup` registers them; or .*temporal operator search-attribute create/),
    });
    const setup = await docket(["setup", "--no-database"], stackEnvironment({ ...own, DATABASE_URL: "" }));
    expect(setup).toMatchObject({ code: 0, stderr: "" });
    await expect.poll(attributes, { timeout: 60_000, interval: 1000 }).toMatchObject({ status: "ok" });
    expect(await docket(["retention"], stackEnvironment(own))).toMatchObject({
      code: 0,
      stdout: "No project has a retention: documents are kept for good.\n",
    });
    expect(await docket(["setup"], stackEnvironment({ ...own, DATABASE_URL: "" }))).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("docket setup --no-database"),
    });
  }, 180_000);

  const refusals = {
    "an API key that it does not take": { GetSystemInfo: 16 },
    "a certificate that may do nothing": { GetSystemInfo: 7 },
    "a namespace that the credentials may not see": { DescribeNamespace: 7 },
  };
  it.each(Object.entries(refusals))(
    "%s: told with its remedy, and not waited for",
    async (_, codes) => {
      const temporal = await startRefusingTemporal({ ...codes, StartWorkflowExecution: 7 });
      const own = { TEMPORAL_ADDRESS: temporal.address };
      const remedy = expect.stringMatching(/TEMPORAL_API_KEY.*TEMPORAL_NAMESPACE/);
      const { code, named } = await doctor([], own);
      expect(code).toBe(1);
      expect(named("Temporal")).toEqual([
        { name: "Temporal", status: "failed", detail: expect.stringContaining("Request unauthorized."), remedy },
      ]);
      const submitted = await docket(["submit", "samples/court-order.png", "--json"], stackEnvironment(own));
      const { error, failure } = JSON.parse(submitted.stdout || submitted.stderr);
      expect(error ?? failure).toMatchObject({ type: "InvalidInput", remedy });
      const worker = await docket(["worker", "--queues", "textract-submit", "--json"], stackEnvironment(own));
      expect(worker.code).toBe(1);
      expect(JSON.parse(worker.stderr.split("\n").at(-2) ?? "")).toMatchObject({
        error: { type: "InvalidInput", remedy },
      });
      const setup = await docket(["setup", "--json"], stackEnvironment(own));
      expect(JSON.parse(setup.stderr)).toMatchObject({ error: { type: "InvalidInput" } });
      temporal.close();
    },
    180_000,
  );

  it("search attributes that the credentials may not list are a warning that names them", async () => {
    const temporal = await startRefusingTemporal({
      DescribeNamespace: 0,
      ListSearchAttributes: 7,
      DescribeTaskQueue: 0,
    });
    const { code, named } = await doctor([], { TEMPORAL_ADDRESS: temporal.address });
    expect(code).toBe(0);
    expect(named("search attributes")[0]).toMatchObject({
      status: "warning",
      remedy: expect.stringMatching(/DocketProject.*DocketPages.*docket setup/),
    });
    temporal.close();
  });
});

describe("where some services are named and no stack runs", () => {
  const unnamed = { DATABASE_URL: "", TEMPORAL_ADDRESS: "" };

  it("a bucket alone: all of the account is looked at, the others are said to be Docket's own", async () => {
    const object = await stack.upload("doctor/bucket-alone.png", "samples/court-order.png");
    const { code, checks, named } = await doctor([`s3://${object.bucket}/${object.key}`], { ...stsAt(), ...unnamed });
    expect(checks.filter(({ status }) => status === "failed")).toEqual([]);
    expect(code).toBe(0);
    for (const name of ["credentials", "S3", "S3 read", "S3 write", "S3 list", "Textract", "quotas", "document"]) {
      expect(named(name)[0], name).toMatchObject({ status: "ok" });
    }
    expect(named("PostgreSQL")[0]).toMatchObject({ status: "skipped" });
    expect(named("Temporal")[0]).toMatchObject({ status: "skipped" });
  });

  it("what is wrong with the account is found", async () => {
    const refused = { AWS_ACCESS_KEY_ID: "refused", AWS_ENDPOINT_URL_TEXTRACT: `http://${closed}` };
    const { code, named } = await doctor([], { ...stsAt(), ...unnamed, ...refused, DOCKET_BUCKET: "no-such-bucket" });
    expect(code).toBe(1);
    for (const name of ["credentials", "S3", "Textract"]) expect(named(name)[0]).toMatchObject({ status: "failed" });
  });

  it("a database, a Temporal alone: that one is looked at", async () => {
    const { code, named } = await doctor([], { ...unnamed, DOCKET_BUCKET: "", TEMPORAL_ADDRESS: closed });
    expect(code).toBe(1);
    expect(named("Temporal")[0]?.detail).toContain("TemporalUnavailable");
    expect(named("PostgreSQL")[0]?.status).toBe("skipped");
    expect(named("S3")[0]?.status).toBe("skipped");
    const database = await doctor([], { TEMPORAL_ADDRESS: "", DOCKET_BUCKET: "" });
    expect(database.named("PostgreSQL")[0]).toMatchObject({ status: "ok" });
    expect(database.named("Temporal")[0]?.status).toBe("skipped");
  });
});

describe("where some services are named and nothing was made in them", () => {
  it("a new database is what `docket run` fills, and nothing is wrong with it", async () => {
    const url = new URL(inject("environment")["DATABASE_URL"] ?? "");
    const name = `doctor_${randomUUID().slice(0, 8)}`;
    await stack.database.$executeRawUnsafe(`CREATE DATABASE ${name}`);
    url.pathname = `/${name}`;
    const { code, checks, named } = await doctor([], {
      DATABASE_URL: url.href,
      TEMPORAL_ADDRESS: "",
      DOCKET_BUCKET: "",
    });
    expect(code, JSON.stringify(checks)).toBe(0);
    expect(named("PostgreSQL")[0]?.detail).toMatch(/docket run.*apply \d+ migrations/);
    await stack.database.$executeRawUnsafe(`DROP DATABASE ${name}`);
  });

  it("a document in an S3 that is not Amazon's is read by a Textract of Docket's own", async () => {
    const object = await stack.upload("doctor/own-textract.png", "samples/court-order.png");
    const { code, named } = await doctor([`s3://${object.bucket}/${object.key}`], {
      DATABASE_URL: "",
      TEMPORAL_ADDRESS: "",
      AWS_ENDPOINT_URL_TEXTRACT: "",
    });
    expect(named("Textract")[0]).toMatchObject({ status: "skipped" });
    expect(named("document")[0]).toMatchObject({ status: "ok" });
    expect(code).toBe(0);
  });
});

describe("a document before it costs anything", () => {
  it("every failed check of an object is told together", async () => {
    const { code, named } = await doctor([`s3://${stack.bucket}/doctor/not-there.pdf`]);
    expect(code).toBe(1);
    expect(named("document").map(({ detail }) => detail.split(":")[0])).toEqual(["ObjectMissing"]);
  });

  it("a local file is refused for the reasons of the prerequisites", async () => {
    const pdf = await PDFDocument.create();
    for (let page = 0; page < 30; page++) pdf.addPage([3000, 3000]);
    const wide = join(folder, "wide.pdf");
    await writeFile(wide, await pdf.save());
    const large = await doctor([wide]);
    expect(large.named("document")[0]?.detail).toMatch(/^PageTooLarge: wide.pdf/);
    const local = await doctor([wide, "--engine", "local"]);
    expect(local.named("document")[0]?.detail).toMatch(/^LocalLimitExceeded: wide.pdf has 30 pages/);

    const broken = join(folder, "broken.pdf");
    await writeFile(broken, (await readFile(wide)).subarray(0, 400));
    expect((await doctor([broken])).named("document")[0]?.detail).toMatch(/^Corrupt/);
    expect((await doctor([join(folder, "none.pdf")])).named("document")[0]?.detail).toMatch(/^FileUnreadable/);
  });

  it("500 MB are looked at by small reads", async () => {
    const sparse = createSparsePdf({ pages: 40, imageBytes: 12_000_000, scattered: true });
    const path = join(folder, "large.pdf");
    const file = await open(path, "w");
    await file.truncate(sparse.size);
    for (const { offset, bytes } of sparse.parts) await file.write(bytes, 0, bytes.length, offset);
    await file.close();
    const { named } = await doctor([path]);
    expect(named("document")[0]).toMatchObject({ status: "ok" });
    expect(named("document")[0]?.detail).toMatch(/application\/pdf, 40 pages, 480/);
  });
});
