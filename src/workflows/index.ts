export { processBatch } from "./process-batch.ts";
export { processDocument } from "./process-document.ts";
