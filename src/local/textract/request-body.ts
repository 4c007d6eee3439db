import type { IncomingMessage } from "node:http";
import { TextractError } from "./textract-error.ts";

/** Base64 of the largest document that an operation takes as bytes (10 MiB), and room for the rest of the request. */
const maxBodyBytes = 14_500_000;
/** More than this is not even read to its end. */
const maxDrainedBytes = 256 * 1024 * 1024;
/** Bodies of all requests together. */
const budgetBytes = 128 * 1024 * 1024;

/** Reads request bodies into memory, within a limit for each and a budget for all of them. */
export function createBodyReader(): { read(request: IncomingMessage): Promise<Buffer> } {
  let heldBytes = 0;
  return {
    /**
     * A body that is too large is read to its end and dropped, so that the caller gets to see the answer.
     * @throws {TextractError} `DocumentTooLargeException`, `ThrottlingException`
     */
    async read(request) {
      const chunks: Buffer[] = [];
      let size = 0;
      let held = 0;
      let overBudget = false;
      try {
        for await (const chunk of request as AsyncIterable<Buffer>) {
          size += chunk.length;
          if (size > maxDrainedBytes) break;
          overBudget ||= heldBytes + chunk.length > budgetBytes;
          if (size > maxBodyBytes || overBudget) continue;
          chunks.push(chunk);
          held += chunk.length;
          heldBytes += chunk.length;
        }
        if (size > maxBodyBytes) {
          throw new TextractError("DocumentTooLargeException", `The request is larger than ${maxBodyBytes} bytes.`);
        }
        if (overBudget) throw new TextractError("ThrottlingException", "Too many large requests at once.");
        return Buffer.concat(chunks);
      } finally {
        heldBytes -= held;
      }
    },
  };
}
