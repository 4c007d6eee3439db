import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { failureTable } from "#docket/contract/failures";
import { createTextractApis } from "#docket/textract/textract-api";

// A server that answers every request with the error that the test wants, as Textract sends it.
let server: Server;
let answer: { status: number; body: string } | "reset";
let requests = 0;
const keys = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

beforeAll(async () => {
  for (const key of keys) process.env[key] ??= "test";
  server = createServer((request, response) => {
    requests++;
    if (answer === "reset") request.socket.destroy();
    else response.writeHead(answer.status, { "content-type": "application/x-amz-json-1.1" }).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterAll(() => void server.close());

async function failureFor(next: typeof answer) {
  answer = next;
  requests = 0;
  const { port } = server.address() as AddressInfo;
  const apis = createTextractApis({ endpoint: `http://127.0.0.1:${port}` });
  const document = { bucket: "bucket", key: "key.pdf" };
  const error = await apis
    .inRegion("us-east-1")
    .start({ document, features: [], token: "t", jobTag: "j" })
    .then(
      () => expect.fail("the call succeeded"),
      (reason) => reason,
    );
  apis.close();
  return error;
}

it.each([
  ["ProvisionedThroughputExceededException", 400, "TextractThrottled", "policy"],
  ["ThrottlingException", 400, "TextractThrottled", "policy"],
  ["LimitExceededException", 400, "TextractNoSlot", "wait"],
  ["InternalServerError", 500, "TextractUnavailable", "policy"],
  ["InvalidS3ObjectException", 400, "ObjectMissing", "never"],
  ["InvalidKMSKeyException", 400, "InvalidKmsKey", "never"],
  ["AccessDeniedException", 400, "AccessDenied", "never"],
  ["InvalidParameterException", 400, "TextractRefused", "never"],
  ["UnsupportedDocumentException", 400, "UnsupportedMedia", "never"],
  ["BadDocumentException", 400, "Corrupt", "never"],
  ["DocumentTooLargeException", 400, "TooLarge", "never"],
  ["IdempotentParameterMismatchException", 400, "TokenMismatch", "never"],
  ["InvalidJobIdException", 400, "TextractJobExpired", "new-attempt"],
  ["SomethingNewException", 400, "TextractRefused", "never"],
  ["SomethingNewException", 503, "TextractUnavailable", "policy"],
] as const)("%s (%i) becomes %s, retried: %s; the SDK itself does not retry", async (name, status, type, retry) => {
  const error = await failureFor({ status, body: JSON.stringify({ __type: name, message: "because" }) });
  expect(error).toMatchObject({ type, message: expect.stringContaining("because") });
  expect(failureTable[type].retry).toBe(retry);
  expect(requests).toBe(1);
});

it("a connection that is reset is tried again by the policy", async () => {
  expect(await failureFor("reset")).toMatchObject({ type: "TextractUnavailable" });
});
