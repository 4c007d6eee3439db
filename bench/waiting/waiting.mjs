// What documents cost while they wait for Textract: npm run bench:waiting -- [--documents 2000] [--seconds 60]
// [--settle 0] [--slots NUMBER] [--notified [--default-times]] [--minutes 30] [--json]
//
// Jobs that never end. When every document waits, the servers and the worker are watched for a while, `--settle` seconds
// later: memory, processor time, requests to Textract, and the history that a document has by then. With `--slots` that many
// have a job and the others stand in line for one. With `--notified` the ends of jobs are told, and looks come at a
// sixtieth of the default times: first after 5 seconds, at last every minute instead of every hour; with `--default-times`
// they come when they do where nobody has set anything.
import { setTimeout as sleep } from "node:timers/promises";
import { inParallel, openBench } from "../support/bench-stack.mjs";
import { machine, printTable } from "../support/figures.mjs";
import { readOptions } from "../support/options.mjs";
import { usage } from "../support/processes.mjs";

const options = readOptions(import.meta.url, {
  documents: 2000,
  seconds: 60,
  settle: 0,
  slots: null,
  notified: false,
  "default-times": false,
  minutes: 30,
  json: false,
});
const count = Math.min(10_000, options.documents);
const settings = {
  ...(options.slots === null ? {} : { DOCKET_TEXTRACT_JOBS: options.slots }),
  ...(options.notified
    ? {
        DOCKET_TEXTRACT_TOPIC_ARN: "arn:aws:sns:us-east-1:123456789012:bench",
        DOCKET_TEXTRACT_ROLE_ARN: "arn:aws:iam::123456789012:role/bench",
      }
    : {}),
  ...(options.notified && !options["default-times"]
    ? { DOCKET_TEXTRACT_NOTIFIED_POLL_SECONDS: "5", DOCKET_TEXTRACT_NOTIFIED_POLL_MAX_SECONDS: "60" }
    : {}),
};

const bench = await openBench({ atWork: true });
try {
  const worker = await bench.startWorker(undefined, settings);
  const roots = { worker: worker.pid, ...bench.servers };
  const empty = await usage(roots);
  const keys = Array.from({ length: count }, (_, index) => `waiting/${index}.pdf`);
  await inParallel(keys, 20, bench.putDocument);
  await inParallel(keys, 20, (key) => bench.handIn(key));
  await allWait();
  await sleep(options.settle * 1000);
  const look = async () => ({
    usage: await usage(roots),
    requests: await requests(),
    history: await history(),
    attempts: await attempts(worker.line),
  });
  const before = await look();
  const began = performance.now();
  await sleep(options.seconds * 1000);
  const seconds = (performance.now() - began) / 1000;
  const after = await look();
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
    looksPerSecond: (after.attempts.awaitTextract - before.attempts.awaitTextract) / seconds,
    asksForSlotsPerSecond: (after.attempts.submitTextract - before.attempts.submitTextract) / seconds,
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
    const { requestsPerSecond, looksPerSecond, asksForSlotsPerSecond } = report;
    console.log(
      `a second: ${requestsPerSecond.toFixed(1)} requests to Textract, ${looksPerSecond.toFixed(1)} looks at jobs, ${asksForSlotsPerSecond.toFixed(1)} asks for a slot`,
    );
    console.log(report.machine);
  }
} finally {
  await bench.close();
}

async function allWait() {
  const deadline = performance.now() + options.minutes * 60_000;
  for (;;) {
    const { rows } = await bench.database.query(
      "SELECT count(*)::int AS count FROM textract_jobs j LEFT JOIN textract_turns t ON t.token = j.token WHERE state = 'submitted' OR (t.token IS NOT NULL AND admitted_at IS NULL)",
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

/** Attempts of activities that the worker has ended, by its metrics. */
async function attempts(/** @type {string} */ address) {
  const text = await (await fetch(`${new URL(address).origin}/metrics`)).text();
  const of = (/** @type {string} */ activity) =>
    [...text.matchAll(new RegExp(`^docket_activities_total\\{.*activity="${activity}".*\\} (\\d+)$`, "gm"))].reduce(
      (sum, [, number]) => sum + Number(number),
      0,
    );
  return { awaitTextract: of("awaitTextract"), submitTextract: of("submitTextract") };
}
