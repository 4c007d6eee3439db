// What a line for Textract's job slots costs while it moves: npm run bench:line -- [--documents 200] [--slots 10]
// [--job-seconds 5] [--starts-per-second 0] [--minutes 30] [--json]
//
// All documents are handed in at once; jobs take as long as they are told to; with a rate of Starts (0: none) the line waits
// for it, too. From then until the last document is complete:
// how long it took beside the least time that slots and jobs allow, the processor time of a document, how often it asked for a
// slot, and the events of its history.
import { setTimeout as sleep } from "node:timers/promises";
import { inParallel, openBench } from "../support/bench-stack.mjs";
import { machine, printTable } from "../support/figures.mjs";
import { readOptions } from "../support/options.mjs";
import { usage } from "../support/processes.mjs";

const options = readOptions(import.meta.url, {
  documents: 200,
  slots: 10,
  "job-seconds": 5,
  "starts-per-second": 0,
  minutes: 30,
  json: false,
});
const { documents, slots, "job-seconds": jobSeconds, "starts-per-second": perSecond } = options;

const bench = await openBench({ jobSeconds });
try {
  const settings = {
    DOCKET_TEXTRACT_JOBS: String(slots),
    ...(perSecond > 0 && { DOCKET_TEXTRACT_START_PER_SECOND: String(perSecond) }),
    DOCKET_TEXTRACT_POLL_MIN_SECONDS: "1",
    DOCKET_TEXTRACT_POLL_MAX_SECONDS: "1",
  };
  const worker = await bench.startWorker(undefined, settings);
  const roots = { worker: worker.pid, ...bench.servers };
  const keys = Array.from({ length: documents }, (_, index) => `line/${index}.pdf`);
  await inParallel(keys, 20, bench.putDocument);
  const before = await usage(roots);
  const began = performance.now();
  await inParallel(keys, 20, (key) => bench.handIn(key));
  const deadline = began + options.minutes * 60_000;
  while ((await bench.complete()) < documents) {
    if (performance.now() > deadline) throw new Error(`not all are complete after ${options.minutes} minutes`);
    await sleep(250);
  }
  const seconds = (performance.now() - began) / 1000;
  const after = await usage(roots);
  const parts = Object.keys(roots).map((name) => ({
    name,
    milliseconds: (((after[name]?.seconds ?? 0) - (before[name]?.seconds ?? 0)) * 1000) / documents,
  }));
  const histories = await Promise.all(
    keys.slice(-50).map(async (key) => (await bench.client.workflow.getHandle(key).describe()).historyLength),
  );
  const report = {
    ...{ documents, slots, jobSeconds, perSecond, seconds, parts },
    leastSeconds: Math.max(
      Math.ceil(documents / slots) * jobSeconds,
      perSecond > 0 ? (documents - 1) / perSecond + jobSeconds : 0,
    ),
    asksPerDocument: (await asks(worker.line)) / documents,
    eventsPerDocument: histories.reduce((sum, events) => sum + events, 0) / histories.length,
    machine: machine(),
  };
  if (options.json) console.log(JSON.stringify(report));
  else {
    printTable(
      ["", "ms of processor time a document"],
      parts.map((part) => [part.name, part.milliseconds.toFixed(1)]),
    );
    console.log(`${seconds.toFixed(1)} s, where slots, jobs and rate alone take ${report.leastSeconds} s`);
    const { asksPerDocument, eventsPerDocument } = report;
    console.log(
      `a document: ${asksPerDocument.toFixed(2)} asks for a slot, ${eventsPerDocument.toFixed(0)} events of history`,
    );
    console.log(report.machine);
  }
} finally {
  await bench.close();
}

/** Attempts of submitTextract that the worker has ended, by its metrics. */
async function asks(/** @type {string} */ address) {
  const text = await (await fetch(`${new URL(address).origin}/metrics`)).text();
  const counts = text.matchAll(/^docket_activities_total\{.*activity="submitTextract".*\} (\d+)$/gm);
  return [...counts].reduce((sum, [, number]) => sum + Number(number), 0);
}
