import type { Warning } from "@aws-sdk/client-textract";
import type { ExportInput } from "./export-input.ts";
import { documentBlocks } from "./raw-blocks.ts";

/**
 * A document as one answer of `GetDocumentTextDetection` or `GetDocumentAnalysis` that holds all of its blocks, page
 * after page: what Amazon's response parsers read. What is not whole says so as Textract does:
 * PARTIAL_SUCCESS, with the pages that are missing as warnings.
 * @throws {DocketError} `ObjectMissing` when a raw answer was deleted, `Internal` when it lacks a page
 */
export async function* toTextractJson(input: ExportInput): AsyncGenerator<string> {
  const { document } = input;
  const features = document.features.length > 0 ? "AnalyzeDocument" : "DetectDocumentText";
  const whole = document.status === "complete";
  const pageCount = whole ? document.storedPages : (document.expectedPages ?? document.storedPages);
  yield `{"DocumentMetadata":{"Pages":${pageCount}},"JobStatus":"${whole ? "SUCCEEDED" : "PARTIAL_SUCCESS"}",`;
  if (!whole) yield `"Warnings":${JSON.stringify(warningsOf(document))},`;
  yield `"${features}ModelVersion":"1.0","Blocks":[\n`;
  let first = true;
  for await (const { blocks } of documentBlocks(input)) {
    for (const block of blocks) {
      yield `${first ? "" : ",\n"}${JSON.stringify(block)}`;
      first = false;
    }
  }
  yield "\n]}\n";
}

/** The pages that are missing by Textract's warning code, as Textract lists them. */
function warningsOf({ missingPages }: ExportInput["document"]): Warning[] {
  const pagesByCode = new Map<string, number[]>();
  for (const { page, warning } of missingPages ?? []) {
    const code = warning ?? notReported;
    pagesByCode.set(code, [...(pagesByCode.get(code) ?? []), page]);
  }
  return [...pagesByCode].map(([ErrorCode, Pages]) => ({ ErrorCode, Pages }));
}

/** For pages that Textract neither sent nor warned of. */
const notReported = "PAGE_NOT_REPORTED";
