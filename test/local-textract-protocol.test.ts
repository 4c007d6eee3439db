import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { GetObjectCommand, ListObjectsV2Command } from "@aws-sdk/client-s3";
import {
  DetectDocumentTextCommand,
  GetDocumentTextDetectionCommand,
  StartDocumentAnalysisCommand,
  StartDocumentTextDetectionCommand,
} from "@aws-sdk/client-textract";
import { PDFDocument } from "@cantoo/pdf-lib";
import { SmithyRpcV2CborProtocol } from "@smithy/core/cbor";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { checkStartOfDocument } from "#docket/local/textract/document-limits";
import {
  makeBucket,
  readJob,
  refusal,
  sharedS3,
  startEndpoint,
  startText,
  textOf,
  textractClient,
} from "./support/local-textract.ts";

let endpoint: Awaited<ReturnType<typeof startEndpoint>>;
let bucket: Awaited<ReturnType<typeof makeBucket>>;
let letter: { S3Object: { Bucket: string; Name: string } };
let pages: typeof letter;

beforeAll(async () => {
  endpoint = await startEndpoint();
  bucket = await makeBucket();
  letter = await bucket.put("letter.pdf", await textPdf(["Dear Sir, the rent for the month of May is overdue."]));
  const sentence = (page: number) => `This is page ${page} of a longer agreement between two parties.`;
  pages = await bucket.put("pages.pdf", await textPdf([1, 2, 3, 4, 5].map(sentence)));
});
afterAll(async () => {
  await endpoint.end();
  bucket.s3.destroy();
  expect(endpoint.errors).toEqual([]);
});

async function textPdf(texts: readonly string[], password?: string): Promise<Uint8Array> {
  const pdf = await PDFDocument.create();
  for (const text of texts) {
    const page = pdf.addPage([612, 792]);
    for (let line = 0; line < 8; line++)
      page.drawText(`${text} Line ${line}.`, { x: 50, y: 700 - line * 30, size: 12 });
  }
  if (password !== undefined) await pdf.encrypt({ userPassword: password, ownerPassword: password });
  return pdf.save();
}

describe("a token", () => {
  it("gives the same job for the same parameters, which runs and is billed once, even in requests at the same time", async () => {
    const token = { ClientRequestToken: "token-same", JobTag: "tag" };
    const ids = await Promise.all([1, 2, 3].map(() => startText(endpoint.client, letter, token)));
    expect(new Set(ids).size).toBe(1);
    await readJob(endpoint.client, ids[0] ?? "");
    expect(await startText(endpoint.client, letter, token)).toBe(ids[0]);
    const lines = (await endpoint.ledger()).filter((line) => line.jobId === ids[0]);
    expect(lines).toMatchObject([{ status: "SUCCEEDED", billedPages: 1, billedUsd: 0.0015 }]);
  });

  it("is an error with other parameters, and another job in the other operation", async () => {
    const token = { ClientRequestToken: "token-other" };
    const id = await startText(endpoint.client, letter, token);
    const changed = startText(endpoint.client, letter, { ...token, JobTag: "new" });
    expect(await refusal(changed)).toMatchObject({ name: "IdempotentParameterMismatchException", status: 400 });
    const analysis = new StartDocumentAnalysisCommand({ DocumentLocation: letter, FeatureTypes: ["TABLES"], ...token });
    expect((await endpoint.client.send(analysis)).JobId).not.toBe(id);
  });

  it("that failed to start is free again", async () => {
    const token = { ClientRequestToken: "token-early" };
    const early = { S3Object: { Bucket: bucket.bucket, Name: "not-yet.pdf" } };
    expect(await refusal(startText(endpoint.client, early, token))).toMatchObject({ name: "InvalidS3ObjectException" });
    await bucket.put("not-yet.pdf", await textPdf(["Now it is there."]));
    const { ended } = await readJob(endpoint.client, await startText(endpoint.client, early, token));
    expect(ended.JobStatus).toBe("SUCCEEDED");
  });
});

