import type { Readable } from "node:stream";
import type {
  GetDocumentAnalysisCommand,
  GetDocumentTextDetectionCommand,
  TextractClient,
} from "@aws-sdk/client-textract";

/**
 * Sends a command and gives its answer's body as it was sent, which for Textract is JSON in the shape of the SDK's own
 * output. The SDK would walk through every field of a thousand blocks, and what it makes of them would have to be
 * written as JSON again to be kept.
 * @throws what the SDK throws, for an answer that is an error too
 */
export async function answerBody(
  client: TextractClient,
  either: GetDocumentTextDetectionCommand | GetDocumentAnalysisCommand,
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
        const chunks: Uint8Array[] = [];
        for await (const chunk of response.body as AsyncIterable<Uint8Array>) chunks.push(chunk);
        body = Buffer.concat(chunks);
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
