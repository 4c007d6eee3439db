import { proxyActivities, workflowInfo } from "@temporalio/workflow";

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
