export { processDocument } from "./process-document.ts";
