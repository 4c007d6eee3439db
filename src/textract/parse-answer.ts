import type { Block, GetDocumentTextDetectionResponse, Warning } from "@aws-sdk/client-textract";

/** One answer of a Get operation: the job's state and up to `MaxResults` blocks. */
export interface JobResult {
  status: "IN_PROGRESS" | "SUCCEEDED" | "FAILED" | "PARTIAL_SUCCESS";
  statusMessage: string | undefined;
  /** Pages that Textract processed. */
  pages: number | undefined;
  warnings: Warning[];
  blocks: Block[];
  nextToken: string | undefined;
}

/**
 * Reads the body of a Get's answer.
 * @throws {Error} when it is not the JSON of one; it holds nothing of the body
 */
export function parseAnswer(body: Uint8Array): JobResult {
  const answer = parse(body);
  if (answer.JobStatus === undefined) throw new Error("the answer holds no JobStatus");
  return {
    status: answer.JobStatus,
    statusMessage: answer.StatusMessage ?? undefined,
    pages: answer.DocumentMetadata?.Pages,
    warnings: answer.Warnings ?? [],
    blocks: answer.Blocks ?? [],
    nextToken: answer.NextToken ?? undefined,
  };
}

function parse(body: Uint8Array): GetDocumentTextDetectionResponse {
  try {
    return JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString()) ?? {};
  } catch {
    // What the parser says holds a piece of what it read: text of a document.
    throw new Error("the answer is not JSON");
  }
}
