import { readdir, readFile } from "node:fs/promises";
import { historyFromJSON } from "@temporalio/common/lib/proto-utils.js";
import { DefaultLogger, Runtime, Worker } from "@temporalio/worker";
import { expect, it } from "vitest";

Runtime.install({ logger: new DefaultLogger("WARN") });

const histories = new URL("histories/", import.meta.url);
const files = (await readdir(histories)).filter((name) => name.endsWith(".json")).sort();

it("there are recorded histories to replay", () => expect(files.length).toBeGreaterThanOrEqual(5));

it.each(files)("%s replays with today's workflow code", async (file) => {
  const history = historyFromJSON(JSON.parse(await readFile(new URL(file, histories), "utf8")));
  const bundle = { codePath: new URL("../dist/workflow-bundle.js", import.meta.url).pathname };
  await Worker.runReplayHistory({ workflowBundle: bundle }, history);
});