describe("pagination", () => {
  it("gives the whole result at any MaxResults", async () => {
    const id = await startText(endpoint.client, pages);
    const whole = await readJob(endpoint.client, id);
    expect(whole.answers).toBe(1);
    expect(whole.ended.DocumentMetadata?.Pages).toBe(5);
    for (const maxResults of [1, 7, 1000, 5000]) {
      const part = await readJob(endpoint.client, id, { maxResults });
      expect(part.blocks).toEqual(whole.blocks);
      expect(part.answers).toBe(Math.ceil(whole.blocks.length / Math.min(maxResults, 1000)));
    }
  });

  it("takes a token only for the job that it was given for, and a job only in its own operation", async () => {
    const [id, other] = [await startText(endpoint.client, pages), await startText(endpoint.client, pages)];
    await readJob(endpoint.client, id);
    await readJob(endpoint.client, other);
    const get = (input: { JobId: string; NextToken?: string }) =>
      endpoint.client.send(new GetDocumentTextDetectionCommand({ MaxResults: 3, ...input }));
    const { NextToken: token = "" } = await get({ JobId: id });
    expect(token.length).toBeLessThanOrEqual(255);
    expect((await get({ JobId: id, NextToken: token })).Blocks).toHaveLength(3);
    // The first character, for the last one has bits that count for nothing.
    const changed = `${token.startsWith("A") ? "B" : "A"}${token.slice(1)}`;
    const wrong = [
      { JobId: other, NextToken: token },
      { JobId: id, NextToken: changed },
    ];
    for (const input of wrong) expect(await refusal(get(input))).toMatchObject({ name: "InvalidParameterException" });
    const asAnalysis = readJob(endpoint.client, id, { analysis: true });
    expect(await refusal(asAnalysis)).toEqual({
      name: "InvalidJobIdException",
      message: "Request has invalid Job Id",
      status: 400,
    });
  });
});

describe("a signature", () => {
  const detect = new DetectDocumentTextCommand({ Document: { Bytes: new Uint8Array([1]) } });
  type Keys = ReturnType<typeof sharedS3>["credentials"];
  it.each([
    ["of a wrong secret", { keys: { secretAccessKey: "wrong" } }, "InvalidSignatureException"],
    ["of an unknown key", { keys: { accessKeyId: "AKIDOTHER" } }, "UnrecognizedClientException"],
    ["of a session that is not known", { keys: { sessionToken: "t" } }, "UnrecognizedClientException"],
    ["for another region", { region: "eu-west-1" }, "InvalidSignatureException"],
    ["of a clock 6 minutes slow", { systemClockOffset: -360_000 }, "InvalidSignatureException"],
    ["of a clock 6 minutes fast", { systemClockOffset: 360_000 }, "InvalidSignatureException"],
  ])("%s is refused", async (_, config, name) => {
    const { keys, ...rest } = config as { keys?: Partial<Keys> };
    const credentials = { ...sharedS3().credentials, ...keys };
    const client = textractClient(endpoint.address, { credentials, ...rest });
    expect(await refusal(client.send(detect))).toMatchObject({ name, status: 400 });
    client.destroy();
  });

  it("is needed", async () => {
    const headers = { "x-amz-target": "Textract.DetectDocumentText", "content-type": "application/x-amz-json-1.1" };
    const answer = await fetch(endpoint.address, { method: "POST", headers, body: "{}" });
    expect(answer.status).toBe(400);
    expect(answer.headers.get("x-amzn-requestid")).toMatch(/^[0-9a-f-]{36}$/);
    expect(await answer.json()).toMatchObject({ __type: "MissingAuthenticationTokenException" });
  });

  it("covers the body and every header that it names", async () => {
    const { accessKeyId } = sharedS3().credentials;
    let signed: { headers: Record<string, string>; body: Uint8Array } | undefined;
    endpoint.client.middlewareStack.add(
      (next) => (args) => {
        signed = args.request as typeof signed;
        return next(args);
      },
      { step: "finalizeRequest", priority: "low", name: "keepSigned" },
    );
    await refusal(endpoint.client.send(new GetDocumentTextDetectionCommand({ JobId: "none" })));
    endpoint.client.middlewareStack.remove("keepSigned");
    const headers = signed?.headers ?? {};
    const body = Buffer.from(signed?.body ?? []).toString();
    expect(headers["authorization"]).toContain(accessKeyId);
    const post = async (changedHeaders: Record<string, string>, changedBody: string) => {
      const answer = await fetch(endpoint.address, { method: "POST", headers: changedHeaders, body: changedBody });
      return ((await answer.json()) as { __type: string }).__type;
    };
    expect(await post(headers, body)).toBe("InvalidJobIdException");
    expect(await post(headers, body.replace("none", "nine"))).toBe("InvalidSignatureException");
    const target = { ...headers, "x-amz-target": "Textract.GetDocumentAnalysis" };
    expect(await post(target, body)).toBe("InvalidSignatureException");
  });
});

