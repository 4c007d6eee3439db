import { mkdir, readdir, writeFile } from "node:fs/promises";
import { Client, Connection } from "@temporalio/client";
import { type History, historyToJSON } from "@temporalio/common/lib/proto-utils.js";
import { historiesUrl, isOfBranch, readBranches } from "./workflow-branches.ts";

/** The encoding of encrypted payloads, as a history in JSON has it. */
const encrypted = Buffer.from("binary/encrypted").toString("base64");

/**
 * Keeps a history of each branch that the tests of this run took, in every namespace of their server.
 * @param options.release folder below test/histories
 * @param options.again also of branches that have one
 */
export async function recordHistories(address: string, options: { release: string; again: boolean }): Promise<void> {
  const folder = new URL(`${options.release}/`, historiesUrl);
  await mkdir(folder, { recursive: true });
  const there = new Set(options.again ? [] : await readdir(folder));
  const wanted = (await readBranches()).filter(({ name }) => !there.has(`${name}.json`));
  const connection = await Connection.connect({ address });
  try {
    const { namespaces } = await connection.workflowService.listNamespaces({ pageSize: 100 });
    for (const { namespaceInfo } of namespaces) {
      const client = new Client({ connection, namespace: namespaceInfo?.name ?? "default" });
      for await (const { workflowId, runId } of client.workflow.list({ query: 'ExecutionStatus != "Running"' })) {
        if (wanted.length === 0) return;
        const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
        const index = wanted.findIndex((branch) => isOfBranch(history, branch));
        // What a test encrypted with keys of its own nobody can replay.
        if (index < 0 || historyToJSON(history).includes(encrypted)) continue;
        const [branch] = wanted.splice(index, 1);
        await writeFile(new URL(`${branch?.name}.json`, folder), textOf(history));
        process.stderr.write(`[recorded] ${branch?.name}: ${history.events?.length} events\n`);
      }
    }
  } finally {
    await connection.close();
  }
}

/** Paths and the name of one machine are left out; replay does not look at them. */
function textOf(history: History): string {
  const blank: Record<string, string> = { stackTrace: "", identity: "worker" };
  const json = JSON.parse(historyToJSON(history), (key, value) => blank[key] ?? value);
  return `${JSON.stringify(json)}\n`;
}
