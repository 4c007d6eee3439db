import type { Readable } from "node:stream";
import type {
  GetDocumentAnalysisCommand,
  GetDocumentTextDetectionCommand,
  TextractClient,
} from "@aws-sdk/client-textract";
import { DocketError } from "../contract/failures.ts";

/** More than any answer of 1,000 blocks, of which 0.75 MB is usual. */
export const mostBytes = 4 * 1024 * 1024;

/**
 * Sends a command and gives its answer's body as it was sent, which for Textract is JSON in the shape of the SDK's own
 * output. The SDK would walk through every field of a thousand blocks, and what it makes of them would have to be
 * written as JSON again to be kept.
 * @param name how messages name what is read
 * @throws {DocketError} `OutOfMemory` when it has more than 4 MiB; what the SDK throws, for an answer that is an error too
 */
export async function answerBody(
  client: TextractClient,
  either: GetDocumentTextDetectionCommand | GetDocumentAnalysisCommand,
  name: string,
): Promise<Buffer> {
  // Nothing below looks at what is asked.
  const command = either as GetDocumentTextDetectionCommand;
  let body: Buffer | undefined;
  command.middlewareStack.addRelativeTo(
    <Args, Result extends { response: unknown }>(next: (args: Args) => Promise<Result>) =>
      async (args: Args) => {
        const result = await next(args);
        const response = result.response as { statusCode: number; body: Readable | Uint8Array };
        if (response.statusCode !== 200) return result;
        body = await readBounded(response.body as AsyncIterable<Uint8Array>, name);
        // For the SDK there is nothing left to read.
        response.body = Buffer.from("{}");
        return result;
      },
    { name: "answerBody", relation: "after", toMiddleware: "deserializerMiddleware" },
  );
  await client.send(command);
  if (body === undefined) throw new Error("the answer holds no body");
  return body;
}

async function readBounded(stream: AsyncIterable<Uint8Array>, name: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.byteLength;
    if (bytes > mostBytes) throw tooLargeAnswer(name, `${mostBytes / 1024 / 1024} MiB`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** What is said of an answer that takes more memory than any of Textract's. @param limit what it goes over */
export function tooLargeAnswer(name: string, limit: string): DocketError {
  return new DocketError("OutOfMemory", `Textract, ${name}: an answer takes more than ${limit}.`, {
    remedy:
      "Textract sends no such answers: see what answers in its place (AWS_ENDPOINT_URL_TEXTRACT, a proxy), then submit " +
      "again. The job is not paid again.",
  });
}
