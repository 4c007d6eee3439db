// Documents a second through the whole processDocument: npm run bench:throughput -- [--documents 200] [--rounds 3]
// [--sides docket,bare,bare-told,bare-one-queue,celery] [--server own] [--minutes 10] [--json]
//
// One-page documents lie in S3 already, and Textract answers at once (bench/support/instant-textract.mjs). Beside it, in
// turns on the same servers: a bare workflow with as many activities that do nothing, on the same task queues with the
// same worker settings (the ceiling), the same with all that a document's workflow tells of itself, the same on one queue,
// and a minimal pipeline on Celery 5 and Redis. Prints documents a second (medians over the rounds) and the processor time
// that each process took for a document: on a busy machine that is the figure to compare. `--server own`: Temporal's own
// server on the same PostgreSQL, whose figure then holds Temporal's share, instead of the development server with its file
// (built with Go at the first run).
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { inParallel, listedAs, openBench } from "../support/bench-stack.mjs";
import { machine, median, printTable } from "../support/figures.mjs";
import { readOptions } from "../support/options.mjs";
import { startProcess, usage } from "../support/processes.mjs";
import { startCelery } from "./celery-pipeline.mjs";

const options = readOptions(import.meta.url, {
  documents: 200,
  rounds: 3,
  sides: "docket,bare,bare-told,bare-one-queue,celery",
  server: "development",
  minutes: 10,
  json: false,
});
const count = Math.min(10_000, options.documents);
const rounds = Math.min(20, options.rounds);
const warmUp = 20;
/** @type {Record<string, string>} */
const bareTypes = { bare: "bareDocument", "bare-told": "bareTold", "bare-one-queue": "bareOnOneQueue" };
const together = 20;

if (!["development", "own"].includes(options.server)) throw new Error("--server is development or own");
const bench = await openBench({ ownServer: options.server === "own" });
const { client, servers } = bench;
/** @type {(() => Promise<void>)[]} */
const closing = [() => bench.close()];
/** @type {Promise<Awaited<ReturnType<typeof startProcess>>> | undefined} */
let bare;
try {
  const documentsWanted = options.sides.includes("docket") || options.sides.includes("celery");
  const keys = Array.from({ length: warmUp + count * rounds }, (_, index) => `bench/${index}.pdf`);
  tell(`puts ${keys.length} documents into S3`);
  if (documentsWanted) await inParallel(keys, together, bench.putDocument);
  const sides = await startSides(options.sides.split(","));

  /** @type {Record<string, { perSecond: number, milliseconds: Record<string, number> }[]>} */
  const measured = {};
  for (const side of sides) {
    tell(`${side.name} warms up`);
    await measure(side, keys.slice(0, warmUp));
  }
  for (let round = 0; round < rounds; round++) {
    const own = keys.slice(warmUp + round * count, warmUp + (round + 1) * count);
    for (const side of sides) {
      const figures = await measure(side, own);
      measured[side.name] = [...(measured[side.name] ?? []), figures];
      tell(`round ${round + 1}, ${side.name}: ${figures.perSecond.toFixed(1)}/s`);
    }
  }
  report(measured);
} finally {
  for (const close of closing.reverse()) await close().catch(console.error);
}

function tell(/** @type {string} */ what) {
  if (!options.json) console.error(what);
}

/**
 * @typedef {{ name: string, roots: Record<string, number>, handIn(keys: string[]): Promise<unknown>,
 *             complete(): Promise<number> }} Side
 * @param {string[]} names
 */
async function startSides(names) {
  /** @type {Side[]} */
  const sides = [];
  for (const name of names) {
    if (name === "docket") {
      const worker = await bench.startWorker();
      closing.push(worker.stop);
      const input = (/** @type {string} */ key) => ({ document: { bucket: bench.bucket, key }, project: "bench" });
      const start = (/** @type {string} */ key) =>
        startWorkflow("processDocument", "documents", [input(key)], listedAs);
      sides.push(workflowSide(name, "processDocument", worker.pid, start));
    } else if (name in bareTypes) {
      const worker = await bareWorker();
      const type = bareTypes[name] ?? "";
      const attributes = type === "bareTold" ? listedAs : undefined;
      sides.push(workflowSide(name, type, worker.pid, () => startWorkflow(type, "bare-documents", [], attributes)));
    } else if (name === "celery") {
      const celery = await startCelery(bench, 2);
      if (celery === null) console.error("celery is left out: python3 and redis-server are needed");
      else {
        closing.push(celery.close);
        const roots = { ...celery.roots, PostgreSQL: servers.PostgreSQL, S3: servers.S3 };
        sides.push({ ...celery, name, roots });
      }
    } else throw new Error(`--sides knows no ${name}`);
  }
  return sides;
}

