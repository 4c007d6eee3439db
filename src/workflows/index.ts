export { checkDeployment } from "./check-deployment.ts";
export { deleteDocuments } from "./delete-documents.ts";
export { deliverWebhook } from "./deliver-webhook.ts";
export { processBatch } from "./process-batch.ts";
export { processDocument } from "./process-document.ts";
