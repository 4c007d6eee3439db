import { type Command, InvalidArgumentError } from "commander";
import { checkedByDefault } from "../../contract/check-deployment.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";
import { colorsFor, note, print, printJson } from "../output.ts";
import { renderCheck } from "./doctor.ts";
import { parseQueues } from "./worker.ts";

interface Options extends CommonOptions {
  deployment: string;
  queues: ReturnType<typeof parseQueues>;
  makeCurrent?: boolean;
}

/** `docket gate`: whether a version of the workers may get documents. */
export function defineGate(program: Command): void {
  defineCommand(program, {
    usage: "gate <build-id>",
    summary: "check a version of the workers before it gets documents",
    description:
      "Runs the workflow checkDeployment on one version of the workers, by its build id: its workers answer on each " +
      "queue, the database has the migrations that this version needs, the buckets can be written, Textract answers " +
      "and takes the credentials. With the queue ocr, the recogniser reads a small picture. Nothing is paid.",
    examples: [
      "docket gate 2026-11-25",
      "docket gate 2026-11-25 --queues documents,textract-submit,textract-results,ocr --make-current",
    ],
    json: "one JSON object a check: name, queue, status (ok, failed), detail, remedy",
    exits: { 0: "the version may get documents", 2: "a check failed" },
  })
    .option(
      "--deployment <name>",
      "the worker deployment",
      parseName,
      process.env["TEMPORAL_DEPLOYMENT_NAME"] || "docket",
    )
    .option("--queues <names>", "queues whose workers are asked, joined by commas", parseQueues, [...checkedByDefault])
    .option("--make-current", "let the version have all new documents when nothing failed")
    .action(runs((buildId: string, options: Options) => gate(buildId, options)));
}

async function gate(buildId: string, { deployment, queues, makeCurrent, json }: Options): Promise<number> {
  const [{ connectTemporal }, { loadTemporalConnection }, gates] = await Promise.all([
    import("../../client/connect.ts"),
    import("../../config/temporal-connection.ts"),
    import("../../client/deployment-gate.ts"),
  ]);
  const temporal = await connectTemporal(loadTemporalConnection(process.env));
  try {
    const version = { deploymentName: deployment, buildId };
    const checks = await gates.checkVersion(temporal, version, queues);
    const color = colorsFor(process.stdout);
    for (const { name, queue, detail, failure } of checks) {
      const status = failure === null ? ("ok" as const) : ("failed" as const);
      const remedy = failure?.remedy ?? null;
      if (json) await printJson({ name, queue, status, detail, remedy });
      else await print(renderCheck({ name, status, detail: `${queue}: ${detail}`, remedy }, color));
    }
    if (checks.some(({ failure }) => failure !== null)) return exitCodes.documentFailed;
    if (makeCurrent) {
      await gates.makeCurrent(temporal, version);
      note(`${deployment} ${buildId} is the current version: new documents start on it.`);
    }
    return exitCodes.complete;
  } finally {
    await temporal.connection.close();
  }
}

function parseName(value: string): string {
  if (/^[^\s:]{1,200}$/.test(value)) return value;
  throw new InvalidArgumentError("It is a name without blanks and colons.");
}
