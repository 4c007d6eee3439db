// What documents cost while they wait for Textract: npm run bench:waiting -- [--documents 2000] [--seconds 60]
// [--minutes 30] [--json]
//
// Jobs that never end. When every document waits, the servers and the worker are watched for a while: memory, processor
// time, requests to Textract, and the history that a document has by then.
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { inParallel, openBench } from "../support/bench-stack.mjs";
import { machine, printTable } from "../support/figures.mjs";
import { usage } from "../support/processes.mjs";

const { values: options } = parseArgs({
  options: {
    documents: { type: "string", default: "2000" },
    seconds: { type: "string", default: "60" },
    minutes: { type: "string", default: "30" },
    json: { type: "boolean", default: false },
  },
});
const count = Math.min(10_000, Number(options.documents));

const bench = await openBench({ atWork: true });
try {
  const worker = await bench.startWorker();
  const roots = { worker: worker.pid, ...bench.servers };
  const empty = await usage(roots);
  const keys = Array.from({ length: count }, (_, index) => `waiting/${index}.pdf`);
  await inParallel(keys, 20, bench.putDocument);
  await inParallel(keys, 20, (key) => bench.handIn(key));
  await allWait();
  const before = { usage: await usage(roots), requests: await requests(), history: await history() };
  const began = performance.now();
  await sleep(Number(options.seconds) * 1000);
  const seconds = (performance.now() - began) / 1000;
  const after = { usage: await usage(roots), requests: await requests(), history: await history() };
  const parts = Object.keys(roots).map((name) => ({
    name,
    emptyMebibytes: (empty[name]?.memoryBytes ?? 0) / 2 ** 20,
    mebibytes: (after.usage[name]?.memoryBytes ?? 0) / 2 ** 20,
    coreShare: ((after.usage[name]?.seconds ?? 0) - (before.usage[name]?.seconds ?? 0)) / seconds,
  }));
  const report = {
    ...{ documents: count, seconds, parts, history: after.history },
    eventsAddedWhileWaiting: after.history.events - before.history.events,
    requestsPerSecond: (after.requests - before.requests) / seconds,
    machine: machine(),
  };
  if (options.json) console.log(JSON.stringify(report));
  else {
    printTable(
      ["", "MiB before", `MiB with ${count} waiting`, "% of a core"],
      parts.map((part) => [
        part.name,
        part.emptyMebibytes.toFixed(0),
        part.mebibytes.toFixed(0),
        (part.coreShare * 100).toFixed(1),
      ]),
    );
    const { bytes, events } = after.history;
    console.log(
      `history of a document: ${(bytes / 1000).toFixed(1)} KB, ${events} events, ${report.eventsAddedWhileWaiting} added`,
    );
    console.log(`${report.requestsPerSecond.toFixed(1)} requests a second to Textract\n${report.machine}`);
  }
} finally {
  await bench.close();
}

async function allWait() {
  const deadline = performance.now() + Number(options.minutes) * 60_000;
  for (;;) {
    const { rows } = await bench.database.query(
      "SELECT count(*)::int AS count FROM textract_jobs WHERE state = 'submitted'",
    );
    if (Number(rows[0].count) === count) return;
    if (performance.now() > deadline) throw new Error(`only ${rows[0].count} wait after ${options.minutes} minutes`);
    await sleep(500);
  }
}

async function requests() {
  const counts = await (await fetch(bench.endpoint)).json();
  return Number(counts.GetDocumentTextDetection ?? 0);
}

async function history() {
  const description = await bench.client.workflow.getHandle("waiting/0.pdf").describe();
  return { bytes: description.historySize ?? 0, events: description.historyLength };
}
