// Records the histories of finished documents for the replay test:
//   TEMPORAL_ADDRESS=127.0.0.1:7233 node scripts/record-histories.mjs NAME=WORKFLOW_ID ...
// writes test/histories/NAME.json, one for each branch of the workflow that is worth keeping.
import { mkdirSync, writeFileSync } from "node:fs";
import { Client, Connection } from "@temporalio/client";
import { historyToJSON } from "@temporalio/common/lib/proto-utils.js";

const wanted = process.argv.slice(2).map((argument) => argument.split("="));
if (wanted.length === 0 || wanted.some((pair) => pair.length !== 2)) {
  console.error("Usage: node scripts/record-histories.mjs NAME=WORKFLOW_ID ...");
  process.exit(1);
}

const connection = await Connection.connect({ address: process.env.TEMPORAL_ADDRESS ?? "127.0.0.1:7233" });
const client = new Client({ connection, namespace: process.env.TEMPORAL_NAMESPACE ?? "default" });
const directory = new URL("../test/histories/", import.meta.url);
mkdirSync(directory, { recursive: true });
for (const [name, workflowId] of wanted) {
  const history = await client.workflow.getHandle(workflowId).fetchHistory();
  // Stack traces hold the paths of one machine, and replay does not look at them.
  const json = JSON.stringify(JSON.parse(historyToJSON(history), (key, value) => (key === "stackTrace" ? "" : value)));
  writeFileSync(new URL(`${name}.json`, directory), `${json}\n`);
  console.log(`test/histories/${name}.json: ${history.events?.length ?? 0} events`);
}
await connection.close();