async function bareWorker() {
  if (bare === undefined) {
    const program = fileURLToPath(new URL("./bare-worker.mjs", import.meta.url));
    bare = startProcess(process.execPath, [program], /worker is polling/, bench.environment);
    const worker = await bare;
    closing.push(worker.stop);
  }
  return bare;
}

/** @returns {Side} */
function workflowSide(
  /** @type {string} */ name,
  /** @type {string} */ type,
  /** @type {number} */ worker,
  /** @type {(key: string) => Promise<unknown>} */ start,
) {
  return {
    name,
    roots: { worker, ...servers },
    handIn: (keys) => inParallel(keys, together, start),
    async complete() {
      const ended = async (/** @type {string} */ status) =>
        (await client.workflow.count(`WorkflowType = "${type}" AND ExecutionStatus = "${status}"`)).count;
      if ((await ended("Failed")) > 0) throw new Error(`a workflow of ${name} failed: nothing is measured`);
      return ended("Completed");
    },
  };
}

/**
 * @param {string} type
 * @param {string} taskQueue
 * @param {unknown[]} args
 * @param {import("@temporalio/common").SearchAttributePair[]} [typedSearchAttributes]
 */
function startWorkflow(type, taskQueue, args, typedSearchAttributes = []) {
  return client.workflow.start(type, { taskQueue, args, typedSearchAttributes, workflowId: `bench/${randomUUID()}` });
}

/** Time from the first hand-in to the last document's end. */
async function measure(/** @type {Side} */ side, /** @type {string[]} */ keys) {
  const wanted = (await side.complete()) + keys.length;
  const before = await usage(side.roots);
  const began = performance.now();
  const deadline = began + options.minutes * 60_000;
  await side.handIn(keys);
  while ((await side.complete()) < wanted) {
    if (performance.now() > deadline) throw new Error(`${side.name} did not end in ${options.minutes} minutes`);
    await sleep(200);
  }
  const seconds = (performance.now() - began) / 1000;
  const after = await usage(side.roots);
  const milliseconds = Object.fromEntries(
    Object.keys(side.roots).map((name) => {
      const spent = (after[name]?.seconds ?? 0) - (before[name]?.seconds ?? 0);
      return [name, (spent * 1000) / keys.length];
    }),
  );
  return { perSecond: keys.length / seconds, milliseconds };
}

function report(/** @type {Record<string, { perSecond: number, milliseconds: Record<string, number> }[]>} */ measured) {
  const sides = Object.entries(measured).map(([side, runs]) => {
    const parts = Object.keys(runs[0]?.milliseconds ?? {});
    const of = (/** @type {string} */ part) => median(runs.map(({ milliseconds }) => milliseconds[part] ?? 0));
    const milliseconds = Object.fromEntries(parts.map((part) => [part, of(part)]));
    return { side, perSecond: median(runs.map((run) => run.perSecond)), runs, milliseconds };
  });
  const ceiling = sides.find(({ side }) => side === "bare")?.perSecond;
  if (options.json) {
    console.log(JSON.stringify({ documents: count, rounds, sides, machine: machine() }));
    return;
  }
  const parts = ["worker", "Temporal", "Redis", "PostgreSQL", "S3"];
  printTable(
    ["side", "documents/s", "of the ceiling", ...parts.map((part) => `${part}, CPU ms`), "all"],
    sides.map(({ side, perSecond, milliseconds }) => [
      side,
      perSecond.toFixed(1),
      ceiling === undefined ? "" : (perSecond / ceiling).toFixed(2),
      ...parts.map((part) => milliseconds[part]?.toFixed(1) ?? ""),
      Object.values(milliseconds)
        .reduce((sum, value) => sum + value, 0)
        .toFixed(1),
    ]),
  );
  console.log(machine());
}
