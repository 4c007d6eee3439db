import type { createGetResult } from "./get-result.ts";
import type { createReadAtOnce } from "./read-at-once.ts";
import type { OperationName } from "./request-shapes.ts";
import type { createStartJob } from "./start-job.ts";
import { validateRequest } from "./validate-request.ts";

/** What each of Textract's operations does with its input; every one gives the output of the model's shape. */
export function createOperations(ports: {
  startJob: ReturnType<typeof createStartJob>;
  getResult: ReturnType<typeof createGetResult>;
  readAtOnce: ReturnType<typeof createReadAtOnce>;
}) {
  return function run(operation: OperationName, input: Record<string, unknown>, gone: AbortSignal): Promise<object> {
    switch (operation) {
      case "StartDocumentTextDetection":
      case "StartDocumentAnalysis":
        return ports.startJob(operation, validateRequest(operation, input));
      case "GetDocumentTextDetection":
        return ports.getResult("StartDocumentTextDetection", validateRequest(operation, input));
      case "GetDocumentAnalysis":
        return ports.getResult("StartDocumentAnalysis", validateRequest(operation, input));
      case "DetectDocumentText":
      case "AnalyzeDocument":
        return ports.readAtOnce(operation, validateRequest(operation, input), gone);
    }
  };
}
