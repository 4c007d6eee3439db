import type { ExportInput } from "./export-input.ts";
import { documentBlocks } from "./raw-blocks.ts";

/**
 * A document as one answer of `GetDocumentTextDetection` or `GetDocumentAnalysis` that holds all of its blocks, page
 * after page: what Amazon's response parsers read.
 * @throws {DocketError} `ObjectMissing` when a raw answer was deleted, `Internal` when it lacks a page
 */
export async function* toTextractJson(input: ExportInput): AsyncGenerator<string> {
  const { document } = input;
  const features = document.features.length > 0 ? "AnalyzeDocument" : "DetectDocumentText";
  yield `{"DocumentMetadata":{"Pages":${document.storedPages}},"JobStatus":"SUCCEEDED",`;
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
