import { proxyActivities, sleep, upsertSearchAttributes, workflowInfo } from "@temporalio/workflow";
import { searchAttributes } from "#docket/contract/search-attributes";

const options = (/** @type {string} */ taskQueue) => ({ taskQueue, startToCloseTimeout: "15 seconds" });

/** As many activities as a document of Docket has, one after another, none of which does anything. */
async function run(/** @type {string} */ submit, /** @type {string} */ results) {
  const own = proxyActivities(options(workflowInfo().taskQueue));
  const submitting = proxyActivities(options(submit));
  const reading = proxyActivities(options(results));
  await own.ensureProject();
  await own.createRecord();
  await own.writeMetadata();
  await own.checkPrerequisites();
  await submitting.submitTextract();
  await reading.awaitTextract();
  await reading.collectPages();
  await own.completeDocument();
}

/** On the three task queues of a document. */
export const bareDocument = () => run("bare-textract-submit", "bare-textract-results");

/** All on one task queue: nothing that is faster does as many activities. */
export const bareOnOneQueue = () => run(workflowInfo().taskQueue, workflowInfo().taskQueue);

/**
 * With what a document's workflow tells of itself: search attributes, priority, fairness key, summaries, time-outs, and
 * payloads of its size. What is between this and a document is the work of its activities.
 */
export async function bareTold() {
  const told = {
    scheduleToCloseTimeout: "30 days",
    heartbeatTimeout: "15 seconds",
    priority: { priorityKey: 3, fairnessKey: "bench" },
    summary: "document.pdf",
  };
  const proxy = (/** @type {string} */ queue) => proxyActivities({ ...options(queue), ...told });
  const own = proxy(workflowInfo().taskQueue);
  const submitting = proxy("bare-textract-submit");
  const reading = proxy("bare-textract-results");
  const payload = { document: "x".repeat(500) };
  await own.ensureProject(payload);
  void sleep(30_000);
  await own.createRecord(payload);
  await own.writeMetadata(payload);
  await own.checkPrerequisites(payload);
  await submitting.submitTextract(payload);
  await reading.awaitTextract(payload);
  await reading.collectPages(payload);
  await own.completeDocument(payload);
  upsertSearchAttributes([
    { key: searchAttributes.pages, value: 1 },
    { key: searchAttributes.stage, value: "complete" },
  ]);
}