describe("a document", () => {
  it.each([
    ["no document by its first bytes", "text.pdf", async () => "just text", "UnsupportedDocumentException"],
    ["nothing", "empty.pdf", async () => "", "UnsupportedDocumentException"],
    ["a JPEG above 10 MB", "large.jpg", largeJpeg, "DocumentTooLargeException"],
  ])("that is %s starts no job", async (_, key, content, name) => {
    const location = await bucket.put(key, await content());
    expect(await refusal(startText(endpoint.client, location))).toMatchObject({ name, status: 400 });
    const now = endpoint.client.send(new DetectDocumentTextCommand({ Document: location }));
    expect(await refusal(now)).toMatchObject({ name, status: 400 });
  });

  it("may have 500 MB as PDF, 10 MB as PNG, and 10 MB as anything in synchronous operations", () => {
    const mebibyte = 1024 * 1024;
    const [pdf, png] = [Buffer.from("%PDF-1.7"), Buffer.from("\x89PNG\r\n\x1a\n", "latin1")];
    checkStartOfDocument(pdf, 500 * mebibyte, "asynchronous");
    expect(() => checkStartOfDocument(pdf, 500 * mebibyte + 1, "asynchronous")).toThrow("has 524288001 bytes");
    expect(() => checkStartOfDocument(png, 10 * mebibyte + 1, "asynchronous")).toThrow("has 10485761 bytes");
    expect(() => checkStartOfDocument(pdf, 10 * mebibyte + 1, "synchronous")).toThrow("has 10485761 bytes");
  });

  it.each([
    [
      "a PDF with a password",
      () => textPdf(["secret"], "password"),
      "UNSUPPORTED_DOCUMENT: ",
      "UnsupportedDocumentException",
    ],
    ["a PDF of 3,001 pages", () => blankPages(3001), "DOCUMENT_TOO_LARGE: ", "UnsupportedDocumentException"],
    ["a broken PDF", async () => "%PDF-1.7\n1 0 obj <<", "BAD_DOCUMENT: ", "BadDocumentException"],
  ])("that is %s makes the job fail with the reason, unbilled", async (name, content, message, error) => {
    const location = await bucket.put(`${name}.pdf`, await content());
    const id = await startText(endpoint.client, location);
    const { ended, blocks } = await readJob(endpoint.client, id);
    expect(ended).toMatchObject({ JobStatus: "FAILED", StatusMessage: expect.stringContaining(message) });
    expect(blocks).toEqual([]);
    const line = (await endpoint.ledger()).find(({ jobId }) => jobId === id);
    expect(line).toMatchObject({ status: "FAILED", billedUsd: 0 });
    const now = endpoint.client.send(new DetectDocumentTextCommand({ Document: location }));
    expect(await refusal(now)).toMatchObject({ name: error });
  });

  it("that is a PDF may have something else before its header, as far as readers look for it", async () => {
    const mail = Buffer.from(`Subject: rent\n${" ".repeat(1010)}`);
    const pdf = await bucket.put("mail.pdf", Buffer.concat([mail, await textPdf(["The rent is overdue."])]));
    expect(mail).toHaveLength(1024);
    const { ended } = await readJob(endpoint.client, await startText(endpoint.client, pdf));
    expect(ended).toMatchObject({ JobStatus: "SUCCEEDED", DocumentMetadata: { Pages: 1 } });
  });

  it("of two pages is nothing for a synchronous operation", async () => {
    const call = endpoint.client.send(new DetectDocumentTextCommand({ Document: pages }));
    expect(await refusal(call)).toMatchObject({
      name: "UnsupportedDocumentException",
      message: expect.stringContaining("Request has unsupported document format"),
    });
  });

  it("that S3 does not give is one error, whatever the reason, as Textract has it", async () => {
    const abroad = await startEndpoint({ region: "eu-west-1" });
    const at = (Bucket: string, Name: string, Version?: string) => ({ S3Object: { Bucket, Name, Version } });
    const answers = [
      await refusal(startText(endpoint.client, at(bucket.bucket, "missing.pdf"))),
      await refusal(startText(endpoint.client, at("no-such-bucket-anywhere", "letter.pdf"))),
      await refusal(startText(endpoint.client, at(bucket.bucket, "letter.pdf", "01JDNOSUCHVERSION00000000"))),
      await refusal(startText(abroad.client, letter)),
    ];
    await abroad.end();
    const [first] = answers;
    expect(first?.name).toBe("InvalidS3ObjectException");
    for (const answer of answers) expect(answer).toEqual(first);
  });
});

