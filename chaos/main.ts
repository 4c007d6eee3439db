import { setMaxListeners } from "node:events";
import { Command, InvalidArgumentError } from "commander";
import { makeContents } from "./contents.ts";
import { type FaultName, faultNames } from "./faults.ts";
import { makePlan } from "./plan.ts";
import { runChaos } from "./run.ts";

interface Options {
  seed: number;
  documents: number;
  faults: FaultName[];
  minutes: number;
  keep?: boolean;
  json?: boolean;
  plan?: boolean;
}

const program = new Command("npm run chaos --")
  .description(
    "Runs documents through the whole stack, which it starts for itself on loopback in a temporary folder, while it " +
      "breaks things by a plan that follows from the seed; then looks whether every promise was kept: each document " +
      "complete or failed for a reason that a fault explains, texts as in a calm run, each job paid once, no page and " +
      "no row missing or left over, memory within its limits.",
  )
  .option("--seed <number>", "the same seed gives the same plan", wholeNumber(0), 1)
  .option("--documents <count>", "documents to hand in", wholeNumber(1), 40)
  .option("--faults <kinds>", `all, none, or some of: ${faultNames.join(", ")}`, parseFaults, faultNames)
  .option("--minutes <count>", "the run must end within this time", wholeNumber(1), 8)
  .option("--keep", "keep the temporary folder with its logs, and say where it is")
  .option("--plan", "print the plan and do nothing")
  .option("--json", "one JSON object on standard output; without it a few lines for people")
  .addHelpText(
    "after",
    "\nExample:\n  $ npm run chaos -- --seed 7 --documents 40 --faults all --json\n\n" +
      "Exit codes:\n  0  every promise was kept\n  1  one was not, or the run did not end in time\n",
  );

// The SDK's advice on Node versions is not for the person at the keyboard.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";

const options = program.parse().opts<Options>();
const say = (line: string) => process.stderr.write(`${line}\n`);
const contents = await makeContents();
const plan = makePlan(options.seed, { documents: options.documents, faults: options.faults, contents });
if (options.plan) {
  const documents = plan.documents.map(({ content, ...document }) => ({ content: content.name, ...document }));
  process.stdout.write(`${JSON.stringify({ ...plan, documents })}\n`);
} else {
  process.exitCode = await run();
}

async function run(): Promise<number> {
  const stopping = new AbortController();
  // Every document and every fault waits for it.
  setMaxListeners(0, stopping.signal);
  const stop = () => stopping.abort(new Error("interrupted"));
  // One Ctrl-C under npm arrives twice; the second must not keep this process from ending what it started.
  for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, stop);
  const late = setTimeout(() => stopping.abort(new Error("time is over")), options.minutes * 60_000);
  try {
    const report = await runChaos(plan, contents, { say, signal: stopping.signal, keep: options.keep ?? false });
    if (options.json) process.stdout.write(`${JSON.stringify(report)}\n`);
    else {
      const { complete, failed, incomplete, faults, violations, seconds } = report;
      for (const [name, count] of Object.entries(faults)) process.stdout.write(`${name.padEnd(22)} ${count}\n`);
      process.stdout.write(
        `seed ${report.seed}: ${complete} complete, ${failed} failed and ${incomplete} incomplete for a reason, ${seconds} s\n`,
      );
      for (const violation of violations) process.stdout.write(`violation: ${violation}\n`);
    }
    return report.violations.length === 0 ? 0 : 1;
  } catch (error) {
    const violations = [(error as Error).message];
    if (options.json) {
      process.stdout.write(`${JSON.stringify({ seed: plan.seed, documents: plan.documents.length, violations })}\n`);
    }
    // Documents that still wait would wait for a stack that is gone.
    stop();
    say(`The run ended early: ${(error as Error).stack ?? error}`);
    return 1;
  } finally {
    clearTimeout(late);
    for (const name of ["SIGINT", "SIGTERM"] as const) process.off(name, stop);
  }
}

function wholeNumber(least: number) {
  return (value: string): number => {
    const number = Number(value);
    if (Number.isInteger(number) && number >= least && number <= 1_000_000_000) return number;
    throw new InvalidArgumentError(`It is a whole number, ${least} or more.`);
  };
}

function parseFaults(value: string): FaultName[] {
  if (value === "all") return faultNames;
  if (value === "none") return [];
  const names = value.split(",").map((name) => name.trim());
  for (const name of names) {
    if (!faultNames.includes(name as FaultName)) {
      throw new InvalidArgumentError(`${name} is no kind of fault; known: ${faultNames.join(", ")}.`);
    }
  }
  return [...new Set(names)] as FaultName[];
}
