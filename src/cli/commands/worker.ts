import { type Command, InvalidArgumentError } from "commander";
import { type TaskQueue, taskQueues } from "../../contract/process-document.ts";
import { type CommonOptions, defineCommand, runs } from "../command.ts";
import { exitCodes } from "../exit-codes.ts";

interface Options extends CommonOptions {
  queues: TaskQueue[];
}

const allQueues = Object.values(taskQueues);

/** `docket worker`: serves task queues until SIGTERM or SIGINT. */
export function defineWorker(program: Command): void {
  defineCommand(program, {
    usage: "worker",
    summary: "serve task queues, as a process of its own",
    description:
      "Serves task queues until SIGTERM or Ctrl-C, with settings from the environment (docs/configuration.md). " +
      "Logs are JSON lines on standard output. Serve `ocr` in a process of its own, so that what recognition needs " +
      "never burdens the others.",
    examples: ["docket worker --queues documents,textract-submit,textract-results", "docket worker --queues ocr"],
    json: "accepted for uniformity: the log is JSON lines in any case",
    exits: { 0: "stopped in order, by SIGTERM or SIGINT", 2: null },
  })
    .requiredOption("--queues <names>", `task queues, joined by commas: ${allQueues.join(", ")}`, parseQueues)
    .action(
      runs(async (options: Options) => {
        const { keepGarbageFew } = await import("../../worker/worker-environment.ts");
        keepGarbageFew();
        const [{ loadConfig }, { runWorker }, { pino }] = await Promise.all([
          import("../../config.ts"),
          import("../../worker.ts"),
          import("pino"),
        ]);
        const config = loadConfig();
        const logger = pino({ level: config.worker.logLevel, base: { processId: process.pid } });
        // A worker that `docket up` leads ends with it, however that ends.
        process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
        await runWorker({
          config,
          queues: options.queues,
          logger,
          onReady: (health) => void process.send?.({ ready: true, health: health.address }),
        });
        return exitCodes.complete;
      }),
    );
}

/** Names of task queues, joined by commas. */
export function parseQueues(value: string): TaskQueue[] {
  const names = value.split(",").map((name) => name.trim());
  for (const name of names) {
    if (!allQueues.includes(name as TaskQueue)) {
      throw new InvalidArgumentError(`${name} is no task queue; known: ${allQueues.join(", ")}.`);
    }
  }
  return [...new Set(names)] as TaskQueue[];
}
