// The worker of the bare workflows, with the settings of Docket's own for each of its queues.
import { fileURLToPath } from "node:url";
import { DefaultLogger, NativeConnection, Runtime, Worker } from "@temporalio/worker";
import { queueOptions } from "#docket/worker/queue-options";

Runtime.install({ logger: new DefaultLogger("WARN"), shutdownSignals: ["SIGTERM", "SIGINT"] });
const connection = await NativeConnection.connect({ address: process.env["TEMPORAL_ADDRESS"] ?? "" });
const namespace = process.env["TEMPORAL_NAMESPACE"] ?? "default";
const nothing = async (/** @type {unknown} */ input) => input;
const names = ["ensureProject", "createRecord", "writeMetadata", "checkPrerequisites", "submitTextract"];
const activities = Object.fromEntries(
  [...names, "awaitTextract", "collectPages", "completeDocument"].map((name) => [name, nothing]),
);
const workflowsPath = fileURLToPath(new URL("./bare-workflows.mjs", import.meta.url));
const queues = /** @type {const} */ (["documents", "textract-submit", "textract-results"]);
const workers = [];
for (const queue of queues) {
  const workflows = queue === "documents" ? { workflowsPath } : {};
  const options = {
    ...queueOptions(queue, 1),
    ...workflows,
    connection,
    namespace,
    activities,
    taskQueue: `bare-${queue}`,
  };
  workers.push(await Worker.create(options));
}
const running = Promise.all(workers.map((worker) => worker.run()));
console.log("worker is polling");
await running;
await connection.close();