it("checks a request against the model", async () => {
  const start = (input: object) => refusal(endpoint.client.send(new StartDocumentTextDetectionCommand(input as never)));
  const analyze = (input: object) => {
    const command = new StartDocumentAnalysisCommand({ DocumentLocation: letter, ...input } as never);
    return refusal(endpoint.client.send(command));
  };
  const topic = {
    RoleArn: "arn:aws:iam::123456789012:role/textract",
    SNSTopicArn: "arn:aws:sns:us-east-1:123456789012:done",
  };
  const refusals: [string, Promise<{ name: string; message: string }>][] = [
    ["ValidationException", start({})],
    ["ValidationException", analyze({})],
    ["ValidationException", analyze({ FeatureTypes: ["WORDS"] })],
    ["InvalidParameterException", start({ DocumentLocation: {} })],
    ["InvalidParameterException", start({ DocumentLocation: { S3Object: { Bucket: "arn:aws:s3:::b", Name: "n" } } })],
    ["InvalidParameterException", start({ DocumentLocation: letter, ClientRequestToken: "a".repeat(65) })],
    ["InvalidParameterException", start({ DocumentLocation: letter, JobTag: "no blanks" })],
    [
      "InvalidParameterException",
      start({ DocumentLocation: letter, NotificationChannel: { ...topic, RoleArn: "arn:aws:iam::123456789012:root" } }),
    ],
    [
      "InvalidParameterException",
      start({
        DocumentLocation: letter,
        NotificationChannel: { ...topic, SNSTopicArn: topic.SNSTopicArn.replace("us-east-1", "eu-west-1") },
      }),
    ],
    ["InvalidParameterException", analyze({ FeatureTypes: [] })],
    ["InvalidParameterException", analyze({ FeatureTypes: ["QUERIES"] })],
    ["SerializationException", start({ DocumentLocation: letter, JobTag: { not: "a string" } })],
  ];
  for (const [name, answer] of refusals) expect(await answer).toMatchObject({ name });

  const id = await startText(endpoint.client, letter, { NotificationChannel: topic, KMSKeyId: "alias/key" });
  const shown = await (await fetch(`${endpoint.address}/jobs/${id}`)).json();
  expect(shown).toMatchObject({ jobId: id, notificationChannel: topic, kmsKeyId: "alias/key" });
});

it("writes the result where OutputConfig wants it, in Textract's layout", async () => {
  const output = { OutputConfig: { S3Bucket: bucket.bucket, S3Prefix: "out" } };
  const id = await startText(endpoint.client, pages, output);
  const { blocks } = await readJob(endpoint.client, id);
  const listed = await bucket.s3.send(new ListObjectsV2Command({ Bucket: bucket.bucket, Prefix: `out/${id}/` }));
  expect(listed.Contents?.map(({ Key }) => Key)).toEqual([`out/${id}/.s3_access_check`, `out/${id}/1`]);
  const part = await bucket.s3.send(new GetObjectCommand({ Bucket: bucket.bucket, Key: `out/${id}/1` }));
  const written = JSON.parse((await part.Body?.transformToString()) ?? "");
  expect(written).toMatchObject({ JobStatus: "SUCCEEDED", DocumentMetadata: { Pages: 5 } });
  expect(written.Blocks).toEqual(blocks);
  const nowhere = { OutputConfig: { S3Bucket: "no-such-bucket-anywhere" } };
  const refused = await refusal(startText(endpoint.client, pages, nowhere));
  expect(refused).toMatchObject({ name: "InvalidS3ObjectException" });
});

