// A batch of many one-page documents: npm run bench:batch -- [--documents 1000] [--window 100] [--minutes 60] [--json]
//
// One worker and one batch on a stack of its own, with a Textract that answers at once. Prints documents a second in the
// first and the last tenth, memory of every process after each tenth (Linux) and how much it grew, events
// of the longest batch run, and how many documents were submitted between the hand-in of an urgent one in mid-batch and
// its own submission. `aims` says which of docs/performance.md's aims are met; they are for 10,000 documents and a quiet
// machine. --minutes bounds all of it.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { inParallel, openBench } from "../support/bench-stack.mjs";
import { machine, median } from "../support/figures.mjs";
import { readOptions } from "../support/options.mjs";
import { usage } from "../support/processes.mjs";

const options = readOptions(import.meta.url, {
  documents: 1000,
  window: 100,
  minutes: 60,
  json: false,
});
const count = Math.min(1_000_000, options.documents);
const { window } = options;
const prefix = "bench/";
/** Uploads at once, while the documents are made. */
const putsAtOnce = 8;
const deadline = performance.now() + options.minutes * 60_000;

const bench = await openBench();
const { client, database, bucket } = bench;
try {
  tell(`puts ${count} documents into S3`);
  const keys = Array.from({ length: count }, (_, index) => `${prefix}${String(index).padStart(7, "0")}.pdf`);
  await inParallel([...keys, "urgent/now.pdf"], putsAtOnce, bench.putDocument);
  const worker = await bench.startWorker();
  const roots = { worker: worker.pid, ...bench.servers };

  const batchId = randomUUID();
  const began = performance.now();
  const input = { batchId, source: { bucket, prefix }, project: "bench", window };
  const start = { taskQueue: "documents", workflowId: `batch/${batchId}`, args: [input] };
  const batch = await client.workflow.start("processBatch", start);
  const done = batch.result();
  done.catch(() => {});
  /** @type {{ seconds: number, memory: Record<string, number> }[]} */
  const tenths = [];
  let urgent = null;
  for (let tenth = 1; tenth <= 10; tenth++) {
    await ended((count * tenth) / 10);
    tenths.push({ seconds: (performance.now() - began) / 1000, memory: await memory(roots) });
    tell(`${tenth * 10}% after ${tenths.at(-1)?.seconds.toFixed(0)} s: ${JSON.stringify(tenths.at(-1)?.memory)} MiB`);
    if (tenth === 5) urgent = await urgentDocument();
  }
  const result = await done;
  const seconds = tenths.map((tenth, index) => tenth.seconds - (tenths[index - 1]?.seconds ?? 0));
  const rates = seconds.map((taken) => count / 10 / taken);
  const [first = 0, last = 0] = [rates[0], rates.at(-1)];
  const history = await events(batch.workflowId);
  const growth = growthOf(tenths.map((tenth) => tenth.memory));
  const report = {
    ...{ documents: count, window, result },
    documentsPerSecond: count / (tenths.at(-1)?.seconds ?? 1),
    documentsPerSecondOfTenths: rates.map((rate) => Number(rate.toFixed(2))),
    ...history,
    submittedBeforeUrgent: urgent,
    memoryGrowthMebibytes: growth,
    aims: {
      lastTenthWithinTenPercent: last >= 0.9 * first,
      longestRunBelow2000Events: history.longestRun < 2000,
      urgentAmongTheNextTen: urgent !== null && urgent < 10,
      // Of 10,000 documents: what each of them left behind would be more.
      memoryGrowthBelowTenPercent: Object.values(growth).every(({ from, by }) => by <= Math.max(20, from / 10)),
    },
    memoryMebibytes: tenths.map((tenth) => tenth.memory),
    machine: machine(),
  };
  console.log(options.json ? JSON.stringify(report) : report);
} finally {
  await bench.close();
}

function tell(/** @type {string} */ what) {
  if (!options.json) console.error(what);
}

/**
 * What each process had after the first three tenths, and how much more after the last three, MiB; medians, because a heap
 * goes up and down between its collections.
 */
function growthOf(/** @type {Record<string, number>[]} */ tenths) {
  /** @type {Record<string, { from: number, by: number }>} */
  const growth = {};
  for (const name of Object.keys(tenths[0] ?? {})) {
    const middle = (/** @type {Record<string, number>[]} */ some) => median(some.map((tenth) => tenth[name] ?? 0));
    const from = middle(tenths.slice(0, 3));
    growth[name] = { from, by: middle(tenths.slice(-3)) - from };
  }
  return growth;
}

async function ended(/** @type {number} */ wanted) {
  for (;;) {
    const { rows } = await database.query("SELECT complete + failed + incomplete AS ended FROM batches");
    if (Number(rows[0]?.ended ?? 0) >= Math.floor(wanted)) return;
    if (performance.now() > deadline)
      throw new Error(`only ${rows[0]?.ended} documents after ${options.minutes} minutes`);
    await sleep(250);
  }
}

/** Hands one document in behind the batch, first in priority. */
async function urgentDocument() {
  const handedIn = await database.query("SELECT now() AS at");
  const args = [{ document: { bucket, key: "urgent/now.pdf" }, project: "urgent", priority: 1 }];
  const start = { taskQueue: "documents", workflowId: "urgent", args, priority: { priorityKey: 1 } };
  const { documentId } = await client.workflow.execute("processDocument", start);
  const { rows } = await database.query(
    `SELECT count(*) AS before FROM textract_jobs j,
       (SELECT submitted_at AS at FROM textract_jobs WHERE document_id = $1::uuid) AS urgent
     WHERE j.submitted_at >= $2 AND j.submitted_at < urgent.at`,
    [documentId, handedIn.rows[0].at],
  );
  return Number(rows[0].before);
}

async function events(/** @type {string} */ workflowId) {
  const lengths = [];
  // The list lags behind a little.
  await sleep(2000);
  for await (const run of client.workflow.list({ query: `WorkflowId = "${workflowId}"` })) {
    lengths.push(run.historyLength ?? 0);
  }
  const sum = lengths.reduce((total, length) => total + length, 0);
  return { runs: lengths.length, longestRun: Math.max(...lengths), eventsPerDocument: sum / count };
}

/** Memory of the worker and the servers, MiB. */
async function memory(/** @type {Record<string, number>} */ roots) {
  const parts = Object.entries(await usage(roots));
  return Object.fromEntries(parts.map(([name, { memoryBytes }]) => [name, Math.round(memoryBytes / 2 ** 20)]));
}