it("speaks the model's other protocol, Smithy RPC v2 CBOR, with the same answers", async () => {
  const client = textractClient(endpoint.address, { protocol: SmithyRpcV2CborProtocol });
  const id = await startText(client, pages, { ClientRequestToken: "token-cbor" });
  expect(await startText(endpoint.client, pages, { ClientRequestToken: "token-cbor" })).toBe(id);
  const [cbor, json] = [await readJob(client, id, { maxResults: 50 }), await readJob(endpoint.client, id)];
  expect(cbor.blocks.map(({ Id, Text }) => [Id, Text])).toEqual(json.blocks.map(({ Id, Text }) => [Id, Text]));
  // The model's numbers are 32-bit floats; JSON carries more digits.
  const left = (blocks: typeof json.blocks) => blocks.map((block) => block.Geometry?.BoundingBox?.Left ?? -1);
  const difference = left(cbor.blocks).map((value, at) => Math.abs(value - (left(json.blocks)[at] ?? -2)));
  expect(Math.max(...difference)).toBeLessThan(1e-6);
  const unknown = client.send(new GetDocumentTextDetectionCommand({ JobId: "unknown" }));
  expect(await refusal(unknown)).toMatchObject({ name: "InvalidJobIdException", status: 400 });
  client.destroy();
});

describe("with limits of its own, an endpoint", () => {
  it("forgets results, jobs and tokens when their time is over", async () => {
    const short = await startEndpoint({ retentionMilliseconds: 10_000 });
    const token = { ClientRequestToken: "token-old" };
    const id = await startText(short.client, letter, token);
    expect((await readJob(short.client, id)).ended.JobStatus).toBe("SUCCEEDED");
    const later = { timeout: 60_000, interval: 500 };
    await expect.poll(() => refusal(readJob(short.client, id)), later).toMatchObject({ name: "InvalidJobIdException" });
    expect(await startText(short.client, letter, token)).not.toBe(id);
    await short.end();
  });

  it("has slots for so many open jobs, and takes so many requests a second", async () => {
    const rate = { GetDocumentTextDetection: 2 };
    const narrow = await startEndpoint({ maxOpenJobs: 1, requestRates: rate });
    await narrow.fault({ kind: "slow-job", milliseconds: 60_000 });
    const id = await startText(narrow.client, letter);
    expect(await refusal(startText(narrow.client, letter))).toEqual({
      name: "LimitExceededException",
      message: "Open jobs exceed maximum concurrent job limit",
      status: 400,
    });
    const gets = await Promise.allSettled(
      Array.from({ length: 12 }, () => narrow.client.send(new GetDocumentTextDetectionCommand({ JobId: id }))),
    );
    const refused = gets.flatMap((get) => (get.status === "rejected" ? [get.reason.name] : []));
    // Two at once, and some more where they take their time to arrive.
    expect(new Set(refused)).toEqual(new Set(["ProvisionedThroughputExceededException"]));
    expect(refused.length).toBeLessThanOrEqual(10);
    await narrow.end();
  });

  it("shares its data folder with no other", async () => {
    await expect(startEndpoint({ dataFolder: endpoint.dataFolder })).rejects.toThrow("works on");
  });
});

describe("on command", () => {
  it("requests fail as often as asked, and no more", async () => {
    const operation = "GetDocumentTextDetection";
    await endpoint.fault(
      { kind: "throttle", operation, count: 2 },
      { kind: "throttle", operation, error: "throttling" },
      { kind: "internal-error", operation },
      { kind: "no-slot", operation: "StartDocumentTextDetection" },
    );
    const get = () => refusal(endpoint.client.send(new GetDocumentTextDetectionCommand({ JobId: "none" })));
    const answers = [await get(), await get(), await get(), await get(), await get()];
    expect(answers.map(({ name, status }) => `${name} ${status}`)).toEqual([
      "ProvisionedThroughputExceededException 400",
      "ProvisionedThroughputExceededException 400",
      "ThrottlingException 500",
      "InternalServerError 500",
      "InvalidJobIdException 400",
    ]);
    expect(await refusal(startText(endpoint.client, letter))).toMatchObject({ name: "LimitExceededException" });
    await startText(endpoint.client, letter);
  });

  it("connections break before a request was taken, or after", async () => {
    const operation = "StartDocumentTextDetection";
    const token = (name: string) => ({ ClientRequestToken: name });
    await endpoint.fault({ kind: "reset-before", operation });
    await expect(startText(endpoint.client, letter, token("reset-before"))).rejects.toThrow(/ECONNRESET|hang up/);
    await endpoint.fault({ kind: "reset-after", operation });
    await expect(startText(endpoint.client, letter, token("reset-after"))).rejects.toThrow(/ECONNRESET|hang up/);
    const changed = (name: string) => startText(endpoint.client, letter, { ...token(name), JobTag: "other" });
    expect(await refusal(changed("reset-after"))).toMatchObject({ name: "IdempotentParameterMismatchException" });
    await changed("reset-before");
  });

  it("an answer is late, and its request was taken before", async () => {
    await endpoint.fault({ kind: "slow-answer", operation: "StartDocumentTextDetection", milliseconds: 700 });
    const began = Date.now();
    await startText(endpoint.client, letter);
    expect(Date.now() - began).toBeGreaterThanOrEqual(690);
  });

  it("pages of a job are missing, a job fails, results are gone early", async () => {
    await endpoint.fault({ kind: "partial-success", pages: [2, 4], errorCode: "PAGE_BROKEN" });
    const partialId = await startText(endpoint.client, pages);
    const partial = await readJob(endpoint.client, partialId);
    expect(partial.ended).toMatchObject({
      JobStatus: "PARTIAL_SUCCESS",
      DocumentMetadata: { Pages: 5 },
      Warnings: [{ ErrorCode: "PAGE_BROKEN", Pages: [2, 4] }],
    });
    expect(new Set(partial.blocks.map((block) => block.Page))).toEqual(new Set([1, 3, 5]));
    // Jobs of earlier tests may end, and be billed, only now.
    const billed = (await endpoint.ledger()).find(({ jobId }) => jobId === partialId);
    expect(billed).toMatchObject({ status: "PARTIAL_SUCCESS", billedPages: 3 });

    await endpoint.fault({ kind: "job-failed", statusMessage: "on command" });
    const failed = await readJob(endpoint.client, await startText(endpoint.client, pages));
    expect(failed.ended).toMatchObject({ JobStatus: "FAILED", StatusMessage: "on command" });

    const id = await startText(endpoint.client, pages);
    expect(textOf((await readJob(endpoint.client, id)).blocks)).toContain("page 4");
    await endpoint.fault({ kind: "expired", operation: "GetDocumentTextDetection" });
    expect(await refusal(readJob(endpoint.client, id))).toMatchObject({ name: "InvalidJobIdException" });
    expect(await refusal(readJob(endpoint.client, id))).toMatchObject({ name: "InvalidJobIdException" });
  });

  it("faults are checked, shown and cleared, and not for web pages", async () => {
    const address = `${endpoint.address}/faults`;
    const post = (body: string, headers = {}) => fetch(address, { method: "POST", body, headers });
    expect((await post('[{"kind":"no-such-fault"}]')).status).toBe(400);
    expect((await post("not json")).status).toBe(400);
    expect((await post("[]", { origin: "http://example.com" })).status).toBe(403);
    // A page's name that was led to this machine.
    const rebound = get(`${endpoint.address}/jobs`, { headers: { host: "example.com" } });
    const [{ statusCode }] = (await once(rebound, "response")) as [IncomingMessage];
    expect(statusCode).toBe(403);
    await endpoint.fault({ kind: "no-slot", count: 3 });
    expect(await (await fetch(address)).json()).toEqual({ faults: [{ kind: "no-slot", operation: "*", count: 3 }] });
    await fetch(address, { method: "DELETE" });
    expect(await (await fetch(address)).json()).toEqual({ faults: [] });
  });
});

async function blankPages(count: number): Promise<Uint8Array> {
  const pdf = await PDFDocument.create();
  for (let page = 0; page < count; page++) pdf.addPage([612, 792]);
  return pdf.save();
}

async function largeJpeg(): Promise<Uint8Array> {
  const bytes = new Uint8Array(10 * 1024 * 1024 + 1);
  bytes.set([0xff, 0xd8, 0xff, 0xe0]);
  return bytes;
}
